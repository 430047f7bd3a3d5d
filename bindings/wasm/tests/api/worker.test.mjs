// An owner in a worker, in Chromium under a strict policy, and the page reader on it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serve } from "../browser.mjs";
import { POLICY } from "../web.mjs";

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await serve({ "/dist/": new URL("../../dist/", import.meta.url).pathname }, { csp: POLICY });
  server.pages.set("/", "<!DOCTYPE html><html lang=en><head><title>Report</title><link rel=icon href=data:,></head><body></body></html>");
  server.pages.set("/silent.js", { body: "// Loads, and does nothing.", type: "text/javascript" });
  server.pages.set("/broken.js", { body: "this is no JavaScript", type: "text/javascript" });
});
after(async () => {
  await browser.close();
  await server.close();
});

/** Runs `body` in a page of its own; `complaints` are those that belong to the test. */
function inPage(name, body, check, complaints = []) {
  test(name, async () => {
    const { page, problems, close } = await openPage(browser, server.url);
    // The page's icon is a data: URL, which the policy forbids: one complaint that is not of our making.
    const result = await page.evaluate(body);
    check(result);
    const expected = [/icon|data:,/, ...complaints];
    assert.deepEqual(problems.filter((problem) => !expected.some((pattern) => pattern.test(problem))), []);
    await close();
  });
}

inPage("an owner in a worker does what an owner does", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const { Agent, init } = await import("/dist/index.js");
  await init();
  const worker = await OwnerWorker.start();
  const kdf = { id: "pbkdf2-sha256", iterations: 600_000 };
  const { owner, change } = await worker.create({ login: "anna", password: "secret", rsa: 2048, kdf });
  const ticket = await owner.issueTicket();
  const { pending, request } = await Agent.enroll(ticket.text, "pc", { rsa: 2048 });
  const approval = await owner.approve(await owner.inspect(request));
  const agent = await pending.accept(approval.committed().deliveries[0].delivery);
  const token = agent.tokenize("title", "Budget");
  const results = await owner.revealMany([token, "bt1_", token]);
  const { prelogin, policy } = await owner.info();
  const login = await worker.login({ login: "anna", password: new TextEncoder().encode("secret"), prelogin });
  const again = await login.unlock(approval.vault, change.generation);
  const { backup, recoveryKey } = await again.backupWithRecoveryKey();
  const restored = await (await worker.openBackup(backup)).openWithRecoveryKey(recoveryKey);
  const devices = await again.devices();
  return {
    expected: String(approval.expected), words: results.map((result) => result.code ?? result),
    isError: results[1] instanceof (await import("/dist/error.js")).BlindtallyError,
    epoch: policy.epoch, form: policy.classes.get(3), device: devices[0].name, isDate: devices[0].confirmedAt instanceof Date,
    restored: await restored.reveal(token),
  };
}, (result) => assert.deepEqual(result, {
  expected: "1", words: ["Budget", "malformed.truncated", "Budget"], isError: true, epoch: 1, form: "host", device: "pc",
  isDate: true, restored: "Budget",
}));

inPage("what is refused in the worker is refused on the page, with its code", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const worker = await OwnerWorker.start();
  const code = (promise) => promise.then(() => "no error", (error) => error.code ?? `${error.name}: ${error.message}`);
  const kdf = { id: "pbkdf2-sha256", iterations: 600_000 };
  const { owner, change } = await worker.create({ login: "anna", password: "secret", rsa: 2048, kdf });
  const { prelogin } = await owner.info();
  const login = await worker.login({ login: "anna", password: "wrong", prelogin });
  const codes = [
    await code(worker.create({ login: "", password: "x" })),
    await code(worker.openBackup("nothing")),
    await code(login.unlock(change.vault)),
    await code(owner.complete({})),
    await code(owner.free2()),
    [owner.constructor, owner.toString, owner.toJSON, owner.then].join(),
  ];
  await owner.free();
  codes.push(await code(owner.info()));
  const late = code(worker.create({ login: "anna", password: "x" }));
  worker.stop();
  codes.push(await late, await code(worker.openBackup("")));
  return codes;
}, (codes) => assert.deepEqual(codes, [
  "login.invalid", "malformed.magic", "unlock.wrong", "Error: there is no complete", "Error: there is no free2", ",,,",
  "Error: there is no info", "wasm.disposed", "wasm.disposed",
]));

