/** Where bytes come from (files, memory and streams), and the forms in which content is given. */
import { refuse, tag } from "../check.js";
import { AT_ONCE, CHUNK } from "./cipher.js";
import { concat } from "./wire.js";

/** What has a length and can be read at any place. */
export type Seekable = Blob | Uint8Array;
/** A stream is read once; that of a response is `response.body`. */
export type Input = Seekable | ReadableStream<Uint8Array>;

/** Bytes at any place. */
export interface Source {
  readonly size: number;
  read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes one after the other. */
export interface Feed {
  /** Nothing at the end. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Says that no more is wanted. */
  cancel(reason?: unknown): Promise<void>;
}

const PIECE = AT_ONCE * CHUNK;

export const isStream = (value: unknown): value is ReadableStream<Uint8Array> => tag(value) === "ReadableStream";

/** @throws BlindtallyError `wasm.argument` */
export function sourceOf(value: Seekable): Source {
  switch (tag(value)) {
    case "Uint8Array": {
      const bytes = value as Uint8Array<ArrayBuffer>;
      return { size: bytes.length, read: async (from, to) => bytes.subarray(from, to) };
    }
    case "Blob":
    case "File": {
      const blob = value as Blob;
      return { size: blob.size, read: async (from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer()) };
    }
    default:
      return refuse("the content must be a Blob, a Uint8Array or, where it is read once, a ReadableStream");
  }
}

/** In pieces of bounded size, but for those of a stream, which are as it gives them. @throws BlindtallyError `wasm.argument` */
export function feedOf(value: Input): Feed {
  return isStream(value) ? feedOfStream(value) : feedOfSource(sourceOf(value));
}

function feedOfSource(source: Source): Feed {
  let at = 0;
  return {
    async next() {
      if (at === source.size) return undefined;
      const from = at;
      at = Math.min(at + PIECE, source.size);
      return source.read(from, at);
    },
    async cancel() {},
  };
}

function feedOfStream(stream: ReadableStream<Uint8Array>): Feed {
  const reader = stream.getReader();
  return {
    async next() {
      const { value, done } = await reader.read();
      if (done) return undefined;
      if (tag(value) !== "Uint8Array") {
        reader.cancel().catch(() => undefined);
        refuse("the stream must be one of Uint8Array");
      }
      return value as Uint8Array<ArrayBuffer>;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** The result, or a failure that takes the feed with it. */
export async function orCancel<T>(feed: Feed, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    feed.cancel(error).catch(() => undefined);
    throw error;
  }
}

/** Bytes in pieces, some at a time and never none. */
export type Pieces = AsyncGenerator<readonly Uint8Array<ArrayBuffer>[], void>;

/** The same, but that while some are used, the next are being made. */
export async function* ahead(pieces: Pieces): Pieces {
  for (let next = pieces.next(); ;) {
    const { value, done } = await next;
    if (done) return;
    next = pieces.next();
    next.catch(() => undefined);
    yield value;
  }
}

/** A content, in one of three forms. */
export interface Content {
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Of this MIME type. */
  blob(type?: string): Promise<Blob>;
  /** In constant memory, as fast as it is read. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** The content that `read` begins to give whenever it is asked for. */
export function contentOf(read: () => Pieces, cancel?: Feed["cancel"]): Content {
  return {
    bytes: async () => concat(await collect(read())),
    async blob(type = "") {
      const parts = new Parts();
      await parts.addAll(read());
      return parts.blob(type);
    },
    stream: () => streamOf(read(), cancel),
  };
}

/** Asks for pieces only when somebody reads. */
export function streamOf(pieces: Pieces, cancel: Feed["cancel"] = async () => {}): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done) return controller.close();
      for (const piece of value) controller.enqueue(piece);
    },
    cancel,
  }, { highWaterMark: 0 });
}

async function collect(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>[]> {
  const all: Uint8Array<ArrayBuffer>[] = [];
  for await (const some of pieces) all.push(...some);
  return all;
}

/** What a Blob is made of, put together now and then: the platform may keep it elsewhere than in memory. */
export class Parts {
  #parts: BlobPart[] = [];
  #length = 0;

  add(pieces: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#parts.push(...pieces);
    for (const { length } of pieces) this.#length += length;
    if (this.#length < 64 * AT_ONCE * CHUNK) return;
    this.#parts = [new Blob(this.#parts)];
    this.#length = 0;
  }

  async addAll(pieces: Pieces): Promise<void> {
    for await (const some of pieces) this.add(some);
  }

  blob(type = "application/octet-stream"): Blob {
    return new Blob(this.#parts, { type });
  }
}
