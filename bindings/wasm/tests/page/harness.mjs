// One browser and one server for a file of tests; every test gets an empty page with fake.js, and fails on any complaint.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { launch, openPage, serve } from "../browser.mjs";

const folder = (path) => new URL(path, import.meta.url).pathname;
const DOCUMENT = "<!DOCTYPE html><html lang=en><head><title>Report</title><script type=module src=/tests/setup.js></script></head><body></body></html>";

const browser = await launch();
export const server = await serve({ "/dist/": folder("../../dist/"), "/tests/": folder("./"), "/vectors/": folder("../../../../test-vectors/") });
server.pages.set("/", DOCUMENT);
server.pages.set("/open", { body: DOCUMENT, csp: "trusted-types tests" });

after(async () => {
  await browser.close();
  await server.close();
});

/** Opens `path` and calls `body` with the page; `expected` are the complaints that belong to the test. */
export function pageTest(name, body, { path = "/", expected = [], ...options } = {}) {
  test(name, async () => {
    const opened = await openPage(browser, server.url + path, options);
    try {
      await opened.page.waitForFunction("globalThis.bt !== undefined");
      await body(opened.page, opened.problems);
      // What the page complains of reaches us before the answer to this.
      await opened.page.evaluate(() => undefined);
      const unexpected = opened.problems.filter((problem) => !expected.some((pattern) => pattern.test(problem)));
      assert.deepEqual(unexpected, []);
    } finally {
      await opened.close();
    }
  });
}

/** A test that runs in the page: `body` throws, or returns what `check` is given. */
export function inPage(name, body, check, options) {
  pageTest(name, async (page) => check(await page.evaluate(body)), options);
}
