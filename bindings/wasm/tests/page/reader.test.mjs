// What the page reader does to a page: words for tokens, through every change, and tokens again after lock.

import assert from "node:assert/strict";
import { inPage, pageTest, server } from "./harness.mjs";

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

inPage("the same token written again is revealed again, without asking again", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("winword.exe");
  document.body.textContent = token;
  const reader = bt.readPage(document, owner);
  document.body.firstChild.data = token;
  await reader.settled();
  return { shown: document.body.textContent, calls: owner.calls.length };
}, (result) => assert.deepEqual(result, { shown: "winword.exe", calls: 1 }));

inPage("a revealed word is never read for tokens or HTML", async () => {
  const owner = new bt.FakeOwner();
  const inner = owner.token("secret");
  const words = [inner, `<img src=/pixel onerror="document.title='ran'"> ${inner}`, "&lt;b&gt;"];
  write(document.body, words.map((word) => `<p>${owner.token(word)}</p>`).join(""));
  const reader = bt.readPage(document, owner);
  await reader.settled();
  reader.refresh();
  await reader.settled();
  const shown = [...document.querySelectorAll("p")].map((p) => p.textContent);
  return { right: shown.every((text, i) => text === words[i]), elements: document.querySelectorAll("p *").length, asked: owner.asked.includes(inner) };
}, (result) => assert.deepEqual(result, { right: true, elements: 0, asked: false }));

inPage("with a worker, tokens stay until it answers, and each is asked for once", async () => {
  const owner = new bt.FakeWorker();
  const [one, two] = [owner.token("one"), owner.token("two")];
  write(document.body, `<p>${one} ${two}</p>`);
  const reader = bt.readPage(document, owner);
  const p = document.querySelector("p");
  const waiting = p.textContent === `${one} ${two}`;
  const q = document.createElement("p");
  q.textContent = one;
  document.body.append(q);
  await observed();
  let settled = false;
  const whenSettled = reader.settled().then(() => settled = true);
  await observed();
  const early = settled;
  owner.next();
  await whenSettled;
  return { waiting, early, shown: document.body.innerText, asked: owner.asked.length };
}, (result) => assert.deepEqual(result, { waiting: true, early: false, shown: "one two\n\none", asked: 2 }));

inPage("what a worker answers after lock, or after the page wrote on, is not shown", async () => {
  const owner = new bt.FakeWorker();
  const [one, two] = [owner.token("one"), owner.token("two")];
  write(document.body, `<p>${one}</p><p>${two}</p>`);
  const [first, second] = document.querySelectorAll("p");
  const reader = bt.readPage(document, owner);
  first.firstChild.data = "plain";
  owner.next();
  await reader.settled();
  const written = first.textContent;
  const revealed = second.textContent;
  reader.lock();
  reader.unlock(owner);
  reader.lock();
  reader.unlock(owner);
  let settled = false;
  const whenSettled = reader.settled().then(() => settled = true);
  owner.next();
  for (let i = 0; i < 10; i++) await observed();
  // What was asked before lock is answered now; what was asked after it is not yet.
  const locked = second.textContent === two && !settled;
  owner.next();
  await whenSettled;
  return { written, revealed, locked, again: second.textContent };
}, (result) => assert.deepEqual(result, { written: "plain", revealed: "two", locked: true, again: "two" }));

inPage("a revealer that rejects or throws leaves the page untouched, and is asked again later", async () => {
  const errors = [];
  const onError = (error) => errors.push(error.code);
  const owner = new bt.FakeWorker();
  const token = owner.token("one");
  write(document.body, `<p>${token}</p>`);
  const before = document.body.innerHTML;
  const reader = bt.readPage(document, owner, { onError });
  owner.fail(new bt.BlindtallyError("wasm.disposed", "disposed"));
  await reader.settled();
  const untouched = document.body.innerHTML === before;
  reader.refresh();
  owner.next();
  await reader.settled();
  const later = document.body.textContent;
  reader.disconnect();
  for (const revealMany of [() => { throw new bt.BlindtallyError("wasm.disposed", "disposed"); }, () => []]) {
    const broken = bt.readPage(document, { revealMany }, { onError });
    await broken.settled();
    broken.disconnect();
  }
  return { untouched, later, errors, end: document.body.innerHTML === before };
}, (result) => assert.deepEqual(result, {
  untouched: true, later: "one", errors: ["wasm.disposed", "wasm.disposed", "page.revealer"], end: true,
}));

