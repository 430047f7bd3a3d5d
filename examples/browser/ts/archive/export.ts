/**
 * Everything of some devices in one archive, sealed and signed by the owner's worker: what the service has, opened, and sealed
 * again file by file. There is an archive at the end, or none.
 */
import { BlindtallyError, type Device } from "blindtally";
import { type ArchiveWriter, archiveWriter } from "blindtally/blob";
import type { Account } from "../account.ts";
import * as answers from "../answers.ts";
import { codeOf, DashboardError } from "../explain.ts";
import { bounds, type Period } from "../report/period.ts";
import { header } from "../report/token.ts";
import { listBlobs, openListed } from "../sealed/blobs.ts";
import { listRecords } from "../sealed/records.ts";
import { ServiceError } from "../service.ts";
import { blobPath, Lines } from "./layout.ts";

/** The most that the service gives at once. */
const EVENTS = 5_000;
const RECORDS = 1_000;
/** Latest time of a file in seconds: eleven octal digits. */
const MODIFIED_MAX = 2 ** 33 - 1;

export interface Choice {
  readonly devices: readonly Device[];
  /** Without it, everything. */
  readonly period: Period | undefined;
}

export interface Counts {
  readonly events: number;
  readonly records: number;
  readonly blobs: number;
}

/** How far it is. */
export interface Progress extends Counts {
  /** Number of the device that it is at, and how many there are. */
  readonly device: number;
  readonly devices: number;
}

/** What is not in the archive, and why. */
export interface LeftOut {
  readonly what: "blob" | "record" | "event";
  readonly id: string;
  readonly code: string;
}

export interface Exported extends Counts {
  readonly archive: Blob;
  readonly leftOut: readonly LeftOut[];
  /** Values that stay tokens. */
  readonly unrevealed: number;
}

interface Options {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** @throws ServiceError and whatever else keeps it from being complete; the reason of `signal` */
export async function exportArchive(account: Account, choice: Choice, options: Options): Promise<Exported> {
  const writer = await archiveWriter(account.owner, { now: Date.now() });
  const exporter = new Exporter(account, choice, options, writer);
  return exporter.run();
}

class Exporter {
  readonly #account: Account;
  readonly #choice: Choice;
  readonly #options: Options;
  readonly #writer: ArchiveWriter;
  readonly #counts = { events: 0, records: 0, blobs: 0 };
  readonly #leftOut: LeftOut[] = [];
  #unrevealed = 0;
  #device = 0;

  constructor(account: Account, choice: Choice, options: Options, writer: ArchiveWriter) {
    this.#account = account;
    this.#choice = choice;
    this.#options = options;
    this.#writer = writer;
  }

  async run(): Promise<Exported> {
    for (const { id } of this.#choice.devices) {
      this.#device += 1;
      this.#step();
      await this.#log(id);
      await this.#records(id);
      await this.#blobs(id);
    }
    await this.#describe();
    this.#step();
    const archive = await this.#writer.finish();
    this.#step();
    return { archive, ...this.#counts, leftOut: this.#leftOut, unrevealed: this.#unrevealed };
  }

  /** Between any two things that take time. */
  #step(): void {
    this.#options.signal.throwIfAborted();
    this.#options.onProgress({ ...this.#counts, device: this.#device, devices: this.#choice.devices.length });
  }

  #leaveOut(what: LeftOut["what"], id: string, code: string): void {
    this.#leftOut.push({ what, id, code });
  }

  #add = (path: string, content: Blob, ms: number): Promise<void> =>
    this.#writer.add(path, { modified: Math.min(Math.max(0, ms), MODIFIED_MAX * 1000), content });

  async #log(device: string): Promise<void> {
    const { service, owner } = this.#account;
    const { period } = this.#choice;
    const { signal } = this.#options;
    const lines = new Lines(`log/${device}`, this.#add);
    const query = new URLSearchParams({ device, limit: String(EVENTS) });
    const [from, to] = period ? bounds(period).map((ms) => ms * 1000) as [number, number] : [-Infinity, Infinity];
    if (period) {
      query.set("from_us", String(from));
      query.set("to_us", String(to));
    }
    // Of the newest event: any other has to be newer, so that none comes twice and the log is in the order of time.
    let newest: answers.ListedEvent | undefined;
    for (let next: string | null = ""; next !== null;) {
      if (next !== "") query.set("cursor", next);
      const before: typeof newest = newest;
      const page: { events: answers.ListedEvent[]; next_cursor: string | null } =
        await service.get(`/api/v1/events?${query}`, answers.Events(EVENTS), signal);
      const tokens = [...new Set(page.events.flatMap(({ values }) => Object.values(values).filter((value) => value != null)))];
      const words = new Map((await owner.revealMany(tokens)).map((word, at) => [tokens[at]!, word]));
      for (const event of page.events) {
        const isAsked = event.device === device && event.start_us >= from && event.start_us < to;
        if (isAsked) {
          if (newest && !isNewer(event, newest)) throw new ServiceError("service.nonsense");
          newest = event;
        }
        const code = isAsked ? misplaced(event) : "dashboard.contradicted";
        if (code !== undefined) {
          this.#leaveOut("event", `${device}-${event.seq}`, code);
          continue;
        }
        const values = Object.entries(event.values).filter(([, value]) => value != null).map(([name, token]) => {
          const word = words.get(token!)!;
          if (typeof word === "string") return [name, word];
          this.#unrevealed += 1;
          return [name, token];
        });
        const { start_us, duration_us, active_us, action } = event;
        await lines.push({ device, start_us, duration_us, active_us, action, values: Object.fromEntries(values) }, start_us / 1000);
        this.#counts.events += 1;
      }
      this.#step();
      next = page.next_cursor;
      // A page without anything new could go on for ever.
      if (next !== null && newest === before) throw new ServiceError("service.nonsense");
    }
    await lines.end();
  }

