/** How calls of an owner's travel between a page and the worker that holds the keys. */
import { Change, type ChangeData } from "./change.js";
import { BlindtallyError, BlindtallyPanic } from "./error.js";
import { Handle } from "./init.js";

/** To the worker: a call of a method of an object there, or of the worker itself (object 0). */
export interface Call {
  readonly call: number;
  readonly object: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** To the page. */
export type Answer = { readonly call: number; readonly result: Encoded } | { readonly call: number; readonly error: EncodedError };

export type EncodedError =
  | { readonly code: string; readonly message: string }
  | { readonly panic: string }
  | { readonly other: string };

/** What cannot be cloned as it is, by the mark that says so; everything else is cloned. */
export type Encoded =
  | { readonly kind: "object"; readonly object: number }
  | { readonly kind: "change"; readonly change: ChangeData }
  | { readonly kind: "fields"; readonly fields: Readonly<Record<string, Encoded>> }
  | { readonly kind: "items"; readonly items: readonly unknown[]; readonly errors: readonly EncodedError[] }
  | { readonly kind: "plain"; readonly value: unknown };

/** In the worker. `keep` gives a handle the number under which it is called. */
export function encode(value: unknown, keep: (handle: Handle<{ free(): void }>) => number): Encoded {
  if (value instanceof Handle) return { kind: "object", object: keep(value) };
  if (value instanceof Change) {
    const { vault, expected, generation } = value;
    return { kind: "change", change: { vault, expected, generation, outbox: value.committed() } };
  }
  if (Array.isArray(value)) return encodeItems(value);
  if (isRecord(value) && Object.values(value).some((field) => field instanceof Handle || field instanceof Change)) {
    const fields = Object.entries(value).map(([name, field]) => [name, encode(field, keep)]);
    return { kind: "fields", fields: Object.fromEntries(fields) };
  }
  return { kind: "plain", value };
}

/** In the page. `adopt` makes an object of a number. */
export function decode(encoded: Encoded, adopt: (object: number) => unknown): unknown {
  switch (encoded.kind) {
    case "object": return adopt(encoded.object);
    case "change": return new Change(encoded.change);
    case "fields": return Object.fromEntries(
      Object.entries(encoded.fields).map(([name, field]) => [name, decode(field, adopt)]));
    case "items": return decodeItems(encoded.items, encoded.errors);
    case "plain": return encoded.value;
  }
}

/** Errors in a list of results become numbers: there are few different ones. */
function encodeItems(items: readonly unknown[]): Encoded {
  const errors = new Map<unknown, number>();
  for (const item of items) if (item instanceof BlindtallyError && !errors.has(item)) errors.set(item, errors.size);
  if (errors.size === 0) return { kind: "plain", value: items };
  const numbered = items.map((item) => errors.get(item) ?? item);
  return { kind: "items", items: numbered, errors: [...errors.keys()].map(encodeError) };
}

function decodeItems(items: readonly unknown[], encodedErrors: readonly EncodedError[]): unknown[] {
  const errors = encodedErrors.map(decodeError);
  return items.map((item) => typeof item === "number" ? errors[item] : item);
}

export function encodeError(error: unknown): EncodedError {
  if (error instanceof BlindtallyError) return { code: error.code, message: error.message };
  if (error instanceof BlindtallyPanic) return { panic: error.message };
  return { other: error instanceof Error ? error.message : String(error) };
}

export function decodeError(error: EncodedError): Error {
  if ("code" in error) return new BlindtallyError(error.code, error.message);
  return "panic" in error ? new BlindtallyPanic(error.panic) : new Error(error.other);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
