/** Work in slices, so that a page stays responsive whatever there is to do. */

/** The time that one slice takes, in milliseconds: more than half of a frame stays the page's own. */
export const SLICE = 8;

/**
 * How long work may keep the next frame waiting, in slices: to paint once with all words costs a page less than to paint
 * it again for every slice.
 */
export const URGENT = 100;

/** Steps of small work between two looks at the clock. */
export const STEPS = 32;

/** Runs `task` soon: after input, and also after painting unless it is urgent. */
export function nextTask(task: () => void, urgency: "user-blocking" | "user-visible" = "user-visible"): void {
  if (typeof scheduler === "object") {
    void scheduler.postTask(task, { priority: urgency });
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
