// Archives: made here and opened again, here, by the owner tool and without the service; damaged ones; and what goes wrong
// while one is made.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Cli, countLent, go, lent, open, picture, put, Scene, seeded, stored, tone } from "./harness.mjs";

const LOGIN = "mara@example.org";
const scene = new Scene();
let service, browser, dashboard, page, saved, archive;

const at = (time) => `2026-03-12T${time}Z`;
const SHOTS = {
  "20260312T070000.000Z": picture(1),
  "20260312T070100.000Z": picture(2, { width: 200, height: 150, isNoise: true }),
  "20260312T070200.000Z": picture(3),
};
const RECORDS = [
  { time: at("06:00:00.000"), class: "keystrokes", value: "dear diary,\n\"the seal\" \u202Eis mine" },
  { time: at("06:00:01.000"), class: "chat", value: "see you at eight" },
];

before(async () => {
  service = await scene.service();
  browser = await scene.browser();
  dashboard = await seeded(scene, service, browser, LOGIN);
  ({ page, saved } = dashboard);
  const folder = (name) => join(scene.folder, name);
  Object.values(SHOTS).forEach((content, minute) => put(folder("shots"), `${minute}.png`, content, at(`07:0${minute}:00.000`)));
  put(folder("voice"), "tone.wav", tone(1), at("07:10:00.000"));
  writeFileSync(folder("records.jsonl"), RECORDS.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const [first] = dashboard.computers;
  assert.equal(first.collect({ screenshot: folder("shots"), voice: folder("voice") }, folder("records.jsonl")).blobs, 4);
  await go(page, "Archives");
});
after(() => scene.end());
afterEach(() => assert.deepEqual(dashboard.problems.filter((text) => !/^Failed to load resource/.test(text)), []));

const press = (name) => page.getByRole("button", { name, exact: true }).click();
const download = async (act, { page: by = page } = {}) => {
  const downloading = by.waitForEvent("download");
  await act();
  const file = await downloading;
  return { name: file.suggestedFilename(), content: readFileSync(await file.path()) };
};
/** As a person drops a file on the page. */
async function drop(content, name = "archive.btb", by = page) {
  const data = await by.evaluateHandle(([base64, name]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.fromBase64(base64)], name));
    return transfer;
  }, [Buffer.from(content).toString("base64"), name]);
  for (const event of ["dragover", "drop"]) await by.locator(".drop").dispatchEvent(event, { dataTransfer: data });
}
const rows = (by = page) => by.locator("table.files tbody tr");
const states = async (by = page) => Object.fromEntries(await rows(by).evaluateAll((all) => all.map((row) => [row.cells[0].innerText, row.cells[1].innerText])));
/** Once every file was read. */
const checked = (words, by = page) => by.getByRole("status").getByText(words).waitFor();

test("an archive has everything of its devices, and every file of it comes back byte by byte", async () => {
  await page.getByLabel("From the beginning until now").check();
  const { name, content } = await download(() => press("Make the archive"));
  archive = content;
  assert.match(name, /^blindtally-archive-2026-03-12\.btb$/);
  await page.getByRole("status").getByText(/The archive is saved: [\d,]+ events, 2 records, 4 pictures and recordings/).waitFor();
  assert.equal(await page.getByText("left out").count(), 0);

  await drop(archive);
  await checked("Every file that is listed opens.");
  const paths = Object.keys(await states());
  assert.deepEqual([...new Set(Object.values(await states()))], ["intact"]);
  const [device] = paths.find((path) => path.startsWith("screenshot/")).match(/[0-9a-f]{32}/);
  for (const [time, expected] of Object.entries(SHOTS)) {
    const path = paths.find((path) => path.startsWith(`screenshot/${device}/${time}-`) && path.endsWith(".png"));
    const { name, content } = await download(() => page.getByRole("button", { name: `Save decrypted file ${path}` }).click());
    assert.equal(name, path.replaceAll("/", "_"));
    assert.deepEqual(content, expected);
  }
  const read = async (path) => (await download(() => page.getByRole("button", { name: `Save decrypted file ${path}` }).click())).content.toString();
  const records = (await read(`records/${device}/000001.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(records, RECORDS.map(({ time, class: name, value }) => ({ device, seq: Date.parse(time), class: name, value })));
  const log = (await read(`log/${device}/000001.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(log.length > 100 && log.every((line, at) => at === 0 || log[at - 1].start_us <= line.start_us), "in the order of time");
  assert.ok(log.some(({ action, values }) => action === "window" && values.app === "Code.exe"));
  assert.ok(!JSON.stringify(log).includes("bt1_"));
  const about = JSON.parse(await read("devices.json"));
  assert.deepEqual(about.devices.map(({ name, status }) => [name, status]).sort(), [["nordlicht", "active"], ["studio-7", "active"]]);
  assert.deepEqual([about.from_ms, about.to_ms, about.left_out], [null, null, []]);
});

test("its pictures and voices are shown, and nothing else is", async () => {
  await page.getByRole("button", { name: /^Show screenshot/ }).first().click();
  const dialog = page.getByRole("dialog");
  await page.waitForFunction(() => document.querySelector("dialog img")?.naturalWidth === 320);
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Show voice/ }).click();
  await page.waitForFunction(() => document.querySelector("dialog audio")?.duration === 1);
  await dialog.getByRole("button", { name: "Close" }).click();
  assert.equal(await page.getByRole("button", { name: /^Show (log|records|devices)/ }).count(), 0);
});

