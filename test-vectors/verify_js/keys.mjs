// Keys, identities, signatures and padding: SPEC.md#keys, SPEC.md#identity, SPEC.md#padding.

import * as rsa from 'node:crypto';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 as hash } from '@noble/hashes/sha2.js';
import { gcmsiv } from '@noble/ciphers/aes.js';
import {
  asNumber, cat, field, fromCrockford, fromHex, isUtf8, LIMITS, lp, lp32, lp32UpTo, lpUpTo, must, refuse, same, sha256, toCrockford, u16,
  u8, unsigned, zeros,
} from './wire.mjs';

export const hkdfExtract = (salt, ikm) => extract(hash, cat(ikm), cat(salt));
export const hkdfExpand = (key, info, length) => expand(hash, key, cat(info), length);
export const hkdf = (salt, ikm, info, length) => hkdfExpand(hkdfExtract(salt, ikm), info, length);
// A library throws where a tag or a padding is wrong; what that is called depends on the artefact.
export function orUndefined(open) {
  try { return open(); } catch { return undefined; }
}
export const gcmSivSeal = (key, nonce, plaintext, data) => gcmsiv(key, nonce, cat(data)).encrypt(plaintext);
export const gcmSivOpen = (key, nonce, sealed, data) => orUndefined(() => gcmsiv(key, nonce, cat(data)).decrypt(sealed));

