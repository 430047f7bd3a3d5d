// The owner's end in Node: what it does, and what it refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ARGON2ID, asToken, asVault, Backup, generateAccountSecret, Login, normalLoginName } from "../../dist/node.js";
import { account, CHEAP, device, enrollment, flipped, LOGIN, PASSWORD, refused } from "./account.mjs";

const login = (owner, options = {}) =>
  Login.start({ login: LOGIN, password: PASSWORD, prelogin: owner.info().prelogin, ...options });

test("a device with a ticket seals, the owner reveals", async () => {
  const { owner } = await account();
  const { agent } = await device(owner, "anna's laptop");
  const token = agent.tokenize("app", "winword.exe");
  assert.match(token, /^bt1_[A-Za-z0-9_-]{48}$/);
  assert.equal(agent.tokenize("app", "winword.exe"), token);
  assert.equal(owner.reveal(token), "winword.exe");
  assert.equal(owner.tokenizeTyped("app", "winword.exe"), token);
  const [{ name, revoked }] = owner.devices();
  assert.deepEqual([name, revoked], ["anna's laptop", false]);
});

test("a device without a ticket is approved by the code it shows, and no other way", async () => {
  const { Agent } = await import("../../dist/node.js");
  const { owner } = await account();
  const { pending, request } = await Agent.enrollByCode(owner.info().accountCode, { rsa: 2048 });
  const inspection = owner.inspect(request);
  assert.equal(inspection.kind, "needs-comparison");
  await refused("enrollment.needs-comparison", () => owner.approve({ ...inspection, kind: "verified" }));
  const other = (await device(owner)).agent.info();
  assert.ok(other);
  await refused("enrollment.code", () => owner.approveByCode(inspection, owner.info().fingerprint, "desk"));
  await refused("enrollment.name", () => owner.approveByCode(inspection, pending.info().deviceCode, ""));
  const change = await owner.approveByCode(inspection, pending.info().deviceCode.toLowerCase(), "desk");
  const agent = await pending.accept(change.committed().deliveries[0].delivery);
  assert.equal(owner.reveal(agent.tokenize("title", "Budget")), "Budget");
});

test("a login opens the vault with the right password alone", async () => {
  const { owner, vault } = await account();
  const unlocked = (await login(owner)).unlock(vault);
  assert.deepEqual(unlocked.info(), owner.info());
  await refused("unlock.wrong", async () => (await login(owner, { password: "correct horsf" })).unlock(vault));
  await refused("unlock.wrong", async () => (await login(owner)).unlock(asVault(flipped(vault, -1))));
  await refused("unlock.rolled-back", async () => (await login(owner)).unlock(vault, 2n));
  await refused("malformed.truncated", async () => (await login(owner)).unlock(asVault(vault.slice(0, 60))));
  const other = await account();
  await refused("unlock.other-account", async () => (await login(owner)).unlock(other.vault));
});

test("a login name is the same however it is typed, and is what the service is told", async () => {
  for (const [typed, normal] of [
    ["anna@example.com", "anna@example.com"], ["Anna@Example.COM", "anna@example.com"],
    ["\uff21nna", "anna"], ["\u212bngstro\u0308m", "\u00e5ngstr\u00f6m"], ["ΟΔΟΣ", "οδος"], ["\u0130", "i\u0307"], ["", ""],
  ]) {
    assert.equal(normalLoginName(typed), normal);
    assert.equal(normalLoginName(normal), normal);
  }
  const { owner, vault } = await account({ login: "\uff21nna" });
  assert.equal(owner.info().login, normalLoginName("\uff21nna"));
  assert.equal((await login(owner, { login: "ANNA" })).unlock(vault).info().login, "anna");
});

test("a login proof depends on the password and is bytes, not a string", async () => {
  const { owner } = await account();
  const [right, wrong] = [(await login(owner)).proof(), (await login(owner, { password: "x" })).proof()];
  assert.ok(right instanceof Uint8Array && right.length === 32);
  assert.deepEqual(right, owner.loginProof());
  assert.notDeepEqual(wrong, right);
});

