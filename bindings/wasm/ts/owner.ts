/** The account owner's end: holds every key of the account, decides who gets which, and reads. */
import type { Draft, Owner as RawOwner, Policy as RawPolicy } from "./bridge.js";
import type {
  AccountId, BackupText, DeviceId, EnrollmentRequest, Proof, RecoveryKey, SealedRecord, SignedPolicy, TicketId, Token,
  Vault,
} from "./artefacts.js";
import { parseAccountSecret } from "./account-secret.js";
import { joined, RECORDS, type Result, TOKENS, valueOf } from "./batch.js";
import { Change, takeChange } from "./change.js";
import { bytes, integer, millis, text } from "./check.js";
import type { BlindtallyError } from "./error.js";
import { type CanonicalForm, CANONICAL_FORMS, type Kdf, PBKDF2, TOKEN_CLASSES, type TokenClass } from "./generated.js";
import { guarded, Handle, releasing } from "./init.js";
import type { KeptLogin, Prelogin } from "./login.js";
import { openAll, type OpenedRecord } from "./record.js";
import { normalLoginName, type Typed } from "./text.js";
import { takeTicket, type Ticket } from "./ticket.js";
import { describeKdf, generateIdentity, generateSealingKey, type RsaSize, sign, signItself, stretch, withKdf } from "./webcrypto.js";

/** Milliseconds since the Unix epoch; the default is now. */
export type Time = Date | number;

export interface CreateOptions {
  readonly login: string;
  readonly password: Typed;
  readonly kdf?: Kdf | undefined;
  /** From {@link generateAccountSecret}, which the owner has written down. */
  readonly accountSecret?: Typed | undefined;
  readonly rsa?: RsaSize | undefined;
  readonly now?: Time | undefined;
}

/** What is public of an account, and of what this owner holds. */
export interface OwnerInfo {
  readonly account: AccountId;
  /** 24 characters that people compare. */
  readonly fingerprint: string;
  /** What a person types into an agent that has no ticket. */
  readonly accountCode: string;
  readonly login: string;
  /** What the service answers to prelogin. */
  readonly prelogin: Prelogin;
  /** Of the newest vault. Remember it, and pass it to `Login.unlock`. */
  readonly generation: bigint;
  readonly policy: Policy;
}

export interface Policy {
  readonly signed: SignedPolicy;
  readonly version: bigint;
  readonly issuedAt: Date;
  readonly epoch: number;
  readonly revoked: readonly DeviceId[];
  /** Ids of all classes that agents may seal, each with the form its values are brought into. */
  readonly classes: ReadonlyMap<number, CanonicalForm>;
}

/** A device in the owner's own table, never the service's directory. */
export interface Device {
  readonly id: DeviceId;
  /** Text of the device's or the owner's own choosing. */
  readonly name: string;
  readonly revoked: boolean;
  readonly confirmedAt: Date;
  /** 24 characters that people compare. */
  readonly code: string;
}

/** What an owner learned about a request. */
export type Inspection = VerifiedRequest | ComparisonRequest;

/** Made with a ticket of this account: approve it. */
export interface VerifiedRequest {
  readonly kind: "verified";
  readonly request: EnrollmentRequest;
  readonly device: DeviceId;
  /** The name that the device gave itself. */
  readonly name: string;
  /** If the ticket is good for several devices, show each confirmation to the owner. */
  readonly ticketUses: number | undefined;
}

/** Made without a ticket: a person must compare codes first, see {@link Owner.approveByCode}. */
export interface ComparisonRequest {
  readonly kind: "needs-comparison";
  readonly request: EnrollmentRequest;
  readonly device: DeviceId;
}

export interface PasswordChange {
  /** Shows the service that the old password was known. */
  readonly oldProof: Proof;
  /** The proof to take from now on. */
  readonly newProof: Proof;
  /** What to answer to prelogin from now on. */
  readonly prelogin: Prelogin;
  /** The rewrapped vault. */
  readonly change: Change;
}

