/** What a revealer said of each token, remembered until `forget`, and how many tokens it may be asked for. */

import { BlindtallyError } from "../error.js";
import { badOption } from "./region.js";

/** What the page reader needs of an owner: `Owner` (synchronous) and `OwnerWorker` (asynchronous) both have it. */
export interface Revealer {
  /** One item for each token, in order: its value, or why there is none. */
  revealMany(tokens: readonly string[]): readonly (string | BlindtallyError)[] | Promise<readonly (string | BlindtallyError)[]>;
}

export function checkRevealer(revealer: Revealer): void {
  if (typeof (revealer as Partial<Revealer> | undefined)?.revealMany !== "function") throw badOption("this cannot reveal tokens");
}

/** Why a token stays. */
export class Refusal {
  constructor(readonly code: string) {}
}

const TOO_MANY = new Refusal("page.too-many-tokens");

/** Tokens that a revealer was asked for and has not answered yet. */
export class Asked<Waiting> {
  /** What to look at again when the answer is there. */
  readonly waiting = new Set<Waiting>();
  answer: Promise<void> = Promise.resolve();
}

/** How many tokens one call of the revealer gets: enough to fill its batches, few enough for a fraction of a frame. */
export const BATCH = 512;

export class Words<Waiting> {
  readonly #revealer: Revealer;
  readonly #limit: number;
  readonly #known = new Map<string, string | Refusal | Asked<Waiting>>();
  revealed = 0;
  refused = 0;

  constructor(revealer: Revealer, limit: number) {
    this.#revealer = revealer;
    this.#limit = limit;
  }

  /** Different tokens asked for so far. */
  get found(): number {
    return this.#known.size;
  }

  /** Undefined means: not asked for yet. */
  get(token: string): string | Refusal | Asked<Waiting> | undefined {
    return this.#known.get(token) ?? (this.#known.size >= this.#limit ? TOO_MANY : undefined);
  }

  /**
   * Asks for at most `BATCH` tokens, none of which was asked for before. Returns nothing when the answer is already
   * there. Throws what the revealer throws; the tokens then count as not asked for.
   */
  ask(tokens: readonly string[]): Asked<Waiting> | undefined {
    const wanted = tokens.slice(0, this.#limit - this.#known.size);
    if (wanted.length === 0) return undefined;
    const asked = new Asked<Waiting>();
    for (const token of wanted) this.#known.set(token, asked);
    try {
      const reply = this.#revealer.revealMany(wanted);
      if (!("then" in reply)) {
        this.#take(wanted, reply);
        return undefined;
      }
      asked.answer = reply.then((items) => this.#take(wanted, items)).catch((error: unknown) => this.#drop(wanted, error));
      return asked;
    } catch (error) {
      return this.#drop(wanted, error);
    }
  }

  forget(): void {
    this.#known.clear();
  }

  #take(tokens: readonly string[], items: readonly (string | BlindtallyError)[]): void {
    if (items.length !== tokens.length) throw new BlindtallyError("page.revealer", "the revealer's reply is not one item for each token");
    tokens.forEach((token, i) => {
      const item = items[i];
      if (typeof item === "string") this.revealed++;
      else this.refused++;
      this.#known.set(token, typeof item === "string" ? item : new Refusal(item?.code ?? "page.revealer"));
    });
  }

  #drop(tokens: readonly string[], error: unknown): never {
    for (const token of tokens) this.#known.delete(token);
    throw error;
  }
}
