/** What counts as productive, or as anything else that the owner gives a name: kept by the service, by token. */
import type { Token } from "blindtally";
import * as answers from "../answers.ts";
import { BUILT_IN, KINDS } from "./kind.ts";
import type { Row } from "./merge.ts";
import { read, type Reader } from "./report.ts";
import { header } from "./token.ts";

export type AssignableName = "app" | "host" | "title" | "document";


export async function assignments({ service }: Pick<Reader, "service">): Promise<answers.Assignment[]> {
  return (await service.get("/api/v1/categories", answers.Categories)).categories;
}

/** What a value is assigned: its newest token's word is the last one. `all` is by token. */
export function categoryOf(row: Row, all: ReadonlyMap<string, string>): string | undefined {
  const token = row.tokens.find((token) => all.has(token));
  return token === undefined ? undefined : all.get(token);
}

/** A category as the service stores it: the name of one that is built in, or a token of this epoch. */
export async function categoryNamed({ owner }: Reader, typed: string): Promise<string> {
  const name = typed.trim();
  const builtIn = name.toLowerCase();
  return BUILT_IN.includes(builtIn) ? builtIn : owner.tokenizeTyped("label", name);
}

/**
 * Gives every token of a value the category, or takes it from all of them: those that were ever observed or assigned, in
 * whatever epoch, and the running epoch's, so that sums do not split and nothing taken away is carried over again.
 */
export async function assign(account: Reader, name: AssignableName, row: Row, category: string | undefined): Promise<void> {
  const { owner, service, epoch } = account;
  const [newest] = row.tokens;
  if (newest === undefined || row.unreadable !== undefined) return;
  const [observed, all] = await Promise.all([read(account, KINDS[name], {}), assignments(account)]);
  const assigned = all.filter((each) => each.class === name && header(each.value)?.class === name).map(({ value }) => value);
  const words = await owner.revealMany(assigned);
  const running = header(newest)?.epoch === epoch.value ? newest : await owner.retokenize(newest as Token);
  const tokens = new Set<string>([
    running,
    ...row.tokens,
    ...observed.find(({ value, unreadable }) => value === row.value && unreadable === undefined)?.tokens ?? [],
    ...assigned.filter((_, at) => words[at] === row.value),
  ]);
  for (const value of tokens) {
    if (category !== undefined) await service.send("PUT", "/api/v1/categories", { class: name, value, category });
    else await service.send("DELETE", "/api/v1/categories", { class: name, value });
  }
}

/** Which epoch categories were carried over to; the promise lives as long as the account. */
const carried = new WeakMap<Reader, { readonly epoch: number; readonly done: Promise<number> }>();

/** Carries categories over to the running epoch, once per epoch. */
export function carryOver(account: Reader): Promise<number> {
  const epoch = account.epoch.value;
  const known = carried.get(account);
  if (known?.epoch === epoch) return known.done;
  const done = carry(account, epoch);
  carried.set(account, { epoch, done });
  // Tried again the next time.
  done.catch(() => carried.get(account)?.done === done && carried.delete(account));
  return done;
}

/**
 * Gives each value that has a category in an earlier epoch the same one in this epoch. What was assigned in this epoch stays
 * as it is. Returns how many were added.
 */
async function carry(account: Reader, epoch: number): Promise<number> {
  const { owner, service } = account;
  const present = new Set<string>();
  const old: { token: Token; epoch: number; assignment: answers.Assignment }[] = [];
  for (const assignment of await assignments(account)) {
    const claimed = header(assignment.value);
    // Neither a token that the service made up nor one that it moved to another class is carried anywhere.
    if (!claimed || claimed.class !== assignment.class) continue;
    if (claimed.epoch === epoch) present.add(claimed.token);
    else old.push({ token: claimed.token, epoch: claimed.epoch, assignment });
  }
  // The newest epoch's word is the last one.
  old.sort((a, b) => b.epoch - a.epoch);
  const news = await Promise.all(old.map(({ token }) => owner.retokenize(token).catch(() => undefined)));
  let count = 0;
  for (const [at, { assignment }] of old.entries()) {
    const value = news[at];
    if (value === undefined || present.has(value)) continue;
    const category = await renewed(account, assignment.category);
    if (category === undefined) continue;
    await service.send("PUT", "/api/v1/categories", { class: assignment.class, value, category });
    present.add(value);
    count++;
  }
  return count;
}

/** A category as this epoch has it. Labels are not typed anew: the service could make a word of its choice one. */
export async function renewed({ owner }: Pick<Reader, "owner">, category: string): Promise<string | undefined> {
  if (BUILT_IN.includes(category)) return category;
  const label = header(category);
  return label?.class === "label" ? owner.retokenize(label.token).catch(() => undefined) : undefined;
}
