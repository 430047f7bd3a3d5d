/**
 * What went wrong, in one class. `code` is stable and the same in every language (SPEC.md, "Errors"), but for the few of
 * {@link WasmErrorCode}; `message` is one sentence that never holds plaintext, a key or a token.
 */
export class BlindtallyError extends Error {
  static { this.prototype.name = "BlindtallyError"; }
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The codes that only this package has: what goes wrong around the core, not in it. */
export type WasmErrorCode =
  /** `init` could not load the module; the message says what was tried. It may be called again. */
  | "wasm.load"
  /** An argument is not of the type, or not in the range, that it must be; the message says which. */
  | "wasm.argument"
  /** There is no WebCrypto: a page gets it over https or from localhost only. */
  | "wasm.platform"
  /** A call before `init` was called and awaited. */
  | "wasm.not-initialised"
  /** A call on an object after its `free`. */
  | "wasm.disposed";

/**
 * The WebAssembly code stopped where it never should: a bug. Its memory is in an unknown state, so that every call after
 * it fails in the same way; only a new page (or worker, or process) helps.
 */
export class BlindtallyPanic extends Error {
  static { this.prototype.name = "BlindtallyPanic"; }
}
