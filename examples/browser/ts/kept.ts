/** Staying unlocked: what the package makes of an owner for that (its key is a non-extractable CryptoKey), in IndexedDB. */
import type { KeptLogin } from "blindtally";
import { del, get, set } from "idb-keyval";

const KEY = "kept-login";

export const read = (): Promise<KeptLogin | undefined> => get<KeptLogin>(KEY).catch(() => undefined);
export const write = (login: KeptLogin): Promise<void> => set(KEY, login);
export const forget = (): Promise<void> => del(KEY).catch(() => undefined);
