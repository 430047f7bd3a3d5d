/** The rows of a table that are searched for, in the order that is asked for. */
import type { Row } from "./merge.ts";

export type Column = "value" | "duration" | "active" | "share" | "events" | "last";

export interface Order {
  readonly column: Column;
  readonly isDescending: boolean;
}

const { compare } = new Intl.Collator(undefined, { numeric: true });

export function ordered(rows: readonly Row[], { column, isDescending }: Order): Row[] {
  const direction = isDescending ? -1 : 1;
  const field = column === "share" ? "duration" : column;
  const byValue = (a: Row, b: Row) => compare(a.value ?? "", b.value ?? "");
  if (field === "value") return [...rows].sort((a, b) => direction * byValue(a, b));
  return [...rows].sort((a, b) => direction * (a[field] - b[field]) || byValue(a, b));
}

/** Rows whose word has what was typed in it. What cannot be read has no words. */
export function found(rows: readonly Row[], search: string): readonly Row[] {
  const isFound = hasIn(search);
  return search.trim() === "" ? rows : rows.filter(({ value, unreadable }) => isFound(unreadable === undefined ? value ?? "" : undefined));
}

/** Whether a text has in it what was typed, whatever its case. Without a text, it has only nothing. */
export function hasIn(search: string): (text: string | undefined) => boolean {
  const wanted = folded(search.trim());
  return (text) => wanted === "" || text !== undefined && folded(text).includes(wanted);
}

const folded = (text: string): string => text.normalize("NFKC").toLowerCase();
