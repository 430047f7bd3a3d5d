// The static build: one page whose Content-Security-Policy names its only service, and which pins every other file by hash.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

/** Where the service is, if it is not where the page comes from: an origin. */
const service = process.env.BLINDTALLY_SERVICE ?? "";
if (service !== "" && new URL(service).origin !== service) throw new Error("BLINDTALLY_SERVICE must be an origin");

/**
 * What a page may do. Workers come from blobs, because only what is fetched can be checked by its hash; pictures and
 * recordings do too, because nobody but this page has them in the clear.
 */
const POLICY = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src 'self' blob:", "media-src blob:", "font-src 'self'",
  `connect-src 'self' ${service}`.trim(), "worker-src blob:", "form-action 'none'", "base-uri 'none'",
  "require-trusted-types-for 'script'", "trusted-types blindtally blindtally-dashboard",
].join("; ");

/** Writes the policy, the service and the hash of every file that the page loads into the page. */
function pin() {
  let folder = "";
  return {
    name: "pin",
    apply: "build",
    configResolved: ({ root, build }) => {
      folder = resolve(root, build.outDir);
    },
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
      { tag: "meta", attrs: { name: "blindtally-service", content: service }, injectTo: "head" },
    ],
    writeBundle: () => {
      const integrity = (path) =>
        `sha384-${createHash("sha384").update(readFileSync(join(folder, path))).digest("base64")}`;
      const fetched = readdirSync(join(folder, "assets"))
        .filter((file) => file.endsWith(".wasm") || file.startsWith("owner-worker"))
        .map((file) => `    <meta name="blindtally-pinned" content="./assets/${file} ${integrity(`assets/${file}`)}">\n`);
      const page = join(folder, "index.html");
      const html = readFileSync(page, "utf8")
        .replace("  </head>", `${fetched.join("")}  </head>`)
        .replace(/(<(?:script|link)\b[^>]*?\b(?:src|href)="\.\/(assets\/[^"]+)")/g, (_, start, path) =>
          `${start} integrity="${integrity(path)}"`);
      writeFileSync(page, html);
      // Each file once more, compressed: what the program that embeds them sends.
      for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (/\.(html|js|css|svg|wasm)$/.test(file)) {
          writeFileSync(join(folder, `${file}.gz`), gzipSync(readFileSync(join(folder, file)), { level: 9 }));
        }
      }
    },
  };
}

export default defineConfig({
  // Relative, so that the build can lie in any folder of a host.
  base: "./",
  plugins: [pin()],
  build: {
    target: "es2022",
    // No file inside another: the policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: false,
    // Charts.css comes minified, with rules that Vite's minifier refuses and browsers leave out.
    cssMinify: false,
  },
  // Development: the service runs beside it.
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
