// What owner and agent say to each other, and what an agent keeps: SPEC.md#ticket to SPEC.md#agent.

import { createHmac } from 'node:crypto';
import {
  asNumber, before, cat, checked, checksum, epoch, field, fromCrockford, fromText, hex, isAssigned, isRecordClass, isTokenClass, LIMITS,
  list, lp, lp32UpTo, lpUpTo, must, oneOf, only, option, parse, random, raw, Reader, refuse, rest, same, sha256, start, struct, SUITES,
  text, toBase64url, toCrockford, u16, u64, u8, unsigned, utf8, withoutSeparators, zeros,
} from './wire.mjs';
import {
  deviceCode, fromDeviceCode, gcmSivOpen, gcmSivSeal, hkdf, hkdfExpand, label, oaepOpen, oaepSeal, orUndefined, pad, privateKeys,
  publicKeys, signature, signed, unpadText, verifies,
} from './keys.mjs';
import { openRecord, parseRecord, sealRecord, tokenize } from './sealing.mjs';

// SPEC.md#ticket.
const isUses = uses => uses >= 1 && uses <= 50;
const ticketBody = { start: start('T', 0x51), accountId: raw(16), fingerprint: raw(32), ticketId: raw(16), secret: raw(16), expiry: u64,
  uses: u16 };
const ticketSecret = (root, { accountId, ticketId, expiry, uses }) =>
  hkdfExpand(root, cat(label('ticket'), accountId, ticketId, u64(expiry), u16(uses)), 16);
export const makeTicket = (root, fields) =>
  'btt1_' + toBase64url(checked('ticket', struct(ticketBody)({ ...fields, secret: ticketSecret(root, fields) })));
export function parseTicket(text) {
  const bytes = fromText('btt1_', text.startsWith('blindtally:') ? text.slice('blindtally:'.length) : text);
  const ticket = parse(struct({ ...ticketBody, checksum: checksum('ticket') }), bytes);
  must(ticket.uses, isUses);
  const keys = ticketKeys(ticket);
  return { ...ticket, ...keys, authenticatorHash: sha256(keys.authKey) };
}
function ticketKeys({ secret, accountId, ticketId }) {
  const keys = hkdf('blindtally/v1/ticket', secret, cat(accountId, ticketId), 96);
  return { macKey: keys.subarray(0, 32), nameKey: keys.subarray(32, 64), authKey: keys.subarray(64) };
}
export const accountCode = (accountId, fingerprint) => `${toCrockford(asNumber(accountId), 128, 13)}-${deviceCode(fingerprint)}`;
export function fromAccountCode(typed) {
  const characters = withoutSeparators(typed);
  const accountId = unsigned(fromCrockford(characters.slice(0, 26), 128, 'malformed.encoding'), 16);
  return { accountId, fingerprintPrefix: fromDeviceCode(characters.slice(26), 'malformed.encoding') };
}

// SPEC.md#enrollment.
const part1 = { start: start('E', 0x51), accountId: raw(16), way: oneOf(1), fingerprint: raw(32), ticketId: raw(16), expiry: u64,
  uses: only(u16, isUses), device: publicKeys, nonce: raw(16), nameNonce: raw(12) };
const withTicket = struct({ ...part1, part1: before, name: lpUpTo(LIMITS.sealedName), part2: before, mac: raw(32), body: before, signature });
const byCode = { start: start('E', 0x51), accountId: raw(16), way: oneOf(2), fingerprint: raw(15), claimHash: raw(32), device: publicKeys,
  nonce: raw(16) };
const withoutTicket = struct({ ...byCode, body: before, signature });
const hmac = (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest());
// `ticket` is as parsed; `name` is bytes.
export function requestWithTicket(device, ticket, name, nonce, nameNonce = random(12)) {
  const first = struct(part1)({ ...ticket, way: 1, device, nonce, nameNonce });
  const second = cat(first, lp(gcmSivSeal(ticket.nameKey, nameNonce, pad(name), first)));
  return signed(device, 'enrollment', cat(second, hmac(ticket.macKey, second)));
}
export const requestByCode = (device, fields) => signed(device, 'enrollment', struct(byCode)({ ...fields, way: 2, device }));
const WAY_AT = 20;
const parseRequest = bytes => parse(bytes[WAY_AT] === 2 ? withoutTicket : withTicket, bytes, LIMITS.request);

