// Files of an account in one blob: SPEC.md#archive.

import {
  before, cat, CLASS_ARCHIVE, LIMITS, list, lpUpTo, must, only, raw, Reader, refuse, rest, same, sha256, start, struct, text, u32, u64, zeros,
} from './wire.mjs';
import { publicKeys, signature, signed, verifies } from './keys.mjs';
import { CHUNK, parseBlob, RandomAccessBlob, sealBlob } from './sealing.mjs';

// POSIX ustar with one possible encoding.
const MANIFEST = 'blindtally.manifest';
const octal = (number, digits) => number.toString(8).padStart(digits, '0');
const blocks = length => Math.ceil(length / 512) * 512;
function tarHeader({ path, length, modified }) {
  const around = sum => cat(path, zeros(100 - path.length), '0000644\0', '0000000\0', '0000000\0', `${octal(length, 11)}\0`,
    `${octal(modified, 11)}\0`, sum, '0', zeros(100), 'ustar\0', '00', zeros(247));
  return around(`${octal(around(' '.repeat(8)).reduce((sum, byte) => sum + byte), 6)}\0 `);
}
// What a header says, or undefined if this section could not have written it.
function readTarHeader(bytes) {
  const [path, length, modified] = [[0, 100], [124, 135], [136, 147]].map(([from, to]) => text(bytes.subarray(from, to)));
  const header = { path: path.replace(/\0+$/, ''), length: parseInt(length, 8), modified: parseInt(modified, 8) };
  const isOurs = (isPath(header.path) || header.path === MANIFEST) && header.length >= 0 && header.modified >= 0;
  return isOurs && same(tarHeader(header), bytes) ? header : undefined;
}
// Paths that every system takes.
const isSegment = segment => /^[A-Za-z0-9_-]([A-Za-z0-9_.-]*[A-Za-z0-9_-])?$/.test(segment) &&
  !/^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(segment);
