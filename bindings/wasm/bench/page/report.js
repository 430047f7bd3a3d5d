// Runs in the page that is measured: says when its words are on the screen, or how many frames it draws.

const parameters = new URLSearchParams(location.search);
const reads = parameters.get("reads") === "tokens";

/** The next frame is on the screen. */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(0);
  }));
}

async function read() {
  const [{ readPage }, { prepare }] = await Promise.all([import("/dist/page.js"), import(parameters.get("revealer"))]);
  const words = JSON.parse(document.querySelector("#words").textContent);
  const { tokens, revealer } = await prepare(words);
  return { reader: () => readPage(document, revealer), tokens, words };
}

/** Milliseconds from when the page is ready to be read until all words are on the screen. */
async function shown() {
  const { reader } = reads ? await read() : {};
  await document.fonts.ready;
  const start = performance.now();
  document.body.append(document.querySelector("template").content);
  performance.mark("read");
  await reader?.().settled();
  await painted();
  performance.mark("shown");
  if (document.querySelector("td").textContent.startsWith("bt1_")) throw new Error("no words are shown");
  return performance.now() - start;
}

/** Frames a second while 50 cells are written 60 times a second. */
async function frames(seconds) {
  const { reader, tokens, words } = reads ? await read() : { words: JSON.parse(document.querySelector("#words").textContent) };
  const values = tokens ?? words;
  document.body.append(document.querySelector("template").content);
  await reader?.().settled();
  const texts = [...document.querySelectorAll("td")].map((td) => td.firstChild);
  let next = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 50; i++) {
      next++;
      texts[next * 7 % texts.length].data = values[next * 13 % values.length];
    }
  }, 1000 / 60);
  await painted();
  const start = performance.now();
  let count = 0;
  let last = start;
  while (last - start < seconds * 1000) {
    last = await new Promise(requestAnimationFrame);
    count++;
    if (texts[next * 7 % texts.length].data.startsWith("bt1_")) throw new Error("a token was painted");
  }
  clearInterval(timer);
  return count / ((last - start) / 1000);
}

globalThis.bench = { shown, frames };
