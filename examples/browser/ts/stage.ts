/** What the page is at: at the door, or in an account. */
import { signal } from "@preact/signals";
import type { Account } from "./account.ts";
import * as entry from "./entry.ts";
import { codeOf, DashboardError } from "./explain.ts";
import * as kept from "./kept.ts";
import { giveBackAll } from "./urls.ts";

export type Stage =
  | { readonly at: "starting" }
  | {
    readonly at: "door";
    readonly login?: string;
    /** Why one who was inside, or stays unlocked, is here. */
    readonly error?: unknown;
    /** This browser stays unlocked, but could not get in just now. */
    readonly isKept?: boolean;
  }
  | { readonly at: "account"; readonly account: Account };

export const stage = signal<Stage>({ at: "starting" });

/** Other tabs of this browser: what is locked in one is locked in all. Messages are ids of accounts. */
const tabs = new BroadcastChannel("blindtally");
/** Accounts that were locked elsewhere while this page was starting. */
const locked = new Set<string>();

/** What makes no sense to try again with: the password changed, or what was kept is of no use. */
const USELESS = /^(login\.(refused|invalid)|unlock\.(?!rolled-back)|kdf\.|malformed\.|wasm\.argument)/;

tabs.addEventListener("message", ({ data }: MessageEvent<string>) => {
  locked.add(data);
  const { value } = stage;
  if (value.at === "account" && value.account.info.value.account === data) void leave();
});

/** Goes on where the owner chose to stay unlocked. */
export async function start(): Promise<void> {
  stage.value = { at: "starting" };
  locked.clear();
  try {
    const account = await entry.resume();
    if (!account) stage.value = { at: "door" };
    else if (!locked.has(account.info.value.account)) stage.value = { at: "account", account };
    else {
      stage.value = { at: "door" };
      await account.close();
    }
  } catch (error) {
    if (!USELESS.test(codeOf(error))) stage.value = { at: "door", error, isKept: true };
    else stage.value = { at: "door", error: await kept.forget().then(() => error, (failure: unknown) => failure) };
  }
}

/** Gives up staying unlocked. */
export async function forget(): Promise<void> {
  try {
    await kept.forget();
    stage.value = { at: "door" };
  } catch (error) {
    stage.value = { at: "door", error };
  }
}

/** Into an account; `stay` keeps it unlocked over a reload. */
export async function enter(account: Account, stay: boolean): Promise<void> {
  try {
    await (stay ? stayUnlocked(account) : kept.forget(account.info.value.account));
  } catch (error) {
    await account.close();
    throw error;
  }
  stage.value = { at: "account", account };
}

export const stayUnlocked = async (account: Account): Promise<void> => kept.write(await account.owner.keepUnlocked());

/** Ends the session and forgets every key, here and in other tabs. */
export async function lock(account: Account): Promise<void> {
  const { account: id, login } = account.info.value;
  const left = leave(account.isUnstored.value ? new DashboardError("dashboard.not-stored") : undefined);
  tabs.postMessage(id);
  try {
    await kept.forget(id);
  } catch (error) {
    stage.value = { at: "door", login, error };
  }
  await left;
}

/** To the door, at once: the keys are gone before anything else is waited for. */
export async function leave(error?: unknown): Promise<void> {
  const { value } = stage;
  if (value.at !== "account") return;
  stage.value = { at: "door", login: value.account.info.value.login, ...error !== undefined && { error } };
  giveBackAll();
  await value.account.close();
}