// SPEC.md#keys.
export const label = name => cat('blindtally/v1', zeros(1), lp(name));
export const purpose = (key, name, suite, length) => hkdfExpand(key, cat(label(name), u8(suite)), length);
export class MasterKey {
  constructor(key, accountId, epoch) {
    Object.assign(this, { key, accountId, epoch, prk: hkdfExtract('blindtally/v1/master', key) });
    this.keyId = this.derive('key-id', '', 16);
  }
  derive(name, context, length) {
    return hkdfExpand(this.prk, cat(label(name), this.accountId, u16(this.epoch), lp(context)), length);
  }
  classKey(ofClass) { return this.derive('class', u8(ofClass), 32); }
  deviceKey(ofClass, deviceId) { return hkdfExpand(this.classKey(ofClass), cat(label('device'), deviceId), 32); }
}
// The DER of RSA keys (X.690 section 10.1): definite and shortest lengths, shortest integers.
function der(tag, ...parts) {
  const value = cat(...parts);
  const length = value.length < 128 ? [value.length] : value.length < 256 ? [0x81, value.length] : [0x82, ...u16(value.length)];
  return cat([tag, ...length], value);
}
// One bit more than the number needs makes it positive.
const derInteger = number => der(0x02, unsigned(number, Math.floor(number.toString(2).length / 8) + 1));
const RSA_ENCRYPTION = der(0x30, fromHex('06092a864886f70d010101'), fromHex('0500'));
const EXPONENT = 65537n;
const isModulus = n => n % 2n === 1n && [2048, 3072, 4096].includes(n.toString(2).length);
const toSpki = n => der(0x30, RSA_ENCRYPTION, der(0x03, zeros(1), der(0x30, derInteger(n), derInteger(EXPONENT))));
// The modulus lies where the length says; what encodes to the same bytes is canonical.
export function publicKey(spki) {
  const bytes = { 294: 256, 422: 384, 550: 512 }[spki.length] ?? refuse('malformed.public-key');
  const n = asNumber(spki.subarray(-5 - bytes, -5));
  if (!isModulus(n) || !same(toSpki(n), spki)) refuse('malformed.public-key');
  return { spki, key: rsa.createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }) };
}
// OpenSSL reads a private key loosely. Its numbers have to follow from the primes and exponents, and encode to the same bytes.
export function privateKey(pkcs8) {
  const key = orUndefined(() => rsa.createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
  const jwk = orUndefined(() => key.export({ format: 'jwk' })) ?? refuse('malformed.private-key');
  const numbers = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'].map(name => asNumber(Buffer.from(jwk[name] ?? '', 'base64url')));
  const [n, e, d, p, q, dp, dq, inverse] = numbers;
  const consistent = isModulus(n) && e === EXPONENT && p > 1n && q > 1n && p * q === n && d < n && e * d % (p - 1n) === 1n &&
    e * d % (q - 1n) === 1n && dp === d % (p - 1n) && dq === d % (q - 1n) && inverse < p && inverse * q % p === 1n;
  const canonical = der(0x30, derInteger(0n), RSA_ENCRYPTION, der(0x04, der(0x30, ...[0n, ...numbers].map(derInteger))));
  if (!consistent || !same(canonical, pkcs8)) refuse('malformed.private-key');
  return { pkcs8, key, spki: toSpki(n) };
}

// SPEC.md#identity. An identity has two public keys, or two private ones and so the public ones too.
export class Identity {
  constructor(encryption, signing, code = 'malformed.public-key') {
    if (same(encryption.spki, signing.spki)) refuse(code);
    this.spkis = cat(lp(encryption.spki), lp(signing.spki));
    this.fingerprint = sha256('blindtally/v1/fingerprint', this.spkis);
    Object.assign(this, { encryption, signing, code: deviceCode(this.fingerprint) });
  }
  deviceId(accountId) { return sha256('blindtally/v1/device', accountId, this.fingerprint).subarray(0, 16); }
}
export const deviceCode = fingerprint => toCrockford(asNumber(fingerprint.subarray(0, 15)), 120, 4);
export const fromDeviceCode = (typed, code) => unsigned(fromCrockford(typed, 120, code), 15);
// Both keys are read before one is decoded.
const identity = (bytes, key, write, code) =>
  field(write, reader => new Identity(...[bytes.read(reader), bytes.read(reader)].map(key), code));
export const publicKeys = identity(lpUpTo(LIMITS.spki), publicKey, ({ spkis }) => spkis);
export const privateKeys = identity(lp32UpTo(LIMITS.pkcs8), privateKey,
  ({ encryption, signing }) => cat(lp32(encryption.pkcs8), lp32(signing.pkcs8)), 'malformed.private-key');

// SPEC.md#signatures.
const pss = ({ signing }) => ({ key: signing.key, padding: rsa.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
const toBeSigned = (name, message) => cat('blindtally/v1/signature', zeros(1), lp(name), message);
export const signed = (identity, name, body) => cat(body, lp(rsa.sign('sha256', toBeSigned(name, body), pss(identity))));
export const signature = lpUpTo(LIMITS.rsa);
export const verifies = (identity, name, { body, signature }) => rsa.verify('sha256', toBeSigned(name, body), pss(identity), signature);
// RSAES-OAEP with SHA-256 for both hashes. OpenSSL takes a shorter ciphertext for one with zeros before it, so its length is checked.
const oaep = ({ key }, name) => ({ key, padding: rsa.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: Buffer.from(name) });
export const oaepSeal = (key, secret, name) => new Uint8Array(rsa.publicEncrypt(oaep(key, name), secret));
export const oaepOpen = (key, sealed, name) => orUndefined(() =>
  must(sealed, sealed => sealed.length * 8 === key.key.asymmetricKeyDetails.modulusLength) && rsa.privateDecrypt(oaep(key, name), sealed));

// SPEC.md#padding: Padmé, then blocks of 16.
const log2 = n => n.toString(2).length - 1;
const roundUp = (n, step) => Math.ceil(n / step) * step;
export function paddedLength(length) {
  const [n, exponent] = [length + 1, log2(length + 1)];
  return roundUp(n > 64 ? roundUp(n, 2 ** (exponent - log2(exponent) - 1)) : n, 16);
}
export const pad = value => cat(value, u8(0x80), zeros(paddedLength(value.length) - value.length - 1));
// Where the padding begins, or -1: a 0x80 with nothing but zeros behind it.
export function markerOf(padded) {
  const last = padded.findLastIndex(byte => byte !== 0);
  return padded[last] === 0x80 ? last : -1;
}
export function unpadText(padded, limit, code) {
  const value = padded.subarray(0, must(markerOf(padded), length => length >= 0 && paddedLength(length) === padded.length, code));
  return must(value, value => value.length <= limit && isUtf8(value), code);
}
// Some value has a padded length if the longest one that it could have does: the one that ends a byte before it.
export const isPaddedLength = length => length >= 16 && paddedLength(length - 1) === length;
export function checkSealedLength({ length }) {
  if (length < 32) refuse('malformed.truncated');
  if (!isPaddedLength(length - 16)) refuse('malformed.value');
}
