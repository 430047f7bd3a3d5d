// Makes 1,000 random artefacts with the package, for other implementations to open: `node make.mjs DIR SEED` writes files of
// the shape of test-vectors/README.md. The seed chooses values, lengths, classes and epochs; nonces, salts and most keys are
// the package's own choice.
import assert from "node:assert/strict";
import { constants, createHash, createHmac, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveWriter, sealBlob } from "../dist/blob.js";
import { Agent, CANONICAL_FORMS, generateAccountSecret, init, Owner } from "../dist/node.js";

const [folder, seed] = process.argv.slice(2);
const NOW = 1_790_000_000_000;
const ARGON2ID = { id: "argon2id", m_kib: 19_456, t: 2, p: 1 };
const PBKDF2 = { id: "pbkdf2-sha256", iterations: 600_000 };

await init();

// Choices

let drawn = 0;
const block = () => createHash("sha256").update(`${seed} ${drawn++}`).digest();
const below = (limit) => block().readUIntBE(0, 6) % limit;
const pick = (list) => list[below(list.length)];
const times = (count, make) => Array.from({ length: count }, (_, at) => make(at));
const bytes = (length) => Buffer.concat(times(Math.ceil(length / 32), block)).subarray(0, length);

const range = (from, to) => times(to - from + 1, (at) => from + at);
const TOKENS = [...range(1, 7), ...range(128, 191)];
const RECORDS = [...range(16, 18), ...range(192, 223)];
const BLOBS = [...range(32, 34), ...range(224, 255)];
const SCRIPTS = [
  "abcdefghijklmnopqrstuvwxyz .-_/\\:", "ABCXYZ0189@[`{~!?#", "\u00e9\u00fc\u00df\u0130\u212a\uff21\ufb01", "\u05d0\u05d1\u05e9 \u0645\u0633\u062a",
  "e\u0301\u0308\u0327n\u0303", "\u{1f469}\u200d\u{1f4bb}\u{1f512}\u{1f1f8}", "\0\x01\x1f\x7f\x80\ufffd\uffff\u{10ffff}", "\u65e5\u672c\u8a9e",
].map((script) => [...script]);

/** Text of so many bytes at most; most is short. */
function text(limit) {
  const length = below(Math.min(limit, pick([0, 1, 16, 64, 300, limit])) + 1);
  const script = below(5) ? pick(SCRIPTS) : SCRIPTS.flat();
  let [made, size] = ["", 0];
  for (const at of bytes(length)) {
    const next = script[at % script.length];
    size += Buffer.byteLength(next);
    if (size > length) break;
    made += next;
  }
  return made;
}

const short = (limit) => text(limit) || "x";
const epochOf = () => pick([1, 65_535, 1 + below(65_535)]);
const seq = () => BigInt(pick([0, 2 ** 53 - 1, below(2 ** 48), NOW]));

/** A code as a person might type it. */
function loosely(code) {
  const ways = { 0: "0Oo", 1: "1IiLl", "-": ["-", "", " ", "--", "\t", "\u00a0", "\u2003", "\n", "\u0085", "\u2028"] };
  return [...code].map((shown) => pick(ways[shown] ?? [shown, shown.toLowerCase()])).join("");
}

// Keys: the first pair is the platform's, the others are those of the repository, since it takes long to make one.

const KEYS = join(import.meta.dirname, "../../../tests/keys");
const pkcs8 = (name) => readFileSync(join(KEYS, `${name}.pkcs8`));
const generate = crypto.subtle.generateKey.bind(crypto.subtle);
let generated = 0;
crypto.subtle.generateKey = async (algorithm, extractable, usages) => {
  if (!algorithm.name.startsWith("RSA") || generated++ < 2) return generate(algorithm, extractable, usages);
  const [use, usage] = algorithm.name === "RSA-OAEP" ? ["encryption", "decrypt"] : ["signing", "sign"];
  const key = pkcs8(`${pick(["account", "device1", "device2"])}-${use}`);
  return { privateKey: await crypto.subtle.importKey("pkcs8", key, algorithm, extractable, [usage]) };
};

// Files

const files = new Map();
let file;

const group = (type, inputs) => file.testGroups.push({ type, ...inputs, tests: [] });
const test = (fields) => file.testGroups.at(-1).tests.push({ tcId: ++file.numberOfTests, comment: "random", ...fields, result: "valid" });

