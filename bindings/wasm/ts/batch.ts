/** Many values in one call: joined on this side, cut apart again on the other, with a result of its own for each. */
import { BlindtallyError } from "./error.js";

/** A value, or why there is none. */
export type Result<Value extends string = string> = Value | BlindtallyError;

type Call = (joined: Uint8Array, lengths: Int32Array, errors: BlindtallyError[]) => string | undefined;

const encoder = new TextEncoder();

/**
 * Calls with all values in one string. A value that holds the separator would be two: then, which is never for tokens
 * and next to never for words, `alone` is called with each.
 */
export function joined(
  values: readonly string[], separator: string, call: Call, alone: (value: string) => Result,
): Result[] {
  if (values.length === 0) return [];
  const lengths = new Int32Array(values.length);
  const errors: BlindtallyError[] = [];
  const text = call(encoder.encode(values.join(separator)), lengths, errors);
  if (text === undefined) return values.map(alone);
  const results = new Array<Result>(values.length);
  let at = 0;
  for (let index = 0; index < values.length; index++) {
    const length = lengths[index]!;
    results[index] = length < 0 ? errors[-1 - length]! : text.slice(at, at += length);
  }
  return results;
}
