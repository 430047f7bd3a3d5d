// What every environment must be able to do; returns what the test compares. vector.js is of test-vectors/keyring.json.
import vector from "./vector.js";

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (digits) => Number.parseInt(digits, 16));

export async function use({ init, Login, asToken, asVault }) {
  const refusal = (call) => { try { call(); } catch ({ code }) { return code; } };

  const beforeInit = refusal(() => asToken(vector.tokens[0]));
  await Promise.all([init(), init()]);
  await init();

  const { login, password, prelogin: { params: [m_kib, t, p], salt, accountId } } = vector;
  const prelogin = { kdf: { id: "argon2id", m_kib, t, p }, salt: bytes(salt), account: accountId };
  const started = await Login.start({ login, password, prelogin });
  const owner = started.unlock(asVault(bytes(vector.vault)));
  const words = owner.revealMany(vector.tokens);
  const retokenized = owner.reveal(owner.tokenizeTyped("app", words[0])) === words[0];
  // Signed by WebCrypto.
  await owner.setCanonicalForm("title", "ascii-lowercase");
  const form = owner.info().policy.classes.get(2);
  owner.free();
  return { beforeInit, words, retokenized, form, afterFree: refusal(() => owner.info()) };
}
