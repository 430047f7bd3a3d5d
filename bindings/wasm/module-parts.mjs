// What a WebAssembly module consists of: bytes of code by the crate that a function's name begins with.

/** Features of ours, and the crates that are there for them alone. */
const FEATURES = [
  ["accounts, devices, messages, formats", /^blindtally$/],
  ["RSA with public keys", /^(rsa|crypto_bigint|ctutils|cmov|crypto_primes)$/],
  ["AES-256-GCM-SIV, POLYVAL", /^(aes|aes_gcm_siv|polyval|cipher|ctr|universal_hash|aead)$/],
  ["Argon2id", /^(argon2|blake2)$/],
  ["SHA-256, HMAC, HKDF", /^(sha2|hmac|hkdf|digest|block_buffer|pbkdf2)$/],
  ["base64url", /^(base64_simd|vsimd)$/],
  ["the border to JavaScript", /^(blindtally_wasm|wasm_bindgen|js_sys|web_sys)$/],
];
const REST = "Rust's standard library, memory, the rest";

/** Pairs of a feature and its bytes, the largest first. The module must still have its names. */
export function parts(module) {
  const { sizes, names, imports } = read(module);
  const sums = new Map();
  sizes.forEach((size, at) => {
    const crate = /([a-z0-9_]+)\[[0-9a-f]{16}\]/.exec(names.get(imports + at) ?? "")?.[1] ?? "";
    const [feature] = FEATURES.find(([, crates]) => crates.test(crate)) ?? [REST];
    sums.set(feature, (sums.get(feature) ?? 0) + size);
  });
  return [...sums].sort(([, a], [, b]) => b - a);
}

/** Sizes of the functions, their names, and how many more are imported (WebAssembly Core 1.0 §5.5). */
function read(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  const text = () => {
    const length = number();
    return new TextDecoder().decode(bytes.subarray(at, at += length));
  };
  const found = { sizes: [], names: new Map(), imports: 0 };
  while (at < bytes.length) {
    const [id, length] = [bytes[at++], number()];
    const end = at + length;
    if (id === 2) {
      for (let left = number(); left > 0; left--) {
        text();
        text();
        const kind = bytes[at++];
        if (kind !== 0) throw new Error("this module imports more than functions");
        number();
        found.imports++;
      }
    } else if (id === 10) {
      for (let left = number(); left > 0; left--) {
        const size = number();
        found.sizes.push(size);
        at += size;
      }
    } else if (id === 0 && text() === "name") {
      while (at < end) {
        const [kind, size] = [bytes[at++], number()];
        const next = at + size;
        if (kind === 1) for (let left = number(); left > 0; left--) found.names.set(number(), text());
        at = next;
      }
    }
    at = end;
  }
  return found;
}
