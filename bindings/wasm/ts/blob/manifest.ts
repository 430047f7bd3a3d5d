/** The manifest of an archive (SPEC.md#archive): what was in it, signed by the account. */
import { LATEST } from "../check.js";
import type { Owner } from "../owner.js";
import { sign, subtle } from "../webcrypto.js";
import { type AccountKeys, accountOf, fingerprintOf, publicKeysOf } from "./account.js";
import { refuseAs } from "./refusal.js";
import { BLOCK, END, fillerLength, FILES_MAX, MANIFEST_PATH, OCTAL_MAX, Paths, tarHeader } from "./tar.js";
import { concat, isEqual, isZero, lp, Reader, u32, u64 } from "./wire.js";

/** A file of an archive, as the manifest, or without one its own header, describes it. */
export interface ArchivedEntry {
  readonly path: string;
  /** In Unix seconds. */
  readonly modified: number;
  readonly length: number;
  /** SHA-256 of the content; nothing for a file that no manifest lists. */
  readonly hash: Uint8Array | undefined;
  /** Where its header stands in the tar. */
  readonly at: number;
}

/** Where the next header stands. */
export const endOf = ({ at, length }: { at: number; length: number }): number => at + BLOCK + length + fillerLength(length);

const MANIFEST_MAX = 48 << 20;
const [KIND, SUITE] = [0x41, 0x91];
const [PATH_MAX, SPKI_MAX, SIGNATURE_MAX] = [100, 600, 512];
const PSS = { name: "RSA-PSS", hash: "SHA-256" };
const encoder = new TextEncoder();

/** The bytes that are signed (SPEC.md#signatures). */
const messageOf = (manifest: Uint8Array) => concat([encoder.encode("blindtally/v1/signature\0\0\x07archive"), manifest]);

/** What follows the files, made by the account: the manifest as a file, and the end of the tar. */
export async function manifestEntry(owner: Owner, made: number, files: readonly ArchivedEntry[]): Promise<Uint8Array<ArrayBuffer>> {
  const [encryption, signing] = publicKeysOf(owner);
  const parts = [
    Uint8Array.of(0x42, 0x54, KIND, SUITE), accountOf(owner), u64(made), lp(encryption), lp(signing), u32(files.length),
  ];
  for (const { path, modified, length, hash } of files) {
    parts.push(lp(encoder.encode(path)), u64(modified), u64(length), hash!);
  }
  const manifest = concat(parts);
  const key = await (owner["call"]((raw) => raw.signing_key()) as Promise<CryptoKey>)
    .catch(() => refuseAs("rsa.failed"));
  const message = messageOf(manifest);
  const signature = await sign(key, message).catch(() => refuseAs("rsa.failed"));
  // What the platform signs is looked at before it is written.
  if (!await verifies(signing, signature, message)) refuseAs("archive.signature");
  const signed = concat([manifest, lp(signature)]);
  const start = files.length > 0 ? endOf(files.at(-1)!) : 0;
  const content = concat([signed, new Uint8Array(fillerLength(signed.length + 8)), u64(start)]);
  return concat([tarHeader(MANIFEST_PATH, seconds(BigInt(made)), content.length), content, new Uint8Array(END)]);
}

export interface Manifest {
  readonly made: Date;
  readonly files: readonly ArchivedEntry[];
}

/** Reads the manifest at the end of a tar of that length, and checks it. @throws BlindtallyError `archive.*`, `malformed.*` */
export async function readManifest(
  account: AccountKeys, length: number, read: (from: number, to: number) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Manifest> {
  const end = length - END;
  if (end < 8) refuseAs("archive.layout");
  const stated = new DataView((await read(end - 8, end)).buffer).getBigUint64(0);
  const start = stated < BigInt(end) ? Number(stated) : end;
  const size = end - start - BLOCK;
  if (size < 0) refuseAs("archive.layout");
  if (size > MANIFEST_MAX) refuseAs("malformed.too-long");
  const entry = await read(start, length);
  const content = entry.subarray(BLOCK, BLOCK + size);
  const { made, files, zeros } = await parse(account, content);
  const header = tarHeader(MANIFEST_PATH, seconds(made), size);
  const isWritten = isEqual(entry.subarray(0, BLOCK), header) && zeros.length === fillerLength(size - zeros.length)
    && isZero(zeros) && isZero(entry.subarray(BLOCK + size));
  const fills = (files.length > 0 ? endOf(files.at(-1)!) : 0) === start;
  if (!fills || !isWritten) refuseAs("archive.layout");
  return { made: new Date(Math.min(Number(made), LATEST)), files };
}

async function parse(own: AccountKeys, content: Uint8Array<ArrayBuffer>) {
  const reader = new Reader(content);
  reader.begin(KIND, SUITE);
  const account = reader.take(16);
  const made = reader.u64();
  const [encryption, signing] = [reader.lp(SPKI_MAX), reader.lp(SPKI_MAX)];
  const fingerprint = fingerprintOf(encryption, signing);
  if (!isEqual(account, own.id) || !isEqual(fingerprint, own.fingerprint)) refuseAs("archive.other-account");
  const count = reader.u32();
  if (count > FILES_MAX) refuseAs("archive.too-many");
  const lines = [];
  for (let number = 0; number < count; number++) {
    lines.push({
      path: reader.lp(PATH_MAX), modified: Number(reader.u64()), length: Number(reader.u64()), hash: reader.take(32).slice(),
    });
  }
  const message = messageOf(reader.before());
  if (!await verifies(signing, reader.lp(SIGNATURE_MAX), message)) refuseAs("archive.signature");
  const rest = reader.rest();
  if (rest.length < 8) refuseAs("malformed.truncated");
  const paths = new Paths();
  const listed = lines.map((line) => {
    const path = pathOf(line.path);
    paths.expect(path);
    return { ...line, path };
  });
  const files: ArchivedEntry[] = [];
  let at = 0;
  for (const file of listed) {
    if (file.length > OCTAL_MAX || file.modified > OCTAL_MAX) refuseAs("archive.too-long");
    files.push({ ...file, at });
    at = endOf({ at, length: file.length });
  }
  return { made, files, zeros: rest.subarray(0, -8) };
}

function pathOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseAs("archive.path");
  }
}

async function verifies(spki: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const key = await subtle().importKey("spki", spki, PSS, false, ["verify"]);
  return subtle().verify({ name: PSS.name, saltLength: 32 }, key, signature, message);
}

/** Milliseconds as a tar has them. */
const seconds = (made: bigint): number => Math.min(Number(made / 1000n), OCTAL_MAX);
