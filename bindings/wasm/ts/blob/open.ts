/** Opening blobs (SPEC.md#blob): as streams in constant memory, and at any place of a file. */
import type { BlobId, DeviceId } from "../artefacts.js";
import { integer, refuse } from "../check.js";
import { type BlobClass, BLOB_CLASSES } from "../generated.js";
import { Handle } from "../init.js";
import type { Restored } from "../backup.js";
import type { Owner } from "../owner.js";
import { nameOf } from "../record.js";
import { type AccountKeys, accountOf } from "./account.js";
import { hex, Reader, u64, unhex } from "./wire.js";
import { AT_ONCE, CHUNK, ChunkCipher, COMMITMENT, concat, isEqual, SALT, SEALED_CHUNK, TAG } from "./cipher.js";
import { HeldBack, lastNonZero, paddedLength } from "./padding.js";
import { refuseAs } from "./refusal.js";
import { collect, type Feed, feedOf, type Input, isStream, type Source, sourceOf, streamOf, type Take } from "./source.js";

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

/** A blob that one of the account's keys made. What it gives is authentic; it is the whole only once its end has come. */
export interface OpenedBlob {
  readonly header: BlobHeader;
  /** All of the content. @throws BlindtallyError `blob.tampered`, `blob.truncated`, `blob.plaintext` */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** As {@link OpenedBlob.bytes}, as a Blob of this MIME type. */
  blob(type?: string): Promise<Blob>;
  /** The content in constant memory, as fast as it is read. It fails where {@link OpenedBlob.bytes} does: what came before is a part. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** One that can be read at any place. Its end has been found, and so its size is authentic. */
export interface SeekableBlob extends OpenedBlob {
  /** Bytes of content. */
  readonly size: number;
  /** A part of the content: opens only the chunks that it lies in. @throws BlindtallyError `blob.tampered` */
  slice(from?: number, to?: number): Promise<Uint8Array<ArrayBuffer>>;
}

const HEADER = 47;
const [KIND, SUITE] = [0x42, 0x31];
/** Chunks that are kept open, for reads that go on where others ended. */
const KEPT = 8;
/** Everything before the first chunk. */
export const START = HEADER + SALT + COMMITMENT;

export async function openLocally(opener: Owner | Restored, input: Input): Promise<OpenedBlob> {
  if (!(opener instanceof Handle)) refuse("what opens must be an Owner or a Restored");
  return isStream(input) ? openStream(opener, input) : openFile(opener, sourceOf(input));
}

async function openStream(opener: Owner | Restored, stream: ReadableStream<Uint8Array>): Promise<OpenedBlob> {
  const feed = feedOf(stream);
  try {
    let beginning = new Uint8Array();
    for (let piece; beginning.length < START && (piece = await feed.next());) beginning = concat([beginning, piece]);
    const start = beginning.subarray(0, START);
    const [cipher, header] = await cipherOf(opener, start);
    return new StreamedBlob(header, new Sequence(cipher, feed, beginning.subarray(START)));
  } catch (error) {
    feed.cancel(error).catch(() => undefined);
    throw error;
  }
}

async function openFile(opener: Owner | Restored, source: Source): Promise<SeekableBlob> {
  const start = await source.read(0, Math.min(START, source.size));
  const [cipher, header] = await cipherOf(opener, start);
  const file = new ChunkFile(source, cipher);
  await file.findEnd();
  return new FileBlob(header, file);
}

/** Asks the module for the account's fingerprint and the input keys that may have made a blob with this header. */
export const keysOf = (opener: Owner | Restored, { class: blobClass, epoch, device }: BlobHeader) =>
  // Both have the same in the module.
  (opener as Owner)["call"]((raw) => raw.blob_keys(idOf(blobClass), epoch, device)) as [Uint8Array, ...Promise<CryptoKey>[]];

/** The context of chunked encryption. */
export const contextOf = (account: Uint8Array, header: Uint8Array): Uint8Array<ArrayBuffer> =>
  concat([new TextEncoder().encode("blindtally/v1/blob"), account, header]);

/** The cipher of the blob that begins so, if it is as expected. @throws BlindtallyError `blob.no-key`, `malformed.*` */
export async function cipherOf(
  opener: Owner | Restored, start: Uint8Array<ArrayBuffer>, expect?: (header: BlobHeader, account: AccountKeys) => Promise<void>,
): Promise<[ChunkCipher, BlobHeader, AccountKeys]> {
  const header = parseHeader(start);
  const [fingerprint, ...importing] = keysOf(opener, header);
  const keys = await Promise.all(importing);
  if (start.length < START) refuseAs("malformed.truncated");
  const account = { id: accountOf(opener), fingerprint };
  await expect?.(header, account);
  const context = contextOf(account.id, start.subarray(0, HEADER));
  const [salt, stated] = [start.subarray(HEADER, HEADER + SALT), start.subarray(HEADER + SALT, START)];
  for (const key of keys) {
    const [cipher, commitment] = await ChunkCipher.derive(key, salt, context, "decrypt");
    if (isEqual(commitment, stated)) return [cipher, header, account];
  }
  return refuseAs("blob.no-key");
}

/** Each field is looked at before the next has to be there. */
function parseHeader(start: Uint8Array<ArrayBuffer>): BlobHeader {
  const reader = new Reader(start);
  reader.begin(KIND, SUITE);
  const blobClass = reader.take(1)[0]!;
  if (!isBlobClass(blobClass)) refuseAs("malformed.value");
  const epoch = reader.u16();
  if (epoch === 0) refuseAs("malformed.value");
  return {
    class: nameOf(BLOB_CLASSES, blobClass), epoch, device: hex(reader.take(16)) as DeviceId, id: hex(reader.take(16)) as BlobId, seq: reader.u64(),
  };
}

const isBlobClass = (id: number): boolean => id >= 224 || (Object.values(BLOB_CLASSES) as number[]).includes(id);

/** The id of a class. */
export const idOf = (blobClass: BlobClassId): number =>
  integer(typeof blobClass === "number" ? blobClass : BLOB_CLASSES[blobClass], "a class", 255);

export function headerBytes({ class: blobClass, epoch, device, id, seq }: BlobHeader): Uint8Array<ArrayBuffer> {
  return concat([Uint8Array.of(0x42, 0x54, KIND, SUITE, idOf(blobClass), epoch >> 8, epoch & 255), unhex(device), unhex(id), u64(seq)]);
}

/** Of a stream, which can be read once. */
class StreamedBlob implements OpenedBlob {
  readonly header: BlobHeader;
  #sequence: Sequence | undefined;

