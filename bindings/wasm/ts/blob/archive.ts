/** Archives (SPEC.md#archive): files of an account in one blob, opened file by file even when it is damaged. */
import type { Restored } from "../backup.js";
import { integer, millis, refuse } from "../check.js";
import type { Owner, Time } from "../owner.js";
import { type AccountKeys, accountOf, fingerprintOf, ownDevice, publicKeysOf } from "./account.js";
import { CHUNK } from "./cipher.js";
import type { BlobHeader } from "./header.js";
import { type ArchivedEntry, endOf, manifestEntry, readManifest } from "./manifest.js";
import { type ChunkFile, chunkFileOf, keysOf } from "./open.js";
import { isRefusal, refusal, refuseAs } from "./refusal.js";
import { newId, startSealing } from "./seal.js";
import { digest, Hash, WHOLE } from "./sha256.js";
import { type Content, contentOf, feedOf, Parts, type Pieces, type Seekable, sourceOf, streamOf } from "./source.js";
import { BLOCK, fillerLength, FILES_MAX, MANIFEST_PATH, OCTAL_MAX, parseTarHeader, Paths, tarHeader } from "./tar.js";
import { isEqual, isZero } from "./wire.js";

/** What an archive says of a file. */
export interface ArchivedFileInfo {
  /** Segments of ASCII letters, digits, `-`, `_` and `.`, joined by `/`: every system takes it, and it leads nowhere but down. */
  readonly path: string;
  readonly modified: Date;
  /** Bytes. */
  readonly length: number;
  /** SHA-256, as the account signed it; nothing in an unlisted archive. */
  readonly hash: Uint8Array | undefined;
}

/**
 * A file of an archive. All give it intact or fail with `archive.damaged`; nothing else of the archive matters to it. What came
 * of a stream before a failure must not be taken for the file.
 */
export interface ArchivedFile extends ArchivedFileInfo, Content {}

