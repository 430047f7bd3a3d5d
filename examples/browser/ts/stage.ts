/** What the page is at: at the door, or in an account. */
import { signal } from "@preact/signals";
import type { Account } from "./account.ts";
import * as entry from "./entry.ts";
import { codeOf } from "./explain.ts";
import * as kept from "./kept.ts";

export type Stage =
  | { readonly at: "starting" }
  /** `error` says why one who was inside, or stayed unlocked, is here. */
  | { readonly at: "door"; readonly login?: string; readonly error?: unknown }
  | { readonly at: "account"; readonly account: Account };

export const stage = signal<Stage>({ at: "starting" });

/** Other tabs of this browser, which lock when this one does. */
const tabs = new BroadcastChannel("blindtally");

/** What makes no sense to try again with: the password changed, or what was kept is of no use. */
const USELESS = /^(login\.refused|unlock\.(?!rolled-back)|kdf\.|malformed\.|wasm\.argument)/;

export async function start(): Promise<void> {
  tabs.addEventListener("message", () => void leave());
  try {
    const account = await entry.resume();
    stage.value = account ? { at: "account", account } : { at: "door" };
  } catch (error) {
    if (USELESS.test(codeOf(error))) await kept.forget();
    stage.value = { at: "door", error };
  }
}

/** Into an account; `stay` keeps it unlocked over a reload. */
export async function enter(account: Account, stay: boolean): Promise<void> {
  try {
    await (stay ? stayUnlocked(account) : kept.forget());
  } catch (error) {
    await account.close();
    throw error;
  }
  stage.value = { at: "account", account };
}

export const stayUnlocked = async (account: Account): Promise<void> => kept.write(await account.owner.keepUnlocked());

/** Ends the session and forgets every key, here and in other tabs. */
export async function lock(): Promise<void> {
  tabs.postMessage("lock");
  await kept.forget();
  await leave();
}

/** As after a session that cannot be renewed: the password was changed elsewhere. */
export async function leave(error?: unknown): Promise<void> {
  const { value } = stage;
  if (value.at !== "account") return;
  stage.value = { at: "door", login: value.account.info.value.login, ...error !== undefined && { error } };
  await value.account.close();
}
