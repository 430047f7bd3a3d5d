/**
 * Blobs and archives of an owner in a worker: what lives there, and what the page has in its place. Errors of streams cross
 * as data, since a clone of an error has no code.
 */
import type { Restored } from "../backup.js";
import { Handle } from "../init.js";
import type { Owner, Time } from "../owner.js";
import { decodeError, encodeError, type EncodedError } from "../remote.js";
import {
  type AddOptions, type Archive, type ArchivedFile, type ArchiveWriter, infoOf, type LocalArchive, openArchiveLocally, writeLocally,
} from "./archive.js";
import { type OpenedBlob, openLocally, type SeekableBlob } from "./open.js";
import type { Input, Seekable } from "./source.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** In the worker: what is called by the page. */
abstract class Port<Of> extends Handle<{ free(): void; readonly of: Of }> {
  constructor(of: Of) {
    super({ of, free() {} });
  }

  protected get of(): Of {
    return this.call(({ of }) => of);
  }
}

export class BlobPort extends Port<OpenedBlob> {
  bytes(): Promise<Bytes> {
    return this.of.bytes();
  }

  blob(type?: string): Promise<Blob> {
    return this.of.blob(type);
  }

  stream(): ReadableStream<Bytes> {
    return encoded(this.of.stream());
  }

  slice(from?: number, to?: number): Promise<Bytes> {
    return (this.of as SeekableBlob).slice(from, to);
  }
}

export class ArchivePort extends Port<LocalArchive> {
  fileBytes(number: number): Promise<Bytes> {
    return this.of.file(number).bytes();
  }

  fileBlob(number: number, type?: string): Promise<Blob> {
    return this.of.file(number).blob(type);
  }

  fileStream(number: number): ReadableStream<Bytes> {
    return encoded(this.of.file(number).stream());
  }

  damaged(): Promise<number[]> {
    return this.of.damaged();
  }

  tar(): ReadableStream<Bytes> {
    return encoded(this.of.tar());
  }
}

export class WriterPort extends Port<ArchiveWriter> {
  add(path: string, options: AddOptions): Promise<void> {
    return this.of.add(path, options);
  }

  finish(): Promise<Blob> {
    return this.of.finish();
  }
}

/** What the worker does for a page beside the methods of its objects. */
export const PORTS = {
  async openBlob(opener: Owner | Restored, input: Input) {
    const blob = await openLocally(opener, input);
    return { header: blob.header, size: (blob as SeekableBlob).size as number | undefined, port: new BlobPort(blob) };
  },
  async openArchive(opener: Owner | Restored, input: Seekable) {
    const archive = await openArchiveLocally(opener, input);
    const { header, listing, made, files } = archive;
    return { header, listing, made, files, port: new ArchivePort(archive) };
  },
  async archiveWriter(owner: Owner, options: { now?: Time | undefined }) {
    return { port: new WriterPort(await writeLocally(owner, options)) };
  },
};

/** The same in the page: every method gives a promise. */
type Far<T> = { [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Result ? (...args: Args) => Promise<Farther<Awaited<Result>>> : never };
type Farther<Value> = Value extends Handle<infer _> ? Far<Value> : Value extends { port: infer P } ? Omit<Value, "port"> & { port: Far<P> } : Value;
type FarOpener = {
  [Name in keyof typeof PORTS]: (typeof PORTS)[Name] extends (opener: never, ...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Farther<Awaited<Result>>> : never;
};

export async function openFar(opener: unknown, input: Input): Promise<OpenedBlob> {
  const { header, size, port } = await (opener as FarOpener).openBlob(input);
  const blob: OpenedBlob = {
    header, bytes: () => port.bytes(), blob: (type) => port.blob(type), stream: () => decoded(() => port.stream()),
  };
  if (size === undefined) return blob;
  return { ...blob, size, slice: (from?: number, to?: number) => port.slice(from, to) } as SeekableBlob;
}

export async function openArchiveFar(opener: unknown, input: Seekable): Promise<Archive> {
  const { port, ...described } = await (opener as FarOpener).openArchive(input);
  return {
    ...described,
    file(number): ArchivedFile {
      return {
        ...infoOf(described, number),
        bytes: () => port.fileBytes(number),
        blob: (type) => port.fileBlob(number, type),
        stream: () => decoded(() => port.fileStream(number)),
      };
    },
    damaged: () => port.damaged(),
    tar: () => decoded(() => port.tar()),
  };
}

export async function writeFar(owner: unknown, options: { now?: Time | undefined }): Promise<ArchiveWriter> {
  const { port } = await (owner as FarOpener).archiveWriter(options);
  return { add: (path, added) => port.add(path, added), finish: () => port.finish() };
}

const encoded = (stream: ReadableStream<Bytes>) => translated(async () => stream, encodeError);

const decoded = (stream: () => Promise<ReadableStream<Bytes>>) => translated(stream, (error) =>
  error instanceof Error || typeof error !== "object" ? error : decodeError(error as EncodedError));

/** The same stream, once somebody reads, but that it fails with other errors. */
function translated(open: () => Promise<ReadableStream<Bytes>>, translate: (error: unknown) => unknown): ReadableStream<Bytes> {
  let opening: Promise<ReadableStreamDefaultReader<Bytes>> | undefined;
  const reader = () => opening ??= open().then((stream) => stream.getReader());
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done } = await (await reader()).read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        throw translate(error);
      }
    },
    // Also before the first piece: what it is made of is to be let go.
    async cancel(reason) {
      await (await reader()).cancel(reason);
    },
  }, { highWaterMark: 0 });
}
