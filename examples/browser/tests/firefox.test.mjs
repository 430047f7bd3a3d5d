// The same dashboard in a second browser engine: Debian's Firefox, by WebDriver BiDi.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { launchFirefox } from "../../../bindings/wasm/tests/web.mjs";
import { PASSWORD, PATIENCE, PEOPLE, picture, put, Scene } from "./harness.mjs";

const scene = new Scene();
after(() => scene.end());

test("from the first click to the first report, a picture and an archive, without a complaint", async () => {
  const service = await scene.service();
  const browser = await launchFirefox();
  scene.finally(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const problems = [];
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  const press = (name) => page.locator(`::-p-xpath(//button[normalize-space()="${name}"])`).click();
  const fill = (name, text) => page.locator(`input[name=${name}]`).fill(text);
  const shows = (words) => page.waitForFunction((words) => document.body.innerText.includes(words), {}, words);
  const code = (start) => page.waitForFunction(
    (start) => [...document.querySelectorAll("code.code")].map((code) => code.innerText).find((text) => text.startsWith(start)), {}, start,
  ).then((found) => found.jsonValue());
  const screen = (name) => page.locator(`nav a[href="#${name}"]`).click();

  await page.goto(`${service.url}/`);
  await press("Enable encryption");
  await fill("login", "mara@example.org");
  await fill("password", PASSWORD);
  await fill("repeated", PASSWORD);
  await page.locator("form button.primary").click();
  const recoveryKey = await code("");
  await press("Save the backup file");
  await press("I have saved both");
  await fill("recovery-key", recoveryKey);
  await press("Confirm");
  await screen("devices");
  await press("Make a ticket");
  const computer = scene.computer(service, "nordlicht");
  computer.enroll(await code("btt1_"));
  await shows("Confirmed a new device: nordlicht");
  assert.equal(await computer.keys(), undefined);
  assert.equal(computer.import("nordlicht", PEOPLE.nordlicht).error, undefined);
  await screen("reports");
  await page.locator('::-p-xpath(//button[starts-with(., "Show the last days that have something")])').click();
  await shows("WindowsTerminal.exe");
  const folder = join(scene.folder, "shots");
  put(folder, "one.png", picture(1), new Date(Date.now() - 3_600_000));
  assert.equal(computer.collect({ screenshot: folder }).blobs, 1);
  await screen("screenshots");
  await page.locator('::-p-xpath(//label[normalize-space()="Last 7 days"])').click();
  await page.waitForFunction(() => document.querySelector(".gallery img")?.naturalWidth === 320);
  await screen("archives");
  await press("Make the archive");
  await shows("The archive is saved");
  await screen("security");
  await page.locator("input[role=switch], [role=switch]").click();
  await shows("What the service holds");
  await press("Lock");
  await shows("Log in");
  assert.deepEqual(problems, []);
});
