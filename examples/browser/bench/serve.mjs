// A build of the dashboard on a port of its own, in front of the service.
import { readFile } from "node:fs/promises";
import { Agent, createServer, request as ask } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = { ".css": "text/css", ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

/** Serves the files in `folder`; what is under /api/ goes to the service, and its answers come back as they are. */
export async function serve(folder, service) {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (request, response) => {
    if (request.url.startsWith("/api/")) {
      const passed = ask(service.url + request.url, { agent, method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      passed.on("error", () => response.destroy());
      return request.pipe(passed);
    }
    const path = normalize(request.url === "/" ? "/index.html" : request.url);
    const body = await readFile(join(folder, path)).catch(() => undefined);
    response.writeHead(body ? 200 : 404, { "content-type": TYPES[extname(path)] ?? "text/plain" });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => {
    agent.destroy();
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}
