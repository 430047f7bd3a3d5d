// The whole public API before init, and its objects after free: typed errors, whatever is called.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fresh } from "./fresh.mjs";

const vectors = (name) =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../../../test-vectors/${name}.json`))).testGroups;
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

const [group, account] = vectors("keyring").flatMap((group) => group.tests.map((test) => [group, test]))
  .find(([, { result }]) => result === "valid");
const { login, password, prelogin: { params: [m_kib, t, p], salt, accountId } } = group;
const LOGIN = { login, password, prelogin: { kdf: { id: "argon2id", m_kib, t, p }, salt: bytes(salt), account: accountId } };
const ticket = new TextEncoder().encode(vectors("ticket")[0].tests[0].text);
const state = (phase) => bytes(vectors("agent_state").flatMap(({ tests }) => tests)
  .find((test) => test.phase === phase && !test.wrapKey).state);
const backup = vectors("backup").find(({ tests }) => tests[0].result === "valid");

/** A call of everything that is not a method of an object. */
const STARTS = {
  asToken: ({ asToken }) => asToken("bt1_"),
  asRecord: ({ asRecord }) => asRecord("br1_"),
  asVault: ({ asVault }) => asVault(new Uint8Array(4)),
  asEnrollmentRequest: ({ asEnrollmentRequest }) => asEnrollmentRequest(new Uint8Array(4)),
  asDelivery: ({ asDelivery }) => asDelivery(new Uint8Array(4)),
  asSignedPolicy: ({ asSignedPolicy }) => asSignedPolicy(new Uint8Array(4)),
  asDeviceId: ({ asDeviceId }) => asDeviceId(""),
  asTicketId: ({ asTicketId }) => asTicketId(""),
  asAccountId: ({ asAccountId }) => asAccountId(""),
  generateAccountSecret: ({ generateAccountSecret }) => generateAccountSecret(),
  "Login.start": ({ Login }) => Login.start(LOGIN),
  "Owner.create": ({ Owner }) => Owner.create({ login, password }),
  "Agent.enroll": ({ Agent }) => Agent.enroll(ticket, "name"),
  "Agent.enrollByCode": ({ Agent }) => Agent.enrollByCode("code"),
  "Agent.restore": ({ Agent }) => Agent.restore(state("encrypted")),
  "Backup.parse": ({ Backup }) => Backup.parse("text"),
};

/** What a call throws, or its promise rejects with. */
const refusal = async (call) => {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
};

test("every call before init says that init comes first", async () => {
  const blindtally = await fresh();
  for (const [name, call] of Object.entries(STARTS)) {
    const error = await refusal(() => call(blindtally));
    assert.equal(error?.code, "wasm.not-initialised", `${name}: ${error}`);
  }
  const isCovered = (name) => name in STARTS || Object.keys(STARTS).some((call) => call.startsWith(`${name}.`));
  const functions = Object.keys(blindtally).filter((name) => typeof blindtally[name] === "function" && !isCovered(name));
  assert.deepEqual(functions.sort(), [
    "BlindtallyError", "BlindtallyPanic", "Change", "Handle", "PendingAgent", "Restored", "guarded", "init", "initSync",
    // Makes no use of the module.
    "normalLoginName",
  ]);
});

/** Of every type that a method takes. */
const ARGUMENTS = [
  [], ["text", "text", "text"], ["app", "x", 1n], ["chat", "x", 1n], ["app", ["x"]], [["x"]], ["app", "exact"],
  [new Uint8Array(32)], [new Uint8Array(32), 0n], [{ request: new Uint8Array(4), login, password }, "code", "name"],
];

test("every method of an object that was freed says so", async () => {
  const blindtally = await fresh();
  await blindtally.init();
  const { Agent, Backup, Handle, Login, asVault } = blindtally;
  const owner = (await Login.start(LOGIN)).unlock(asVault(bytes(account.vault)));
  const file = backup.tests[0].file;
  const restored = await (backup.passphrase
    ? Backup.parse(file).openWithPassphrase(backup.passphrase) : Backup.parse(file).openWithRecoveryKey(backup.recoveryKey));
  const objects = [
    owner, await Login.start(LOGIN), Backup.parse(file), restored, Agent.restore(state("encrypted")), Agent.restore(state("pending")),
  ];
  const types = new Set(objects.map(({ constructor }) => constructor));
  const all = Object.values(blindtally).filter((type) => type?.prototype instanceof Handle);
  assert.deepEqual(all.filter((type) => !types.has(type)), [], "a class has no object here");

  for (const object of objects) {
    object.free();
    object[Symbol.dispose]();
    for (const name of Object.getOwnPropertyNames(object.constructor.prototype)) {
      if (["constructor", "free", "complete"].includes(name)) continue;
      const codes = new Set();
      for (const args of ARGUMENTS) codes.add((await refusal(() => object[name](...args)))?.code);
      // Arguments of the wrong type may be refused first; those of the right one are among these.
      codes.delete("wasm.argument");
      assert.deepEqual([...codes], ["wasm.disposed"], `${object.constructor.name}.${name}`);
    }
  }
});
