// Arguments as they really come: of the wrong type, out of range, too large. Each is refused with a code, and nothing of it
// stops the module or changes anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, asDeviceId, asToken, asVault, Backup, Login, normalLoginName, Owner } from "../../dist/node.js";
import { account, CHEAP, device, enrollment, LOGIN, PASSWORD, refused } from "./account.mjs";

const argument = (call) => refused("wasm.argument", call);

test("what is not text is refused wherever text is wanted", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  for (const wrong of [7, {}, null, undefined, ["a"], { length: 3_000_000_000 }]) {
    await argument(() => agent.tokenize("app", wrong));
    await argument(() => agent.tokenizeMany("app", [wrong]));
    await argument(() => owner.revealMany([wrong]));
    await argument(() => owner.tokenizeTyped("app", wrong));
    await argument(() => asToken(wrong));
    await argument(() => asDeviceId(wrong));
    await argument(() => normalLoginName(wrong));
    await argument(() => owner.redeliver(wrong));
    await argument(() => owner.retokenize(wrong));
    await argument(() => Backup.parse(wrong));
    await argument(() => Agent.enrollByCode(wrong));
    await argument(() => Agent.enroll(owner.issueTicket().text, wrong));
    if (!Array.isArray(wrong)) await argument(() => owner.revealMany(wrong));
  }
  assert.equal(owner.reveal(agent.tokenize("app", "still")), "still");
});

test("what a service answers to prelogin may be anything", async () => {
  const { owner } = await account();
  const { prelogin } = owner.info();
  const start = (hostile) => Login.start({ login: LOGIN, password: PASSWORD, prelogin: hostile });
  for (const hostile of [
    undefined, null, {}, { ...prelogin, account: 5 }, { ...prelogin, account: { length: 3_000_000_000 } },
    { ...prelogin, salt: { length: 3_000_000_000 } }, { ...prelogin, salt: "0123456789abcdef" }, { ...prelogin, kdf: null },
    { ...prelogin, kdf: { id: "scrypt" } }, { ...prelogin, kdf: { ...CHEAP, iterations: 2 ** 32 + 600_000 } },
    { ...prelogin, kdf: { ...CHEAP, iterations: "600000" } }, { ...prelogin, kdf: { ...CHEAP, iterations: -1 } },
  ]) await argument(() => start(hostile));
});

test("a key is 32 bytes, not a string or a list of 32", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  for (const wrong of ["deadbeefcafebabefeedfacedeadbeef", new Array(32).fill(1)]) {
    await argument(() => agent.saveWrapped(wrong));
    await argument(() => Agent.restore(agent.saveWrapped(new Uint8Array(32)), wrong));
  }
});

test("a time is a date: no other makes an expired ticket valid, or uses up the numbers", async () => {
  const { owner } = await account();
  const { request } = await enrollment(owner);
  for (const now of [Number.NaN, new Date("x"), null, Infinity, -1, "2020-01-01", 8.64e15 + 1]) {
    await argument(() => owner.inspect(request, { now }));
    await argument(() => owner.rotate({ now }));
    await argument(() => owner.issueTicket({ now }));
  }
  await refused("ticket.expired", () => owner.inspect(request, { now: Date.now() + 60 * 864e5 }));
  assert.equal(owner.info().generation, 1n);
});

test("numbers do not wrap around", async () => {
  const { owner, vault } = await account();
  const { agent } = await device(owner);
  for (const wrong of [257, 1.9, -1, Number.NaN, "1x"]) await argument(() => agent.tokenize(wrong, "x"));
  await argument(() => owner.issueTicket({ uses: 65_537 }));
  for (const wrong of [5, -1n, 2n ** 64n, null]) {
    await argument(() => agent.sealRecord("chat", "x", wrong));
    const login = await Login.start({ login: LOGIN, password: PASSWORD, prelogin: owner.info().prelogin });
    await argument(() => login.unlock(vault, wrong));
    // And the login is not spent by it.
    assert.equal(login.unlock(vault).info().generation, 1n);
  }
});

