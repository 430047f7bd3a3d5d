// Reports without a page: what the service is asked, how its rows become words, periods, CSV, and categories. The keys are
// real; the service is a few lines here, which group and add up as it does, and lie where a test says so.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { init, Owner } from "blindtally";
import { compiled } from "./compiled.mjs";

const root = join(import.meta.dirname, "..");
const MODULES = ["calendar", "categories", "csv", "kind", "merge", "order", "overview", "period", "questions", "report", "token", "words"];
/** By name, where they are. */
const INPUT = { ...Object.fromEntries(MODULES.map((name) => [name, join(root, `ts/report/${name}.ts`)])), word: join(root, "ts/parts/word.tsx") };
const HOUR = 3_600_000_000;
const NOON = Date.UTC(2026, 10, 20, 12) * 1000;

/** The modules under test, in one object. */
let ts;
let folder;
before(async () => {
  process.env.TZ = "Europe/Berlin";
  ({ modules: ts, folder } = await compiled(INPUT));
  await init();
});
after(() => rm(folder, { recursive: true, force: true }));

/** An account of three epochs, and a service without events. */
async function begin() {
  const { owner, change } = await Owner.create({ login: "anna", password: "correct horse", kdf: { id: "pbkdf2-sha256", iterations: 600_000 }, rsa: 2048 });
  change.committed();
  const word = (tokenClass, text) => owner.tokenizeTyped(tokenClass, text);
  const service = new BlindService();
  const calls = [];
  const account = {
    // As the worker's owner: each call a promise.
    owner: new Proxy(owner, {
      get: (target, name) => async (...args) => {
        calls.push(name);
        return target[name](...args);
      },
    }),
    service,
    devices: { value: [] },
    epoch: { get value() { return owner.info().policy.epoch; } },
  };
  const rotate = async () => (await owner.rotate()).committed();
  return { account, owner, service, word, calls, rotate };
}

/** Groups texts that it cannot read. */
class BlindService {
  events = [];
  categories = new Map();
  asked = [];
  /** All that it was ever told. */
  told = [];
  /** The most rows of a page, whatever is asked for. */
  page = Infinity;
  onPage = () => {};
  onSend = () => {};

  add(values, { start = NOON, duration = HOUR, active = duration, device = "d".repeat(32), times = 1 } = {}) {
    for (let i = 0; i < times; i++) this.events.push({ values, start, duration, active, device });
  }

  async get(path) {
    const url = new URL(path, "http://service");
    if (url.pathname === "/api/v1/categories") {
      return { categories: [...this.categories].map(([key, category]) => ({ ...JSON.parse(key), category })) };
    }
    this.asked.push(Object.fromEntries(url.searchParams));
    const ask = (name, otherwise) => url.searchParams.get(name) ?? otherwise;
    const [by, of] = [ask("by"), ask("class")];
    const shift = Number(ask("tz_offset_min", 0)) * 60e6;
    const counts = ({ values, start, device }) => of in values && start >= Number(ask("from_us", -Infinity)) && start < Number(ask("to_us", Infinity))
      && ask("device", device) === device && ask("person", values.person) === values.person && (by !== "person" || values.person !== undefined);
    const key = ({ values, start, device }) => ({
      value: values[of], person: values.person, device,
      day: new Date((start + shift) / 1000).toISOString().slice(0, 10), hour: new Date((start + shift) / 1000).toISOString().slice(0, 13),
    })[by];
    const groups = new Map();
    for (const event of this.events.filter(counts)) groups.set(key(event), [...groups.get(key(event)) ?? [], event]);
    const rows = [...groups].map(([key, events]) => ({
      [by]: key,
      duration_us: events.reduce((sum, { duration }) => sum + duration, 0),
      active_us: events.reduce((sum, { active }) => sum + active, 0),
      events: events.length,
      first_us: Math.min(...events.map(({ start }) => start)),
      last_us: Math.max(...events.map(({ start, duration }) => start + duration)),
    }));
    const offset = Number(ask("offset", 0));
    const answer = {
      rows: rows.slice(offset, offset + Math.min(this.page, Number(ask("limit", 100)))),
      total_rows: rows.length,
      total_events: rows.reduce((sum, { events }) => sum + events, 0),
    };
    this.onPage();
    return answer;
  }

  async send(method, path, { class: name, value, category }) {
    assert.equal(path, "/api/v1/categories");
    this.told.push(value, ...category === undefined ? [] : [category]);
    await this.onSend();
    const key = JSON.stringify({ class: name, value });
    if (method === "PUT") this.categories.set(key, category);
    else this.categories.delete(key);
  }

