// Screenshots, voices and records as their owner meets them: sealed by a real agent, kept by the real service, some of them
// damaged there, and some shown as what they are not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { addComputer, countLent, go, lent, logIn, open, picture, put, Scene, signUp, stored, tone } from "./harness.mjs";

const LOGIN = "mara@example.org";
const scene = new Scene();
let service, dashboard, page, computers;

/** Times of one day, as the browser's clock in Berlin shows them an hour later. */
const at = (time) => `2026-03-12T${time}Z`;
const FILES = {
  plain: { time: at("07:00:01.500"), content: picture(1) },
  tampered: { time: at("07:05:00.000"), content: picture(2) },
  foreign: { time: at("07:10:00.000"), content: picture(3) },
  cut: { time: at("07:15:00.000"), content: picture(4, { width: 120, height: 90, isNoise: true }) },
  noPicture: { time: at("07:20:00.000"), content: Buffer.concat([picture(5).subarray(0, 8), Buffer.from("<svg onload=alert(1)>")]) },
  swapped: { time: at("07:25:00.000"), content: picture(6) },
  last: { time: at("07:30:00.000"), content: picture(7) },
};
const TEXTS = [
  { time: at("06:00:00.000"), class: "keystrokes", value: "dear diary,\n\tthe seal \u202Eis\u202C mine \u0007" },
  { time: at("06:00:01.000"), class: "clipboard", value: "<img src=x onerror=\"alert(document.domain)\"><script>alert(1)</script>" },
  { time: at("06:00:02.000"), class: "chat", value: `begin ${"long ".repeat(400)}end` },
  { time: at("06:00:03.000"), class: "chat", value: "" },
];

before(async () => {
  service = await scene.service();
  dashboard = await open(await scene.browser(), service, { locale: "en-GB", timezoneId: "Europe/Berlin" });
  ({ page } = dashboard);
  await page.clock.setFixedTime(new Date("2026-03-12T09:00:00Z"));
  await signUp(page, LOGIN);
  computers = [await addComputer(scene, service, page, "nordlicht"), await addComputer(scene, service, page, "studio-7")];
  const folder = (name) => join(scene.folder, name);
  for (const [name, { time, content }] of Object.entries(FILES)) put(folder("shots"), `${name}.png`, content, time);
  put(folder("camera"), "me.png", picture(8), at("07:40:00.000"));
  put(folder("voice"), "tone.wav", tone(1.5), at("07:50:00.000"));
  put(folder("voice"), "broken.ogg", Buffer.from("OggS and nothing else"), at("07:55:00.000"));
  writeFileSync(folder("keys.jsonl"), TEXTS.map((line) => `${JSON.stringify(line)}\n`).join(""));
  assert.equal(computers[0].collect({ screenshot: folder("shots"), camera: folder("camera"), voice: folder("voice") }, folder("keys.jsonl")).error, undefined);
  put(folder("others"), "one.png", picture(9), at("07:02:00.000"));
  writeFileSync(folder("other.jsonl"), `${JSON.stringify({ time: at("06:30:00.000"), class: "chat", value: "from the other one" })}\n`);
  assert.equal(computers[1].collect({ screenshot: folder("others") }, folder("other.jsonl")).error, undefined);
  await page.getByRole("button", { name: "Dismiss" }).click();
});
after(() => scene.end());
afterEach(() => assert.deepEqual(dashboard.problems.filter((text) => !/^Failed to load resource/.test(text)), []));

const filter = (name) => page.getByRole("group").getByText(name, { exact: true });
const card = ({ time }) => page.locator(".gallery li", { hasText: clock(time) });
/** As Berlin's clocks show it. */
const clock = (time) => new Date(Date.parse(time) + 3_600_000).toISOString().slice(11, 19);
const alterStored = (time, change) => {
  const file = stored(service, time);
  const bytes = readFileSync(file);
  change(bytes);
  writeFileSync(file, bytes);
};
const saved = async (press) => {
  const downloading = page.waitForEvent("download");
  await press();
  const download = await downloading;
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
};

