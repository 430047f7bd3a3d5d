// Measures the package in Chromium: `node bench/run.mjs [--only NAME]` prints rows as `cargo xtask bench` shows them, in
// JSON. ratio: how many times as long the peer takes.
import { join } from "node:path";
import { build } from "esbuild";
import { launch, openPage, serve } from "../tests/browser.mjs";
import * as crypto from "./crypto.js";
import { tools } from "./node.mjs";
import { run as readPage } from "./page/run.mjs";

const only = process.argv[process.argv.indexOf("--only") + 1 || process.argv.length] ?? "";
const root = join(import.meta.dirname, "..");
const noble = await build({
  stdin: { contents: 'export { gcm, gcmsiv } from "@noble/ciphers/aes.js";', resolveDir: root },
  bundle: true, format: "esm", write: false, logLevel: "error",
});
const server = await serve({
  "/dist/": join(root, "dist"), "/bench/": import.meta.dirname, "/vectors/": join(root, "../../test-vectors"),
});
server.pages.set("/bench/noble.js", { body: noble.outputFiles[0].text, type: "text/javascript" });
server.pages.set("/", "<!DOCTYPE html><html lang=en><title>Benchmarks</title><link rel=icon href=data:,>");
const browser = await launch();

const rounded = (number) => Math.round(number * 100) / 100;
function row(figure, ours, peer, goal) {
  const ratio = peer / ours;
  return { figure, ours: rounded(ours), peer: rounded(peer), ratio: rounded(ratio), goal, holds: ratio >= goal };
}

const places = {
  async Chromium(name, ...args) {
    const { page, close } = await openPage(browser, server.url);
    const result = await page.evaluate(async ([name, args]) => {
      const [crypto, { tools }] = await Promise.all([import("/bench/crypto.js"), import("/bench/browser.js")]);
      return crypto[name](tools, ...args);
    }, [name, args]);
    await close();
    return result;
  },
  Node: (name, ...args) => crypto[name](tools, ...args),
};

async function reveal(place) {
  const rows = [];
  for (const [length, webCryptoGoal, nobleGoal] of [[11, 12, 35], [45, 7, 17], [93, 4, 11]]) {
    const figure = `npm in ${place}: reveal 5,000 tokens of ${length} bytes (ms)`;
    const { ours, webCrypto, noble } = await places[place]("reveal", length);
    rows.push(row(`${figure} / WebCrypto AES-GCM`, ours, webCrypto, webCryptoGoal));
    rows.push(row(`${figure} / noble gcmsiv`, ours, noble, nobleGoal));
  }
  return rows;
}

const BENCHES = {
  "npm in Node: reveal": () => reveal("Node"),
  "npm in Chromium: reveal": () => reveal("Chromium"),
  "npm in Chromium: unlock": async () =>
    [row("npm in Chromium: unlock, 1,000,000 iterations (ms) / PBKDF2 alone", ...await places.Chromium("unlocking"), rounded(1 / 1.2))],
  "npm in Chromium: create": async () =>
    [row("npm in Chromium: create an account (ms) / its key pairs alone", ...await places.Chromium("creation"), rounded(1 / 1.5))],
  "npm in Chromium: archive": async () => {
    const figure = "npm in Chromium: archive of 20 MB";
    const { checked, streamed, alone, both, noble } = await places.Chromium("openingArchive");
    return [
      row(`${figure}, opened (ms) / WebCrypto AES-GCM alone`, streamed, alone, rounded(1 / 1.3)),
      // WebCrypto's hashes wait for the same thread as its decryption.
      row(`${figure}, 100 files checked (ms) / WebCrypto AES-GCM and SHA-256 alone`, checked, both, rounded(1 / 1.3)),
      row(`${figure}, 100 files checked (ms) / noble gcm alone`, checked, noble, 5),
    ];
  },
  "page reader": () => readPage(browser, server.url, { revealerModule: "/bench/page/owner.js" }),
};

try {
  const rows = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (!name.includes(only) && !only.startsWith(name)) continue;
    console.error(`Measuring ${name}`);
    rows.push(...await bench());
  }
  console.log(JSON.stringify(rows));
} finally {
  await browser.close();
  await server.close();
}
