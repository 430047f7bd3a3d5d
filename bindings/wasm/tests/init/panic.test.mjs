// A panic of the Rust code, which is a trap of the WebAssembly module: played by the module with one function broken.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import binaryen from "binaryen";
import { dist, fresh } from "./fresh.mjs";

/** The module, but what allocates memory for text and bytes does `broken` instead. */
function broken(body) {
  const module = binaryen.readBinary(readFileSync(join(dist, "blindtally.wasm")));
  // As xtask has them: with all, binaryen writes what no engine reads yet.
  const { MutableGlobals, NontrappingFPToInt, BulkMemory, SignExt, ReferenceTypes, Multivalue } = binaryen.Features;
  module.setFeatures(MutableGlobals | NontrappingFPToInt | BulkMemory | SignExt | ReferenceTypes | Multivalue);
  const name = binaryen.getExportInfo(module.getExport("__wbindgen_malloc")).value;
  binaryen.Function.setBody(module.getFunction(name), body(module, name));
  return module.emitBinary();
}

const panics = (module) => module.unreachable();
const recursesForEver = (module, name) =>
  module.call(name, [0, 1].map((at) => module.local.get(at, binaryen.i32)), binaryen.i32);

for (const [body, message] of [[panics, /unreachable/], [recursesForEver, /call stack/]]) {
  test(`after one that ${body.name}, every call fails as a panic`, async () => {
    const blindtally = await fresh();
    const { init, initSync, Backup, guarded, Handle, BlindtallyError, BlindtallyPanic } = blindtally;
    await init(broken(body));
    const raw = { freed: 0, free() { this.freed += 1; } };
    const thing = new (class extends Handle { constructor() { super(raw); } count() { return this.call(() => 0); } })();
    assert.equal(thing.count(), 0);

    let first;
    assert.throws(() => Backup.parse("no backup"), (error) => {
      first = error;
      assert.ok(error instanceof BlindtallyPanic && !(error instanceof BlindtallyError));
      assert.equal(error.name, "BlindtallyPanic");
      assert.match(error.message, message);
      return true;
    });
    const isFirst = (error) => error === first;
    assert.throws(() => guarded(() => assert.fail("called")), isFirst);
    assert.throws(() => thing.count(), isFirst);
    await assert.rejects(init(), isFirst);
    assert.throws(() => initSync(), isFirst);

    thing.free();
    assert.equal(raw.freed, 0, "memory in an unknown state was touched");
  });
}

test("what the core refuses is no panic", async () => {
  const { Backup, init, BlindtallyError } = await fresh();
  await init();
  for (let again = 0; again < 2; again += 1) {
    assert.throws(() => Backup.parse("no backup"), BlindtallyError);
  }
});
