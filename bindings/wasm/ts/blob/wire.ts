/** Bytes, and the reader and the writers of binary formats (SPEC.md#conventions): integers are big-endian. */
import { refuseAs } from "./refusal.js";

/** Takes the fields of an artefact in their order, and stops at the first that is refused. */
export class Reader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  begin(kind: number, suite: number): void {
    if (String.fromCharCode(...this.take(2)) !== "BT") refuseAs("malformed.magic");
    if (this.take(1)[0] !== kind) refuseAs("malformed.kind");
    if (this.take(1)[0] !== suite) refuseAs("malformed.suite");
  }

  take(count: number): Uint8Array<ArrayBuffer> {
    if (this.#at + count > this.#bytes.length) refuseAs("malformed.truncated");
    return this.#bytes.subarray(this.#at, this.#at += count);
  }

  u16(): number {
    return view(this.take(2)).getUint16(0);
  }

  u32(): number {
    return view(this.take(4)).getUint32(0);
  }

  u64(): bigint {
    return view(this.take(8)).getBigUint64(0);
  }

  lp(max: number): Uint8Array<ArrayBuffer> {
    const length = this.u16();
    if (length > max) refuseAs("malformed.too-long");
    return this.take(length);
  }

  /** Everything read so far. */
  before(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  /** All that is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#at);
  }
}

const view = ({ buffer, byteOffset, byteLength }: Uint8Array) => new DataView(buffer, byteOffset, byteLength);

export function u32(number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, number);
  return bytes;
}

export function u64(number: number | bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  view(bytes).setBigUint64(0, BigInt(number));
  return bytes;
}

/** Bytes behind their length. */
export const lp = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Without an early exit. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ b[at]!;
  return difference === 0;
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const unhex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