test("the whole tar is what tar reads, and the owner tool opens the same archive", async () => {
  const { name, content } = await download(() => press("Save all as a tar"));
  assert.equal(name, "blindtally-archive-2026-03-12.tar");
  const tar = join(scene.folder, "all.tar");
  writeFileSync(tar, content);
  const listed = execFileSync("tar", ["-tf", tar], { encoding: "utf8" }).trim().split("\n");
  assert.deepEqual(listed, [...Object.keys(await states()), "blindtally.manifest"]);
  const [btb, backup, into] = ["a.btb", "backup.txt", "opened"].map((name) => join(scene.folder, name));
  writeFileSync(btb, archive);
  writeFileSync(backup, saved.backup);
  const cli = new Cli(join(scene.folder, "owner"), saved.recoveryKey);
  const { error, ...answer } = cli.run("open", btb, "-o", into, "--backup", backup);
  assert.equal(error, undefined, JSON.stringify(error));
  assert.ok(answer);
  const written = readdirSync(into, { recursive: true, encoding: "utf8" }).filter((path) => /\.[a-z]+$/.test(path));
  assert.deepEqual(written.sort(), Object.keys(await states()).sort());
});

test("of a damaged archive everything that is intact opens, and the rest is called damaged", async () => {
  const damaged = Buffer.from(archive);
  // In the first log, which is long.
  damaged[100_000] ^= 1;
  await drop(damaged);
  await checked("1 of 8 files is damaged and cannot be saved.");
  const all = await states();
  assert.deepEqual([...new Set(Object.values(all))].sort(), ["damaged", "intact"]);
  const broken = Object.keys(all).find((path) => all[path] === "damaged");
  assert.ok(await page.getByRole("button", { name: `Save decrypted file ${broken}` }).isDisabled());
  assert.ok(await page.getByRole("button", { name: "Save all as a tar" }).isDisabled());
  const fine = Object.keys(all).find((path) => all[path] === "intact" && path.includes("20260312T070100"));
  const { content } = await download(() => page.getByRole("button", { name: `Save decrypted file ${fine}` }).click());
  assert.deepEqual(content, SHOTS["20260312T070100.000Z"]);
});

// SPEC.md#archive-unlisted
test("an archive whose end was cut off yields what was found, and says that there may have been more", async () => {
  await drop(archive.subarray(0, archive.length - 40_000));
  await page.getByText("The list of files is lost").waitFor();
  await page.getByRole("status").getByText(/damaged|opens/).waitFor();
  assert.ok(Object.values(await states()).includes("unlisted"));
  assert.ok(await page.getByRole("button", { name: "Save all as a tar" }).isDisabled());
});

test("a single sealed file opens too; what is none, or of somebody else, says so", async () => {
  await drop(readFileSync(stored(service, at("07:00:00.000"))), "shot.btb");
  await page.getByRole("region", { name: "The opened file" }).getByText("nordlicht").waitFor();
  await page.waitForFunction(() => document.querySelector("img.preview")?.naturalWidth === 320);
  await drop(Buffer.from("Dear diary, 🦭"), "diary.txt");
  await page.getByRole("alert").getByText("This is not the file or text that belongs here").waitFor();
  const foreign = Buffer.from(archive);
  foreign[12] ^= 1;
  await drop(foreign);
  await page.getByRole("alert").getByText("another account").waitFor();
});

test("of two files, the latest is opened, and called by its name", async () => {
  await page.evaluate(([first, second]) => {
    const place = document.querySelector(".drop");
    for (const [name, base64] of [["first.btb", first], ["second.btb", second]]) {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([Uint8Array.fromBase64(base64)], name));
      place.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    }
  }, [archive, readFileSync(stored(service, at("07:01:00.000")))].map((bytes) => Buffer.from(bytes).toString("base64")));
  await page.getByRole("region", { name: "The opened file" }).getByText("nordlicht").waitFor();
  await page.getByText("second.btb", { exact: true }).waitFor();
  assert.deepEqual([await page.getByText("first.btb").count(), await rows().count()], [0, 0]);
});