  assign = (tokenClass, value, category) => this.categories.set(JSON.stringify({ class: tokenClass, value }), category);
  assigned = (tokenClass, value) => this.categories.get(JSON.stringify({ class: tokenClass, value }));
}

describe("a token's header", () => {
  it("is its class and epoch, as the package made it", async () => {
    const { word, rotate } = await begin();
    const { token, class: name, epoch } = ts.header(word("title", "x"));
    assert.deepEqual([name, epoch], ["title", 1]);
    assert.equal(token, word("title", "x"));
    await rotate();
    assert.equal(ts.header(word("label", "x")).epoch, 2);
    assert.equal(ts.header(word("label", "x")).class, "label");
    assert.equal(ts.header(word(128, "x")).class, undefined);
  });

  it("is nothing of what is no token by its form", () => {
    for (const text of ["", "bt1_", "winword.exe", `bt1_${"A".repeat(52)}`, `bt1_EQEAAA${"A".repeat(46)}`, `bt1_EQEA AQ${"A".repeat(46)}`]) {
      assert.equal(ts.header(text), undefined, text);
    }
  });
});

describe("rows", () => {
  it("of different epochs that mean the same are one, and the newest epoch's token represents it", async () => {
    const { account, service, word, rotate } = await begin();
    const old = word("app", "winword.exe");
    service.add({ app: old }, { start: NOON, duration: HOUR, active: HOUR / 2 });
    await rotate();
    const now = word("app", "winword.exe");
    service.add({ app: now }, { start: NOON + HOUR, duration: 2 * HOUR, times: 2 });
    service.add({ app: word("app", "excel.exe") });
    const rows = await ts.read(account, ts.KINDS.app, {});
    assert.equal(rows.length, 2);
    const { tokens, duration, active, events, last } = rows.find(({ value }) => value === "winword.exe");
    assert.deepEqual({ tokens, duration, active, events, last }, { tokens: [now, old], duration: 5 * HOUR, active: 4.5 * HOUR, events: 3, last: NOON + 3 * HOUR });
  });

  it("whose token is damaged, made up or of another class are shown as unreadable, apart from words that look like them", async () => {
    const { account, service, word } = await begin();
    const moved = word("title", "Salaries");
    const damaged = word("app", "winword.exe").slice(0, -2) + "AA";
    for (const app of [moved, damaged, "winword.exe", word("app", "winword.exe")]) service.add({ app });
    const rows = await ts.read(account, ts.KINDS.app, {});
    const codes = Object.fromEntries(rows.map(({ value, unreadable }) => [`${value}`, unreadable]));
    assert.equal(codes[moved], "report.other-class");
    assert.match(codes[damaged], /^(reveal|malformed)\./);
    assert.equal(rows.filter(({ value }) => value === "winword.exe").length, 2, "the service's text is not the word");
    assert.ok(!rows.some(({ value }) => value === "Salaries"));
  });

  it("come back without a word being revealed twice, and in one call", async () => {
    const { account, service, word, calls, rotate } = await begin();
    for (let i = 0; i < 50; i++) service.add({ title: word("title", `Title ${i}`) });
    await ts.read(account, ts.KINDS.title, {});
    await ts.read(account, ts.KINDS.title, {});
    assert.equal(calls.filter((name) => name === "revealMany").length, 1);
    await rotate();
    service.add({ title: word("title", "Title 1") });
    assert.equal((await ts.read(account, ts.KINDS.title, {})).length, 50);
    assert.equal(calls.filter((name) => name === "revealMany").length, 2);
  });

  it("of devices have the owner's own names, and stay as many as they are, whatever those are", async () => {
    const { account, service, word } = await begin();
    const [a, b, c, d] = ["a", "b", "c", "d"].map((digit) => digit.repeat(32));
    account.devices.value = [{ id: a, name: "laptop" }, { id: b, name: "laptop" }, { id: c, name: "laptop (aaaaaaaa)" }];
    for (const device of [a, b, c, d]) service.add({ app: word("app", "x") }, { device });
    const rows = await ts.read(account, ts.KINDS.device, {});
    assert.deepEqual(rows.map(({ value }) => value).sort(), [d, "laptop (aaaaaaaa)", "laptop (aaaaaaaa)", "laptop (bbbbbbbb)"]);
  });

  it("of one person are those of all their tokens", async () => {
    const { account, service, word, rotate } = await begin();
    service.add({ app: word("app", "x"), person: word("person", "eva") });
    service.add({ app: word("app", "x"), person: word("person", "udo") });
    await rotate();
    service.add({ app: word("app", "x"), person: word("person", "eva") });
    const filter = await ts.narrow(account, { period: undefined, device: undefined, person: "eva" });
    assert.equal(filter.person.length, 2);
    const [row, ...others] = await ts.read(account, ts.KINDS.app, filter);
    assert.deepEqual([row.events, others.length], [2, 0]);
    assert.deepEqual(await ts.read(account, ts.KINDS.app, await ts.narrow(account, { person: "nobody" })), []);
  });
});