inPage("an owner in a worker is kept in IndexedDB, and opens in another worker without the password", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const kdf = { id: "pbkdf2-sha256", iterations: 600_000 };
  const code = (promise) => promise.then(() => "no error", (error) => error.code ?? `${error.name}: ${error.message}`);
  const request = (of) => new Promise((resolve, reject) => {
    of.onsuccess = () => resolve(of.result);
    of.onerror = () => reject(of.error);
  });
  const opening = indexedDB.open("kept", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
  const database = await request(opening);
  const store = (mode) => database.transaction("kept", mode).objectStore("kept");

  const first = await OwnerWorker.start();
  const accountSecret = await first.generateAccountSecret();
  const { owner, change } = await first.create({ login: "anna", password: "secret", rsa: 2048, kdf, accountSecret });
  const token = await owner.tokenizeTyped("title", "Budget");
  const made = await owner.keepUnlocked();
  await request(store("readwrite").put(made, "anna"));
  first.stop();

  const second = await OwnerWorker.start();
  const kept = await request(store("readonly").get("anna"));
  const again = await (await second.resume(kept)).unlock(change.vault, change.generation);
  const word = await again.reveal(token);
  const refused = [
    await code(second.resume({ ...kept, login: "eva" })),
    await code(second.resume({ ...kept, sealed: kept.sealed.slice(1) })),
    await code(second.resume({ ...kept, key: {} })),
  ];
  const changed = await again.changePassword("new", { kdf });
  const old = await second.resume(kept);
  refused.push(await code(old.unlock(changed.change.vault)));
  const secret = [accountSecret instanceof Uint8Array, accountSecret.length, kept.key.extractable];
  second.stop();
  return { word, refused, secret };
}, ({ word, refused, secret }) => {
  assert.equal(word, "Budget");
  assert.deepEqual(refused, ["unlock.kept-login", "unlock.kept-login", "wasm.argument", "unlock.header"]);
  assert.deepEqual(secret, [true, 34, false]);
});

inPage("a worker that does not load is an error of its own", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const code = (promise) => promise.then(() => "no error", (error) => error.code);
  return [
    await code(OwnerWorker.start({ worker: new Worker("/broken.js", { type: "module" }) })),
    await code(OwnerWorker.start({ worker: new Worker("/missing.js", { type: "module" }) })),
    await code(OwnerWorker.start({ wasm: "/missing.wasm" })),
  ];
}, (codes) => assert.deepEqual(codes, ["wasm.load", "wasm.load", "wasm.load"]), [/404/, /SyntaxError|Unexpected/]);

inPage("a worker that loads and never answers is waited for as long as the page says", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const code = (promise) => promise.then(() => "no error", (error) => error.code);
  const silent = () => new Worker("/silent.js", { type: "module" });
  const start = performance.now();
  const codes = [
    await code(OwnerWorker.start({ worker: silent(), timeout: 300 })),
    await code(OwnerWorker.start({ timeout: "soon" })),
    await code(OwnerWorker.start({ timeout: 2 ** 31 })),
  ];
  const waited = performance.now() - start;
  // One that answers in time is not ended by it later.
  const worker = await OwnerWorker.start({ timeout: 10_000 });
  return { codes, waited, secret: (await worker.generateAccountSecret()).length };
}, ({ codes, waited, secret }) => {
  assert.deepEqual(codes, ["wasm.load", "wasm.argument", "wasm.argument"]);
  assert.ok(waited >= 290 && waited < 10_000, `${waited} ms`);
  assert.equal(secret, 34);
});

