/** Rows that stand for the same thing become one: a value has another token in every epoch. */
import type { TotalsRow } from "../answers.ts";
import { header } from "./token.ts";

/** One line of a report. Times are in microseconds. */
export interface Row {
  /** Tells it from the other rows of its kind. */
  readonly key: string;
  /** What was revealed, which may be empty; what the service sent where that cannot be read; `null` for "no category". */
  readonly value: string | null;
  /** Why `value` is not a word. */
  readonly unreadable: string | undefined;
  /** What the service counts it under, the newest epoch's first: that one represents the row. */
  readonly tokens: readonly string[];
  readonly duration: number;
  readonly active: number;
  readonly events: number;
  readonly last: number;
}

/** What a row of the service's stands for. */
export interface Meaning {
  /** Where values need not be different things. */
  readonly key?: string;
  readonly value: string | null;
  readonly token?: string;
  readonly unreadable?: string | undefined;
}

export function merge(rows: readonly TotalsRow[], meanings: readonly Meaning[]): Row[] {
  const merged = new Map<string, { -readonly [Key in keyof Row]: Row[Key] } & { tokens: string[] }>();
  rows.forEach((row, at) => {
    const { key: own, value, token, unreadable } = meanings[at]!;
    // What cannot be read may look like a word.
    const key = `${value === null ? "none" : unreadable === undefined ? "word" : "text"} ${own ?? value}`;
    const known = merged.get(key);
    if (!known) {
      merged.set(key, {
        key, value, unreadable, tokens: token === undefined ? [] : [token],
        duration: row.duration_us, active: row.active_us, events: row.events, last: row.last_us,
      });
      return;
    }
    known.duration += row.duration_us;
    known.active += row.active_us;
    known.events += row.events;
    known.last = Math.max(known.last, row.last_us);
    if (token !== undefined && !known.tokens.includes(token)) known.tokens.push(token);
  });
  const epoch = (token: string) => header(token)?.epoch ?? 0;
  for (const { tokens } of merged.values()) if (tokens.length > 1) tokens.sort((a, b) => epoch(b) - epoch(a));
  return [...merged.values()];
}

/** The sums of rows, for a heading or a share. */
export function sum(rows: readonly Row[]): Pick<Row, "duration" | "active" | "events" | "last"> {
  return rows.reduce((all, row) => ({
    duration: all.duration + row.duration,
    active: all.active + row.active,
    events: all.events + row.events,
    last: Math.max(all.last, row.last),
  }), { duration: 0, active: 0, events: 0, last: 0 });
}
