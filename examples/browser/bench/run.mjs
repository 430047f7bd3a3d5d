// Measures the dashboard in Chromium: `node bench/run.mjs [--only NAME]` prints rows as `cargo xtask bench` shows them, in
// JSON. ratio: how many times as long the peer takes.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { init } from "blindtally";
import { logIn, open, PATIENCE, Scene } from "../tests/harness.mjs";
import { Account, tokens, words } from "./account.mjs";
import { COMPUTERS, month } from "./month.mjs";
import { buildPlain, firstReport } from "./report.mjs";
import { serve } from "./serve.mjs";

const only = process.argv[process.argv.indexOf("--only") + 1 || process.argv.length] ?? "";
const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const EVENTS = 100_000;
const CONFIRMED = 10;

const rounded = (number) => Math.round(number * 100) / 100;
function row(figure, ours, peer, goal) {
  const ratio = peer / ours;
  return { figure, ours: rounded(ours), peer: rounded(peer), ratio: rounded(ratio), goal, holds: ratio >= goal };
}

const scene = new Scene();
let started;
/** The service, a browser, and a way to have a build and an account with the month's events. */
const stage = () => started ??= (async () => {
  await init();
  const service = await scene.service();
  const browser = await scene.browser();
  const side = async (folder, login, sealed) => {
    const { url, close } = await serve(folder, service);
    scene.finally(close);
    const account = await Account.create(service.url, login);
    const computers = month(EVENTS / COMPUTERS);
    for (const [at, events] of computers.entries()) await account.upload(`computer-${at}`, events, sealed);
    return { url, login, account };
  };
  return { browser, side, ours: await side(dist, "manager@example.org", tokens) };
})();

async function report() {
  const { browser, side, ours } = await stage();
  const plain = join(scene.folder, "plain");
  await buildPlain(root, plain);
  const times = await firstReport(browser, { ours, peer: await side(plain, "plain@example.org", words) });
  return row("dashboard: first report after unlock, 100,000 events of a month (ms) / over plaintext", ...times, rounded(1 / 1.5));
}

function size() {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((file) => file.isFile() && !file.name.endsWith(".gz"));
  const bytes = files.reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name)), { level: 9 }).length, 0);
  return row("dashboard: everything a browser loads, gzip -9 (KB) / 350 KB", bytes / 1024, 350, 1);
}

/** The worst of several, since what a person waits for is this one device. */
async function confirmation() {
  const { browser, ours: { url, login, account } } = await stage();
  const { context, page } = await open(browser, { url });
  await logIn(page, login);
  await page.locator("table.rows tbody tr").first().waitFor();
  const times = [];
  for (let at = 0; at < CONFIRMED; at++) {
    const device = await account.device(`confirmed-${at}`);
    // At another point between two looks of the dashboard each time.
    await pause(at * 100);
    await device.ask();
    const asked = performance.now();
    while (!await device.hasDelivery()) {
      if (performance.now() - asked > PATIENCE) throw new Error("a device is not confirmed");
      await pause(20);
    }
    times.push(performance.now() - asked);
  }
  await context.close();
  console.error(`  ${times.map((time) => time.toFixed()).join(", ")} ms`);
  return row("dashboard: a device with a ticket is confirmed (ms) / 2,000 ms", Math.max(...times), 2_000, 1);
}

const BENCHES = {
  "dashboard: first report": report,
  "dashboard: everything": size,
  "dashboard: a device": confirmation,
};

try {
  const rows = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (!name.includes(only) && !only.startsWith(name)) continue;
    console.error(`Measuring ${name}`);
    rows.push(await bench());
  }
  console.log(JSON.stringify(rows));
} finally {
  await scene.end();
}
