// Measures the built package beside its peers: `node bench/main.mjs --json FILE [--only NAME]`. Writes a JSON list of
// figures; `--only` runs those whose name contains NAME.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { launch, openPage, serve } from "../tests/browser.mjs";
import { run as runInEngine } from "./engine.mjs";
import { run as runPage } from "./page/run.mjs";

const here = import.meta.dirname;
const { json, only } = parseArgs({ options: { json: { type: "string" }, only: { type: "string", default: "" } } }).values;

const browser = await launch();
const server = await serve({ "/dist/": join(here, "../dist/"), "/bench/": `${here}/` });
const figures = [];
try {
  figures.push(...await runInEngine(await import("../dist/node.js"), "Node", only));
  figures.push(...await inChromium());
  // It runs whole or not at all.
  if ("page reader".includes(only) || only.includes("page reader")) figures.push(...await runPage(browser, server.url));
} finally {
  await Promise.all([browser.close(), server.close()]);
}
writeFileSync(json, JSON.stringify(figures.filter(({ figure }) => figure.includes(only))));

async function inChromium() {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [join(here, "engine.mjs")], bundle: true, format: "esm", write: false,
  });
  server.pages.set("/engine.js", { body: text, type: "text/javascript" });
  server.pages.set("/", "<!doctype html><title>bench</title>");
  const { page, close } = await openPage(browser, `${server.url}/`);
  try {
    return await page.evaluate(async (only) => {
      const { run } = await import("/engine.js");
      return run(await import("/dist/index.js"), "Chromium", only);
    }, only);
  } finally {
    await close();
  }
}
