// The same use of the package on the page and in a worker, and the package's own worker; the page then shows the outcome.
import * as blindtally from "./package.js";
import { use, useOwners } from "./use.js";

const output = document.querySelector("output");
try {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const inWorker = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`worker: ${message}`));
  });
  const outcomes = [await use(blindtally), await inWorker];
  if (blindtally.startOwners) outcomes.push(await useOwners(await blindtally.startOwners(), blindtally));
  output.textContent = JSON.stringify(outcomes);
} catch (error) {
  output.textContent = JSON.stringify(String(error?.stack));
}