export interface Synced {
  /** `same`: nothing to do; `adopted`: the service held more; `store`: store the union of both. */
  readonly outcome: "same" | "adopted" | "store";
  readonly change: Change | undefined;
}

/** An application's own token classes have no name. */
export type TokenClassId = TokenClass | number;

/** The id of a class. */
export const classId = (name: TokenClassId): number =>
  integer(typeof name === "number" ? name : TOKEN_CLASSES[name], "a class", 255);

/** The owner of an account, unlocked. `free()` wipes its keys. */
export class Owner extends Handle<RawOwner> {
  #signingKey: Promise<CryptoKey> | undefined;
  /** The operation that runs: each changes what the next begins with. */
  #running: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(raw: RawOwner) {
    super(raw);
  }

  /**
   * Creates an account. Takes seconds: WebCrypto generates RSA keys and stretches the password, side by side.
   *
   * @throws BlindtallyError `login.invalid`, `password.invalid`, `kdf.*`
   */
  static async create(options: CreateOptions): Promise<{ owner: Owner; change: Change }> {
    const { login, password, kdf = PBKDF2, accountSecret, rsa, now } = options ?? {};
    const [name, at] = [normalLoginName(login), millis(now)];
    const secret = await parseAccountSecret(accountSecret);
    const raw = withKdf(kdf, (parameters) =>
      guarded(({ NewPassword }) => NewPassword.for_new_account(name, parameters, secret)));
    const made: { free(): void }[] = [raw];
    return releasing(made, async () => {
      // Both to their end, so that a failure of one leaves nothing of the other.
      const [stretched, identity] = await Promise.allSettled([stretch(raw.stretch(), password), generateIdentity(rsa)]);
      for (const part of [stretched, identity]) if (part.status === "fulfilled") made.push(part.value);
      if (stretched.status === "rejected") throw stretched.reason;
      if (identity.status === "rejected") throw identity.reason;
      const unsigned = guarded(({ UnsignedAccount }) => new UnsignedAccount(raw, stretched.value, identity.value, at));
      made.push(unsigned);
      const signature = await signItself(unsigned);
      return guarded(() => {
        const created = unsigned.finish(signature);
        const result = { owner: new Owner(created.take_owner()!), change: takeChange(created.take_change()!) };
        created.free();
        return result;
      });
    });
  }

  info(): OwnerInfo {
    return this.call((raw) => ({
      account: raw.account() as AccountId,
      fingerprint: raw.fingerprint_code(),
      accountCode: raw.account_code(),
      login: raw.login(),
      prelogin: { kdf: describeKdf(raw.kdf()), salt: raw.salt(), account: raw.account() },
      generation: raw.generation(),
      policy: takePolicy(raw.policy()),
    }));
  }

  /** The devices of the account, in order of id. */
  devices(): Device[] {
    return this.call((raw) => raw.devices().map((device) => {
      const { id, name, code } = { id: device.id() as DeviceId, name: device.name(), code: device.code() };
      const [revoked, confirmedAt] = [device.revoked(), new Date(device.confirmed_at())];
      device.free();
      return { id, name, revoked, confirmedAt, code };
    }));
  }

  /** What the service takes as proof of the password; it keeps a SHA-256 of it. */
  loginProof(): Proof {
    return this.call((raw) => raw.login_proof() as Proof);
  }

  /**
   * What opens the account again without the password, for a person who chose to stay unlocked: put it into IndexedDB, pass
   * it to {@link Login.resume} after a reload, and delete it when the person locks or logs out.
   *
   * Its key cannot be exported, but can be used: whoever runs script on your origin, or copies the browser's profile, can
   * open the account with it, and can take along what is sealed in it: the keys that were derived from the password, and
   * the account secret if there is one. It ends with a change of the password, after which the service refuses its proof
   * and the vault no longer opens; an older vault that somebody kept does. Of an owner in a worker it gives the page what
   * the worker keeps from it.
   */
  keepUnlocked(): Promise<KeptLogin> {
    return this.#exclusive(async () => {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const [sealing, key] = await generateSealingKey();
      const { login, prelogin } = this.info();
      const sealed: Uint8Array<ArrayBuffer> = await this.call((raw) => raw.keep_unlocked(sealing, iv));
      return { version: 1, login, prelogin, key, iv, sealed };
    });
  }

  /** What shows the service that a backup was opened, when the password is lost; it keeps a SHA-256 of it. */
  recoveryProof(): Proof {
    return this.call((raw) => raw.recovery_proof() as Proof);
  }

  /**
   * Opens many tokens in one call, of any classes and epochs. Each has a result of its own: the value, or the error
   * that says why there is none.
   */
  revealMany(tokens: readonly string[]): Result[] {
    return joined(tokens, "\n", (text, lengths, errors) => this.call((raw) => raw.open_many(TOKENS, text, lengths, errors)));
  }

  /** Opens one token. @throws BlindtallyError `reveal.*`, `malformed.*` */
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
   * Tokenizes what the owner typed: a category's name, a search. Never feed it values that the service chose: the tokens
   * would tell it which of them occur.
   *
   * @throws BlindtallyError `tokenize.too-long`
   */
  tokenizeTyped(tokenClass: TokenClassId, typed: string): Token {
    const [id, word] = [classId(tokenClass), text(typed, "what was typed")];
    return this.call((raw) => raw.tokenize_typed(id, word) as Token);
  }

  /**
   * The value of a token in the running epoch: for one row of an earlier epoch that a person has picked, to search for it,
   * or to give it a category.
   *
   * Never retokenize what the service listed unless a person chose that row. That a token was observed is the service's
   * word: together with a revoked device it can present tokens of words of its choosing, and the new tokens would tell it
   * which of those words occur, as if nothing had been rotated. To follow values and their categories over a rotation, put
   * together what reveals to the same word.
   *
   * @throws BlindtallyError `reveal.*`, `malformed.*`
   */
  retokenize(token: Token): Token {
    return this.call((raw) => raw.retokenize(text(token, "a token")) as Token);
  }

  /**
   * Makes a ticket for an installer: one use and 7 days unless said otherwise. Nothing needs to be stored.
   *
   * @throws BlindtallyError `ticket.lifetime` for more than 30 days, or 24 hours and 50 uses for one of several
   */
  issueTicket(options: { uses?: number; days?: number; now?: Time } = {}): Ticket {
    const { uses = 1, days = uses > 1 ? 1 : 7, now } = options;
    const seconds = integer(Math.ceil(days * 86_400), "a ticket's life in seconds", 2 ** 32);
    const [number, at] = [integer(uses, "the number of uses", 65_535), millis(now)];
    return this.call((raw) => takeTicket(raw.issue_ticket(number, seconds, at)));
  }

  /**
   * Examines an enrollment request that came through the service.
   *
   * @throws BlindtallyError `ticket.spent` is an alarm to show: another device used the ticket first; `enrollment.*`,
   *   `ticket.*`, `malformed.*`
   */
  inspect(request: EnrollmentRequest, options: { now?: Time } = {}): Inspection {
    const [sent, at] = [bytes(request, "a request"), millis(options.now)];
    return this.call((raw) => {
      const inspection = raw.inspect(sent, at);
      const [device, name] = [inspection.device() as DeviceId, inspection.name()];
      const ticketUses = inspection.ticket_uses();
      inspection.free();
      if (name === undefined) return { kind: "needs-comparison", request, device };
      return { kind: "verified", request, device, name, ticketUses };
    });
  }

  /**
   * Gives a device its keys: the outbox has its delivery. The request is examined again.
   *
   * @throws BlindtallyError as {@link Owner.inspect}; `enrollment.needs-comparison`
   */
  approve(verified: VerifiedRequest, options: { now?: Time } = {}): Promise<Change> {
    const sent = bytes(verified?.request, "a request");
    return this.#operate((raw, now) => raw.draft_approve(raw.inspect(sent, now).verified(), now), options);
  }

  /**
   * As {@link Owner.approve}, for a request made without a ticket: with the code that the device shows its user, as the
   * owner typed it, and the name that the owner gives the device. Typing it is the comparison.
   *
   * @throws BlindtallyError `enrollment.code` if it is another device's code, `enrollment.name`
   */
  approveByCode(
    comparison: ComparisonRequest, code: string, name: string, options: { now?: Time } = {},
  ): Promise<Change> {
    const [sent, typed, given] = [bytes(comparison?.request, "a request"), text(code, "the code"), text(name, "the device's name")];
    return this.#operate((raw, now) => raw.draft_approve(raw.inspect(sent, now).confirm(typed, given), now), options);
  }

  /** Gives a device its keys once more. @throws BlindtallyError `owner.unknown-device`, `owner.device-revoked` */
  redeliver(device: DeviceId, options: { now?: Time } = {}): Promise<Change> {
    return this.#operate((raw, now) => raw.draft_redeliver(text(device, "a device"), now), options);
  }

  /**
   * Revokes a device, for ever, and starts a new epoch: without that the device could still read tokens of the running
   * one. @throws BlindtallyError `owner.unknown-device`
   */
  revoke(device: DeviceId, options: { rotate?: boolean; now?: Time } = {}): Promise<Change> {
    return this.#operate((raw, now) => raw.draft_revoke(text(device, "a device"), options.rotate ?? true, now), options);
  }

  /** Starts a new epoch: new MasterKey, new policy, a delivery for every device that stays. */
  rotate(options: { now?: Time } = {}): Promise<Change> {
    return this.#operate((raw, now) => raw.draft_rotate(now), options);
  }

  /** Makes a ticket worthless. */
  cancelTicket(ticket: TicketId, options: { now?: Time } = {}): Promise<Change> {
    return this.#operate((raw, now) => raw.draft_cancel_ticket(text(ticket, "a ticket's id"), now), options);
  }

  /** Changes how values of a class are brought into one form before they are tokenized. */
  setCanonicalForm(tokenClass: TokenClassId, form: CanonicalForm, options: { now?: Time } = {}): Promise<Change> {
    const [id, formId] = [classId(tokenClass), integer(CANONICAL_FORMS[form], "a form", 255)];
    return this.#operate((raw, now) => raw.draft_set_canonical_form(id, formId, now), options);
  }

  /**
   * Reconciles with a vault that the service holds: after a conflict, or when another client may have stored one.
   *
   * @throws BlindtallyError `unlock.*` if the vault does not open with this owner's password or is another account's
   */
  sync(vault: Vault, options: { now?: Time } = {}): Promise<Synced> {
    const [shown, at] = [bytes(vault, "the vault"), millis(options.now)];
    return this.#exclusive(async () => {
      const [adopted, draft] = this.call((raw) => {
        const synced = raw.draft_sync(shown, at);
        const result = [synced.adopted(), synced.take_draft()] as const;
        synced.free();
        return result;
      });
      if (draft) return { outcome: "store", change: await this.#sign(draft) };
      return { outcome: adopted ? "adopted" : "same", change: undefined };
    });
  }

  /** Replaces the password without touching any data. @throws BlindtallyError `password.invalid`, `kdf.*` */
  changePassword(password: Typed, options: { kdf?: Kdf } = {}): Promise<PasswordChange> {
    return this.#exclusive(async () => {
      const { kdf = PBKDF2 } = options;
      const raw = withKdf(kdf, (parameters) => this.call((owner) => owner.new_password(parameters)));
      return releasing([raw], async () => {
        const stretched = await stretch(raw.stretch(), password);
        return releasing([stretched], () => this.call((owner) => {
          const changed = owner.change_password(raw, stretched);
          const prelogin = { kdf: describeKdf(changed.kdf()), salt: changed.salt(), account: owner.account() };
          const [oldProof, newProof] = [changed.old_proof() as Proof, changed.new_proof() as Proof];
          const change = takeChange(changed.take_change()!);
          changed.free();
          return { oldProof, newProof, prelogin, change };
        }));
      });
    });
  }

  /** A backup that opens with a passphrase. Make a new one after every rotation: it holds the keys of now. */
  async backupWithPassphrase(passphrase: Typed, options: { kdf?: Kdf } = {}): Promise<BackupText> {
    const fresh = withKdf(options.kdf ?? PBKDF2, (kdf) => this.call((raw, { NewPassphrase }) => new NewPassphrase(raw, kdf)));
    const stretched = await stretch(fresh.stretch(), passphrase);
    return this.call((raw) => {
      const backup = fresh.finish(raw, stretched);
      const text = backup.text() as BackupText;
      backup.free();
      return text;
    });
  }

  /** A backup that opens with a fresh recovery key, to be written down apart from it. */
  backupWithRecoveryKey(): { backup: BackupText; recoveryKey: RecoveryKey } {
    return this.call((raw) => {
      const made = raw.backup_with_recovery_key();
      const result = { backup: made.text() as BackupText, recoveryKey: made.key() as RecoveryKey };
      made.free();
      return result;
    });
  }

  override free(): void {
    this.#signingKey = undefined;
    super.free();
  }

  /** @internal Signs and takes over what a draft of this owner's prepares. */
  complete(draft: Draft): Promise<Change> {
    return this.#exclusive(() => this.#sign(draft));
  }

  #operate(draft: (raw: RawOwner, now: number) => Draft, options: { now?: Time }): Promise<Change> {
    const now = millis(options.now);
    return this.#exclusive(async () => this.#sign(this.call((raw) => draft(raw, now))));
  }

  async #sign(draft: Draft): Promise<Change> {
    const drafts = [draft];
    return releasing(drafts, async () => {
      const key = await this.#importedKey();
      for (let current: Draft | undefined = draft; current; current = drafts.at(-1)) {
        const next: Draft = current;
        const signatures = await Promise.all(unframe(next.messages()).map((message) => sign(key, message)));
        const step = this.call((raw) => raw.advance(next, frame(signatures)));
        const [further, change] = [step.take_draft(), step.take_change()];
        step.free();
        if (change) return takeChange(change);
        if (further) drafts.push(further);
      }
      throw new TypeError("unreachable: a step is a draft or a change");
    });
  }

  #importedKey(): Promise<CryptoKey> {
    return this.#signingKey ??= (this.call((raw) => raw.signing_key()) as Promise<CryptoKey>).catch((error: unknown) => {
      this.#signingKey = undefined;
      throw error;
    });
  }

  #exclusive<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#running.then(operation);
    this.#running = result.catch(() => undefined);
    return result;
  }
}

