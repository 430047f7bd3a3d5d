// esbuild does not follow `new URL`. With the loader "file", it takes the module along and says where; the package's worker
// is an entry of its own.
import { init as initFrom } from "blindtally";
import wasm from "blindtally/blindtally.wasm";
import { OwnerWorker } from "blindtally/worker";

const url = new URL(wasm, import.meta.url);

export * from "blindtally";
export * from "blindtally/blob";
export const init = () => initFrom(url);
export const startOwners = () =>
  OwnerWorker.start({ worker: new Worker(new URL("./owner-worker.js", import.meta.url), { type: "module" }), wasm: url });
