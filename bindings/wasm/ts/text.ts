/** What people type, as the core wants it: UTF-8 of its NFKC, in bytes that can be wiped. */

/** A password, or another secret on paper. From an input field it is a string; from elsewhere, prefer UTF-8 bytes. */
export type Typed = string | Uint8Array;

const encoder = new TextEncoder();

/** The UTF-8 of what was typed; the caller wipes it. */
export function utf8(typed: Typed): Uint8Array<ArrayBuffer> {
  return typeof typed === "string" ? encoder.encode(typed) : Uint8Array.from(typed);
}

/** The UTF-8 of its NFKC (UAX #15); the caller wipes it. */
export function nfkc(typed: Typed): Uint8Array<ArrayBuffer> {
  // ASCII is its own NFKC: bytes of it never become a string here.
  if (typeof typed !== "string" && typed.every((byte) => byte < 0x80)) return Uint8Array.from(typed);
  const text = typeof typed === "string" ? typed : new TextDecoder("utf-8", { fatal: true }).decode(typed);
  return encoder.encode(text.normalize("NFKC"));
}

/** A login name as the service knows it (SPEC.md, "Login names"). */
export function normalLogin(name: string): string {
  return name.normalize("NFKC").toLowerCase().normalize("NFKC");
}

/** Does something with bytes that are wiped afterwards. */
export async function wiping<T>(bytes: Uint8Array, use: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
  try {
    return await use(bytes);
  } finally {
    bytes.fill(0);
  }
}