const FORM_NAMES = new Map<number, CanonicalForm>(Object.entries(CANONICAL_FORMS).map(([name, id]) => [id, name as CanonicalForm]));

/** Everything of a policy in the module, which is freed. */
export function takePolicy(raw: RawPolicy): Policy {
  const ids = raw.classes();
  const classes = new Map<number, CanonicalForm>();
  for (let at = 0; at < ids.length; at += 2) classes.set(ids[at]!, FORM_NAMES.get(ids[at + 1]!)!);
  const policy = {
    signed: raw.bytes() as SignedPolicy,
    version: raw.version(),
    issuedAt: new Date(raw.issued_at()),
    epoch: raw.epoch(),
    revoked: raw.revoked() as DeviceId[],
    classes,
  };
  raw.free();
  return policy;
}

/** Byte strings in one, each behind its length. */
function frame(parts: readonly Uint8Array[]): Uint8Array {
  const framed = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    new DataView(framed.buffer).setUint32(at, part.length);
    framed.set(part, at + 4);
    at += 4 + part.length;
  }
  return framed;
}

function unframe(framed: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const view = new DataView(framed.buffer, framed.byteOffset, framed.byteLength);
  for (let at = 0; at < framed.length;) {
    const end = at + 4 + view.getUint32(at);
    parts.push(framed.subarray(at + 4, end));
    at = end;
  }
  return parts;
}
