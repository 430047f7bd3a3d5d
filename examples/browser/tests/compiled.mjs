// Modules of the dashboard in Node, for what needs no browser.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";

/** The exports of modules, given by name and place, in one object; and the folder that they were compiled into. */
export async function compiled(input) {
  const folder = await mkdtemp(join(tmpdir(), "blindtally-compiled-"));
  await build({
    configFile: false,
    root: join(import.meta.dirname, ".."),
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: folder,
      rolldownOptions: { input, output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" } },
    },
  });
  const modules = await Promise.all(Object.keys(input).map((name) => import(pathToFileURL(join(folder, `${name}.mjs`)).href)));
  return { modules: Object.assign({}, ...modules), folder };
}
