/** What is public of an account (SPEC.md#identity), to tell its own archives from others. */
import type { DeviceId } from "../artefacts.js";
import type { Restored } from "../backup.js";
import type { Owner } from "../owner.js";
import { concat } from "./cipher.js";
import { digest } from "./sha256.js";
import { hex, lp, unhex } from "./wire.js";

export interface AccountKeys {
  readonly id: Uint8Array;
  readonly fingerprint: Uint8Array;
}

const encoder = new TextEncoder();

export const accountOf = (owner: Owner | Restored): Uint8Array => unhex(owner.info().account);

/** SPKI of the key for encryption, and of the one for signatures. */
export const publicKeysOf = (owner: Owner): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] =>
  owner["call"]((raw) => raw.public_keys()) as ReturnType<typeof publicKeysOf>;

export const fingerprintOf = (encryption: Uint8Array, signing: Uint8Array): Promise<Uint8Array> =>
  digest(concat([encoder.encode("blindtally/v1/fingerprint"), lp(encryption), lp(signing)]));

/** The id under which the owner itself seals. */
export async function ownDevice({ id, fingerprint }: AccountKeys): Promise<DeviceId> {
  const hash = await digest(concat([encoder.encode("blindtally/v1/device"), id, fingerprint]));
  return hex(hash.subarray(0, 16)) as DeviceId;
}

/** What the DER of an RSA key of so many bytes, with exponent 65537, has before the modulus: there is one encoding. */
const before = (size: number) => {
  const long = (tag: number, length: number) => Uint8Array.of(tag, 0x82, length >> 8, length & 255);
  const key = [long(0x30, size + 10), long(0x02, size + 1), Uint8Array.of(0)];
  const algorithm = unhex("300d06092a864886f70d0101010500");
  return concat([long(0x30, size + 34), algorithm, long(0x03, size + 15), Uint8Array.of(0), ...key]);
};

/** Whether it is strict SPKI of 2048, 3072 or 4096 bits with exponent 65537. */
export function isPublicKey(spki: Uint8Array): boolean {
  const size = [256, 384, 512].find((size) => spki.length === size + 38);
  if (size === undefined) return false;
  const [start, modulus, end] = [spki.subarray(0, 33), spki.subarray(33, 33 + size), spki.subarray(33 + size)];
  return hex(start) === hex(before(size)) && hex(end) === "0203010001" && modulus[0]! > 127 && modulus.at(-1)! % 2 === 1;
}
