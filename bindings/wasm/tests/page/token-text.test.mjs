// Where tokens are in text, as every implementation of SPEC.md finds them; in Node, without a browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { findTokens, replace } from "../../dist/page/token-text.js";
import * as page from "../../dist/page.js";

const vectors = async (name) => JSON.parse(await readFile(new URL(`../../../../test-vectors/${name}.json`, import.meta.url), "utf8"));

function find(text, window) {
  const spans = [];
  for (let at = 0; at < text.length;) at = findTokens(text, spans, at, window);
  return spans;
}

test("the entry loads where there is no browser", () => assert.equal(typeof page.readPage, "function"));

test("tokens are found where the vectors say, in one go and in windows", async () => {
  const { testGroups } = await vectors("scan");
  const cases = testGroups.flatMap(({ tests }) => tests);
  assert.ok(cases.length >= 50);
  const bytes = (text) => Buffer.byteLength(text);
  for (const { tcId, comment, text, tokens } of cases) {
    for (const window of [Infinity, 1, 7]) {
      const found = find(text, window).map(({ start, end }) => [bytes(text.slice(0, start)), bytes(text.slice(0, end))]);
      assert.deepEqual(found, tokens, `${tcId}: ${comment}`);
    }
  }
});

test("every valid token of the vectors is found with its class, and none that a parser refuses", async () => {
  const { testGroups } = await vectors("token");
  for (const { tests } of testGroups) {
    for (const { tcId, comment, class: tokenClass, token, expect } of tests) {
      const found = find(`(${token})`);
      if (expect?.startsWith("malformed")) assert.equal(found.some((span) => span.token === token), false, `${tcId}: ${comment}`);
      else assert.equal(found[0]?.token, token, `${tcId}: ${comment}`);
      if (tokenClass !== undefined && expect === undefined) assert.equal(found[0].tokenClass, tokenClass);
    }
  }
});

test("each place is looked at once, whatever the text", () => {
  // An input on which a search that starts anew at every prefix would take hours.
  for (const text of ["bt1_".repeat(1e6), "bt1_" + "A".repeat(4e6), "a".repeat(4e6), "bt1_A ".repeat(7e5)]) assert.deepEqual(find(text), []);
});

test("words go where their tokens begin, over several texts", () => {
  const at = (start, end, word) => ({ start, end, word });
  assert.deepEqual(replace(["abcdef"], [at(0, 2, "X"), at(4, 6, "")]), ["Xcd"]);
  assert.deepEqual(replace(["ab", "", "cd", "ef"], [at(1, 5, "X")]), ["aX", "", "", "f"]);
  assert.deepEqual(replace(["ab", "cd"], [at(0, 2, "X"), at(2, 4, "Y")]), ["X", "Y"]);
  assert.deepEqual(replace(["ab", "cd"], []), ["ab", "cd"]);
});
