/** Sealing blobs (SPEC.md#blob), in constant memory. */
import type { Agent } from "../agent.js";
import type { BlobId } from "../artefacts.js";
import { millis, refuse, u64 } from "../check.js";
import { can } from "./account.js";
import type { Time } from "../owner.js";
import { AT_ONCE, CHUNK, ChunkCipher, SALT } from "./cipher.js";
import { type BlobClassId, type BlobHeader, contextOf, headerBytes, idOf } from "./header.js";
import { padding } from "./padding.js";
import { refuseAs } from "./refusal.js";
import { type Feed, feedOf, type Input, isStream, orCancel, Parts, type Pieces, streamOf } from "./source.js";
import { concat, hex, unhex } from "./wire.js";

export interface SealOptions<Content extends Input = Input> {
  /** When: of what it holds. */
  readonly seq: Time | bigint;
  readonly content: Content;
}

/** A blob to be uploaded under its id. */
export interface SealedBlob<Body extends Blob | ReadableStream<Uint8Array<ArrayBuffer>> = Blob> {
  readonly header: BlobHeader;
  readonly body: Body;
}

/** Most bytes of content: 1 TiB. */
const CONTENT_MAX = 2 ** 40;

export async function sealLocally(agent: Agent, blobClass: BlobClassId, { seq, content }: SealOptions) {
  const feed = feedOf(content);
  const { header, start, sealer } = await orCancel(feed, begin(agent, blobClass, seq));
  const pieces = sealAll(start, sealer, feed);
  if (isStream(content)) return { header, body: streamOf(pieces, (reason) => feed.cancel(reason)) };
  const parts = new Parts();
  await parts.addAll(pieces);
  return { header, body: parts.blob() };
}

async function begin(agent: Agent, blobClass: BlobClassId, seq: SealOptions["seq"]) {
  if (!can(agent, "blob_key")) refuse("what seals must be an Agent");
  const when = typeof seq === "bigint" ? u64(seq, "seq") : BigInt(Math.floor(millis(seq)));
  const { device, account } = agent.info();
  const [epoch, key] = agent["call"]((raw) => raw.blob_key(idOf(blobClass))) as [number, Promise<CryptoKey>];
  const header = { class: blobClass, epoch, device, id: newId(), seq: when };
  return { header, ...await startSealing(header, unhex(account), await key) };
}

async function* sealAll(start: Uint8Array<ArrayBuffer>, sealer: Sealer, feed: Feed): Pieces {
  yield [start];
  for (let piece = await feed.next(); piece; piece = await feed.next()) {
    const sealed = await orCancel(feed, sealer.update(piece));
    if (sealed.length > 0) yield sealed;
  }
  yield* sealer.finish();
}

/** The name of a blob. */
export const newId = (): BlobId => hex(crypto.getRandomValues(new Uint8Array(16))) as BlobId;

/** What a blob begins with, and what seals the rest. */
export async function startSealing(header: BlobHeader, account: Uint8Array, key: CryptoKey) {
  const [bytes, salt] = [headerBytes(header), crypto.getRandomValues(new Uint8Array(SALT))];
  const [cipher, commitment] = await ChunkCipher.derive(key, salt, contextOf(account, bytes), "encrypt");
  return { start: concat([bytes, salt, commitment]), sealer: new Sealer(cipher) };
}

/** Seals content piece by piece. */
export class Sealer {
  readonly #cipher: ChunkCipher;
  /** What does not fill a chunk yet. */
  #rest = new Uint8Array();
  #index = 0;
  #length = 0;

  constructor(cipher: ChunkCipher) {
    this.#cipher = cipher;
  }

  /** The chunks that a piece completes. @throws BlindtallyError `blob.too-long` */
  async update(piece: Uint8Array): Promise<Uint8Array<ArrayBuffer>[]> {
    if (this.#length + piece.length > CONTENT_MAX) refuseAs("blob.too-long");
    this.#length += piece.length;
    return this.#push(piece);
  }

  /** The rest: padding, and the last chunk. The padding of a long stream is long. */
  async *finish(): Pieces {
    for (const piece of padding(this.#length)) {
      const sealed = await this.#push(piece);
      if (sealed.length > 0) yield sealed;
    }
    yield [await this.#cipher.seal(this.#index, this.#rest)];
  }

  async #push(piece: Uint8Array): Promise<Uint8Array<ArrayBuffer>[]> {
    const whole = this.#rest.length > 0 ? concat([this.#rest, piece]) : piece as Uint8Array<ArrayBuffer>;
    const sealed: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    while (at + CHUNK <= whole.length) {
      const sealing: Promise<Uint8Array<ArrayBuffer>>[] = [];
      for (; sealing.length < AT_ONCE && at + CHUNK <= whole.length; at += CHUNK) {
        sealing.push(this.#cipher.seal(this.#index++, whole.subarray(at, at + CHUNK)));
      }
      sealed.push(...await Promise.all(sealing));
    }
    this.#rest = whole.slice(at);
    return sealed;
  }
}
