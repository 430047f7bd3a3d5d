/** Padding (SPEC.md#padding): a byte 0x80, then zeros, to a length that tells little of the content's. */
import { CHUNK } from "./cipher.js";

/** Bytes of a padded content. Exact up to 2^52, which no blob reaches. */
export function paddedLength(length: number): number {
  let padded = length + 1;
  if (padded > 64) {
    const exponent = log2(padded);
    padded = roundUp(padded, 2 ** (exponent - log2(exponent) - 1));
  }
  return roundUp(padded, 16);
}

/** `content | 80 | 00*`: what follows the content, in pieces. */
export function* padding(length: number): Generator<Uint8Array<ArrayBuffer>> {
  yield Uint8Array.of(0x80);
  yield* zeros(paddedLength(length) - length - 1);
}

/** Where the last byte is that is not zero, or -1. */
export function lastNonZero(bytes: Uint8Array): number {
  let at = bytes.length - 1;
  while (at >= 0 && bytes[at] === 0) at--;
  return at;
}

/**
 * Tells content from padding in a stream whose end is not known: a byte 0x80 and the zeros after it are held back until
 * something else follows them. Only their number is kept.
 */
export class HeldBack {
  /** A byte 0x80 and zeros: how many bytes. */
  #held = 0;
  #released = 0;

  /** The content that a chunk brings, in pieces of bounded size. */
  *release(chunk: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
    const last = lastNonZero(chunk);
    if (last < 0 && this.#held > 0) {
      this.#held += chunk.length;
      return;
    }
    const before = this.#held;
    const content = last >= 0 && chunk[last] === 0x80 ? last : chunk.length;
    this.#held = chunk.length - content;
    this.#released += before + content;
    if (before > 0) {
      yield Uint8Array.of(0x80);
      yield* zeros(before - 1);
    }
    if (content > 0) yield chunk.subarray(0, content);
  }

  /** Whether what is held back at the end is the padding. */
  isPadding(): boolean {
    return this.#held > 0 && paddedLength(this.#released) === this.#released + this.#held;
  }
}

function* zeros(count: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let left = count; left > 0; left -= CHUNK) yield new Uint8Array(Math.min(left, CHUNK));
}

/** Of whole numbers up to 2^53; `Math.log2` rounds. */
const log2 = (number: number): number =>
  number < 2 ** 31 ? 31 - Math.clz32(number) : 31 + log2(Math.floor(number / 2 ** 31));

const roundUp = (number: number, step: number): number => Math.ceil(number / step) * step;
