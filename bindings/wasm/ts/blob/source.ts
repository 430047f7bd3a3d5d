/** Where bytes come from: files, memory and streams. */
import { refuse, tag } from "../check.js";
import { AT_ONCE, CHUNK } from "./cipher.js";

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
      if (tag(value) !== "Uint8Array") refuse("the stream must be one of Uint8Array");
      return value as Uint8Array<ArrayBuffer>;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** A stream of what `next` gives, asked for only when somebody reads. */
export function streamOf(next: Take, cancel: (reason: unknown) => Promise<void> = async () => {}): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const pieces = await next();
      if (pieces === undefined) return controller.close();
      for (const piece of pieces) controller.enqueue(piece);
    },
    cancel,
  }, { highWaterMark: 0 });
}

/** Some pieces, none of them empty; nothing at the end. */
export type Take = () => Promise<readonly Uint8Array<ArrayBuffer>[] | undefined>;

/** Everything that `next` gives. */
export async function collect(next: Take): Promise<Uint8Array<ArrayBuffer>[]> {
  const all: Uint8Array<ArrayBuffer>[] = [];
  for (let pieces = await next(); pieces; pieces = await next()) all.push(...pieces);
  return all;
}
