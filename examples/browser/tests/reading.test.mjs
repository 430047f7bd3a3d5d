// What a manager reads: the numbers and words of a day that real agents sent, compared with what the command line says.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { addComputer, Cli, go, PASSWORD, PEOPLE, Scene, seeded } from "./harness.mjs";

const LOGIN = "mara@example.org";
const scene = new Scene();
let service, dashboard, page, cli, computers;

before(async () => {
  service = await scene.service();
  dashboard = await seeded(scene, service, await scene.browser(), LOGIN, { timezoneId: "Europe/Berlin", locale: "en-GB" });
  ({ page, computers } = dashboard);
  cli = new Cli(join(scene.folder, "owner"), PASSWORD);
  cli.run("login", "--server", service.url, "--login", LOGIN);
});
after(() => scene.end());

const KINDS = { Applications: "app", Sites: "host", Addresses: "url", Titles: "title", Documents: "document" };
const choose = (label) => page.getByRole("group").getByText(label, { exact: true }).click();
const table = () => page.locator("table.rows");
const firstCells = () => table().locator("tbody tr th").allInnerTexts();

/** Every row of the CSV file that the page saves. */
async function exported() {
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as CSV" }).click();
  const text = readFileSync(await (await downloading).path(), "utf8");
  const rows = [...text.replace(/^\uFEFF/, "").matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n)/g)];
  const lines = [[]];
  for (const [, quoted, bare, end] of rows) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? bare);
    if (end !== ",") lines.push([]);
  }
  return lines.slice(1, -1);
}

/** As a spreadsheet is given it: a formula gets an apostrophe. */
const safe = (value) => /^\s*[=+\-@＝＋－＠]|^[\t\r]/.test(value) && !/^[+-]?\d+(?:[.,]\d+)*%?$/.test(value) || /^sep=/i.test(value) ? `'${value}` : value;

test("every kind of report is what the command line says, value by value", async () => {
  await go(page, "Reports");
  const { report } = cli.run("report", "--by", "all");
  for (const [label, of] of Object.entries(KINDS)) {
    await choose(label);
    await page.getByRole("heading", { name: label, level: 2 }).waitFor();
    const expected = report.filter((row) => row.class === of).map((row) => [safe(row.value), row.seconds, row.active_seconds, row.events]);
    const seen = (await exported()).map(([value, seconds, active, , events]) => [value, Number(seconds), Number(active), Number(events)]);
    const order = ([a], [b]) => a < b ? -1 : a > b ? 1 : 0;
    assert.ok(expected.length > 1, `${of} has rows`);
    assert.deepEqual(seen.sort(order), expected.sort(order), of);
  }
});

test("people have the time that they spent in applications, each once", async () => {
  const { report } = cli.run("report", "--by", "app");
  await choose("People");
  await page.getByRole("heading", { name: "People", level: 2 }).waitFor();
  const rows = await exported();
  assert.deepEqual(rows.map(([name]) => name), Object.values(PEOPLE));
  const sum = (numbers) => Math.round(numbers.reduce((sum, each) => sum + Number(each), 0));
  assert.equal(sum(rows.map(([, seconds]) => seconds)), sum(report.map(({ seconds }) => seconds)));
});

test("tables sort by every column and search in the words", async () => {
  await choose("Applications");
  await page.getByRole("heading", { name: "Applications", level: 2 }).waitFor();
  const longest = (await firstCells())[0];
  await page.getByRole("button", { name: "Time", exact: true }).click();
  assert.equal(await table().locator("th[aria-sort]").getAttribute("aria-sort"), "ascending");
  assert.equal((await firstCells()).at(-1), longest);
  await page.getByRole("button", { name: "Application", exact: true }).click();
  const names = await firstCells();
  assert.notEqual(names[0], longest);
  assert.deepEqual(names.slice(1), names.slice(1).sort((a, b) => a.localeCompare(b)));
  await page.getByLabel("Search applications").fill("WINWORD");
  await page.getByRole("status").getByText("1 found").waitFor();
  assert.deepEqual(await firstCells(), ["winword.exe"]);
  assert.deepEqual((await exported()).map(([value]) => value), ["winword.exe"]);
  await page.getByLabel("Search applications").fill("");
});

