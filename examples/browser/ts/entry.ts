/** The ways to an unlocked account: making one, logging in, staying unlocked, and a backup after a lost password; and to a backup's keys alone. */
import { type AccountSecret, asSignedPolicy, asVault, normalLoginName, type Owner, type Prelogin, type Restored, type Typed } from "blindtally";
import type { OwnerWorker, Remote } from "blindtally/worker";
import { Account } from "./account.ts";
import * as answers from "./answers.ts";
import * as kept from "./kept.ts";
import { startOwners } from "./keys.ts";
import { seen, setBackupOwed } from "./memory.ts";
import { base64url, Service } from "./service.ts";

export interface Credentials {
  readonly login: string;
  readonly password: Typed;
  readonly accountSecret?: Typed | undefined;
}

/** Where the build says that the service is; "" for where the page comes from. */
export function service(): Service {
  return new Service(document.querySelector<HTMLMetaElement>("meta[name=blindtally-service]")?.content ?? "");
}

/** 28 characters for the owner to keep. */
export async function newAccountSecret(): Promise<AccountSecret> {
  const owners = await startOwners();
  try {
    return await owners.generateAccountSecret();
  } finally {
    owners.stop();
  }
}

/** Makes an account, whose owner owes a backup from now on. */
export function signUp(credentials: Credentials): Promise<Account> {
  return withOwners(async (owners) => {
    const { owner, change } = await owners.create(credentials);
    const { account, login, prelogin, policy } = await owner.info();
    const to = service();
    // Before the answer, which may get lost.
    setBackupOwed(account, true);
    const { session } = await to.post("/api/v1/accounts", {
      login,
      account_id: account,
      kdf: prelogin.kdf,
      salt: base64url(prelogin.salt),
      login_proof: base64url(await owner.loginProof()),
      recovery_proof: base64url(await owner.recoveryProof()),
      vault: base64url(change.vault),
      generation: Number(change.generation),
      policy: base64url(policy.signed),
    }, answers.Session);
    // The policy went with the sign-up; a first change has nothing else to send.
    change.committed();
    return Account.begin(owners, owner, to, session);
  });
}

export function logIn({ login, password, accountSecret }: Credentials): Promise<Account> {
  return withOwners(async (owners) => {
    const to = service();
    const name = normalLoginName(login);
    const { kdf, salt, account_id: account } = await to.post("/api/v1/prelogin", { login: name }, answers.Prelogin);
    const prelogin: Prelogin = { kdf, salt, account };
    const started = await owners.login({ login, password, prelogin, accountSecret });
    return open(owners, started, to, name, account);
  });
}

/** Goes on where the owner chose to stay unlocked; nothing if that was not chosen, or holds no more. */
export async function resume(): Promise<Account | undefined> {
  const login = await kept.read();
  if (login === undefined) return undefined;
  return withOwners(async (owners) => {
    const started = await owners.resume(login);
    return open(owners, started, service(), login.login, login.prelogin.account);
  });
}

export interface Restoration extends Credentials {
  readonly backup: string;
  /** The passphrase or the recovery key, whichever the backup opens with. */
  readonly key: Typed;
}

/** Gives an account a new password, with a backup of it. */
export function restore({ backup, key, ...credentials }: Restoration): Promise<Account> {
  return withOwners(async (owners) => {
    const { account, restored } = await openWith(owners, backup, key);
    const to = service();
    const recovery_proof = base64url(await restored.recoveryProof());
    const head = await to.post("/api/v1/restore/head", { account_id: account, recovery_proof }, answers.RestoreHead);
    const { owner, change } = await restored.restore({
      ...credentials,
      generation: BigInt(head.generation),
      ...head.policy && { policy: asSignedPolicy(head.policy) },
    });
    const { login, prelogin } = await owner.info();
    const { session } = await to.post("/api/v1/restore", {
      account_id: account,
      recovery_proof,
      login,
      kdf: prelogin.kdf,
      salt: base64url(prelogin.salt),
      login_proof: base64url(await owner.loginProof()),
      vault: base64url(change.vault),
      generation: Number(change.generation),
      expected_generation: Number(change.expected),
    }, answers.Session);
    const begun = await Account.begin(owners, owner, to, session, change.committed());
    await begun.settle();
    return begun;
  });
}

/** Keys to read with, without the service. */
export interface Reader {
  readonly restored: Remote<Restored>;
  /** Ends them. */
  close(): void;
}

export function openBackup(backup: string, key: Typed): Promise<Reader> {
  return withOwners(async (owners) => {
    const { restored } = await openWith(owners, backup, key);
    return { restored, close: () => owners.stop() };
  });
}

async function openWith(owners: OwnerWorker, backup: string, key: Typed) {
  const sealed = await owners.openBackup(backup);
  const { account, opensWith } = await sealed.info();
  const restored = await (opensWith === "passphrase" ? sealed.openWithPassphrase(key) : sealed.openWithRecoveryKey(key));
  return { account, restored };
}

type Started = Awaited<ReturnType<OwnerWorker["login"]>>;

async function open(owners: OwnerWorker, started: Started, to: Service, login: string, account: string): Promise<Account> {
  const proof = base64url(await started.proof());
  const { session, vault } = await to.post("/api/v1/login", { login, login_proof: proof }, answers.Login);
  const owner: Remote<Owner> = await started.unlock(asVault(vault), seen(account));
  // For benchmarks: from here on, what the account holds could be shown.
  performance.mark("unlocked");
  const begun = await Account.begin(owners, owner, to, session);
  await begun.settle();
  return begun;
}

/** Keys of an attempt that failed end with their worker. */
async function withOwners<T>(use: (owners: OwnerWorker) => Promise<T>): Promise<T> {
  const owners = await startOwners();
  try {
    return await use(owners);
  } catch (error) {
    owners.stop();
    throw error;
  }
}
