// What the tests of the dashboard share: the real service that serves it, real agents, Debian's Chromium, and a page whose
// every complaint counts.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { PNG } from "pngjs";
import { launch } from "../../../bindings/wasm/tests/browser.mjs";

export { launch };

/** How long something may take before it is taken to be wrong, in milliseconds. */
export const PATIENCE = 60_000;
export const PASSWORD = "correct horse battery staple";

const PROGRAMS = process.env.BLINDTALLY_PROGRAMS ?? join(import.meta.dirname, "../../../target/release");
/** What ActivityWatch exported of an invented day, of which the tests know a few things. */
export const EXPORT = process.env.BLINDTALLY_EXPORT ?? join(import.meta.dirname, "../../../target/demo/export.json");

/** A folder of the test's own, and whatever it starts; `end` stops and removes it all. */
export class Scene {
  folder = mkdtempSync(join(tmpdir(), "blindtally-dashboard-"));
  #computers = 0;
  #endings = [() => rmSync(this.folder, { recursive: true, force: true })];

  /** Done at the end, the last first. */
  finally(ending) {
    this.#endings.push(ending);
  }

  async end() {
    for (const ending of this.#endings.reverse()) await ending();
  }

  /** The service with an empty database. */
  async service(...args) {
    const database = join(this.folder, "blindtally.db");
    const child = spawn(join(PROGRAMS, "blindtally-server"), ["--listen", "127.0.0.1:0", "--database", `sqlite://${database}`, ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const stop = () => new Promise((resolve) => {
      if (child.exitCode !== null) return resolve();
      child.once("exit", resolve);
      child.kill("SIGTERM");
    });
    this.finally(stop);
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url) return { url, stop, database };
    }
    throw new Error("the service does not start");
  }

  /** A computer with an agent. */
  computer(service, name) {
    return new Computer(join(this.folder, `agent-${++this.#computers}`), service, name);
  }

  async browser() {
    const browser = await launch();
    this.finally(() => browser.close());
    return browser;
  }
}

/** The agent of a computer, run as a person would run it. */
export class Computer {
  constructor(state, service, name) {
    Object.assign(this, { state, service, name });
  }

  /** Its answer, or its error in `error`. */
  run(args, input = "") {
    const { stdout } = spawnSync(join(PROGRAMS, "blindtally-agent"), ["--state", this.state, "--json", ...args], { input, encoding: "utf8" });
    return JSON.parse(stdout);
  }

  enroll(ticket) {
    return this.run(["enroll", "--ticket-fd", "0", "--server", this.service.url, "--name", this.name], `${ticket}\n`);
  }

  enrollByCode(code) {
    return this.run(["enroll", "--account-code", code, "--server", this.service.url, "--name", this.name]);
  }

  /** Waits for its keys: the dashboard shows a device as soon as it is stored, and sends it its keys after that. */
  async keys() {
    return this.#until(({ error }) => error?.code !== "agent.waiting-for-keys");
  }

  /** Waits until it has learned that it was revoked. */
  async revoked() {
    return this.#until(({ error }) => error?.code === "agent.revoked");
  }

  async #until(isSo) {
    for (const end = Date.now() + PATIENCE;;) {
      const answer = this.run(["sync"]);
      if (isSo(answer)) return answer.error;
      if (Date.now() > end) throw new Error(`the device says ${JSON.stringify(answer)}`);
      await setTimeout(100);
    }
  }

  /** Seals what lies in folders, by their classes, and in a file of lines. */
  collect(folders, records) {
    const blobs = Object.entries(folders).flatMap(([name, folder]) => ["--blobs", `${name}=${folder}`]);
    return this.run(["collect", "--once", ...blobs, ...records ? ["--records", records] : []]);
  }

  /** The events of one computer of the export. */
  import(host, person) {
    return this.run(["import", EXPORT, `--host=${host}`, `--person=${person}`]);
  }
}

/** The account owner at the command line, to compare with. */
export class Cli {
  constructor(profile, password) {
    Object.assign(this, { profile, password });
  }

  run(...args) {
    const options = ["--profile", this.profile, "--password-fd", "0", "--json", ...args];
    const { stdout } = spawnSync(join(PROGRAMS, "blindtally-owner"), options, { input: `${this.password}\n`, encoding: "utf8" });
    return JSON.parse(stdout);
  }
}

/**
 * The dashboard in a browser context of its own. `problems` collects what the browser complains of: errors that nothing
 * caught, and everything on the console, where violations of the policy are too. `requests` has every address asked for.
 */
export async function open(browser, service, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const problems = [];
  const requests = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("weberror", (error) => problems.push(String(error.error())));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  const page = await context.newPage();
  await page.goto(`${service.dashboard ?? service.url}/`);
  return { context, page, problems, requests };
}

/** Enables encryption, up to the backup. */
export async function enable(page, login, { password = PASSWORD } = {}) {
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await page.getByLabel("Name").fill(login);
  await page.getByLabel("New password").fill(password);
  await page.getByLabel("The same again").fill(password);
  await page.getByRole("button", { name: "Enable encryption" }).click();
  await page.getByRole("heading", { name: "Your backup" }).waitFor();
}

