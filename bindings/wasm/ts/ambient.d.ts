// What the entries import and TypeScript cannot see. All of Node's types would be in scope in the browser's code too.
declare module "node:fs" {
  export function readFileSync(path: URL): Uint8Array<ArrayBuffer>;
}
declare module "node:fs/promises" {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}
/** As Cloudflare's workers import it. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
/** Made by build.mjs. */
declare module "*/base64.js" {
  const wasm: string;
  export default wasm;
}
