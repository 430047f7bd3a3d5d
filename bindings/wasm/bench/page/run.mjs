// What the page reader costs in Chromium, beside the same page that holds its words already.

const ROWS = 2500;
const LIVE_ROWS = 50;
const DISTINCT = 2000;
const RUNS = 7;
const WARM = 2;

/** Values as reports hold them: names of programs, titles of windows, addresses; 11, 45 and 93 bytes. */
function reportWords() {
  return Array.from({ length: DISTINCT }, (_, i) => {
    const start = ["app-", "Quarterly report ", "https://intranet.example/"][i % 3] + i.toString().padStart(4, "0");
    return start.padEnd([11, 45, 93][i % 3], "-abcdefgh ijklmnop");
  });
}

/** A report of 10,000 values in rows of four; in a template, so that nothing is laid out before the clock starts. */
function reportHtml(values, words, count) {
  const rows = Array.from({ length: count }, (_, row) =>
    `<tr>${[0, 1, 2, 3].map((column) => `<td>${values[(row * 4 + column) * 7 % values.length]}</td>`).join("")}</tr>`);
  return `<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Report</title><link rel=icon href=data:,>
<script type=application/json id=words>${JSON.stringify(words)}</script><script type=module src=/bench/page/report.js></script>
<body><template><table>${rows.join("")}</table></template></body></html>`;
}

/**
 * Measures in `browser`. `baseUrl` serves the package as `/dist/` and this folder as `/bench/page/`; the module at
 * `revealerModule` has `prepare(words)`, as fake.js has.
 */
export async function run(browser, baseUrl, { revealerModule = "/bench/page/fake.js" } = {}) {
  const context = await browser.newContext();
  const words = reportWords();
  const maker = await context.newPage();
  await maker.goto(`${baseUrl}/bench/page/report.js`);
  const tokens = await maker.evaluate(async ([module, given]) => (await (await import(module)).prepare(given)).tokens, [baseUrl + revealerModule, words]);
  await maker.close();
  await context.route(`${baseUrl}/report?*`, (route) => {
    const parameters = new URL(route.request().url()).searchParams;
    return route.fulfill({
      contentType: "text/html", body: reportHtml(parameters.get("reads") === "tokens" ? tokens : words, words, parameters.get("rows")),
    });
  });
  const open = async (reads, rows) => {
    const page = await context.newPage();
    await page.goto(`${baseUrl}/report?reads=${reads}&rows=${rows}&revealer=${encodeURIComponent(revealerModule)}`);
    await page.waitForFunction("globalThis.bench !== undefined");
    return page;
  };

  const times = { words: [], tokens: [] };
  const tasks = { words: [], tokens: [] };
  for (let i = 0; i < WARM + RUNS; i++) {
    for (const reads of i % 2 ? ["words", "tokens"] : ["tokens", "words"]) {
      const page = await open(reads, ROWS);
      const stop = await trace(page);
      const time = await page.evaluate(() => bench.shown());
      const task = await stop();
      await page.close();
      if (i < WARM) continue;
      times[reads].push(time);
      tasks[reads].push(task);
    }
  }
  const frames = {};
  for (const reads of ["words", "tokens"]) {
    const page = await open(reads, LIVE_ROWS);
    frames[reads] = await page.evaluate(() => bench.frames(4));
    await page.close();
  }
  await context.close();

  const [ours, peer] = [median(times.tokens), median(times.words)];
  const [own, all, peerAll] = [tasks.tokens.map((task) => task.script), tasks.tokens.map((task) => task.all), tasks.words.map((task) => task.all)].map(median);
  // Less than a millisecond is none.
  const beyond = Math.max(all - peerAll, 1);
  const rounded = (number) => Math.round(number * 100) / 100;
  const row = (figure, ours, peer, ratio, goal) =>
    ({ figure: `page reader: ${figure}`, ours: rounded(ours), peer: rounded(peer), ratio: rounded(ratio), goal, holds: ratio >= goal });
  return [
    row("10,000 tokens, words on the screen (ms) / words already there", ours, peer, peer / ours, rounded(1 / 1.5)),
    row("longest stretch of script (ms) / 50 ms", own, 50, 50 / own, 1),
    row("longest task beyond the layout of a page of words (ms) / 50 ms", beyond, 50, 50 / beyond, 1),
    row("60 updates a second of 50 cells (frames/s) / 55", frames.tokens, 55, frames.tokens / 55, 1),
  ];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The longest task of the page's main thread between its marks, and the longest stretch of script in one. */
async function trace(page) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents", traceConfig: { includedCategories: ["toplevel", "devtools.timeline", "blink.user_timing"] },
  });
  return async () => {
    const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await complete;
    const mark = (name) => events.find((event) => event.name === name && event.cat.includes("blink.user_timing"));
    const [start, end] = [mark("read"), mark("shown")];
    const longest = (...names) => Math.max(...events
      .filter(({ tid, pid, ph, name, ts, dur = 0 }) => tid === start.tid && pid === start.pid && ph === "X" && names.includes(name)
        && ts + dur > start.ts && ts < end.ts)
      // What the page did before it was read is not counted.
      .map(({ ts, dur = 0 }) => ts + dur - Math.max(ts, start.ts))) / 1000;
    return { all: longest("ThreadControllerImpl::RunTask"), script: longest("FunctionCall", "BlinkScheduler_PerformMicrotaskCheckpoint") };
  };
}
