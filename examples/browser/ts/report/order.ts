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

/** Rows whose word has what was typed in it, whatever its case. What cannot be read has no words. */
export function found(rows: readonly Row[], search: string): readonly Row[] {
  const wanted = folded(search.trim());
  return wanted === "" ? rows : rows.filter(({ value, unreadable }) => unreadable === undefined && folded(value ?? "").includes(wanted));
}

const folded = (text: string): string => text.normalize("NFKC").toLowerCase();
