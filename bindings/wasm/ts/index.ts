/** The entry for browsers, their bundlers, and Deno: the module lies beside this file. */
import { load, loadSync, type SyncWasmSource, type WasmSource } from "./init.js";

export * from "./api.js";

/**
 * Loads the WebAssembly module, which everything else needs: from beside this file or from `source`. May be called
 * more than once; what the first call loads is what all use, and after a failure the next call tries again.
 *
 * @throws BlindtallyError `wasm.load`
 */
export function init(source?: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  // In this form, bundlers see that the file belongs to the program.
  return load(() => source ?? new URL("./blindtally.wasm", import.meta.url));
}

/**
 * As `init`, without waiting.
 *
 * @throws BlindtallyError `wasm.load`
 */
export function initSync(source: SyncWasmSource): void {
  loadSync(() => source);
}
