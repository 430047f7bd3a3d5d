// Objects in the module's memory: freed once, and unusable after that.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { dist, fresh } from "./fresh.mjs";

/** A handle on something that counts how often it was freed. */
async function counted() {
  const blindtally = await fresh();
  await blindtally.init();
  const raw = { freed: 0, free() { this.freed += 1; } };
  class Thing extends blindtally.Handle {
    constructor() { super(raw); }
    count() { return this.call((it) => it.freed); }
    consume() { return this.take(); }
  }
  return { raw, thing: new Thing() };
}

const DISPOSED = { name: "BlindtallyError", code: "wasm.disposed", message: "this Thing was freed" };

test("free may be called twice, and any other call after it says that it was called", async () => {
  const { raw, thing } = await counted();
  assert.equal(thing.count(), 0);
  thing.free();
  thing.free();
  assert.equal(raw.freed, 1);
  assert.throws(() => thing.count(), DISPOSED);
});

test("leaving a using block frees", async () => {
  const { raw, thing } = await counted();
  thing[Symbol.dispose]();
  thing[Symbol.dispose]();
  thing.free();
  assert.equal(raw.freed, 1);
  assert.throws(() => thing.count(), DISPOSED);
});

test("what a call has consumed is not freed again", async () => {
  const { raw, thing } = await counted();
  assert.equal(thing.consume(), raw);
  thing.free();
  assert.equal(raw.freed, 0);
  assert.throws(() => thing.count(), DISPOSED);
});

test("an engine without Symbol.dispose has free, and keeps its Symbol", async () => {
  const result = await build({
    entryPoints: [join(dist, "init.js")], bundle: true, format: "esm", write: false,
    define: { "Symbol.dispose": "undefined" },
  });
  const code = Buffer.from(result.outputFiles[0].contents).toString("base64");
  const { Handle } = await import(`data:text/javascript;base64,${code}`);
  assert.deepEqual(Reflect.ownKeys(Handle.prototype).sort(), ["call", "constructor", "free", "take"]);
});
