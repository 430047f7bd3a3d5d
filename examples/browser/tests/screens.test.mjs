// Every screen as a person meets it: what axe-core says of it in the light, in the dark and on a phone; its layout, loosely,
// beside one that was looked at and found good (`BLINDTALLY_REVIEW=1` writes those anew); and the keyboard alone.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { go, logIn, open, PASSWORD, picture, put, Scene, seeded, tone } from "./harness.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const REVIEWED = join(import.meta.dirname, "reviewed");
/** Screens are compared at this scale: where things are, and not how each letter is drawn. */
const SCALE = 0.25;
/** How much of a picture may differ, for other fonts and other numbers. */
const TOLERANCE = 0.06;
const FORMATS = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light" },
};

const scene = new Scene();
let service, browser, dashboard, page;

before(async () => {
  service = await scene.service();
  browser = await scene.browser();
  dashboard = await seeded(scene, service, browser, "mara@example.org", { deviceScaleFactor: SCALE, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce" });
  ({ page } = dashboard);
  const folder = (name) => join(scene.folder, name);
  for (let minute = 10; minute < 19; minute++) put(folder("shots"), `${minute}.png`, picture(minute), `2026-03-12T07:${minute}:00Z`);
  put(folder("shots"), "none.png", picture(1).subarray(0, 8), "2026-03-12T07:15:30Z");
  put(folder("voice"), "tone.wav", tone(2), "2026-03-12T07:20:00Z");
  put(folder("voice"), "another.wav", tone(3), "2026-03-12T07:30:00Z");
  const lines = [["keystrokes", "dear diary,\nthe seal \u202Eis mine"], ["clipboard", "https://example.org/seals"], ["chat", `see you ${"soon ".repeat(40)}`]];
  writeFileSync(folder("records.jsonl"), lines.map(([name, value], at) => `${JSON.stringify({ time: `2026-03-12T08:0${at}:00Z`, class: name, value })}\n`).join(""));
  const { blobs, records } = dashboard.computers[0].collect({ screenshot: folder("shots"), voice: folder("voice") }, folder("records.jsonl"));
  assert.deepEqual([blobs, records], [12, 3]);
});
after(() => scene.end());

/** What differs from one run to the next: codes, times of confirmation, the picture of a ticket. */
const changing = (page) => [page.locator("code"), page.locator(".qr"), page.locator("td time"), page.locator("tbody td:nth-child(3)").filter({ hasText: "2026" })];

async function look(page, name) {
  for (const [format, { viewport, colorScheme }] of Object.entries(FORMATS)) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => scrollTo(0, 0));
    await check(page, `${name}-${format}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `${name}-${format} is wider than the window`);
    await compare(await page.screenshot({ mask: changing(page), maskColor: "#888", animations: "disabled" }), `${name}-${format}`);
  }
  await page.setViewportSize(FORMATS.light.viewport);
}

async function check(page, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`), [], name);
}

async function compare(png, name) {
  const file = join(REVIEWED, `${name}.png`);
  if (process.env.BLINDTALLY_REVIEW) writeFileSync(file, png);
  assert.ok(existsSync(file), `${name} was never looked at`);
  const difference = differenceOf(png, readFileSync(file));
  if (difference <= TOLERANCE) return;
  const seen = join(process.env.BLINDTALLY_TARGET ?? scene.folder, `${name}.png`);
  writeFileSync(seen, png);
  assert.fail(`${name}: ${(100 * difference).toFixed(1)} % is not as it was reviewed: see ${seen}`);
}

