/** Answers that stay up to date while somebody looks: asked for every few seconds, and never in a tab that is hidden. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ServiceError } from "../service.ts";

/** Milliseconds between an answer and the next question; after errors it is twice as long each time, up to a limit. */
const PERIOD = 5_000;
const LONGEST = 30_000;
/** For how long a service can have us wait. */
const OBEDIENCE = 180_000;

export interface Live<T> {
  /** The last answer; of the question before while this one has none yet: see `isCurrent`. */
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
    let failures = 0;
    let wait = PERIOD;
    const look = async () => {
      if (isOver) return;
      try {
        const value = await asking.current();
        if (isOver) return;
        answer.value = { value, of: question, error: undefined };
        failures = 0;
        wait = PERIOD;
      } catch (error) {
        if (isOver) return;
        // What was answered to another question is no answer to this one.
        const { value, of } = answer.value;
        answer.value = of === question ? { value, of, error } : { value: undefined, of: undefined, error };
        const asked = error instanceof ServiceError ? (error.retryAfter ?? 0) * 1000 : 0;
        wait = Math.max(Math.min(PERIOD * 2 ** failures++, LONGEST), Math.min(asked, OBEDIENCE));
      }
    };
    const later = () => {
      clearTimeout(timer);
      if (!isOver && !document.hidden) timer = setTimeout(again, wait);
    };
    const again = () => {
      clearTimeout(timer);
      const next = last.then(look);
      last = next;
      // Only the last of several goes on.
      void next.then(() => {
        if (last === next) later();
      });
      return next;
    };
    const watch = () => {
      if (document.hidden) clearTimeout(timer);
      else if (failures > 0) later();
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
