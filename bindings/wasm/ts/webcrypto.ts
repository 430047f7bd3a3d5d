/** What the platform does better: PBKDF2, and everything with RSA private keys (W3C Web Cryptography API). */
import type { Kdf as RawKdf, Stretch as RawStretch, Stretched } from "./bridge.js";
import type { Kdf } from "./generated.js";
import { guarded } from "./init.js";
import { nfkc, type Typed, wiping } from "./text.js";

/** Bits of the RSA keys of an account or a device. */
export type RsaSize = 2048 | 3072 | 4096;

const OAEP = { name: "RSA-OAEP", hash: "SHA-256" };
const PSS = { name: "RSA-PSS", hash: "SHA-256" };
const PUBLIC_EXPONENT = Uint8Array.of(1, 0, 1);

/**
 * Stretches a password as the core asks: PBKDF2 by the platform, Argon2id in the module, which blocks this thread for
 * as long as it takes.
 */
export async function stretch(what: RawStretch, password: Typed): Promise<Stretched> {
  try {
    return await wiping(nfkc(password), (normal) => stretchNormal(what, normal));
  } finally {
    what.free();
  }
}

async function stretchNormal(what: RawStretch, normal: Uint8Array): Promise<Stretched> {
  const { salt, kdf, checked } = guarded((bridge) => {
    const raw = what.kdf();
    return { salt: what.salt(), kdf: describeKdf(raw), checked: new bridge.Password(normal) };
  });
  try {
    if (kdf.id === "argon2id") return guarded(() => what.run(checked));
    const key = await crypto.subtle.importKey("raw", normal as BufferSource, "PBKDF2", false, ["deriveBits"]);
    const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: salt as BufferSource, iterations: kdf.iterations };
    const derived = new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
    return await wiping(derived, (derived) => guarded((bridge) => new bridge.Stretched(derived)));
  } finally {
    checked.free();
  }
}

/** The core's parameters as the service stores them; frees the core's. */
export function describeKdf(raw: RawKdf): Kdf {
  const [first = 0, t = 0, p = 0] = raw.parameters();
  raw.free();
  return t === 0 ? { id: "pbkdf2-sha256", iterations: first } : { id: "argon2id", m_kib: first, t, p };
}

/** Parameters for the core; the caller frees them. Nothing is the core's default. */
export function rawKdf(kdf: Kdf | undefined): RawKdf {
  return guarded(({ Kdf }) => {
    if (!kdf) return Kdf.standard();
    return kdf.id === "argon2id" ? Kdf.argon2id(kdf.m_kib, kdf.t, kdf.p) : Kdf.pbkdf2(kdf.iterations);
  });
}

/** Two fresh key pairs, as the core takes them. They are in the open as bytes for an instant, and wiped. */
export async function generateIdentity(modulusLength: RsaSize = 3072) {
  const size = { modulusLength, publicExponent: PUBLIC_EXPONENT };
  const [encryption, signing] = await Promise.all([
    exportNew({ ...OAEP, ...size }, ["encrypt", "decrypt"]),
    exportNew({ ...PSS, ...size }, ["sign", "verify"]),
  ]);
  return wiping(encryption, () => wiping(signing, () =>
    guarded((bridge) => bridge.Identity.from_pkcs8(encryption, signing))));
}

async function exportNew(algorithm: RsaHashedKeyGenParams, usages: KeyUsage[]): Promise<Uint8Array> {
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, usages) as CryptoKeyPair;
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
}

/** Called by the module with a view of its memory: WebCrypto copies the key out of it before this returns. */
export function importSigningKey(pkcs8: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", pkcs8 as BufferSource, PSS, false, ["sign"]);
}

/** As {@link importSigningKey}. */
export function importDecryptionKey(pkcs8: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", pkcs8 as BufferSource, OAEP, false, ["decrypt"]);
}

/** RSASSA-PSS-SHA-256 with a salt of 32 bytes. */
export async function sign(key: CryptoKey, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign({ name: "RSA-PSS", saltLength: 32 }, key, message as BufferSource));
}

/** RSAES-OAEP-SHA-256; empty if it does not decrypt, so that there is one error for everything, the core's. */
export async function decrypt(key: CryptoKey, ciphertext: Uint8Array, label: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: "RSA-OAEP", label: label as BufferSource };
  return crypto.subtle.decrypt(algorithm, key, ciphertext as BufferSource)
    .then((plain) => new Uint8Array(plain), () => new Uint8Array());
}
