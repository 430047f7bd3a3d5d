/**
 * Staying unlocked: what the package makes of an owner for that (its key is a non-extractable CryptoKey), in IndexedDB, and
 * nowhere else (SPEC.md#kept-login-stays).
 */
import type { KeptLogin } from "blindtally";
import { del, get, set } from "idb-keyval";
import { DashboardError } from "./explain.ts";

const KEY = "kept-login";

export const read = (): Promise<KeptLogin | undefined> => attempt(() => get<KeptLogin>(KEY)).catch(() => undefined);

/** Whether it is this account that stays unlocked. */
export const isKept = async (account: string): Promise<boolean> => (await read())?.prelogin?.account === account;

/** Forgets it (SPEC.md#kept-login-erased), if it is of this account, or whosever it is. @throws DashboardError `dashboard.still-kept` */
export async function forget(account?: string): Promise<void> {
  if (account !== undefined && !await isKept(account)) return;
  await attempt(() => del(KEY)).catch((cause: unknown) => {
    throw new DashboardError("dashboard.still-kept", { cause });
  });
}

/** @throws DashboardError `dashboard.not-kept` */
export const write = (login: KeptLogin): Promise<void> => attempt(() => set(KEY, login)).catch((cause: unknown) => {
  throw new DashboardError("dashboard.not-kept", { cause });
});

/** A browser that keeps nothing may say so at once, or later. */
const attempt = async <T,>(use: () => Promise<T>): Promise<T> => use();