  constructor(header: BlobHeader, sequence: Sequence) {
    this.header = header;
    this.#sequence = sequence;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return concat(await this.#collect());
  }

  async blob(type = ""): Promise<Blob> {
    return new Blob(await this.#collect(), { type });
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const sequence = this.#take();
    return streamOf(() => sequence.next(), (reason) => sequence.cancel(reason));
  }

  async #collect() {
    const sequence = this.#take();
    return collect(() => sequence.next());
  }

  #take(): Sequence {
    const sequence = this.#sequence ?? refuse("a blob of a stream is read once");
    this.#sequence = undefined;
    return sequence;
  }
}

interface Opened {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  /** Why nothing comes after them, or that it is the end. */
  readonly failure?: unknown;
  readonly isEnd?: boolean;
}

/** The content of a blob whose chunks come one after the other. While some are read, the next are being opened. */
class Sequence {
  readonly #cipher: ChunkCipher;
  readonly #feed: Feed;
  /** Sealed bytes that have come and not been opened. */
  #rest: Uint8Array<ArrayBuffer>;
  #index = 0;
  #ahead: Promise<Opened> | undefined;
  readonly #heldBack = new HeldBack();
  #released: Iterator<Uint8Array<ArrayBuffer>, void> = [].values();
  #last: Opened | undefined;

  constructor(cipher: ChunkCipher, feed: Feed, rest: Uint8Array<ArrayBuffer>) {
    this.#cipher = cipher;
    this.#feed = feed;
    this.#rest = rest;
  }

