// What goes wrong in a manager's life: each ends in words that they understand, with nothing lost and no blank page.
import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Agent, init, Login } from "blindtally";
import { addComputer, go, logIn, open, PASSWORD, Scene, signUp, ticketOf } from "./harness.mjs";

const scene = new Scene();
let service, browser, dashboard, page, login, saved;
let accounts = 0;

before(async () => {
  service = await scene.service();
  browser = await scene.browser();
  await init();
});
after(() => scene.end());

/** Every test has an account of its own, logged in. */
beforeEach(async () => {
  login = `manager-${++accounts}@example.org`;
  dashboard = await open(browser, service);
  page = dashboard.page;
  saved = await signUp(page, login);
});
afterEach(async () => {
  // What the browser says of answers that are errors is expected here; whatever else it says is not.
  const expected = /^Failed to load resource|^Failed to find a valid digest|SRI's integrity checks failed/;
  await dashboard.context.close();
  assert.deepEqual(dashboard.problems.filter((text) => !expected.test(text)), []);
});

const alert = (words) => page.getByRole("alert").getByText(words).waitFor();
const status = (words) => page.getByRole("status").getByText(words).waitFor();
const lock = async () => {
  await page.getByRole("button", { name: "Lock" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
};
const answer = (status, body, headers = {}) => (route) => route.fulfill({ status, body, headers });

/** The account's owner elsewhere: the package in Node. */
async function elsewhere() {
  const post = async (path, body, session) => {
    const response = await fetch(service.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...session && { authorization: `Bearer ${session}` } },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.headers.get("content-type")?.startsWith("application/json") ? response.json() : undefined;
  };
  const bytes = (text) => new Uint8Array(Buffer.from(text, "base64url"));
  const text = (bytes) => Buffer.from(bytes).toString("base64url");
  const { kdf, salt, account_id: account } = await post("/api/v1/prelogin", { login });
  const started = await Login.start({ login, password: PASSWORD, prelogin: { kdf, salt: bytes(salt), account } });
  const { session, vault } = await post("/api/v1/login", { login, login_proof: text(started.proof()) });
  /** Asks for keys, as an agent does that has the ticket from wherever. */
  const ask = async (ticket, name) => {
    const { pending, request } = await Agent.enroll(ticket, name);
    await post("/api/v1/enrollments", { account_id: account, device_id: pending.info().device, request: text(request) });
  };
  return { owner: started.unlock(bytes(vault)), post, ask };
}

test("a wrong password", async () => {
  await lock();
  await logIn(page, login, "not the password");
  await alert("The name or the password is wrong");
  await logIn(page, login);
  await page.getByRole("heading", { name: "Reports" }).waitFor();
});

test("a wrong backup, half a backup, no backup at all, and the wrong key", async () => {
  await lock();
  await page.getByRole("button", { name: "Lost your password?" }).click();
  await page.getByLabel("Name").fill(login);
  await page.getByLabel("New password").fill("yet another password");
  await page.getByLabel("The same again").fill("yet another password");
  const attempt = async (content, key, words) => {
    const file = join(scene.folder, "attempt.txt");
    writeFileSync(file, content);
    if (content === "") truncateSync(file, 300 << 20);
    await page.getByLabel("Backup file").setInputFiles(file);
    await page.getByLabel("Its recovery key or passphrase").fill(key);
    await page.getByRole("button", { name: "Restore the account" }).click();
    await alert(words);
  };
  await attempt("Dear diary, 🦭", saved.recoveryKey, "This is no backup file");
  await attempt(saved.backup.slice(0, saved.backup.length / 2), saved.recoveryKey, /damaged|too early|no backup/);
  const middle = saved.backup.length / 2;
  const damaged = saved.backup.slice(0, middle) + saved.backup.slice(middle).replace(/[a-m]/, "z");
  await attempt(damaged, saved.recoveryKey, "This file is damaged");
  // 300 MiB of nothing.
  await attempt("", saved.recoveryKey, /too large|no backup/);
  await attempt(saved.backup, saved.recoveryKey.replace(/.$/, (last) => last === "0" ? "1" : "0"), "One is mistyped");
});

test("a service that answers 500, 429 or nonsense at the door", async () => {
  await lock();
  for (const [answering, words] of [
    [answer(500, "<h1>Oops</h1>"), "The service has a problem of its own"],
    [answer(429, '{"code":"login.rate-limited","message":""}', { "retry-after": "120" }), "Too many attempts. Wait a little and try again. (in 2 minutes)"],
    [answer(429, "slow down"), "The service has too much to do"],
    [answer(200, "<!DOCTYPE html><title>Welcome to nginx</title>"), "The service gave an answer that makes no sense"],
    [answer(200, '{"kdf":{"id":"none"},"salt":"","account_id":"x"}'), "The service gave an answer that makes no sense"],
    [answer(200, `{"kdf":{"id":"pbkdf2-sha256","iterations":1000},"salt":"${"A".repeat(22)}","account_id":"${"0".repeat(32)}"}`), "weaker protection of your password"],
    [answer(302, "", { location: "https://example.org/" }), "The service cannot be reached"],
    [(route) => route.abort("connectionreset"), "The service cannot be reached"],
  ]) {
    await page.route("**/api/v1/prelogin", answering);
    await logIn(page, login);
    await alert(words);
    await page.unroute("**/api/v1/prelogin");
  }
  await logIn(page, login);
  await page.getByRole("heading", { name: "Reports" }).waitFor();
});

test("a connection that is lost inside, and comes back", async () => {
  const computer = await addComputer(scene, service, page, "desk");
  await dashboard.context.setOffline(true);
  await status("The service cannot be reached");
  await page.getByRole("button", { name: "Revoke desk" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByText("The service cannot be reached").waitFor();
  await dashboard.context.setOffline(false);
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row", { name: "desk" }).getByText("Revoked").waitFor();
  await page.getByText("Trying again by itself").waitFor({ state: "detached" });
  assert.equal(computer.run(["sync"]).error?.code, "agent.revoked");
});

test("a change that was stored, but whose answer was lost", async () => {
  const computer = await addComputer(scene, service, page, "desk");
  let lost = 0;
  await page.route("**/api/v1/vault", async (route) => {
    if (route.request().method() !== "PUT" || lost++ > 0) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await page.getByRole("button", { name: "Revoke desk" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByText("The service cannot be reached").waitFor();
  // What was stored but not sent is sent by itself.
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("row", { name: "desk" }).getByText("Revoked").waitFor();
  while (computer.run(["sync"]).error?.code !== "agent.revoked") await page.waitForResponse("**/api/v1/devices");
  assert.ok(lost >= 1);
});

test("a session that ended goes on by itself", async () => {
  const other = await elsewhere();
  const renewed = page.waitForResponse("**/api/v1/login");
  await page.route("**/api/v1/enrollments", async (route) => {
    await other.post("/api/v1/logout", {}, route.request().headers().authorization.slice("Bearer ".length));
    return route.continue();
  }, { times: 1 });
  assert.equal((await renewed).status(), 200);
  await addComputer(scene, service, page, "desk");
});

test("a password that was changed in another browser", async () => {
  const second = await open(browser, service);
  await logIn(second.page, login);
  await go(second.page, "Security");
  const card = second.page.getByRole("region", { name: "Change the password" });
  await card.getByLabel("New password").fill("a quite different password");
  await card.getByLabel("The same again").fill("a quite different password");
  await card.getByRole("button").click();
  await card.getByText("The password is changed.").waitFor();
  await second.context.close();
  await alert("Your session has ended. Log in again.");
  await logIn(page, login, "a quite different password");
  await page.getByRole("heading", { name: "Reports" }).waitFor();
});

test("a ticket that had expired", async () => {
  const { owner, ask } = await elsewhere();
  await ask(owner.issueTicket({ now: Date.now() - 8 * 86_400_000 }).text, "late");
  await status("The ticket had expired");
  await go(page, "Devices");
  assert.equal(await page.getByRole("row", { name: "late" }).count(), 0);
});

test("two devices with one ticket raise an alarm, and the second gets no keys", async () => {
  await go(page, "Devices");
  const { ticket } = await ticketOf(page);
  scene.computer(service, "first").enroll(ticket);
  await page.getByRole("row", { name: "first" }).getByText("Active").waitFor();
  await (await elsewhere()).ask(ticket, "thief");
  await alert("two devices used the same ticket");
  assert.equal(await page.getByRole("row", { name: "thief" }).count(), 0);
});

test("a second dashboard in another tab: both work, and locking locks both", async () => {
  const second = await dashboard.context.newPage();
  await second.goto(`${service.url}/`);
  await logIn(second, login);
  await second.getByRole("heading", { name: "Reports" }).waitFor();
  await addComputer(scene, service, page, "one");
  await go(second, "Devices");
  await second.getByRole("row", { name: "one" }).getByText("Active").waitFor();
  const { ticket } = await ticketOf(second);
  const two = scene.computer(service, "two");
  two.enroll(ticket);
  for (const each of [page, second]) await each.getByRole("row", { name: "two" }).getByText("Active").waitFor();
  assert.equal(two.run(["sync"]).error, undefined);
  await second.getByRole("button", { name: "Revoke one" }).click();
  await second.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  for (const each of [page, second]) await each.getByRole("row", { name: "one" }).getByText("Revoked").waitFor();
  await second.getByRole("button", { name: "Lock" }).click();
  for (const each of [page, second]) await each.getByRole("heading", { name: "Log in" }).waitFor();
});

test("a service that shows an older account than this browser has seen", async () => {
  const kept = new Promise((resolve) => page.route("**/api/v1/login", async (route) => {
    const response = await route.fetch();
    resolve((await response.json()).vault);
    return route.fulfill({ response });
  }));
  await lock();
  await logIn(page, login);
  const vault = await kept;
  await page.unroute("**/api/v1/login");
  await addComputer(scene, service, page, "desk");
  await lock();
  await page.route("**/api/v1/login", async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...await response.json(), vault } });
  });
  await logIn(page, login);
  await alert("The service shows an older state of your account");
});

test("a browser that keeps nothing", async () => {
  await lock();
  await page.addInitScript(() => { IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError"); }; });
  await page.reload();
  await page.getByLabel("Stay unlocked").check();
  await logIn(page, login);
  await alert("This browser keeps nothing for this page");
  await page.getByLabel("Stay unlocked").uncheck();
  await logIn(page, login);
  await page.getByRole("heading", { name: "Reports" }).waitFor();
});

test("files of the page that were tampered with", async () => {
  for (const [file, words] of [["owner-worker", "could not be loaded"], [".wasm", "could not be loaded"]]) {
    await page.route((url) => url.pathname.includes(file), async (route) => {
      const response = await route.fetch();
      return route.fulfill({ response, body: Buffer.concat([await response.body(), Buffer.from("\n")]) });
    });
    await page.reload();
    await logIn(page, login);
    await alert(words);
    await page.unrouteAll();
  }
  await page.route((url) => /\/index-.*\.js$/.test(url.pathname), async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, body: `${await response.text()}\nalert("mine")` });
  });
  await page.reload();
  await page.getByText("If this does not go away").waitFor();
});