test("charts are tables that screen readers read, and add up", async () => {
  const perDay = await page.getByRole("table", { name: "Time per day" }).getByRole("row").count();
  assert.ok(perDay >= 30, "a column for each day, empty ones too");
  assert.equal(await page.getByRole("table", { name: "Time by hour of the day" }).locator("tbody tr").count(), 24);
});

test("a person, a device and a range of days narrow the report", async () => {
  await go(page, "Reports");
  const total = () => page.locator("dl.facts dd").first().innerText();
  const all = await total();
  await page.getByRole("combobox", { name: /^Person/ }).selectOption(PEOPLE.nordlicht);
  await page.waitForFunction((all) => document.querySelector("dl.facts dd").innerText !== all, all);
  const mine = await total();
  await page.getByRole("combobox", { name: /^Person/ }).selectOption("Everybody");
  await page.waitForFunction((all) => document.querySelector("dl.facts dd").innerText === all, all);
  await page.getByRole("combobox", { name: /^Device/ }).selectOption("nordlicht");
  await page.waitForFunction((mine) => document.querySelector("dl.facts dd").innerText === mine, mine);
  await page.getByRole("combobox", { name: /^Device/ }).selectOption("All devices");
  await page.getByLabel("To", { exact: true }).fill("2026-02-02");
  await page.getByText("There is nothing in this period").waitFor();
  await page.getByRole("button", { name: "Show the last days that have something" }).click();
  await page.waitForFunction((all) => document.querySelector("dl.facts dd")?.innerText === all, all);
});

test("a report that stands under another period is not saved, and goes when there is no other", async () => {
  await choose("Last 30 days");
  const save = page.getByRole("button", { name: "Save as CSV" });
  const downloading = page.waitForEvent("download");
  await save.click();
  assert.equal((await downloading).suggestedFilename(), "blindtally-applications-2026-02-11-to-2026-03-12.csv");
  let release;
  const held = new Promise((resolve) => release = resolve);
  let times = [];
  await page.route("**/api/v1/totals**", async (route) => {
    await held;
    times.push(performance.now());
    await route.fulfill({ status: 429, json: { code: "storage.busy" }, headers: { "retry-after": "3600" } });
  });
  await choose("Last 7 days");
  await page.waitForFunction(() => document.querySelector("main [aria-busy=true] table.rows"));
  assert.ok(await save.isDisabled());
  release();
  await page.locator(".failure").first().waitFor();
  await table().waitFor({ state: "detached" });
  assert.equal(await save.count(), 0);
  const asked = times.length;
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  assert.equal(times.length, asked, "the service said when to ask again");
  await page.unrouteAll();
  await choose("Last 30 days");
  await table().waitFor();
  // The browser says itself that it was refused.
  dashboard.problems.splice(0);
});

test("what is counted is of the person who was chosen", async () => {
  const people = () => page.locator("dl.facts div", { hasText: "People" }).locator("dd").innerText();
  assert.equal(await people(), "2");
  await page.getByRole("combobox", { name: /^Person/ }).selectOption(PEOPLE.nordlicht);
  await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
  assert.equal(await people(), "1");
  await page.getByRole("combobox", { name: /^Person/ }).selectOption("Everybody");
  await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
});

