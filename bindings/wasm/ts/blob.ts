/**
 * `blindtally/blob`: screenshots, recordings and archives, of any length, sealed and opened by WebCrypto. With an owner, an
 * opened backup, or either in an `OwnerWorker`.
 */
import type { Agent } from "./agent.js";
import type { Restored } from "./backup.js";
import { can } from "./blob/account.js";
import {
  type Archive, type ArchiveWriter, openArchiveLocally, writeLocally,
} from "./blob/archive.js";
import type { BlobClassId } from "./blob/header.js";
import { type OpenedBlob, openLocally, type SeekableBlob } from "./blob/open.js";
import { openArchiveFar, openFar, writeFar } from "./blob/ports.js";
import { type SealedBlob, sealLocally, type SealOptions } from "./blob/seal.js";
import { type Input, isStream, type Seekable } from "./blob/source.js";
import { refuse } from "./check.js";
import type { Owner, Time } from "./owner.js";
import type { Remote } from "./worker.js";

export type { AddOptions, Archive, ArchivedFile, ArchivedFileInfo, ArchiveWriter } from "./blob/archive.js";
export type { BlobClassId, BlobHeader } from "./blob/header.js";
export type { OpenedBlob, SeekableBlob } from "./blob/open.js";
export type { SealedBlob, SealOptions } from "./blob/seal.js";
export type { Content, Input, Seekable } from "./blob/source.js";
export { BlindtallyError } from "./error.js";

/** Whoever has the account's keys. */
export type Opener = Owner | Restored | Remote<Owner> | Remote<Restored>;

/**
 * Opens a blob: its header is authentic then, and what holds the keys may be freed. A Blob or bytes can be read at any place;
 * a stream (the body of a response) is read once, and cancelled if it is refused.
 *
 * @throws BlindtallyError `blob.no-key`, `blob.tampered`, `blob.truncated`, `blob.plaintext`, `malformed.*`
 */
export function openBlob(opener: Opener, input: Seekable): Promise<SeekableBlob>;
export function openBlob(opener: Opener, input: ReadableStream<Uint8Array>): Promise<OpenedBlob>;
export function openBlob(opener: Opener, input: Input): Promise<OpenedBlob>;
export async function openBlob(opener: Opener, input: Input): Promise<OpenedBlob> {
  try {
    return await (isNear(opener) ? openLocally(opener as Owner, input) : openFar(opener, input));
  } catch (error) {
    // Whoever has begun to read it, here or in the worker, cancels it.
    if (isStream(input) && !input.locked) input.cancel(error).catch(() => undefined);
    throw error;
  }
}

/**
 * Opens an archive of the account, damaged or not, and reads of it only what is needed.
 *
 * @throws BlindtallyError `archive.*`, `blob.no-key`, `blob.plaintext`, `malformed.*`
 */
export async function openArchive(opener: Opener, input: Seekable): Promise<Archive> {
  return isNear(opener) ? openArchiveLocally(opener as Owner, input) : openArchiveFar(opener, input);
}

/** Starts an archive of files, which opens without the service. The owner is needed until it is finished. */
export async function archiveWriter(owner: Owner | Remote<Owner>, options: { now?: Time | undefined } = {}): Promise<ArchiveWriter> {
  return isNear(owner, "signing_key") ? writeLocally(owner as Owner, options) : writeFar(owner, options);
}

/**
 * Seals a blob under the device's own key. Of a Blob or bytes the body is a Blob; of a stream it is a stream, which fails if
 * that fails.
 *
 * @throws BlindtallyError `blob.no-key`, `blob.too-long`, `agent.needs-upgrade`, `agent.revoked`
 */
export function sealBlob(agent: Agent, blobClass: BlobClassId, options: SealOptions<Seekable>): Promise<SealedBlob>;
export function sealBlob(
  agent: Agent, blobClass: BlobClassId, options: SealOptions<ReadableStream<Uint8Array>>,
): Promise<SealedBlob<ReadableStream<Uint8Array<ArrayBuffer>>>>;
export async function sealBlob(agent: Agent, blobClass: BlobClassId, options: SealOptions) {
  return sealLocally(agent, blobClass, options);
}

/** Whether its keys are in this thread. */
function isNear(opener: unknown, needed = "blob_keys"): boolean {
  if (can(opener, needed)) return true;
  if (typeof (opener as { openBlob?: unknown } | undefined)?.openBlob !== "function") {
    refuse("what opens must be an Owner or a Restored, or one of an OwnerWorker");
  }
  return false;
}
