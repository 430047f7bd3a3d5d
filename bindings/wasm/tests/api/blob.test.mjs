// Blobs and archives in Node: what goes in comes out, of any kind of input. What is refused with which code, and what is
// left of damaged archives, is in the vectors: vectors.test.mjs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { archiveWriter, openArchive, openBlob, sealBlob } from "../../dist/blob.js";
import { Backup } from "../../dist/node.js";
import { account, device, flipped, refused } from "./account.mjs";
import { inPieces } from "./blob-vectors.mjs";

const LENGTHS = [0, 1, 15, 16, 16_383, 16_384, 16_385, 100_000];
const [START, SEALED] = [103, 16_400];
const { owner } = await account();
const { agent, id } = await device(owner);
const stranger = await account();
const strange = await device(stranger.owner);

const content = (length, seed = 1) => Uint8Array.from({ length }, (_, at) => (Math.imul(at + seed, 2_654_435_761) >>> 24));
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());
const seal = async (content, options = {}) => bytesOf((await sealBlob(agent, "screenshot", { seq: 7n, content, ...options })).body);
/** What a stream gives before it ends or fails, and with which code. */
async function read(stream) {
  const pieces = [];
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch (error) {
    return { bytes: Buffer.concat(pieces), code: error.code ?? error };
  }
  return { bytes: Buffer.concat(pieces), code: undefined };
}

test("a blob of every length comes out as it went in, from memory, a Blob and a stream", async () => {
  for (const length of LENGTHS) {
    const plain = content(length);
    for (const input of [plain, new Blob([plain]), inPieces(plain, 1000)]) {
      const { header, body } = await sealBlob(agent, "screenshot", { seq: new Date(1234), content: input });
      const sealed = body instanceof Blob ? await bytesOf(body) : Uint8Array.from((await read(body)).bytes);
      assert.deepEqual({ ...header, id: "" }, { class: "screenshot", epoch: 1, device: id, id: "", seq: 1234n });
      for (const size of [1, 7000, 70_000]) {
        if (size === 1 && length > 1000) continue;
        const opened = await openBlob(owner, inPieces(sealed, size));
        assert.deepEqual(opened.header, header);
        assert.ok((await read(opened.stream())).bytes.equals(plain));
        await assert.rejects(opened.bytes(), { code: "wasm.argument" });
      }
      const opened = await openBlob(owner, new Blob([sealed]));
      assert.equal(opened.size, length);
      assert.deepEqual(await opened.bytes(), plain);
      assert.deepEqual(await bytesOf(await opened.blob("image/png")), plain);
      assert.deepEqual(await opened.slice(3, 20_000), plain.slice(3, 20_000));
      assert.ok((await read(opened.stream())).bytes.equals(plain));
    }
  }
});

test("zeros behind a byte 0x80 are content, however many", async () => {
  const plain = new Uint8Array(2_000_000);
  plain[5] = 0x80;
  const sealed = await seal(plain);
  assert.deepEqual(await (await openBlob(owner, sealed)).bytes(), plain);
  assert.deepEqual(await (await openBlob(owner, inPieces(sealed, 50_000))).bytes(), plain);
});

test("of a beginning that is cut off, the first field that is wrong is told", async () => {
  const sealed = await seal(content(5));
  const [badClass, badEpoch] = [sealed.slice(), sealed.slice()];
  badClass[4] = 16;
  badEpoch.fill(0, 5, 7);
  for (const [bytes, length, code] of [
    [badClass, 4, "malformed.truncated"], [badClass, 5, "malformed.value"], [badEpoch, 6, "malformed.truncated"], [badEpoch, 7, "malformed.value"],
  ]) await refused(code, () => openBlob(owner, bytes.slice(0, length)));
});

test("what is of another account, or no blob, is refused", async () => {
  const foreign = await bytesOf((await sealBlob(strange.agent, "screenshot", { seq: 1n, content: content(5) })).body);
  await refused("blob.no-key", () => openBlob(owner, foreign));
  await refused("malformed.value", () => sealBlob(agent, 1, { seq: 1n, content: content(5) }));
  await refused("wasm.argument", () => sealBlob(agent, "screenshot", { seq: 1n, content: "text" }));
  await refused("wasm.argument", () => openBlob({}, foreign));
});