test("a restore that fails leaves the opened backup, and a policy is bytes", async () => {
  const { owner } = await account();
  const { backup, recoveryKey } = owner.backupWithRecoveryKey();
  const restored = await Backup.parse(backup).openWithRecoveryKey(recoveryKey);
  const restore = (options) => restored.restore({ login: LOGIN, password: "new", kdf: CHEAP, ...options });
  await argument(() => restore({ generation: 5 }));
  await argument(() => restore({ policy: "QlRQ" }));
  await refused("owner.full", () => restore({ generation: 2n ** 64n - 1n }));
  await refused("password.invalid", () => restore({ password: "" }));
  const { policy } = (await owner.rotate()).committed();
  const { owner: again } = await restore({ policy: policy.buffer.slice(policy.byteOffset, policy.byteOffset + policy.length) });
  assert.ok(again.info().policy.version > owner.info().policy.version);
});

test("a token with a line feed costs no more than any other", async () => {
  const { owner } = await account();
  const token = owner.tokenizeTyped("app", "x");
  const tokens = Array.from({ length: 40_000 }, (_, at) => at % 1000 ? token : `${token}\n${token}`);
  const results = owner.revealMany(tokens);
  assert.equal(results.length, tokens.length);
  assert.ok(results.every((result, at) => at % 1000 ? result === "x" : result.code === "malformed.encoding"));
});

test("what is larger than anything is refused by its own code", async () => {
  const { owner } = await account();
  const large = new Uint8Array(40_000_000);
  large.set([0x42, 0x54, 0x56, 0x41]);
  await refused("malformed.too-long", async () => asVault(large));
  await refused("malformed.too-long", () => asToken("bt1_".padEnd(40_000_000, "A")));
  assert.deepEqual(owner.revealMany(["bt1_".padEnd(40_000_000, "A")]).map(({ code }) => code), ["malformed.too-long"]);
  assert.equal(owner.tokenizeTyped("app", "x").length, 52);
});

test("bytes of a password keep a byte order mark, and must be UTF-8", async () => {
  const { owner } = await account({ password: "\uFEFFå" });
  const { prelogin } = owner.info();
  const login = (password) => Login.start({ login: LOGIN, password, prelogin });
  assert.deepEqual((await login(new TextEncoder().encode("\uFEFFå"))).proof(), owner.loginProof());
  await argument(() => login(Uint8Array.of(0xFF, 0xFE)));
});

test("leaving a using block frees an owner, and its signing key", async () => {
  const { owner } = await account();
  if (Symbol.dispose === undefined) return;
  owner[Symbol.dispose]();
  await refused("wasm.disposed", () => owner.info());
});

test("freeing an owner while it signs wipes what it was signing with", async () => {
  const { owner } = await account();
  const running = owner.rotate();
  owner.free();
  await refused("wasm.disposed", () => running);
});

test("without WebCrypto there is an error that says so, and the owner stays whole", async () => {
  const { owner } = await account();
  const { subtle } = crypto;
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  try {
    await refused("wasm.platform", () => owner.rotate());
    await refused("wasm.platform", () => Owner.create({ login: LOGIN, password: PASSWORD }));
  } finally {
    Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
  }
  assert.equal((await owner.rotate()).generation, 2n);
});

// SPEC.md#os-random: every value comes from the platform's generator, and where that fails nothing is made.
test("without the platform's randomness nothing is sealed or issued, and the owner stays whole", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  Object.defineProperty(crypto, "getRandomValues", { value: () => { throw new Error("no randomness"); }, configurable: true });
  try {
    await refused("entropy.unavailable", () => owner.issueTicket());
    await refused("entropy.unavailable", () => owner.rotate());
    await refused("entropy.unavailable", () => owner.backupWithRecoveryKey());
    await refused("entropy.unavailable", () => agent.sealRecord("chat", "secret", 1n));
  } finally {
    delete crypto.getRandomValues;
  }
  assert.equal((await owner.rotate()).generation, 3n);
});