// SPEC.md#seq-authentic
test("a gallery shows pictures by the time and the device that they were sealed with", async () => {
  await go(page, "Screenshots");
  await page.getByRole("img", { name: "Screenshot, 12 Mar 2026, 08:00:01, nordlicht" }).waitFor();
  await page.getByRole("img", { name: "Screenshot, 12 Mar 2026, 08:02:00, studio-7" }).waitFor();
  await page.getByRole("img", { name: "08:30:00" }).scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll(".gallery img").length === 7);
  const shown = await page.locator(".gallery img").evaluateAll((images) => images.map(({ alt, naturalWidth }) => [alt.slice(-20), naturalWidth]));
  assert.deepEqual(shown.map(([, width]) => width), [320, 320, 320, 320, 120, 320, 320]);
  const times = await page.locator(".gallery time").evaluateAll((all) => all.map(({ dateTime }) => dateTime));
  assert.deepEqual(times, [...times].sort());
  assert.equal(times[0], FILES.plain.time);
});

test("what is no picture says so, and can be saved", async () => {
  await card(FILES.noPicture).getByText("no picture that can be shown here").waitFor();
  const { name, content } = await saved(() => card(FILES.noPicture).getByRole("button", { name: "Save decrypted file" }).click());
  assert.match(name, /^screenshot-20260312T072000\.000Z-[0-9a-f]{8}\.png$/);
  assert.deepEqual(content, FILES.noPicture.content);
});

test("a device, a day and the kind narrow the gallery down", async () => {
  await page.getByLabel("Device", { exact: true }).selectOption("studio-7");
  await page.waitForFunction(() => document.querySelectorAll(".gallery li").length === 1);
  await page.getByLabel("Device", { exact: true }).selectOption("All devices");
  await filter("Camera").click();
  await page.getByRole("img", { name: "Camera shot, 12 Mar 2026, 08:40:00, nordlicht" }).waitFor();
  await page.getByLabel("To", { exact: true }).fill("2026-03-11");
  await page.getByText("Nothing in this period.").waitFor();
  await filter("Screenshots").click();
  await filter("Today").click();
  await page.getByRole("img", { name: "08:00:01" }).waitFor();
});

