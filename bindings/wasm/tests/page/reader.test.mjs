// What the page reader does to a page: words for tokens, through every change, and tokens again after lock.

import assert from "node:assert/strict";
import { inPage } from "./harness.mjs";

inPage("tokens in text become words, and lock puts every byte back", async () => {
  const owner = new bt.FakeOwner();
  const [winword, excel] = [owner.token("winword.exe"), owner.token("excel.exe")];
  write(document.body, `<p>Used ${winword}, then ${excel} &amp; ${winword}.</p><!-- ${excel} --><b title="${excel}">x</b>`);
  const before = document.documentElement.outerHTML;
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = document.body.innerText;
  const { statistics } = reader;
  reader.lock();
  return { shown, statistics, asked: owner.asked.length, same: document.documentElement.outerHTML === before, locked: reader.statistics };
}, (result) => {
  assert.equal(result.shown, "Used winword.exe, then excel.exe & winword.exe.\n\nx");
  assert.deepEqual(result.statistics, { found: 2, revealed: 2, refused: 0, places: 1 });
  assert.equal(result.asked, 2);
  assert.ok(result.same);
  assert.deepEqual(result.locked, { found: 0, revealed: 0, refused: 0, places: 0 });
});

inPage("what a page adds and rewrites is revealed before it can be painted", async () => {
  const owner = new bt.FakeOwner();
  const tokens = ["one", "two", "three"].map((word) => owner.token(word));
  const reader = bt.readPage(document, owner);
  const p = document.createElement("p");
  p.textContent = tokens[0];
  document.body.append(p);
  await observed();
  const added = p.textContent;
  p.firstChild.data = `again ${tokens[1]}`;
  await observed();
  const rewritten = p.textContent;
  p.textContent = tokens[2];
  await observed();
  const replaced = p.textContent;
  p.firstChild.data = "plain";
  await observed();
  const plain = p.textContent;
  reader.lock();
  return { added, rewritten, replaced, plain, after: p.textContent };
}, (result) => assert.deepEqual(result, { added: "one", rewritten: "again two", replaced: "three", plain: "plain", after: "plain" }));
