// Values that are sealed: tokens, records and blobs. SPEC.md#token, SPEC.md#record, SPEC.md#blob.

import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { gcm } from '@noble/ciphers/aes.js';
import {
  before, cat, epoch, fromText, isBlobClass, isRecordClass, isTokenClass, LIMITS, must, only, parse, random, raw, Reader, refuse, rest,
  same, sha256, start, struct, suite, toBase64url, u16, u64, u8, unsigned, zeros,
} from './wire.mjs';
import { checkSealedLength, gcmSivOpen, gcmSivSeal, markerOf, orUndefined, pad, paddedLength, purpose, unpadText } from './keys.mjs';

const ofEpoch = (masters, epoch, code) => must(masters.filter(master => master.epoch === epoch), masters => masters.length > 0, code);

// SPEC.md#token. Values are bytes of UTF-8.
const tokenHeader = { suite: suite(0x11), class: only(u8, isTokenClass), epoch };
const token = struct({ ...tokenHeader, header: before, sealed: rest });
const tokenKeys = classKey => {
  const keys = purpose(classKey, 'token', 0x11, 44);
  return [keys.subarray(0, 32), keys.subarray(32)];
};
export function tokenize(classKey, accountId, { class: ofClass, epoch }, value) {
  if (value.length > LIMITS.token) refuse('tokenize.too-long');
  const header = struct(tokenHeader)({ class: ofClass, epoch });
  return 'bt1_' + toBase64url(cat(header, gcmSivSeal(...tokenKeys(classKey), pad(value), cat('blindtally/v1/token', accountId, header))));
}
export const indexOf = text => sha256('blindtally/v1/index', fromText('bt1_', text)).subarray(0, 16);
export function parseToken(text) {
  const parsed = parse(token, fromText('bt1_', text, 4 + paddedLength(LIMITS.token) + 16));
  checkSealedLength(parsed.sealed);
  return parsed;
}
// An epoch may have several MasterKeys, where histories were merged: each is tried.
export function reveal(masters, text) {
  const { class: ofClass, epoch, header, sealed } = parseToken(text);
  const open = master =>
    gcmSivOpen(...tokenKeys(master.classKey(ofClass)), sealed, cat('blindtally/v1/token', master.accountId, header));
  const opened = ofEpoch(masters, epoch, 'reveal.no-key').map(open).find(Boolean);
  return unpadText(opened ?? refuse('reveal.tampered'), LIMITS.token, 'reveal.plaintext');
}

// SPEC.md#token-text: [start, end] of each token, in bytes of UTF-8.
export const findTokens = text => [...text.matchAll(/(?<![A-Za-z0-9_-])bt1_[A-Za-z0-9_-]{48,5830}(?![A-Za-z0-9_-])/g)]
  .filter(([run]) => orUndefined(() => parseToken(run)))
  .map(({ 0: run, index }) => [index, index + run.length].map(end => Buffer.byteLength(text.slice(0, end))));

// SPEC.md#record. Under a queue key in place of the DeviceKey it is a queue record, of epoch 0: SPEC.md#queue.
const recordHeader = { suite: suite(0x21), class: only(u8, value => isTokenClass(value) || isRecordClass(value)),
  epoch: only(u16, (epoch, before) => epoch === 0 || isRecordClass(before.class)), deviceId: raw(16), seq: u64 };
const record = struct({ ...recordHeader, header: before, nonce: raw(12), sealed: rest });
const recordKey = key => purpose(key, 'record', 0x21, 32);
const recordData = (accountId, header) => cat('blindtally/v1/record', accountId, header);
export function sealRecord(key, accountId, fields, value, nonce = random(12)) {
  if (value.length > LIMITS.record) refuse('record.too-long');
  const header = struct(recordHeader)(fields);
  return 'br1_' + toBase64url(cat(header, nonce, gcmSivSeal(recordKey(key), nonce, pad(value), recordData(accountId, header))));
}
export function parseRecord(text) {
  const parsed = parse(record, fromText('br1_', text, 40 + paddedLength(LIMITS.record) + 16));
  checkSealedLength(parsed.sealed);
  return parsed;
}
// Tries each of `keys`, which are DeviceKeys, or the queue key.
export function openRecord(keys, accountId, { header, nonce, sealed }) {
  const opened = keys.map(key => gcmSivOpen(recordKey(key), nonce, sealed, recordData(accountId, header))).find(Boolean);
  return unpadText(opened ?? refuse('record.tampered'), LIMITS.record, 'record.plaintext');
}
export function readRecord(masters, accountId, text) {
  const parsed = parseRecord(text);
  const keys = ofEpoch(masters, parsed.epoch, 'record.no-key').map(master => master.deviceKey(parsed.class, parsed.deviceId));
  return { ...parsed, value: openRecord(keys, accountId, parsed) };
}

