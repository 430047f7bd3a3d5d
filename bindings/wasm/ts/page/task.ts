/** Work in slices, so that a page stays responsive whatever there is to do. */

/** The time that one slice takes, in milliseconds: more than half of a frame stays the page's own. */
export const SLICE = 8;

/** Runs `task` soon, after input and painting had their turn. */
export function nextTask(task: () => void): void {
  if (typeof scheduler === "object") {
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

/** Runs `work` until it ends or `milliseconds` have passed; true when it ended. */
export function runFor(work: Iterator<void>, milliseconds: number): boolean {
  const end = performance.now() + milliseconds;
  do if (work.next().done) return true; while (performance.now() < end);
  return false;
}

/** Runs `work` to its end in slices. */
export async function runInSlices<T>(work: Generator<void, T>): Promise<T> {
  for (let end = performance.now() + SLICE;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < end) continue;
    await new Promise<void>(nextTask);
    end = performance.now() + SLICE;
  }
}
