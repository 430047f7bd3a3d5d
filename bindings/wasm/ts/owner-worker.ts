/** The worker's side of `OwnerWorker`: the keys of an unlocked owner live here, where no script of the page's reaches. */
import { Backup, generateAccountSecret, init, Login, Owner, Restored, type WasmSource } from "./index.js";
import { type Handle } from "./init.js";
import { type Answer, type Call, encode, encodeError } from "./remote.js";

type Kept = Handle<{ free(): void }>;

const objects = new Map<number, Kept>();
let last = 0;

/** What may be called of each object: the public methods, nothing that would give an insight into the module. */
const METHODS = new Map<unknown, ReadonlySet<string>>(
  [Owner, Login, Backup, Restored].map((type) => {
    const names = Object.getOwnPropertyNames(type.prototype);
    return [type, new Set(["free", ...names.filter((name) => name !== "constructor" && name !== "complete")])];
  }),
);

/** What may be called of the worker itself. */
const STARTERS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  init: (source?: WasmSource) => init(source),
  create: (options: Parameters<typeof Owner.create>[0]) => Owner.create(options),
  login: (options: Parameters<typeof Login.start>[0]) => Login.start(options),
  resume: (kept: Parameters<typeof Login.resume>[0]) => Login.resume(kept),
  generateAccountSecret: () => generateAccountSecret(),
  openBackup: (text: string) => Backup.parse(text),
};

addEventListener("message", ({ data }: MessageEvent<Call>) => void answer(data).then((message) => postMessage(message)));

async function answer({ call, object, method, args }: Call): Promise<Answer> {
  try {
    const result = await perform(object, method, args as never[]);
    return { call, result: encode(result, keep) };
  } catch (error) {
    return { call, error: encodeError(error) };
  }
}

function perform(object: number, method: string, args: never[]): unknown {
  if (object === 0) {
    if (!Object.hasOwn(STARTERS, method)) throw new TypeError(`there is no ${method}`);
    return STARTERS[method]!(...args);
  }
  const target = objects.get(object);
  if (!target || !METHODS.get(target.constructor)?.has(method)) throw new TypeError(`there is no ${method}`);
  if (method === "free") objects.delete(object);
  return (target as unknown as Record<string, (...args: never[]) => unknown>)[method]!(...args);
}

function keep(handle: Kept): number {
  objects.set(++last, handle);
  return last;
}
