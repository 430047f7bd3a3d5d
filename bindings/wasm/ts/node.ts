/** The entry for Node: the module is read from the file system, in which `fetch` does not look. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { load, loadSync, type SyncWasmSource, type WasmSource } from "./init.js";

export * from "./api.js";

const standard = () => new URL("./blindtally.wasm", import.meta.url);
const fetchUrl = (url: string) => url.startsWith("file:") ? readFile(new URL(url)) : fetch(url);

/**
 * Loads the WebAssembly module, which everything else needs: from beside this file or from `source`. May be called
 * more than once; what the first call loads is what all use, and after a failure the next call tries again.
 *
 * @throws BlindtallyError `wasm.load`
 */
export function init(source?: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  return load(() => source ?? standard(), fetchUrl);
}

/**
 * As `init`, without waiting.
 *
 * @throws BlindtallyError `wasm.load`
 */
export function initSync(source?: SyncWasmSource): void {
  loadSync(() => source ?? readFileSync(standard()));
}
