/**
 * What is being looked at, opened: each once whoever looks, and no longer than somebody does. So what is in memory is bounded by
 * what is on the screen, however much there is.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Account } from "../account.ts";
import type { ListedBlob } from "../answers.ts";
import { giveBack, lend } from "../urls.ts";
import { type Opened, openListed } from "./blobs.ts";
import type { Wanted } from "./wanted.ts";

/** How many are fetched and opened at the same time. */
const AT_ONCE = 4;

/** Neither while it is being opened. */
export interface State {
  readonly opened?: Opened & { readonly url: string };
  readonly error?: unknown;
}

interface Place {
  readonly state: Signal<State>;
  readonly abort: AbortController;
  looks: number;
}

export class Shelf {
  readonly #account: Account;
  readonly #wanted: Wanted;
  readonly #places = new Map<string, Place>();
  #opening = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(account: Account, wanted: Wanted) {
    this.#account = account;
    this.#wanted = wanted;
  }

  /** Looks at one, until it is put back. */
  take(listed: ListedBlob): ReadonlySignal<State> {
    let place = this.#places.get(listed.id);
    if (!place) {
      place = { state: signal({}), abort: new AbortController(), looks: 0 };
      this.#places.set(listed.id, place);
      void this.#open(listed, place);
    }
    place.looks += 1;
    return place.state;
  }

  putBack({ id }: ListedBlob): void {
    const place = this.#places.get(id);
    if (!place || --place.looks > 0) return;
    this.#places.delete(id);
    place.abort.abort();
    const { opened } = place.state.value;
    if (opened) giveBack(opened.url);
  }

  async #open(listed: ListedBlob, { state, abort: { signal } }: Place): Promise<void> {
    while (this.#opening >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#opening += 1;
    try {
      // Whoever has scrolled on by then does not want it any more.
      if (signal.aborted) return;
      const opened = await openListed(this.#account, this.#wanted, listed, signal);
      if (!signal.aborted) state.value = { opened: { ...opened, url: lend(opened.content) } };
    } catch (error) {
      if (!signal.aborted) state.value = { error };
    } finally {
      this.#opening -= 1;
      this.#waiting.shift()?.();
    }
  }
}