describe("questions", () => {
  it("are asked page by page, and again when events came in between", async () => {
    const { account, service, word } = await begin();
    for (let i = 0; i < 7; i++) service.add({ app: word("app", `${i}`) });
    service.page = 3;
    let pages = 0;
    service.onPage = () => {
      if (++pages === 2) service.add({ app: word("app", "0") });
    };
    const rows = await ts.read(account, ts.KINDS.app, {});
    assert.deepEqual([rows.length, ts.sum(rows).events, pages], [7, 8, 6]);
  });

  it("with many answers are asked in short while nothing is new", async () => {
    const { account, service, word } = await begin();
    for (let i = 0; i < 1_200; i++) service.add({ title: word("title", `${i}`) });
    const before = await ts.read(account, ts.KINDS.title, {});
    service.asked.length = 0;
    await ts.read(account, ts.KINDS.title, {});
    assert.deepEqual(service.asked.map(({ limit }) => limit), ["1"]);
    assert.equal(await ts.read(account, ts.KINDS.title, {}), before);
    service.add({ title: word("title", "5") }, { start: NOON + HOUR });
    assert.equal(ts.sum(await ts.read(account, ts.KINDS.title, {})).events, 1_201);
  });

  it("whose answer has no end, or is larger than a browser should hold, are given up", async () => {
    const row = (value) => ({ value, duration_us: 1, active_us: 1, events: 1, first_us: 1, last_us: 1 });
    let next = 0;
    for (const [rows, total_rows, most, code] of [
      [() => [row("again")], 100_000, 2, "service.nonsense"],
      [() => [row(`new ${next++}`)], 100_000, 21, "dashboard.too-many-rows"],
      [() => [row("x")], 2 ** 52, 1, "dashboard.too-many-rows"],
      [() => Array.from({ length: 10_001 }, (_, at) => row(`${at}`)), 100_000, 1, "service.nonsense"],
    ]) {
      const { account, service } = await begin();
      let pages = 0;
      service.get = async () => (pages++, { rows: rows(), total_rows, total_events: total_rows });
      await assert.rejects(ts.read(account, ts.KINDS.app, {}), { code });
      assert.equal(pages, most);
    }
  });

  it("that two ask at the same time are asked, and their words revealed, once", async () => {
    const { account, service, word, calls } = await begin();
    service.add({ app: word("app", "x") });
    const [one, other] = await Promise.all([ts.read(account, ts.KINDS.app, {}), ts.read(account, ts.KINDS.app, {})]);
    assert.equal(one, other);
    assert.equal(calls.filter((name) => name === "revealMany").length, 1);
  });

  it("answered with rows that stand for nothing are refused", async () => {
    const { account, service } = await begin();
    service.get = async () => ({ rows: [{ duration_us: 1, active_us: 1, events: 1, first_us: 1, last_us: 1 }], total_rows: 1, total_events: 1 });
    await assert.rejects(ts.read(account, ts.KINDS.app, {}), { code: "service.nonsense" });
  });
});

