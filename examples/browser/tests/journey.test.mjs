// A manager's first days, from the first click: the dashboard as the service serves it, with real agents.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { confirmBackup, enable, go, logIn, open, PASSWORD, Scene, ticketOf, addComputer } from "./harness.mjs";

const LOGIN = "mara@example.org";
const scene = new Scene();
let service, browser, dashboard, page;

before(async () => {
  service = await scene.service();
  browser = await scene.browser();
});
after(() => scene.end());

/** Nothing was complained of, and nothing was asked of anybody but the service. */
function assertQuiet({ problems, requests }) {
  assert.deepEqual(problems, []);
  assert.deepEqual(requests.filter((url) => !url.startsWith(`${service.url}/`) && !url.startsWith("blob:")), []);
}

test("the backup comes before anything else, and is asked for until its key was shown to be kept", async () => {
  dashboard = await open(browser, service);
  page = dashboard.page;
  await enable(page, LOGIN);
  await page.reload();
  await logIn(page, LOGIN);
  await page.getByRole("heading", { name: "Your backup" }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
  assert.equal(await page.getByRole("button", { name: "I have saved both" }).isEnabled(), false);
  await page.getByRole("button", { name: "Save the backup file" }).click();
  await page.getByRole("button", { name: "I have saved both" }).click();
  await page.getByLabel("Type the recovery key").fill("0000-0000-0000-0000-0000-0000-0000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("alert").getByText("28 letters and digits").waitFor();
  await page.getByRole("button", { name: "Show the key again" }).click();
  await confirmBackup(page);
  await page.getByRole("heading", { name: "Reports" }).waitFor();
  assertQuiet(dashboard);
});

test("a device with a ticket is confirmed by itself at the first look after its request has come", async () => {
  await go(page, "Devices");
  const { ticket, link } = await ticketOf(page);
  assert.equal(link, `blindtally:${ticket}`);
  // What the page is told and what it stores, in order.
  const log = [];
  await page.route("**/api/v1/enrollments", async (route) => {
    const response = await route.fetch();
    log.push((await response.json()).enrollments.length === 0 ? "nothing" : "request");
    await route.fulfill({ response });
  });
  await page.route(/\/api\/v1\/(vault|devices\/[0-9a-f]{32}\/delivery)$/, async (route) => {
    if (route.request().method() === "PUT") log.push(new URL(route.request().url()).pathname.split("/").at(-1));
    await route.continue();
  });
  const computer = scene.computer(service, "nordlicht");
  computer.enroll(ticket);
  await page.getByRole("status").getByText("Confirmed a new device: nordlicht").waitFor();
  await page.getByRole("row", { name: "nordlicht" }).getByText("Active").waitFor();
  await page.unrouteAll({ behavior: "wait" });
  assert.deepEqual(log.slice(log.indexOf("request")).slice(0, 3), ["request", "vault", "delivery"]);
  assert.equal(await computer.keys(), undefined);
  assertQuiet(dashboard);
});

test("the QR code holds the ticket's link", async () => {
  await page.getByRole("button", { name: "Make a ticket" }).click();
  const link = await page.locator("code.code", { hasText: /^blindtally:/ }).innerText();
  // Drawn again from the text: module for module the same picture.
  const same = await page.getByRole("img", { name: "QR code" }).evaluate((canvas) =>
    [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data].filter((_, at) => at % 4 === 0));
  const { generate } = await import("lean-qr");
  const code = generate(link);
  const expected = Array.from({ length: (code.size + 8) ** 2 }, (_, at) =>
    code.get(at % (code.size + 8) - 4, Math.floor(at / (code.size + 8)) - 4) ? 0 : 255);
  assert.deepEqual(same, expected);
  await page.getByRole("button", { name: "Cancel this ticket" }).last().click();
  await page.getByRole("button", { name: "Make a ticket" }).waitFor();
  const refused = scene.computer(service, "late").enroll(link);
  assert.ok(refused.error, "a cancelled ticket enrols nobody");
});

// SPEC.md#typed-code
test("a device without a ticket gets keys for its code only", async () => {
  const computer = scene.computer(service, "studio-7");
  const accountCode = await page.getByRole("region", { name: "A device without a ticket" }).last().locator("code").innerText();
  const { device_code: code } = computer.enrollByCode(accountCode);
  await page.getByLabel("Code that the device shows").fill("AAAA-AAAA-AAAA-AAAA-AAAA-AAAA");
  await page.getByLabel("Name to give the device").fill("Tomás’ Studio");
  await page.getByRole("button", { name: "Confirm the device" }).click();
  await page.getByRole("alert").getByText("not the code of that device").waitFor();
  await page.getByLabel("Code that the device shows").fill(code.toLowerCase());
  await page.getByRole("button", { name: "Confirm the device" }).click();
  await page.getByRole("row", { name: "Tomás’ Studio" }).getByText("Active").waitFor();
  await page.getByLabel("Code that the device shows").waitFor({ state: "detached" });
  assert.equal(await computer.keys(), undefined);
  assertQuiet(dashboard);
});

test("a device that is not expected is refused", async () => {
  const accountCode = await page.getByRole("region", { name: "A device without a ticket" }).last().locator("code").innerText();
  scene.computer(service, "stranger").enrollByCode(accountCode);
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.getByLabel("Code that the device shows").waitFor({ state: "detached" });
  assertQuiet(dashboard);
});

test("a revoked device loses its keys, and all others get new ones", async () => {
  const computer = await addComputer(scene, service, page, "laptop");
  await page.getByRole("button", { name: "Revoke laptop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("status").getByText("all other devices got new keys").waitFor();
  await page.getByRole("row", { name: "laptop" }).getByText("Revoked").waitFor();
  await computer.revoked();
  await go(page, "Security");
  await page.getByText("Its keys were changed 1 times.").waitFor();
  assertQuiet(dashboard);
});

// SPEC.md#kept-login-erased
test("a reload asks for the password, unless the owner chose to stay unlocked; locking ends that", async () => {
  await page.reload();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByLabel("Stay unlocked").check();
  await logIn(page, LOGIN);
  await page.getByRole("heading", { name: "Security" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Security" }).waitFor();
  const kept = await page.evaluate(() => new Promise((resolve) => {
    const opening = indexedDB.open("keyval-store");
    opening.onsuccess = () => {
      const getting = opening.result.transaction("keyval").objectStore("keyval").get("kept-login");
      getting.onsuccess = () => resolve({ extractable: getting.result.key.extractable, usages: getting.result.key.usages });
    };
  }));
  assert.deepEqual(kept, { extractable: false, usages: ["decrypt"] });
  await page.getByRole("button", { name: "Lock" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assertQuiet(dashboard);
});

test("a new password opens the account, and the old one no more", async () => {
  await logIn(page, LOGIN);
  await go(page, "Security");
  const card = page.getByRole("region", { name: "Change the password" });
  await card.getByLabel("New password").fill("a quite different password");
  await card.getByLabel("The same again").fill("a quite different passwort");
  await card.getByRole("button").click();
  assert.match(await card.getByLabel("The same again").evaluate((input) => input.validationMessage), /not the same/);
  await card.getByLabel("The same again").fill("a quite different password");
  await card.getByRole("button").click();
  await card.getByText("The password is changed.").waitFor();
  // A look that was under way then belongs to a session that has ended; it is made again.
  assertQuiet({ ...dashboard, problems: dashboard.problems.filter((text) => !text.includes("status of 401")) });
  await page.getByRole("button", { name: "Lock" }).click();
  await logIn(page, LOGIN, PASSWORD);
  await page.getByRole("alert").getByText("name or the password is wrong").waitFor();
  await logIn(page, LOGIN, "a quite different password");
  await page.getByRole("heading", { name: "Security" }).waitFor();
});

test("a backup with a passphrase gives the account back after a lost password", async () => {
  const card = page.getByRole("region", { name: "Backups" });
  await card.getByRole("button", { name: "New backup with a passphrase" }).click();
  await card.getByLabel("Passphrase of the backup").fill("the passphrase of the backup");
  await card.getByLabel("The same again").fill("the passphrase of the backup");
  const downloading = page.waitForEvent("download");
  await card.getByRole("button", { name: "Save the backup file" }).click();
  const file = join(scene.folder, "backup.txt");
  await (await downloading).saveAs(file);
  await page.getByRole("button", { name: "Lock" }).click();

  await page.getByRole("button", { name: "Lost your password?" }).click();
  await page.getByLabel("Backup file").setInputFiles(file);
  await page.getByLabel("Its recovery key or passphrase").fill("the passphrase of the backup");
  await page.getByLabel("Name").fill(LOGIN);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Restore the account" }).click();
  await confirmBackup(page);
  await go(page, "Devices");
  await page.getByRole("row", { name: "nordlicht" }).getByText("Active").waitFor();
  await page.getByRole("row", { name: "laptop" }).getByText("Revoked").waitFor();
});

test("an account secret is needed beside the password", async () => {
  const other = await open(browser, service);
  const { page } = other;
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await page.getByLabel("Name").fill("secretive@example.org");
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByLabel("Add an account secret").check();
  await page.getByRole("button", { name: "Enable encryption" }).click();
  const secret = await page.getByRole("group", { name: "Account secret" }).locator("code").innerText();
  await page.getByLabel("Type the account secret").fill(secret.toLowerCase());
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await confirmBackup(page);
  assertQuiet(other);
  await page.getByRole("button", { name: "Lock" }).click();
  await logIn(page, "secretive@example.org");
  await page.getByRole("alert").getByText("account secret if you have one").waitFor();
  await page.getByLabel("I have an account secret").check();
  await page.getByLabel("Account secret", { exact: true }).fill(secret);
  await logIn(page, "secretive@example.org");
  await page.getByRole("heading", { name: "Reports" }).waitFor();
  await other.context.close();
});
