/** Opening blobs (SPEC.md#blob): as streams in constant memory, and at any place of a file. */
import { integer, refuse } from "../check.js";
import type { Restored } from "../backup.js";
import type { Owner } from "../owner.js";
import { type AccountKeys, accountOf } from "./account.js";
import { AT_ONCE, CHUNK, ChunkCipher, SALT, SEALED_CHUNK, TAG } from "./cipher.js";
import { type BlobHeader, contextOf, HEADER, idOf, parseHeader, START } from "./header.js";
import { HeldBack, lastNonZero, paddedLength } from "./padding.js";
import { refuseAs } from "./refusal.js";
import { ahead, type Content, contentOf, type Feed, feedOf, type Input, isStream, orCancel, type Pieces, type Source, sourceOf } from "./source.js";
import { concat, isEqual } from "./wire.js";

/**
 * A blob that one of the account's keys made. What it gives is authentic; it is the whole only once its end has come. Each of
 * its forms may fail with `blob.tampered`, `blob.truncated` or `blob.plaintext`: what came of a stream before is a part.
 */
export interface OpenedBlob extends Content {
  readonly header: BlobHeader;
}

/** One that can be read at any place. Its end has been found, and so its size is authentic. */
export interface SeekableBlob extends OpenedBlob {
  /** Bytes of content. */
  readonly size: number;
  /** A part of the content: opens only the chunks that it lies in. @throws BlindtallyError `blob.tampered` */
  slice(from?: number, to?: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Chunks that are kept open, for reads that go on where others ended. */
const KEPT = 8;

export async function openLocally(opener: Owner | Restored, input: Input): Promise<OpenedBlob> {
  return isStream(input) ? openStream(opener, input) : openFile(opener, sourceOf(input));
}

async function openStream(opener: Owner | Restored, stream: ReadableStream<Uint8Array>): Promise<OpenedBlob> {
  const feed = feedOf(stream);
  return orCancel(feed, openFeed(opener, feed));
}

async function openFeed(opener: Owner | Restored, feed: Feed): Promise<OpenedBlob> {
  let beginning = new Uint8Array();
  for (let piece; beginning.length < START && (piece = await feed.next());) beginning = concat([beginning, piece]);
  const { cipher, header } = await begin(opener, beginning.subarray(0, START));
  return { header, ...streamedContent(cipher, feed, beginning.subarray(START)) };
}

async function openFile(opener: Owner | Restored, source: Source): Promise<SeekableBlob> {
  const { file, header } = await chunkFileOf(opener, source);
  await file.findEnd();
  const size = file.length;
  return {
    header,
    size,
    ...contentOf(() => file.pieces(0, size)),
    bytes: () => file.read(0, size),
    async slice(from = 0, to = size) {
      const end = Math.min(integer(to, "the end", Number.MAX_SAFE_INTEGER), size);
      return file.read(Math.min(integer(from, "the beginning", Number.MAX_SAFE_INTEGER), end), end);
    },
  };
}

/** Asks the module for the account's fingerprint and the input keys that may have made a blob with this header. */
export const keysOf = (opener: Owner | Restored, { class: blobClass, epoch, device }: BlobHeader) =>
  // Both have the same in the module.
  (opener as Owner)["call"]((raw) => raw.blob_keys(idOf(blobClass), epoch, device)) as [Uint8Array, ...Promise<CryptoKey>[]];

/** Refuses what is another blob than the one expected. */
type Expect = (header: BlobHeader, account: AccountKeys) => Promise<void>;

/** The blob in a file, whose end is still to be found. @throws as {@link begin} */
export async function chunkFileOf(opener: Owner | Restored, source: Source, expect?: Expect) {
  const { cipher, ...described } = await begin(opener, await source.read(0, START), expect);
  return { ...described, file: new ChunkFile(source, cipher) };
}

/** The cipher of the blob that begins so, if it is as expected. @throws BlindtallyError `blob.no-key`, `malformed.*` */
async function begin(
  opener: Owner | Restored, start: Uint8Array<ArrayBuffer>, expect?: Expect,
): Promise<{ cipher: ChunkCipher; header: BlobHeader; account: AccountKeys }> {
  const header = parseHeader(start);
  if (start.length < START) refuseAs("malformed.truncated");
  const [fingerprint, ...importing] = keysOf(opener, header);
  const keys = await Promise.all(importing);
  const account = { id: accountOf(opener), fingerprint };
  await expect?.(header, account);
  const context = contextOf(account.id, start.subarray(0, HEADER));
  const [salt, stated] = [start.subarray(HEADER, HEADER + SALT), start.subarray(HEADER + SALT)];
  for (const key of keys) {
    const [cipher, commitment] = await ChunkCipher.derive(key, salt, context, "decrypt");
    if (isEqual(commitment, stated)) return { cipher, header, account };
  }
  return refuseAs("blob.no-key");
}

/** What a stream brings behind its beginning. */
function streamedContent(cipher: ChunkCipher, feed: Feed, rest: Uint8Array<ArrayBuffer>): Content {
  let isRead = false;
  const read = () => {
    if (isRead) refuse("a blob of a stream is read once");
    isRead = true;
    return withoutPadding(ahead(openChunks(cipher, feed, rest)));
  };
  return contentOf(read, (reason) => feed.cancel(reason));
}

/** As many chunks as have come, but at least one, and at the end the last. */
async function* openChunks(cipher: ChunkCipher, feed: Feed, rest: Uint8Array<ArrayBuffer>): Pieces {
  let index = 0;
  for (let isLast = false; !isLast;) {
    for (let piece; rest.length < SEALED_CHUNK && (piece = await feed.next());) rest = rest.length > 0 ? concat([rest, piece]) : piece;
    isLast = rest.length < SEALED_CHUNK;
    const opening: Promise<Uint8Array<ArrayBuffer>>[] = [];
    do {
      opening.push(cipher.open(index++, rest.subarray(0, SEALED_CHUNK)));
      rest = rest.subarray(SEALED_CHUNK);
    } while (opening.length < AT_ONCE && rest.length >= SEALED_CHUNK);
    const [chunks, failure] = await settled(opening);
    if (failure !== undefined) feed.cancel(failure).catch(() => undefined);
    if (chunks.length > 0) yield chunks;
    if (failure !== undefined) throw failure;
  }
}

/** The content that chunks of a whole message hold. @throws BlindtallyError `blob.plaintext` */
async function* withoutPadding(chunks: Pieces): Pieces {
  const heldBack = new HeldBack();
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const some of chunks) {
    for (const chunk of some) {
      for (const piece of heldBack.release(chunk)) {
        if (pieces.push(piece) < AT_ONCE) continue;
        yield pieces;
        pieces = [];
      }
    }
    if (pieces.length === 0) continue;
    yield pieces;
    pieces = [];
  }
  if (!heldBack.isPadding()) refuseAs("blob.plaintext");
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
    let at = 0;
    for await (const pieces of this.pieces(from, to)) {
      for (const piece of pieces) {
        content.set(piece, at);
        at += piece.length;
      }
    }
    return content;
  }

