// Installs the package as it would be published into a new project of each kind, builds the project with that kind's
// own tool, and runs it. The projects are the folders beside this file; `shared` is in each of them.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import * as vite from "vite";
import webpack from "webpack";
import { launch, serve } from "../browser.mjs";
import { launchFirefox, outcomeOf, POLICY } from "../web.mjs";

const run = promisify(execFile);
const here = import.meta.dirname;
const tools = join(here, "../../node_modules/.bin");
const target = process.env.BLINDTALLY_TARGET ?? join(here, "../../../../target");
const { version } = JSON.parse(readFileSync(join(here, "../../package.json")));
const tarball = join(target, `package/blindtally-${version}.tgz`);

/** The first vector of a file that has this. */
function vectorWith(name, has) {
  const { testGroups } = JSON.parse(readFileSync(join(here, `../../../../test-vectors/${name}.json`)));
  return testGroups.flatMap((group) => group.tests.map((test) => ({ ...group, ...test }))).find(has);
}

/** An account with tokens to reveal, and another's archive with a file. */
const { vector, words, blob } = (() => {
  const { login, password, prelogin, vault, reveals } = vectorWith("keyring", ({ reveals }) => reveals);
  const whole = vectorWith("archive_damaged", ({ edits }) => edits.length === 0);
  const { backup, recoveryKey, archive, files: [{ path, length }] } = whole;
  return {
    vector: { login, password, prelogin, vault, tokens: reveals.map(({ token }) => token), backup, recoveryKey, archive },
    words: reveals.map(({ value }) => Buffer.from(value, "hex").toString()),
    blob: { class: "archive", listing: "signed", path, length },
  };
})();

/** What use.js returns. */
const OUTCOME = {
  beforeInit: "wasm.not-initialised", words, retokenized: true, form: "ascii-lowercase", blob, afterFree: "wasm.disposed",
};

const PAGE = [OUTCOME, OUTCOME, { words, form: OUTCOME.form, blob }];
/** Without the package's own worker. */
const INLINE_PAGE = [OUTCOME, OUTCOME];

let chromium;
before(async () => { chromium = await launch(); });
after(() => chromium.close());

/** A new project that has the package and nothing else. */
async function project(name) {
  const folder = join(target, "smoke", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(here, "shared"), folder, { recursive: true });
  cpSync(join(here, name), folder, { recursive: true });
  writeFileSync(join(folder, "vector.js"), `export default ${JSON.stringify(vector)};\n`);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", tarball], { cwd: folder });
  return folder;
}

/** Serves the folder and expects the outcome that its page shows: of the page, of its worker, of the package's worker. */
async function expectPage(folder, { browser = chromium, policy = POLICY, outcome = PAGE } = {}) {
  const server = await serve({ "/": folder }, { csp: policy });
  try {
    assert.deepEqual(await outcomeOf(browser, `${server.url}/index.html`), outcome);
  } finally {
    await server.close();
  }
}

const viteOptions = { configFile: false, logLevel: "warn", clearScreen: false };

test("Vite builds it", async () => {
  const root = await project("vite");
  await vite.build({ ...viteOptions, root });
  await expectPage(join(root, "dist"));
});

test("Vite's dev server serves it", async () => {
  const root = await project("vite");
  const server = await vite.createServer({
    ...viteOptions, root, server: { host: "127.0.0.1", port: 0, headers: { "content-security-policy": POLICY } },
  });
  try {
    await server.listen();
    assert.deepEqual(await outcomeOf(chromium, server.resolvedUrls.local[0]), PAGE);
  } finally {
    await server.close();
  }
});

test("webpack builds it", async () => {
  const context = await project("webpack");
  const stats = await promisify(webpack)({
    context, mode: "production", entry: "./main.js", output: { path: join(context, "dist"), filename: "main.js" },
    performance: { hints: false },
  });
  assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }), { errors: [], warnings: [] });
  cpSync(join(context, "index.html"), join(context, "dist/index.html"));
  await expectPage(join(context, "dist"));
});

async function buildByEsbuild(folder, ...entryPoints) {
  const result = await esbuild({
    absWorkingDir: folder, entryPoints: ["main.js", "worker.js", ...entryPoints], outdir: "dist", bundle: true, format: "esm",
    minify: true, loader: { ".wasm": "file" }, logLevel: "silent",
  });
  assert.deepEqual(result.warnings, []);
  cpSync(join(folder, "index.html"), join(folder, "dist/index.html"));
  return join(folder, "dist");
}

test("esbuild builds it", async () => {
  await expectPage(await buildByEsbuild(await project("esbuild"), { in: "blindtally/owner-worker", out: "owner-worker" }));
});

test("the inline entry needs no connection", async () => {
  const policy = POLICY.replace("connect-src 'self'", "connect-src 'none'");
  await expectPage(await buildByEsbuild(await project("inline")), { policy, outcome: INLINE_PAGE });
});

test("a page loads it without any tool, in Chromium and in Firefox", async () => {
  const folder = await project("static");
  await expectPage(folder);
  const firefox = await launchFirefox();
  try {
    await expectPage(folder, { browser: firefox });
  } finally {
    await firefox.close();
  }
});

test("TypeScript compiles the example of the README", async () => {
  const folder = await project("typescript");
  const [, example] = readFileSync(join(here, "../../README.md"), "utf8").match(/```ts\n(.*?)```/s);
  writeFileSync(join(folder, "readme.ts"), example);
  await run(join(tools, "tsc"), ["--project", "."], { cwd: folder })
    .catch(({ stdout }) => assert.fail(stdout));
});

test("Node imports it", async () => {
  const { stdout } = await run("node", ["main.js"], { cwd: await project("node-esm") });
  assert.deepEqual(JSON.parse(stdout), OUTCOME);
});

test("Node requires it", async () => {
  const { stdout } = await run("node", ["main.cjs"], { cwd: await project("node-cjs") });
  assert.deepEqual(JSON.parse(stdout), OUTCOME);
});

test("Deno imports it", async () => {
  const { stdout } = await run(join(tools, "deno"), ["run", "--allow-read", "main.js"], { cwd: await project("deno") });
  assert.deepEqual(JSON.parse(stdout), OUTCOME);
});

test("Cloudflare's workerd runs it", async () => {
  const folder = await project("workerd");
  // As wrangler does: the module stays a file of its own, which workerd compiles.
  await esbuild({
    absWorkingDir: folder, entryPoints: ["main.js"], outdir: "out", bundle: true, format: "esm",
    conditions: ["workerd", "worker", "browser"], external: ["*.wasm"], logLevel: "error",
  });
  // On the third descriptor it says which port it took.
  const workerd = spawn(join(tools, "workerd"), ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder, stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  try {
    const port = await new Promise((resolve, reject) => {
      workerd.once("exit", (code) => reject(new Error(`workerd ended (${code})`)));
      workerd.stdio[3].on("data", (line) => resolve(JSON.parse(line).port));
    });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.deepEqual(await response.json(), OUTCOME);
  } finally {
    workerd.kill();
  }
});
