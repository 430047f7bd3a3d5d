/** The one form of tar that an archive has (SPEC.md#archive): POSIX ustar with one possible encoding. */
import { refuseAs } from "./refusal.js";
import { isEqual } from "./wire.js";

export const BLOCK = 512;
/** Zeros that a tar ends with. */
export const END = 2 * BLOCK;
/** Sizes and times are eleven octal digits. */
export const OCTAL_MAX = 2 ** 33 - 1;
export const FILES_MAX = 1 << 18;
export const MANIFEST_PATH = "blindtally.manifest";

const PATH_MAX = 100;
const encoder = new TextEncoder();

/** The header of a file, as its path, time in seconds and length make it. */
export function tarHeader(path: string, modified: number, length: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => encoder.encodeInto(text, block.subarray(at));
  const octal = (number: number, digits: number) => number.toString(8).padStart(digits, "0");
  put(0, path);
  put(100, "0000644\0" + "0000000\0".repeat(2));
  put(124, `${octal(length, 11)}\0${octal(modified, 11)}\0        0`);
  put(257, "ustar\0" + "00");
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return block;
}

/** What a header says, if it is the one that such a file has. */
export function parseTarHeader(block: Uint8Array): { path: string; modified: number; length: number } | undefined {
  const text = (from: number, to: number) => String.fromCharCode(...block.subarray(from, to));
  const octal = (at: number) => /^[0-7]{11}$/.test(text(at, at + 11)) ? Number.parseInt(text(at, at + 11), 8) : NaN;
  const [path] = text(0, PATH_MAX).split("\0") as [string];
  const [length, modified] = [octal(124), octal(136)];
  if (!(length >= 0 && modified >= 0) || !(path === MANIFEST_PATH || isPath(path))) return undefined;
  return isEqual(block, tarHeader(path, modified, length)) ? { path, modified, length } : undefined;
}

/** Bytes up to the next multiple of 512. */
export const fillerLength = (length: number): number => (BLOCK - length % BLOCK) % BLOCK;

/** The paths of an archive, each with its directories, without regard to case. */
export class Paths {
  readonly #files = new Set<string>();
  readonly #directories = new Set<string>();

  /** Whether the path is fit to be among the others, and now is. */
  insert(path: string): boolean {
    if (!isPath(path)) return false;
    const name = path.toLowerCase();
    const parents = [...name.matchAll(/\//g)].map(({ index }) => name.slice(0, index));
    if (this.#files.has(name) || this.#directories.has(name) || parents.some((parent) => this.#files.has(parent))) return false;
    for (const parent of parents) this.#directories.add(parent);
    this.#files.add(name);
    return true;
  }

  /** @throws BlindtallyError `archive.path` */
  expect(path: string): void {
    if (!this.insert(path)) refuseAs("archive.path");
  }
}

/** Segments that every system takes; none leads up, and none is the name of a device of Windows. */
const SEGMENT = /^(?!\.)(?!(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\.|$))[A-Za-z0-9._-]*[A-Za-z0-9_-]$/i;

function isPath(path: string): boolean {
  const segments = path.split("/");
  return path.length <= PATH_MAX && segments[0]!.toLowerCase() !== MANIFEST_PATH && segments.every((segment) => SEGMENT.test(segment));
}
