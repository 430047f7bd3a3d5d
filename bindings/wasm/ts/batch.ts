/** Many values in one call: joined on this side, cut apart again on the other, with a result of its own for each. */
import { refuse } from "./check.js";
import { BlindtallyError } from "./error.js";

/** A value, or why there is none. */
export type Result<Value extends string = string> = Value | BlindtallyError;

type Call = (joined: Uint8Array, lengths: Int32Array, errors: BlindtallyError[]) => string | undefined;

/** Suites, for a call that opens one or the other. */
export const [TOKENS, RECORDS] = [0x11, 0x21];

/** What crosses in one call, in items and in characters. */
const MOST_ITEMS = 1 << 15;
const MOST_CHARACTERS = 1 << 23;
/** The longest item that crosses whole: whatever is longer is refused, or made its host's name, all the same. */
const LONGEST_ITEM = 1 << 22;

const encoder = new TextEncoder();

/**
 * Calls with all values in one string, or in a few for very many. A value that holds the separator would be two: such
 * values cross as empty ones, and then one by one by `alone`, if that could give anything else.
 */
export function joined(
  values: readonly string[], separator: string, call: Call, alone?: (value: string) => Result,
): Result[] {
  if (!Array.isArray(values)) refuse("a batch must be an array of strings");
  const results: Result[] = [];
  let from = 0;
  // An empty batch makes a call too: whoever has no keys is told so.
  do {
    const chunk = take(values, from);
    from += chunk.length;
    if (append(chunk, separator, call, results)) continue;
    const start = results.length;
    append(chunk.map((value) => value.includes(separator) ? "" : value), separator, call, results);
    // A loop: V8 (of Node 20) does not survive optimising a call into WebAssembly within `map`.
    for (let at = 0; alone && at < chunk.length; at++) {
      if (chunk[at]!.includes(separator)) results[start + at] = alone(chunk[at]!);
    }
  } while (from < values.length);
  return results;
}

/** The value, or a throw of the error. */
export function valueOf<Value>(result: Value | BlindtallyError): Value {
  if (result instanceof BlindtallyError) throw result;
  return result;
}

function take(values: readonly unknown[], from: number): readonly string[] {
  let to = from;
  let isLong = false;
  for (let characters = 0; to < values.length && to - from < MOST_ITEMS && characters < MOST_CHARACTERS; to++) {
    const value = values[to];
    if (typeof value !== "string") refuse("a batch must be an array of strings");
    characters += value.length;
    isLong ||= value.length > LONGEST_ITEM;
  }
  // Mostly it is all of them.
  const chunk = (from === 0 && to === values.length ? values : values.slice(from, to)) as readonly string[];
  return isLong ? chunk.map((value) => value.slice(0, LONGEST_ITEM)) : chunk;
}

/** Appends the results of a chunk, unless the separator is in one of its values. */
function append(chunk: readonly string[], separator: string, call: Call, results: Result[]): boolean {
  const lengths = new Int32Array(chunk.length);
  const errors: BlindtallyError[] = [];
  const text = call(encoder.encode(chunk.join(separator)), lengths, errors);
  if (text === undefined) return false;
  let at = 0;
  for (let index = 0; index < lengths.length; index++) {
    const length = lengths[index]!;
    results.push(length < 0 ? errors[-1 - length]! : text.slice(at, at += length));
  }
  return true;
}
