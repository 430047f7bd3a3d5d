// What every environment must be able to do; returns what the test compares. vector.js is of test-vectors/keyring.json and,
// for a blob, of archive_damaged.json.
import vector from "./vector.js";

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (digits) => Number.parseInt(digits, 16));

const { login, password, prelogin: { params: [m_kib, t, p], salt, accountId } } = vector;
const prelogin = { kdf: { id: "argon2id", m_kib, t, p }, salt: bytes(salt), account: accountId };

export async function use({ init, Backup, Login, asToken, asVault, openArchive, openBlob }) {
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
  const blob = await openOne(await Backup.parse(vector.backup).openWithRecoveryKey(vector.recoveryKey), { openArchive, openBlob });
  return { beforeInit, words, retokenized, form, blob, afterFree: refusal(() => owner.info()) };
}

/** A blob, and as the archive that it is the first file in it. */
async function openOne(opener, { openArchive, openBlob }) {
  const sealed = new Blob([bytes(vector.archive)]);
  const { header } = await openBlob(opener, sealed.stream());
  const archive = await openArchive(opener, sealed);
  const { length } = await archive.file(0).bytes();
  return { class: header.class, listing: archive.listing, path: archive.files[0].path, length };
}

/** The owner whose keys are in a worker of the package's own. */
export async function useOwners(owners, { asVault, ...blobs }) {
  const started = await owners.login({ login, password, prelogin });
  const owner = await started.unlock(asVault(bytes(vector.vault)));
  const words = await owner.revealMany(vector.tokens);
  await owner.setCanonicalForm("title", "ascii-lowercase");
  const form = (await owner.info()).policy.classes.get(2);
  const backup = await owners.openBackup(vector.backup);
  const blob = await openOne(await backup.openWithRecoveryKey(vector.recoveryKey), blobs);
  owners.stop();
  return { words, form, blob };
}
