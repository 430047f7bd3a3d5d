// Blobs and archives in Chromium and Firefox under a strict policy, by an owner of the page and by one in a worker.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, serve } from "../browser.mjs";
import { launchFirefox, outcomeOf, POLICY } from "../web.mjs";

const dist = new URL("../../dist/", import.meta.url).pathname;
const page = `
import { archiveWriter, openArchive, openBlob, sealBlob } from "/dist/blob.js";
import { Agent, init, Owner } from "/dist/index.js";
import { OwnerWorker } from "/dist/worker.js";

const code = (promise) => promise.then(() => "no error", (error) => error.code ?? String(error));
const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
const content = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);

async function use(owner) {
  const { pending, request } = await Agent.enroll((await owner.issueTicket()).text, "pc", { rsa: 2048 });
  const change = await owner.approve(await owner.inspect(request));
  const agent = await pending.accept(change.committed().deliveries[0].delivery);
  const { header, body } = await sealBlob(agent, "screenshot", { seq: 5n, content: new Blob([content]) });
  const sealed = new Uint8Array(await body.arrayBuffer());
  const opened = await openBlob(owner, body);
  const streamed = await openBlob(owner, body.stream());
  const cut = await openBlob(owner, body.slice(0, 103 + 3 * 16_400).stream());
  const reader = cut.stream().getReader();
  let prefix = 0;
  const failure = await code((async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) prefix += next.value.length;
  })());
  const writer = await archiveWriter(owner, { now: 1_700_000_000_000 });
  await writer.add("a/b.png", { modified: 0, content: new Blob([content]) });
  await writer.add("c.bin", { modified: 0, content: content.slice(0, 10) });
  const refusal = await code(writer.add("../c", { modified: 0, content }));
  const file = await writer.finish();
  const archive = await openArchive(owner, file);
  const damagedBytes = new Uint8Array(await file.arrayBuffer());
  damagedBytes[103 + 5 * 16_400] ^= 1;
  const damaged = await openArchive(owner, new Blob([damagedBytes]));
  const record = await owner.openRecord(agent.sealRecord("chat", "hello", 9n));
  sealed[200] ^= 1;
  return {
    header: opened.header.id === header.id && opened.header.seq === 5n && opened.header.class === "screenshot",
    size: opened.size, bytes: same(await opened.bytes(), content), slice: same(await opened.slice(9, 70_000), content.slice(9, 70_000)),
    blob: (await opened.blob("image/png")).type, streamed: same(await streamed.bytes(), content), prefix, failure,
    tampered: await code(openBlob(owner, sealed).then((blob) => blob.bytes())),
    refusal, listing: archive.listing, made: archive.made.getTime(), paths: archive.files.map(({ path }) => path),
    file: same(new Uint8Array(await new Response(archive.file(0).stream()).arrayBuffer()), content),
    intact: await archive.damaged(), damaged: await damaged.damaged(), damage: await code(damaged.file(0).blob()),
    record: [record.value, record.class, String(record.seq)],
  };
}

async function run() {
  await init();
  const options = { login: "anna", password: "secret", rsa: 2048, kdf: { id: "pbkdf2-sha256", iterations: 600_000 } };
  const near = await use((await Owner.create(options)).owner);
  const worker = await OwnerWorker.start();
  const far = await use((await worker.create(options)).owner);
  return [near, far];
}
const show = (outcome) => { document.querySelector("output").textContent = JSON.stringify(outcome); };
run().then(show, (error) => show(String(error?.stack ?? error)));
`;
const html = '<!doctype html><title>blobs</title><output></output><script type="module" src="/page.js"></script>';

const OUTCOME = {
  header: true, size: 300_000, bytes: true, slice: true, blob: "image/png", streamed: true, prefix: 3 * 16_384, failure: "blob.truncated",
  tampered: "blob.tampered", refusal: "archive.path", listing: "signed", made: 1_700_000_000_000, paths: ["a/b.png", "c.bin"], file: true,
  intact: [], damaged: [0], damage: "archive.damaged", record: ["hello", "chat", "9"],
};

let server;
before(async () => {
  server = await serve({ "/dist/": dist }, { csp: POLICY });
  server.pages.set("/", html);
  server.pages.set("/page.js", { body: page, type: "text/javascript" });
});
after(() => server.close());

for (const [name, start] of Object.entries({ Chromium: launch, Firefox: launchFirefox })) {
  test(`an owner opens and seals blobs in ${name}, in the page and in a worker alike`, async () => {
    const browser = await start();
    try {
      assert.deepEqual(await outcomeOf(browser, `${server.url}/`), [OUTCOME, OUTCOME]);
    } finally {
      await browser.close();
    }
  });
}
