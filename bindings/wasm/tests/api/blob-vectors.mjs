// The vectors of blobs and archives, through `blindtally/blob`; test-vectors/README.md says what they hold.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { archiveWriter, openArchive, openBlob, sealBlob } from "../../dist/blob.js";
import { BLOB_CLASSES } from "../../dist/generated.js";
import { Handle } from "../../dist/init.js";
import { Backup, init } from "../../dist/node.js";
import { importInputKey } from "../../dist/webcrypto.js";

await init();

const CHECKS = { blob, archive, archive_refused: archive, archive_paths: archive, archive_damaged: archive };
export const FILES = Object.keys(CHECKS);

/** Runs every case of a file. Returns how many there are; throws all that fail. */
export async function check(name, { testGroups, numberOfTests }) {
  const wrong = [];
  let count = 0;
  for (const group of testGroups) {
    for (const test of group.tests) {
      count++;
      const at = `${name} ${test.tcId}: ${test.comment}:`;
      await CHECKS[name](group, test).catch(({ message }) => wrong.push(`${at} ${message}`));
    }
  }
  assert.deepEqual(wrong, []);
  assert.equal(count, numberOfTests);
  return count;
}

async function blob(group, test) {
  const sealed = edited(group, test, "blob");
  const keys = new MasterKey(group, test.deviceId);
  const streamed = await read(openBlob(keys, inPieces(sealed, 10_000)));
  const whole = await outcome(openBlob(keys, new Blob([sealed])).then(async (opened) => {
    const content = await opened.bytes();
    assert.equal(opened.size, content.length);
    return { header: opened.header, content };
  }));
  if (test.result === "invalid") {
    assert.deepEqual([streamed.code, whole.code], [test.expect, test.expect]);
    assert.deepEqual([sha256(streamed.content), streamed.content.length], [test.released, test.releasedLength]);
    return;
  }
  assert.deepEqual(streamed, { ...whole, content: Buffer.from(whole.content) });
  const { header: { class: blobClass, ...header }, content } = whole;
  assert.equal(BLOB_CLASSES[blobClass] ?? blobClass, test.class);
  assert.deepEqual(header, { epoch: group.epoch, device: test.deviceId, id: test.blobId, seq: BigInt(test.seq) });
  assert.deepEqual([sha256(content), content.length], [test.sha256, test.length]);
  assert.equal(test.content ?? hex(content), hex(content));
  const again = await withRandomBytes([test.blobId, test.salt], () => sealBlob(keys, test.class, { seq: header.seq, content }));
  assert.equal(hex(await again.body.arrayBuffer()), hex(sealed));
}

async function archive(group, test) {
  const restored = await Backup.parse(group.backup).openWithRecoveryKey(group.recoveryKey);
  const { opened, code } = await outcome(openArchive(restored, edited(group, test, "archive")).then((opened) => ({ opened })));
  assert.equal(code, test.expect);
  if (!opened) return;
  const files = await Promise.all(opened.files.map(async ({ path, length, modified }, number) => {
    const { content, code } = await outcome(opened.file(number).bytes().then((content) => ({ content })));
    const about = { path, length, modified: modified.getTime() / 1000 };
    if (code) return { ...about, expect: code };
    assert.equal(content.length, length);
    return { ...about, sha256: sha256(content) };
  }));
  assert.deepEqual(files, test.files);
  assert.deepEqual([opened.listing, opened.made?.getTime()], [test.listing, test.made]);
  assert.deepEqual(await opened.damaged(), files.flatMap(({ expect }, number) => expect ? [number] : []));
}

/** A file of one case: an archive that this package makes, of the account that the file of cases begins with. */
export async function sealedArchive({ testGroups: [{ type, backup, recoveryKey }] }) {
  const kdf = { id: "pbkdf2-sha256", iterations: 600_000 };
  const restored = await Backup.parse(backup).openWithRecoveryKey(recoveryKey);
  const { owner } = await restored.restore({ login: "anna", password: "secret", kdf });
  const made = 1_790_000_000_123;
  const writer = await archiveWriter(owner, { now: made });
  const files = [];
  for (const length of [0, 512, 20_000, 5_000_000]) {
    const content = Uint8Array.from({ length }, (_, at) => at % 251);
    const [path, modified] = [`files/${length}`, 1_790_000_000 - length];
    await writer.add(path, { modified: modified * 1000, content });
    files.push({ path, length, modified, sha256: sha256(content) });
  }
  const archive = hex(await (await writer.finish()).arrayBuffer());
  const tests = [{ tcId: 1, comment: "made by npm", archive, listing: "signed", made, files }];
  return { numberOfTests: 1, testGroups: [{ type, backup, recoveryKey, tests }] };
}

/**
 * What opens and seals under one MasterKey. An owner never gives it out and never takes it in, so this stands in the place of
 * an Owner and of an Agent and derives the input keys itself (SPEC.md#keys); the vectors of archives open with a real backup.
 */
class MasterKey extends Handle {
  #account;
  #device;

  constructor({ masterKey, accountId, epoch }, device) {
    const extracted = hmac("blindtally/v1/master", bytes(masterKey));
    const inputKey = (blobClass, device) => {
      const classKey = expand(extracted, "class", bytes(accountId), [epoch >> 8, epoch & 255], [0, 1, blobClass]);
      return importInputKey(expand(expand(classKey, "device", bytes(device)), "blob", [0x31]));
    };
    super({
      blob_keys: (blobClass, stated, device) => [new Uint8Array(32), ...stated === epoch ? [inputKey(blobClass, device)] : []],
      blob_key: (blobClass) => [epoch, inputKey(blobClass, device)],
      free() {},
    });
    this.#account = accountId;
    this.#device = device;
  }

  info() {
    return { account: this.#account, device: this.#device };
  }
}

const hmac = (key, ...parts) => createHmac("sha256", key).update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const expand = (key, label, ...rest) => hmac(key, "blindtally/v1\0", [0, label.length], label, ...rest, [1]);

/** The bytes of this name: the test's own, or the group's after the test's edits (test-vectors/README.md#edits). */
function edited(group, test, name) {
  if (name in test) return bytes(test[name]);
  const base = bytes(group[name]);
  let at = 0;
  const parts = test.edits.flatMap(([offset, dropped, put]) => {
    const before = base.subarray(at, offset);
    at = offset + dropped;
    return [before, typeof put === "string" ? bytes(put) : base.subarray(put[0], put[0] + put[1])];
  });
  return Uint8Array.from(Buffer.concat([...parts, base.subarray(at)]));
}

/** What a stream releases, and the code with which it then fails. */
async function read(opening) {
  const pieces = [];
  const end = await outcome(opening.then(async (opened) => {
    for await (const piece of opened.stream()) pieces.push(piece);
    return { header: opened.header };
  }));
  return { ...end, content: Buffer.concat(pieces) };
}

function outcome(promise) {
  return promise.catch((error) => {
    if (error.name !== "BlindtallyError") throw error;
    return { code: error.code };
  });
}

export function inPieces(bytes, size) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at += size));
    },
  });
}

/** The platform's next random bytes are these. */
async function withRandomBytes(values, work) {
  const left = values.map(bytes);
  crypto.getRandomValues = (array) => {
    array.set(left.shift());
    return array;
  };
  try {
    return await work();
  } finally {
    delete crypto.getRandomValues;
  }
}

const bytes = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
