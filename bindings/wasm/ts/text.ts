/** What people type, as the core wants it: UTF-8 of its NFKC, in bytes that can be wiped. */

import { bytes, refuse, text } from "./check.js";

/** A password, or another secret on paper. From an input field it is a string; from elsewhere, prefer UTF-8 bytes. */
export type Typed = string | Uint8Array;

const encoder = new TextEncoder();

/** The UTF-8 of what was typed; the caller wipes it. */
export function utf8(typed: Typed): Uint8Array<ArrayBuffer> {
  return typeof typed === "string" ? encoder.encode(text(typed, "what was typed")) : Uint8Array.from(bytes(typed, "what was typed"));
}

/** The UTF-8 of its NFKC (UAX #15); the caller wipes it. */
export function nfkc(typed: Typed): Uint8Array<ArrayBuffer> {
  const raw = utf8(typed);
  // ASCII is its own NFKC: bytes of it never become a string here.
  if (raw.every((byte) => byte < 0x80)) return raw;
  return encoder.encode((typeof typed === "string" ? typed : decoded(raw)).normalize("NFKC"));
}

/** Wipes the bytes. A byte order mark is a character like any other. */
function decoded(utf8: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8);
  } catch {
    return refuse("what was typed must be UTF-8");
  } finally {
    utf8.fill(0);
  }
}

/**
 * A login name as the service is told it and knows it: its NFKC, in lower case, and the NFKC of that (SPEC.md#vault). For
 * what a program asks the service before {@link Login.start}, which does the same and refuses what is no login name.
 *
 * @throws BlindtallyError `wasm.argument` if it is not a string
 */
export function normalLoginName(name: string): string {
  return text(name, "a login name").normalize("NFKC").toLowerCase().normalize("NFKC");
}

/** Does something with bytes that are wiped afterwards. */
export async function wiping<T>(bytes: Uint8Array, use: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
  try {
    return await use(bytes);
  } finally {
    bytes.fill(0);
  }
}