test("a blob that is damaged at the service is left out, and the archive and its maker say so", async () => {
  const file = stored(service, at("07:02:00.000"));
  const bytes = readFileSync(file);
  bytes[bytes.length - 20] ^= 1;
  writeFileSync(file, bytes);
  const { content } = await download(() => press("Make the archive"));
  await page.getByText("1 left out, which the archive says too:").waitFor();
  await page.getByText("A part of it is damaged, was replaced, or is not in its place.").waitFor();
  await drop(content);
  await checked("Every file that is listed opens.");
  const about = JSON.parse((await download(() => page.getByRole("button", { name: "Save decrypted file devices.json" }).click())).content);
  assert.deepEqual(about.left_out, [{ what: "blob", id: bytes.subarray(23, 39).toString("hex"), code: "blob.tampered" }]);
  bytes[bytes.length - 20] ^= 1;
  writeFileSync(file, bytes);
});

test("events that the service moves, or puts words into, are left out", async () => {
  let asked = 0;
  await page.route("**/api/v1/events?**", async (route) => {
    const response = await route.fetch();
    const page = await response.json();
    if (asked++ === 0) {
      const windows = page.events.filter(({ values }) => values.app && values.title);
      windows[0].device = "0".repeat(32);
      windows[1].values.app = windows[1].values.title;
      windows[2].values.app = "winword.exe";
    }
    await route.fulfill({ json: page });
  });
  const { content } = await download(() => press("Make the archive"));
  await page.getByText("3 left out, which the archive says too:").waitFor();
  await page.unrouteAll({ behavior: "wait" });
  await drop(content);
  await checked("Every file that is listed opens.");
  const about = JSON.parse((await download(() => page.getByRole("button", { name: "Save decrypted file devices.json" }).click())).content);
  assert.deepEqual(about.left_out.map(({ what, code }) => [what, code]), [
    ["event", "service.nonsense"], ["event", "report.other-class"], ["event", "malformed.encoding"],
  ]);
});

test("a service that fails in the middle leaves no half archive, and it is said", async () => {
  let downloads = 0;
  const count = () => downloads++;
  page.on("download", count);
  for (const [failing, words] of [
    [(route) => route.fulfill({ status: 500, body: "<h1>Oops</h1>" }), "The service has a problem of its own"],
    [(route) => route.fulfill({ status: 429, body: "slow down" }), "The service has too much to do"],
    [(route) => route.abort("connectionreset"), "The service cannot be reached"],
  ]) {
    for (const path of ["**/api/v1/blobs/*", "**/api/v1/events?**"]) {
      await page.route(path, failing);
      await press("Make the archive");
      await page.getByRole("alert").getByText(words).waitFor();
      await page.getByText("The archive was broken off: no file was saved.").waitFor();
      await page.unroute(path);
    }
  }
  await page.route("**/api/v1/blobs/*", () => undefined);
  await press("Make the archive");
  await page.getByText("picture or recording").or(page.getByText("pictures or recordings")).first().waitFor();
  await press("Stop");
  await page.getByText("Stopped: no file was saved.").waitFor();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.route("**/api/v1/records?**", () => undefined);
  await press("Make the archive");
  await page.waitForRequest("**/api/v1/records?**");
  await press("Stop");
  await page.getByText("Stopped: no file was saved.").waitFor({ timeout: 5_000 });
  await page.unrouteAll({ behavior: "ignoreErrors" });
  assert.equal(downloads, 0);
  page.off("download", count);
});

test("nothing that was opened stays when it is locked", async () => {
  await countLent(page);
  await drop(readFileSync(stored(service, at("07:00:00.000"))), "shot.btb");
  await page.waitForFunction(() => document.querySelector("img.preview")?.naturalWidth === 320);
  assert.equal(await lent(page), 1);
  await page.getByRole("button", { name: "Lock" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.equal(await lent(page), 0);
});

test("a backup opens an archive at the door, without the service", async () => {
  const outside = await open(browser, service);
  const { page, problems, requests } = outside;
  await outside.page.getByRole("button", { name: "Open encrypted file" }).click();
  await page.waitForLoadState("networkidle");
  await service.stop();
  const before = requests.length;
  const backup = join(scene.folder, "backup.txt");
  writeFileSync(backup, saved.backup);
  await page.getByLabel("Backup file").setInputFiles(backup);
  await page.getByLabel("Its recovery key or passphrase").fill(saved.recoveryKey.replace(/.$/, (last) => last === "0" ? "1" : "0"));
  await page.getByRole("button", { name: "Open the backup" }).click();
  await page.getByRole("alert").getByText("One is mistyped").waitFor();
  await page.getByLabel("Its recovery key or passphrase").fill(saved.recoveryKey);
  await page.getByRole("button", { name: "Open the backup" }).click();
  await drop(archive, "archive.btb", page);
  await checked("Every file that is listed opens.", page);
  const path = Object.keys(await states(page)).find((path) => path.includes("20260312T070100"));
  const { content } = await download(() => page.getByRole("button", { name: `Save decrypted file ${path}` }).click(), { page });
  assert.deepEqual(content, SHOTS["20260312T070100.000Z"]);
  assert.deepEqual(requests.slice(before).filter((url) => url.includes("/api/")), []);
  await page.getByRole("button", { name: "Back" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.deepEqual(problems, []);
  await outside.context.close();
});
