/** The entry that carries the module in itself, a third larger: for where no further file can be loaded. */
import wasm from "./base64.js";
import { load, loadSync, type SyncWasmSource, type WasmSource } from "./init.js";

export * from "./api.js";

const standard = () => Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0));

/** As the `init` of the main entry, with nothing to fetch. */
export function init(source?: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  return load(() => source ?? standard());
}

/** As the `initSync` of the main entry; needs no source here. */
export function initSync(source?: SyncWasmSource): void {
  loadSync(() => source ?? standard());
}
