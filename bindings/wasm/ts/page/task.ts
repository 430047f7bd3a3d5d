/** Work in slices, so that a page stays responsive whatever there is to do. */

/** The time that one slice takes, in milliseconds: more than half of a frame stays the page's own. */
export const SLICE = 8;

/**
 * The time for a slice of work that has just begun, in milliseconds: with two of these a report of ten thousand tokens is
 * whole when it is painted first. To paint a large page again for every small slice would take far longer.
 */
export const LARGE_SLICE = 36;

/** For how long work has just begun. */
export const BEGINNING = 100;

/** Steps of small work between two looks at the clock. */
export const STEPS = 32;

/** Runs `task` once soon: before the next frame is painted, or earlier when there is no input to handle. */
export function soon(task: () => void): void {
  let ran = false;
  const once = () => {
    if (ran) return;
    ran = true;
    cancelAnimationFrame(frame);
    task();
  };
  const frame = requestAnimationFrame(once);
  nextTask(once);
}

/** Runs `task` as a task of its own. */
function nextTask(task: () => void): void {
  // An element with that id is an object too.
  if (typeof globalThis.scheduler?.postTask === "function") {
    void scheduler.postTask(task);
  } else {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      task();
    };
    port2.postMessage(undefined);
  }
}

/** Runs `work` to its end in slices. */
export async function runInSlices<T>(work: Generator<void, T>): Promise<T> {
  for (let end = performance.now() + SLICE;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < end) continue;
    await new Promise<void>((resolve) => nextTask(resolve));
    end = performance.now() + SLICE;
  }
}
