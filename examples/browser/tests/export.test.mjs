// What an archive is made of, and a file that somebody chose, without a browser: services that lie about pages, and files that
// cannot be read.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compiled } from "./compiled.mjs";

const DEVICE = "a".repeat(32);
let exportArchive, openSealed, Service, Events, folder;
before(async () => {
  const ts = (path) => join(import.meta.dirname, "../ts", path);
  let modules;
  ({ modules, folder } = await compiled({
    export: ts("archive/export.ts"), open: ts("archive/open.ts"), service: ts("service.ts"), answers: ts("answers.ts"),
  }));
  ({ exportArchive, openSealed, Service, Events } = modules);
});
after(() => rm(folder, { recursive: true, force: true }));

const event = (start_us, seq) => ({ device: DEVICE, seq, action: "window", start_us, duration_us: 1, active_us: 0, values: {} });

/** What becomes of a log that the service gives in these pages; how often it was asked. */
async function exported(pages) {
  let asked = 0;
  const port = { add: async () => undefined, finish: async () => new Blob() };
  const account = {
    info: { value: { account: DEVICE } },
    owner: { openBlob() {}, revealMany: async () => [], openRecords: async () => [], archiveWriter: async () => ({ port }) },
    service: {
      get: async (path) => {
        if (path.includes("/records")) return { records: [], next: null };
        if (path.includes("/blobs")) return { blobs: [], next: null };
        const events = pages[asked++];
        return { events, next_cursor: asked < pages.length ? `page${asked}` : null };
      },
    },
  };
  const options = { signal: new AbortController().signal, onProgress() {} };
  const result = await exportArchive(account, { devices: [{ id: DEVICE, name: "pc", revoked: false }], period: undefined }, options)
    .then(({ events }) => events, ({ code }) => code);
  return [result, asked];
}

test("a log comes page by page, each event once and in the order of time", async () => {
  assert.deepEqual(await exported([[event(1, 1), event(1, 2)], [event(2, 1)], []]), [3, 3]);
});

test("pages that do not go on are no answer", async () => {
  for (const [pages, asked] of [
    [[[event(1, 1)], [event(1, 1)], []], 2],
    [[[event(2, 1)], [event(1, 2)]], 2],
    [[[event(1, 2), event(1, 1)]], 1],
    [[[event(1, 1)], [], [event(2, 2)]], 2],
    [[[{ ...event(1, 1), device: "b".repeat(32) }], [event(2, 2)]], 1],
  ]) {
    assert.deepEqual(await exported(pages), ["service.nonsense", asked]);
  }
});

test("a list longer than was asked for, and a blob without a body, are no answer", async (t) => {
  const answer = t.mock.method(globalThis, "fetch");
  const service = new Service("http://localhost");
  answer.mock.mockImplementation(async () => Response.json({ events: [event(1, 1), event(2, 2)], next_cursor: null }));
  assert.equal((await service.get("/", Events(2))).events.length, 2);
  await assert.rejects(service.get("/", Events(1)), { code: "service.nonsense" });
  answer.mock.mockImplementation(async () => new Response(null, { status: 204 }));
  await assert.rejects(service.getBlob("/", 100), { code: "service.nonsense" });
});

test("a request ends with what it was for", async (t) => {
  const abort = new AbortController();
  t.mock.method(globalThis, "fetch", (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))));
  const asking = new Service("http://localhost").get("/", Events(1), abort.signal);
  abort.abort();
  await assert.rejects(asking, { code: "service.unreachable" });
});

test("a file that cannot be read, or not any more, has a code", async () => {
  const fail = () => Promise.reject(new DOMException("A requested file or directory could not be found", "NotFoundError"));
  let reads = 0;
  const changing = { slice: () => ({ arrayBuffer: () => reads++ === 0 ? Promise.resolve(new ArrayBuffer(1)) : fail() }) };
  for (const file of [{ slice: () => ({ arrayBuffer: fail }) }, changing]) {
    await assert.rejects(openSealed({ openBlob: () => Promise.reject(new Error("the file")) }, file), { code: "dashboard.unreadable" });
  }
});
