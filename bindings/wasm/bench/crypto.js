// What is measured, in a page or in Node: this package beside the platform's own cryptography and beside @noble/ciphers.
// Each result has the medians of runs that take turns, in milliseconds. `tools` is what differs: the package, the account
// that `unlock` gives, noble's gcmsiv, and the platform's fastest base64url.

const COUNT = 5000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The median of rounds in which the contestants take turns; of a turn of several runs the shortest counts, so that nobody
 * pays for clearing away what another left behind. The first rounds warm up: engines compile once more what runs often.
 */
async function measure({ warmUp = 1, rounds, turn = 1 }, ...contestants) {
  const times = contestants.map(() => []);
  for (let round = -warmUp; round < rounds; round++) {
    for (const [at, contestant] of contestants.entries()) {
      const runs = [];
      for (let run = 0; run < turn; run++) {
        const start = performance.now();
        await contestant();
        runs.push(performance.now() - start);
      }
      if (round >= 0) times[at].push(Math.min(...runs));
    }
  }
  return times.map((each) => each.toSorted((a, b) => a - b)[rounds >> 1]);
}

/** The content of a token and its associated data, as the peers seal it (SPEC.md, "Tokens"). */
function padded(word) {
  const value = encoder.encode(word);
  const message = new Uint8Array(Math.ceil((value.length + 1) / 16) * 16);
  message.set(value);
  message[value.length] = 0x80;
  return message;
}
const unpadded = (message) => decoder.decode(message.subarray(0, message.lastIndexOf(0x80)));
const HEADER = Uint8Array.of(0x11, 1, 0, 1);
const ASSOCIATED = new Uint8Array(39);

/** Every contestant makes words of texts of the same length: a header, a padded value and a tag, in base64url. */
export async function reveal({ unlock, gcmsiv, toText, fromText }, length) {
  const owner = await unlock();
  const words = Array.from({ length: COUNT }, (_, at) => `window ${at} `.padEnd(length, "abcdefghij").slice(0, length));
  const tokens = words.map((word) => owner.tokenizeTyped("app", word));
  const [rawKey, nonce] = [crypto.getRandomValues(new Uint8Array(32)), new Uint8Array(12)];
  const gcm = { name: "AES-GCM", iv: nonce, additionalData: ASSOCIATED };
  const key = await crypto.subtle.importKey("raw", rawKey, gcm, false, ["encrypt", "decrypt"]);
  const asText = (sealed) => toText(Uint8Array.of(...HEADER, ...new Uint8Array(sealed)));
  const gcmTexts = await Promise.all(words.map(async (word) => asText(await crypto.subtle.encrypt(gcm, key, padded(word)))));
  const nobleTexts = words.map((word) => asText(gcmsiv(rawKey, nonce, ASSOCIATED).encrypt(padded(word))));
  const sealed = (text) => fromText(text).subarray(HEADER.length);
  const contestants = [
    () => owner.revealMany(tokens),
    () => Promise.all(gcmTexts.map(async (text) => unpadded(new Uint8Array(await crypto.subtle.decrypt(gcm, key, sealed(text)))))),
    () => nobleTexts.map((text) => unpadded(gcmsiv(rawKey, nonce, ASSOCIATED).decrypt(sealed(text)))),
  ];
  for (const contestant of contestants) {
    if ((await contestant()).some((word, at) => word !== words[at])) throw new Error("these are not the words");
  }
  const [ours, webCrypto, noble] = await measure({ warmUp: 3, rounds: 9, turn: 3 }, ...contestants);
  return { ours, webCrypto, noble };
}

export async function unlocking({ Login, Owner, PBKDF2 }) {
  const password = encoder.encode("correct horse battery staple");
  const { owner, change } = await Owner.create({ login: "anna", password, kdf: PBKDF2 });
  const { prelogin } = owner.info();
  const ours = async () => (await Login.start({ login: "anna", password, prelogin })).unlock(change.vault).free();
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: new Uint8Array(32), iterations: PBKDF2.iterations };
  const peer = async () => {
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    await crypto.subtle.deriveBits(algorithm, key, 256);
  };
  return measure({ rounds: 9 }, ours, peer);
}

export async function creation({ Owner }) {
  const rsa = { modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" };
  const ours = async () => (await Owner.create({ login: "anna", password: "correct horse" })).owner.free();
  // As Owner.create does it: both pairs side by side.
  const peer = () => Promise.all([
    crypto.subtle.generateKey({ name: "RSA-OAEP", ...rsa }, true, ["encrypt", "decrypt"]),
    crypto.subtle.generateKey({ name: "RSA-PSS", ...rsa }, true, ["sign", "verify"]),
  ]);
  // The time to find primes varies by chance: its median needs many runs.
  return measure({ rounds: 25 }, ours, peer);
}

/** An archive of 100 screenshots of 200 KB, every file checked, beside AES-GCM alone over the same chunks. */
export async function openingArchive({ archiveWriter, openArchive, gcm, unlock }) {
  const owner = await unlock();
  const writer = await archiveWriter(owner);
  for (let number = 0; number < 100; number++) {
    const content = new Uint8Array(200_000);
    for (let at = 0; at < content.length; at += 50_000) crypto.getRandomValues(content.subarray(at, at + 50_000));
    await writer.add(`screenshot/${number}.png`, { modified: 0, content });
  }
  const archive = new Uint8Array(await (await writer.finish()).arrayBuffer());
  const [rawKey, length] = [crypto.getRandomValues(new Uint8Array(32)), 16_384];
  const key = await crypto.subtle.importKey("raw", rawKey, "AES-GCM", false, ["encrypt", "decrypt"]);
  const nonce = (number) => {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(8, number);
    return iv;
  };
  const chunks = [];
  for (let at = 0; at < archive.length; at += length) {
    const chunk = archive.subarray(at, at + length);
    chunks.push(new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce(chunks.length) }, key, chunk)));
  }
  const ours = async () => {
    const opened = await openArchive(owner, archive);
    if (opened.files.length !== 100 || (await opened.damaged()).length > 0) throw new Error("these are not the files");
  };
  const webCrypto = async () => {
    for (let at = 0; at < chunks.length; at += 32) {
      await Promise.all(chunks.slice(at, at + 32).map((chunk, number) =>
        crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce(at + number) }, key, chunk)));
    }
  };
  const stream = async () => {
    let length = 0;
    for await (const piece of (await openArchive(owner, archive)).tar()) length += piece.length;
    if (length < 20_000_000) throw new Error("this is not the tar");
  };
  const hashed = async () => {
    const hashing = Array.from({ length: 100 }, (_, at) => crypto.subtle.digest("SHA-256", archive.subarray(at * 200_000, (at + 1) * 200_000)));
    await Promise.all([webCrypto(), ...hashing]);
  };
  const noble = () => chunks.forEach((chunk, number) => gcm(rawKey, nonce(number)).decrypt(chunk));
  const [checked, streamed, alone, both, peer] = await measure({ rounds: 5, turn: 2 }, ours, stream, webCrypto, hashed, noble);
  return { checked, streamed, alone, both, noble: peer };
}