/** The part of the pixels that differ plainly. */
function differenceOf(one, other) {
  const [a, b] = [PNG.sync.read(one), PNG.sync.read(other)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  return pixelmatch(a.data, b.data, undefined, a.width, a.height, { threshold: 0.25 }) / (a.width * a.height);
}

test("the door", async () => {
  const { page, context, problems } = await open(browser, service, { deviceScaleFactor: SCALE });
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await look(page, "log-in");
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await look(page, "sign-up");
  await page.getByRole("button", { name: "I have an account" }).click();
  await page.getByRole("button", { name: "Lost your password?" }).click();
  await look(page, "lost-password");
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await page.getByRole("button", { name: "Open encrypted file" }).click();
  await look(page, "open-file");
  assert.deepEqual(problems, []);
  await context.close();
});

test("the first backup", async () => {
  const { page, context } = await open(browser, service, { deviceScaleFactor: SCALE });
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await page.getByLabel("Name").fill("second@example.org");
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await page.getByRole("button", { name: "Save the backup file" }).waitFor();
  await look(page, "backup");
  await context.close();
});

test("reports", async () => {
  await go(page, "Reports");
  await page.locator("table.rows tbody tr").first().waitFor();
  await look(page, "reports");
});

test("screenshots, and one of them large", async () => {
  await go(page, "Screenshots");
  await page.waitForFunction(() => document.querySelectorAll(".gallery img").length === 9);
  await look(page, "screenshots");
  await page.getByRole("button", { name: "08:10:00" }).click();
  await page.getByRole("dialog").getByRole("img").waitFor();
  await look(page, "screenshot");
  await page.keyboard.press("Escape");
});

test("voices", async () => {
  await go(page, "Voice");
  await page.getByRole("button", { name: "Open the recording of 12 Mar 2026, 08:20:00" }).click();
  await page.waitForFunction(() => document.querySelector("audio")?.duration === 2);
  await look(page, "voice");
});

test("records", async () => {
  await go(page, "Records");
  await page.getByRole("row", { name: "dear diary" }).waitFor();
  await look(page, "records");
});

test("archives, and one that is open", async () => {
  await go(page, "Archives");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Make the archive" }).click();
  await page.locator(".drop input").setInputFiles(await (await downloading).path());
  await page.getByText("Every file that is listed opens.").waitFor();
  await look(page, "archives");
});

test("devices, with a ticket", async () => {
  await go(page, "Devices");
  await page.getByRole("row", { name: "studio-7" }).getByText("2,376").waitFor();
  await page.getByRole("button", { name: "Make a ticket" }).click();
  await page.getByText("As a link").waitFor();
  await look(page, "devices");
  await page.getByRole("button", { name: "Done" }).click();
});

test("categories", async () => {
  await go(page, "Categories");
  await page.getByLabel("Category of Code.exe").waitFor();
  await look(page, "categories");
});

test("security, and what the service sees", async () => {
  await go(page, "Security");
  await page.getByRole("switch").click();
  await page.getByText("What the service holds").first().waitFor();
  await look(page, "security");
  if (process.env.BLINDTALLY_REVIEW) await takePicture();
});

/** The picture of the README. */
async function takePicture() {
  const { page, context } = await open(browser, service, { locale: "en-GB", timezoneId: "Europe/Berlin" });
  await page.clock.setFixedTime(new Date("2026-03-12T09:00:00Z"));
  await logIn(page, "mara@example.org");
  await go(page, "Security");
  await page.getByRole("switch").click();
  await page.getByText("What the service holds").first().waitFor();
  await page.getByRole("region", { name: "What the service sees" }).screenshot({ path: join(import.meta.dirname, "../picture.png") });
  await context.close();
}

test("a screen that is not as it was reviewed is found out", () => {
  const [reports, devices] = ["reports-light", "devices-light"].map((name) => readFileSync(join(REVIEWED, `${name}.png`)));
  assert.equal(differenceOf(reports, reports), 0);
  assert.ok(differenceOf(reports, devices) > TOLERANCE);
});

test("everything can be done with the keyboard", async () => {
  const { page, context } = await open(browser, service);
  const focused = () => page.evaluate(() => document.activeElement.ariaLabel || document.activeElement.innerText || document.activeElement.labels?.[0]?.innerText || "");
  /** Goes on with the key until the focus is on what has this text; never around the page twice. */
  const tabTo = async (name, key = "Tab") => {
    for (let steps = 0; steps < 200; steps++) {
      await page.keyboard.press(key);
      if ((await focused()).includes(name)) return;
    }
    assert.fail(`${key} does not reach ${name}`);
  };
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await tabTo("Name");
  await page.keyboard.type("mara@example.org");
  await tabTo("Password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Reports" }).waitFor();
  await tabTo("Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await tabTo("Devices", "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: "nordlicht" }).getByText("Active").waitFor();
  await tabTo("Revoke nordlicht");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.closest("dialog") !== null), "the focus is in the dialog");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Revoke nordlicht", "the focus is back where it was");
  await context.close();
});