test("a login is spent by the vault it opened", async () => {
  const { owner, vault } = await account();
  const once = await login(owner);
  once.unlock(vault);
  await refused("wasm.disposed", () => once.unlock(vault));
});

test("parameters of the service's choosing are refused before any work", async () => {
  const { owner } = await account();
  const { prelogin } = owner.info();
  const start = (kdf, more = {}) => login(owner, { prelogin: { ...prelogin, kdf, ...more } });
  await refused("kdf.below-floor", () => start({ id: "pbkdf2-sha256", iterations: 599_999 }));
  await refused("kdf.above-ceiling", () => start({ id: "pbkdf2-sha256", iterations: 10_000_001 }));
  await refused("kdf.below-floor", () => start({ id: "argon2id", m_kib: 1024, t: 2, p: 1 }));
  await refused("kdf.above-ceiling", () => start({ id: "argon2id", m_kib: 1 << 30, t: 2, p: 1 }));
  await refused("malformed.value", () => start(CHEAP, { salt: new Uint8Array(15) }));
  await refused("malformed.encoding", () => start(CHEAP, { account: "x" }));
});

test("Argon2id and an account secret protect a vault, and both are needed", async () => {
  const accountSecret = generateAccountSecret();
  assert.match(new TextDecoder().decode(accountSecret), /^[0-9A-Z-]{34}$/);
  const { owner, vault } = await account({ kdf: { ...ARGON2ID, m_kib: 19 * 1024, t: 2 }, accountSecret });
  assert.equal((await login(owner, { accountSecret })).unlock(vault).info().generation, 1n);
  await refused("unlock.wrong", async () => (await login(owner)).unlock(vault));
  await refused("recovery-key.invalid", () => login(owner, { accountSecret: "M2VQ-KB76" }));
});

test("a ticket is good once, and a second device on it is an alarm", async () => {
  const { Agent } = await import("../../dist/node.js");
  const { owner } = await account();
  const ticket = owner.issueTicket();
  const [first, second] = await Promise.all([1, 2].map(() => Agent.enroll(ticket.text, "pc", { rsa: 2048 })));
  await owner.approve(owner.inspect(first.request));
  await refused("ticket.spent", () => owner.inspect(second.request));
  assert.equal(owner.inspect(first.request).kind, "verified");
  await refused("ticket.expired", async () => owner.inspect((await enrollment(owner)).request, { now: Date.now() + 8 * 864e5 }));
  await refused("ticket.lifetime", () => owner.issueTicket({ days: 31 }));
  await refused("ticket.lifetime", () => owner.issueTicket({ uses: 51 }));
});

test("a cancelled ticket enrols nobody", async () => {
  const { Agent } = await import("../../dist/node.js");
  const { owner } = await account();
  const ticket = owner.issueTicket();
  const { request } = await Agent.enroll(ticket.link, "pc", { rsa: 2048 });
  await owner.cancelTicket(ticket.id);
  await refused("ticket.cancelled", () => owner.inspect(request));
});

test("requests and deliveries of another account, or damaged ones, are refused", async () => {
  const [ours, theirs] = await Promise.all([account(), account()]);
  const { pending, request } = await enrollment(ours.owner);
  await refused("enrollment.other-account", () => theirs.owner.inspect(request));
  await refused("enrollment.signature", () => ours.owner.inspect(flipped(request, -1)));
  const [{ delivery }] = (await ours.owner.approve(ours.owner.inspect(request))).committed().deliveries;
  const strange = await device(theirs.owner);
  await refused("accept.refused", () => pending.accept(strange.delivery));
  for (const at of [40, 300, delivery.length >> 1, -1]) await refused("accept.refused", () => pending.accept(flipped(delivery, at)));
  await refused("malformed.truncated", () => pending.accept(delivery.slice(0, -1)));
  assert.ok(await pending.accept(delivery));
});