test("a picture opens large, with the next and the one before by the keyboard, and is saved as it was", async () => {
  await page.getByRole("button", { name: "08:00:01" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("img", { name: "08:00:01" }).waitFor();
  await page.keyboard.press("ArrowRight");
  await dialog.getByRole("img", { name: "08:02:00, studio-7" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await dialog.getByRole("img", { name: "08:00:01" }).waitFor();
  const { name, content } = await saved(() => dialog.getByRole("button", { name: "Save decrypted file" }).click());
  assert.match(name, /^screenshot-20260312T070001\.500Z-[0-9a-f]{8}\.png$/);
  assert.deepEqual(content, FILES.plain.content);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

test("a picture that is too large to be shown by itself is not opened by turning to it either", async () => {
  const large = readFileSync(stored(service, at("07:02:00.000"))).subarray(23, 39).toString("hex");
  let fetched = 0;
  await page.route(`**/api/v1/blobs/${large}`, (route) => {
    fetched += 1;
    return route.continue();
  });
  await page.route("**/api/v1/blobs?**", async (route) => {
    const { blobs, next } = await (await route.fetch()).json();
    for (const blob of blobs) if (blob.id === large) blob.size = 65_000_000;
    await route.fulfill({ json: { blobs, next } });
  });
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByRole("button", { name: "Show it" }).waitFor();
  await page.getByRole("button", { name: "08:00:01" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("img", { name: "08:00:01" }).waitFor();
  await page.keyboard.press("ArrowRight");
  const ask = dialog.getByRole("button", { name: "Show it (65 MB)" });
  await ask.waitFor();
  assert.equal(fetched, 0);
  await ask.click();
  await dialog.getByRole("img", { name: "08:02:00, studio-7" }).waitFor();
  assert.equal(fetched, 1);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.unrouteAll({ behavior: "wait" });
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByRole("img", { name: "08:02:00, studio-7" }).waitFor();
});

test("what was damaged, cut off or exchanged at the service has a card that says so, and no other is affected", async () => {
  alterStored(FILES.tampered.time, (bytes) => bytes[bytes.length - 20] ^= 1);
  // Another device in its header, as if it were somebody else's.
  alterStored(FILES.foreign.time, (bytes) => bytes[10] ^= 1);
  const sealed = (time) => readFileSync(stored(service, time));
  const [cut, swapped] = [sealed(FILES.cut.time).subarray(0, 103 + 16_400), sealed(FILES.plain.time)];
  const named = (time) => sealed(time).subarray(23, 39).toString("hex");
  await page.route(`**/api/v1/blobs/${named(FILES.cut.time)}`, (route) => route.fulfill({ body: cut }));
  await page.route(`**/api/v1/blobs/${named(FILES.swapped.time)}`, (route) => route.fulfill({ body: swapped }));
  await page.route("**/api/v1/blobs?**", async (route) => {
    const response = await route.fetch();
    const { blobs, next } = await response.json();
    for (const blob of blobs) if (blob.id === named(FILES.last.time)) blob.seq += 1_000;
    await route.fulfill({ json: { blobs, next } });
  });
  await page.getByRole("button", { name: "Look again" }).click();
  await card(FILES.tampered).getByText("A part of it is damaged").waitFor();
  await card(FILES.foreign).getByText("There is no key here for it").waitFor();
  await card(FILES.cut).getByText("its end was cut off").waitFor();
  await card(FILES.swapped).getByText("with another time, device or kind").waitFor();
  await page.locator(".gallery li", { hasText: "08:30:01" }).getByText("with another time, device or kind").waitFor();
  await page.getByRole("img", { name: "08:00:01" }).waitFor();
  await page.getByRole("img", { name: "08:02:00, studio-7" }).waitFor();
  await page.unrouteAll({ behavior: "wait" });
});

test("a connection that is lost while pictures come is said, and another attempt mends it", async () => {
  await page.route("**/api/v1/blobs/*", (route) => route.abort("connectionreset"));
  await page.getByRole("button", { name: "Look again" }).click();
  await card(FILES.plain).getByText("The service cannot be reached").waitFor();
  await page.unrouteAll({ behavior: "wait" });
  await card(FILES.plain).getByRole("button", { name: "Try again" }).click();
  await page.getByRole("img", { name: "08:00:01" }).waitFor();
});

test("a voice is opened on demand, has its duration, and is saved as it was", async () => {
  await go(page, "Voice");
  assert.equal(await page.locator("audio").count(), 0);
  await page.getByRole("button", { name: "Open the recording of 12 Mar 2026, 08:50:00" }).click();
  await page.waitForFunction(() => document.querySelector("audio")?.duration === 1.5);
  const { name, content } = await saved(() => page.getByRole("button", { name: "Save decrypted file" }).click());
  assert.match(name, /^voice-20260312T075000\.000Z-[0-9a-f]{8}\.wav$/);
  assert.deepEqual(content, tone(1.5));
  await page.getByRole("button", { name: "Open the recording of 12 Mar 2026, 08:55:00" }).click();
  await page.getByRole("alert").getByText("no recording that can be played here").waitFor();
  assert.equal(await page.locator("audio").count(), 0, "one at a time");
});

// SPEC.md#revealed-html
test("records are text and nothing else, with what would act made visible", async () => {
  await go(page, "Records");
  await page.getByRole("row", { name: "from the other one" }).waitFor();
  const texts = await page.locator("table.records .value").allInnerTexts();
  assert.deepEqual(texts.slice(0, 2), ["dear diary,␊␉the seal \\u{202e}is\\u{202c} mine ␇", TEXTS[1].value]);
  assert.match(texts[2], /Show all 2,009 characters$/);
  assert.equal(texts[3], "(empty)");
  assert.equal(await page.locator("table.records :is(img, script)").count(), 0);
  const row = page.getByRole("row", { name: "dear diary" });
  assert.equal(await row.locator("time").getAttribute("datetime"), TEXTS[0].time);
  await row.getByText("nordlicht").waitFor();
  await page.getByRole("button", { name: "Show all 2,009 characters" }).click();
  await page.getByText(/long end$/).waitFor();
  await page.getByRole("searchbox").fill("OTHER");
  await page.getByText("1 found in what is shown so far").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.getByLabel("Kind", { exact: true }).selectOption("Clipboard");
  await page.waitForFunction(() => document.querySelectorAll("table.records tbody tr").length === 1);
});

test("records come page by page, and one that is damaged or shown among others says so", async () => {
  await page.route("**/api/v1/records?**", async (route) => {
    const url = new URL(route.request().url());
    const isFirst = !url.searchParams.has("after");
    url.searchParams.set("limit", "3");
    const response = await route.fetch({ url: url.href });
    const { records, next } = await response.json();
    if (isFirst) records[0] = records[0].slice(0, -1) + (records[0].endsWith("A") ? "Q" : "A");
    await route.fulfill({ json: { records, next } });
  });
  await page.getByLabel("Kind", { exact: true }).selectOption("All kinds");
  await page.getByText("3 so far.").waitFor();
  await page.getByRole("row", { name: "cannot be read" }).getByText(/damaged/).waitFor();
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("5 in all.").waitFor();
  await page.unrouteAll({ behavior: "wait" });
  const all = await page.evaluate(() => document.querySelectorAll("table.records tbody tr").length);
  assert.equal(all, 5);
  // Of a device that was not asked for.
  await page.route("**/api/v1/records?**", async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.delete("device");
    await route.fulfill({ response: await route.fetch({ url: url.href }) });
  });
  await page.getByLabel("Device", { exact: true }).selectOption("studio-7");
  await page.waitForFunction(() => document.querySelectorAll("[data-code='dashboard.contradicted']").length === 4);
  await page.getByRole("row", { name: "from the other one" }).waitFor();
  await page.unrouteAll({ behavior: "wait" });
});

test("of many pictures only those near the screen are open, and none when it is locked", async () => {
  const folder = join(scene.folder, "many");
  for (let minute = 0; minute < 60; minute++) {
    put(folder, `${minute}.png`, picture(minute + 20, { width: 64, height: 40 }), at(`05:${String(minute).padStart(2, "0")}:00.000`));
  }
  assert.equal(computers[1].collect({ screenshot: folder }).blobs, 60);
  await countLent(page);
  await go(page, "Screenshots");
  await page.getByRole("img", { name: "06:00:00" }).waitFor();
  await page.getByRole("img", { name: "06:59:00" }).waitFor({ state: "detached" });
  assert.ok(await lent(page) < 50, "not all of them");
  await page.locator(".gallery li").last().scrollIntoViewIfNeeded();
  await page.getByRole("img", { name: "06:59:00" }).waitFor();
  await page.getByRole("img", { name: "06:00:00" }).waitFor({ state: "detached" });
  assert.ok(await lent(page) < 50, "what is far away was given back");
  await go(page, "Records");
  await page.getByRole("row", { name: "dear diary" }).waitFor();
  assert.equal(await lent(page), 0, "whoever leaves gives back");
  await go(page, "Screenshots");
  await page.getByRole("img", { name: "06:00:00" }).waitFor();
  await page.getByRole("button", { name: "06:00:00" }).click();
  await page.getByRole("dialog").getByRole("img").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Lock" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.equal(await lent(page), 0);
  await logIn(page, LOGIN);
  await page.getByRole("img", { name: "06:00:00" }).waitFor();
});
