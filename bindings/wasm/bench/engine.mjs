// The figures that every engine gives, in Node and in browsers alike: tokens, unlocking and creating, beside peers.
import { gcmsiv } from "@noble/ciphers/aes.js";

const TOKENS = 5000;
const LENGTHS = [11, 45, 93];
/** How many times as long each peer should take, by length. */
const GOALS = { WebCrypto: [12, 7, 4], noble: [35, 17, 11] };
const ROUNDS = 9;
const SLOW_ROUNDS = 7;
const LOGIN = { login: "anna@example.com", password: "correct horse" };
const RSA = { modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1), name: "RSA-OAEP", hash: "SHA-256" };

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const sum = (values) => values.reduce((total, value) => total + value, 0);

async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Runs ours and the peers in turn, so that a noisy machine slows all alike. The first round is thrown away. */
async function race(rounds, ...runs) {
  const times = runs.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, run] of runs.entries()) {
      const time = await timed(run);
      if (round > 0) times[at].push(time);
    }
  }
  return times;
}

const fromBase64 = globalThis.Buffer ? (text) => Buffer.from(text, "base64url")
  : Uint8Array.fromBase64 ? (text) => Uint8Array.fromBase64(text, { alphabet: "base64url" })
  : (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** The same values as text that the peers open: nonce, ciphertext and tag in base64url. */
async function sealed(values, seal) {
  return Promise.all(values.map(async (value, index) => {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(0, index);
    return toBase64([...nonce, ...new Uint8Array(await seal(nonce, new TextEncoder().encode(value)))]);
  }));
}

async function revealing({ account, name, wants }) {
  const figures = [];
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const decoder = new TextDecoder();
  for (const [at, length] of LENGTHS.entries()) {
    const figure = (peer) => `${name}: revealMany, ${length} bytes / ${peer}`;
    if (!wants(figure("WebCrypto")) && !wants(figure("noble"))) continue;
    const { owner } = await account();
    const values = Array.from({ length: TOKENS }, (_, index) => String(index).padEnd(length, "a window title "));
    const tokens = values.map((value) => owner.tokenizeTyped("title", value));
    const ofWebCrypto = await sealed(values, (iv, value) => crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, value));
    const ofNoble = await sealed(values, (nonce, value) => gcmsiv(raw, nonce).encrypt(value));
    const open = {
      ours: () => owner.revealMany(tokens),
      WebCrypto: () => Promise.all(ofWebCrypto.map(async (text) => {
        const bytes = fromBase64(text);
        const iv = bytes.subarray(0, 12);
        return decoder.decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.subarray(12)));
      })),
      noble: () => ofNoble.map((text) => {
        const bytes = fromBase64(text);
        return decoder.decode(gcmsiv(raw, bytes.subarray(0, 12)).decrypt(bytes.subarray(12)));
      }),
    };
    for (const [who, run] of Object.entries(open)) {
      if (String(await run()) !== String(values)) throw new Error(`${who} opens something else`);
    }
    const [ours, ...peers] = await race(ROUNDS, open.ours, open.WebCrypto, open.noble);
    for (const [index, peer] of ["WebCrypto", "noble"].entries()) {
      const ratio = median(peers[index].map((time, round) => time / ours[round]));
      const perToken = (times) => median(times) * 1e6 / TOKENS;
      const goal = GOALS[peer][at];
      figures.push({
        figure: `${figure(peer)} (ns)`, ours: perToken(ours), peer: perToken(peers[index]), ratio, goal, holds: ratio >= goal,
      });
    }
  }
  return figures;
}

async function unlocking({ blindtally: { Login }, account, name, wants }) {
  const figure = `${name}: unlock / PBKDF2 of WebCrypto alone (ms)`;
  if (!wants(figure)) return [];
  const { prelogin, vault } = await account();
  const { salt, kdf: { iterations } } = prelogin;
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(LOGIN.password), "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  const [ours, peer] = await race(SLOW_ROUNDS, async () => {
    const login = await Login.start({ ...LOGIN, prelogin });
    login.proof();
    login.unlock(vault).free();
  }, () => crypto.subtle.deriveBits(algorithm, key, 256));
  const ratio = median(ours.map((time, round) => time / peer[round]));
  return [{ figure, ours: median(ours), peer: median(peer), ratio, goal: "at most 1.2x", holds: ratio <= 1.2 }];
}

/** How long one generation takes is a matter of luck: all rounds together are compared. */
async function creating({ blindtally: { init, Owner }, name, wants }) {
  const figure = `${name}: create an account / RSA generation of WebCrypto alone (ms)`;
  if (!wants(figure)) return [];
  await init();
  const generate = () => crypto.subtle.generateKey(RSA, true, ["encrypt", "decrypt"]);
  const [ours, peer] = await race(
    2 * SLOW_ROUNDS,
    async () => (await Owner.create(LOGIN)).owner.free(),
    () => Promise.all([generate(), generate()]),
  );
  const ratio = sum(ours) / sum(peer);
  const mean = (times) => sum(times) / times.length;
  return [{ figure, ours: mean(ours), peer: mean(peer), ratio, goal: "at most 1.5x", holds: ratio <= 1.5 }];
}

/** Runs those whose name contains `only`. */
export async function run(blindtally, name, only) {
  let made;
  const make = async () => {
    await blindtally.init();
    const { owner, change } = await blindtally.Owner.create(LOGIN);
    return { owner, prelogin: owner.info().prelogin, vault: change.vault };
  };
  const given = { blindtally, account: () => made ??= make(), name, wants: (figure) => figure.includes(only) };
  return [...await revealing(given), ...await unlocking(given), ...await creating(given)];
}
