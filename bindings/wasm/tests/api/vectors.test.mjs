// The vectors of what is done in TypeScript: passwords normalised and stretched by the platform must open what the core
// wraps; blobs and archives; the headers of records. Every other vector runs in the core itself, see tests/vectors.mjs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RECORD_CLASSES } from "../../dist/generated.js";
import { asVault, Login } from "../../dist/node.js";
import { openAll } from "../../dist/record.js";
import { account } from "./account.mjs";
import { check, FILES } from "./blob-vectors.mjs";

const load = (name) => JSON.parse(readFileSync(new URL(`../../../../test-vectors/${name}.json`, import.meta.url)));
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
  const { testGroups, numberOfTests } = load("vault");
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

for (const name of FILES) test(`every vector of ${name} does through this package what it says`, () => check(name, load(name)));

test("every vector of a record that is malformed is refused by its code, in one batch, and the headers of others are read", async () => {
  const { owner } = await account();
  const records = ["record", "record_refused"].flatMap((name) => load(name).testGroups.flatMap(({ tests }) => tests));
  const text = ({ record, followed = 0 }) => record + "A".repeat(followed);
  const codes = owner.openRecords(records.map(text)).map(({ code }) => code);
  records.forEach(({ comment, expect }, at) => {
    // This owner has no key of theirs: what is well-formed gets as far as that.
    const expected = expect?.startsWith("malformed.") ? [expect] : ["record.no-key", "record.tampered"];
    assert.ok(expected.includes(codes[at]), `${comment}: ${codes[at]}`);
  });
  const valid = records.filter(({ result }) => result === "valid");
  const values = valid.map(({ value }) => Buffer.from(value, "hex").toString());
  const opened = openAll(valid.map(text), (_, lengths) => {
    values.forEach(({ length }, at) => { lengths[at] = length; });
    return values.join("");
  });
  opened.forEach(({ value, class: recordClass, device, seq }, at) => {
    const expected = valid[at];
    assert.equal(value, values[at]);
    assert.deepEqual(
      [RECORD_CLASSES[recordClass] ?? recordClass, device, seq], [expected.class, expected.deviceId, BigInt(expected.seq)],
    );
  });
});
