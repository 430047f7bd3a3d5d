/** CSV reports with words for their tokens, made safe for spreadsheets (RFC 4180, as spreadsheets really read it). */

import { checkLimit, classFilter } from "./region.js";
import { runInSlices } from "./task.js";
import { revealAll, type TextOptions } from "./text.js";
import { Words, type Revealer } from "./words.js";

interface Cell {
  /** As the file has it. */
  readonly raw: string;
  readonly value: string;
  /** What follows: the delimiter, the end of the row, or nothing. */
  readonly end: string;
}

/**
 * A CSV text (delimiter comma, semicolon or tab) with words for its tokens. A cell that a spreadsheet would run as a
 * formula, also one without a token, which could read the words beside it, gets an apostrophe before it; numbers stay.
 *
 * @throws BlindtallyError `page.option`, and what the revealer throws
 */
export async function revealCsv(text: string, revealer: Revealer, options: TextOptions = {}): Promise<string> {
  const words = new Words(revealer, checkLimit(options.maxDistinctTokens));
  const cells = await runInSlices(parse(text));
  const revealed = await revealAll(words, cells.map(({ value }) => value), classFilter(options.classes));
  return runInSlices(write(cells, revealed));
}

function* write(cells: readonly Cell[], revealed: readonly string[]): Generator<void, string> {
  const parts: string[] = [];
  for (const [i, { raw, value, end }] of cells.entries()) {
    const word = revealed[i] ?? value;
    // Excel takes the separator of all that follows from such a first line.
    const safe = /^sep=/i.test(word) ? "'" + word : neutralize(word);
    // Another separator in it would part it wherever that one is the usual one.
    parts.push(safe === value && !/[,;\t|]/.test(raw) ? raw : quote(safe), end);
    if (i % 1024 === 0) yield;
  }
  return parts.join("");
}

/** A cell's value that no spreadsheet takes for a formula. */
export function neutralize(value: string): string {
  const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r]/.test(value) && !/^[+-]?\d+(?:[.,]\d+)*%?$/.test(value);
  return formula ? "'" + value : value;
}

function quote(value: string): string {
  return /[",;|\t\r\n]/.test(value) ? `"${value.replaceAll("\"", "\"\"")}"` : value;
}

function* parse(text: string): Generator<void, Cell[]> {
  const cells: Cell[] = [];
  const delimiter = delimiterOf(text);
  // A byte order mark is not part of the first cell.
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  if (at === 1) cells.push({ raw: "\uFEFF", value: "", end: "" });
  while (at < text.length) {
    const start = at;
    let value: string | undefined;
    if (text[at] === "\"") {
      at = closingQuote(text, at);
      value = text.slice(start + 1, at).replaceAll("\"\"", "\"");
      at++;
    }
    const tail = at;
    while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") at++;
    value = (value ?? "") + text.slice(tail, at);
    const end = text.startsWith("\r\n", at) ? "\r\n" : text.slice(at, at + 1);
    cells.push({ raw: text.slice(start, at), value, end });
    at += end.length;
    if (cells.length % 256 === 0) yield;
  }
  return cells;
}

/** Where the quote at `at` ends; the end of the text when it does not. */
function closingQuote(text: string, at: number): number {
  for (let quote = text.indexOf("\"", at + 1); quote >= 0; quote = text.indexOf("\"", quote + 2)) {
    if (text[quote + 1] !== "\"") return quote;
  }
  return text.length;
}

/** The delimiter that the first line has most of. */
function delimiterOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/));
  const count = (delimiter: string) => line.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, each) => count(each) > count(best) ? each : best);
}
