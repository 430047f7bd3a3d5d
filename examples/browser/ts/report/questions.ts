/** The questions to the service: its totals, all pages of them. */
import type * as v from "valibot";
import * as answers from "../answers.ts";
import { DashboardError } from "../explain.ts";
import { type Service, ServiceError } from "../service.ts";
import type { Kind } from "./kind.ts";
import { EVERYTHING, type Period, type Span, spans, whole } from "./period.ts";

/** Which events count. */
export interface Filter {
  /** Without it, all of them. */
  readonly period?: Period | undefined;
  readonly device?: string | undefined;
  /** The tokens of one person: one for each epoch. */
  readonly person?: readonly string[] | undefined;
}

/** Rows a page: the service's maximum. */
const PAGE = 10_000;
/** More pages than these no browser should hold; a service that has more to say has perhaps no end. */
const PAGES = 20;
/** How often totals that changed while they were read are read again. */
const READS = 3;
/** From how many rows on it is worth asking first whether anything is new. */
const MANY = 1_000;
/** How many parts of a period, between changes of clocks, are asked for without a look where events are. */
const PARTS = 5;
/** Of how many questions the answers are kept for that. */
const KEPT = 4;

type Rows = readonly answers.TotalsRow[];
type Page = v.InferOutput<typeof answers.Totals>;

export class Questions {
  readonly #service: Pick<Service, "get">;
  readonly #asked = new Map<string, Promise<Rows>>();
  readonly #many = new Map<string, { readonly head: string; readonly rows: Rows }>();

  constructor(service: Pick<Service, "get">) {
    this.#service = service;
  }

  /** Every row of a kind, as the service has it. */
  async rows(kind: Kind, filter: Filter): Promise<Rows> {
    const { period } = filter;
    if (!period) return this.#everybody(kind, filter, EVERYTHING);
    if (kind.by !== "day" && kind.by !== "hour") return this.#everybody(kind, filter, whole(period));
    let parts = spans(period, -Infinity, Infinity);
    if (parts.length > PARTS) {
      // Of decades, most have no events.
      const all = await this.#everybody(kind, filter, whole(period));
      if (all.length === 0) return all;
      const first = all.reduce((least, row) => Math.min(least, row.first_us), Infinity);
      const last = all.reduce((most, row) => Math.max(most, row.last_us), -Infinity);
      parts = spans(period, first, last);
    }
    return (await Promise.all(parts.map((span) => this.#everybody(kind, filter, span)))).flat();
  }

  async #everybody(kind: Kind, filter: Filter, span: Span): Promise<Rows> {
    if (!filter.person) return this.#all(kind, url(kind, filter, span));
    const each = await Promise.all(filter.person.map((person) => this.#all(kind, url(kind, filter, span, person))));
    return each.flat();
  }

  /** What several ask for at the same time is asked once. */
  #all(kind: Kind, url: string): Promise<Rows> {
    const asked = this.#asked.get(url) ?? this.#news(kind, url).finally(() => this.#asked.delete(url));
    this.#asked.set(url, asked);
    return asked;
  }

  async #news(kind: Kind, url: string): Promise<Rows> {
    const known = this.#many.get(url);
    if (known && headOf(await this.#page(`${url}&limit=1`)) === known.head) return known.rows;
    const { head, rows } = await this.#read(kind, url);
    this.#many.delete(url);
    if (rows.length >= MANY) {
      this.#many.set(url, { head, rows });
      const [oldest] = this.#many.keys();
      if (this.#many.size > KEPT) this.#many.delete(oldest!);
    }
    return rows;
  }

  /** Pages are read one after another while agents go on uploading: totals whose rows do not add up are read again. */
  async #read(kind: Kind, url: string): Promise<{ head: string; rows: Rows }> {
    for (let read = 1;; read++) {
      const rows: answers.TotalsRow[] = [];
      const keys = new Set<string>();
      let page, head;
      let pages = 0;
      do {
        page = await this.#page(`${url}&limit=${PAGE}&offset=${rows.length}`);
        // That of the first page: what comes after it is found the next time.
        head ??= headOf(page);
        const before = keys.size;
        for (const row of page.rows) {
          keys.add(keyOf(kind, row));
          rows.push(row);
        }
        const bringsNothing = page.rows.length > 0 && keys.size === before;
        if (bringsNothing || page.rows.length > PAGE) throw new ServiceError("service.nonsense");
        if (page.total_rows > PAGES * PAGE || ++pages > PAGES) throw new DashboardError("dashboard.too-many-rows");
      } while (page.rows.length > 0 && rows.length < page.total_rows);
      const events = rows.reduce((sum, row) => sum + row.events, 0);
      const isSound = rows.length === page.total_rows && events === page.total_events;
      // After that, better some that are a little off than none.
      if (isSound || read === READS) return { head, rows };
    }
  }

  #page(url: string): Promise<Page> {
    return this.#service.get(`${url}&sort=recent`, answers.Totals);
  }
}

/** Events are only ever added and deleted: their numbers and the newest tell. */
const headOf = ({ rows, total_rows, total_events }: Page): string => JSON.stringify([rows[0], total_rows, total_events]);

/** What a row stands for. */
export function keyOf({ by }: Kind, row: answers.TotalsRow): string {
  const key = row[by];
  if (key === undefined) throw new ServiceError("service.nonsense");
  return key;
}

function url({ by, class: tokenClass }: Kind, { device }: Filter, { fromUs, toUs, offsetMin }: Span, person?: string): string {
  const query = new URLSearchParams({ by, class: tokenClass, tz_offset_min: String(offsetMin) });
  if (fromUs !== undefined) query.set("from_us", String(fromUs));
  if (toUs !== undefined) query.set("to_us", String(toUs));
  if (device !== undefined) query.set("device", device);
  if (person !== undefined) query.set("person", person);
  return `/api/v1/totals?${query}`;
}
