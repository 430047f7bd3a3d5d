/** Waiting in a tab that nobody looks at: a page's own timers are slowed down there to one a minute, a worker's are not. */
import { startWorker } from "./worker.ts";

let worker: Worker | undefined;
let waits = 0;
const waiting = new Map<number, () => void>();

/** Ends early when `signal` is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  worker ??= start();
  const wait = ++waits;
  worker.postMessage([wait, milliseconds]);
  return new Promise((resolve) => {
    const end = () => {
      waiting.delete(wait);
      signal.removeEventListener("abort", end);
      resolve();
    };
    waiting.set(wait, end);
    signal.addEventListener("abort", end);
  });
}

function start(): Worker {
  const started = startWorker("onmessage = ({ data: [wait, milliseconds] }) => setTimeout(() => postMessage(wait), milliseconds);");
  started.addEventListener("message", ({ data }: MessageEvent<number>) => waiting.get(data)?.());
  return started;
}