inPage("a token that cannot be revealed stays, under a title that says why, until lock or a better token", async () => {
  const owner = new bt.FakeOwner();
  const [foreign, damaged] = [owner.refused("reveal.no-key"), owner.refused("reveal.tampered")];
  const good = owner.token("winword.exe");
  write(document.body, `${foreign}<p>${foreign} and ${good}</p><p title="own">${damaged}</p><p>${damaged}</p><p>${damaged}</p>`);
  const before = document.body.outerHTML;
  const reader = bt.readPage(document, owner, { explain: (code) => `why: ${code}` });
  const [mixed, titled, marked, other] = document.querySelectorAll("p");
  await reader.settled();
  const shown = { text: mixed.textContent === `${foreign} and winword.exe`, titles: [...document.querySelectorAll("p")].map((p) => p.title) };
  const { refused } = reader.statistics;
  marked.firstChild.data = good;
  other.title = "written later";
  await reader.settled();
  const better = marked.hasAttribute("title");
  marked.firstChild.data = damaged;
  await reader.settled();
  reader.lock();
  const later = other.title;
  other.removeAttribute("title");
  return { ...shown, body: document.body.title, refused, better, later, same: document.body.outerHTML === before };
}, (result) => assert.deepEqual(result, {
  text: true, titles: ["why: reveal.no-key", "own", "why: reveal.tampered", "why: reveal.tampered"], body: "", refused: 2, better: false,
  later: "written later", same: true,
}));

inPage("text that only looks like a token is neither asked for nor marked", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("x");
  write(document.body, `<p>${token}A</p><p>x${token}</p><p>bt1_${"A".repeat(48)}</p><p>${token.slice(0, -1)}</p>`);
  const before = document.body.innerHTML;
  await bt.readPage(document, owner).settled();
  return { same: document.body.innerHTML === before, calls: owner.calls.length };
}, (result) => assert.deepEqual(result, { same: true, calls: 0 }));

inPage("no more different tokens are asked for than the limit says; the rest say so", async () => {
  const owner = new bt.FakeOwner();
  write(document.body, Array.from({ length: 30 }, (_, i) => `<p>${owner.token(`word ${i}`)}</p>`).join(""));
  const first = document.querySelector("p").textContent;
  const reader = bt.readPage(document, owner, { maxDistinctTokens: 10 });
  await reader.settled();
  document.querySelector("p:last-child").textContent = first;
  await reader.settled();
  const paragraphs = [...document.querySelectorAll("p")];
  return {
    asked: owner.asked.length,
    words: paragraphs.filter((p) => p.textContent.startsWith("word")).length,
    again: paragraphs.at(-1).textContent,
    titles: new Set(paragraphs.filter((p) => p.title).map((p) => p.title)).size,
  };
}, (result) => assert.deepEqual(result, { asked: 10, words: 11, again: "word 0", titles: 1 }));

inPage("regions limit where words appear and of which classes", async () => {
  const owner = new bt.FakeOwner();
  const [app, title, person] = [owner.token("app", 1), owner.token("title", 2), owner.token("person", 6)];
  const cell = `<i>${app}</i><i>${title}</i><i>${person}</i>`;
  write(document.body, `<main>${cell}<aside>${cell}</aside></main><div>${cell}</div><nav>${cell}</nav>`);
  const reader = bt.readPage(document, owner, {
    regions: [{ within: "aside", classes: ["app"] }, { within: "main", classes: ["app", 2] }, { within: document.querySelector("nav") }],
  });
  await reader.settled();
  const words = (selector) => [...document.querySelectorAll(selector)].map((i) => i.textContent.startsWith("bt1_") ? "-" : i.textContent).join(" ");
  const shown = ["aside", "main", "div", "nav"].map((name) => words(`${name} > i`));
  // A node that moves obeys the region that it is in now.
  document.querySelector("div").append(document.querySelector("main > i"));
  await reader.settled();
  return { shown, moved: words("div > i"), asked: owner.asked.length, marked: document.querySelectorAll("aside [title]").length };
}, (result) => assert.deepEqual(result, { shown: ["app - -", "app title -", "- - -", "app title person"], moved: "- - - -", asked: 3, marked: 2 }));

