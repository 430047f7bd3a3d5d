/** Words for the tokens in a text that is no part of a page, as in an e-mail report. */

import { checkLimit, classFilter } from "./region.js";
import { runInSlices } from "./task.js";
import { findTokens, replace, type Replacement, type Span, type TokenClassName } from "./token-text.js";
import { Asked, BATCH, Words, type Revealer } from "./words.js";

export interface TextOptions {
  /** Token classes that may be revealed; all by default. */
  readonly classes?: readonly (TokenClassName | number)[];
  /** How many different tokens may be revealed; the others stay. Default 20,000. */
  readonly maxDistinctTokens?: number;
}

/**
 * A text with its tokens replaced by words. Tokens that cannot be revealed stay. The words are whatever was once on a
 * screen, chosen by others: write the result as text, never as HTML (SPEC.md#revealed-html).
 *
 * @throws BlindtallyError `page.option`, and what the revealer throws
 */
export async function revealText(text: string, revealer: Revealer, options: TextOptions = {}): Promise<string> {
  return revealWith(new Words(revealer, checkLimit(options.maxDistinctTokens)), text, classFilter(options.classes));
}

export async function revealWith(words: Words<unknown>, text: string, shows: (tokenClass: number) => boolean): Promise<string> {
  const [result = ""] = await revealAll(words, [text], shows);
  return result;
}

/** Reveals many texts at once, each by itself. */
export async function revealAll(
  words: Words<unknown>, texts: readonly string[], shows: (tokenClass: number) => boolean,
): Promise<string[]> {
  const spans = await runInSlices(findAll(texts, shows));
  const answers = await runInSlices(askAll(words, spans));
  await Promise.all(answers);
  return runInSlices(replaceAll(words, texts, spans));
}

function* findAll(texts: readonly string[], shows: (tokenClass: number) => boolean): Generator<void, Span[][]> {
  const found: Span[][] = [];
  for (const text of texts) {
    const spans: Span[] = [];
    for (let at = 0; at < text.length;) {
      at = findTokens(text, spans, at, 1 << 16);
      yield;
    }
    found.push(spans.filter(({ tokenClass }) => shows(tokenClass)));
  }
  return found;
}

function* askAll(words: Words<unknown>, spans: readonly Span[][]): Generator<void, Promise<void>[]> {
  const answers = new Set<Promise<void>>();
  const unknown = new Set<string>();
  for (const { token } of spans.flat()) {
    const word = words.get(token);
    if (word === undefined) unknown.add(token);
    else if (word instanceof Asked) answers.add(word.answer);
  }
  const tokens = [...unknown];
  for (let i = 0; i < tokens.length; i += BATCH) {
    const asked = words.ask(tokens.slice(i, i + BATCH));
    if (asked !== undefined) answers.add(asked.answer);
    yield;
  }
  return [...answers];
}

function* replaceAll(words: Words<unknown>, texts: readonly string[], spans: readonly Span[][]): Generator<void, string[]> {
  const results: string[] = [];
  for (const [i, text] of texts.entries()) {
    const replacements: Replacement[] = [];
    for (const { start, end, token } of spans[i] ?? []) {
      const word = words.get(token);
      if (typeof word === "string") replacements.push({ start, end, word });
    }
    results.push(...replace([text], replacements));
    yield;
  }
  return results;
}
