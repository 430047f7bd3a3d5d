/** Where things are in an archive that this page makes (SPEC.md#archive-layout), and lines on their way into its parts. */
import { fileName, type Opened } from "../sealed/blobs.ts";

/** A part ends with the line that brings it to this many bytes. */
const PART_MAX = 4 << 20;

export const blobPath = (opened: Opened): string => `${opened.header.class}/${opened.header.device}/${fileName(opened)}`;

/** Lines of JSON in files that are numbered: `log/<device>/000001.jsonl`. */
export class Lines {
  readonly #folder: string;
  readonly #add: (path: string, content: Blob, newestMs: number) => Promise<void>;
  #number = 0;
  #newest = 0;
  #length = 0;
  #parts: Uint8Array<ArrayBuffer>[] = [];

  constructor(folder: string, add: (path: string, content: Blob, newestMs: number) => Promise<void>) {
    this.#folder = folder;
    this.#add = add;
  }

  async push(line: Readonly<Record<string, unknown>>, ms: number): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
    this.#parts.push(bytes);
    this.#length += bytes.length;
    this.#newest = Math.max(this.#newest, ms);
    if (this.#length >= PART_MAX) await this.end();
  }

  /** Ends the part that has begun. */
  async end(): Promise<void> {
    if (this.#length === 0) return;
    this.#number += 1;
    const path = `${this.#folder}/${String(this.#number).padStart(6, "0")}.jsonl`;
    await this.#add(path, new Blob(this.#parts), this.#newest);
    [this.#parts, this.#length, this.#newest] = [[], 0, 0];
  }
}
