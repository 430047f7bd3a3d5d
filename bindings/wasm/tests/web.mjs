// What the tests need of browsers beside browser.mjs: the strictest policy, Firefox, and pages that report by themselves.
import puppeteer from "puppeteer-core";

/** What a page needs for this package, and nothing more. */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

/** How long a page may take before something is taken to be wrong with it, in milliseconds. */
const PATIENCE = 300_000;

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
