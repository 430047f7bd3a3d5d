// The agent's end in Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, asDelivery, asEnrollmentRequest, asRecord, PendingAgent } from "../../dist/node.js";
import { account, device, enrollment, flipped, refused } from "./account.mjs";

test("a batch gives what one at a time gives, and a result for each", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  const words = ["winword.exe", "", "📅 Q3", "ends in nul\0", "x".repeat(4096), "winword.exe"];
  const tokens = agent.tokenizeMany("app", words);
  assert.deepEqual(tokens, words.map((word) => agent.tokenize("app", word)));
  assert.deepEqual(owner.revealMany(tokens), words);
  const [fine, refusal, also] = agent.tokenizeMany("app", ["a", "x".repeat(4097), "b"]);
  assert.deepEqual(owner.revealMany([fine, also]), ["a", "b"]);
  assert.equal(refusal.code, "tokenize.too-long");
  const [withNul, tooLong] = agent.tokenizeMany("app", ["a\0b", "\0".repeat(4097)]);
  assert.equal(owner.reveal(withNul), "a\0b");
  assert.equal(tooLong.code, "tokenize.too-long");
  assert.deepEqual(agent.tokenizeMany("app", []), []);
});

test("ten thousand values in one batch come back as they were", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  const words = Array.from({ length: 10_000 }, (_, at) => `window ${at} ${"é".repeat(at % 90)}`);
  assert.deepEqual(owner.revealMany(agent.tokenizeMany("title", words)), words);
});

test("hosts are brought into one form, and half a surrogate pair becomes U+FFFD", async () => {
  const { owner } = await account();
  const { agent } = await device(owner);
  assert.equal(agent.tokenize("host", "https://Example.com:8443/x"), agent.tokenize("host", "example.com"));
  assert.equal(owner.reveal(agent.tokenize("title", "a\uD83D")), "a\uFFFD");
  assert.equal(owner.reveal(agent.tokenizeMany("title", ["a\uD83D"])[0]), "a\uFFFD");
});

test("what waits for keys is sealed, and tokenized when they come", async () => {
  const { owner } = await account();
  const { pending, request } = await enrollment(owner);
  const record = pending.queue("title", "Payroll", 7n);
  assert.match(record, /^br1_/);
  const agent = await pending.accept((await owner.approve(owner.inspect(request))).committed().deliveries[0].delivery);
  assert.equal(owner.reveal(agent.dequeue(asRecord(record))), "Payroll");
  const other = await device(owner);
  await refused("record.no-key", () => other.agent.dequeue(record));
  assert.match(agent.sealRecord("clipboard", "copied", 8n), /^br1_/);
  await refused("malformed.value", () => agent.sealRecord(1, "not a record's class", 9n));
});

test("an agent survives a restart in either phase, in the open or wrapped", async () => {
  const { owner } = await account();
  const { pending, request } = await enrollment(owner);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const [{ delivery }] = (await owner.approve(owner.inspect(request))).committed().deliveries;
  for (const again of [Agent.restore(pending.save()), Agent.restore(pending.saveWrapped(key), key)]) {
    assert.ok(again instanceof PendingAgent);
    assert.deepEqual(again.info(), pending.info());
    assert.deepEqual(again.claim(), pending.claim());
    const agent = await again.accept(delivery);
    const token = agent.tokenize("app", "x");
    assert.equal(Agent.restore(agent.save()).tokenize("app", "x"), token);
    assert.equal(Agent.restore(agent.saveWrapped(key), key).tokenize("app", "x"), token);
  }
  const wrapped = pending.saveWrapped(key);
  await refused("state.wrong-key", () => Agent.restore(wrapped, new Uint8Array(32)));
  await refused("state.wrong-key", () => Agent.restore(flipped(wrapped, -1), key));
  await refused("state.wrapped", () => Agent.restore(wrapped));
  await refused("state.not-wrapped", () => Agent.restore(pending.save(), key));
  await refused("malformed.value", () => pending.saveWrapped(new Uint8Array(31)));
  await refused("malformed.truncated", () => Agent.restore(pending.save().slice(0, -1)));
});

test("a mistyped ticket or code is refused before anything is generated", async () => {
  const { owner } = await account();
  const ticket = owner.issueTicket();
  const text = new TextDecoder().decode(ticket.text);
  const at = text.length - 3;
  await refused("malformed.checksum", () => Agent.enroll(text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1), "pc"));
  await refused("malformed.encoding", () => Agent.enroll("not a ticket", "pc"));
  await refused("malformed.encoding", () => Agent.enrollByCode("not a code"));
  await refused("enrollment.name", () => Agent.enroll(ticket.text, "", { rsa: 2048 }));
  await refused("enrollment.name", () => Agent.enroll(ticket.text, "x".repeat(129), { rsa: 2048 }));
});

test("bytes of one kind are not taken for another", async () => {
  const { owner, vault } = await account();
  const { delivery, request } = await device(owner);
  assert.equal(asDelivery(delivery), delivery);
  await refused("malformed.kind", () => asDelivery(vault));
  await refused("malformed.magic", () => asEnrollmentRequest(new TextEncoder().encode("hello")));
  await refused("malformed.truncated", () => asEnrollmentRequest(new Uint8Array(3)));
  assert.ok(asEnrollmentRequest(request.buffer.slice(request.byteOffset, request.byteOffset + request.length)));
});

test("freeing an agent wipes its private keys, and nothing else held them", async () => {
  const { owner } = await account();
  const { pending, request } = await enrollment(owner);
  const change = await owner.approve(owner.inspect(request));
  const agent = await pending.accept(change.committed().deliveries[0].delivery);
  pending.free();
  const { default: load } = await import("../../dist/bridge.js");
  const { memory } = await load();
  const saved = Buffer.from(agent.save());
  // The private keys, which begin 98 bytes in, are most of the state.
  const needles = [700, 900, 1100, 1900, 2100].map((at) => saved.subarray(at, at + 24));
  const found = () => needles.filter((needle) => Buffer.from(memory.buffer).includes(needle)).length;
  assert.equal(found(), needles.length);
  agent.free();
  assert.equal(found(), 0);
});
