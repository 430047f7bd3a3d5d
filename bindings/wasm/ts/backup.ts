/** The backup file: works without the service, and after a lost password. */
import type { Backup as RawBackup, Restored as RawRestored } from "./bridge.js";
import { parseAccountSecret } from "./account-secret.js";
import { type AccountId, asSignedPolicy, type BackupText, type Proof, type SealedRecord, type SignedPolicy, type Token } from "./artefacts.js";
import { joined, RECORDS, type Result, TOKENS, valueOf } from "./batch.js";
import type { Change } from "./change.js";
import { millis, text as checkedText, u64 } from "./check.js";
import type { BlindtallyError } from "./error.js";
import { type Kdf, PBKDF2 } from "./generated.js";
import { guarded, Handle, releasing } from "./init.js";
import { Owner, type Time } from "./owner.js";
import { openAll, type OpenedRecord } from "./record.js";
import { normalLoginName, type Typed, utf8, wiping } from "./text.js";
import { stretch, withKdf } from "./webcrypto.js";

export interface RestoreOptions {
  readonly login: string;
  /** The new one. */
  readonly password: Typed;
  readonly kdf?: Kdf | undefined;
  readonly accountSecret?: Typed | undefined;
  /** Generation of the vault that the service holds; 0n if it holds none. */
  readonly generation?: bigint | undefined;
  /** The signed policy that the service holds; believed only if the account signed it. */
  readonly policy?: SignedPolicy | undefined;
  readonly now?: Time | undefined;
}

/** A backup file, still sealed. */
export class Backup extends Handle<RawBackup> {
  private constructor(raw: RawBackup) {
    super(raw);
  }

  /** Reads the file; white space, line ends, text before and after do not matter. @throws BlindtallyError `malformed.*` */
  static parse(text: BackupText | string): Backup {
    return new Backup(guarded((bridge) => bridge.Backup.parse(checkedText(text, "a backup"))));
  }

  /** The account that the file says it is of, and what opens it. */
  info(): { account: AccountId; opensWith: "passphrase" | "recovery-key" } {
    return this.call((raw) => ({
      account: raw.account() as AccountId,
      opensWith: raw.needs_recovery_key() ? "recovery-key" : "passphrase",
    }));
  }

  /** @throws BlindtallyError `unlock.wrong`, `unlock.other-account`, `unlock.needs-recovery-key`, `kdf.*` */
  async openWithPassphrase(passphrase: Typed): Promise<Restored> {
    const stretched = await stretch(this.call((raw) => raw.stretch()), passphrase);
    return new Restored(this.call((raw) => raw.open_stretched(stretched)));
  }

  /** @throws BlindtallyError `recovery-key.invalid` if mistyped, `unlock.wrong`, `unlock.needs-passphrase` */
  openWithRecoveryKey(key: Typed): Promise<Restored> {
    return wiping(utf8(key), (bytes) => new Restored(this.call((raw) => raw.open_with_recovery_key(bytes))));
  }
}

/** An opened backup: reads tokens and records offline, and becomes an owner again under a new password. */
export class Restored extends Handle<RawRestored> {
  /** @internal */
  constructor(raw: RawRestored) {
    super(raw);
  }

  info(): { account: AccountId; fingerprint: string } {
    return this.call((raw) => ({ account: raw.account() as AccountId, fingerprint: raw.account_code() }));
  }

  /** What lets the service give the account a new password. */
  recoveryProof(): Proof {
    return this.call((raw) => raw.recovery_proof() as Proof);
  }

  /** As {@link Owner.revealMany}. */
  revealMany(tokens: readonly string[]): Result[] {
    return joined(tokens, "\n", (text, lengths, errors) => this.call((raw) => raw.open_many(TOKENS, text, lengths, errors)));
  }

  /** As {@link Owner.reveal}. */
  reveal(token: Token): string {
    return valueOf(this.revealMany([token])[0]!);
  }

  /** Opens many records in one call, of any devices; each has a result of its own, as in {@link Owner.revealMany}. */
  openRecords(records: readonly string[]): (OpenedRecord | BlindtallyError)[] {
    return openAll(records, (text, lengths, errors) => this.call((raw) => raw.open_many(RECORDS, text, lengths, errors)));
  }

  /** Opens one record. @throws BlindtallyError `record.*`, `malformed.*` */
  openRecord(record: SealedRecord): OpenedRecord {
    return valueOf(this.openRecords([record])[0]!);
  }

  /**
   * Makes it an owner again; when that is done, this handle is as if freed. Takes the account above whatever the service shows and the
   * clock says, so that no agent refuses what comes next. Every ticket issued before is void. Look through
   * {@link Owner.devices} afterwards: a service that withholds its policy hides what was revoked since.
   */
  async restore(options: RestoreOptions): Promise<{ owner: Owner; change: Change }> {
    const { login, password, policy, accountSecret } = options ?? {};
    const [name, at, generation] = [normalLoginName(login), millis(options?.now), u64(options?.generation ?? 0n, "the generation")];
    const shown = policy === undefined ? undefined : asSignedPolicy(policy);
    const secret = await parseAccountSecret(accountSecret);
    const fresh = withKdf(options?.kdf ?? PBKDF2, (kdf) =>
      this.call((raw, { NewPassword }) => NewPassword.for_restored(raw, name, kdf, secret)));
    const made: { free(): void }[] = [fresh];
    return releasing(made, async () => {
      const stretched = await stretch(fresh.stretch(), password);
      made.push(stretched);
      const [rawOwner, draft] = this.call((raw) => {
        const restored = raw.draft(fresh, stretched, generation, shown, at);
        const parts = [restored.take_owner()!, restored.take_draft()!] as const;
        restored.free();
        return parts;
      });
      const owner = new Owner(rawOwner);
      try {
        const change = await owner.complete(draft);
        this.free();
        return { owner, change };
      } catch (error) {
        owner.free();
        throw error;
      }
    });
  }
}