inPage("attributes are revealed where a region opts in, and followed, and put back", async () => {
  const owner = new bt.FakeOwner();
  const [one, two] = [owner.token("one"), owner.token("two")];
  write(document.body, `<main><p title="see ${one}" aria-label="${one}" data-x="${one}" class="${one}"></p><img alt="${two}"></main><p title="${one}"></p>`);
  const before = document.body.innerHTML;
  const reader = bt.readPage(document, owner, {
    regions: [{ within: "main", attributes: ["title", "alt"] }], contentSecurityPolicy: "own-sources",
  });
  await reader.settled();
  const [p, outside] = document.querySelectorAll("p");
  const shown = [p.title, p.ariaLabel === one, p.dataset.x === one, p.className === one, document.querySelector("img").alt, outside.title === one];
  p.title = two;
  await reader.settled();
  shown.push(p.title);
  p.removeAttribute("title");
  p.setAttribute("title", `see ${one}`);
  await reader.settled();
  shown.push(p.title, reader.statistics.places);
  reader.lock();
  const same = document.body.innerHTML === before;
  return { shown, same };
}, ({ shown, same }) => {
  assert.deepEqual(shown, ["see one", true, true, true, "two", true, "two", "see one", 2]);
  // Attributes come back in the order in which they were written last.
  assert.equal(same, false);
});

inPage("options that cannot be are refused, and attributes without the policy", () => {
  const code = (options) => {
    try {
      bt.readPage(document, new bt.FakeOwner(), options).disconnect();
    } catch (error) {
      return error instanceof bt.BlindtallyError ? error.code : String(error);
    }
  };
  return [
    code({}), code({ maxDistinctTokens: 0 }), code({ regions: [{ within: "p[" }] }), code({ regions: [{ within: "p", classes: ["apps"] }] }),
    code({ regions: [{ within: "p", classes: [8] }] }), code({ regions: [{ within: "p", attributes: ["title"] }] }),
    code({ regions: [{ within: "p", attributes: ["href"] }], contentSecurityPolicy: "own-sources" }),
    code({ region: [] }), code({ regions: [{ within: "p", class: ["app"] }] }), code({ regions: [{ within: undefined }] }),
    code({ regions: [{ within: document }] }), code({ regions: [{ within: "x:is(y" }] }), code({ copy: "token" }),
    code({ regions: [{ within: "p", classes: "app" }] }),
  ];
}, (codes) => assert.deepEqual(codes, [
  null, "page.option", "page.option", "page.option", "page.option", "page.policy", "page.option",
  "page.option", "page.option", "page.option", "page.option", "page.option", "page.option", "page.option",
].map((code) => code ?? undefined)));

inPage("a token split over adjacent texts is one token", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("winword.exe", 1, 64);
  const [a, b, c] = [token.slice(0, 3), token.slice(3, 60), token.slice(60)];
  const p = document.createElement("p");
  const texts = [`Used ${a}`, "", b, `${c}, twice`].map((text) => document.createTextNode(text));
  p.append(texts[0], texts[1], document.createComment("between"), texts[2], texts[3]);
  document.body.append(p);
  const before = p.innerHTML;
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = [texts.map((text) => text.data)];
  // The last piece is rewritten: nothing is left to reveal, then again the same.
  texts[3].data = "!";
  await reader.settled();
  shown.push(texts.map((text) => text.data));
  texts[3].data = `${c} again`;
  await reader.settled();
  shown.push(texts.map((text) => text.data));
  texts[2].remove();
  await reader.settled();
  shown.push(texts.map((text) => text.data));
  texts[1].after(texts[2]);
  texts[3].data = `${c}, twice`;
  await reader.settled();
  shown.push(texts.map((text) => text.data));
  reader.lock();
  return { shown, a, b, c, end: texts.map((text) => text.data).join("|"), asked: owner.asked.length };
}, ({ shown, a, b, c, end, asked }) => {
  assert.deepEqual(shown, [
    ["Used winword.exe", "", "", ", twice"], [`Used ${a}`, "", b, "!"], ["Used winword.exe", "", "", " again"],
    [`Used ${a}`, "", b, `${c} again`], ["Used winword.exe", "", "", ", twice"],
  ]);
  assert.equal(end, `Used ${a}||${b}|${c}, twice`);
  assert.equal(asked, 1);
});

