// Chromium for tests: a browser, a static server with a strict Content-Security-Policy, and pages whose every complaint counts.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

export const STRICT_CSP = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src 'self'", "font-src 'self'",
  "connect-src 'self'", "worker-src 'self'", "frame-src 'self'", "form-action 'self'", "base-uri 'none'",
  "require-trusted-types-for 'script'", "trusted-types blindtally tests vue svelte-trusted-html",
].join("; ");

const TYPES = {
  ".css": "text/css", ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json",
  ".mjs": "text/javascript", ".wasm": "application/wasm",
};

/** Debian's Chromium with an empty profile. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/**
 * Serves `folders` (path prefix to folder) and the pages that a test puts into `pages` (path to HTML, or to
 * `{ body, type, csp }`); the longest prefix wins. `requests` has every path and query asked for.
 */
export async function serve(folders, { csp = STRICT_CSP } = {}) {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const pages = new Map();
  const requests = [];
  const server = createServer(async (request, response) => {
    requests.push(request.url);
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const page = pages.get(path);
    const answer = (status, body, type, policy = csp) => {
      response.writeHead(status, { "content-type": type, "content-security-policy": policy, "cache-control": "no-store" });
      response.end(body);
    };
    if (page !== undefined) {
      const { body, type = TYPES[".html"], csp: own } = typeof page === "string" ? { body: page } : page;
      return answer(200, body, type, own);
    }
    const prefix = prefixes.find((each) => path.startsWith(each));
    const rest = normalize(path.slice(prefix?.length ?? 0));
    if (prefix === undefined || rest.startsWith("..")) return answer(path === "/favicon.ico" ? 204 : 404, "", "text/plain");
    try {
      answer(200, await readFile(join(folders[prefix], rest)), TYPES[extname(rest)] ?? "application/octet-stream");
    } catch {
      answer(404, "", "text/plain");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    pages,
    requests,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/**
 * A page in a browser context of its own. `problems` collects console errors, which Chromium also writes for violations of
 * the policy, and errors that nothing caught. A test that expects none asserts that it is empty.
 */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems, close: () => context.close() };
}
