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
  return { owner: started.unlock(bytes(vault)), account, post, text, ask };
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
  await attempt("Dear diary, 🦭", saved.recoveryKey, "This is not the file or text that belongs here");
  await attempt(saved.backup.slice(0, saved.backup.length / 2), saved.recoveryKey, /damaged|too early|belongs here/);
  const middle = saved.backup.length / 2;
  const damaged = saved.backup.slice(0, middle) + saved.backup.slice(middle).replace(/[a-m]/, "z");
  await attempt(damaged, saved.recoveryKey, "This file is damaged");
  // 300 MiB of nothing.
  await attempt("", saved.recoveryKey, /too large|belongs here/);
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
  await computer.revoked();
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
  await computer.revoked();
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
  await alert("The password was changed elsewhere. Log in again.");
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
  assert.equal(await two.keys(), undefined);
  await second.getByRole("button", { name: "Revoke one" }).click();
  await second.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  for (const each of [page, second]) await each.getByRole("row", { name: "one" }).getByText("Revoked").waitFor();
  await second.getByRole("button", { name: "Lock" }).click();
  for (const each of [page, second]) await each.getByRole("heading", { name: "Log in" }).waitFor();
});

test("a change that the service does not store is offered again, and is not said to be done", async () => {
  const computer = await addComputer(scene, service, page, "desk");
  const revoke = async () => {
    await page.getByRole("button", { name: "Revoke desk" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByText("The service has a problem").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await status("Your last change is not stored yet");
  };
  await page.route("**/api/v1/vault", (route) => route.request().method() === "PUT" ? route.fulfill({ status: 503 }) : route.continue());
  await revoke();
  await lock();
  await alert("Your last change (a device confirmed or revoked, new keys) could not be stored");
  // The account that this browser remembers is the one that the service has.
  await logIn(page, login);
  await page.getByRole("row", { name: "desk" }).getByText("Active").waitFor();
  await revoke();
  await page.unrouteAll();
  await page.getByText("Your last change is not stored yet").waitFor({ state: "detached" });
  await computer.revoked();
});

test("a new password that the service did not answer for", async () => {
  await go(page, "Security");
  await page.route("**/api/v1/password", (route) => route.fulfill({ status: 503 }));
  const card = page.getByRole("region", { name: "Change the password" });
  await card.getByLabel("New password").fill("a quite different password");
  await card.getByLabel("The same again").fill("a quite different password");
  await card.getByRole("button").click();
  await alert("It is not certain that the password was changed");
  await logIn(page, login, "a quite different password");
  await alert("The name or the password is wrong");
  await logIn(page, login);
  await addComputer(scene, service, page, "desk");
});

test("staying unlocked is of one account, and no other's", async () => {
  await go(page, "Security");
  await page.getByLabel("Stay unlocked").check();
  const second = await dashboard.context.newPage();
  await second.goto(`${service.url}/`);
  await second.getByRole("button", { name: "Lock" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Security" }).waitFor();
  // Another account, in a tab of the same browser that was at the door.
  const other = await dashboard.context.newPage();
  await dashboard.context.setOffline(true);
  await other.goto(`${service.url}/`).catch(() => undefined);
  await dashboard.context.setOffline(false);
  await other.route("**/api/v1/login", (route) => route.fulfill({ status: 503 }));
  await other.goto(`${service.url}/`);
  await other.getByRole("heading", { name: "This browser stays unlocked" }).waitFor();
  await other.unrouteAll();
  await signUp(other, `other-${login}`);
  await go(other, "Security");
  assert.equal(await other.getByLabel("Stay unlocked").isChecked(), false);
  const card = other.getByRole("region", { name: "Change the password" });
  await card.getByLabel("New password").fill("a quite different password");
  await card.getByLabel("The same again").fill("a quite different password");
  await card.getByRole("button").click();
  await card.getByText("The password is changed.").waitFor();
  await other.getByRole("button", { name: "Lock" }).click();
  await other.getByRole("heading", { name: "Log in" }).waitFor();
  // Neither the new password nor the lock of the other account was any business of the first.
  await page.reload();
  await page.getByRole("banner").getByText(login, { exact: true }).waitFor();
});

test("a browser that stays unlocked, at a service that is away", async () => {
  await go(page, "Security");
  await page.getByLabel("Stay unlocked").check();
  await page.route("**/api/v1/login", (route) => route.fulfill({ status: 503 }));
  await page.reload();
  await alert("The service has a problem of its own");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Security" }).waitFor();
  await page.route("**/api/v1/login", (route) => route.fulfill({ status: 503 }));
  await page.reload();
  await page.getByRole("button", { name: "Lock" }).click();
  await page.getByText("This browser stays unlocked").waitFor({ state: "detached" });
  await page.unrouteAll();
  await page.reload();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
});

test("a browser that does not forget what it kept says so", async () => {
  await go(page, "Security");
  await page.getByLabel("Stay unlocked").check();
  await page.getByLabel("Stay unlocked").and(page.locator(":enabled")).waitFor();
  await page.evaluate(() => { IDBObjectStore.prototype.delete = () => { throw new DOMException("no", "UnknownError"); }; });
  await page.getByRole("button", { name: "Lock" }).click();
  await alert("This browser does not forget what it was told to keep");
});

test("a session whose renewal fails is renewed later", async () => {
  const other = await elsewhere();
  await page.route("**/api/v1/login", (route) => route.fulfill({ status: 503 }), { times: 2 });
  await page.route("**/api/v1/enrollments", async (route) => {
    await other.post("/api/v1/logout", {}, route.request().headers().authorization.slice("Bearer ".length));
    return route.continue();
  }, { times: 1 });
  await status("The service has a problem of its own");
  await page.getByText("Trying again by itself").waitFor({ state: "detached" });
  await addComputer(scene, service, page, "desk");
});

test("requests of strangers are refused in one line, and taken away at the service", async () => {
  const { account, post, text } = await elsewhere();
  for (let device = 1; device <= 30; device++) {
    const junk = crypto.getRandomValues(new Uint8Array(200));
    await post("/api/v1/enrollments", { account_id: account, device_id: String(device).padStart(32, "0"), request: text(junk) });
  }
  await status("30 devices were refused.");
  assert.ok(await page.getByRole("region", { name: "Notices" }).locator("p.notice").count() <= 2);
  await page.getByRole("button", { name: "Dismiss" }).click();
  await page.getByText("devices were refused").waitFor({ state: "detached" });
  await addComputer(scene, service, page, "desk");
});

test("a confirmation is told of until it was seen, over a reload too", async () => {
  await addComputer(scene, service, page, "desk");
  await page.reload();
  await logIn(page, login);
  await status("Confirmed a new device: desk");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await page.reload();
  await logIn(page, login);
  await page.getByRole("row", { name: "desk" }).getByText("Active").waitFor();
  assert.equal(await page.getByText("Confirmed a new device").count(), 0);
});

test("of several devices without a ticket, the code says which", async () => {
  await go(page, "Devices");
  const accountCode = await page.getByRole("region", { name: "A device without a ticket" }).last().locator("code").innerText();
  const computers = ["one", "two", "three"].map((name) => scene.computer(service, name));
  const codes = computers.map((computer) => computer.enrollByCode(accountCode).device_code);
  await page.getByRole("heading", { name: "3 devices without a ticket ask for keys" }).waitFor();
  await page.getByLabel("Code that the device shows").fill(codes[1]);
  // A name that would turn what follows around, and end the sentence.
  await page.getByLabel("Name to give the device").fill("two\u202E?gnihtyreve");
  await page.getByRole("button", { name: "Confirm the device" }).click();
  await page.getByRole("heading", { name: "2 devices without a ticket ask for keys" }).waitFor();
  assert.equal(await computers[1].keys(), undefined);
  assert.equal(computers[0].run(["sync"]).error?.code, "agent.waiting-for-keys");
  await page.getByRole("button", { name: "Revoke two" }).click();
  const words = await page.getByRole("dialog").innerText();
  assert.ok(words.includes(codes[1]) && !words.includes("\u202E"));
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /^Revoke two/);
  await page.getByRole("button", { name: "Refuse all" }).click();
  await page.getByLabel("Code that the device shows").waitFor({ state: "detached" });
});

test("a service that hides a device gets its keys once more, and not for ever", async () => {
  await addComputer(scene, service, page, "desk");
  let deliveries = 0;
  page.on("request", (request) => deliveries += request.url().endsWith("/delivery") ? 1 : 0);
  await page.route("**/api/v1/devices", (route) => route.fulfill({ json: { devices: [] } }));
  for (let looks = 0; looks < 3; looks++) await page.waitForResponse("**/api/v1/devices");
  assert.equal(deliveries, 1);
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