test("rotation, revocation and forms reach the agents that stay", async () => {
  const { owner } = await account();
  const [stays, goes] = [await device(owner, "stays"), await device(owner, "goes")];
  const before = stays.agent.tokenize("app", "a");
  const { deliveries, policy, revoked } = (await owner.revoke(goes.id)).committed();
  assert.deepEqual(deliveries.map(({ device }) => device), [stays.id]);
  assert.deepEqual(revoked, [goes.id]);
  assert.equal(goes.agent.applyPolicy(policy), "revoked");
  await refused("agent.revoked", () => goes.agent.tokenize("app", "a"));
  assert.equal(stays.agent.applyPolicy(policy), "delivery-needed");
  assert.equal(await stays.agent.accept(deliveries[0].delivery), "updated");
  assert.equal(await stays.agent.accept(deliveries[0].delivery), "unchanged");
  await refused("accept.stale", () => stays.agent.accept(stays.delivery));
  const after = stays.agent.tokenize("app", "a");
  assert.notEqual(after, before);
  assert.deepEqual(owner.revealMany([before, after]), ["a", "a"]);
  assert.equal(owner.retokenize(before), after);
  const lower = (await owner.setCanonicalForm("app", "ascii-lowercase")).committed().policy;
  assert.equal(stays.agent.applyPolicy(lower), "updated");
  assert.equal(stays.agent.tokenize("app", "A"), after);
  await refused("owner.device-revoked", () => owner.redeliver(goes.id));
  await refused("owner.unknown-device", () => owner.redeliver(owner.info().account));
});

test("operations that are started together are done one after the other", async () => {
  const { owner } = await account();
  const requests = await Promise.all(["a", "b", "c"].map((name) => enrollment(owner, name)));
  const changes = await Promise.all(requests.map(({ request }) => owner.approve(owner.inspect(request))));
  assert.deepEqual(changes.map(({ expected, generation }) => [expected, generation]), [[1n, 2n], [2n, 3n], [3n, 4n]]);
  assert.equal(owner.devices().length, 3);
});

test("a failed operation changes nothing and does not stop the next", async () => {
  const { owner } = await account();
  const { generation } = owner.info();
  const [failed, done] = await Promise.allSettled([owner.redeliver(owner.info().account), owner.rotate()]);
  assert.equal(failed.reason.code, "owner.unknown-device");
  assert.equal(done.value.generation, generation + 1n);
});

test("a changed password opens the vault, the old one does not", async () => {
  const { owner } = await account();
  const { oldProof, newProof, prelogin, change } = await owner.changePassword("staple", { kdf: CHEAP });
  assert.notDeepEqual(newProof, oldProof);
  assert.deepEqual(owner.info().prelogin, prelogin);
  assert.equal((await login(owner, { password: "staple" })).unlock(change.vault).info().generation, 2n);
  await refused("unlock.wrong", async () => (await login(owner)).unlock(change.vault));
  await refused("password.invalid", () => owner.changePassword(""));
});

test("two clients of one account come together, and nothing is lost", async () => {
  const { owner, vault } = await account();
  const second = (await login(owner)).unlock(vault);
  const [one, two] = [await device(owner, "one"), await device(second, "two")];
  const synced = await owner.sync(two.vault);
  assert.equal(synced.outcome, "store");
  assert.deepEqual(owner.devices().map(({ name }) => name).sort(), ["one", "two"]);
  assert.equal((await second.sync(synced.change.vault)).outcome, "adopted");
  assert.equal((await second.sync(synced.change.vault)).outcome, "same");
  assert.deepEqual(second.devices().length, 2);
  assert.ok(one.id !== two.id);
  await refused("unlock.other-account", async () => owner.sync((await account()).vault));
});

