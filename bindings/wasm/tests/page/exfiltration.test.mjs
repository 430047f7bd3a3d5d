// A malicious service plays: it chooses the data and markup of the page, and wants to learn what the tokens say.

import assert from "node:assert/strict";
import { inPage, pageTest, server } from "./harness.mjs";

inPage("only text that people read is touched: no link, form, script, style, hidden or edited text, no document title", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("secret", 4);
  write(document.head, `<title>${token}</title><meta name="description" content="${token}"><style media="print">p::after { content: "${token}" }</style>`);
  write(document.body, `
    <a href="/collect?${token}" ping="/collect?${token}" data-x="${token}" id="${token}" class="${token}" title="${token}">link</a>
    <img src="/pixel?${token}" alt="${token}" srcset="/pixel?${token} 2x" hidden loading="lazy">
    <form action="/collect?${token}"><input value="${token}" placeholder="${token}" name="${token}"><textarea>${token}</textarea>
      <select><option>${token}</option><option label="${token}">${token}</option></select><input type="hidden" value="${token}">
      <button value="${token}" formaction="/collect?${token}" aria-label="${token}">send</button><input list="l"><datalist id="l"><option>${token}</option></datalist></form>
    <script type="text/plain">${token}</script><script type="application/json">{"a":"${token}"}</script>
    <style media="print">a[href*="${token}"] { color: red }</style><template><p>${token}</p></template><noscript>${token}</noscript>
    <div contenteditable><p>${token}<span contenteditable="false">${token}</span></p></div><div contenteditable="plaintext-only">${token}</div>
    <svg><style media="print">${token}</style><script type="text/plain">${token}</script><a href="/collect?${token}"><circle r="1"/></a></svg>
    <iframe srcdoc="<a href='/collect?${token}'>x</a><img hidden src='/pixel?${token}'><textarea>${token}</textarea>"></iframe>
    <object data="/pixel?${token}" hidden></object><title>${token}</title><!-- ${token} --><xmp hidden title="${token}"></xmp>`);
  // A form that was never closed takes what follows into its field.
  const p = document.createElement("p");
  write(p, `<textarea>\n<b>${token}</b>`);
  document.body.append(p);
  const frame = document.querySelector("iframe");
  await new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  const [before, beforeFrame] = [document.documentElement.outerHTML, frame.contentDocument.documentElement.outerHTML];
  const reader = bt.readPage(document, owner);
  await reader.settled();
  return {
    same: document.documentElement.outerHTML === before, frame: frame.contentDocument.documentElement.outerHTML === beforeFrame,
    places: reader.statistics.places, asked: owner.asked.length, title: document.title === token,
    fields: [...new FormData(document.forms[0])].flat().some((text) => text.includes("secret")),
  };
}, (result) => assert.deepEqual(result, { same: true, frame: true, places: 0, asked: 0, title: true, fields: false }), {
  expected: [/violates .* directive 'style-src 'self'/, /404/],
});

inPage("text beside them is revealed, and an option that has a value of its own", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  write(document.body, `<a href="/x?${token}">${token}</a><form><select name="app"><option value="${token}" selected>${token}</option></select>
    <label>${token}</label></form><svg><title>${token}</title><text>${token}</text></svg>`);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  return {
    places: reader.statistics.places, href: document.querySelector("a").getAttribute("href") === `/x?${token}`,
    sent: new FormData(document.forms[0]).get("app") === token, shown: document.querySelector("option").text,
  };
}, (result) => assert.deepEqual(result, { places: 5, href: true, sent: true, shown: "word" }));

pageTest("a link or form that is clicked sends the token, never the word", async (page) => {
  const token = await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    const token = owner.token("secret");
    write(document.body, `<form action="/collect" target="sink"><input name="q" value="${token}"><select name="s"><option>${token}</option></select>
      <textarea name="t">${token}</textarea><button name="b" value="${token}">${token}</button></form><iframe name="sink"></iframe>`);
    await bt.readPage(document, owner).settled();
    return token;
  });
  server.pages.set("/collect", "<!DOCTYPE html>");
  await Promise.all([page.waitForResponse(/\/collect/), page.click("button")]);
  const sent = server.requests.filter((url) => url.startsWith("/collect"));
  assert.deepEqual(sent, [`/collect?q=${token}&s=${token}&t=${token}&b=${token}`]);
});

