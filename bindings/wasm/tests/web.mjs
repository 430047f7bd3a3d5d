// What the tests in browsers stand on: a server of files under a strict Content Security Policy, and the browsers.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

/** What a page needs for this package, and nothing more. */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

/** How long a page may take before something is taken to be wrong with it, in milliseconds. */
const PATIENCE = 300_000;

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Serves a folder; `routes` maps paths to functions that answer themselves. Closed when disposed of. */
export async function serve(folder, routes = {}, policy = POLICY) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    response.setHeader("content-security-policy", policy);
    if (routes[pathname]) return routes[pathname](response);
    const file = join(folder, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end("not found");
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

/** Debian's Chromium, or what CHROMIUM names, with an empty profile that goes nowhere by itself. */
export function launchChromium() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
}

/** Debian's Firefox, or what FIREFOX names, by WebDriver BiDi. */
export function launchFirefox() {
  return puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
  });
}

/**
 * Opens a page (of either browser) and gives what it writes, as JSON, into its <output>. Whatever the browser reports
 * on the way (an exception, an error on the console, which a refusal by the policy is, a request that fails) throws,
 * unless it is `allowed`.
 */
export async function outcomeOf(browser, url, allowed = /^$/) {
  const page = await browser.newPage();
  const fault = new Promise((_, reject) => {
    const report = (text) => {
      // Firefox reports that the policy keeps it from its own wish for an icon.
      if (!allowed.test(text) && !text.includes("/favicon.ico")) reject(new Error(`${url}: ${text}`));
    };
    page.on("console", (message) => ["error", "warning", "warn"].includes(message.type()) && report(message.text()));
    page.on("pageerror", (error) => report(String(error)));
    page.on("requestfailed", (request) => report(`${request.url()}: ${request.failure()?.errorText}`));
  });
  const outcome = async () => {
    await page.goto(url, { timeout: PATIENCE });
    const output = await page.waitForSelector("output:not(:empty)", { state: "attached", timeout: PATIENCE });
    return JSON.parse(await output.evaluate((node) => node.textContent));
  };
  try {
    return await Promise.race([fault, outcome()]);
  } finally {
    await page.close();
  }
}