test("64 MB go through in constant memory, both ways, as fast as they are read", async () => {
  const [piece, count] = [new Uint8Array(1 << 18).fill(7), 256];
  let given = 0;
  const input = new ReadableStream({
    pull(controller) {
      if (given === count * piece.length) return controller.close();
      given += piece.length;
      controller.enqueue(piece.slice());
    },
  }, { highWaterMark: 0 });
  const { body } = await sealBlob(agent, "voice", { seq: 1n, content: input });
  let [taken, most] = [0, 0];
  const opened = await openBlob(owner, body);
  for await (const plain of opened.stream()) {
    assert.ok(plain.every((byte) => byte === 7));
    taken += plain.length;
    most = Math.max(most, given - taken);
  }
  assert.equal(taken, count * piece.length);
  assert.ok(most < 4 << 20, `${most} bytes in flight`);
});

test("a stream that is cancelled or fails takes its source with it", async () => {
  let cancelled;
  const sealed = await seal(content(400_000));
  const endless = (bytes) => new ReadableStream({
    start(controller) { controller.enqueue(bytes); },
    cancel(reason) { cancelled = reason; },
  });
  const reader = (await openBlob(owner, endless(sealed.slice(0, 100_000)))).stream().getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.equal(cancelled, "enough");
  await refused("blob.no-key", () => openBlob(stranger.owner, endless(sealed)));
  assert.equal(cancelled.code, "blob.no-key");
  for (const [code, refusing] of [
    ["malformed.value", (content) => sealBlob(agent, 7, { seq: 1n, content })],
    ["wasm.argument", (content) => sealBlob(owner, "screenshot", { seq: 1n, content })],
    ["wasm.argument", (content) => sealBlob(agent, "screenshot", { seq: -1, content })],
    ["wasm.argument", (content) => openBlob(agent, content)],
    ["wasm.argument", async () => read((await sealBlob(agent, "screenshot", { seq: 1n, content: endless("text") })).body).then(({ code }) => { throw Object.assign(new Error(), { code }); })],
  ]) {
    cancelled = "never";
    await assert.rejects(refusing(endless(sealed)), { code });
    assert.notEqual(cancelled, "never", code);
  }
  const failing = new ReadableStream({ pull(controller) { controller.error(new Error("the net")); } });
  await assert.rejects(openBlob(owner, failing), /the net/);
  const { body } = await sealBlob(agent, "screenshot", { seq: 1n, content: new ReadableStream({ pull() { throw new Error("the disk"); } }) });
  await assert.rejects(read(body).then(({ code }) => { throw code; }), /the disk/);
});

const FILES = [
  ["devices.json", content(100, 2)], ["log/a/000001.jsonl", content(50_000, 3)], ["screenshot/a/1.png", content(200_000, 4)],
  ["screenshot/a/2.png", new Uint8Array()], ["voice/a/1.ogg", content(512, 5)], ["voice/a/long.ogg", content(5_000_000, 6)],
];
const MADE = 1_700_000_000_123;

async function archive(files = FILES, by = owner) {
  const writer = await archiveWriter(by, { now: MADE });
  for (const [path, content] of files) await writer.add(path, { modified: MADE, content: path.endsWith("g") ? new Blob([content]) : content });
  return writer.finish();
}

test("an archive gives every file as it went in, to the owner and to the backup", async () => {
  const sealed = await archive();
  const { backup, recoveryKey } = owner.backupWithRecoveryKey();
  for (const opener of [owner, await Backup.parse(backup).openWithRecoveryKey(recoveryKey)]) {
    const opened = await openArchive(opener, sealed);
    assert.equal(opened.listing, "signed");
    assert.equal(opened.made.getTime(), MADE);
    assert.deepEqual(opened.files.map(({ path, length }) => [path, length]), FILES.map(([path, { length }]) => [path, length]));
    assert.deepEqual(await opened.damaged(), []);
    for (const [number, [, plain]] of FILES.entries()) {
      const file = opened.file(number);
      assert.equal(file.modified.getTime(), 1_700_000_000_000);
      assert.deepEqual(Buffer.from(file.hash), createHash("sha256").update(plain).digest());
      assert.deepEqual(await file.bytes(), plain);
      assert.deepEqual(await bytesOf(await file.blob()), plain);
      assert.ok((await read(file.stream())).bytes.equals(plain));
    }
    assert.equal((await read(opened.tar())).code, undefined);
    assert.throws(() => opened.file(FILES.length), { code: "archive.no-file" });
    assert.throws(() => opened.file(-1), { code: "wasm.argument" });
  }
  await refused("archive.other-account", () => openArchive(stranger.owner, sealed));
  assert.deepEqual((await openArchive(owner, await archive([]))).files, []);
});

