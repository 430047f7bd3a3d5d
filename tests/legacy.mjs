// The older deployment as a browser would have played it: prints random instances as one JSON object, by WebCrypto.
// Bytes are in hexadecimal, but for tokens, which are base64.

const { subtle } = globalThis.crypto;
const random = (length) => crypto.getRandomValues(new Uint8Array(length));
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const aes = (key, usages) => subtle.importKey("raw", key, "AES-CBC", true, usages);

/** A value of `length` bytes of UTF-8. */
function value(length) {
  let text = "";
  for (let left = length; left > 0; ) {
    const letters = ["x", "ü", "€", "🂡"].slice(0, Math.min(left, 4));
    const letter = letters[random(1)[0] % letters.length];
    text += letter;
    left -= Buffer.byteLength(letter);
  }
  return text;
}

async function delivery(modulusLength, hash) {
  const algorithm = { name: "RSA-OAEP", modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash };
  const pair = await subtle.generateKey(algorithm, true, ["wrapKey", "unwrapKey"]);
  const key = random(32);
  const delivery = await subtle.wrapKey("raw", await aes(key, ["encrypt"]), pair.publicKey, { name: "RSA-OAEP" });
  return { hash, pkcs8: hex(await subtle.exportKey("pkcs8", pair.privateKey)), key: hex(key), delivery: hex(delivery) };
}

async function token(length) {
  const [key, iv, text] = [random(32), random(16), value(length)];
  const sealed = await subtle.encrypt({ name: "AES-CBC", iv }, await aes(key, ["encrypt"]), Buffer.from(text));
  return { key: hex(key), iv: hex(iv), value: text, token: Buffer.from(sealed).toString("base64") };
}

async function wrapping(hash) {
  const [key, iv, salt, password] = [random(32), random(16), random(8 + (random(1)[0] % 25)), value(12)];
  const iterations = 1 + (random(1)[0] << 4);
  const base = await subtle.importKey("raw", Buffer.from(password), "PBKDF2", false, ["deriveKey"]);
  const kdf = { name: "PBKDF2", hash, salt, iterations };
  const under = await subtle.deriveKey(kdf, base, { name: "AES-CBC", length: 256 }, false, ["wrapKey"]);
  const wrapped = await subtle.wrapKey("raw", await aes(key, ["encrypt"]), under, { name: "AES-CBC", iv });
  return { hash, password, salt: hex(salt), iterations, iv: hex(iv), key: hex(key), wrapped: hex(wrapped) };
}

const hashes = ["SHA-1", "SHA-256"];
const sizes = [2048, 3072, 4096];
const deliveries = await Promise.all(hashes.flatMap((hash) => sizes.map((size) => delivery(size, hash))));
const tokens = await Promise.all(Array.from({ length: 201 }, (_, length) => token(length)));
const wrappings = await Promise.all([...hashes, ...hashes, ...hashes].map(wrapping));
console.log(JSON.stringify({ deliveries, tokens, wrappings }));