test("a category is never without a name, and goes to the kind that it was chosen for", async () => {
  await go(page, "Categories");
  await choose("Sites");
  // Not before the rows are sites.
  const site = page.locator("table.rows select").first();
  await site.selectOption("New category…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("   ");
  await dialog.getByRole("button", { name: "Assign" }).click();
  assert.equal(await dialog.getByLabel("Name").evaluate((input) => input.validity.patternMismatch), true);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const telling = page.waitForRequest((request) => request.method() === "PUT");
  await site.selectOption("Neutral");
  const { class: name, value } = (await telling).postDataJSON();
  // SPEC.md: a token's second byte is its class.
  assert.deepEqual([name, Buffer.from(value.slice(4), "base64url")[1]], ["host", 3]);
  const taking = page.waitForResponse((response) => response.request().method() === "DELETE");
  await site.selectOption("Not assigned");
  await taking;
  await page.waitForFunction(() => document.querySelector("table.rows select").value === "");
  await choose("Applications");
});

test("categories are assigned to what the owner reads, and the service adds them up", async () => {
  await go(page, "Categories");
  const stored = page.waitForResponse((response) => response.request().method() === "PUT");
  await page.getByLabel("Category of Code.exe").selectOption("Productive");
  await stored;
  await page.getByLabel("Category of firefox.exe").selectOption("New category…");
  await page.getByRole("dialog").getByLabel("Name").fill("Research 🔎");
  await page.getByRole("dialog").getByRole("button", { name: "Assign" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const { categories } = cli.run("categories");
  assert.deepEqual(categories, [
    { class: "app", value: "Code.exe", category: "productive" },
    { class: "app", value: "firefox.exe", category: "Research 🔎" },
  ]);
  await go(page, "Reports");
  await choose("Last 30 days");
  // What the service adds up itself, before keys were ever changed.
  const { report } = cli.run("report", "--by", "category");
  const seconds = Object.fromEntries(report.map((row) => [row.value, row.seconds]));
  for (const [label, value] of [["productive", "productive"], ["Research 🔎", "Research 🔎"]]) {
    const minutes = Math.round(seconds[value] / 60);
    await page.getByText(label, { exact: false }).first().waitFor();
    const legend = await page.locator(".card", { has: page.getByText(label) }).first().innerText();
    assert.ok(legend.includes(`${Math.floor(minutes / 60)} h ${minutes % 60} min`), `${legend} has ${minutes} minutes of ${label}`);
  }
});

test("after new keys a value is still one row, and keeps its category", async () => {
  await go(page, "Security");
  await page.getByRole("button", { name: "Give all devices new keys" }).click();
  await page.getByText("Its keys were changed 1 times.").waitFor();
  const [computer] = computers;
  computer.run(["sync"]);
  await go(page, "Reports");
  await page.getByRole("button", { name: "Application", exact: true }).waitFor();
  const before = await firstCells();
  // The same day once more from a second computer: the same words, in tokens of the new keys.
  const third = await addComputer(scene, service, page, "spare");
  third.import("nordlicht", PEOPLE.nordlicht);
  await go(page, "Reports");
  const { report } = cli.run("report", "--by", "app");
  const code = report.find((row) => row.value === "Code.exe");
  await page.getByRole("row", { name: "Code.exe" }).getByText(code.events.toLocaleString("en-GB"), { exact: true }).waitFor();
  assert.deepEqual((await firstCells()).sort(), before.sort());
  const productive = page.getByRole("table", { name: "Time by category" }).locator("td.productive");
  const minutes = Math.round(code.seconds / 60);
  await page.waitForFunction(([cell, time]) => cell.innerText === time, [await productive.elementHandle(), `${Math.floor(minutes / 60)} h ${minutes % 60} min`]);
});

test("the switch shows the same rows as the service holds them", async () => {
  await go(page, "Security");
  await page.getByRole("switch", { name: "Show what the service sees" }).click();
  const row = page.getByRole("region", { name: "What the service sees" }).getByRole("row", { name: "winword.exe" });
  const token = await row.locator("code, .token").first().innerText();
  const { report } = cli.run("report", "--by", "app");
  assert.equal(token, report.find(({ value }) => value === "winword.exe").token);
});

test("live: what an agent sends meanwhile appears by itself", async () => {
  await go(page, "Reports");
  await choose("Last 30 days");
  await page.getByRole("button", { name: "Application", exact: true }).waitFor();
  const events = () => page.locator("dl.facts dd").nth(2).innerText();
  const before = await events();
  const fourth = await addComputer(scene, service, page, "another");
  await go(page, "Reports");
  await page.getByRole("button", { name: "Application", exact: true }).waitFor();
  fourth.import("studio-7", PEOPLE["studio-7"]);
  await page.waitForFunction((before) => document.querySelectorAll("dl.facts dd")[2].innerText !== before, before);
  assert.deepEqual(dashboard.problems, []);
});
