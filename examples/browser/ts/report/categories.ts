/** What counts as productive, or as anything else that the owner gives a name: kept by the service, by token. */
import * as answers from "../answers.ts";
import { BUILT_IN } from "./kind.ts";
import { meaning, merge, newestFirst, type Row } from "./merge.ts";
import { reveal, type Reader } from "./report.ts";
import { epochOf } from "./token.ts";

export type AssignableName = "app" | "host" | "title" | "document";

/** What the service lists for the values of a class. Nothing in the list is proven, so no token is ever made from it. */
export interface Assigned {
  /** Tokens of a word that have a category, the newest epoch's first. */
  readonly tokens: ReadonlyMap<string, readonly string[]>;
  /** The category of a word: that of the newest of its tokens. So it outlives every change of keys. */
  readonly categories: ReadonlyMap<string, string>;
  /** The owner's own categories that are assigned to anything, with their tokens, the newest epoch's first. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

export async function assigned(account: Reader, name: AssignableName): Promise<Assigned> {
  const { categories } = await account.service.get("/api/v1/categories", answers.Categories);
  const byToken = new Map(categories.filter((each) => each.class === name).map(({ value, category }) => [value, category]));
  const [tokens, labels] = await Promise.all([
    byWord(account, name, byToken.keys()),
    byWord(account, "label", categories.map(({ category }) => category).filter((category) => !BUILT_IN.includes(category))),
  ]);
  return { tokens, labels, categories: new Map([...tokens].map(([word, [newest]]) => [word, byToken.get(newest!)!])) };
}

async function byWord(account: Reader, tokenClass: string, tokens: Iterable<string>): Promise<Map<string, readonly string[]>> {
  const words = new Map<string, string[]>();
  for (const { value, unreadable, tokens: [token] } of await reveal(account, tokenClass, newestFirst([...tokens]))) {
    if (unreadable === undefined) words.set(value!, [...words.get(value!) ?? [], token!]);
  }
  return words;
}

export const categoryOf = ({ value, unreadable }: Row, { categories }: Assigned): string | undefined =>
  unreadable === undefined ? categories.get(value ?? "") : undefined;

/** Rows of values, added up by their categories; `null` has what none is assigned to. */
export async function byCategory(account: Reader, rows: readonly Row[], all: Assigned): Promise<Row[]> {
  const labels = [...new Set(all.categories.values())].filter((category) => !BUILT_IN.includes(category));
  const words = await reveal(account, "label", labels);
  const meanings = new Map(labels.map((label, at) => [label, words[at]!]));
  return merge(rows.map((row) => {
    const category = categoryOf(row, all);
    return { ...row, ...category === undefined ? meaning(null) : meanings.get(category) ?? meaning(category) };
  }));
}

/** A category as the service stores it: the name of one that is built in, or a token of what was typed. */
export async function categoryNamed({ owner }: Reader, typed: string): Promise<string> {
  const name = typed.trim();
  const builtIn = name.toLowerCase();
  return BUILT_IN.includes(builtIn) ? builtIn : owner.tokenizeTyped("label", name);
}

const working = new WeakMap<Reader, Promise<void>>();

/**
 * Gives a value a category, or takes it away, one after the other: the last choice stays. The service is told only of tokens
 * that it has itself, namely those that were observed, and of what it lists no more than it takes for the choice to be seen.
 */
export function assign(account: Reader, name: AssignableName, row: Row, category: string | undefined): Promise<void> {
  const done = (working.get(account) ?? Promise.resolve()).then(() => store(account, name, row, category));
  working.set(account, done.catch(() => undefined));
  return done;
}

async function store(account: Reader, name: AssignableName, { value, unreadable, tokens }: Row, category: string | undefined): Promise<void> {
  if (unreadable !== undefined) return;
  const observed = epochOf(tokens[0] ?? "");
  const listed = (await assigned(account, name)).tokens.get(value ?? "") ?? [];
  // A newer one would go on deciding. Of older ones the service is not told that they are the same word.
  const more = category === undefined ? listed : listed.filter((token) => epochOf(token) > observed);
  for (const token of new Set([...more, ...tokens])) {
    if (category !== undefined) await account.service.send("PUT", "/api/v1/categories", { class: name, value: token, category });
    else await account.service.send("DELETE", "/api/v1/categories", { class: name, value: token });
  }
}
