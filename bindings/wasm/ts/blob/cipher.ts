/**
 * C2SP chunked encryption with AES-256-GCM and SHA-512 (c2sp.org/chunked-encryption@v1), by WebCrypto: a message in chunks
 * of 16 KiB, each authenticated at its place, the last always shorter.
 */
import { subtle } from "../webcrypto.js";
import { refusal } from "./refusal.js";
import { concat } from "./wire.js";

/** Bytes of content in every chunk but the last. */
export const CHUNK = 16_384;
export const TAG = 16;
export const SEALED_CHUNK = CHUNK + TAG;
export const SALT = 24;
export const COMMITMENT = 32;
/** Chunks that WebCrypto is given at once: a call costs as much as some kilobytes, and it works on other threads. */
export const AT_ONCE = 32;

/** The number of the last chunk of 2^40 bytes of content and their padding. */
const LAST = 2 ** 26 + 2 ** 20;
const INFO = new TextEncoder().encode("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0");
const AES_GCM = "AES-GCM";

/** What seals or opens the chunks of one message. */
export class ChunkCipher {
  readonly #key: CryptoKey;
  readonly #nonce: Uint8Array;

  private constructor(key: CryptoKey, nonce: Uint8Array) {
    this.#key = key;
    this.#nonce = nonce;
  }

  /**
   * The cipher of the message with this salt, and what commits it to key and context. The message's own key is in the open
   * as bytes for an instant, and wiped.
   */
  static async derive(
    inputKey: CryptoKey, salt: Uint8Array, context: Uint8Array, usage: "encrypt" | "decrypt",
  ): Promise<[ChunkCipher, commitment: Uint8Array<ArrayBuffer>]> {
    // HKDF-Expand (RFC 5869 §2.3), two blocks; WebCrypto's HKDF cannot expand alone.
    const info = concat([INFO, salt, context]);
    const block = async (message: Uint8Array<ArrayBuffer>) => new Uint8Array(await subtle().sign("HMAC", inputKey, message));
    const first = await block(concat([info, Uint8Array.of(1)]));
    const message = concat([first, info, Uint8Array.of(2)]);
    try {
      const second = await block(message);
      const key = await subtle().importKey("raw", first.subarray(0, 32), AES_GCM, false, [usage]);
      return [new ChunkCipher(key, first.slice(32, 44)), concat([first.subarray(44), second.subarray(0, 12)])];
    } finally {
      first.fill(0);
      message.fill(0);
    }
  }

  async seal(index: number, chunk: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await subtle().encrypt({ name: AES_GCM, iv: this.#iv(index) }, this.#key, chunk));
  }

  /** @throws BlindtallyError `blob.tampered` unless it was sealed at this place; `blob.truncated` if it has no tag; `blob.too-long` */
  open(index: number, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    if (index > LAST) return Promise.reject(refusal("blob.too-long"));
    if (sealed.length < TAG) return Promise.reject(refusal("blob.truncated"));
    return subtle().decrypt({ name: AES_GCM, iv: this.#iv(index) }, this.#key, sealed)
      .then((plain) => new Uint8Array(plain), () => Promise.reject(refusal("blob.tampered")));
  }

  /** The number of the chunk goes into the last five bytes. */
  #iv(index: number): Uint8Array<ArrayBuffer> {
    const iv = this.#nonce.slice() as Uint8Array<ArrayBuffer>;
    for (let [at, rest] = [11, index]; rest > 0; at--, rest = Math.floor(rest / 256)) iv[at]! ^= rest % 256;
    return iv;
  }
}
