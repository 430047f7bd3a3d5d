/** Where tokens are in a text, found without a key (SPEC.md#token-text). */

export { TOKEN_CLASSES, type TokenClass as TokenClassName } from "../generated.js";

/** A token at `start` to `end` of a text, in UTF-16 code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly token: string;
  /** The class that the token claims (SPEC.md#registries); only revealing it proves the claim. */
  readonly tokenClass: number;
}

export const PREFIX = "bt1_";

/** SPEC.md#limits: the longest token as text. */
export const LONGEST_TOKEN = 5834;

export function isTokenClass(value: number): boolean {
  return Number.isInteger(value) && ((value >= 1 && value <= 7) || (value >= 128 && value <= 191));
}

const RUN = /[A-Za-z0-9_-]+/y;

/**
 * Adds the tokens of `text` that begin in the `window` characters at `from` to `spans`, and returns where to go on:
 * `text.length` when there are no more. Linear in the text: each run of base64url characters is looked at once.
 */
export function findTokens(text: string, spans: Span[], from = 0, window = Infinity): number {
  for (let at = text.indexOf(PREFIX, from); at >= 0;) {
    if (at >= from + window) return at;
    RUN.lastIndex = at;
    RUN.test(text);
    const end = RUN.lastIndex;
    if (at === 0 || sextet(text.charCodeAt(at - 1)) < 0) {
      const tokenClass = parse(text, at + PREFIX.length, end);
      if (tokenClass !== undefined) spans.push({ start: at, end, token: slice(text, at, end), tokenClass });
    }
    at = text.indexOf(PREFIX, end);
  }
  return text.length;
}

/** The class of the token whose base64url is at `start` to `end`; undefined when a parser would refuse it. */
function parse(text: string, start: number, end: number): number | undefined {
  const characters = end - start;
  const bytes = Math.floor(characters * 3 / 4);
  const padded = bytes - 20;
  if (padded < 16 || padded > 4352 || paddedLength(padded) !== padded) return undefined;
  const unusedBits = characters * 6 - bytes * 8;
  const at = (index: number) => sextet(text.charCodeAt(start + index));
  if (unusedBits > 4 || (at(characters - 1) & ((1 << unusedBits) - 1)) !== 0) return undefined;
  const suite = at(0) << 2 | at(1) >> 4;
  const tokenClass = (at(1) & 15) << 4 | at(2) >> 2;
  const epoch = (at(2) & 3) << 14 | at(3) << 8 | at(4) << 2 | at(5) >> 4;
  return suite === 0x11 && isTokenClass(tokenClass) && epoch !== 0 ? tokenClass : undefined;
}

/** SPEC.md#padding. A length is one of a padded value if and only if padding to it changes nothing. */
function paddedLength(n: number): number {
  if (n > 64) {
    const e = 31 - Math.clz32(n);
    const step = 1 << (e - (32 - Math.clz32(e)));
    n = Math.ceil(n / step) * step;
  }
  return Math.ceil(n / 16) * 16;
}

/** The value of a base64url character; negative for any other. */
function sextet(code: number): number {
  if (code >= 97 && code <= 122) return code - 71;
  if (code >= 65 && code <= 90) return code - 65;
  if (code >= 48 && code <= 57) return code + 4;
  return code === 45 ? 62 : code === 95 ? 63 : -1;
}

export function isBase64url(text: string, at: number): boolean {
  return sextet(text.charCodeAt(at)) >= 0;
}

/** A slice that does not keep a long text alive, as engines' slices do that share its memory. */
function slice(text: string, start: number, end: number): string {
  const part = text.slice(start, end);
  return text.length < 4 * LONGEST_TOKEN ? part : (" " + part).slice(1);
}

/** A piece of text to write in place of what is at `start` to `end`. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly word: string;
}

/**
 * `texts` with `replacements` made, whose positions count through all texts as if they were one. A word goes where its
 * token begins; what the token has in the texts after it goes away.
 */
export function replace(texts: readonly string[], replacements: readonly Replacement[]): string[] {
  const [only] = replacements;
  if (texts.length === 1 && replacements.length === 1 && only !== undefined) {
    const [text = ""] = texts;
    return [text.slice(0, only.start) + only.word + text.slice(only.end)];
  }
  let base = 0;
  let next = 0;
  return texts.map((text) => {
    const end = base + text.length;
    const parts: string[] = [];
    let cursor = base;
    for (let r = replacements[next]; r !== undefined && r.start < end; r = replacements[next]) {
      if (r.start >= base) parts.push(text.slice(cursor - base, r.start - base), r.word);
      cursor = Math.min(r.end, end);
      if (r.end > end) break;
      next++;
    }
    parts.push(text.slice(cursor - base));
    base = end;
    return parts.join("");
  });
}
