// Loading the module in Node: from every kind of source, and from sources that are none.
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { dist, fresh } from "./fresh.mjs";

const file = join(dist, "blindtally.wasm");
const bytes = readFileSync(file);
const isLoaded = ({ guarded }) => guarded(() => true);

/** What a server may answer with. */
const ANSWERS = {
  "/good": [200, "application/wasm", bytes],
  "/untyped": [200, "application/octet-stream", bytes],
  "/missing": [404, "text/plain", "not found"],
  "/html": [200, "text/html", "<!doctype html><title>the page for every path</title>"],
  "/mistyped-html": [200, "application/wasm", "<!doctype html>"],
  "/truncated": [200, "application/wasm", bytes.subarray(0, bytes.length / 2)],
  "/empty": [200, "application/wasm", ""],
};
let base;
const server = createServer((request, response) => {
  const [status, type, body] = ANSWERS[request.url];
  response.writeHead(status, { "content-type": type }).end(body);
});
before(() => new Promise((resolve) => server.listen(0, "127.0.0.1", () => {
  base = `http://127.0.0.1:${server.address().port}`;
  resolve();
})));
after(() => server.close());

const SOURCES = {
  nothing: () => undefined,
  "a file: URL": () => pathToFileURL(file),
  "a file: URL as text": () => pathToFileURL(file).href,
  "an http: URL": () => new URL("/good", base),
  "an http: URL as text": () => `${base}/good`,
  "a URL whose server does not know the type": () => `${base}/untyped`,
  "a Response": () => fetch(`${base}/good`),
  "a Uint8Array": () => new Uint8Array(bytes),
  "an ArrayBuffer": () => new Uint8Array(bytes).buffer,
  "a part of a larger buffer": () => new Uint8Array([...new Uint8Array(100), ...bytes]).subarray(100),
  "a DataView": () => new DataView(new Uint8Array(bytes).buffer),
  "an ArrayBuffer of another realm": () =>
    runInNewContext("Uint8Array.from(bytes).buffer", { bytes }),
  "a Module": () => new WebAssembly.Module(bytes),
};

for (const [name, source] of Object.entries(SOURCES)) {
  test(`init takes ${name}`, async () => {
    const blindtally = await fresh();
    await blindtally.init(await source());
    assert.ok(isLoaded(blindtally));
  });
}

test("init waits for a promise of a source", async () => {
  const blindtally = await fresh();
  await blindtally.init(fetch(`${base}/good`));
  assert.ok(isLoaded(blindtally));
});

for (const name of ["nothing", "a Uint8Array", "an ArrayBuffer", "a Module"]) {
  test(`initSync takes ${name}`, async () => {
    const blindtally = await fresh();
    blindtally.initSync(SOURCES[name]());
    assert.ok(isLoaded(blindtally));
  });
}

test("the inline entry reads no file", async () => {
  for (const name of ["init", "initSync"]) {
    const blindtally = await fresh("inline.js");
    rmSync(join(blindtally.folder, "blindtally.wasm"));
    await blindtally[name]();
    assert.ok(isLoaded(blindtally));
  }
});

test("CommonJS finds the module too", async () => {
  const blindtally = createRequire(import.meta.url)("blindtally");
  await blindtally.init();
  blindtally.initSync();
});

test("calls at the same time load once, and later ones not at all", async () => {
  const blindtally = await fresh();
  let asked = 0;
  const source = { then: (resolve) => { asked += 1; resolve(bytes); } };
  await Promise.all([blindtally.init(source), blindtally.init(source), blindtally.init(`${base}/missing`)]);
  await blindtally.init(`${base}/missing`);
  blindtally.initSync(new Uint8Array(4));
  assert.equal(asked, 1);
});

const REFUSED = {
  "a URL that is not there": [() => `${base}/missing`, /\/missing: the server answered 404 Not Found/],
  "a file that is not there": [() => pathToFileURL("/nowhere/blindtally.wasm"), /file:\/\/\/nowhere\/blindtally.wasm: ENOENT/],
  "a server that is not there": [() => "http://127.0.0.1:1/", /http:\/\/127.0.0.1:1\/: /],
  "text that is no URL": [() => "blindtally.wasm", /from blindtally.wasm: /],
  "HTML": [() => `${base}/html`, /this is text\/html, not WebAssembly/],
  "HTML that is called WebAssembly": [() => `${base}/mistyped-html`, /mistyped-html: /],
  "a module cut off": [() => `${base}/truncated`, /truncated: /],
  "an empty answer": [() => `${base}/empty`, /empty: /],
  "an answer that was read before": [async () => {
    const response = await fetch(`${base}/good`);
    await response.arrayBuffer();
    return response;
  }, /good: /],
  "bytes cut off": [() => bytes.subarray(0, 1000), /the given bytes: /],
  "no bytes": [() => new Uint8Array(0), /the given bytes: this is not WebAssembly/],
  "the module of something else": [() => new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /of something else/],
  "a promise that fails": [() => ({ then: (_, reject) => reject(new Error("no such thing")) }), /no such thing/],
  "an object that is no source": [() => ({}), /not WebAssembly/],
  "a number": [() => 7, /not WebAssembly/],
};

test("whatever does not load is refused as wasm.load, and what was tried is said; then the next call loads", async () => {
  const blindtally = await fresh();
  for (const [name, [source, message]] of Object.entries(REFUSED)) {
    // Not awaited before the call, so that a promise reaches `init` as one.
    const value = source();
    await assert.rejects(blindtally.init(value instanceof Promise ? await value : value), (error) => {
      assert.ok(error instanceof blindtally.BlindtallyError, `${name}: ${error}`);
      assert.equal(error.code, "wasm.load", name);
      assert.match(error.message, message, name);
      return true;
    });
    assert.throws(() => blindtally.guarded(() => true), { code: "wasm.not-initialised" });
  }
  for (const source of [bytes.subarray(0, 1000), new Uint8Array(0), new WebAssembly.Module(REFUSED["the module of something else"][0]())]) {
    assert.throws(() => blindtally.initSync(source), { name: "BlindtallyError", code: "wasm.load" });
  }
  await blindtally.init();
  assert.ok(isLoaded(blindtally));
});

test("a call before init says what to do", async () => {
  const { guarded, BlindtallyError } = await fresh();
  assert.throws(() => guarded(() => assert.fail("called")), (error) => {
    assert.ok(error instanceof BlindtallyError);
    assert.deepEqual([error.code, error.message], ["wasm.not-initialised", "call and await init() first"]);
    return true;
  });
});
