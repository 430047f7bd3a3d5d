/** Rows that stand for the same thing become one: a value has another token in every epoch. */
import { epochOf } from "./token.ts";

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

/** What a row stands for. */
export type Meaning = Pick<Row, "key" | "value" | "unreadable" | "tokens">;

export const meaning = (value: string | null, tokens: readonly string[] = []): Meaning =>
  ({ key: `${value === null ? "none" : "word"} ${value}`, value, unreadable: undefined, tokens });

/** What cannot be read may look like a word, and is another row. */
export const unreadable = (text: string, code: string): Meaning => ({ key: `text ${text}`, value: text, unreadable: code, tokens: [text] });

export function merge(rows: readonly Row[]): Row[] {
  const merged = new Map<string, Row>();
  for (const row of rows) {
    const known = merged.get(row.key);
    merged.set(row.key, known ? { ...known, ...sum([known, row]), tokens: newestFirst([...known.tokens, ...row.tokens]) } : row);
  }
  return [...merged.values()];
}

export const newestFirst = (tokens: readonly string[]): string[] => [...new Set(tokens)].sort((a, b) => epochOf(b) - epochOf(a));

/** The sums of rows, for a heading or a share. */
export function sum(rows: readonly Row[]): Pick<Row, "duration" | "active" | "events" | "last"> {
  return rows.reduce((all, row) => ({
    duration: all.duration + row.duration,
    active: all.active + row.active,
    events: all.events + row.events,
    last: Math.max(all.last, row.last),
  }), { duration: 0, active: 0, events: 0, last: 0 });
}
