/** Lists of the service's that are read page by page, as far as somebody wants to see them. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ServiceError } from "../service.ts";
import { Failure } from "./action.tsx";

export interface Pages<T> {
  readonly items: readonly T[];
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  readonly error: unknown;
  /** Reads on, or tries again. */
  more(): void;
  /** Begins anew. */
  refresh(): void;
}

type Page<T> = { readonly items: readonly T[]; readonly next: string | null };

/** @param question tells one list from another: a new one is read from its beginning */
export function usePages<T extends { readonly id: string }>(question: string, ask: (after: string | undefined) => Promise<Page<T>>): Pages<T> {
  const state = useSignal<{ items: readonly T[]; next: string | null | undefined; isLoading: boolean; error: unknown }>(
    { items: [], next: undefined, isLoading: true, error: undefined },
  );
  /** Of which list, and which of its readings, an answer is. */
  const reading = useRef({});
  const read = (items: readonly T[], after: string | undefined) => {
    const mine = reading.current = {};
    state.value = { items, next: after, isLoading: true, error: undefined };
    void ask(after).then(({ items: found, next }) => {
      // A second copy of a name is taken for the first.
      const known = new Map(items.map((item) => [item.id, item]));
      for (const item of found) if (!known.has(item.id)) known.set(item.id, item);
      // A page that brings nothing could go on for ever.
      if (next !== null && known.size === items.length) throw new ServiceError("service.nonsense");
      return { items: [...known.values()], next, isLoading: false, error: undefined };
    }).catch((error: unknown) => ({ items, next: after, isLoading: false, error })).then((value) => {
      if (reading.current === mine) state.value = value;
    });
  };
  useEffect(() => {
    read([], undefined);
    return () => void (reading.current = {});
  }, [question]);
  const { items, next, isLoading, error } = state.value;
  return {
    items, isLoading, error,
    hasMore: next !== null,
    more: () => isLoading || read(items, next ?? undefined),
    refresh: () => isLoading || read([], undefined),
  };
}

/** What is below a list: whether there is more of it, and what to do about it. */
export function More({ pages: { items, isLoading, hasMore, error, more, refresh }, nothing }: { pages: Pages<unknown>; nothing: string }) {
  return (
    <>
      <Failure error={error} />
      <div role="status" class="quiet more">
        {isLoading && <p>One moment…</p>}
        {!isLoading && error === undefined && (
          <p>{items.length === 0 ? nothing : `${items.length.toLocaleString()} ${hasMore ? "so far" : "in all"}.`}</p>
        )}
      </div>
      <p class="buttons">
        {hasMore
          ? <button aria-disabled={isLoading} onClick={more}>{error === undefined ? "Show more" : "Try again"}</button>
          : <button aria-disabled={isLoading} onClick={refresh}>Look again</button>}
      </p>
    </>
  );
}
