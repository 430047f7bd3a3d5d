// Bytes, text and numbers of the format: SPEC.md#conventions, SPEC.md#registries, SPEC.md#errors.
//
// This folder is an implementation of Blindtally in JavaScript, written from SPEC.md alone, to be read beside it: wire, keys, sealing,
// archive, messages and wrapping follow its sections. It checks the vectors and other implementations; it is not for use.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

// A refusal has one of the codes of SPEC.md#errors.
export class Refusal extends Error {
  constructor(code) { super(code); this.code = code; }
}
export const refuse = code => { throw new Refusal(code); };
export const must = (value, allowed, code = 'malformed.value') => (allowed(value) ? value : refuse(code));
export { isUtf8 } from 'node:buffer';
export const random = n => new Uint8Array(randomBytes(n));
export const sha256 = (...parts) => new Uint8Array(createHash('sha256').update(cat(...parts)).digest());
export const hex = bytes => Buffer.from(bytes).toString('hex');
export const fromHex = text => new Uint8Array(Buffer.from(text, 'hex'));
export const utf8 = text => new Uint8Array(Buffer.from(text));
export const text = bytes => Buffer.from(bytes).toString();
export const zeros = n => new Uint8Array(n);
export const unsigned = (value, size) => fromHex(BigInt(value).toString(16).padStart(2 * size, '0'));
export const asNumber = bytes => BigInt('0x0' + hex(bytes));
// Comparisons are in constant time wherever one side could be a secret, and so everywhere.
export const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);
// `a | b`; quoted text stands for its bytes.
export const cat = (...parts) => new Uint8Array(Buffer.concat(parts.map(part => Buffer.from(part))));

// A decoder goes through the fields in their order and stops at the first that it refuses: SPEC.md#strict, SPEC.md#which-code.
export class Reader {
  constructor(bytes, limit = Infinity) {
    this.bytes = must(bytes, bytes => bytes.length <= limit, 'malformed.too-long');
    this.at = 0;
  }
  take(n) {
    if (n > this.bytes.length - this.at) refuse('malformed.truncated');
    return this.bytes.subarray(this.at, this.at += n);
  }
  before() { return this.bytes.subarray(0, this.at); }
  end() { if (this.at < this.bytes.length) refuse('malformed.trailing'); }
}
// A field is a function that writes a value, with a `read` that takes one from a Reader and checks it.
export const field = (write, read) => Object.assign((...values) => write(...values), { read });
const number = (size, from) => field(value => unsigned(value, size), reader => from(asNumber(reader.take(size))));
export const [u8, u16, u32, u64] = [number(1, Number), number(2, Number), number(4, Number), number(8, BigInt)];
export const raw = n => field(bytes => bytes, reader => reader.take(n));
export const only = (inner, allowed, code) =>
  field(inner, (reader, before) => must(inner.read(reader, before), value => allowed(value, before), code));
export const oneOf = (...values) => only(u8, value => values.includes(value));
export const epoch = only(u16, epoch => epoch !== 0);
export const suite = (...values) => field(() => u8(values[0]),
  reader => must(u8.read(reader), read => values.includes(read), 'malformed.suite'));
export const start = (kind, ...suites) => field(() => cat('BT', kind, u8(suites[0])), reader => {
  if (!same(reader.take(2), utf8('BT'))) refuse('malformed.magic');
  if (u8.read(reader) !== kind.charCodeAt(0)) refuse('malformed.kind');
  return suite(...suites).read(reader);
});
// lp and lp32, which have a limit where they are read.
const prefixed = length => limit => field(value => cat(length(cat(value).length), value),
  reader => reader.take(must(length.read(reader), n => n <= limit, 'malformed.too-long')));
export const [lpUpTo, lp32UpTo] = [prefixed(u16), prefixed(u32)];
export const [lp, lp32] = [lpUpTo(65535), lp32UpTo(2 ** 32)];
// What is there or not, as a u8 says.
export const option = (absent, present, inner) => field(value => (value ? cat(u8(present), inner(value)) : u8(absent)),
  reader => (oneOf(absent, present).read(reader) === present ? inner.read(reader) : undefined));
// Fields in their order, as an object. A field that is read sees those before it.
export const struct = fields => field(value => cat(...Object.entries(fields).map(([name, field]) => field(value[name]))), reader => {
  const read = {};
  for (const [name, field] of Object.entries(fields)) read[name] = field.read(reader, read);
  return read;
});
// All bytes before it: what a signature, a MAC or a tag is over. Nothing is written for it.
export const before = field(() => zeros(0), reader => reader.before());
export const rest = field(bytes => bytes, reader => reader.take(reader.bytes.length - reader.at));
// Items after their number, in the order that `follows` wants, once all are read: strictly ascending, unless it says otherwise.
export const ascending = key => (a, b) => Buffer.compare(key(a), key(b)) < 0;
export const list = (count, item, follows = ascending(item)) => field(items => cat(count(items.length), ...items.map(value => item(value))),
  (reader, outer) => {
    const items = [];
    for (let n = count.read(reader); n > 0; n--) items.push(item.read(reader, outer));
    return must(items, items => items.every((item, i) => i === 0 || follows(items[i - 1], item)), 'malformed.order');
  });
