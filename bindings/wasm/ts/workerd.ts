/** The entry for Cloudflare's workers, which compile modules when they are deployed and refuse to when they run. */
import wasm from "./blindtally.wasm";
import { load, loadSync, type SyncWasmSource, type WasmSource } from "./init.js";

export * from "./api.js";

/** As the `init` of the main entry, with nothing to fetch. */
export function init(source?: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  return load(() => source ?? wasm);
}

/** As the `initSync` of the main entry; needs no source here. */
export function initSync(source?: SyncWasmSource): void {
  loadSync(() => source ?? wasm);
}
