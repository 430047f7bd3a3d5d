/**
 * What went wrong, in one class. `code` is stable and the same in every language (SPEC.md, "Errors"); `message` is one
 * sentence that never holds plaintext, a key or a token.
 */
export class BlindtallyError extends Error {
  static { this.prototype.name = "BlindtallyError"; }
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The WebAssembly code stopped where it never should: a bug. Its memory is in an unknown state, so that every call after
 * it fails in the same way; only a new page (or worker, or process) helps.
 */
export class BlindtallyPanic extends Error {
  static { this.prototype.name = "BlindtallyPanic"; }
}