inPage("a token that is whole in one of several adjacent texts is revealed, as templates write them", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("winword.exe");
  const p = document.createElement("p");
  p.append("5", token, "px", document.createElement("br"), token, token);
  document.body.append(p);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = p.innerText;
  reader.lock();
  return { shown, locked: p.textContent === `5${token}px${token}${token}` };
}, (result) => assert.deepEqual(result, { shown: "5winword.exepx\nwinword.exewinword.exe", locked: true }));

inPage("a hundred thousand small adjacent texts end", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("x");
  const p = document.createElement("p");
  for (let i = 0; i < 100_000; i++) p.append("bt1_"[i % 4]);
  p.append(" ", token);
  document.body.append(p);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  return p.lastChild.data;
}, (text) => assert.equal(text, "x"));

inPage("open shadow roots are read, also nested, late and upgraded ones", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  const text = (parent) => parent.appendChild(document.createTextNode(token));
  const host = document.body.appendChild(document.createElement("div"));
  const inner = host.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
  const texts = [text(host.shadowRoot), text(inner.attachShadow({ mode: "open" }))];
  const upgraded = document.body.appendChild(document.createElement("x-late"));
  const closed = document.body.appendChild(document.createElement("div"));
  const hidden = text(closed.attachShadow({ mode: "closed" }));
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = [texts.map(({ data }) => data).join()];

  const added = document.createElement("div");
  texts.push(text(added.attachShadow({ mode: "open" })));
  document.body.append(added);
  await observed();
  shown.push(texts[2].data);
  texts[2].data = `again ${token}`;
  await observed();
  shown.push(texts[2].data);

  customElements.define("x-late", class extends HTMLElement {
    constructor() {
      super();
      texts.push(text(this.attachShadow({ mode: "open" })));
    }
  });
  await customElements.whenDefined("x-late");
  await reader.settled();
  shown.push(upgraded.shadowRoot.textContent);

  const quiet = document.body.appendChild(document.createElement("div"));
  await reader.settled();
  texts.push(text(quiet.attachShadow({ mode: "open" })));
  await reader.settled();
  const unseen = texts.at(-1).data === token;
  reader.refresh();
  await reader.settled();
  shown.push(texts.at(-1).data);
  reader.lock();
  return { shown, unseen, hidden: hidden.data === token, locked: texts.every(({ data }) => data.endsWith(token)) };
}, (result) => assert.deepEqual(result, { shown: ["word,word", "word", "again word", "word", "word"], unseen: true, hidden: true, locked: true }));

inPage("a reader of a shadow root or an element reads nothing else", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  write(document.body, `<p>${token}</p><section>${token}</section><div>${token}</div>`);
  const [p, section, div] = document.body.children;
  div.attachShadow({ mode: "open" }).append(token);
  const readers = [bt.readPage(section, owner), bt.readPage(div.shadowRoot, owner)];
  for (const reader of readers) await reader.settled();
  return [p, section, div, div.shadowRoot].map((node) => node.textContent === token ? "token" : node.textContent);
}, (result) => assert.deepEqual(result, ["token", "word", "token", "word"]));

