// The reader on a real owner's tokens, in Chromium and in Firefox: what it shows, follows and puts back.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launch, serve } from "../browser.mjs";
import { launchFirefox, outcomeOf, POLICY } from "../web.mjs";

const root = (path) => new URL(`../../${path}`, import.meta.url).pathname;

/** Runs in the page; writes what the test compares. */
const MAIN = `
import * as blindtally from "/dist/index.js";
import { readPage } from "/dist/page.js";
import { unlock } from "/account.js";

const [list, output] = document.querySelectorAll("ul, output");
const texts = () => [...list.children].map((item) => item.textContent);
const item = (text) => list.append(Object.assign(document.createElement("li"), { textContent: text }));
try {
  await blindtally.init();
  const owner = await unlock(blindtally, await (await fetch("/vectors/keyring.json")).json());
  const tokens = ["Budget 📅", "שלום"].map((word) => owner.tokenizeTyped("title", word));
  const damaged = tokens[0].slice(0, 20) + (tokens[0][20] === "A" ? "B" : "A") + tokens[0].slice(21);
  tokens.forEach(item);
  item(damaged);
  const written = list.innerHTML;
  const reader = readPage(document, owner);
  await reader.settled();
  const first = texts();
  item(tokens[1]);
  await reader.settled();
  const second = texts().at(-1);
  list.lastChild.remove();
  const { title } = list.children[2];
  reader.lock();
  const result = { words: first.slice(0, 2), second, stays: first[2] === damaged, title, asWritten: list.innerHTML === written };
  output.textContent = JSON.stringify(result);
} catch (error) {
  output.textContent = JSON.stringify(String(error?.stack));
}
`;

let server;
before(async () => {
  server = await serve({ "/dist/": root("dist/"), "/vectors/": root("../../test-vectors/") }, { csp: POLICY });
  server.pages.set("/", "<!DOCTYPE html><html lang=en><title>Report</title><ul></ul><output></output><script type=module src=/main.js></script>");
  server.pages.set("/main.js", { body: MAIN, type: "text/javascript" });
  server.pages.set("/account.js", { body: readFileSync(root("bench/account.js"), "utf8"), type: "text/javascript" });
});
after(() => server.close());

for (const [name, start] of Object.entries({ Chromium: launch, Firefox: launchFirefox })) {
  test(`${name} shows words and puts tokens back`, async () => {
    const browser = await start();
    try {
      const { title, ...outcome } = await outcomeOf(browser, `${server.url}/`);
      assert.deepEqual(outcome, { words: ["Budget 📅", "שלום"], second: "שלום", stays: true, asWritten: true });
      assert.match(title, /damaged or belongs to another account/);
    } finally {
      await browser.close();
    }
  });
}
