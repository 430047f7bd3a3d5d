/** The worker's side of `OwnerWorker`: the keys of an unlocked owner live here, where no script of the page's reaches. */
import { ArchivePort, BlobPort, PORTS, WriterPort } from "./blob/ports.js";
import { isStream } from "./blob/source.js";
import { Backup, generateAccountSecret, init, Login, Owner, Restored, type WasmSource } from "./index.js";
import { type Handle } from "./init.js";
import { type Answer, type Call, encode, encodeError } from "./remote.js";

type Kept = Handle<{ free(): void }>;

const objects = new Map<number, Kept>();
let last = 0;

/** What may be called of each object: the public methods, nothing that would give an insight into the module. */
const METHODS = new Map<unknown, ReadonlySet<string>>(
  [Owner, Login, Backup, Restored, BlobPort, ArchivePort, WriterPort].map((type) => {
    const names = Object.getOwnPropertyNames(type.prototype);
    return [type, new Set(["free", ...names.filter((name) => name !== "constructor" && name !== "complete")])];
  }),
);

/** And what is done with blobs and archives. */
const OPENERS: ReadonlyMap<unknown, readonly string[]> =
  new Map<unknown, readonly string[]>([[Owner, Object.keys(PORTS)], [Restored, ["openBlob", "openArchive"]]]);

/** What may be called of the worker itself. */
const STARTERS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  init: (source?: WasmSource) => init(source),
  create: (options: Parameters<typeof Owner.create>[0]) => Owner.create(options),
  login: (options: Parameters<typeof Login.start>[0]) => Login.start(options),
  resume: (kept: Parameters<typeof Login.resume>[0]) => Login.resume(kept),
  generateAccountSecret: () => generateAccountSecret(),
  openBackup: (text: string) => Backup.parse(text),
};

addEventListener("message", ({ data }: MessageEvent<Call>) => void answer(data).then(post));

function post(answer: Answer): void {
  const value = "result" in answer && answer.result.kind === "plain" ? answer.result.value : undefined;
  try {
    postMessage(answer, isStream(value) ? { transfer: [value] } : {});
  } catch (error) {
    // An engine that cannot transfer streams says so.
    postMessage({ call: answer.call, error: encodeError(error) } satisfies Answer);
  }
}

async function answer({ call, object, method, args }: Call): Promise<Answer> {
  try {
    const result = await perform(object, method, args as never[]);
    return { call, result: encode(result, keep) };
  } catch (error) {
    // A stream that nobody has begun to read is of no use to anybody: it came here for this call.
    for (const arg of args) if (isStream(arg) && !arg.locked) arg.cancel(error).catch(() => undefined);
    return { call, error: encodeError(error) };
  }
}

function perform(object: number, method: string, args: never[]): unknown {
  if (object === 0) {
    if (!Object.hasOwn(STARTERS, method)) throw new TypeError(`there is no ${method}`);
    return STARTERS[method]!(...args);
  }
  const target = objects.get(object);
  if (target && OPENERS.get(target.constructor)?.includes(method)) {
    return (PORTS as unknown as Record<string, (target: Kept, ...args: never[]) => unknown>)[method]!(target, ...args);
  }
  if (!target || !METHODS.get(target.constructor)?.has(method)) throw new TypeError(`there is no ${method}`);
  if (method === "free") objects.delete(object);
  return (target as unknown as Record<string, (...args: never[]) => unknown>)[method]!(...args);
}

function keep(handle: Kept): number {
  objects.set(++last, handle);
  return last;
}