pageTest("frames of the same origin are read, also those that load later; others are not", async (page) => {
  const token = await page.evaluate(() => bt.makeToken(1));
  server.pages.set("/frame", `<!DOCTYPE html><p>${token}</p>`);
  server.pages.set("/sandboxed", { body: `<!DOCTYPE html><p>${token}</p>`, csp: "sandbox allow-scripts; script-src 'none'" });
  const result = await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    const token = owner.token("word");
    const load = async (frame, src) => {
      if (!frame.isConnected) document.body.append(frame);
      // The reader, when there is one, is told of the load before we are.
      await observed();
      await new Promise((resolve) => {
        frame.addEventListener("load", resolve, { once: true });
        frame.src = src;
      });
    };
    const first = document.createElement("iframe");
    await load(first, "/frame");
    const reader = bt.readPage(document, owner);
    await reader.settled();
    const text = (frame) => frame.contentDocument.body.textContent;
    const shown = [text(first)];
    const later = document.createElement("iframe");
    await load(later, "/frame");
    await reader.settled();
    shown.push(text(later));
    const p = later.contentDocument.createElement("p");
    p.append(` and ${token}`);
    later.contentDocument.body.append(p);
    await reader.settled();
    shown.push(text(later));
    await load(later, "/frame?again");
    await reader.settled();
    shown.push(text(later), reader.statistics.places);
    const other = document.createElement("iframe");
    await load(other, "/sandboxed");
    await reader.settled();
    shown.push(other.contentDocument, reader.statistics.places);
    const held = first.contentDocument.querySelector("p").firstChild;
    first.remove();
    await reader.settled();
    shown.push(held.data === token, reader.statistics.places);
    reader.lock();
    shown.push(text(later) === token);
    return shown;
  });
  assert.deepEqual(result, ["word", "word", "word and word", "word", 2, null, 2, true, 1, true]);
});

inPage("a node that leaves the page gets its token back, and its word when it returns; moving changes nothing", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  write(document.body, `<ul><li>${token}</li></ul><ol></ol>`);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const li = document.querySelector("li");
  document.querySelector("ol").append(li);
  await observed();
  const shown = [li.textContent];
  li.remove();
  await observed();
  shown.push(li.textContent === token, reader.statistics.places);
  document.body.append(li);
  await observed();
  shown.push(li.textContent, owner.calls.length);
  return shown;
}, (result) => assert.deepEqual(result, ["word", true, 0, "word", 1]));

pageTest("nodes that left the page are not kept in memory", async (page) => {
  const session = await page.context().newCDPSession(page);
  await page.evaluate(async () => {
    const owner = new bt.FakeOwner();
    globalThis.reader = bt.readPage(document, owner);
    globalThis.gone = [];
    for (let i = 0; i < 20; i++) {
      const p = document.createElement("p");
      p.attachShadow({ mode: "open" }).append(owner.token(`word ${i}`));
      p.append(owner.refused());
      document.body.append(p);
      gone.push(new WeakRef(p));
    }
    await reader.settled();
    document.body.replaceChildren();
    await reader.settled();
  });
  await session.send("HeapProfiler.collectGarbage");
  assert.equal(await page.evaluate(() => gone.filter((ref) => ref.deref()).length), 0);
});

inPage("text that becomes editable gets its token back, and its word when it no longer is", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  write(document.body, `<table><tr><td>${token}</td></tr></table>`);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const td = document.querySelector("td");
  const shown = [td.textContent];
  td.contentEditable = "true";
  await reader.settled();
  shown.push(td.textContent === token);
  td.removeAttribute("contenteditable");
  await reader.settled();
  shown.push(td.textContent);
  document.body.contentEditable = "true";
  await reader.settled();
  shown.push(td.textContent === token);
  return shown;
}, (result) => assert.deepEqual(result, ["word", true, "word", true]));

