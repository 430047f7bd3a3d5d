/** Saves text or bytes as a file of the person's. */
import { giveBack, lend } from "../urls.ts";

export function save(name: string, content: string | Blob, type = "text/plain"): void {
  const url = lend(typeof content === "string" ? new Blob([content], { type }) : content);
  const link = document.createElement("a");
  [link.href, link.download] = [url, name];
  link.click();
  // The download has begun by then.
  setTimeout(() => giveBack(url), 60_000);
}