  next: Take = async () => {
    for (;;) {
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      for (let next; pieces.length < AT_ONCE && !(next = this.#released.next()).done;) pieces.push(next.value);
      if (pieces.length > 0) return pieces;
      if (this.#last) return this.#end(this.#last);
      const opened = await (this.#ahead ?? this.#open());
      const isLast = opened.isEnd === true || opened.failure !== undefined;
      if (isLast) this.#last = opened;
      this.#ahead = isLast ? undefined : this.#open();
      this.#released = this.#release(opened.chunks);
    }
  };

  cancel(reason: unknown): Promise<void> {
    this.#last = { chunks: [], isEnd: true };
    return this.#feed.cancel(reason);
  }

  #end({ failure }: Opened): undefined {
    if (failure !== undefined) throw failure;
    if (!this.#heldBack.isPadding()) refuseAs("blob.plaintext");
  }

  *#release(chunks: Opened["chunks"]): Generator<Uint8Array<ArrayBuffer>, void> {
    for (const chunk of chunks) yield* this.#heldBack.release(chunk);
  }

  /** As many chunks as have come, but at least one, and at the end the last. Never rejects. */
  async #open(): Promise<Opened> {
    try {
      let isEnd = false;
      while (this.#rest.length < SEALED_CHUNK && !isEnd) {
        const piece = await this.#feed.next();
        if (piece) this.#rest = this.#rest.length > 0 ? concat([this.#rest, piece]) : piece;
        else isEnd = true;
      }
      const opening: Promise<Uint8Array<ArrayBuffer>>[] = [];
      while (opening.length < AT_ONCE && (this.#rest.length >= SEALED_CHUNK || isEnd)) {
        const sealed = this.#rest.subarray(0, SEALED_CHUNK);
        this.#rest = this.#rest.subarray(sealed.length);
        opening.push(this.#cipher.open(this.#index++, sealed));
        if (sealed.length < SEALED_CHUNK) break;
      }
      const [chunks, failure] = await settled(opening);
      if (failure === undefined) return { chunks, isEnd };
      this.#feed.cancel(failure).catch(() => undefined);
      return { chunks, failure };
    } catch (failure) {
      return { chunks: [], failure };
    }
  }
}

/** What comes before the first failure, and that. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<[T[], failure: unknown]> {
  const values: T[] = [];
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === "rejected") return [values, result.reason];
    values.push(result.value);
  }
  return [values, undefined];
}

/** The chunks of a blob that can be read at any place. */
export class ChunkFile {
  readonly #source: Source;
  readonly #cipher: ChunkCipher;
  /** Bytes of all sealed chunks. */
  readonly #sealed: number;
  /** Bytes of content. */
  length = 0;
  /** The chunks that the last reads ended in: the next often begin there. */
  readonly #kept = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(source: Source, cipher: ChunkCipher) {
    this.#source = source;
    this.#cipher = cipher;
    this.#sealed = source.size - START;
  }

  /** Finds the end of the content, from the last chunk back to the byte before the padding. @throws BlindtallyError `blob.*` */
  async findEnd(): Promise<void> {
    const last = Math.floor(this.#sealed / SEALED_CHUNK);
    if (this.#sealed % SEALED_CHUNK < TAG) refuseAs("blob.truncated");
    const padded = this.#sealed - (last + 1) * TAG;
    // In a long file the padding may be thousands of chunks.
    for (let [to, count] = [last, 1]; to >= 0; to -= count, count = AT_ONCE) {
      const from = Math.max(0, to - count + 1);
      const opening = await this.#load(from, to);
      if (to === last) this.#keep(last, opening.at(-1)!);
      const [chunks, failure] = await settled(opening);
      if (failure !== undefined) throw failure;
      for (let index = to; index >= from; index--) {
        const chunk = chunks[index - from]!;
        const at = lastNonZero(chunk);
        if (at < 0) continue;
        this.length = index * CHUNK + at;
        if (chunk[at] !== 0x80 || paddedLength(this.length) !== padded) refuseAs("blob.plaintext");
        return;
      }
    }
    refuseAs("blob.plaintext");
  }

  /** Takes all there is of a blob whose end cannot be found, padding and all. */
  takeTheRest(): void {
    const [whole, rest] = [Math.floor(this.#sealed / SEALED_CHUNK), this.#sealed % SEALED_CHUNK];
    this.length = whole * CHUNK + Math.max(0, rest - TAG);
  }

  /** @throws BlindtallyError `blob.tampered`, `blob.truncated` */
  async read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const content = new Uint8Array(to - from);
    const next = this.pieces(from, to);
    let at = 0;
    for (let pieces = await next(); pieces; pieces = await next()) {
      for (const piece of pieces) {
        content.set(piece, at);
        at += piece.length;
      }
    }
    if (at < content.length) refuseAs("blob.truncated");
    return content;
  }

  /** A part of the content. While some is read, the next is being opened. */
  pieces(from: number, to: number): Take {
    const last = Math.floor((to - 1) / CHUNK);
    let index = Math.floor(from / CHUNK);
    let stop: unknown;
    const load = async () => {
      const first = index;
      index = Math.min(last, first + AT_ONCE - 1) + 1;
      const opening = await this.#load(first, index - 1);
      if (index > last) this.#keep(last, opening.at(-1)!);
      const [chunks, failure] = await settled(opening);
      stop ??= failure;
      return chunks.map((chunk, at) => {
        const begin = (first + at) * CHUNK;
        const isWhole = begin >= from && begin + CHUNK < to;
        // What may be kept for the next read is not given away.
        return isWhole ? chunk : chunk.slice(Math.max(0, from - begin), Math.max(0, to - begin));
      }).filter(({ length }) => length > 0);
    };
    const begin = () => {
      const loading = from < to && index <= last && stop === undefined ? load() : undefined;
      loading?.catch(() => undefined);
      return loading;
    };
    let ahead: Promise<Uint8Array<ArrayBuffer>[]> | undefined;
    let hasBegun = false;
    return async () => {
      if (!hasBegun) ahead = begin();
      hasBegun = true;
      const pieces = await ahead;
      ahead = begin();
      if (pieces?.length) return pieces;
      if (stop !== undefined) throw stop;
      return undefined;
    };
  }

  #keep(index: number, chunk: Promise<Uint8Array<ArrayBuffer>>): void {
    this.#kept.set(index, chunk);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest!);
  }

  /** Starts to open the chunks of these numbers. */
  async #load(first: number, last: number): Promise<Promise<Uint8Array<ArrayBuffer>>[]> {
    const kept = this.#kept.get(first);
    const opening = kept ? [kept] : [];
    const from = (first + opening.length) * SEALED_CHUNK;
    const to = Math.min((last + 1) * SEALED_CHUNK, this.#sealed);
    if (from < to || opening.length === 0) {
      const sealed = await this.#source.read(START + Math.min(from, to), START + to);
      for (let at = 0; first + opening.length <= last; at += SEALED_CHUNK) {
        opening.push(this.#cipher.open(first + opening.length, sealed.subarray(at, at + SEALED_CHUNK)));
      }
    }
    return opening;
  }
}

/** Of a file or of bytes in memory. */
class FileBlob implements SeekableBlob {
  readonly header: BlobHeader;
  readonly #file: ChunkFile;

  constructor(header: BlobHeader, file: ChunkFile) {
    this.header = header;
    this.#file = file;
  }

  get size(): number {
    return this.#file.length;
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#file.read(0, this.size);
  }

  async blob(type = ""): Promise<Blob> {
    return new Blob(await collect(this.#file.pieces(0, this.size)), { type });
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf(this.#file.pieces(0, this.size));
  }

  async slice(from = 0, to = this.size): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(integer(to, "the end", Number.MAX_SAFE_INTEGER), this.size);
    return this.#file.read(Math.min(integer(from, "the beginning", Number.MAX_SAFE_INTEGER), end), end);
  }
}
