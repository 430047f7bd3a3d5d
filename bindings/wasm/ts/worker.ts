/**
 * An owner whose keys live in a worker, so that the page's own scripts never see them. The API is that of `Owner`, but
 * that every call gives a promise: code that awaits what it calls works with both.
 */
import type { AccountSecret } from "./artefacts.js";
import type { Backup } from "./backup.js";
import type { Change } from "./change.js";
import { integer, tag } from "./check.js";
import { BlindtallyError, type WasmErrorCode } from "./error.js";
import type { Handle, WasmSource } from "./init.js";
import type { KeptLogin, Login, LoginOptions } from "./login.js";
import type { CreateOptions, Owner } from "./owner.js";
import { type Answer, type Call, decode, decodeError } from "./remote.js";

/** The same object in the worker. */
export type Remote<T> = Disposable & {
  readonly [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]:
    T[Name] extends (...args: infer Args) => infer Returned
      ? (...args: Args) => Promise<Remoted<Awaited<Returned>>>
      : never;
};
type Remoted<Value> =
  Value extends Handle<infer _> ? Remote<Value>
  : Value extends { owner: Owner; change: Change } ? { owner: Remote<Owner>; change: Change }
  : Value;

export interface OwnerWorkerOptions {
  /**
   * A worker that runs `blindtally/owner-worker`, where the bundler does not find that by itself, and on pages that
   * require Trusted Types: theirs is the policy that may name a script.
   */
  readonly worker?: Worker | undefined;
  /** Where the worker loads the WebAssembly module from: not from its usual place. */
  readonly wasm?: Exclude<WasmSource, Response> | undefined;
  /** How long the worker may take to load, with its module, in milliseconds; 30,000 if not said. */
  readonly timeout?: number | undefined;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class OwnerWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  /** Frees in the worker what the page no longer knows. */
  readonly #forgotten: FinalizationRegistry<number>;
  #calls = 0;
  #ended: BlindtallyError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#settle(data));
    for (const failure of ["error", "messageerror"]) {
      worker.addEventListener(failure, () => this.#end("wasm.load", "the owner's worker cannot be loaded or has failed"));
    }
    this.#forgotten = new FinalizationRegistry((object) => void this.#call(object, "free", []).catch(() => undefined));
  }

  /** Starts the worker and loads the module in it. @throws BlindtallyError `wasm.load` */
  static async start({ worker, wasm, timeout = 30_000 }: OwnerWorkerOptions = {}): Promise<OwnerWorker> {
    const patience = integer(timeout, "the timeout in milliseconds", 2 ** 31 - 1);
    // In this form, bundlers see that the worker belongs to the program.
    const started = worker ?? new Worker(new URL("./owner-worker.js", import.meta.url), { type: "module" });
    const owners = new OwnerWorker(started);
    // A script that loads, and is another than ours, never answers.
    const timer = setTimeout(() => owners.#end("wasm.load", `the owner's worker has not answered for ${patience} ms`), patience);
    try {
      await owners.#call(0, "init", [wasm instanceof URL ? wasm.href : wasm]);
    } catch (error) {
      owners.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return owners;
  }

  /** As `Owner.create`. */
  create(options: CreateOptions): Promise<{ owner: Remote<Owner>; change: Change }> {
    return this.#call(0, "create", [options]) as Promise<{ owner: Remote<Owner>; change: Change }>;
  }

  /** As `Login.start`. */
  login(options: LoginOptions): Promise<Remote<Login>> {
    return this.#call(0, "login", [options]) as Promise<Remote<Login>>;
  }

  /** As `Login.resume`. */
  resume(kept: KeptLogin): Promise<Remote<Login>> {
    return this.#call(0, "resume", [kept]) as Promise<Remote<Login>>;
  }

  /** As `generateAccountSecret`, for a page that does not load the module itself. */
  generateAccountSecret(): Promise<AccountSecret> {
    return this.#call(0, "generateAccountSecret", []) as Promise<AccountSecret>;
  }

  /** As `Backup.parse`. */
  openBackup(text: string): Promise<Remote<Backup>> {
    return this.#call(0, "openBackup", [text]) as Promise<Remote<Backup>>;
  }

  /** Ends the worker, and with it every key in it. Calls under way fail with `wasm.disposed`. */
  stop(): void {
    this.#end("wasm.disposed", "the owner's worker was stopped");
  }

  #call(object: number, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      const message: Call = { call, object, method, args };
      // Streams move; all else is copied.
      this.#worker.postMessage(message, args.filter((arg) => tag(arg) === "ReadableStream") as Transferable[]);
      this.#waiting.set(call, { resolve, reject });
    });
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.call);
    this.#waiting.delete(answer.call);
    if ("error" in answer) waiting?.reject(decodeError(answer.error));
    else {
      const result = decode(answer.result, (object) => this.#adopt(object));
      waiting?.resolve(tag(result) === "ReadableStream" ? this.#bound(answer.call, result as ReadableStream) : result);
    }
  }

  /** The same stream, but that it fails when the worker ends: its other end would go without a word. */
  #bound(call: number, stream: ReadableStream): ReadableStream {
    const reader = stream.getReader();
    const done = () => this.#waiting.delete(call);
    return new ReadableStream({
      start: (controller) => {
        this.#waiting.set(call, { resolve: done, reject: (error) => controller.error(error) });
      },
      async pull(controller) {
        try {
          const { value, done: isDone } = await reader.read();
          if (!isDone) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        done();
      },
      cancel(reason) {
        done();
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  #adopt(object: number): unknown {
    const free = () => void this.#call(object, "free", []).catch(() => undefined);
    const dispose: symbol | undefined = Symbol.dispose;
    const remote = new Proxy({}, {
      get: (_, method) => {
        if (typeof method === "symbol") return method === dispose ? free : undefined;
        // What is awaited, printed or serialised is asked for these.
        if (["then", "toJSON", "toString", "valueOf", "constructor"].includes(method)) return undefined;
        return (...args: unknown[]) => this.#call(object, method, args);
      },
    });
    this.#forgotten.register(remote, object);
    return remote;
  }

  #end(code: WasmErrorCode, message: string): void {
    this.#ended ??= new BlindtallyError(code, message);
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
