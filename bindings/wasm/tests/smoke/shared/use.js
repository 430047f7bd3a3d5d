// What every environment must be able to do; returns what the test compares. vector.js is of test-vectors/keyring.json.
import vector from "./vector.js";

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (digits) => Number.parseInt(digits, 16));

const { login, password, prelogin: { params: [m_kib, t, p], salt, accountId } } = vector;
const prelogin = { kdf: { id: "argon2id", m_kib, t, p }, salt: bytes(salt), account: accountId };

export async function use({ init, Login, asToken, asVault }) {
  const refusal = (call) => { try { call(); } catch ({ code }) { return code; } };

  const beforeInit = refusal(() => asToken(vector.tokens[0]));
  await Promise.all([init(), init()]);
  await init();

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

/** The owner whose keys are in a worker of the package's own. */
export async function useOwners(owners, { asVault }) {
  const started = await owners.login({ login, password, prelogin });
  const owner = await started.unlock(asVault(bytes(vector.vault)));
  const words = await owner.revealMany(vector.tokens);
  await owner.setCanonicalForm("title", "ascii-lowercase");
  const form = (await owner.info()).policy.classes.get(2);
  owners.stop();
  return { words, form };
}