const isPath = path => path.length <= LIMITS.path && path.split('/').every(isSegment) && path.split('/')[0].toLowerCase() !== MANIFEST;
// Adds a path to those before it, unless it is one of them, a directory of one, or below one.
function canStand(path, files, folders) {
  const name = path.toLowerCase();
  const above = [...name.matchAll(/\//g)].map(({ index }) => name.slice(0, index));
  if (files.has(name) || folders.has(name) || above.some(folder => files.has(folder))) return false;
  files.add(name);
  above.forEach(folder => folders.add(folder));
  return true;
}
const files = list(only(u32, n => n <= LIMITS.files, 'archive.too-many'),
  struct({ path: lpUpTo(LIMITS.path), modified: u64, length: u64, hash: raw(32) }), () => true);
const body = { start: start('A', 0x91), accountId: raw(16), made: u64, account: publicKeys, files };
const manifest = struct({ ...body, body: before, signature, signed: before });
// Files are { path, modified, content }, `made` is in milliseconds; `fields` are the blobId and seq of the blob.
export function writeArchive(master, account, contents, made, fields, salt) {
  const { accountId, epoch } = master;
  const listed = contents.map(({ path, modified, content }) => ({ path, modified, length: content.length, hash: sha256(content) }));
  const tar = cat(...contents.map(({ content }, i) => cat(tarHeader(listed[i]), content, zeros(blocks(content.length) - content.length))));
  const manifest = signed(account, 'archive', struct(body)({ accountId, made, account, files: listed }));
  const content = cat(tar, endOfTar(manifest, made, tar.length));
  const blob = { ...fields, class: CLASS_ARCHIVE, epoch, deviceId: account.deviceId(accountId) };
  return sealBlob(master.deviceKey(CLASS_ARCHIVE, blob.deviceId), accountId, blob, content, salt);
}
// The manifest's entry, in which the fewest zeros and `start` fill the last block, and the zeros behind it.
function endOfTar(signed, made, start) {
  const length = blocks(signed.length + 8);
  const modified = Math.min(Number(BigInt(made) / 1000n), LIMITS.file);
  return cat(tarHeader({ path: MANIFEST, length, modified }), signed, zeros(length - signed.length - 8), u64(start), zeros(1024));
}
// Gives { listing, made, files }, and of each file its content where it is intact.
export function readArchive({ accountId, account, masters }, bytes) {
  const { class: ofClass, deviceId } = parseBlob(bytes);
  must(ofClass, ofClass => ofClass === CLASS_ARCHIVE);
  if (!same(deviceId, account.deviceId(accountId))) refuse('archive.other-account');
  const blob = new RandomAccessBlob(masters, accountId, bytes);
  const found = findManifest(blob);
  if (!found) return { listing: 'unlisted', files: walk(blob) };
  const { start, tail } = found;
  const { made, signed, files } = readManifest(tail.subarray(512, -1024), accountId, account);
  let at = 0;
  const placed = files.map(file => ({ ...file, at: (at += 512 + blocks(file.length)) - blocks(file.length) }));
  if (at !== start || !same(endOfTar(signed, made, start), tail)) refuse('archive.layout');
  return { listing: 'signed', made, files: placed.map(file => ({ ...file, content: intact(blob, file) })) };
}
// The last 8 bytes before the final zeros lead to the manifest's entry. Undefined if chunks that this takes do not open.
function findManifest(blob) {
  const length = blob.length();
  if (length < 1032) refuse('archive.layout');
  const last = length && blob.read(length - 1032, length - 1024);
  if (!last) return undefined;
  const start = Number(u64.read(new Reader(last)));
  if (start > length - 1024 - 512) refuse('archive.layout');
  if (length - 1024 - 512 - start > LIMITS.manifest) refuse('malformed.too-long');
  const tail = blob.read(start, length);
  return tail && { start, tail };
}
function readManifest(bytes, accountId, account) {
  const reader = new Reader(bytes);
  const read = manifest.read(reader);
  if (rest.read(reader).length < 8) refuse('malformed.truncated');
  if (!same(read.accountId, accountId) || !same(read.account.fingerprint, account.fingerprint)) refuse('archive.other-account');
  if (!verifies(account, 'archive', read)) refuse('archive.signature');
  const [names, folders] = [new Set(), new Set()];
  const files = read.files.map(({ path, length, modified, hash }) =>
    ({ path: Buffer.from(path).toString('latin1'), length: Number(length), modified: Number(modified), hash }));
  if (!files.every(({ path }) => isPath(path) && canStand(path, names, folders))) refuse('archive.path');
  if (files.some(({ length, modified }) => length > LIMITS.file || modified > LIMITS.file)) refuse('archive.too-long');
  return { ...read, files };
}
function intact(blob, file) {
  const header = blob.read(file.at - 512, file.at);
  const content = header && same(header, tarHeader(file)) && readContent(blob, file);
  return content && same(sha256(content), file.hash) ? content : undefined;
}
function readContent(blob, { length, at }) {
  const entry = blob.read(at, at + blocks(length));
  return entry?.subarray(length).every(byte => byte === 0) ? entry.subarray(0, length) : undefined;
}
// Without a manifest: the files whose headers are found. Nothing says that they are all, or that each was one.
function walk(blob) {
  const [found, names, folders] = [[], new Set(), new Set()];
  for (let [at, headers] = [0, 0]; at < blob.count * CHUNK; at += 512) {
    const bytes = blob.read(at, at + 512);
    const header = bytes && readTarHeader(bytes);
    if (header?.path === MANIFEST) break;
    if (!header) continue;
    if (++headers > LIMITS.files) refuse('archive.too-many');
    const content = readContent(blob, { ...header, at: at + 512 });
    if (canStand(header.path, names, folders)) found.push({ ...header, content });
    at += blocks(header.length);
  }
  return found;
}
