/** A report as CSV that a spreadsheet shows and never runs. */
import { revealCsv } from "blindtally/page";
import type { Kind } from "./kind.ts";
import type { Row } from "./merge.ts";
import type { Revealer } from "./words.ts";

/**
 * Rows with the words that the table shows, and shares of the same `total`; what cannot be read is as the service has it. The
 * package reveals nothing more here: it makes text of what a spreadsheet would take for a formula.
 */
export async function csv(kind: Kind, rows: readonly Row[], total: number, owner: Revealer): Promise<string> {
  const lines = rows.map((row) => [
    quoted(row.value ?? ""),
    seconds(row.duration),
    seconds(row.active),
    total > 0 ? (100 * row.duration / total).toFixed(2) : "0",
    String(row.events),
    new Date(row.last / 1000).toISOString(),
  ].join(","));
  const head = `${kind.one},Seconds,Active seconds,Percent,Events,Last seen`;
  // The byte order mark tells spreadsheets that it is UTF-8.
  return revealCsv(`\uFEFF${[head, ...lines].join("\r\n")}\r\n`, owner, { classes: [] });
}

const seconds = (us: number): string => String(us / 1e6);
const quoted = (text: string): string => `"${text.replaceAll("\"", "\"\"")}"`;
