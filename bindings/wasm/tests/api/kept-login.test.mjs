// Staying unlocked: what an owner keeps opens the account again without the password, until that changes; and nothing that
// was edited, damaged or put together opens anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { generateAccountSecret, Login } from "../../dist/node.js";
import { account, CHEAP, flipped, LOGIN, refused } from "./account.mjs";

const { subtle } = crypto;
const keyOf = (algorithm, extractable, usages, length = 256) => subtle.generateKey({ name: algorithm, length }, extractable, usages);

/** As if the person had it in IndexedDB over a reload. */
async function kept(owner) {
  return structuredClone(await owner.keepUnlocked());
}

test("what an owner kept opens the account without the password", async () => {
  const { owner, vault } = await account();
  const token = owner.tokenizeTyped("title", "Budget");
  const login = await Login.resume(await kept(owner));
  assert.deepEqual(login.proof(), owner.loginProof());
  const again = login.unlock(vault, owner.info().generation);
  assert.equal(again.reveal(token), "Budget");
  assert.deepEqual(again.info(), owner.info());
  // It signs, and can be kept in its turn.
  assert.equal((await again.rotate()).generation, 2n);
  assert.ok(await Login.resume(await kept(again)));
});

test("it is a plain object whose key can only open, and cannot be exported", async () => {
  const { owner } = await account();
  const [one, two] = [await kept(owner), await kept(owner)];
  assert.deepEqual(Object.keys(one), ["version", "login", "prelogin", "key", "iv", "sealed"]);
  assert.equal(Object.getPrototypeOf(one), Object.prototype);
  assert.deepEqual([one.version, one.login, one.prelogin], [1, LOGIN, owner.info().prelogin]);
  const { type, extractable, algorithm, usages } = one.key;
  assert.deepEqual([type, extractable, { ...algorithm }, [...usages]], ["secret", false, { name: "AES-GCM", length: 256 }, ["decrypt"]]);
  await assert.rejects(subtle.exportKey("raw", one.key));
  assert.deepEqual([one.iv.length, one.sealed.length], [12, 4 + 2 + 16 + 5 + 16 + 16 + 96 + 1 + 4 + 16]);
  // A fresh key and nonce each time.
  assert.notDeepEqual(two.iv, one.iv);
  await refused("unlock.kept-login", () => Login.resume({ ...two, key: one.key }));
});

// SPEC.md#kept-login-sealed
test("what is sealed is a kept login as SPEC.md has it, in the clear nowhere else", async () => {
  const accountSecret = generateAccountSecret();
  const { owner } = await account({ accountSecret });
  const mine = await kept(owner);
  const { key, iv, sealed } = mine;
  const plain = Buffer.from(await subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
  assert.equal(plain.subarray(0, 6).toString("hex"), "42544c810010");
  assert.equal(plain.subarray(6, 22).toString(), LOGIN);
  assert.deepEqual(plain.subarray(59, 91), Buffer.from(owner.loginProof()));
  assert.deepEqual([plain.length, plain[155]], [176, 1]);
  // Of its login, wrap and commit keys and of the account secret the module holds the owner's and the login's, and no copy
  // of the artefact; and when those are freed, nothing but the commitment, which is in the vault for all to see.
  const { default: load } = await import("../../dist/bridge.js");
  const bridge = await load();
  const found = (from, to) => Buffer.from(bridge.memory.buffer).includes(plain.subarray(from, to));
  const login = await Login.resume(mine);
  assert.ok(found(91, 123));
  for (const [from, to] of [[75, 107], [107, 139], [140, 172]]) assert.ok(!found(from, to));
  login.free();
  owner.free();
  for (const [from, to] of [[59, 91], [91, 123], [156, 172]]) assert.ok(!found(from, to));
});

test("a new password makes it useless", async () => {
  const { owner, vault } = await account();
  const old = await kept(owner);
  const { newProof, prelogin, change } = await owner.changePassword("staple", { kdf: CHEAP });
  const login = await Login.resume(old);
  assert.notDeepEqual(login.proof(), newProof);
  await refused("unlock.header", () => login.unlock(change.vault));
  await refused("unlock.kept-login", () => Login.resume({ ...old, prelogin }));
  // What is kept after the change is of the new password, even if it was asked for during it.
  const [, fresh] = await Promise.all([owner.changePassword("horse", { kdf: CHEAP }), owner.keepUnlocked()]);
  assert.deepEqual((await Login.resume(fresh)).proof(), owner.loginProof());
  // As SECURITY.md says: who kept the old vault opens that.
  assert.ok((await Login.resume(old)).unlock(vault));
});

test("the account secret comes along, for the next password", async () => {
  const accountSecret = generateAccountSecret();
  const { owner, vault } = await account({ accountSecret });
  const again = (await Login.resume(await kept(owner))).unlock(vault);
  const { prelogin, change } = await again.changePassword("staple", { kdf: CHEAP });
  const typed = await Login.start({ login: LOGIN, password: "staple", prelogin, accountSecret });
  assert.equal(typed.unlock(change.vault).info().generation, 2n);
});

test("what was edited, damaged or put together is refused", async () => {
  const [ours, theirs] = await Promise.all([account(), account()]);
  const [mine, other] = [await kept(ours.owner), await kept(theirs.owner)];
  const edited = (changes) => refused("unlock.kept-login", () => Login.resume({ ...mine, ...changes }));
  const prelogin = (changes) => edited({ prelogin: { ...mine.prelogin, ...changes } });
  await edited({ login: "hanna@example.com" });
  await edited({ login: "Anna@example.com" });
  await edited({ prelogin: other.prelogin });
  await prelogin({ account: other.prelogin.account });
  await prelogin({ salt: flipped(mine.prelogin.salt, 0) });
  await prelogin({ kdf: { ...CHEAP, iterations: 600_001 } });
  await prelogin({ kdf: { id: "argon2id", m_kib: 65_536, t: 3, p: 1 } });
  await edited({ sealed: other.sealed });
  await edited({ sealed: other.sealed, key: other.key, iv: other.iv });
  for (const at of [0, 30, mine.sealed.length >> 1, -1]) await edited({ sealed: flipped(mine.sealed, at) });
  for (const length of [0, 15, 16, mine.sealed.length - 1]) await edited({ sealed: mine.sealed.slice(0, length) });
  for (const iv of [flipped(mine.iv, 0), mine.iv.slice(1), new Uint8Array()]) await edited({ iv });
  for (const version of [0, 2, "1", undefined]) await edited({ version });
  for (const nothing of [undefined, null, {}, 7, "kept"]) await refused("unlock.kept-login", () => Login.resume(nothing));
  assert.ok(await Login.resume(mine));
});

test("a key that could do more than open is refused, and one of another kind", async () => {
  const { owner, vault } = await account();
  const mine = await kept(owner);
  const plain = await subtle.decrypt({ name: "AES-GCM", iv: mine.iv }, mine.key, mine.sealed);
  // Each seals the same again, so that nothing but the key is wrong.
  const under = async (key) => ({ ...mine, key, sealed: new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv: mine.iv }, key, plain)) });
  await refused("unlock.kept-login", async () => Login.resume(await under(await keyOf("AES-GCM", false, ["encrypt", "decrypt"]))));
  await refused("unlock.kept-login", async () => Login.resume(await under(await keyOf("AES-GCM", true, ["encrypt", "decrypt"]))));
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const imported = (bytes, extractable, usages) => subtle.importKey("raw", bytes, "AES-GCM", extractable, usages);
  const { sealed } = await under(await imported(raw, false, ["encrypt"]));
  await refused("unlock.kept-login", async () => Login.resume({ ...mine, sealed, key: await imported(raw, true, ["decrypt"]) }));
  await refused("unlock.kept-login", async () => Login.resume({ ...mine, sealed, key: await imported(raw, false, ["decrypt", "unwrapKey"]) }));
  assert.ok((await Login.resume({ ...mine, sealed, key: await imported(raw, false, ["decrypt"]) })).unlock(vault));
  const short = raw.slice(0, 16);
  const weak = await under(await imported(short, false, ["encrypt"]));
  await refused("unlock.kept-login", async () => Login.resume({ ...weak, key: await imported(short, false, ["decrypt"]) }));
  for (const key of [
    await keyOf("AES-CBC", false, ["decrypt"]),
    await subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
  ]) await refused("unlock.kept-login", () => Login.resume({ ...mine, key }));
});

