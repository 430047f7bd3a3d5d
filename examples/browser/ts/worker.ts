/** The one door through which scripts get in beside the page's own: workers whose text is known, or was checked. */

const door = globalThis.trustedTypes?.createPolicy("blindtally-dashboard", { createScriptURL: (url) => url });

export function startWorker(script: string): Worker {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker((door?.createScriptURL(url) ?? url) as string);
  // The worker loads it before it does anything else, whatever becomes of the address.
  worker.addEventListener("message", () => URL.revokeObjectURL(url), { once: true });
  return worker;
}