  async #records(device: string): Promise<void> {
    const wanted = { period: this.#choice.period, device };
    const lines = new Lines(`records/${device}`, this.#add);
    for await (const { id, opened, code } of this.#each((after) => listRecords(this.#account, wanted, RECORDS, after, this.#options.signal))) {
      if (!opened) {
        this.#leaveOut("record", recordName(id), code!);
        continue;
      }
      const { class: name, seq, value } = opened;
      // Above 2^53 it would be another number.
      if (seq > Number.MAX_SAFE_INTEGER) this.#leaveOut("record", `${device}-${seq}`, "dashboard.contradicted");
      else {
        await lines.push({ device, seq: Number(seq), class: String(name), value }, Number(seq));
        this.#counts.records += 1;
      }
    }
    await lines.end();
  }

  async #blobs(device: string): Promise<void> {
    const { signal } = this.#options;
    const wanted = { period: this.#choice.period, device };
    for await (const listed of this.#each((after) => listBlobs(this.#account, wanted, after, signal))) {
      try {
        const opened = await openListed(this.#account, wanted, listed, signal);
        await this.#add(blobPath(opened), opened.content, Number(opened.header.seq));
        this.#counts.blobs += 1;
      } catch (error) {
        signal.throwIfAborted();
        if (!isOfBlob(error)) throw error;
        this.#leaveOut("blob", listed.id, codeOf(error));
      }
      this.#step();
    }
  }

  /** Each of a list once, however often the service has it. */
  async *#each<T extends { readonly id: string }>(ask: (after?: string) => Promise<{ items: T[]; next: string | null }>): AsyncGenerator<T> {
    const seen = new Set<string>();
    for (let after: string | undefined; ;) {
      const { items, next } = await ask(after);
      const before = seen.size;
      for (const item of items) {
        if (seen.has(item.id)) continue;
        seen.add(item.id);
        yield item;
      }
      this.#step();
      if (next === null) return;
      // A page that brings nothing could go on for ever.
      if (seen.size === before) throw new ServiceError("service.nonsense");
      after = next;
    }
  }

  /** `devices.json`: what the archive is of. */
  async #describe(): Promise<void> {
    const { devices, period } = this.#choice;
    const [from, to] = period ? bounds(period) : [null, null];
    const now = Date.now();
    const text = JSON.stringify({
      account: this.#account.info.value.account,
      exported_ms: now,
      from_ms: from,
      to_ms: to,
      devices: devices.map(({ id, name, revoked }) => ({ id, name, status: revoked ? "revoked" : "active" })),
      // As every program of this project calls it.
      left_out: this.#leftOut.map(({ code, ...what }) => ({ ...what, code: code === "dashboard.contradicted" ? "service.nonsense" : code })),
    });
    await this.#add("devices.json", new Blob([text]), now);
  }
}

const isNewer = (event: answers.ListedEvent, other: answers.ListedEvent): boolean =>
  event.start_us > other.start_us || (event.start_us === other.start_us && event.seq > other.seq);

/** What is no token, or one of another class, could pass for a word. */
function misplaced({ values }: answers.ListedEvent): string | undefined {
  for (const [name, value] of Object.entries(values)) {
    if (value == null) continue;
    const token = header(value);
    if (!token) return "malformed.encoding";
    if (token.class !== name) return "report.other-class";
  }
  return undefined;
}

/** Whether it is this one that is wrong, and not everything. */
function isOfBlob(error: unknown): boolean {
  if (error instanceof ServiceError) return error.code === "blob.unknown";
  // Two of the same moment and the same first digits, or one of more than 8 GiB: nothing was written of it.
  return error instanceof DashboardError || error instanceof BlindtallyError && /^(blob|malformed)\.|^archive\.(path|too-long)$/.test(error.code);
}

/** Device and time that a record claims, if it is one by its form (SPEC.md#record). */
function recordName(id: string): string {
  try {
    const claim = Uint8Array.fromBase64(id.slice(4, 44), { alphabet: "base64url" }).toHex();
    return `${claim.slice(8, 40)}-${BigInt(`0x${claim.slice(40, 56)}`)}`;
  } catch {
    return "?";
  }
}