inPage("text that becomes editable, or leaves, between being found and being revealed keeps its token", async () => {
  const owner = new bt.FakeWorker();
  const [one, two, three] = ["one", "two", "three"].map((word) => owner.token(word));
  write(document.body, `<p>${one}</p><p>${two}</p><p>${three}</p>`);
  const [edited, removed, kept] = document.querySelectorAll("p");
  const reader = bt.readPage(document, owner);
  edited.contentEditable = "true";
  removed.remove();
  owner.next();
  await reader.settled();
  const worker = [edited.textContent === one, removed.textContent === two, kept.textContent];
  reader.disconnect();

  // The same in slices, where the first ends between the two.
  const sync = new bt.FakeOwner();
  sync.words = owner.words;
  write(document.body, Array.from({ length: 600 }, () => `<p>${one}</p>`).join(""));
  countTurns();
  const slow = bt.readPage(document, sync);
  const paragraphs = [...document.querySelectorAll("p")];
  const late = paragraphs.filter((p) => p.textContent === one);
  for (const p of late) p.contentEditable = "true";
  await slow.settled();
  return { worker, late: late.length > 0, left: late.every((p) => p.textContent === one), words: paragraphs.filter((p) => p.textContent === "one").length + late.length };
}, (result) => assert.deepEqual(result, { worker: [true, true, "three"], late: true, left: true, words: 600 }));

inPage("what the page writes while much is still to be done is shown before the rest", async () => {
  const owner = new bt.FakeOwner();
  const [many, fresh] = [owner.token("many"), owner.token("fresh")];
  write(document.body, Array.from({ length: 20_000 }, () => `<p>${many}</p>`).join(""));
  countTurns();
  const reader = bt.readPage(document, owner);
  const p = document.createElement("p");
  p.textContent = fresh;
  document.body.append(p);
  await observed();
  const early = [p.textContent, document.querySelector("p:nth-last-child(2)").textContent === many];
  await reader.settled();
  return [...early, document.body.textContent.includes("bt1_")];
}, (result) => assert.deepEqual(result, ["fresh", true, false]));

inPage("lock forgets; unlock starts again, with another owner too; disconnect is for good", async () => {
  const owner = new bt.FakeOwner();
  const other = new bt.FakeOwner();
  const token = owner.token("word");
  other.words.set(token, "other word");
  document.body.textContent = token;
  const signal = new AbortController();
  const reader = bt.readPage(document, owner, { signal: signal.signal });
  await reader.settled();
  reader.lock();
  reader.lock();
  document.body.append(" ", token);
  await reader.settled();
  const locked = document.body.textContent === `${token} ${token}`;
  const refused = await reader.revealText(token).catch(({ code }) => code);
  reader.unlock(other);
  await reader.settled();
  const unlocked = document.body.textContent;
  signal.abort();
  const aborted = document.body.textContent === `${token} ${token}`;
  let code;
  try {
    reader.unlock();
  } catch (error) {
    code = error.code;
  }
  const scoped = bt.readPage(document, owner);
  await scoped.settled();
  scoped[Symbol.dispose]();
  return { locked, refused, unlocked, aborted, code, calls: other.calls.length, disposed: document.body.textContent === `${token} ${token}` };
}, (result) => assert.deepEqual(result, {
  locked: true, refused: "page.locked", unlocked: "other word other word", aborted: true, code: "page.disconnected", calls: 1, disposed: true,
}));

inPage("a long job is done in slices: other tasks run in between", async () => {
  const owner = new bt.FakeOwner();
  const tokens = Array.from({ length: 2000 }, (_, i) => owner.token(`word ${i}`));
  write(document.body, Array.from({ length: 3000 }, (_, i) => `<p hidden>${tokens[i % 2000]}</p>`).join(""));
  const turns = countTurns();
  const reader = bt.readPage(document, owner);
  await reader.settled();
  return { turns: turns.count, wrong: document.querySelectorAll("p").length - [...document.querySelectorAll("p")].filter((p) => p.textContent.startsWith("word")).length, most: Math.max(...owner.calls.map((call) => call.length)) };
}, ({ turns, wrong, most }) => {
  assert.ok(turns > 2, `${turns} turns`);
  assert.equal(wrong, 0);
  assert.ok(most <= 512, `${most} tokens in one call`);
});

