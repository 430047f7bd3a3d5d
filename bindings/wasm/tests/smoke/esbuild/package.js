// esbuild does not follow `new URL`: with the loader "file", it takes the module along and says where.
import { init as initFrom } from "blindtally";
import wasm from "blindtally/blindtally.wasm";

export * from "blindtally";
export const init = () => initFrom(new URL(wasm, import.meta.url));
