/**
 * Loads the WebAssembly module, and is the one door to it: whatever else calls the bridge does so through `guarded`, or
 * by the `call` of a `Handle`.
 */
import * as bridge from "./bridge.js";
import { tag } from "./check.js";
import { BlindtallyError, BlindtallyPanic, type WasmErrorCode } from "./error.js";

/** Where the module comes from: its URL, an answer of `fetch`, its bytes, or the module as compiled before. */
export type WasmSource = string | URL | Response | SyncWasmSource;
// TypeScript's Module is empty, and by itself would take numbers and text.
export type SyncWasmSource = ArrayBuffer | ArrayBufferView | (WebAssembly.Module & object);
export type Bridge = typeof bridge;

let loading: Promise<void> | undefined;
let isReady = false;
let isInstantiating = false;
let panic: BlindtallyPanic | undefined;

/**
 * Loads the module once; every further call waits for, or finds, what the first has loaded. After a failure the next
 * call tries again. `fetchUrl` may know URLs that `fetch` does not.
 */
export function load(
  source: () => WasmSource | PromiseLike<WasmSource>,
  fetchUrl: (url: string) => Promise<Response | ArrayBufferView> = (url) => fetch(url),
): Promise<void> {
  if (panic) return Promise.reject(panic);
  loading ??= loadOnce(source, fetchUrl).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function loadOnce(...[source, fetchUrl]: Required<Parameters<typeof load>>): Promise<void> {
  if (isReady) return;
  let tried = "its usual place";
  try {
    const found = await source();
    tried = describe(found);
    const module = await compile(isUrl(found) ? await fetchUrl(String(found)) : found);
    checkExports(module);
    // `initSync` may have been faster.
    if (isReady) return;
    isInstantiating = true;
    await bridge.default({ module_or_path: module });
    isReady = true;
  } catch (error) {
    throw notLoaded(tried, error);
  } finally {
    isInstantiating = false;
  }
}

/** The same without waiting, for a source that is there already. Browsers may refuse it for large modules on a page. */
export function loadSync(source: () => SyncWasmSource): void {
  if (panic) throw panic;
  if (isReady) return;
  if (isInstantiating) throw fault("wasm.load", "init() is about to be done: await it");
  let tried = "its usual place";
  try {
    const found = source();
    tried = describe(found);
    const module = isModule(found) ? found : new WebAssembly.Module(checkMagic(found));
    checkExports(module);
    bridge.initSync({ module });
  } catch (error) {
    throw notLoaded(tried, error);
  }
  isReady = true;
}

async function compile(source: Response | SyncWasmSource): Promise<WebAssembly.Module> {
  if (!isResponse(source)) return isModule(source) ? source : WebAssembly.compile(checkMagic(source));
  if (!source.ok) throw new Error(`the server answered ${source.status} ${source.statusText}`.trim());
  const type = source.headers.get("content-type");
  // Streaming refuses every other type, and many servers do not know this one.
  if (type === "application/wasm" && "compileStreaming" in WebAssembly) return WebAssembly.compileStreaming(source);
  return WebAssembly.compile(checkMagic(await source.arrayBuffer(), type));
}

/** Refuses what is plainly something else, such as the HTML page that a server gives for every unknown path. */
function checkMagic(source: ArrayBuffer | ArrayBufferView, type?: string | null): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(source) ? source : new Uint8Array(source);
  const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== "\0asm") {
    throw new Error(type ? `this is ${type}, not WebAssembly` : "this is not WebAssembly");
  }
  return bytes;
}

/** The bridge would take any module without imports, and fail at the first call only. */
function checkExports(module: WebAssembly.Module): void {
  if (!WebAssembly.Module.exports(module).some(({ name }) => name === "__wbindgen_start")) {
    throw new Error("this is the WebAssembly module of something else");
  }
}

function notLoaded(tried: string, error: unknown): BlindtallyError {
  const reason = error instanceof Error ? error.message : String(error);
  return fault("wasm.load", `cannot load the WebAssembly module from ${tried}: ${reason}`, { cause: error });
}

const isUrl = (source: WasmSource): source is string | URL => typeof source === "string" || tag(source) === "URL";
const isResponse = (source: WasmSource): source is Response => tag(source) === "Response";
const isModule = (source: WasmSource): source is WebAssembly.Module => tag(source) === "WebAssembly.Module";

function describe(source: WasmSource): string {
  // A data: URL would be the whole module.
  if (isUrl(source)) return String(source).slice(0, 200);
  if (isResponse(source)) return source.url || "the given Response";
  return isModule(source) ? "the given Module" : "the given bytes";
}

function fault(code: WasmErrorCode, message: string, options?: ErrorOptions): BlindtallyError {
  return new BlindtallyError(code, message, options);
}

/**
 * Calls the bridge, which must return without waiting for anything.
 *
 * @throws BlindtallyError as the core throws it, and before `init`
 * @throws BlindtallyPanic if the module stops, and at every call after that
 */
export function guarded<T>(call: (bridge: Bridge) => T): T {
  if (panic) throw panic;
  if (!isReady) throw fault("wasm.not-initialised", "call and await init() first");
  try {
    return call(bridge);
  } catch (error) {
    if (!isTrap(error)) throw error;
    panic = new BlindtallyPanic(`a bug in blindtally stopped its WebAssembly code: ${error.message}`, { cause: error });
    throw panic;
  }
}

/** A Rust panic, or a stack run full: the frames are gone, but what they had borrowed and pushed is not given back. */
function isTrap(error: unknown): error is Error {
  return error instanceof WebAssembly.RuntimeError
    || (error instanceof RangeError && error.message.includes("call stack"))
    || (error instanceof Error && error.name === "InternalError");
}

/**
 * Does something with objects of the module's, and frees those that are then still there: what the module consumed has no
 * address any more. So no key waits for the garbage collector because something failed half-way.
 */
export async function releasing<T>(objects: ({ free(): void } | undefined)[], work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const object of objects) if (object) release(object);
  }
}

/** Frees an object of the module's, if it is still there. */
export function release(object: { free(): void }): void {
  if ((object as { __wbg_ptr?: number }).__wbg_ptr && !panic) object.free();
}

/**
 * An object that lives in the module's memory. `free` (or leaving a `using` block) gives the memory back and wipes what
 * is secret in it; without it, the garbage collector does, some time.
 */
export abstract class Handle<Raw extends { free(): void }> implements Disposable {
  static {
    // Not every engine has the symbol yet, and ours is not the place to add it.
    const dispose: symbol | undefined = Symbol.dispose;
    if (dispose) Object.defineProperty(this.prototype, dispose, {
      value(this: Handle<{ free(): void }>) { this.free(); }, writable: true, configurable: true,
    });
  }
  declare readonly [Symbol.dispose]: () => void;
  #raw: Raw | undefined;

  protected constructor(raw: Raw) {
    this.#raw = raw;
  }

  /** Does something with the object in the module. */
  protected call<T>(call: (raw: Raw, bridge: Bridge) => T): T {
    const raw = this.#raw;
    if (!raw) throw fault("wasm.disposed", `this ${this.constructor.name} was freed`);
    return guarded((bridge) => call(raw, bridge));
  }

  /** Hands the object over to the module, for a call that consumes it; this handle is then as if freed. */
  protected take(): Raw {
    return this.call((raw) => {
      this.#raw = undefined;
      return raw;
    });
  }

  /** May be called more than once. */
  free(): void {
    const raw = this.#raw;
    this.#raw = undefined;
    // What a stopped module holds is not touched again.
    if (raw && !panic) guarded(() => raw.free());
  }
}
