/** What every entry offers, beside its own `init`. */
export { BlindtallyError, BlindtallyPanic, type WasmErrorCode } from "./error.js";
export type { SyncWasmSource, WasmSource } from "./init.js";
