/** What the platform does better: PBKDF2, and everything with RSA private keys (W3C Web Cryptography API). */
import type { Kdf as RawKdf, Stretch as RawStretch, Stretched } from "./bridge.js";
import type { Kdf } from "./generated.js";
import { integer, refuse, tag } from "./check.js";
import { BlindtallyError, type WasmErrorCode } from "./error.js";
import { guarded, release, releasing } from "./init.js";
import { nfkc, type Typed, wiping } from "./text.js";

/** Bits of the RSA keys of an account or a device. */
export type RsaSize = 2048 | 3072 | 4096;

const OAEP = { name: "RSA-OAEP", hash: "SHA-256" };
const PSS = { name: "RSA-PSS", hash: "SHA-256" };
const AES_GCM = "AES-GCM";
const PUBLIC_EXPONENT = Uint8Array.of(1, 0, 1);

/**
 * Stretches a password as the core asks: PBKDF2 by the platform, Argon2id in the module, which blocks this thread for
 * as long as it takes.
 */
export function stretch(what: RawStretch, password: Typed): Promise<Stretched> {
  return releasing([what], () => wiping(nfkc(password), (normal) => stretchNormal(what, normal)));
}

async function stretchNormal(what: RawStretch, normal: Uint8Array): Promise<Stretched> {
  const { salt, kdf, checked } = guarded((bridge) => {
    const raw = what.kdf();
    return { salt: what.salt(), kdf: describeKdf(raw), checked: new bridge.Password(normal) };
  });
  try {
    if (kdf.id === "argon2id") return guarded(() => what.run(checked));
    const key = await subtle().importKey("raw", normal as BufferSource, "PBKDF2", false, ["deriveBits"]);
    const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: salt as BufferSource, iterations: kdf.iterations };
    const derived = new Uint8Array(await subtle().deriveBits(algorithm, key, 256));
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

/** Does something with the parameters in the module, for as long as that takes. */
export function withKdf<T>(kdf: Kdf, use: (raw: RawKdf) => T): T {
  const raw = rawKdf(kdf);
  try {
    return use(raw);
  } finally {
    release(raw);
  }
}

function rawKdf(kdf: Kdf): RawKdf {
  const number = (value: unknown) => integer(value, "a parameter of a KDF", 2 ** 32 - 1);
  switch (kdf?.id) {
    case "pbkdf2-sha256": return guarded(({ Kdf }) => Kdf.pbkdf2(number(kdf.iterations)));
    case "argon2id": return guarded(({ Kdf }) => Kdf.argon2id(number(kdf.m_kib), number(kdf.t), number(kdf.p)));
    default: return refuse("this is no KDF");
  }
}

export function subtle(): SubtleCrypto {
  const { subtle } = crypto as Partial<Crypto>;
  if (!subtle) throw new BlindtallyError("wasm.platform" satisfies WasmErrorCode, "there is no WebCrypto: load the page over https");
  return subtle;
}

/** Two fresh key pairs, as the core takes them. They are in the open as bytes for an instant, and wiped. */
export async function generateIdentity(modulusLength: RsaSize = 3072) {
  if (![2048, 3072, 4096].includes(modulusLength)) refuse("RSA keys have 2048, 3072 or 4096 bits");
  const size = { modulusLength, publicExponent: PUBLIC_EXPONENT };
  const [encryption, signing] = await Promise.all([
    exportNew({ ...OAEP, ...size }, ["encrypt", "decrypt"]),
    exportNew({ ...PSS, ...size }, ["sign", "verify"]),
  ]);
  return wiping(encryption, () => wiping(signing, () =>
    guarded((bridge) => bridge.Identity.from_pkcs8(encryption, signing))));
}

async function exportNew(algorithm: RsaHashedKeyGenParams, usages: KeyUsage[]): Promise<Uint8Array> {
  const { privateKey } = await subtle().generateKey(algorithm, true, usages) as CryptoKeyPair;
  return new Uint8Array(await subtle().exportKey("pkcs8", privateKey));
}

/**
 * Called by the module with a view of its memory: WebCrypto copies the key out of it before this returns. Never throws,
 * since nothing may be thrown through the module: it rejects.
 */
export async function importSigningKey(pkcs8: Uint8Array): Promise<CryptoKey> {
  return subtle().importKey("pkcs8", pkcs8 as BufferSource, PSS, false, ["sign"]);
}

/** As {@link importSigningKey}. */
export async function importDecryptionKey(pkcs8: Uint8Array): Promise<CryptoKey> {
  return subtle().importKey("pkcs8", pkcs8 as BufferSource, OAEP, false, ["decrypt"]);
}

/** Called by the module with a view of its memory, as {@link importSigningKey}: a key for HKDF-Expand with SHA-512. */
export async function importInputKey(key: Uint8Array): Promise<CryptoKey> {
  return subtle().importKey("raw", key as BufferSource, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
}

/** RSASSA-PSS-SHA-256 with a salt of 32 bytes. */
export async function sign(key: CryptoKey, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtle().sign({ name: "RSA-PSS", saltLength: 32 }, key, message as BufferSource));
}

/**
 * The two sides of a fresh AES-256-GCM key: one can only seal, the other only open, and neither can be exported. The key is
 * in the open as bytes for an instant, and wiped.
 */
export function generateSealingKey(): Promise<[seal: CryptoKey, open: CryptoKey]> {
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  return wiping(crypto.getRandomValues(new Uint8Array(32)), (raw) =>
    Promise.all(usages.map((usage) => subtle().importKey("raw", raw as BufferSource, AES_GCM, false, [usage]))) as
      Promise<[CryptoKey, CryptoKey]>);
}

/** Called by the module with a view of its memory, as {@link importSigningKey}. */
export async function seal(key: CryptoKey, iv: Uint8Array<ArrayBuffer>, plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtle().encrypt({ name: AES_GCM, iv }, key, plain as BufferSource));
}

/** What {@link seal} sealed, for the caller to wipe; nothing if it was not sealed so, or the key could do more than open. */
export async function unseal(key: CryptoKey, iv: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  if (tag(key) !== "CryptoKey") refuse("the key must be a CryptoKey");
  const { algorithm, extractable, usages } = key;
  if (extractable || (algorithm as AesKeyAlgorithm).length !== 256 || String(usages) !== "decrypt") return undefined;
  return subtle().decrypt({ name: AES_GCM, iv: iv as BufferSource }, key, sealed as BufferSource)
    .then((plain) => new Uint8Array(plain), () => undefined);
}

/** What something in the module is to be signed with by its own key. */
export async function signItself(unsigned: Unsigned): Promise<Uint8Array> {
  return sign(await guarded(() => unsigned.signing_key()), unsigned.message());
}

interface Unsigned {
  signing_key(): Promise<CryptoKey>;
  message(): Uint8Array;
}

/** RSAES-OAEP-SHA-256; empty if it does not decrypt, so that there is one error for everything, the core's. */
export async function decrypt(key: CryptoKey, ciphertext: Uint8Array, label: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: "RSA-OAEP", label: label as BufferSource };
  return subtle().decrypt(algorithm, key, ciphertext as BufferSource)
    .then((plain) => new Uint8Array(plain), () => new Uint8Array());
}
