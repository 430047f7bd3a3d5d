// Owners for tests of the page reader: they know made-up tokens, and answer at once or when the test says so.

import { BlindtallyError } from "/dist/error.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function base64url(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const three = bytes[i] << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0);
    for (let j = 0; j < Math.min(4, bytes.length - i + 1); j++) text += ALPHABET[three >> (18 - 6 * j) & 63];
  }
  return text;
}

/** A well-formed token that no key made: different for each `seed`. `padded` is a length that a value can have. */
export function makeToken(seed, tokenClass = 1, padded = 16) {
  const bytes = new Uint8Array(20 + padded).fill(7);
  bytes.set([0x11, tokenClass, 0, 1]);
  new DataView(bytes.buffer).setUint32(4, seed);
  return "bt1_" + base64url(bytes);
}

/** Answers at once, as `Owner` does. */
export class FakeOwner {
  words = new Map();
  refusals = new Map();
  calls = [];

  /** A token for `word`. */
  token(word, tokenClass = 1, padded = 16) {
    const token = makeToken(this.words.size + 1, tokenClass, padded);
    this.words.set(token, word);
    return token;
  }

  /** A token that is refused. */
  refused(code = "reveal.no-key") {
    const token = makeToken(0x80000000 + this.refusals.size);
    this.refusals.set(token, code);
    return token;
  }

  get asked() {
    return this.calls.flat();
  }

  revealMany(tokens) {
    this.calls.push([...tokens]);
    return this.answer(tokens);
  }

  answer(tokens) {
    return tokens.map((token) => this.words.get(token) ?? new BlindtallyError(this.refusals.get(token) ?? "reveal.tampered", "refused"));
  }
}

/** Answers when `next` is called, as `OwnerWorker` does some time later. */
export class FakeWorker extends FakeOwner {
  pending = [];

  revealMany(tokens) {
    this.calls.push([...tokens]);
    return new Promise((resolve, reject) => this.pending.push({ tokens, resolve, reject }));
  }

  next() {
    const { tokens, resolve } = this.pending.shift();
    resolve(this.answer(tokens));
  }

  fail(error) {
    this.pending.shift().reject(error);
  }
}
