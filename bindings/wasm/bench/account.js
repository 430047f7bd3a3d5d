// The account of test-vectors/keyring.json, unlocked: the same tokens wherever it is measured.

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (digits) => Number.parseInt(digits, 16));

export async function unlock({ asVault, Login }, { testGroups }) {
  const [{ login, password, prelogin }, { vault }] = testGroups
    .flatMap((group) => group.tests.map((test) => [group, test])).find(([, test]) => test.reveals);
  const [m_kib, t, p] = prelogin.params;
  const kdf = { id: "argon2id", m_kib, t, p };
  const started = await Login.start({
    login, password, prelogin: { kdf, salt: bytes(prelogin.salt), account: prelogin.accountId },
  });
  return started.unlock(asVault(bytes(vault)));
}