test("a backup opens with its own key only, reads offline, and becomes an account again", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  const token = agent.tokenize("document", "plan.odt");
  const { backup, recoveryKey } = owner.backupWithRecoveryKey();
  const file = Backup.parse(`forwarded:\r\n  ${backup.replaceAll("\n", "\r\n  ")}`);
  assert.equal(file.info().opensWith, "recovery-key");
  await refused("unlock.needs-recovery-key", () => file.openWithPassphrase("x"));
  await refused("recovery-key.invalid", () => file.openWithRecoveryKey("0000"));
  await refused("unlock.wrong", async () => file.openWithRecoveryKey((await account()).owner.backupWithRecoveryKey().recoveryKey));
  const restored = await file.openWithRecoveryKey(recoveryKey);
  assert.equal(restored.reveal(token), "plan.odt");
  assert.deepEqual(restored.recoveryProof(), owner.recoveryProof());
  const { owner: again, change } = await restored.restore({ login: LOGIN, password: "new", kdf: CHEAP, generation: 41n });
  assert.deepEqual([change.expected, change.generation], [41n, 42n]);
  assert.equal(await agent.accept(change.committed().deliveries[0].delivery), "updated");
  assert.equal(again.reveal(agent.tokenize("app", "x")), "x");
  await refused("wasm.disposed", () => restored.reveal(token));
  await refused("malformed.checksum", () => Backup.parse(backup.replace(/Checksum: ./, (head) => head.slice(0, -1) + (head.endsWith("0") ? "1" : "0"))));
  await refused("malformed.truncated", () => Backup.parse(backup.slice(0, 300)));
});

test("a backup with a passphrase opens with it", async () => {
  const { owner } = await account();
  const file = Backup.parse(await owner.backupWithPassphrase("over the hills", { kdf: CHEAP }));
  assert.equal((await file.openWithPassphrase("over the hills")).info().account, owner.info().account);
  await refused("unlock.wrong", () => file.openWithPassphrase("over the hill"));
  await refused("unlock.needs-passphrase", async () => file.openWithRecoveryKey(owner.backupWithRecoveryKey().recoveryKey));
});

test("every token of a batch has a result of its own", async () => {
  const [ours, theirs] = await Promise.all([account(), account()]);
  const [{ agent }, stranger] = await Promise.all([device(ours.owner), device(theirs.owner)]);
  const words = ["", "a", "émoji 👩‍👩‍👧‍👦", "שלום", "line\nfeed", "nul\0", "x".repeat(4096)];
  const tokens = words.map((word) => agent.tokenize("title", word));
  const [foreign, damaged] = [stranger.agent.tokenize("title", "a"), tokens[1].slice(0, -1) + (tokens[1].endsWith("A") ? "B" : "A")];
  const results = ours.owner.revealMany([...tokens, foreign, damaged, "", "bt1_", `${tokens[1]}\n${tokens[2]}`, tokens[3]]);
  const told = results.map((result) => typeof result === "string" ? result : result.code);
  const codes = ["reveal.tampered", "reveal.tampered", "malformed.encoding", "malformed.truncated", "malformed.encoding"];
  assert.deepEqual(told.slice(0, -1).map((x, at) => at === words.length + 1 ? "reveal.tampered" : x), [...words, ...codes]);
  assert.ok(["reveal.tampered", "malformed.encoding"].includes(told[words.length + 1]));
  assert.equal(results.at(-1), "שלום");
  assert.deepEqual(ours.owner.revealMany([]), []);
});

test("tokens of an epoch or a class that the owner has no key for say so", async () => {
  const { owner } = await account();
  const token = owner.tokenizeTyped("app", "x");
  const bytes = Buffer.from(token.slice(4), "base64url");
  bytes[3] = 2;
  await refused("reveal.no-key", () => owner.reveal(asToken(`bt1_${bytes.toString("base64url")}`)));
  await refused("tokenize.too-long", () => owner.tokenizeTyped("app", "x".repeat(4097)));
  await refused("malformed.value", () => owner.tokenizeTyped(99, "x"));
});

test("what is printed or serialised of an owner holds no secret", async () => {
  const { owner } = await account();
  for (const text of [inspect(owner, { depth: 9, showHidden: true }), JSON.stringify(owner), String(owner)]) {
    assert.ok(text.length < 2000 && !/[0-9a-f]{32}/i.test(text), text);
  }
});
