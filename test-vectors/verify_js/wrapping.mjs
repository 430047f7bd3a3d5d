// The keyring, and what wraps it under something that a person has: SPEC.md#vault to SPEC.md#keyring.

import { pbkdf2Sync } from 'node:crypto';
import { argon2id } from '@noble/hashes/argon2.js';
import {
  ascending, before, cat, checked, checkOf, checksum, epoch, field, fromBase64url, hex, isUtf8, LIMITS, list, lp, lpUpTo, must, oneOf, only,
  option, parse, random, raw, refuse, rest, same, sha256, start, struct, text, toBase64url, u16, u32, u64, u8, utf8,
} from './wire.mjs';
import { fromDeviceCode, gcmSivOpen, gcmSivSeal, hkdfExpand, hkdfExtract, MasterKey, privateKeys, publicKeys } from './keys.mjs';
import { isOf, storedPolicy } from './messages.mjs';

// SPEC.md#vault: login names and passwords.
const isLoginName = bytes => bytes.length >= 1 && bytes.length <= LIMITS.login && isUtf8(bytes) &&
  !/\p{Cc}|^\p{White_Space}|\p{White_Space}$/u.test(text(bytes));
const isPassword = bytes => bytes.length >= 1 && bytes.length <= LIMITS.password;
const normalizedLogin = name => must(utf8(name.normalize('NFKC').toLowerCase().normalize('NFKC')), isLoginName, 'login.invalid');
const normalizedPassword = password => must(utf8(password.normalize('NFKC')), isPassword, 'password.invalid');

// SPEC.md#kdf-bounds: floor and ceiling of each parameter.
const [PBKDF2, ARGON2ID, NONE] = [1, 2, 3];
const BOUNDS = { [PBKDF2]: [[600000, 10000000]], [ARGON2ID]: [[19456, 1048576], [2, 16], [1, 4]], [NONE]: [] };
function checkBounds({ kdf, params }) {
  if (BOUNDS[kdf].some(([floor], i) => params[i] < floor)) refuse('kdf.below-floor');
  if (BOUNDS[kdf].some(([, ceiling], i) => params[i] > ceiling)) refuse('kdf.above-ceiling');
}
// Stretching is slow by design, so what was stretched once is remembered.
const remembered = new Map();
function stretch({ kdf, params }, password, salt) {
  checkBounds({ kdf, params });
  const name = [kdf, params, hex(password), hex(salt)].join();
  const [first, t, p] = params;
  if (!remembered.has(name)) remembered.set(name, kdf === PBKDF2 ? new Uint8Array(pbkdf2Sync(password, salt, first, 32, 'sha256'))
    : argon2id(password, salt, { m: first, t, p, dkLen: 32, version: 0x13 }));
  return remembered.get(name);
}
const saltOf = (name, { accountId, salt }, purpose) => sha256('blindtally/v1/salt', lp(name), accountId, u8(purpose), salt);
function keysOf(s) {
  const [login, wrap, commit] = ['login', 'wrap', 'commit'].map(name => hkdfExpand(s, `blindtally/v1/password/${name}`, 32));
  return { s, login, wrap, commit };
}
// The keys of a login, from what the person types and what prelogin says. `accountSecret` is its 16 bytes, or undefined.
const [LOGIN, PASSPHRASE, RECOVERY_KEY] = [1, 2, 3];
export function loginKeys(login, password, accountSecret, prelogin) {
  const [name, secret] = [normalizedLogin(login), normalizedPassword(password)];
  const s = stretch(prelogin, secret, saltOf(name, prelogin, LOGIN));
  return keysOf(accountSecret ? hkdfExtract(accountSecret, s) : s);
}
// Vaults and backups have one form. A purpose that does not fit kind and KDF is refused.
const prelogin = kdf => ({ kdf, params: field(params => cat(...params.map(u32)),
  (reader, { kdf }) => BOUNDS[kdf].map(() => u32.read(reader))), salt: raw(16), accountId: raw(16) });
const purposeOf = (kind, kdf) => (kind === 'V' ? LOGIN : kdf === NONE ? RECOVERY_KEY : PASSPHRASE);
const form = kind => ({ start: start(kind, 0x41), ...prelogin(kind === 'V' ? oneOf(PBKDF2, ARGON2ID) : oneOf(PBKDF2, ARGON2ID, NONE)),
  purpose: field(u8, (reader, { kdf }) => oneOf(purposeOf(kind, kdf)).read(reader)), generation: u64, commit: raw(32), nonce: raw(12) });
// `fields` are kdf, params, salt, account id and generation.
export function wrap(kind, keys, fields, keyring, nonce = random(12)) {
  const header = struct(form(kind))({ ...fields, purpose: purposeOf(kind, fields.kdf), commit: keys.commit, nonce });
  return cat(header, gcmSivSeal(keys.wrap, nonce, keyring, header));
}
const parseWrapped = (kind, bytes) => must(parse(struct({ ...form(kind), header: before, sealed: rest }), bytes, LIMITS.vault),
  ({ sealed }) => sealed.length >= 16, 'malformed.truncated');
// A wrong commitment and a failed tag give the same error.
function open({ commit, nonce, header, sealed, accountId, generation }, keys) {
  if (!same(keys.commit, commit)) refuse('unlock.wrong');
  const bytes = gcmSivOpen(keys.wrap, nonce, sealed, header) ?? refuse('unlock.wrong');
  const opened = { ...must(parse(keyring, bytes), ({ policy, masters }) => hasKeyOf(policy, masters)), bytes };
  return must(opened, opened => same(opened.accountId, accountId) && opened.generation === generation, 'unlock.header');
}

