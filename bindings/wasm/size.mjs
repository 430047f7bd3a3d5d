// What a browser loads of the package, compressed as a server does it, against the budget; fails if it is over. With the
// file of the module as it was before its names were stripped, also what each feature costs in it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { parts } from "./module-parts.mjs";

const BUDGET = 160 * 1024;
const BLOB_BUDGET = 12 * 1024;
const dist = join(import.meta.dirname, "dist");

const row = (name, bytes, gzipped) =>
  console.log(`  ${name.padEnd(44)}${String(bytes).padStart(10)}${gzipped === undefined ? "" : String(gzipped).padStart(10)}`);
const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** What the entries' JavaScript is in a consumer's bundle, if all of it is used. */
async function bundle(...entries) {
  const result = await build({
    stdin: { contents: entries.map((entry) => `export * from "./${entry}";`).join("\n"), resolveDir: dist }, bundle: true, minify: true, format: "esm", write: false, metafile: true,
    absWorkingDir: dist, logLevel: "error",
  });
  const [{ inputs }] = Object.values(result.metafile.outputs);
  return { code: result.outputFiles[0].contents, inputs };
}

console.log(`  ${"".padEnd(44)}${"bytes".padStart(10)}${"gzip -9".padStart(10)}`);
const wasm = readFileSync(join(dist, "blindtally.wasm"));
const { code: script, inputs } = await bundle("index.js");
const total = gzip(wasm) + gzip(script);
row("blindtally.wasm", wasm.length, gzip(wasm));
const [, , withNames] = process.argv;
const features = withNames ? parts(readFileSync(withNames)) : [];
const code = features.reduce((sum, [, bytes]) => sum + bytes, 0);
// Compressed, a feature's share is taken to be that of its code.
for (const [feature, bytes] of features) row(`  ${feature}`, bytes, Math.round(gzip(wasm) * bytes / code));
row("index.js, minified", script.length, gzip(script));
for (const [file, { bytesInOutput }] of Object.entries(inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)) {
  if (bytesInOutput > 0) row(`  ${file}`, bytesInOutput);
}
row("together", wasm.length + script.length, total);
const verdict = (size, budget) =>
  console.log(`  ${size <= budget ? "within" : "OVER"} the budget of ${budget} bytes by ${Math.abs(budget - size)}`);
verdict(total, BUDGET);

// What the code of blobs and archives adds to it.
const { code: both } = await bundle("index.js", "blob.js");
const blobs = gzip(both) - gzip(script);
row("blob.js, added to index.js", both.length - script.length, blobs);
verdict(blobs, BLOB_BUDGET);
process.exitCode = total <= BUDGET && blobs <= BLOB_BUDGET ? 0 : 1;
