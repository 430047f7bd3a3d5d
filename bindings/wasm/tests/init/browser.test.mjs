// Loading the module in Chromium, where servers answer what they like and a policy may forbid WebAssembly.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, serve } from "../browser.mjs";
import { outcomeOf, POLICY } from "../web.mjs";
import { dist } from "./fresh.mjs";

const bytes = readFileSync(join(dist, "blindtally.wasm"));
const html = '<!doctype html><meta charset="utf-8"><title>blindtally</title><output></output><script type="module" src="/page.js"></script>';

let chromium;
before(async () => { chromium = await launch(); });
after(() => chromium.close());

/** Runs `script` on a page; what it gives is the result. */
async function onPage(script, { policy = POLICY, allowed } = {}) {
  const code = `
    import { init, BlindtallyError } from "/index.js";
    import { guarded } from "/init.js";
    const attempt = (source) => init(source).then(() => "loaded", (error) =>
      error instanceof BlindtallyError ? error.code + ": " + error.message : "raw: " + error);
    const run = ${script};
    document.querySelector("output").textContent = JSON.stringify(await run(attempt, guarded));`;
  const server = await serve({ "/": dist }, { csp: policy });
  const pages = {
    "/": ["text/html", html],
    "/page.js": ["text/javascript", code],
    "/good": ["application/wasm", bytes],
    "/with-charset": ["application/wasm; charset=utf-8", bytes],
    "/untyped": ["text/plain", bytes],
    "/html": ["text/html", html],
    "/mistyped-html": ["application/wasm", html],
    "/truncated": ["application/wasm", bytes.subarray(0, bytes.length / 2)],
  };
  for (const [path, [type, body]] of Object.entries(pages)) server.pages.set(path, { type, body });
  try {
    return await outcomeOf(chromium, `${server.url}/`, allowed);
  } finally {
    await server.close();
  }
}

for (const path of ["/good", "/with-charset", "/untyped", "/blindtally.wasm"]) {
  test(`init takes ${path}, and nothing is said on the console`, async () => {
    assert.equal(await onPage(`(attempt) => attempt("${path}")`), "loaded");
  });
}

test("init takes a Response, bytes and a Module", async () => {
  for (const source of ["fetch('/good')", "await (await fetch('/good')).arrayBuffer()", "await WebAssembly.compileStreaming(fetch('/good'))"]) {
    assert.equal(await onPage(`async (attempt) => attempt(${source})`), "loaded");
  }
});

test("what does not load is refused as wasm.load, and then the next call loads", async () => {
  const outcomes = await onPage(`async (attempt) => {
    const outcomes = [];
    for (const path of ["/html", "/mistyped-html", "/truncated", "/missing"]) outcomes.push(await attempt(path));
    return [...outcomes, await attempt()];
  }`, { allowed: /404|\/missing/ });
  const reasons = [/^wasm\.load: .*\/html: this is text\/html, not WebAssembly/, /^wasm\.load: .*\/mistyped-html: /,
    /^wasm\.load: .*\/truncated: /, /^wasm\.load: .*\/missing: the server answered 404/, /^loaded$/];
  reasons.forEach((reason, at) => assert.match(outcomes[at], reason));
});

test("a policy that forbids WebAssembly is what the error names", async () => {
  const policy = POLICY.replace(" 'wasm-unsafe-eval'", "");
  const outcome = await onPage("(attempt) => attempt()", { policy, allowed: /Content Security Policy/ });
  assert.match(outcome, /^wasm\.load: .*Content Security Policy/);
});

test("a policy that forbids the connection is refused as wasm.load", async () => {
  const policy = POLICY.replace("connect-src 'self'", "connect-src 'none'");
  assert.match(await onPage("(attempt) => attempt()", { policy, allowed: /Content Security Policy|ERR_|csp/ }), /^wasm\.load: /);
});
