// Runs the core's check, compiled to WebAssembly, in Node, on a folder of cases that any implementation made:
// `node check.mjs COMPILED DIR NAME` prints `vectors: FILE NAME PASSED` for each file. vectors.mjs checks the committed ones.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [compiled, folder, as] = process.argv.slice(2);
const bridge = pathToFileURL(join(resolve(compiled), "bridge.js"));
const module = new WebAssembly.Module(readFileSync(join(compiled, "bridge_bg.wasm")));
// What a check wants beside its own file are the repository's keys.
const committed = (name) => readFileSync(join(import.meta.dirname, "../../../test-vectors", `${name}.json`), "utf8");

let started = 0;

/** A failed assertion ends an instance for good: the next case gets another. */
async function start() {
  const { check, initSync } = await import(`${bridge}?${started++}`);
  initSync({ module });
  return check;
}

let check = await start();
for (const file of readdirSync(folder).filter((file) => file.endsWith(".json")).sort()) {
  const [name, cases] = [basename(file, ".json"), JSON.parse(readFileSync(join(folder, file), "utf8"))];
  let [count, passed] = [0, 0];
  for (const group of cases.testGroups) {
    for (const test of group.tests) {
      count++;
      // One by one, so that a case that ends the instance has a name.
      const one = JSON.stringify({ numberOfTests: 1, testGroups: [{ ...group, tests: [test] }] });
      try {
        passed += check(name, (other) => other === name ? one : committed(other));
      } catch (error) {
        console.log(`${file} ${test.tcId} (${test.comment}): ${error.message ?? error}`);
        check = await start();
      }
    }
  }
  if (count !== cases.numberOfTests) console.log(`${file}: there are ${count} cases instead of ${cases.numberOfTests}`);
  if (passed === cases.numberOfTests) console.log(`vectors: ${file} ${as} ${passed}`);
  else process.exitCode = 1;
}
