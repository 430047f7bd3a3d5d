/**
 * Arguments as they really come: from JSON, forms and databases, whatever their types say. What WebAssembly is given is of
 * the right kind and of a bounded size, so that nothing a caller or a service passes can stop the module.
 */
import { BlindtallyError, type WasmErrorCode } from "./error.js";

/** Above everything that the core accepts, which has limits of its own and a code for each. */
const LONGEST = 1 << 25;
/** What a JavaScript date can be (ECMA-262, "Time Values and Time Range"). */
export const LATEST = 8.64e15;

/** What kind of object it is, by tag: `instanceof` does not know the objects of another frame or of a test runner's sandbox. */
export const tag = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

export function refuse(what: string): never {
  throw new BlindtallyError("wasm.argument" satisfies WasmErrorCode, what);
}

export function text(value: unknown, name: string): string {
  if (typeof value !== "string") refuse(`${name} must be a string`);
  return short(value, value.length);
}

export function bytes(value: unknown, name: string): Uint8Array {
  // Node's Buffer is one too.
  if (tag(value) !== "Uint8Array") refuse(`${name} must be a Uint8Array`);
  return short(value as Uint8Array, (value as Uint8Array).length);
}

export function integer(value: unknown, name: string, max: number): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > max) {
    refuse(`${name} must be a whole number from 0 to ${max}`);
  }
  return value as number;
}

export function u64(value: unknown, name: string): bigint {
  if (typeof value !== "bigint" || value < 0n || value >= 1n << 64n) refuse(`${name} must be a bigint from 0n to 2n ** 64n - 1n`);
  return value;
}

/** Milliseconds since the Unix epoch; nothing is now. */
export function millis(time: unknown): number {
  const value = time === undefined ? Date.now() : time instanceof Date ? time.getTime() : time;
  if (typeof value !== "number" || !(value >= 0 && value <= LATEST)) refuse("a time must be a valid Date or number");
  return value;
}

function short<T>(value: T, length: number): T {
  if (length > LONGEST) throw new BlindtallyError("malformed.too-long", "it, or a part of it, is longer than the format allows");
  return value;
}
