/** What a blob begins with (SPEC.md#blob): the header in the clear, then the salt and the commitment. */
import type { BlobId, DeviceId } from "../artefacts.js";
import { integer } from "../check.js";
import { type BlobClass, BLOB_CLASSES } from "../generated.js";
import { nameOf } from "../record.js";
import { COMMITMENT, SALT } from "./cipher.js";
import { refuseAs } from "./refusal.js";
import { concat, hex, Reader, u64, unhex } from "./wire.js";

/** An application's own blob classes have no name. */
export type BlobClassId = BlobClass | number;

/** What a blob says of itself, authenticated with it. */
export interface BlobHeader {
  readonly class: BlobClassId;
  readonly epoch: number;
  readonly device: DeviceId;
  /** Its name at the service. */
  readonly id: BlobId;
  /** When, in Unix milliseconds: of what it holds. */
  readonly seq: bigint;
}

export const HEADER = 47;
/** Everything before the first chunk. */
export const START = HEADER + SALT + COMMITMENT;
const [KIND, SUITE] = [0x42, 0x31];

/** Each field is looked at before the next has to be there. @throws BlindtallyError `malformed.*` */
export function parseHeader(start: Uint8Array<ArrayBuffer>): BlobHeader {
  const reader = new Reader(start);
  reader.begin(KIND, SUITE);
  const blobClass = reader.take(1)[0]!;
  if (!isBlobClass(blobClass)) refuseAs("malformed.value");
  const epoch = reader.u16();
  if (epoch === 0) refuseAs("malformed.value");
  const [device, id] = [hex(reader.take(16)) as DeviceId, hex(reader.take(16)) as BlobId];
  return { class: nameOf(BLOB_CLASSES, blobClass), epoch, device, id, seq: reader.u64() };
}

const isBlobClass = (id: number): boolean => id >= 224 || (Object.values(BLOB_CLASSES) as number[]).includes(id);

export function headerBytes({ class: blobClass, epoch, device, id, seq }: BlobHeader): Uint8Array<ArrayBuffer> {
  return concat([Uint8Array.of(0x42, 0x54, KIND, SUITE, idOf(blobClass), epoch >> 8, epoch & 255), unhex(device), unhex(id), u64(seq)]);
}

/** The id of a class. */
export const idOf = (blobClass: BlobClassId): number =>
  integer(typeof blobClass === "number" ? blobClass : BLOB_CLASSES[blobClass], "a class", 255);

/** The context of chunked encryption. */
export const contextOf = (account: Uint8Array, header: Uint8Array): Uint8Array<ArrayBuffer> =>
  concat([new TextEncoder().encode("blindtally/v1/blob"), account, header]);
