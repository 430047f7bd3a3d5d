/** SHA-256: by WebCrypto of what is in memory at once, by the module of what is too long for that. */
import { guarded } from "../init.js";
import { subtle } from "../webcrypto.js";
import { concat } from "./wire.js";

/** What is held in memory as a whole. */
export const WHOLE = 4 << 20;

export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await subtle().digest("SHA-256", bytes));
}

const BLOCK = 64;
/** FIPS 180-4 §5.3.3. */
const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** A hash that goes on piece by piece. */
export class Hash {
  readonly #state = Uint32Array.from(START);
  /** What does not fill a block yet. */
  #rest: Uint8Array = new Uint8Array();
  #length = 0;

  update(piece: Uint8Array): void {
    this.#length += piece.length;
    const whole = this.#rest.length > 0 ? concat([this.#rest, piece]) : piece;
    const end = whole.length - whole.length % BLOCK;
    guarded(({ sha256_blocks }) => sha256_blocks(this.#state, whole.subarray(0, end)));
    this.#rest = whole.slice(end);
  }

  finish(): Uint8Array {
    const bits = BigInt(this.#length) * 8n;
    const padding = new Uint8Array(BLOCK - (this.#length + 8) % BLOCK + 8);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, bits);
    this.update(padding);
    const hash = new Uint8Array(32);
    this.#state.forEach((word, at) => new DataView(hash.buffer).setUint32(4 * at, word));
    return hash;
  }
}
