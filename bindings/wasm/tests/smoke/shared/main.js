// The same use of the package on the page and in a worker; the outcome of both is written into the page.
import * as blindtally from "./package.js";
import { use } from "./use.js";

const output = document.querySelector("output");
try {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const inWorker = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`worker: ${message}`));
  });
  output.textContent = JSON.stringify([await use(blindtally), await inWorker]);
} catch (error) {
  output.textContent = JSON.stringify(String(error?.stack));
}
