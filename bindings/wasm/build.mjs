// The last step of the build, after tsc: the module as text for the inline entry, and the whole tree again as CommonJS.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { transformSync } from "esbuild";

const dist = join(import.meta.dirname, "dist");
const wasm = readFileSync(join(dist, "blindtally.wasm"));
writeFileSync(join(dist, "base64.js"), `export default "${wasm.toString("base64")}";\n`);

// File by file, so that all entries of a CommonJS program share one instance. `type` makes Node and TypeScript see
// CommonJS there without other file names. Of no use to Node: the inline, workerd and worker's own entries.
const cjs = join(dist, "cjs");
const isForNode = (file) => /\.(js|d\.ts)$/.test(file) && !/^(cjs\/|base64|inline|owner-worker|workerd)/.test(file);
for (const file of readdirSync(dist, { recursive: true }).filter(isForNode)) {
  const target = join(cjs, file);
  mkdirSync(dirname(target), { recursive: true });
  if (file.endsWith(".d.ts")) copyFileSync(join(dist, file), target);
  else writeFileSync(target, commonJs(file));
}
writeFileSync(join(cjs, "package.json"), '{ "type": "commonjs" }\n');

/** The file as CommonJS. What it finds beside itself, it finds beside the original. */
function commonJs(file) {
  const original = relative(dirname(join(cjs, file)), join(dist, file));
  const url = `const url = require("node:url").pathToFileURL(require("node:path").join(__dirname, "${original}")).href;`;
  const text = readFileSync(join(dist, file), "utf8");
  const hasUrl = text.includes("import.meta.url");
  const options = hasUrl ? { define: { "import.meta.url": "url" }, banner: url } : {};
  return transformSync(text, { format: "cjs", target: "node20", ...options }).code;
}
