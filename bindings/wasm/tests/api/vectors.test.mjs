// The vectors of logins, through the package's own API: passwords normalised and stretched by the platform must open what
// the core wraps. Every other vector runs in the core itself, see tests/vectors.mjs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { asVault, Login } from "../../dist/node.js";
import "./account.mjs";

const { testGroups, numberOfTests } = JSON.parse(readFileSync(new URL("../../../../test-vectors/vault.json", import.meta.url)));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

function kdf([a, b, c]) {
  return b === undefined ? { id: "pbkdf2-sha256", iterations: a } : { id: "argon2id", m_kib: a, t: b, p: c };
}

async function outcome({ login, password, accountSecret, prelogin }, { vault, seen = 0 }) {
  try {
    const started = await Login.start({
      login, password, accountSecret: accountSecret ?? undefined,
      prelogin: { kdf: kdf(prelogin.params), salt: bytes(prelogin.salt), account: prelogin.accountId },
    });
    const proof = Buffer.from(started.proof()).toString("hex");
    const owner = started.unlock(asVault(bytes(vault)), BigInt(seen));
    const { generation } = owner.info();
    const recoveryProof = Buffer.from(owner.recoveryProof()).toString("hex");
    owner.free();
    return { generation: Number(generation), loginProof: proof, recoveryProof };
  } catch (error) {
    return error.code;
  }
}

test("every vector of a login does through this package what it says", async () => {
  let count = 0;
  for (const group of testGroups) {
    for (const { tcId, comment, result, expect, generation, loginProof, recoveryProof, ...vector } of group.tests) {
      const expected = result === "valid" ? { generation, loginProof, recoveryProof } : expect;
      assert.deepEqual(await outcome(group, vector), expected, `vault ${tcId}: ${comment}`);
      count++;
    }
  }
  assert.equal(count, numberOfTests);
});
