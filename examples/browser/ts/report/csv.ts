/** A report as CSV that a spreadsheet shows and never runs. */
import { revealCsv } from "blindtally/page";
import type { Kind } from "./kind.ts";
import { type Row, sum } from "./merge.ts";
import type { Revealer } from "./words.ts";

/**
 * Rows as they are shown. The package writes the words, in place of the tokens that stand for them, and what a spreadsheet
 * would take for a formula as text; a token that cannot be read, or of another class, stays one.
 */
export async function csv(kind: Kind, rows: readonly Row[], owner: Revealer): Promise<string> {
  const total = sum(rows).duration;
  const lines = rows.map((row) => [
    quoted(row.tokens[0] ?? row.value ?? ""),
    seconds(row.duration),
    seconds(row.active),
    total > 0 ? (100 * row.duration / total).toFixed(2) : "0",
    String(row.events),
    new Date(row.last / 1000).toISOString(),
  ].join(","));
  const head = `${kind.one},Seconds,Active seconds,Percent,Events,Last seen`;
  // The byte order mark tells spreadsheets that it is UTF-8.
  const text = `\uFEFF${[head, ...lines].join("\r\n")}\r\n`;
  const classes = kind.tokens === undefined ? [] : [kind.tokens as never];
  return revealCsv(text, owner, { classes, maxDistinctTokens: Math.max(rows.length, 1) });
}

const seconds = (us: number): string => String(us / 1e6);
const quoted = (text: string): string => `"${text.replaceAll("\"", "\"\"")}"`;
