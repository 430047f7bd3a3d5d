// The dashboard on an origin that the service does not control: built for one service, pinned by the hash of its page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { addComputer, go, logIn, open, PEOPLE, Scene, signUp } from "./harness.mjs";

const ROOT = join(import.meta.dirname, "..");
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

const scene = new Scene();
let host, service, build;

before(async () => {
  // Any web server that knows the types of files.
  const server = createServer((request, response) => {
    const file = join(build, request.url === "/dashboard/" ? "index.html" : request.url.replace(/^\/dashboard\//, ""));
    if (!request.url.startsWith("/dashboard/") || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] }).end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.finally(() => server.close());
  host = `http://127.0.0.1:${server.address().port}`;
  service = await scene.service("--allow-origin", host, "--no-dashboard");
  build = join(scene.folder, "build");
  execFileSync(join(ROOT, "node_modules/.bin/vite"), ["build", "--logLevel", "error", "--emptyOutDir", "--outDir", relative(ROOT, build)], {
    cwd: ROOT, env: { ...process.env, BLINDTALLY_SERVICE: service.url },
  });
});
after(() => scene.end());

test("the page pins every file that it loads, and names the one service", () => {
  const page = readFileSync(join(build, "index.html"), "utf8");
  const files = readdirSync(build, { recursive: true, encoding: "utf8" }).filter((file) => /\.(js|css|wasm)$/.test(file));
  assert.equal(files.length, 4);
  for (const file of files) {
    const hash = `sha384-${createHash("sha384").update(readFileSync(join(build, file))).digest("base64")}`;
    assert.ok(page.includes(`"./${file}" integrity="${hash}"`) || page.includes(`"./${file} ${hash}"`), file);
  }
  assert.match(page, new RegExp(`connect-src (&#39;|')self(&#39;|') ${service.url};`));
});

test("it works from there, and asks nobody but its host and the service", async () => {
  const browser = await scene.browser();
  const { page, problems, requests } = await open(browser, { url: `${host}/dashboard` });
  await signUp(page, "mara@example.org");
  const computer = await addComputer(scene, service, page, "nordlicht");
  assert.equal(computer.import("nordlicht", PEOPLE.nordlicht).error, undefined);
  await go(page, "Reports");
  await page.getByRole("button", { name: "Show the last days that have something" }).click();
  await page.getByRole("row", { name: "Code.exe" }).first().waitFor();
  await go(page, "Categories");
  await go(page, "Devices");
  await page.getByRole("button", { name: "Revoke nordlicht" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row", { name: "nordlicht" }).getByText("Revoked").waitFor();
  await page.getByRole("button", { name: "Lock" }).click();
  await logIn(page, "mara@example.org");
  await page.getByRole("heading", { name: "Devices", level: 1 }).waitFor();
  assert.deepEqual(problems, []);
  const others = requests.filter((url) => !url.startsWith(`${host}/dashboard/`) && !url.startsWith(`${service.url}/api/`) && !url.startsWith("blob:"));
  assert.deepEqual(others, []);
});

test("a service that it was not built for is not asked, whatever the page says", async () => {
  const browser = await scene.browser();
  const { page, requests } = await open(browser, { url: `${host}/dashboard` });
  await page.evaluate(() => document.querySelector("meta[name=blindtally-service]").content = "http://127.0.0.1:9");
  await logIn(page, "mara@example.org");
  await page.getByRole("alert").getByText("The service cannot be reached").waitFor();
  assert.ok(!requests.some((url) => url.startsWith("http://127.0.0.1:9/")), "the policy forbids it before it is sent");
});
