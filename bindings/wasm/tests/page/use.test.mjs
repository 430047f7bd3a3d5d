// What people do with a page that shows words: sort, find, select and copy, listen, print.

import assert from "node:assert/strict";
import { inPage, pageTest } from "./harness.mjs";

const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };

inPage("a table sorts by the revealed words, and the words move with their rows", async () => {
  const owner = new bt.FakeOwner();
  const rows = ["winword.exe", "chrome.exe", "excel.exe"].map((word) => `<tr><td>${owner.token(word)}</td></tr>`);
  write(document.body, `<table><tbody>${rows.join("")}</tbody></table>`);
  const before = document.body.innerHTML;
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const body = document.querySelector("tbody");
  const original = [...body.rows];
  body.append(...[...body.rows].sort((a, b) => a.innerText.localeCompare(b.innerText)));
  await reader.settled();
  const sorted = body.innerText;
  body.append(...original);
  reader.lock();
  return { sorted, calls: owner.calls.length, same: document.body.innerHTML === before };
}, (result) => assert.deepEqual(result, { sorted: "chrome.exe\nexcel.exe\nwinword.exe", calls: 1, same: true }));

inPage("find in page finds words and no tokens, until lock", async () => {
  const owner = new bt.FakeOwner();
  write(document.body, `<p>${owner.token("winword.exe")}</p>`);
  const found = (text) => {
    getSelection().removeAllRanges();
    return find(text);
  };
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = [found("winword"), found("bt1_")];
  reader.lock();
  return [...shown, found("winword"), found("bt1_")];
}, (result) => assert.deepEqual(result, [true, false, false, true]));

pageTest("copying yields words or tokens, as the reader is told, and keeps the selection", async (page) => {
  const copied = async () => {
    await page.keyboard.press("Control+c");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const tokens = await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    const tokens = [owner.token("winword.exe"), owner.token("excel.exe")];
    write(document.body, `<p>Used <b>${tokens[0]}</b> today</p><p>${tokens[1]}</p><p>plain</p><input value="field">`);
    globalThis.reader = bt.readPage(document, owner);
    await reader.settled();
    const [first, second] = document.querySelectorAll("p");
    getSelection().setBaseAndExtent(second.firstChild, 5, first.firstChild, 2);
    return tokens;
  });
  assert.equal(await copied(), "ed winword.exe today\n\nexcel");
  await page.evaluate(() => reader.copy = "tokens");
  assert.equal(await copied(), `ed ${tokens[0]} today\n\n${tokens[1]}`);
  assert.equal(await page.evaluate(() => `${getSelection()}`), "ed winword.exe today\n\nexcel");
  assert.equal(await page.evaluate(async () => {
    await reader.settled();
    return document.body.innerText.trim();
  }), "Used winword.exe today\n\nexcel.exe\n\nplain");
  await page.evaluate(() => getSelection().setBaseAndExtent(document.querySelectorAll("p")[2], 0, document.querySelectorAll("p")[2], 1));
  assert.equal(await copied(), "plain");
  await page.evaluate(() => document.querySelector("input").select());
  assert.equal(await copied(), "field");
  await page.evaluate(() => {
    reader.copy = "words";
    getSelection().selectAllChildren(document.querySelector("b"));
  });
  assert.equal(await copied(), "winword.exe");
}, CLIPBOARD);

pageTest("copying tokens works in shadow roots and frames", async (page) => {
  const copied = async () => {
    await page.keyboard.press("Control+c");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const token = await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    const token = owner.token("winword.exe");
    const host = document.body.appendChild(document.createElement("div"));
    const p = document.createElement("p");
    p.append(token);
    host.attachShadow({ mode: "open" }).append(p);
    const frame = document.body.appendChild(document.createElement("iframe"));
    frame.contentDocument.body.append(token);
    globalThis.reader = bt.readPage(document, owner, { copy: "tokens" });
    await reader.settled();
    p.setAttribute("tabindex", "0");
    p.focus();
    host.shadowRoot.getSelection().selectAllChildren(p);
    return token;
  });
  assert.equal(await copied(), token);
  await page.evaluate(() => {
    const frame = document.querySelector("iframe");
    frame.contentWindow.focus();
    frame.contentWindow.getSelection().selectAllChildren(frame.contentDocument.body);
  });
  // The clipboard is read by the page, which needs the focus for that.
  await page.keyboard.press("Control+c");
  await page.evaluate(() => window.focus());
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
}, CLIPBOARD);

pageTest("the accessibility tree has the words, and the reason where a token stays", async (page) => {
  await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    write(document.body, `<table><tr><th>App</th><th>Other</th></tr><tr><td>${owner.token("winword.exe")}</td><td>${owner.refused()}</td></tr></table><button>${owner.token("Open")}</button>`);
    await bt.readPage(document, owner, { explain: () => "no key here" }).settled();
  });
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const find = (role, name) => nodes.find((node) => node.role?.value === role && node.name?.value === name);
  assert.ok(find("cell", "winword.exe"));
  assert.ok(find("button", "Open"));
  assert.ok(nodes.some((node) => node.role?.value === "cell" && node.description?.value === "no key here"));
});

pageTest("a page that is printed at once is printed with its words", async (page) => {
  const printed = await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    const token = owner.token("winword.exe");
    write(document.body, Array.from({ length: 500 }, () => `<p>${token}</p>`).join(""));
    countTurns();
    bt.readPage(document, owner);
    const printed = new Promise((resolve) => addEventListener("beforeprint", () => resolve(document.body.innerText)));
    const early = document.body.innerText.includes("bt1_");
    print();
    return { early, text: await printed };
  });
  assert.ok(printed.early);
  assert.equal(printed.text.includes("bt1_"), false);
  assert.ok(printed.text.startsWith("winword.exe"));
});