/** Saves the backup and confirms its key. */
export async function confirmBackup(page) {
  await page.getByRole("button", { name: "I have saved both" }).waitFor();
  const recoveryKey = await page.locator("code.code").innerText();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save the backup file" }).click();
  const backup = readFileSync(await (await downloading).path(), "utf8");
  await page.getByRole("button", { name: "I have saved both" }).click();
  await page.getByLabel("Type the recovery key").fill(recoveryKey);
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByLabel("Type the recovery key").waitFor({ state: "detached" });
  return { recoveryKey, backup };
}

/** A new account, ready to work with. */
export async function signUp(page, login, options) {
  await enable(page, login, options);
  return confirmBackup(page);
}

export async function logIn(page, login, password = PASSWORD) {
  await page.getByLabel("Name").fill(login);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** Goes to a screen by the menu. */
export async function go(page, screen) {
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: screen }).click();
  await page.getByRole("heading", { name: screen, level: 1 }).waitFor();
}

/** Makes a ticket on the screen of devices, and closes it again. */
export async function ticketOf(page, { uses = 1 } = {}) {
  await page.getByLabel("For how many devices").fill(String(uses));
  await page.getByRole("button", { name: "Make a ticket" }).click();
  const ticket = await page.locator("code.code", { hasText: /^btt1_/ }).innerText();
  const link = await page.locator("code.code", { hasText: /^blindtally:/ }).innerText();
  await page.getByRole("button", { name: "Done" }).click();
  return { ticket, link };
}

/** A computer that the open dashboard has confirmed, with its keys. */
export async function addComputer(scene, service, page, name) {
  await go(page, "Devices");
  const computer = scene.computer(service, name);
  computer.enroll((await ticketOf(page)).ticket);
  await page.getByRole("row", { name }).getByText("Active").waitFor();
  await computer.keys();
  return computer;
}

/** The two computers of the export and the people at them. */
export const PEOPLE = { nordlicht: "Mara Lindqvist", "studio-7": "Tomás Oyelaran" };

/** A dashboard on the morning after the day of the export, with all of that day's events. */
export async function seeded(scene, service, browser, login, options) {
  const dashboard = await open(browser, service, options);
  const { page } = dashboard;
  // Only what the page calls now: its timers run as ever.
  await page.clock.setFixedTime(new Date("2026-03-12T09:00:00Z"));
  const saved = await signUp(page, login);
  const computers = [];
  for (const [host, person] of Object.entries(PEOPLE)) {
    const computer = await addComputer(scene, service, page, host);
    const { error } = computer.import(host, person);
    if (error) throw new Error(error.message);
    computers.push(computer);
  }
  await page.getByRole("button", { name: "Dismiss" }).click();
  return { ...dashboard, saved, computers };
}

/** A picture of stripes, a little different for every `seed`; noise if it is to be large. */
export function picture(seed, { width = 320, height = 200, isNoise = false } = {}) {
  const png = new PNG({ width, height });
  let state = seed * 2654435761 >>> 0 || 1;
  for (let at = 0; at < png.data.length; at += 4) {
    const [x, y] = [at / 4 % width, Math.floor(at / 4 / width)];
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const color = isNoise ? [state >>> 24, state >>> 16 & 255, state >>> 8 & 255] : [(x + seed * 40) % 256, y < 20 ? 40 : 200, (seed * 70) % 256];
    png.data.set([...color, 255], at);
  }
  return PNG.sync.write(png);
}

/** A tone as a WAVE file: 8 bits, one channel, 8,000 a second. */
export function tone(seconds, hertz = 440) {
  const samples = Buffer.from(Array.from({ length: seconds * 8000 }, (_, at) => 128 + 60 * Math.sin(at / 8000 * hertz * 2 * Math.PI)));
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(8000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

/** A file that was written at that moment. */
export function put(folder, name, content, time) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
  utimesSync(join(folder, name), new Date(time), new Date(time));
}

/** Where the service keeps the bytes of the blob of that moment: by its header, which is in the clear (SPEC.md#blob). */
export function stored(service, time) {
  const folder = `${service.database}.blobs`;
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)).find((file) => {
    try {
      const header = readFileSync(file).subarray(0, 47);
      return header.length === 47 && header.toString("latin1", 0, 2) === "BT" && header.readBigUInt64BE(39) === BigInt(Date.parse(time));
    } catch {
      return false;
    }
  });
}

/** Counts the addresses of opened files that the page has lent to pictures, recordings and downloads, and not taken back. */
export function countLent(page) {
  return page.evaluate(() => {
    const lent = globalThis.lent = new Set();
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (blob) => {
      const url = createObjectURL.call(URL, blob);
      if (blob.type !== "text/javascript") lent.add(url);
      return url;
    };
    URL.revokeObjectURL = (url) => {
      lent.delete(url);
      revokeObjectURL.call(URL, url);
    };
  });
}
export const lent = (page) => page.evaluate(() => globalThis.lent.size);