export function parse(whole, bytes, limit) {
  const reader = new Reader(bytes, limit);
  const value = whole.read(reader);
  reader.end();
  return value;
}
// Four bytes of a hash over what is before them. A trailing byte is found before a wrong one.
export const checksum = kind => field(body => checkOf(kind, body), reader => {
  const [body, given] = [reader.before(), reader.take(4)];
  reader.end();
  return must(given, given => same(given, checkOf(kind, body)), 'malformed.checksum');
});
export const checkOf = (kind, body) => sha256(`blindtally/v1/${kind}-check`, body).subarray(0, 4);
export const checked = (kind, body) => cat(body, checkOf(kind, body));
// base64url without padding, strictly. Node's decoder forgives, so its answer has to encode to what it was given.
export const toBase64url = bytes => Buffer.from(bytes).toString('base64url');
export function fromBase64url(text) {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  return must(bytes, bytes => toBase64url(bytes) === text, 'malformed.encoding');
}
// Text of so many bytes at most, which is checked before it is decoded.
export function fromText(prefix, text, limit = Infinity) {
  if (Buffer.byteLength(text) > prefix.length + Math.ceil(limit * 4 / 3)) refuse('malformed.too-long');
  return fromBase64url(must(text, text => text.startsWith(prefix), 'malformed.encoding').slice(prefix.length));
}

// SPEC.md#crockford.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const AS_TYPED = new Map([...ALPHABET, ...ALPHABET.toLowerCase()].map((c, i) => [c, BigInt(i % 32)]));
for (const [c, value] of [['O', 0n], ['o', 0n], ['I', 1n], ['i', 1n], ['L', 1n], ['l', 1n]]) AS_TYPED.set(c, value);
export const withoutSeparators = typed => typed.replace(/[-\p{White_Space}]/gu, '');
export function fromCrockford(typed, bits, code) {
  const values = [...withoutSeparators(typed)].map(c => AS_TYPED.get(c));
  if (values.length !== Math.ceil(bits / 5) || values.includes(undefined)) refuse(code);
  const unused = BigInt(values.length * 5 - bits);
  const number = values.reduce((sum, value) => sum << 5n | value, 0n);
  return must(number >> unused, value => value << unused === number, code);
}
export function toCrockford(number, bits, group) {
  const n = Math.ceil(bits / 5);
  const digits = (number << BigInt(n * 5 - bits)).toString(32).padStart(n, '0');
  return digits.replace(/./g, digit => ALPHABET[parseInt(digit, 32)]).match(new RegExp(`.{1,${group}}`, 'g')).join('-');
}
// A checked code carries 128 bits and a 12-bit check.
const withCheck = key => asNumber(key) << 12n | asNumber(sha256('blindtally/v1/check', key)) >> 244n;
export const toCheckedCode = key => toCrockford(withCheck(key), 140, 4);
export function fromCheckedCode(typed) {
  const number = fromCrockford(typed, 140, 'recovery-key.invalid');
  return must(unsigned(number >> 12n, 16), key => withCheck(key) === number, 'recovery-key.invalid');
}

// SPEC.md#registries.
const within = (...ranges) => value => ranges.some(([first, last]) => value >= first && value <= last);
export const isTokenClass = within([1, 7], [128, 191]);
export const isRecordClass = within([16, 18], [192, 223]);
export const isBlobClass = within([32, 34], [40, 40], [224, 255]);
export const isAssigned = value => isTokenClass(value) || isRecordClass(value) || isBlobClass(value);
export const CLASS_ARCHIVE = 40;
// A floor of a policy that is among these is met: SPEC.md#needs-upgrade. 0x91 is not, since no agent seals with it.
export const SUITES = [0x11, 0x21, 0x31, 0x41, 0x51, 0x61, 0x71, 0x81, 0x82];

// SPEC.md#limits, in bytes.
export const LIMITS = {
  token: 4096, record: 1048576, deviceName: 128, login: 320, password: 1024, rsa: 512, spki: 600, pkcs8: 4096, vault: 8388608,
  policy: 131072, delivery: 147456, request: 4096, state: 163840, keptLogin: 488, blob: 2 ** 40, manifest: 50331648, files: 262144,
  file: 8 ** 11 - 1, path: 100, backupFile: 12582912, sealedName: 160,
};