// What an owner makes of a request, at the second `now`: SPEC.md#inspect. `owner` is a keyring.
export function inspect(owner, bytes, now, typedCode) {
  const request = parseRequest(bytes);
  const { device, fingerprint } = request;
  if (!verifies(device, 'enrollment', request)) refuse('enrollment.signature');
  const isOwn = same(request.accountId, owner.accountId) && same(fingerprint, owner.account.fingerprint.subarray(0, fingerprint.length));
  if (!isOwn) refuse('enrollment.other-account');
  const deviceId = device.deviceId(owner.accountId);
  const known = owner.devices.find(known => same(known.deviceId, deviceId));
  if (known?.status === 2 || revokes(owner.policy, deviceId)) refuse('enrollment.revoked');
  if (request.way === 1) return { request, deviceId, name: inspectTicket(owner, request, known, now), needsComparison: false };
  const isShown = typed => same(fromDeviceCode(typed, 'enrollment.code'), device.fingerprint.subarray(0, 15));
  if (typedCode !== undefined) must(typedCode, isShown, 'enrollment.code');
  return { request, deviceId, name: null, needsComparison: true };
}
function inspectTicket(owner, request, known, now) {
  const { macKey, nameKey } = ticketKeys({ ...request, secret: ticketSecret(owner.ticketRoot, request) });
  if (!same(hmac(macKey, request.part2), request.mac)) refuse('enrollment.mac');
  const padded = gcmSivOpen(nameKey, request.nameNonce, request.name, request.part1) ?? refuse('enrollment.mac');
  const name = must(unpadText(padded, LIMITS.deviceName, 'enrollment.name'), name => name.length > 0, 'enrollment.name');
  const isThis = id => id !== undefined && same(id, request.ticketId);
  if (!known || !isThis(known.ticketId) || !same(known.nonce, request.nonce)) {
    if (owner.cancelled.some(isThis)) refuse('ticket.cancelled');
    if (BigInt(now) >= request.expiry) refuse('ticket.expired');
    if (owner.devices.filter(other => other !== known && isThis(other.ticketId)).length >= request.uses) refuse('ticket.spent');
  }
  return text(name);
}

// SPEC.md#policy. An entry of an unknown class needs no more than the class; a known one has a form.
const readEntry = bytes => {
  const reader = new Reader(bytes);
  const ofClass = u8.read(reader);
  const form = isAssigned(ofClass) ? u8.read(reader) : undefined;
  return { class: ofClass, form, isUnderstood: form === undefined || form <= 2 && reader.at === bytes.length, bytes };
};
const entry = field(({ bytes }) => lp(bytes), reader => readEntry(lp.read(reader)));
const policyBody = { start: start('P', 0x71), accountId: raw(16), fingerprint: raw(32), version: u64, issuedAt: u64, previous: raw(32),
  mode: oneOf(1), floors: list(u8, u8), epoch, keyId: raw(16), revoked: list(u16, raw(16)),
  classes: list(u16, entry, (a, b) => a.class < b.class) };
const policy = struct({ ...policyBody, body: before, signature, bytes: before });
export const makePolicy = (account, fields) =>
  signed(account, 'policy', struct(policyBody)({ mode: 1, fingerprint: account.fingerprint, ...fields }));
export const parsePolicy = bytes => parse(policy, bytes, LIMITS.policy);
const policyBytes = lp32UpTo(LIMITS.policy);
export const storedPolicy = field(({ bytes }) => policyBytes(bytes), reader => parsePolicy(policyBytes.read(reader)));
export const isOf = (policy, account, accountId) =>
  same(policy.accountId, accountId) && same(policy.fingerprint, account.fingerprint) && verifies(account, 'policy', policy);
const revokes = (policy, deviceId) => policy.revoked.some(id => same(id, deviceId));
const listed = (policy, ofClass) => policy.classes.find(entry => entry.class === ofClass && isAssigned(ofClass));
const needsUpgrade = ({ floors, classes }) => !floors.every(floor => SUITES.includes(floor)) || !classes.every(entry => entry.isUnderstood);

