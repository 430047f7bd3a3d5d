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
  const [script, all] = ["script", "all"].map((kind) => median(tasks.tokens.map((task) => task[kind])));
  const peerAll = median(tasks.words.map((task) => task.all));
  return [
    { figure: "page reader: 10,000 tokens, words on screen (ms)", ours, peer, ratio: ours / peer, goal: "at most 1.5x", holds: ours / peer <= 1.5 },
    { figure: "page reader: longest task of its own (ms)", ours: script, peer: null, ratio: null, goal: "at most 50 ms", holds: script <= 50 },
    { figure: "page reader: longest task of the browser and the page (ms)", ours: all, peer: peerAll, ratio: all / peerAll, goal: "at most 50 ms or the peer's", holds: all <= Math.max(50, peerAll) },
    { figure: "page reader: 60 updates a second of 50 cells (frames/s)", ours: frames.tokens, peer: frames.words, ratio: frames.tokens / frames.words, goal: "at least 55", holds: frames.tokens >= 55 },
  ];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The longest tasks of the page's main thread between its marks: of all, and of those that ran the reader's code. */
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
    const main = events.filter(({ tid, pid, ph }) => tid === start.tid && pid === start.pid && ph === "X");
    const within = main.filter(({ ts, dur = 0 }) => ts + dur >= start.ts && ts <= end.ts);
    const runs = within.filter(({ name }) => name === "RunTask" || name === "ThreadControllerImpl::RunTask");
    const layouts = within.filter(({ name }) => ["Layout", "UpdateLayoutTree", "PrePaint", "Paint", "Layerize", "Commit"].includes(name));
    const script = runs.filter((task) => !layouts.some(({ ts }) => ts >= task.ts && ts <= task.ts + task.dur));
    const longest = (list) => Math.max(0, ...list.map(({ dur }) => dur)) / 1000;
    return { all: longest(runs), script: longest(script), runs: runs.filter(({ dur }) => dur > 5000).map(({ dur }) => Math.round(dur / 1000)) };
  };
}
