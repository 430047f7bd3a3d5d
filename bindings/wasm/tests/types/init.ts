// What init takes, and what it does not; compiled, never run. A line under @ts-expect-error that compiles is an error.
import { BlindtallyError, BlindtallyPanic, init, initSync, type WasmErrorCode, type WasmSource } from "blindtally";

declare const module: WebAssembly.Module;

const loaded: Promise<void> = init();
void init("/blindtally.wasm");
void init(new URL("https://example.org/blindtally.wasm"));
void init(fetch("/blindtally.wasm"));
void init(new Uint8Array());
void init(new ArrayBuffer(0));
void init(module);
const source: WasmSource = module;
const nothing: void = initSync(new Uint8Array());
// @ts-expect-error a number is no source
void init(7);
// @ts-expect-error what must be fetched is not there at once
initSync("/blindtally.wasm");

declare const error: unknown;
if (error instanceof BlindtallyError) {
  const code: string = error.code;
  // @ts-expect-error a code is not changed
  error.code = "other";
  const own = code as WasmErrorCode;
  // @ts-expect-error not one of them
  const isOther = own === "wasm.other";
}
// @ts-expect-error a panic is a bug, not a refusal, and has no code
if (error instanceof BlindtallyPanic) void error.code;
