/** What tokens stand for, remembered while the account is unlocked, so that a report that comes again reveals only what is new. */
import type { Owner } from "blindtally";
import type { Remote } from "blindtally/worker";
import { header } from "./token.ts";

export type Revealer = Pick<Remote<Owner>, "revealMany">;

/** A word, or why there is none. */
export type Word = { readonly word: string } | { readonly code: string };

export class Words {
  readonly #known = new Map<string, Word>();
  /** Of which epoch the newest key was when tokens were refused. */
  #epoch = 0;

  /** All tokens in one call; each of them must be of the class. */
  async reveal(owner: Revealer, epoch: number, tokenClass: string, tokens: readonly string[]): Promise<Word[]> {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      // Another key may open them.
      for (const [token, word] of this.#known) if ("code" in word) this.#known.delete(token);
    }
    const fresh = [...new Set(tokens)].filter((token) => !this.#known.has(token));
    if (fresh.length > 0) {
      const results = await owner.revealMany(fresh);
      fresh.forEach((token, at) => {
        const result = results[at]!;
        this.#known.set(token, typeof result === "string" ? { word: result } : { code: result.code });
      });
    }
    return tokens.map((token) => {
      const word = this.#known.get(token)!;
      // A genuine token, but the service has moved it.
      return "word" in word && header(token)?.class !== tokenClass ? { code: "report.other-class" } : word;
    });
  }
}