describe("periods", () => {
  const now = new Date(2026, 10, 22, 23, 59);

  it("end today, by the clock of the browser", () => {
    assert.deepEqual(ts.preset("today", now), { from: "2026-11-22", to: "2026-11-22" });
    assert.deepEqual(ts.preset("week", now), { from: "2026-11-16", to: "2026-11-22" });
    assert.deepEqual(ts.preset("days30", now), { from: "2026-10-24", to: "2026-11-22" });
    assert.deepEqual(ts.preset("month", now), { from: "2026-11-01", to: "2026-11-22" });
    assert.equal(ts.days(ts.preset("days30", now)).length, 30);
  });

  it("can be moved to the last day that has anything, by the clock of the browser", async () => {
    const { account, service, word } = await begin();
    assert.equal(await ts.lastDay(account, {}), undefined);
    for (const start of [NOON, Date.UTC(2026, 10, 20, 23, 30) * 1000]) service.add({ app: word("app", "x") }, { start, duration: 60e6 });
    assert.equal(await ts.lastDay(account, {}), "2026-11-21");
    assert.equal(await ts.lastDay(account, { device: "e".repeat(32) }), undefined);
  });

  it("that make no sense are none", () => {
    for (const [from, to] of [["2026-11-23", "2026-11-22"], ["", "2026-11-22"], ["1026-01-01", "2026-11-22"], ["2026-13-01", "2026-13-02"]]) {
      assert.equal(ts.between(from, to, now), undefined);
    }
  });

  it("are cut at the second at which clocks were changed", () => {
    const change = Date.UTC(2026, 9, 25, 1) * 1000;
    const period = { from: "2026-10-01", to: "2026-11-30" };
    const [before, after, ...more] = ts.spans(period, -Infinity, Infinity);
    assert.deepEqual(more, []);
    assert.deepEqual(before, { fromUs: Date.UTC(2026, 8, 30, 22) * 1000, toUs: change, offsetMin: 120 });
    assert.deepEqual(after, { fromUs: change, toUs: Date.UTC(2026, 10, 30, 23) * 1000, offsetMin: 60 });
    assert.equal(ts.spans(period, change, change + HOUR).length, 1);
    assert.equal(ts.spans({ from: "2026-10-25", to: "2026-10-25" }, -Infinity, Infinity).length, 2);
    assert.equal(ts.spans({ from: "2016-01-01", to: "2025-12-31" }, -Infinity, Infinity).length, 21);
  });

  it("have a column for each day, also for those without events, and for months when they are long", () => {
    const hour = (value, duration) => ({ value, duration, active: 0, events: 1, last: 0 });
    const hours = [hour("2026-11-20 09:00", 1), hour("2026-11-20 10:00", 2), hour("2026-11-22 09:00", 4), hour("2026-10-01 23:00", 8)];
    const lengths = ({ columns }) => columns.map(({ key, duration }) => [key, duration]);
    assert.deepEqual(lengths(ts.dayColumns(hours, { from: "2026-11-19", to: "2026-11-22" })), [["2026-11-19", 0], ["2026-11-20", 3], ["2026-11-21", 0], ["2026-11-22", 4]]);
    assert.deepEqual(lengths(ts.dayColumns(hours, { from: "2026-08-15", to: "2026-11-22" })), [["2026-08", 0], ["2026-09", 0], ["2026-10", 8], ["2026-11", 7]]);
    assert.deepEqual(ts.hourColumns(hours).map(({ duration }) => duration).filter((duration) => duration > 0), [5, 2, 8]);
    assert.equal(ts.hourColumns(hours).length, 24);
  });

  it("count an event by the hour that clocks showed when it began", async () => {
    const { account, service, word } = await begin();
    for (const start of [Date.UTC(2026, 9, 24, 12), Date.UTC(2026, 9, 25, 0, 30), Date.UTC(2026, 9, 25, 1, 30), Date.UTC(2026, 9, 26, 12)]) {
      service.add({ app: word("app", "x") }, { start: start * 1000 });
    }
    const rows = await ts.read(account, ts.KINDS.hour, { period: { from: "2026-10-20", to: "2026-10-30" } });
    assert.deepEqual(rows.map(({ value, events }) => [value, events]), [["2026-10-24 14:00", 1], ["2026-10-25 02:00", 2], ["2026-10-26 13:00", 1]]);
    // Of many years, the parts without events are not asked for.
    service.asked.length = 0;
    const years = await ts.read(account, ts.KINDS.hour, { period: { from: "2016-01-01", to: "2026-12-31" } });
    assert.deepEqual([years.length, service.asked.length], [3, 3]);
  });
});

describe("tables", () => {
  const row = (value, duration, more = {}) => ({ key: value, value, unreadable: undefined, tokens: [], duration, active: 0, events: 0, last: 0, ...more });

  it("are searched by words, whatever their case", () => {
    const rows = [row("Straße.docx", 1), row("WINWORD.EXE", 2), row("bt1_winword", 3, { unreadable: "reveal.tampered" }), row(null, 4)];
    assert.deepEqual(ts.found(rows, " WinWord ").map(({ value }) => value), ["WINWORD.EXE"]);
    assert.equal(ts.found(rows, "").length, 4);
  });

  it("are sorted by any column, and leave the report as it was", () => {
    const rows = [row("file 10", 1), row("file 9", 1), row("a", 5)];
    assert.deepEqual(ts.ordered(rows, { column: "duration", isDescending: true }).map(({ value }) => value), ["a", "file 9", "file 10"]);
    assert.deepEqual(ts.ordered(rows, { column: "value", isDescending: true }).map(({ value }) => value), ["file 10", "file 9", "a"]);
    assert.equal(rows[0].value, "file 10");
  });
});

