/**
 * What this browser remembers: of an account the highest generation of its vault, so that a service that shows an older one
 * is found out, which devices its owner was told of, and whether a backup is owed. Nothing of it is secret.
 */

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(`blindtally/${key}`);
  } catch {
    // The person forbids pages to remember anything.
    return null;
  }
};

const write = (key: string, value: string | undefined): void => {
  try {
    if (value === undefined) localStorage.removeItem(`blindtally/${key}`);
    else localStorage.setItem(`blindtally/${key}`, value);
  } catch {
    // As above.
  }
};

/** The highest generation seen of an account's vault. */
export function seen(account: string): bigint {
  const kept = read(`generation/${account}`);
  return kept !== null && /^\d{1,20}$/.test(kept) ? BigInt(kept) : 0n;
}

export function remember(account: string, generation: bigint): void {
  if (generation > seen(account)) write(`generation/${account}`, String(generation));
}

/** Devices of an account whose confirmation its owner was told of; nothing, if the account was never open here. */
export function acknowledged(account: string): Set<string> | undefined {
  const kept = read(`devices/${account}`);
  return kept === null ? undefined : new Set(kept.split(" "));
}

export const setAcknowledged = (account: string, devices: ReadonlySet<string>): void => write(`devices/${account}`, [...devices].join(" "));

/** Whether the account was made here and its owner has not shown yet that the backup is kept. */
export const isBackupOwed = (account: string): boolean => read(`backup-owed/${account}`) !== null;
export const setBackupOwed = (account: string, owed: boolean): void => write(`backup-owed/${account}`, owed ? "yes" : undefined);