// SPEC.md#canonical, of text.
const lowerCase = text => text.replace(/[A-Z]/g, letter => letter.toLowerCase());
function host(text) {
  const afterScheme = text.includes('://') ? text.slice(text.indexOf('://') + 3) : text;
  const authority = afterScheme.split(/[/?#]/, 1)[0];
  const withPort = authority.slice(authority.lastIndexOf('@') + 1);
  return lowerCase(/^\[[^\]]*\]/.exec(withPort)?.[0] ?? withPort.split(':', 1)[0]);
}
export const canonical = (form, text) => [text => text, lowerCase, host][form](text);

// SPEC.md#delivery. `keys` are { class, key } in the order of the classes.
const header = { start: start('D', 0x61), type: oneOf(1), accountId: raw(16), deviceId: raw(16), epoch, seq: u64, policyHash: raw(32),
  deviceFingerprint: raw(32), accountFingerprint: raw(32), nonce: raw(16), keyId: raw(16) };
const afterHeader = { account: publicKeys, kem: lpUpTo(LIMITS.rsa), ct: lp32UpTo(LIMITS.delivery) };
const delivery = struct({ ...header, header: before, ...afterHeader, body: before, signature });
const classKeys = ofClass => list(u16, struct({ class: ofClass, key: raw(32) }), (a, b) => a.class < b.class);
const bundle = struct({ policy: storedPolicy, keys: classKeys(u8) });
const bundleCipher = (cek, header, kem) => [hkdf(sha256(header), cek, 'blindtally/v1/delivery', 32), zeros(12), cat(header, lp(kem))];
export function sealBundle(cek, header, kem, plaintext) {
  const [key, nonce, data] = bundleCipher(cek, header, kem);
  return gcmSivSeal(key, nonce, plaintext, data);
}
// `fields` are the enrollment nonce and seq.
export function makeDelivery(account, accountId, device, policy, keys, fields) {
  const head = struct(header)({ ...policy, ...fields, type: 1, deviceId: device.deviceId(accountId), policyHash: sha256(policy.bytes),
    deviceFingerprint: device.fingerprint, accountFingerprint: account.fingerprint });
  const cek = random(32);
  const kem = oaepSeal(device.encryption, cek, hex(sha256(head)));
  const ct = sealBundle(cek, head, kem, bundle({ policy, keys }));
  return signed(account, 'delivery', cat(head, struct(afterHeader)({ account, kem, ct })));
}
export const parseDelivery = bytes => parse(delivery, bytes, LIMITS.delivery);
export function openBundle(device, { header, kem, ct }) {
  const cek = oaepOpen(device.encryption, kem, hex(sha256(header)));
  if (cek?.length !== 32) return {};
  const [key, nonce, data] = bundleCipher(cek, header, kem);
  return { cek, plaintext: gcmSivOpen(key, nonce, ct, data) };
}

// SPEC.md#accepting, step by step. Gives the outcome and the state that follows.
export const [PENDING, ENCRYPTED, REVOKED] = [1, 2, 3];
const hold = condition => condition || refuse('accept.refused');
export function acceptDelivery(state, bytes) {
  if (state.phase === REVOKED) refuse('agent.revoked');
  const message = parseDelivery(bytes);
  const { account, epoch, seq, keyId } = message;
  hold(same(account.fingerprint.subarray(0, state.pinned.length), state.pinned));
  hold(verifies(account, 'delivery', message));
  if (state.phase === ENCRYPTED) {
    if (seq < state.seq || epoch < state.epoch) refuse('accept.stale');
    if (seq === state.seq) return hold(same(sha256(bytes), state.deliveryHash)) && { outcome: 'unchanged', state };
  }
  hold(same(message.accountId, state.accountId) && same(message.deviceId, state.deviceId) && same(message.nonce, state.nonce));
  hold(same(message.deviceFingerprint, state.device.fingerprint) && same(message.accountFingerprint, account.fingerprint));
  const { policy, keys } = orUndefined(() => parse(bundle, openBundle(state.device, message).plaintext)) ?? refuse('accept.refused');
  hold(same(sha256(policy.bytes), message.policyHash) && isOf(policy, account, state.accountId));
  hold(policy.epoch === epoch && same(policy.keyId, keyId) && !revokes(policy, state.deviceId));
  if (state.phase === ENCRYPTED) checkSuccession(state.policy, policy);
  hold(state.epoch !== epoch || same(state.keyId, keyId));
  const known = keys.filter(({ class: ofClass }) => isAssigned(ofClass));
  hold(known.every(({ class: ofClass }) => listed(policy, ofClass)));
  const next = { account, seq, deliveryHash: sha256(bytes), epoch, keyId, policy, keys: known };
  return { outcome: 'accepted', state: { ...state, ...next, phase: ENCRYPTED, pinned: account.fingerprint } };
}
// Step 7: whether a policy may follow the stored one.
function checkSuccession(stored, policy) {
  if (policy.version < stored.version) refuse('accept.stale');
  if (policy.version === stored.version) hold(same(policy.bytes, stored.bytes));
  if (policy.version === stored.version + 1n) hold(same(policy.previous, sha256(stored.bytes)) || same(policy.previous, zeros(32)));
}

// SPEC.md#policy-alone.
export function acceptPolicy(state, bytes) {
  if (state.phase !== ENCRYPTED) refuse(state.phase === REVOKED ? 'agent.revoked' : 'state.phase');
  const policy = parsePolicy(bytes);
  hold(isOf(policy, state.account, state.accountId));
  checkSuccession(state.policy, policy);
  if (same(bytes, state.policy.bytes)) return { outcome: 'unchanged', state };
  if (revokes(policy, state.deviceId)) return { outcome: 'revoked', state: { ...state, phase: REVOKED, policy, keys: [], queueKey: zeros(32) } };
  if (policy.epoch > state.epoch) return { outcome: 'delivery-needed', state };
  hold(policy.epoch === state.epoch && same(policy.keyId, state.keyId));
  return { outcome: 'updated', state: { ...state, policy } };
}

// SPEC.md#agent. An agent seals only classes that its newest policy lists, and for which it has a key. `value` is text.
export function agentSeals(state, ofClass, value, seq = Date.now()) {
  if (state.phase !== ENCRYPTED) refuse(state.phase === REVOKED ? 'agent.revoked' : 'state.phase');
  if (needsUpgrade(state.policy)) refuse('agent.needs-upgrade');
  const { key } = (listed(state.policy, ofClass) && state.keys.find(key => key.class === ofClass)) ?? {};
  if (!key) refuse(isTokenClass(ofClass) ? 'tokenize.no-key' : isRecordClass(ofClass) ? 'record.no-key' : 'blob.no-key');
  const fields = { class: ofClass, epoch: state.epoch, deviceId: state.deviceId, seq };
  if (isRecordClass(ofClass)) return sealRecord(key, state.accountId, fields, utf8(value));
  return tokenize(key, state.accountId, fields, utf8(canonical(listed(state.policy, ofClass).form, value)));
}

// SPEC.md#queue. `fields` are the class and seq.
export const sealQueued = (state, fields, value, nonce) =>
  sealRecord(state.queueKey, state.accountId, { ...fields, epoch: 0, deviceId: state.deviceId }, value, nonce);
export function openQueued(state, text) {
  const record = parseRecord(text);
  if (record.epoch !== 0 || !same(record.deviceId, state.deviceId)) refuse('record.no-key');
  return { ...record, value: openRecord([state.queueKey], state.accountId, record) };
}

// SPEC.md#agent-state.
const pinned = field(value => cat(u8(value.length === 32 ? 1 : 2), value),
  reader => reader.take(oneOf(1, 2).read(reader) === 1 ? 32 : 15));
const enrolled = struct({ start: start('S', 0x81), phase: oneOf(PENDING, ENCRYPTED, REVOKED), accountId: raw(16), pinned,
  device: privateKeys, nonce: raw(16), queueKey: raw(32), ticketId: option(2, 1, raw(16)), claim: raw(32) });
const running = ({ phase, pinned, accountId }) => struct({
  account: publicKeys, seq: u64, deliveryHash: raw(32), epoch, keyId: raw(16),
  policy: only(storedPolicy, (policy, { account }) => isOf(policy, account, accountId)),
  keys: only(classKeys(only(u8, isAssigned)), (keys, { account }) =>
    same(account.fingerprint, pinned) && (phase !== REVOKED || keys.length === 0)) });
const plain = field(state => cat(enrolled(state), state.phase === PENDING ? '' : running(state)(state)), reader => {
  const state = enrolled.read(reader);
  return { ...state, deviceId: state.device.deviceId(state.accountId), ...(state.phase === PENDING ? {} : running(state).read(reader)) };
});
const wrapped = struct({ start: start('S', 0x82), nonce: raw(12), sealed: rest });
const WRAPPED = start('S', 0x82)();
export const writeState = plain;
export const wrapState = (state, key, nonce = random(12)) => wrapped({ nonce, sealed: gcmSivSeal(key, nonce, plain(state), WRAPPED) });
export function readState(bytes, wrapKey) {
  const isWrapped = start('S', 0x81, 0x82).read(new Reader(bytes, LIMITS.state)) === 0x82;
  if (isWrapped !== Boolean(wrapKey)) refuse(isWrapped ? 'state.wrapped' : 'state.not-wrapped');
  if (!isWrapped) return parse(plain, bytes);
  const { nonce, sealed } = parse(wrapped, bytes);
  return readState(gcmSivOpen(wrapKey, nonce, sealed, WRAPPED) ?? refuse('state.wrong-key'));
}