export interface Archive {
  readonly header: BlobHeader;
  /**
   * `signed`: by the manifest, there were these files and no others. `unlisted`: the manifest is lost, and the files are those
   * whose headers were found. Each is authentic as far as it opens, but others may be missing, and next to damage the inside of
   * one file may show as another: tell the person.
   */
  readonly listing: "signed" | "unlisted";
  /** When, by the clock of whoever made it; nothing if unlisted. */
  readonly made: Date | undefined;
  /** In the order of the archive. */
  readonly files: readonly ArchivedFileInfo[];
  /** The file of that number in {@link Archive.files}. @throws BlindtallyError `archive.no-file` */
  file(number: number): ArchivedFile;
  /** Reads every file, and gives the numbers of those that are not intact. */
  damaged(): Promise<number[]>;
  /** The decrypted tar. It fails where the blob is damaged. */
  tar(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

export interface AddOptions {
  /** When the content was last changed; whole seconds are kept. */
  readonly modified: Time;
  readonly content: Seekable;
}

/** Makes an archive. Without {@link ArchiveWriter.finish} there is none. */
export interface ArchiveWriter {
  /**
   * Adds a file.
   *
   * @throws BlindtallyError `archive.path`, `archive.too-long`, `archive.too-many`: nothing was added; those of reading the
   *   content: the archive cannot be completed
   */
  add(path: string, options: AddOptions): Promise<void>;
  /** Signs the manifest, and gives the whole. */
  finish(): Promise<Blob>;
}

export async function openArchiveLocally(opener: Owner | Restored, input: Seekable): Promise<LocalArchive> {
  const { file, header, account } = await chunkFileOf(opener, sourceOf(input), expectArchive);
  try {
    await file.findEnd();
    const { made, files } = await readManifest(account, file.length, (from, to) => file.read(from, to));
    return new LocalArchive(header, file, files, made);
  } catch (error) {
    if (!isDamage(error)) throw error;
    file.takeTheRest();
    return new LocalArchive(header, file, await walk(file));
  }
}

/** Only what the account itself sealed is an archive. */
async function expectArchive({ class: blobClass, device }: BlobHeader, account: AccountKeys): Promise<void> {
  if (blobClass !== "archive") refuseAs("malformed.value");
  if (device !== await ownDevice(account)) refuseAs("archive.other-account");
}

const isDamage = (error: unknown) => isRefusal(error, "blob.tampered", "blob.truncated");

/** The files whose headers can be found. */
async function walk(file: ChunkFile): Promise<ArchivedEntry[]> {
  const files: ArchivedEntry[] = [];
  const paths = new Paths();
  let [seen, at, from] = [0, 0, -1];
  let chunk = new Uint8Array();
  while (at + BLOCK <= file.length) {
    if (at - at % CHUNK !== from) {
      from = at - at % CHUNK;
      try {
        chunk = await file.read(from, Math.min(from + CHUNK, file.length));
      } catch (error) {
        if (!isDamage(error)) throw error;
        // On with the next chunk, which begins at a multiple of 512.
        at = from + CHUNK;
        continue;
      }
    }
    const found = parseTarHeader(chunk.subarray(at - from, at - from + BLOCK));
    if (found?.path === MANIFEST_PATH) break;
    if (!found) {
      at += BLOCK;
      continue;
    }
    if (++seen > FILES_MAX) refuseAs("archive.too-many");
    const entry = { ...found, hash: undefined, at };
    at = endOf(entry);
    if (paths.insert(entry.path)) files.push(entry);
  }
  return files;
}

/** @throws BlindtallyError `archive.no-file` */
export const infoOf = ({ files }: Pick<Archive, "files">, number: number): ArchivedFileInfo =>
  files[integer(number, "the number of a file", Number.MAX_SAFE_INTEGER)] ?? refuseAs("archive.no-file");

export class LocalArchive implements Archive {
  readonly header: BlobHeader;
  readonly listing: "signed" | "unlisted";
  readonly made: Date | undefined;
  readonly files: readonly ArchivedFileInfo[];
  readonly #file: ChunkFile;
  readonly #entries: readonly ArchivedEntry[];

  constructor(header: BlobHeader, file: ChunkFile, entries: readonly ArchivedEntry[], made?: Date) {
    this.header = header;
    this.listing = made ? "signed" : "unlisted";
    this.made = made;
    this.files = entries.map(({ path, modified, length, hash }) => ({ path, modified: new Date(modified * 1000), length, hash }));
    this.#file = file;
    this.#entries = entries;
  }

  file(number: number): ArchivedFile {
    return { ...infoOf(this, number), ...contentOf(() => this.#content(this.#entries[number]!)) };
  }

  async damaged(): Promise<number[]> {
    const damaged: number[] = [];
    let next = 0;
    const check = async () => {
      while (next < this.#entries.length) {
        const number = next++;
        const content = this.#content(this.#entries[number]!);
        try {
          while (!(await content.next()).done);
        } catch (error) {
          if (!isRefusal(error, "archive.damaged")) throw error;
          damaged.push(number);
        }
      }
    };
    // While one is hashed, others are being opened.
    await Promise.all([check(), check(), check(), check()]);
    return damaged.sort((a, b) => a - b);
  }

  tar(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf(this.#file.pieces(0, this.#file.length));
  }

  /** The content of a file; what is short comes only once it is known to be intact. */
  async *#content(entry: ArchivedEntry): Pieces {
    try {
      yield* entry.length <= WHOLE ? this.#whole(entry) : this.#piecewise(entry);
    } catch (error) {
      throw isDamage(error) ? refusal("archive.damaged") : error;
    }
  }

  async *#whole(entry: ArchivedEntry): Pieces {
    const bytes = await this.#file.read(entry.at, endOf(entry));
    const content = bytes.subarray(BLOCK, BLOCK + entry.length);
    expectHeader(entry, bytes.subarray(0, BLOCK));
    expectEnd(entry, await digest(content), bytes.subarray(BLOCK + entry.length));
    if (entry.length > 0) yield [content];
  }

  async *#piecewise(entry: ArchivedEntry): Pieces {
    const begin = entry.at + BLOCK;
    const end = begin + entry.length;
    expectHeader(entry, await this.#file.read(entry.at, begin));
    const hash = new Hash();
    for await (const pieces of this.#file.pieces(begin, end)) {
      for (const piece of pieces) hash.update(piece);
      yield pieces;
    }
    expectEnd(entry, hash.finish(), await this.#file.read(end, endOf(entry)));
  }
}

/** @throws BlindtallyError `archive.damaged` */
function expectHeader({ path, modified, length }: ArchivedEntry, header: Uint8Array): void {
  if (!isEqual(header, tarHeader(path, modified, length))) refuseAs("archive.damaged");
}

/** @throws BlindtallyError `archive.damaged` */
function expectEnd({ hash }: ArchivedEntry, found: Uint8Array, filler: Uint8Array): void {
  if ((hash && !isEqual(found, hash)) || !isZero(filler)) refuseAs("archive.damaged");
}

export async function writeLocally(owner: Owner, { now }: { now?: Time | undefined }): Promise<LocalWriter> {
  const made = Math.floor(millis(now));
  const account = accountOf(owner);
  const device = await ownDevice({ id: account, fingerprint: fingerprintOf(...publicKeysOf(owner)) });
  const { epoch } = owner.info().policy;
  const header = { class: "archive", epoch, device, id: newId(), seq: BigInt(made) } as const;
  const [, key] = keysOf(owner, header);
  return new LocalWriter(owner, made, await startSealing(header, account, await key!));
}

export class LocalWriter implements ArchiveWriter {
  readonly #owner: Owner;
  readonly #made: number;
  readonly #sealer;
  readonly #parts = new Parts();
  readonly #files: ArchivedEntry[] = [];
  readonly #paths = new Paths();
  /** One after the other, whoever calls. */
  #running: Promise<unknown> = Promise.resolve();
  /** A failure in the middle of a file: the tar cannot go on behind it. */
  #isBroken = false;
  #isFinished = false;

  constructor(owner: Owner, made: number, { start, sealer }: Awaited<ReturnType<typeof startSealing>>) {
    this.#owner = owner;
    this.#made = made;
    this.#sealer = sealer;
    this.#parts.add([start]);
  }

  add(path: string, { modified, content }: AddOptions): Promise<void> {
    return this.#next(async () => {
      const source = sourceOf(content);
      const [at, length, time] = [this.#end(), source.size, Math.floor(millis(modified) / 1000)];
      if (this.#isBroken || length > OCTAL_MAX || time > OCTAL_MAX) refuseAs("archive.too-long");
      if (this.#files.length === FILES_MAX) refuseAs("archive.too-many");
      if (typeof path !== "string") refuse("a path must be a string");
      this.#paths.expect(path);
      this.#isBroken = true;
      await this.#put(tarHeader(path, time, length));
      const hash = await this.#copy(content, length);
      await this.#put(new Uint8Array(fillerLength(length)));
      this.#isBroken = false;
      this.#files.push({ path, modified: time, length, hash, at });
    });
  }

  finish(): Promise<Blob> {
    return this.#next(async () => {
      if (this.#isBroken) refuseAs("archive.too-long");
      const entry = await manifestEntry(this.#owner, this.#made, this.#files);
      this.#isFinished = true;
      await this.#put(entry);
      await this.#parts.addAll(this.#sealer.finish());
      return this.#parts.blob();
    });
  }

  #end(): number {
    const last = this.#files.at(-1);
    return last ? endOf(last) : 0;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#parts.add(await this.#sealer.update(bytes));
  }

  /** Seals a content, and gives its SHA-256. */
  async #copy(content: Seekable, length: number): Promise<Uint8Array> {
    if (length <= WHOLE) {
      const bytes = await sourceOf(content).read(0, length);
      const [hash] = await Promise.all([digest(bytes), this.#put(bytes)]);
      return hash;
    }
    const hash = new Hash();
    const feed = feedOf(content);
    for (let piece = await feed.next(); piece; piece = await feed.next()) {
      hash.update(piece);
      await this.#put(piece);
    }
    return hash.finish();
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#running.then(() => this.#isFinished ? refuse("this archive is finished") : work());
    this.#running = result.catch(() => undefined);
    return result;
  }
}