inPage("a text of ten million characters is searched in slices", async () => {
  const owner = new bt.FakeOwner();
  const tokens = Array.from({ length: 1000 }, (_, i) => owner.token(`word ${i}`));
  const line = `${tokens.join(" ")}\n`;
  const hidden = document.createElement("div");
  hidden.hidden = true;
  const text = hidden.appendChild(document.createTextNode(line.repeat(Math.ceil(1e7 / line.length)) + "bt1_".repeat(1e5) + " " + tokens[0]));
  document.body.append(hidden);
  const before = text.data;
  const turns = countTurns();
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = text.data;
  reader.lock();
  return { turns: turns.count, left: shown.match(/bt1_E/g), start: shown.slice(0, 13), end: shown.slice(-7), same: text.data === before };
}, ({ turns, ...rest }) => {
  assert.ok(turns > 2, `${turns} turns`);
  assert.deepEqual(rest, { left: null, start: "word 0 word 1", end: " word 0", same: true });
});

inPage("many tokens beside a comment, and many comments, are looked at once", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word", 1);
  // The first of the second half is glued to the y.
  const many = `${token} `.repeat(20_000);
  write(document.body, `<p>${many}x<!-- -->y${many}</p><div>${`a${"<!---->".repeat(2000)}`.repeat(128)}</div>`);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  return { words: document.querySelector("p").textContent.split("word").length - 1, asked: owner.asked.length };
}, (result) => assert.deepEqual(result, { words: 39_999, asked: 1 }));

inPage("what copies, sends or keeps a word by markup alone gets none", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("secret", 1);
  write(document.body, `<div dir=auto>${token}<input name=a dirname=b></div><bdi>${token}<input name=c dirname=d></bdi>
    <select><button><selectedcontent></selectedcontent></button><option value=1>${token}</option></select>
    <svg><foreignObject><title>${token}</title></foreignObject></svg><p>${token}</p>`);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const shown = [...document.querySelectorAll("div, bdi, option, title, p")].map((element) => element.textContent.trim());
  reader.lock();
  return { shown: shown.map((text) => text === "secret") };
}, ({ shown }) => assert.deepEqual(shown.filter(Boolean).length, 1));

inPage("another owner takes over at once, and callbacks that throw stop nothing", async () => {
  const [one, two] = [new bt.FakeOwner(), new bt.FakeOwner()];
  const token = one.token("one", 1);
  two.words.set(token, "two");
  write(document.body, `<p>${one.refused()}</p><p>${token}</p>`);
  const reader = bt.readPage(document, one, { explain: () => { throw new Error("theirs"); } });
  await reader.settled();
  const word = () => document.body.lastChild.textContent;
  const first = word();
  reader.unlock(two);
  await reader.settled();
  return { first, second: word(), title: document.querySelector("p").title };
}, (shown) => assert.deepEqual(shown, { first: "one", second: "two", title: "This token is damaged or belongs to another account." }), { expected: [/theirs/] });

inPage("markup that takes the names of DOM properties stops nothing", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  const names = [
    "closest", "contains", "getRootNode", "ownerDocument", "nodeType", "localName", "shadowRoot", "parentElement", "host", "defaultView",
    "designMode", "createNodeIterator", "addEventListener", "getAttribute", "getAttributeNode", "setAttribute", "hasAttribute", "namespaceURI",
    "attributes", "isConnected", "firstChild", "childNodes", "querySelectorAll",
  ];
  write(document.body, names.map((name) => `<img name="${name}"><form name="${name}"></form>`).join("")
    + `<form>${token} ${owner.refused()}${names.map((name) => `<input name="${name}">`).join("")}</form><p>${token}</p>`);
  const reader = bt.readPage(document, owner);
  await reader.settled();
  const form = [...document.forms].at(-1);
  const text = HTMLElement.prototype.__lookupGetter__("innerText").call(form);
  const p = Document.prototype.querySelector.call(document, "p");
  const shown = [text.slice(0, 5), p.textContent];
  Element.prototype.remove.call(form);
  p.firstChild.data = `again ${token}`;
  await reader.settled();
  return [...shown, p.textContent, reader.statistics.places];
}, (result) => assert.deepEqual(result, ["word ", "word", "again word", 1]));
