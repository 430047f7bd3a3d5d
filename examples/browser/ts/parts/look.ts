/** Looking at what a shelf has: while it is near the screen, or for as long as somebody wants to. */
import { useSignal } from "@preact/signals";
import { type RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ListedBlob } from "../answers.ts";
import type { Shelf, State } from "../sealed/shelf.ts";

/** The state of one, while it is wanted. `again` opens it anew. */
export function useLook(shelf: Shelf, listed: ListedBlob, isWanted: boolean): { state: State | undefined; again: () => void } {
  const state = useSignal<State | undefined>(undefined);
  const attempt = useSignal(0);
  useEffect(() => {
    if (!isWanted) return undefined;
    const stop = shelf.take(listed).subscribe((value) => state.value = value);
    return () => {
      stop();
      state.value = undefined;
      shelf.putBack(listed);
    };
  }, [shelf, listed.id, isWanted, attempt.value]);
  return { state: state.value, again: () => attempt.value += 1 };
}

/** Whether an element is on the screen, or is after a little scrolling. */
export function useNear<Of extends Element>(): [ref: RefObject<Of | null>, isNear: boolean] {
  const ref = useRef<Of>(null);
  const isNear = useSignal(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => isNear.value = entries.at(-1)!.isIntersecting, { rootMargin: "75%" });
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, isNear.value];
}