test("an archive that the platform does not sign is none", async () => {
  const { sign } = crypto.subtle;
  // HMAC, which derives the keys of blobs, goes on.
  crypto.subtle.sign = (algorithm, ...rest) =>
    algorithm.name === "RSA-PSS" ? Promise.reject(new DOMException("no", "OperationError")) : sign.call(crypto.subtle, algorithm, ...rest);
  try {
    await refused("rsa.failed", () => archive([]));
  } finally {
    crypto.subtle.sign = sign;
  }
  assert.deepEqual((await openArchive(owner, await archive([]))).files, []);
});

test("damage to one file is damage to no other", async () => {
  const sealed = await bytesOf(await archive());
  const opened = await openArchive(owner, new Blob([flipped(sealed, START + 5 * SEALED + 9)]));
  assert.equal(opened.listing, "signed");
  assert.deepEqual(await opened.damaged(), [2]);
  await refused("archive.damaged", () => opened.file(2).bytes());
  assert.equal((await read(opened.file(2).stream())).code, "archive.damaged");
  assert.deepEqual(await opened.file(4).bytes(), FILES[4][1]);
  const late = await openArchive(owner, flipped(sealed, START + 100 * SEALED));
  assert.deepEqual(await late.damaged(), [5]);
  assert.equal((await read(late.file(5).stream())).code, "archive.damaged");
});

test("an archive without its end is read by its headers, and says so", async () => {
  const sealed = await bytesOf(await archive());
  const cut = await openArchive(owner, sealed.slice(0, START + 20 * SEALED + 5));
  assert.deepEqual([cut.listing, cut.made], ["unlisted", undefined]);
  assert.deepEqual(cut.files.map(({ path }) => path), FILES.map(([path]) => path));
  assert.deepEqual(await cut.damaged(), [5]);
  assert.deepEqual(await cut.file(2).bytes(), FILES[2][1]);
  const holed = await openArchive(owner, flipped(flipped(sealed, START), -1));
  assert.ok(!holed.files.some(({ path }) => path === "devices.json"));
  assert.deepEqual(holed.files.map(({ path }) => path).slice(-4), FILES.slice(-4).map(([path]) => path));
});

test("paths that some system does not take, or that lead elsewhere, are refused, and what follows is not lost", async () => {
  const writer = await archiveWriter(owner);
  const add = (path) => writer.add(path, { modified: 0, content: content(3) });
  await add("a/b.txt");
  for (const path of [
    "", "/a", "a/", "../a", "a/../b", "a//b", ".a", "a.", "a b", "ä", "a\\b", "con", "a/NUL.txt", "com1", "lpt0.x", "A/B.TXT", "a", "a/b.txt/c",
    "blindtally.manifest", "Blindtally.Manifest", "blindtally.manifest/x", "x".repeat(101), "a\n",
  ]) await refused("archive.path", () => add(path));
  await refused("archive.too-long", () => writer.add("late", { modified: 2 ** 33 * 1000, content: content(1) }));
  await refused("wasm.argument", () => add(7));
  await add("console");
  const opened = await openArchive(owner, await writer.finish());
  assert.deepEqual(opened.files.map(({ path }) => path), ["a/b.txt", "console"]);
  await refused("wasm.argument", () => add("more"));
});

test("records open with what their headers say, each with a result of its own", async () => {
  const record = agent.sealRecord("chat", "hello 📅\nsecond line", 1_700_000_000_000n);
  assert.deepEqual(owner.openRecord(record), { value: "hello 📅\nsecond line", class: "chat", device: id, seq: 1_700_000_000_000n });
  const other = strange.agent.sealRecord("clipboard", "x", 1n);
  const [first, foreign, broken, token] = owner.openRecords([record, other, "br1_AA", agent.tokenize("app", "x")]);
  assert.equal(first.value, "hello 📅\nsecond line");
  assert.deepEqual([foreign.code, broken.code, token.code], ["record.tampered", "malformed.suite", "malformed.encoding"]);
  await refused("record.tampered", () => owner.openRecord(other));
  assert.equal(owner.revealMany([record])[0].code, "malformed.encoding");
  assert.deepEqual(owner.openRecords([]), []);
});