// SPEC.md#blob: C2SP chunked encryption after a header in the clear.
export const CHUNK = 16384;
const SEALED_CHUNK = CHUNK + 16;
const BLOB_START = 103;
const MAX_CHUNKS = 2 ** 26 + 2 ** 20 + 1;
const blobHeader = { start: start('B', 0x31), class: only(u8, isBlobClass), epoch, deviceId: raw(16), blobId: raw(16), seq: u64 };
const blobStart = struct({ ...blobHeader, header: before, salt: raw(24), commitment: raw(32) });
export const parseBlob = bytes => blobStart.read(new Reader(bytes));
// HKDF-Expand in its two steps: the library's own refuses a pseudorandom key that is shorter than the hash.
function chunkKeys(deviceKey, accountId, { header, salt }) {
  const instantiation = cat('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM', zeros(1));
  const info = cat(instantiation, salt, 'blindtally/v1/blob', accountId, header);
  const prk = purpose(deviceKey, 'blob', 0x31, 32);
  const block = hmac(sha512, prk, cat(info, u8(1)));
  const keys = cat(block, hmac(sha512, prk, cat(block, info, u8(2))));
  return { key: keys.subarray(0, 32), nonce: keys.subarray(32, 44), commitment: keys.subarray(44, 76) };
}
const chunkCipher = ({ key, nonce }, i) => {
  const counter = cat(zeros(7), unsigned(i, 5));
  return gcm(key, nonce.map((byte, at) => byte ^ counter[at]));
};
export function sealBlob(deviceKey, accountId, fields, content, salt = random(24)) {
  if (content.length > LIMITS.blob) refuse('blob.too-long');
  const header = struct(blobHeader)(fields);
  const keys = chunkKeys(deviceKey, accountId, { header, salt });
  const padded = pad(content);
  const chunks = Array.from({ length: Math.floor(padded.length / CHUNK) + 1 },
    (_, i) => chunkCipher(keys, i).encrypt(padded.subarray(i * CHUNK, (i + 1) * CHUNK)));
  return cat(header, salt, keys.commitment, ...chunks);
}
// The keys that make the blob's commitment, among those of all MasterKeys of its epoch.
function committed(masters, accountId, blob) {
  const keys = ofEpoch(masters, blob.epoch, 'blob.no-key')
    .map(master => chunkKeys(master.deviceKey(blob.class, blob.deviceId), accountId, blob));
  return keys.find(({ commitment }) => same(commitment, blob.commitment)) ?? refuse('blob.no-key');
}
// A reader of a stream: `take` gives so many of the next bytes, and fewer at the end. It yields the header, then all of the content that
// it may release so far. It holds back what may be the padding, a 0x80 and zeros, and keeps their number in place of them.
export function* openBlob(masters, accountId, take) {
  const blob = parseBlob(take(BLOB_START));
  yield blob;
  const keys = committed(masters, accountId, blob);
  let [length, held, last] = [0, 0, false];
  for (let i = 0; !last; i++) {
    const sealed = take(SEALED_CHUNK);
    if (sealed.length < 16) refuse('blob.truncated');
    if (i >= MAX_CHUNKS) refuse('blob.too-long');
    last = sealed.length < SEALED_CHUNK;
    const chunk = orUndefined(() => chunkCipher(keys, i).decrypt(sealed)) ?? refuse('blob.tampered');
    length += chunk.length;
    const continues = held > 0 && chunk.every(byte => byte === 0);
    if (held && !continues) yield cat(u8(0x80), zeros(held - 1));
    const marker = continues ? -held : markerOf(chunk);
    held = continues || marker >= 0 ? chunk.length - marker : 0;
    if (!continues) yield chunk.subarray(0, chunk.length - held);
  }
  if (!held || paddedLength(length - held) !== length) refuse('blob.plaintext');
}
// A reader with random access opens the last chunk first, which authenticates the length, and any other at its place.
export class RandomAccessBlob {
  constructor(masters, accountId, bytes) {
    const [sealed, keys] = [bytes.subarray(BLOB_START), committed(masters, accountId, parseBlob(bytes))];
    this.count = must(Math.ceil(sealed.length / SEALED_CHUNK), count => count <= MAX_CHUNKS, 'blob.too-long');
    this.hasEnd = sealed.length % SEALED_CHUNK >= 16;
    const opened = new Map();
    const open = i => orUndefined(() => chunkCipher(keys, i).decrypt(sealed.subarray(i * SEALED_CHUNK, (i + 1) * SEALED_CHUNK)));
    this.chunk = i => (opened.has(i) ? opened : opened.set(i, open(i))).get(i);
  }
  // The bytes from `start` to `end` of the padded content, or undefined where a chunk under them does not open or is not there.
  read(start, end) {
    const parts = [];
    for (let i = Math.floor(start / CHUNK); i * CHUNK < end; i++) {
      const chunk = i < this.count && this.chunk(i);
      if (!chunk || i * CHUNK + chunk.length < Math.min(end, (i + 1) * CHUNK)) return undefined;
      parts.push(chunk.subarray(Math.max(0, start - i * CHUNK), end - i * CHUNK));
    }
    return cat(...parts);
  }
  // The length of the content, or undefined where it cannot be known: the blob was cut off, or a chunk that says it does not open.
  length() {
    const last = this.hasEnd && this.chunk(this.count - 1);
    for (let i = this.count - 1; last && this.chunk(i); i--) {
      const marker = markerOf(this.chunk(i));
      if (i > 0 && this.chunk(i).every(byte => byte === 0)) continue;
      const isMinimal = marker >= 0 && paddedLength(i * CHUNK + marker) === (this.count - 1) * CHUNK + last.length;
      return isMinimal ? i * CHUNK + marker : refuse('blob.plaintext');
    }
    return undefined;
  }
}