async function make(name, cases) {
  file = { algorithm: name, header: [], numberOfTests: 0, testGroups: [] };
  await cases();
  files.set(name, file);
}

const hex = (data) => Buffer.from(data).toString("hex");
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();

// Agents of any MasterKey. An owner never takes one in, so this makes what an agent restores itself (SPEC.md#agent-state).

const number = (size) => (value) => {
  const data = Buffer.alloc(size);
  size === 8 ? data.writeBigUInt64BE(BigInt(value)) : data.writeUIntBE(value, 0, size);
  return data;
};
const [u8, u16, u32, u64] = [1, 2, 4, 8].map(number);
const lp = (data) => Buffer.concat([u16(data.length), Buffer.from(data)]);
const lp32 = (data) => Buffer.concat([u32(data.length), data]);
const hmac = (key, ...parts) => createHmac("sha256", key).update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const expand = (key, label, ...rest) => hmac(key, "blindtally/v1\0", lp(label), ...rest, [1]);

const spki = (key) => createPublicKey(createPrivateKey({ key, format: "der", type: "pkcs8" })).export({ format: "der", type: "spki" });
const [account, device] = ["account", "device1"].map((name) => {
  const keys = ["encryption", "signing"].map((use) => pkcs8(`${name}-${use}`));
  const publics = keys.map((key) => lp(spki(key)));
  return { keys, publics, fingerprint: sha256("blindtally/v1/fingerprint", ...publics) };
});