describe("a word", () => {
  it("shows what would act on the text around it, or could not be seen", () => {
    for (const code of [0x200b, 0x200e, 0x200f, 0x061c, 0xfeff, 0x202e, 0x2066, 0x2028, 0x2060, 0xe0041]) {
      assert.equal(ts.visible(`a${String.fromCodePoint(code)}b`), `a\\u{${code.toString(16)}}b`);
    }
    assert.equal(ts.visible("a\tb\n"), "a␉b␊");
    for (const text of ["Tomás 🔎 日本", "👩‍👧‍👦", "می‌خواهم"]) assert.equal(ts.visible(text), text);
  });
});

describe("a CSV file", () => {
  it("has the words and shares of the table, text for what a spreadsheet would run, and tokens for what cannot be read", async () => {
    const { account, service, word, calls } = await begin();
    const titles = ["=HYPERLINK(\"http://x\",\"y\")", "@SUM(A1)", "+1+1", "two\nlines, \"quoted\"", "", "plain"];
    for (const [at, title] of titles.entries()) service.add({ title: word("title", title) }, { duration: (10 - at) * HOUR });
    const moved = word("app", "winword.exe");
    for (const title of [moved, "=cmd|' /C calc'!A0"]) service.add({ title }, { duration: HOUR });
    const rows = ts.ordered(await ts.read(account, ts.KINDS.title, {}), { column: "duration", isDescending: true });
    const poisoned = `x ${word("title", "plain")} ${word("title", "secret")}`;
    service.add({ title: poisoned }, { duration: HOUR / 2 });
    rows.push((await ts.read(account, ts.KINDS.title, {})).find(({ value }) => value === poisoned));
    calls.length = 0;
    const text = await ts.csv(ts.KINDS.title, rows, 144 * HOUR, account.owner);
    assert.deepEqual(calls, [], "words come from the table");
    assert.ok(text.includes(`\r\n"${poisoned}",1800,`), "what cannot be read is as the service has it");
    assert.match(text, /HYPERLINK[^\r]*,36000,36000,6\.94,/);
    assert.ok(text.startsWith("\uFEFFTitle,Seconds,Active seconds,Percent,Events,Last seen\r\n"));
    for (const cell of ["\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",36000,", "\r\n'@SUM(A1),", "\r\n'+1+1,", "\"two\nlines, \"\"quoted\"\"\",", "\r\n\"plain\",", moved]) {
      assert.ok(text.includes(cell), cell);
    }
    assert.ok(!text.includes("winword.exe"), "a token of another class stays one");
    assert.doesNotMatch(text, /(^|[\r\n,"])[=+@]/);
  });

  it("has names of devices, which a device chose itself, as text", async () => {
    const { account, service, word } = await begin();
    account.devices.value = [{ id: "d".repeat(32), name: "=1+1" }];
    service.add({ app: word("app", "x") });
    assert.match(await ts.csv(ts.KINDS.device, await ts.read(account, ts.KINDS.device, {}), HOUR, account.owner), /\r\n'=1\+1,3600,/);
  });
});

describe("categories", () => {
  const day = { from: "2026-11-20", to: "2026-11-20" };
  const bar = async (account) => (await ts.overview(account, { period: day })).categories.map(({ value, unreadable, events }) => [unreadable ?? value, events]);
  const rowOf = async (account, word) => (await ts.read(account, ts.KINDS.app, {})).find(({ value }) => value === word);

  it("follow words over epochs, without anything being sent", async () => {
    const { account, service, word, calls, rotate } = await begin();
    for (const app of ["a", "b", "c"]) service.add({ app: word("app", app) });
    const [old, talking] = [word("app", "a"), word("label", "Talking")];
    service.assign("app", old, "neutral");
    service.assign("app", word("app", "b"), talking);
    await rotate();
    // Nothing of the old epoch lies in the period.
    service.events.length = 0;
    for (const app of ["a", "b", "b", "c"]) service.add({ app: word("app", app) });
    assert.deepEqual(await bar(account), [["neutral", 1], ["Talking", 2], [null, 1]]);
    service.assign("app", word("app", "a"), word("label", "Talking"));
    assert.deepEqual(await bar(account), [["Talking", 3], [null, 1]], "the newest epoch's token decides, and names are one by their words");
    const { labels } = await ts.assigned(account, "app");
    assert.deepEqual([...labels], [["Talking", [word("label", "Talking"), talking]]]);
    assert.deepEqual(service.told, []);
    assert.ok(!calls.includes("retokenize"));
  });

  it("are of the person who was chosen", async () => {
    const { account, service, word } = await begin();
    for (const person of ["eva", "udo"]) service.add({ app: word("app", person), person: word("person", person) });
    service.assign("app", word("app", "eva"), "productive");
    const { categories, persons } = await ts.overview(account, { period: day, person: "eva" });
    assert.deepEqual(categories.map(({ value, events }) => [value, events]), [["productive", 1]]);
    assert.equal(persons.length, 2, "who can be chosen");
  });

  it("are given to every token of a value that was observed, and taken from all that are listed", async () => {
    const { account, service, word, rotate } = await begin();
    const tokens = [];
    for (let epoch = 1; epoch <= 3; epoch++) {
      if (epoch > 1) await rotate();
      tokens.push(word("app", "x"));
      if (epoch < 3) service.add({ app: tokens.at(-1) });
    }
    await ts.assign(account, "app", await rowOf(account, "x"), "productive");
    assert.deepEqual(tokens.map((token) => service.assigned("app", token)), ["productive", "productive", undefined]);
    // Given by somebody else since, and not observed: it would decide.
    service.assign("app", tokens[2], "unproductive");
    await ts.assign(account, "app", await rowOf(account, "x"), "neutral");
    assert.deepEqual(await bar(account), [["neutral", 2]]);
    await ts.assign(account, "app", await rowOf(account, "x"), undefined);
    assert.equal(service.categories.size, 0);
  });

  it("end as the last of several quick choices", async () => {
    const { account, service, word } = await begin();
    service.add({ app: word("app", "x") });
    const row = await rowOf(account, "x");
    let waits = [50, 0];
    service.onSend = () => new Promise((resolve) => setTimeout(resolve, waits.shift()));
    await Promise.all(["productive", "unproductive"].map((category) => ts.assign(account, "app", row, category)));
    assert.equal(service.assigned("app", word("app", "x")), "unproductive");
    // One that fails does not hold up the next.
    service.onSend = () => { throw new Error("away"); };
    const failing = assert.rejects(ts.assign(account, "app", row, "neutral"));
    await failing;
    service.onSend = () => {};
    await ts.assign(account, "app", row, "neutral");
    assert.equal(service.assigned("app", word("app", "x")), "neutral");
  });

  it("make the service no token that it does not have, whatever it lists", async () => {
    const { account, service, word, calls, rotate } = await begin();
    const observed = word("app", "x");
    service.add({ app: observed });
    // What a device could make before it was revoked: words of its choice, in each class, under the keys of that time.
    const dictionary = ["x", "secret-merger.docx", "never-observed.xls"];
    const minted = ["app", "title", "label"].flatMap((name) => dictionary.map((text) => word(name, text)));
    await rotate();
    const now = word("app", "x");
    service.add({ app: now });
    for (const name of ["app", "title"]) {
      for (const token of minted) service.assign(name, token, "neutral");
      service.assign(name, "made up", minted.at(-1));
      service.assign(name, "", "");
    }
    service.assign("app", word("app", "y"), minted.at(-2));
    await bar(account);
    for (const name of ["app", "title"]) await ts.assigned(account, name);
    assert.deepEqual(service.told, [], "looking sends nothing");
    const [existing] = (await ts.assigned(account, "app")).labels.get("secret-merger.docx");
    const typed = await ts.categoryNamed(account, " Typed ");
    for (const category of ["productive", existing, typed, undefined]) {
      await ts.assign(account, "app", await rowOf(account, "x"), category);
    }
    const known = new Set([observed, now, "productive", existing, word("label", "Typed")]);
    assert.deepEqual([...new Set(service.told)].filter((text) => !known.has(text)), []);
    assert.ok(!calls.includes("retokenize"));
    assert.equal(await ts.categoryNamed(account, " Productive"), "productive");
    assert.equal(service.assigned("app", observed), undefined);
  });
});