  /** As {@link ChunkFile.read}. */
  pieces(from: number, to: number): Pieces {
    return ahead(this.#pieces(from, to));
  }

  async *#pieces(from: number, to: number): Pieces {
    const last = Math.floor((to - 1) / CHUNK);
    let left = to - from;
    for (let first = Math.floor(from / CHUNK); left > 0; first += AT_ONCE) {
      if (first > last) refuseAs("blob.truncated");
      const end = Math.min(last, first + AT_ONCE - 1);
      const opening = await this.#load(first, end);
      if (end === last) this.#keep(last, opening.at(-1)!);
      const [chunks, failure] = await settled(opening);
      const pieces = chunks.map((chunk, at) => {
        const begin = (first + at) * CHUNK;
        const isWhole = begin >= from && begin + CHUNK < to;
        // What may be kept for the next read is not given away.
        return isWhole ? chunk : chunk.slice(Math.max(0, from - begin), Math.max(0, to - begin));
      }).filter(({ length }) => length > 0);
      for (const { length } of pieces) left -= length;
      if (pieces.length > 0) yield pieces;
      if (failure !== undefined) throw failure;
    }
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
    if (first + opening.length <= last) {
      const sealed = await this.#source.read(START + Math.min(from, to), START + to);
      for (let at = 0; first + opening.length <= last; at += SEALED_CHUNK) {
        opening.push(this.#cipher.open(first + opening.length, sealed.subarray(at, at + SEALED_CHUNK)));
      }
    }
    return opening;
  }
}
