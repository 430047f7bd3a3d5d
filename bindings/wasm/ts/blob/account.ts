/** What is public of an account (SPEC.md#identity), to tell its own archives from others. */
import type { DeviceId } from "../artefacts.js";
import type { Restored } from "../backup.js";
import { guarded, Handle } from "../init.js";
import type { Owner } from "../owner.js";
import { digest } from "./sha256.js";
import { concat, hex, unhex } from "./wire.js";

/** Whether it is an object of the module's that has that method there. @throws BlindtallyError `wasm.disposed` */
export const can = (value: unknown, method: string): boolean => value instanceof Handle && value["call"]((raw) => method in raw);

export interface AccountKeys {
  readonly id: Uint8Array;
  readonly fingerprint: Uint8Array;
}

export const accountOf = (owner: Owner | Restored): Uint8Array => unhex(owner.info().account);

/** SPKI of the key for encryption, and of the one for signatures. */
export const publicKeysOf = (owner: Owner): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] =>
  owner["call"]((raw) => raw.public_keys()) as ReturnType<typeof publicKeysOf>;

/** @throws BlindtallyError `malformed.public-key` */
export const fingerprintOf = (encryption: Uint8Array, signing: Uint8Array): Uint8Array =>
  guarded(({ account_fingerprint }) => account_fingerprint(encryption, signing));

/** The id under which the owner itself seals. */
export async function ownDevice({ id, fingerprint }: AccountKeys): Promise<DeviceId> {
  const hash = await digest(concat([new TextEncoder().encode("blindtally/v1/device"), id, fingerprint]));
  return hex(hash.subarray(0, 16)) as DeviceId;
}