/** An agent with the keys of all classes, whose values stay as they are, and what a group says of it. */
function agentOf() {
  const [masterKey, accountId, epoch] = [bytes(32), bytes(16), epochOf()];
  const extracted = hmac("blindtally/v1/master", masterKey);
  const deviceId = sha256("blindtally/v1/device", accountId, device.fingerprint).subarray(0, 16);
  const derive = (label, ...context) => expand(extracted, label, accountId, u16(epoch), lp(Buffer.concat(context)));
  const keyId = derive("key-id").subarray(0, 16);
  const classes = [...TOKENS, ...RECORDS, ...BLOBS].sort((a, b) => a - b);
  const keyOf = (of) => TOKENS.includes(of) ? derive("class", u8(of)) : expand(derive("class", u8(of)), "device", deviceId);
  const body = Buffer.concat([
    Buffer.from("BTP\x71"), accountId, account.fingerprint, u64(1), u64(1), Buffer.alloc(32), u8(1), u8(0), u16(epoch), keyId, u16(0),
    u16(classes.length), ...classes.map((of) => lp([of, 0])),
  ]);
  const key = { key: account.keys[1], format: "der", type: "pkcs8" };
  const message = Buffer.concat([Buffer.from("blindtally/v1/signature\0"), lp("policy"), body]);
  const signature = sign("sha256", message, { key: createPrivateKey(key), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  const state = Buffer.concat([
    Buffer.from("BTS\x81\x02", "latin1"), accountId, u8(1), account.fingerprint, ...device.keys.map(lp32), bytes(16), bytes(32), u8(2), bytes(32),
    ...account.publics, u64(1), bytes(32), u16(epoch), keyId, lp32(Buffer.concat([body, lp(signature)])), u16(classes.length),
    ...classes.flatMap((of) => [u8(of), keyOf(of)]),
  ]);
  return { agent: Agent.restore(state), inputs: { masterKey: hex(masterKey), accountId: hex(accountId), epoch }, deviceId: hex(deviceId) };
}

await make("token", () => {
  for (let at = 0; at < 20; at++) {
    const { agent, inputs } = agentOf();
    group("Token", inputs);
    for (let at = 0; at < 25; at++) {
      const [of, value] = [pick(TOKENS), text(4096)];
      test({ class: of, value: hex(value), token: agent.tokenize(of, value) });
    }
    agent.free();
  }
});

await make("record", () => {
  for (let at = 0; at < 10; at++) {
    const { agent, inputs, deviceId } = agentOf();
    group("Record", inputs);
    for (let number = 0; number < 15; number++) {
      const [of, value, when] = [pick(RECORDS), at + number ? text(20_000) : "\u00e9".repeat(1 << 19), seq()];
      test({ ...recordOf(agent.sealRecord(of, value, when)), class: of, deviceId, seq: Number(when), value: hex(value) });
    }
    agent.free();
  }
});

function recordOf(record) {
  return { record, nonce: hex(Buffer.from(record.slice(4), "base64url").subarray(28, 40)) };
}

await make("blob", async () => {
  for (let at = 0; at < 6; at++) {
    const { agent, inputs, deviceId } = agentOf();
    group("Blob", inputs);
    for (let number = 0; number < 10; number++) {
      // Some fill their last block, their last chunk, or several chunks.
      const length = (at ? [] : [16_383, 32_767, 100_000])[number] ?? below(pick([100, 3000, 40_000]));
      const zeros = below(length + 1);
      const content = Uint8Array.from(Buffer.concat([bytes(length - zeros), Buffer.alloc(zeros)]));
      const [of, when] = [pick(BLOBS), seq()];
      const { header, body } = await sealBlob(agent, of, { seq: when, content });
      const blob = Buffer.from(await body.arrayBuffer());
      const about = { class: of, deviceId, blobId: header.id, seq: Number(when), salt: hex(blob.subarray(47, 71)) };
      test({ blob: hex(blob), ...about, length, sha256: hex(sha256(content)) });
    }
    agent.free();
  }
});

// Owners and their devices

/** An owner, its first vault, and what unlocks it. */
async function locked(kdf = ARGON2ID) {
  const [login, password] = [`Anna${below(1000)}@example.com`, short(200)];
  const secret = below(2) ? undefined : generateAccountSecret();
  const accountSecret = secret && Buffer.from(secret).toString();
  const { owner, change } = await Owner.create({ login, password, kdf, accountSecret, rsa: 2048, now: NOW });
  change.committed();
  const { account, prelogin } = owner.info();
  const params = kdf === PBKDF2 ? [kdf.iterations] : [kdf.m_kib, kdf.t, kdf.p];
  const shown = { kdf: kdf === PBKDF2 ? 1 : 2, params, salt: hex(prelogin.salt), accountId: account };
  return { owner, vault: change.vault, inputs: { login, password, accountSecret: accountSecret ?? null, prelogin: shown } };
}

function ticketOf(owner, now = NOW) {
  return owner.issueTicket({ ...pick([{ days: 1 + below(30) }, { uses: 2 + below(49), days: 1 }, {}]), now });
}

/** A device that waits, a device that runs, and the owner of both. */
async function sceneOf() {
  const { owner } = await locked();
  for (let at = below(3); at > 0; at--) (await owner.rotate({ now: NOW })).committed();
  let now = NOW + below(2 ** 40);
  const { pending, change } = await (below(2) ? enrolled(owner, now) : compared(owner, now));
  const [{ delivery }] = change.committed().deliveries;
  return { owner, pending, delivery, agent: await pending.accept(delivery), options: () => ({ now: now += 1000 }) };
}

async function enrolled(owner, now) {
  const { pending, request } = await Agent.enroll(ticketOf(owner, now).text, short(128), { rsa: 2048 });
  return { pending, change: await owner.approve(owner.inspect(request, { now }), { now }) };
}

async function compared(owner, now) {
  const { pending, request } = await Agent.enrollByCode(owner.info().accountCode, { rsa: 2048 });
  const comparison = owner.inspect(request, { now });
  return { pending, change: await owner.approveByCode(comparison, pending.info().deviceCode, short(128), { now }) };
}

const changedForm = (owner, options) => owner.setCanonicalForm(pick(TOKENS), pick(Object.keys(CANONICAL_FORMS)), options);

/** What an agent makes of values, or how it refuses them. */
function madeBy(agent) {
  return times(5, () => {
    const [of, value] = [pick(TOKENS), text(600)];
    try {
      return { class: of, value, token: agent.tokenize(of, value) };
    } catch (error) {
      return { class: of, value, expect: error.code };
    }
  });
}

const phaseOf = (agent) => agent.info().status === "revoked" ? "revoked" : "encrypted";

await make("ticket", async () => {
  group("Ticket", {});
  const owners = [await locked(), await locked()];
  for (let at = 0; at < 60; at++) {
    const ticket = ticketOf(owners[at % 2].owner);
    const { pending } = at % 10 ? {} : await Agent.enroll(ticket.text, "name", { rsa: 2048 });
    test({
      text: Buffer.from(pick([ticket.text, ticket.link])).toString(), accountId: ticket.account, ticketId: ticket.id, uses: ticket.uses,
      expiry: ticket.expiry.getTime() / 1000, authenticatorHash: hex(ticket.authenticatorHash), ...pending && { authKey: hex(pending.claim().secret) },
    });
  }
});

await make("enrollment", async () => {
  for (const kdf of [ARGON2ID, PBKDF2]) {
    const { owner, vault, inputs } = await locked(kdf);
    group("Enrollment", { ...inputs, vault: hex(vault), now: NOW / 1000 });
    for (let at = 0; at < 20; at++) {
      const name = short(128);
      const { pending, request } = await (at % 3
        ? Agent.enroll(ticketOf(owner).text, name, { rsa: 2048 })
        : Agent.enrollByCode(loosely(owner.info().accountCode), { rsa: 2048 }));
      const { device, deviceCode } = pending.info();
      test({ request: hex(request), deviceId: device, needsComparison: !(at % 3), ...at % 3 ? { name } : { typedCode: loosely(deviceCode) } });
    }
  }
});

await make("delivery", async () => {
  for (let at = 0; at < 10; at++) {
    const { owner, pending, agent, delivery, options } = await sceneOf();
    const running = agent.save();
    const accepted = (agent, delivery, outcome) => test({ delivery: hex(delivery), outcome, phase: phaseOf(agent), tokens: madeBy(agent) });
    group("Delivery", { agentState: hex(pending.save()) });
    accepted(agent, delivery, "accepted");
    group("Delivery", { agentState: hex(running) });
    accepted(agent, delivery, "unchanged");
    for (let at = 0; at < 2; at++) {
      if (!below(3)) (await changedForm(owner, options())).committed();
      const change = await (below(2) ? owner.rotate(options()) : owner.redeliver(agent.info().device, options()));
      const [{ delivery }] = change.committed().deliveries;
      const later = Agent.restore(running);
      assert.equal(await later.accept(delivery), "updated");
      accepted(later, delivery, "accepted");
    }
  }
});

await make("policy", async () => {
  for (let at = 0; at < 8; at++) {
    const { owner, agent, options } = await sceneOf();
    const running = agent.save();
    group("Policy", { agentState: hex(running) });
    const policies = [agent.info().policy.signed];
    for (let at = 0; at < 3; at++) policies.push((await (at < 2 || below(2) ? changedForm(owner, options()) : owner.rotate(options()))).committed().policy);
    policies.push((await owner.revoke(agent.info().device, { ...options(), rotate: !below(2) })).committed().policy);
    for (const policy of policies) {
      const agent = Agent.restore(running);
      test({ policy: hex(policy), outcome: agent.applyPolicy(policy), phase: phaseOf(agent), tokens: madeBy(agent) });
    }
  }
});

await make("agent_state", async () => {
  group("AgentState", {});
  const scenes = [];
  for (let at = 0; at < 10; at++) {
    const scene = await sceneOf();
    const { owner, pending, agent, options } = scene;
    const gone = Agent.restore(agent.save());
    gone.applyPolicy((await owner.revoke(agent.info().device, { ...options(), rotate: false })).committed().policy);
    for (const saved of [pending, agent, gone]) {
      const key = below(2) ? undefined : bytes(32);
      const state = key ? { state: hex(saved.saveWrapped(key)), wrapKey: hex(key) } : { state: hex(saved.save()) };
      const about = saved === pending ? { phase: "pending" } : { phase: phaseOf(saved), tokens: madeBy(saved) };
      test({ ...state, deviceId: saved.info().device, ...about });
    }
    scenes.push(scene);
  }
  for (const { pending, agent } of scenes.slice(0, 5)) {
    group("QueueRecord", { agentState: hex(agent.save()) });
    for (let at = 0; at < 2; at++) {
      const [of, value, when] = [pick(range(1, 7)), text(600), seq()];
      test({ ...recordOf(pending.queue(of, value, when)), class: of, seq: Number(when), value: hex(value) });
    }
  }
});

await make("crockford", async () => {
  group("CheckedCode", {});
  for (let at = 0; at < 20; at++) {
    const code = Buffer.from(generateAccountSecret()).toString();
    test({ typed: loosely(code), code });
  }
  group("AccountCode", {});
  const owners = [await locked(), await locked()];
  for (let at = 0; at < 20; at++) {
    const { accountCode, account } = owners[at % 2].owner.info();
    test({ typed: loosely(accountCode), code: accountCode, accountId: account });
  }
});

await make("identity", async () => {
  const { owner } = await locked();
  for (let at = 0; at < 10; at++) {
    const { pending, request } = await Agent.enroll(ticketOf(owner).text, "name", { rsa: 2048 });
    const { device, deviceCode, account } = pending.info();
    // Behind magic, kind and suite, account, fingerprint and the ticket's id, expiry and uses.
    const keys = Buffer.from(request.subarray(4 + 16 + 1 + 32 + 16 + 8 + 2));
    const length = keys.readUInt16BE();
    const [encryption, rest] = [keys.subarray(2, 2 + length), keys.subarray(2 + length)];
    group("Identity", { accountId: account });
    test({ encryptionKey: hex(encryption), signingKey: hex(rest.subarray(2, 2 + rest.readUInt16BE())), code: deviceCode, deviceId: device });
  }
});

await make("backup", async () => {
  for (let at = 0; at < 8; at++) {
    const { owner } = await sceneOf();
    const { account, generation } = owner.info();
    const about = { accountId: account, generation: Number(generation) };
    if (at < 6) {
      const { backup, recoveryKey } = owner.backupWithRecoveryKey();
      group("Backup", { passphrase: null, recoveryKey: loosely(Buffer.from(recoveryKey).toString()) });
      test({ file: backup, ...about });
    } else {
      const passphrase = short(200);
      group("Backup", { passphrase, recoveryKey: null });
      test({ file: await owner.backupWithPassphrase(passphrase, { kdf: at === 6 ? ARGON2ID : PBKDF2 }), ...about });
    }
  }
});

await make("vault", async () => {
  for (const kdf of [ARGON2ID, PBKDF2]) {
    let { owner, vault, inputs } = await locked(kdf);
    group("Vault", inputs);
    const reveals = [];
    for (let at = 0; at < 2; at++) {
      const value = text(4096);
      // Of a class whose values stay as they are.
      reveals.push({ token: owner.tokenizeTyped(pick(range(128, 191)), value), value: hex(value) });
      const generation = Number(owner.info().generation);
      const proofs = { loginProof: hex(owner.loginProof()), recoveryProof: hex(owner.recoveryProof()) };
      test({ vault: hex(vault), seen: below(generation + 1), generation, ...proofs, reveals: [...reveals] });
      ({ vault } = await owner.rotate({ now: NOW + 1000 * (1 + at) }));
    }
  }
});

await make("kept_login", async () => {
  for (const kdf of [ARGON2ID, PBKDF2]) {
    let { owner, vault, inputs: { login, prelogin, accountSecret } } = await locked(kdf);
    for (let at = 0; at < 2; at++) {
      const { key, iv, sealed } = await owner.keepUnlocked();
      const kept = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
      group("KeptLogin", { login, prelogin, vault: hex(vault) });
      test({ kept: hex(kept), loginProof: hex(owner.loginProof()), accountSecret, generation: Number(owner.info().generation) });
      ({ vault } = await owner.rotate({ now: NOW }));
    }
  }
});

await make("archive", async () => {
  for (let at = 0; at < 4; at++) {
    const { owner } = await locked();
    const { backup, recoveryKey } = owner.backupWithRecoveryKey();
    const made = below(2 ** 45);
    const writer = await archiveWriter(owner, { now: made });
    const files = [];
    for (let at = below(12); at > 0; at--) {
      const content = Uint8Array.from(bytes(pick([0, 511, 512, 513, below(30_000)])));
      const [path, modified] = [`${pick(["", "log/", "a.b/c-d/"])}${at}-az_AZ.${below(99)}`, pick([0, below(2 ** 33)])];
      await writer.add(path, { modified: modified * 1000, content });
      files.push({ path, length: content.length, modified, sha256: hex(sha256(content)) });
    }
    const archive = hex(await (await writer.finish()).arrayBuffer());
    group("Archive", { backup, recoveryKey: Buffer.from(recoveryKey).toString(), archive });
    test({ edits: [], listing: "signed", made, files });
  }
});

assert.equal([...files.values()].reduce((count, file) => count + file.numberOfTests, 0), 1000);
mkdirSync(folder, { recursive: true });
for (const [name, file] of files) writeFileSync(join(folder, `${name}.json`), JSON.stringify(file));