test("what is sealed under its key but is no kept login has the core's code", async () => {
  const { owner } = await account();
  const mine = await kept(owner);
  const plain = new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: mine.iv }, mine.key, mine.sealed));
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const [sealing, key] = await Promise.all(["encrypt", "decrypt"].map((usage) => subtle.importKey("raw", raw, "AES-GCM", false, [usage])));
  const holding = async (bytes) =>
    Login.resume({ ...mine, key, sealed: new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv: mine.iv }, sealing, bytes)) });
  assert.ok(await holding(plain));
  await refused("malformed.truncated", () => holding(new Uint8Array()));
  await refused("malformed.kind", () => holding(flipped(plain, 2)));
  await refused("malformed.checksum", () => holding(flipped(plain, 100)));
  await refused("malformed.too-long", () => holding(new Uint8Array(1 << 20)));
});

test("its fields are of their types, and its parameters within bounds", async () => {
  const { owner } = await account();
  const mine = await kept(owner);
  const edited = (code, changes) => refused(code, () => Login.resume({ ...mine, ...changes }));
  const prelogin = (code, changes) => edited(code, { prelogin: { ...mine.prelogin, ...changes } });
  for (const changes of [
    { login: 7 }, { prelogin: null }, { prelogin: {} }, { key: null }, { key: new Uint8Array(32) }, { key: { ...mine.key } },
    { iv: [...mine.iv] }, { iv: undefined }, { sealed: "AAAA" }, { sealed: mine.sealed.buffer },
  ]) await edited("wasm.argument", changes);
  await prelogin("wasm.argument", { kdf: { id: "scrypt" } });
  await prelogin("kdf.below-floor", { kdf: { ...CHEAP, iterations: 599_999 } });
  await prelogin("kdf.above-ceiling", { kdf: { ...CHEAP, iterations: 10_000_001 } });
  await prelogin("malformed.value", { salt: new Uint8Array(15) });
  await prelogin("malformed.encoding", { account: "x" });
  await edited("login.invalid", { login: "" });
});

test("a freed owner keeps nothing, and a page without WebCrypto is told so", async () => {
  const { owner } = await account();
  const mine = await kept(owner);
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  try {
    await refused("wasm.platform", () => owner.keepUnlocked());
    await refused("wasm.platform", () => Login.resume(mine));
  } finally {
    Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
  }
  const running = owner.keepUnlocked();
  owner.free();
  await refused("wasm.disposed", () => running);
  await refused("wasm.disposed", () => owner.keepUnlocked());
});