// SPEC.md#unlock-order, SPEC.md#rollback.
export function openVault(bytes, prelogin, seen, keys) {
  const vault = parseWrapped('V', bytes);
  if (!same(vault.accountId, prelogin.accountId)) refuse('unlock.other-account');
  if (!isPrelogin(vault, prelogin)) refuse('unlock.header');
  const keyring = open(vault, keys);
  return keyring.generation < seen ? refuse('unlock.rolled-back') : { vault, keyring };
}
const isPrelogin = (given, { kdf, params, salt, accountId }) =>
  given.kdf === kdf && String(given.params) === String(params) && same(given.salt, salt) && same(given.accountId, accountId);

// SPEC.md#login.
export const recoveryProof = ({ masters }) => masters[0].derive('recovery', '', 32);

// SPEC.md#kept-login. The name in it is normalised, and is not normalised again.
const keptBody = { start: start('L', 0x81), name: only(lpUpTo(LIMITS.login), isLoginName), ...prelogin(oneOf(PBKDF2, ARGON2ID)),
  login: raw(32), wrap: raw(32), commit: raw(32), accountSecret: option(0, 1, raw(16)) };
export const writeKept = (login, fields) => checked('kept-login', struct(keptBody)({ ...fields, name: normalizedLogin(login) }));
export function resume(bytes, login, prelogin) {
  const kept = parse(struct({ ...keptBody, checksum: checksum('kept-login') }), bytes, LIMITS.keptLogin);
  checkBounds(prelogin);
  return must(kept, kept => same(kept.name, normalizedLogin(login)) && isPrelogin(kept, prelogin), 'unlock.kept-login');
}

// SPEC.md#backup.
const BEGIN = '-----BEGIN BLINDTALLY BACKUP-----';
const END = '-----END BLINDTALLY BACKUP-----';
const trimmed = line => line.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
const checksumLine = backup => hex(checkOf('backup', backup));
export const writeBackupFile = (backup, { accountId, account }) => [BEGIN, `Account: ${hex(accountId)}`, `Fingerprint: ${account.code}`,
  `Checksum: ${checksumLine(backup)}`, '', ...toBase64url(backup).match(/.{1,64}/g), END, ''].join('\n');
// What is before a separator and behind it.
const halves = (text, separator) => [text.slice(0, text.indexOf(separator)), text.slice(text.indexOf(separator) + separator.length)];
const behind = (text, separator, code) => halves(must(text, text => text.includes(separator), code), separator);
function parseBackupFile(file) {
  if (Buffer.byteLength(file) > LIMITS.backupFile) refuse('malformed.too-long');
  const lines = behind(behind(file, BEGIN, 'malformed.magic')[1], END, 'malformed.truncated')[0].split('\n');
  const fields = new Map(lines.filter(line => line.includes(':')).map(line => halves(line, ':').map(trimmed)));
  const [fingerprint, given] = ['Fingerprint', 'Checksum'].map(name => fields.get(name) ?? refuse('malformed.truncated'));
  const bytes = fromBase64url(lines.filter(line => !line.includes(':')).join('').replace(/\p{White_Space}/gu, ''));
  if (given !== checksumLine(bytes)) refuse('malformed.checksum');
  return { fingerprint: fromDeviceCode(fingerprint, 'malformed.encoding'), bytes, ...parseWrapped('K', bytes) };
}
// `opener` has a recoveryKey of 16 bytes, or a passphrase.
export const backupKeys = (fields, { recoveryKey, passphrase }) => keysOf(recoveryKey
  ? hkdfExtract(saltOf('', fields, RECOVERY_KEY), recoveryKey)
  : stretch(fields, normalizedPassword(passphrase), saltOf('', fields, PASSPHRASE)));
export function openBackup(file, opener) {
  const backup = parseBackupFile(file);
  if (!opener.recoveryKey) normalizedPassword(opener.passphrase);
  if (opener.recoveryKey && backup.kdf !== NONE) refuse('unlock.needs-passphrase');
  if (!opener.recoveryKey && backup.kdf === NONE) refuse('unlock.needs-recovery-key');
  const keys = backupKeys(backup, opener);
  const keyring = open(backup, keys);
  if (!same(backup.fingerprint, keyring.account.fingerprint.subarray(0, 15))) refuse('unlock.other-account');
  return { backup, keys, keyring };
}

// SPEC.md#keyring. One epoch may occur more than once, so the MasterKeys ascend, but not strictly.
const master = field(({ epoch, key }) => cat(u16(epoch), key), (reader, { accountId }) => {
  const of = epoch.read(reader);
  return new MasterKey(reader.take(32), accountId, of);
});
const hasKeyOf = (policy, masters) => masters.some(({ epoch, keyId }) => epoch === policy.epoch && same(keyId, policy.keyId));
const device = struct({ identity: publicKeys, nonce: raw(16), ticketId: option(0, 1, raw(16)),
  name: only(lpUpTo(LIMITS.deviceName), name => name.length > 0 && isUtf8(name)), status: oneOf(1, 2), lastSeq: u64, confirmedAt: u64 });
const deviceOf = field(device, (reader, { accountId }) => {
  const read = device.read(reader);
  return { ...read, deviceId: read.identity.deviceId(accountId) };
});
export const keyring = struct({
  start: start('R', 0x41), generation: u64, accountId: raw(16),
  masters: list(u16, master, (a, b) => a.epoch <= b.epoch), account: privateKeys,
  policy: only(storedPolicy, (policy, { account, accountId }) => isOf(policy, account, accountId)),
  ticketRoot: raw(32), devices: list(u32, deviceOf, ascending(({ deviceId }) => deviceId)), cancelled: list(u32, raw(16)),
  managers: only(u16, managers => managers === 0),
});
