// Runs the core's check of the test vectors, compiled to WebAssembly, in Node, Chromium and Firefox, and the package's own
// of what it does in TypeScript. The argument is the folder of the compiled check. Prints `vectors: FILE ENGINE PASSED` for each.
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { check as checkBlobs, FILES, sealedArchive } from "./api/blob-vectors.mjs";
import { launch as launchChromium, serve } from "./browser.mjs";
import { launchFirefox, outcomeOf, POLICY } from "./web.mjs";

const cases = join(import.meta.dirname, "../../../test-vectors");
const files = readdirSync(cases).filter((file) => file.endsWith(".json"));
const names = files.map((file) => basename(file, ".json"));
const compiled = resolve(process.argv[2]);

const print = (engine, counts) =>
  names.forEach((name, at) => console.log(`vectors: ${name}.json ${engine} ${counts[at]}`));

const read = (name) => readFileSync(join(cases, `${name}.json`), "utf8");

async function inNode() {
  const { check, initSync } = await import(pathToFileURL(join(compiled, "bridge.js")));
  initSync({ module: readFileSync(join(compiled, "bridge_bg.wasm")) });
  // The core opens what the package seals. (A blob that the package seals again is the vector's own, byte by byte.)
  const sealed = JSON.stringify(await sealedArchive(JSON.parse(read("archive"))));
  check("archive", () => sealed);
  return names.map((name) => check(name, read));
}

const page = `
import init, { check } from "./bridge.js";

const names = ${JSON.stringify(names)};
const read = async (name) => [name, await (await fetch(name + ".json")).text()];
const texts = new Map(await Promise.all(names.map(read)));
await init({ module_or_path: "bridge_bg.wasm" });
const output = document.querySelector("output");
try {
  output.textContent = JSON.stringify(names.map((name) => check(name, (other) => texts.get(other))));
} catch (error) {
  output.textContent = JSON.stringify(String(error));
}
`;
const html = '<!doctype html><title>vectors</title><output></output><script type="module" src="page.js"></script>';

async function inBrowser(launch) {
  const browser = await launch();
  const server = await serve({ "/": compiled }, { csp: POLICY });
  try {
    const outcome = await outcomeOf(browser, `${server.url}/index.html`);
    if (!Array.isArray(outcome)) throw new Error(outcome);
    return outcome;
  } finally {
    await Promise.all([browser.close(), server.close()]);
  }
}

files.forEach((file) => cpSync(join(cases, file), join(compiled, file)));
writeFileSync(join(compiled, "index.html"), html);
writeFileSync(join(compiled, "page.js"), page);
const [chromium, firefox] = await Promise.all([inBrowser(launchChromium), inBrowser(launchFirefox)]);
print("wasm-chromium", chromium);
print("wasm-firefox", firefox);
for (const name of FILES) console.log(`vectors: ${name}.json typescript ${await checkBlobs(name, JSON.parse(read(name)))}`);
// Last, since it keeps this process from serving anyone.
print("wasm-node", await inNode());
