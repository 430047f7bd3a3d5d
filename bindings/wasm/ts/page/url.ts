/** Opening an address that was revealed, which somebody else once chose. */

import { BlindtallyError } from "../error.js";

/**
 * Opens a revealed address in a new tab, without an opener or a referrer, if the person confirms it: `confirm` shows the
 * whole address and returns true only after a click. Returns whether it was opened. Words are never written into an
 * `href`, where other scripts, previews and prefetching would find them.
 *
 * @throws BlindtallyError `page.url` unless it is http or https and without a user name or password, which hide the host
 */
export async function openRevealedUrl(address: string, confirm: (url: URL) => boolean | Promise<boolean>): Promise<boolean> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new BlindtallyError("page.url", "it is not an http or https address that may be opened");
  }
  if (await confirm(url) !== true) return false;
  window.open(url.href, "_blank", "noopener,noreferrer");
  return true;
}
