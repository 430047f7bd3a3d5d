/**
 * Loads what holds keys: the owner's worker and the WebAssembly module, both checked against the hashes in the page, so
 * that whoever knows the page's own hash knows what runs.
 */
import { init } from "blindtally";
import wasmUrl from "blindtally/blindtally.wasm?url";
import workerUrl from "blindtally/owner-worker?worker&url";
import { OwnerWorker } from "blindtally/worker";
import { DashboardError } from "./explain.ts";
import { startWorker } from "./worker.ts";

let loading: Promise<{ module: WebAssembly.Module; script: string }> | undefined;

/** A worker that holds no keys yet. Ending it ends every key in it. */
export async function startOwners(): Promise<OwnerWorker> {
  const { module, script } = await loaded();
  return OwnerWorker.start({ worker: startWorker(script), wasm: module });
}

/** Loads all that there is to load, so that nobody has to be reached any more. */
export const prepare = (): void => void loaded().catch(() => undefined);

function loaded() {
  return loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw new DashboardError("dashboard.not-loaded", { cause });
  });
}

async function load() {
  const [module, script] = await Promise.all([
    fetchPinned(wasmUrl).then((response) => WebAssembly.compileStreaming(response)),
    fetchPinned(workerUrl).then((response) => response.text()),
  ]);
  // This page's own instance checks the form of what comes from the service; no key gets into it.
  await init(module);
  return { module, script };
}

async function fetchPinned(url: string): Promise<Response> {
  const { href } = new URL(url, document.baseURI);
  const integrity = pins().get(href) ?? "";
  if (integrity === "" && import.meta.env.PROD) throw new TypeError(`${href} is not pinned`);
  const response = await fetch(href, { integrity });
  if (!response.ok) throw new TypeError(`${href} answered ${response.status}`);
  return response;
}

/** The hashes that the build wrote into the page, by address; the development server writes none. */
function pins(): Map<string, string> {
  const metas = document.querySelectorAll<HTMLMetaElement>("meta[name=blindtally-pinned]");
  return new Map([...metas].map(({ content }) => {
    const [path = "", hash = ""] = content.split(" ");
    return [new URL(path, document.baseURI).href, hash];
  }));
}
