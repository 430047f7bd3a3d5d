// The first report after unlocking, beside the same dashboard over the same data in the clear.
import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { logIn, open, PATIENCE } from "../tests/harness.mjs";

const RUNS = 9;
const WARM = 2;

/** The dashboard, but that what it calls tokens are words already. */
export async function buildPlain(root, outDir) {
  const { build } = await import("vite");
  const alias = [{ find: /^\.\/words\.ts$/, replacement: join(root, "bench/plain-words.js") }];
  await build({ root, configFile: join(root, "vite.config.mjs"), logLevel: "error", resolve: { alias }, build: { outDir, emptyOutDir: true } });
}

/** Milliseconds until the report is seen, of each side: `{ url, login }`. */
export async function firstReport(browser, sides) {
  const times = { ours: [], peer: [] };
  for (let run = 0; run < WARM + RUNS; run++) {
    const tables = {};
    for (const side of run % 2 ? ["peer", "ours"] : ["ours", "peer"]) {
      const { table, ...parts } = await once(browser, sides[side]);
      tables[side] = table;
      if (run >= WARM) times[side].push(parts);
    }
    deepEqual(tables.ours, tables.peer, "the two dashboards show different reports");
    if (tables.ours.length < 100) throw new Error("a report shows too little");
  }
  for (const [side, all] of Object.entries(times)) {
    const parts = Object.keys(all[0]).map((part) => `${part} ${spread(all.map((each) => each[part]))}`);
    console.error(`  ${side}: ${parts.join(", ")} ms`);
  }
  return [times.ours, times.peer].map((all) => median(all.map(({ all }) => all)));
}

/** One first report, in a browser that has never been there. */
async function once(browser, { url, login }) {
  const { context, page, problems } = await open(browser, { url });
  const shown = page.evaluate(observe, PATIENCE);
  await logIn(page, login);
  const parts = await shown;
  const table = await page.locator("table.rows tbody tr").allInnerTexts();
  deepEqual(problems, []);
  await context.close();
  return { ...parts, table };
}

/** In the page: how long what takes, by its marks, its requests, and its calls of the worker that reveals. */
async function observe(patience) {
  const reveals = [];
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message.method === "revealMany") {
      const from = performance.now();
      const answered = ({ data }) => {
        if (data.call !== message.call) return;
        reveals.push({ from, to: performance.now() });
        this.removeEventListener("message", answered);
      };
      this.addEventListener("message", answered);
    }
    return post.call(this, message, ...rest);
  };
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no report is shown")), patience);
    new PerformanceObserver((list) => {
      if (list.getEntriesByName("report-shown").length > 0) resolve();
    }).observe({ type: "mark", buffered: true });
  });
  const [unlocked, asked, shown] = ["unlocked", "report-asked", "report-shown"].map((mark) => performance.getEntriesByName(mark)[0].startTime);
  const answers = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/v1/totals"));
  const answered = Math.max(...answers.map(({ responseEnd }) => responseEnd).filter((end) => end <= shown));
  const revealed = Math.max(answered, ...reveals.map(({ to }) => to));
  return {
    all: shown - unlocked,
    account: asked - unlocked,
    questions: answered - asked,
    "revealing after them": revealed - answered,
    "revealing in all": reveals.reduce((sum, { from, to }) => sum + to - from, 0),
    "until painted": shown - revealed,
  };
}

const sorted = (numbers) => numbers.toSorted((a, b) => a - b);
const median = (numbers) => sorted(numbers)[Math.floor(numbers.length / 2)];
const spread = (numbers) => `${median(numbers).toFixed(1)} (${Math.min(...numbers).toFixed(1)}–${Math.max(...numbers).toFixed(1)})`;
