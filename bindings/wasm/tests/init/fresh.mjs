// The built package anew: what a program's first import gives, as often as a test needs it.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

export const dist = join(import.meta.dirname, "../../dist");
const folder = mkdtempSync(join(tmpdir(), "blindtally-init-"));
after(() => rmSync(folder, { recursive: true }));

let copies = 0;

/** A copy under another path is another module, with a state of its own. */
export async function fresh(entry = "node.js") {
  const copy = join(folder, String(copies++));
  cpSync(dist, copy, { recursive: true, filter: (path) => !path.endsWith("/cjs") });
  const [blindtally, inner] = await Promise.all([import(join(copy, entry)), import(join(copy, "init.js"))]);
  return { ...blindtally, guarded: inner.guarded, Handle: inner.Handle, folder: copy };
}