/** A style sheet that asks for an image for each first letter of a title, and for a font for each letter of a text. */
const SPYING = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `
  [title^="${letter}"] { background: url("/leak/title-${letter}") }
  @font-face { font-family: spy; src: url("/leak/font-${letter}"); unicode-range: U+${letter.charCodeAt(0).toString(16)} }`).join("\n")
  + "p { font-family: spy }";

function leaks() {
  const found = server.requests.filter((url) => url.startsWith("/leak/")).map((url) => url.slice(6));
  server.requests.length = 0;
  return [...new Set(found)].sort();
}

async function revealSpied(page, options) {
  return page.evaluate(async (given) => {
    const owner = new bt.FakeOwner();
    const token = owner.token("fig");
    write(document.body, `<p title="${token}">${token}</p>`);
    await bt.readPage(document, owner, given).settled();
    await document.fonts.ready;
    // Two frames: styles are computed in the first and what they load is asked for by the second.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return [document.querySelector("p").textContent, document.querySelector("p").title === token];
  }, options);
}

pageTest("a style sheet of the page's own cannot select by a word: attributes are not touched without opting in", async (page) => {
  server.pages.set("/spy.css", { body: SPYING, type: "text/css" });
  await page.evaluate(() => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = "/spy.css";
    const loaded = new Promise((resolve) => link.addEventListener("load", resolve));
    document.head.append(link);
    return loaded;
  });
  leaks();
  assert.deepEqual(await revealSpied(page, {}), ["fig", true]);
  // Fonts of the page's own origin do show which letters a text has: such an origin must not be the service's.
  const learned = leaks();
  assert.ok(learned.includes("font-f") && !learned.includes("title-f"), `${learned}`);
}, { expected: [/404/, /Failed to (load|decode)/, /OTS/] });

pageTest("a style sheet in the data is inert under the policy that the reader asks for", async (page) => {
  leaks();
  await page.evaluate((css) => {
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
  }, SPYING);
  assert.deepEqual(await revealSpied(page, { regions: [{ within: "p", attributes: ["title"] }], contentSecurityPolicy: "own-sources" }), ["fig", false]);
  assert.deepEqual(leaks(), []);
}, { expected: [/Content Security Policy directive.*style-src 'self'/] });

pageTest("without that policy the same style sheet does learn words: the attack is real", async (page) => {
  leaks();
  await page.evaluate((css) => {
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
  }, SPYING);
  await revealSpied(page, { regions: [{ within: "p", attributes: ["title"] }], contentSecurityPolicy: "own-sources" });
  const learned = leaks();
  for (const leak of ["title-f", "font-f", "font-g", "font-i"]) assert.ok(learned.includes(leak), `${leak} in ${learned}`);
}, { path: "/open", expected: [/404/, /Failed to (load|decode)/, /OTS/] });

inPage("attributes cannot be opted into without saying that the policy is there", () => {
  try {
    bt.readPage(document, new bt.FakeOwner(), { regions: [{ within: "body", attributes: ["title"] }] });
  } catch (error) {
    return error.code;
  }
}, (code) => assert.equal(code, "page.policy"));

inPage("of a hundred thousand chosen tokens, the limit's number is asked for", async () => {
  const owner = new bt.FakeOwner();
  owner.answer = (tokens) => tokens.map(() => "x");
  const p = document.createElement("p");
  p.hidden = true;
  const tokens = [];
  for (let i = 0; i < 100_000; i++) tokens.push(bt.makeToken(i));
  p.textContent = tokens.join(" ");
  document.body.append(p);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  // More of them, one after the other, come to nothing.
  for (let i = 0; i < 100; i++) {
    const b = document.createElement("b");
    b.append(bt.makeToken(200_000 + i));
    p.after(b);
  }
  await reader.settled();
  return { asked: owner.asked.length, words: p.textContent.split(" ").filter((word) => word === "x").length, late: document.querySelector("b").title };
}, (result) => assert.deepEqual(result, { asked: 20_000, words: 20_000, late: "This page holds more different tokens than it may show." }));

inPage("a class that a region does not show is not even asked for", async () => {
  const owner = new bt.FakeOwner();
  write(document.body, `<p>${owner.token("secret", 2)}</p>`);
  await bt.readPage(document, owner, { regions: [{ within: "body", classes: ["app"] }] }).settled();
  return owner.calls.length;
}, (calls) => assert.equal(calls, 0));
