/** Answers that stay up to date while somebody looks: asked for every few seconds, and never in a tab that is hidden. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** Milliseconds between an answer and the next question. */
const PERIOD = 5_000;

export interface Live<T> {
  /** The last answer, which may be of an earlier question: see `isCurrent`. */
  readonly value: T | undefined;
  readonly isCurrent: boolean;
  /** Why the last question has no answer. */
  readonly error: unknown;
  /** Asks at once, after whatever is asked already. */
  refresh(): Promise<void>;
}

/** @param question tells one question from another: a new one is asked at once */
export function useLive<T>(question: string, ask: () => Promise<T>): Live<T> {
  const answer = useSignal<{ value: T | undefined; of: string | undefined; error: unknown }>(
    { value: undefined, of: undefined, error: undefined },
  );
  const asking = useRef(ask);
  asking.current = ask;
  const refresh = useRef(() => Promise.resolve());
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = Promise.resolve();
    const look = async () => {
      if (isOver) return;
      try {
        const value = await asking.current();
        if (!isOver) answer.value = { value, of: question, error: undefined };
      } catch (error) {
        if (!isOver) answer.value = { ...answer.value, error };
      }
    };
    const again = () => {
      clearTimeout(timer);
      const next = last.then(look);
      last = next;
      // Only the last of several goes on.
      void next.then(() => {
        if (!isOver && last === next && !document.hidden) timer = setTimeout(again, PERIOD);
      });
      return next;
    };
    const watch = () => {
      if (document.hidden) clearTimeout(timer);
      else void again();
    };
    refresh.current = again;
    document.addEventListener("visibilitychange", watch);
    if (!document.hidden) void again();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", watch);
    };
  }, [question]);
  const { value, of, error } = answer.value;
  return { value, isCurrent: of === question, error, refresh: () => refresh.current() };
}