inPage("the page reader shows words of an owner in a worker, and takes them back", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const { readPage } = await import("/dist/page.js");
  const worker = await OwnerWorker.start();
  const kdf = { id: "pbkdf2-sha256", iterations: 600_000 };
  const { owner } = await worker.create({ login: "anna", password: "secret", rsa: 2048, kdf });
  const tokens = await Promise.all(["Budget", "Überstunden 📅"].map((word) => owner.tokenizeTyped("title", word)));
  const stranger = (await worker.create({ login: "eva", password: "secret", rsa: 2048, kdf })).owner;
  const foreign = await stranger.tokenizeTyped("title", "Budget");
  const cells = [...tokens, foreign].map((token) => {
    const cell = document.createElement("p");
    cell.textContent = token;
    document.body.append(cell);
    return cell;
  });
  const written = document.body.innerHTML;
  const reader = readPage(document, owner);
  await reader.settled();
  const shown = cells.map((cell) => cell.textContent);
  const reason = cells[2].title;
  reader.lock();
  return { shown, isForeign: shown[2] === foreign, reason, asWritten: document.body.innerHTML === written };
}, ({ shown, isForeign, reason, asWritten }) => {
  assert.deepEqual(shown.slice(0, 2), ["Budget", "Überstunden 📅"]);
  assert.ok(isForeign && asWritten);
  assert.match(reason, /damaged|another account/);
});

inPage("a stream fails when the worker ends, and takes its source with it when it is cancelled, also before it was read", async () => {
  const { OwnerWorker } = await import("/dist/worker.js");
  const { archiveWriter, openArchive, openBlob } = await import("/dist/blob.js");
  const worker = await OwnerWorker.start();
  const { owner } = await worker.create({ login: "anna", password: "secret", rsa: 2048, kdf: { id: "pbkdf2-sha256", iterations: 600_000 } });
  const writer = await archiveWriter(owner);
  await writer.add("a.bin", { modified: 0, content: new Uint8Array(4 << 20) });
  const blob = await writer.finish();
  const code = (promise) => promise.then(() => "no error", (error) => error.code ?? String(error));
  const source = () => {
    const reader = blob.stream().getReader();
    let cancel;
    const cancelled = new Promise((resolve) => cancel = resolve);
    const stream = new ReadableStream({
      async pull(controller) { controller.enqueue((await reader.read()).value); },
      cancel,
    }, { highWaterMark: 0 });
    return { cancelled: Promise.race([cancelled.then(() => true), new Promise((resolve) => setTimeout(resolve, 5_000, false))]), stream };
  };
  const [unread, begun, read, late] = [source(), source(), source(), source()];
  await (await openBlob(owner, unread.stream)).stream().cancel("enough");
  const beginning = (await openBlob(owner, begun.stream)).stream().getReader();
  void beginning.read();
  await beginning.cancel("enough");
  const reading = (await openBlob(owner, read.stream)).stream().getReader();
  await reading.read();
  await reading.cancel("enough");

  const archive = await openArchive(owner, blob);
  const whole = (await new Response(archive.tar()).blob()).size;
  const [one, other] = [archive.tar().getReader(), archive.tar()];
  await one.read();
  const piped = code(other.pipeTo(new WritableStream({ write: () => new Promise((resolve) => setTimeout(resolve, 50)) })));
  worker.stop();
  const ended = await code((async () => { while (!(await one.read()).done); })());
  const refusal = await code(openBlob(owner, late.stream));
  const cancelled = await Promise.all([unread, begun, read, late].map(({ cancelled }) => cancelled));
  return { whole, cancelled, ended, piped: await piped, refusal };
}, ({ whole, ...rest }) => {
  assert.ok(whole > 4 << 20);
  assert.deepEqual(rest, { cancelled: [true, true, true, true], ended: "wasm.disposed", piped: "wasm.disposed", refusal: "wasm.disposed" });
});
