/** The agent's end: holds the keys of one device, seals, and never reveals. There is no plain mode. */
import type {
  Agent as RawAgent, ExaminedDelivery, PendingAgent as RawPending, UnsignedEnrollment,
} from "./bridge.js";
import type {
  AccountId, Delivery, DeviceId, EnrollmentRequest, Proof, SavedAgent, SealedRecord, SignedPolicy, TicketId, Token,
  WrappedAgent,
} from "./artefacts.js";
import { joined, type Result } from "./batch.js";
import { bytes, integer, text, u64 } from "./check.js";
import { BlindtallyError } from "./error.js";
import { RECORD_CLASSES } from "./generated.js";
import { guarded, Handle, releasing } from "./init.js";
import { classId, type Policy, takePolicy, type TokenClassId } from "./owner.js";
import type { RecordClassId } from "./record.js";
import { type Typed, wiping } from "./text.js";
import { parseTicket } from "./ticket.js";
import { decrypt, generateIdentity, type RsaSize, signItself } from "./webcrypto.js";

/** What a device shows the service to be given a bearer for uploads: it protects the service's capacity, not secrecy. */
export interface Claim {
  readonly ticket: TicketId | undefined;
  readonly secret: Proof;
}

export interface Enrollment {
  /** Save it before the request is sent. */
  readonly pending: PendingAgent;
  /** Goes through the service to the owner. */
  readonly request: EnrollmentRequest;
}

/** `updated` and `revoked`: save the agent. `delivery-needed`: it seals on in the old epoch until its keys arrive. */
export type Outcome = "updated" | "unchanged" | "delivery-needed" | "revoked";

/** A device that has asked for keys and has none yet. */
export class PendingAgent extends Handle<RawPending> {
  /** @internal */
  constructor(raw: RawPending) {
    super(raw);
  }

  info(): { device: DeviceId; account: AccountId; deviceCode: string } {
    return this.call((raw) => ({
      device: raw.device_id() as DeviceId,
      account: raw.account() as AccountId,
      deviceCode: raw.device_code(),
    }));
  }

  claim(): Claim {
    return this.call(takeClaim);
  }

  /** Seals a value for this device's own queue, to be tokenized when the keys arrive: see {@link Agent.dequeue}. */
  queue(tokenClass: TokenClassId, value: string, seq: bigint): SealedRecord {
    const [id, word, number] = [classId(tokenClass), text(value, "a value"), u64(seq, "seq")];
    return this.call((raw) => raw.queue(id, word, number) as SealedRecord);
  }

  /** Takes the delivery that came through the service. @throws BlindtallyError `accept.refused`, `malformed.*` */
  async accept(delivery: Delivery): Promise<Agent> {
    const sealed = bytes(delivery, "a delivery");
    const examined = this.call((raw) => raw.examine(sealed));
    return decrypting(examined, () => this.call((raw) => raw.decryption_key()),
      (key) => new Agent(this.call((raw) => raw.accept_decrypted(examined, key))));
  }

  /** Everything that must survive a restart. Secret: prefer {@link PendingAgent.saveWrapped}. */
  save(): SavedAgent {
    return this.call((raw) => raw.save() as SavedAgent);
  }

  /** The same, sealed under a 256-bit key. */
  saveWrapped(key: Uint8Array): WrappedAgent {
    return this.call((raw) => raw.save_wrapped(bytes(key, "the key")) as WrappedAgent);
  }
}

/** A device with keys. */
export class Agent extends Handle<RawAgent> {
  /** @internal */
  constructor(raw: RawAgent) {
    super(raw);
  }

  /** Makes a request with a ticket; WebCrypto generates the device's keys. @throws BlindtallyError `enrollment.name`, `malformed.*` */
  static async enroll(ticket: Typed, name: string, options: { rsa?: RsaSize } = {}): Promise<Enrollment> {
    const named = text(name, "the device's name");
    const raw = await parseTicket(ticket);
    return releasing([raw], async () => {
      const identity = await generateIdentity(options.rsa);
      return signed(guarded((bridge) => bridge.UnsignedEnrollment.with_ticket(raw, named, identity)));
    });
  }

  /** Makes a request without a ticket: the owner has to type the device's code. @throws BlindtallyError `malformed.*` */
  static async enrollByCode(accountCode: string, options: { rsa?: RsaSize } = {}): Promise<Enrollment> {
    const code = guarded(({ AccountCode }) => AccountCode.parse(text(accountCode, "the account code")));
    return releasing([code], async () => {
      const identity = await generateIdentity(options.rsa);
      return signed(guarded((bridge) => bridge.UnsignedEnrollment.with_code(code, identity)));
    });
  }

  /** Brings an agent back, in whichever phase it was. @throws BlindtallyError `state.*`, `malformed.*` */
  static restore(saved: SavedAgent): PendingAgent | Agent;
  static restore(saved: WrappedAgent, key: Uint8Array): PendingAgent | Agent;
  static restore(saved: SavedAgent | WrappedAgent, key?: Uint8Array): PendingAgent | Agent {
    const state = bytes(saved, "the state");
    return guarded(({ Saved }) => {
      const restored = key === undefined ? Saved.restore(state) : Saved.restore_wrapped(state, bytes(key, "the key"));
      const [pending, agent] = [restored.take_pending(), restored.take_agent()];
      restored.free();
      return pending ? new PendingAgent(pending) : new Agent(agent!);
    });
  }

  info(): { device: DeviceId; account: AccountId; status: "encrypted" | "needs-upgrade" | "revoked"; policy: Policy } {
    return this.call((raw) => ({
      device: raw.device_id() as DeviceId,
      account: raw.account() as AccountId,
      status: raw.status() as "encrypted" | "needs-upgrade" | "revoked",
      policy: takePolicy(raw.policy()),
    }));
  }

  claim(): Claim {
    return this.call(takeClaim);
  }

  /**
   * Seals a value of up to 4,096 bytes of UTF-8 into its token, after bringing it into the form that the policy sets.
   * Half of a surrogate pair alone is sealed as U+FFFD: it has no UTF-8.
   *
   * @throws BlindtallyError `tokenize.*`, `agent.needs-upgrade`, `agent.revoked`
   */
  tokenize(tokenClass: TokenClassId, value: string): Token {
    const [id, word] = [classId(tokenClass), text(value, "a value")];
    return this.call((raw) => raw.tokenize(id, word) as Token);
  }

  /** Seals many values of one class in one call; each has a result of its own. @throws as {@link Agent.tokenize} for all */
  tokenizeMany(tokenClass: TokenClassId, values: readonly string[]): Result<Token>[] {
    const id = classId(tokenClass);
    return joined(
      values, "\0", (text, lengths, errors) => this.call((raw) => raw.tokenize_many(id, text, lengths, errors)),
      (value) => this.#tokenizeAlone(id, value),
    ) as Result<Token>[];
  }

  /** Seals one record of up to 1 MiB under this device's own key; `seq` is when, in Unix milliseconds. @throws BlindtallyError `record.*` */
  sealRecord(recordClass: RecordClassId, value: string, seq: bigint): SealedRecord {
    const id = integer(typeof recordClass === "number" ? recordClass : RECORD_CLASSES[recordClass], "a class", 255);
    const [word, number] = [text(value, "a value"), u64(seq, "seq")];
    return this.call((raw) => raw.seal_record(id, word, number) as SealedRecord);
  }

  /** Opens a value that {@link PendingAgent.queue} sealed before the keys arrived, and tokenizes it. */
  dequeue(record: SealedRecord): Token {
    return this.call((raw) => raw.dequeue(text(record, "a record")) as Token);
  }

  /** Takes a further delivery. @throws BlindtallyError `accept.stale`, `accept.refused`: the agent goes on as it was */
  async accept(delivery: Delivery): Promise<Outcome> {
    const sealed = bytes(delivery, "a delivery");
    const examined = this.call((raw) => raw.examine(sealed));
    if (!examined) return "unchanged";
    return decrypting(examined, () => this.call((raw) => raw.decryption_key()),
      (key) => this.call((raw) => raw.accept_decrypted(examined, key) as Outcome));
  }

  /** Takes a signed policy that came by itself: a change of forms, or this device's revocation. */
  applyPolicy(policy: SignedPolicy): Outcome {
    return this.call((raw) => raw.apply_policy(bytes(policy, "a policy")) as Outcome);
  }

  /** As {@link PendingAgent.save}. */
  save(): SavedAgent {
    return this.call((raw) => raw.save() as SavedAgent);
  }

  /** As {@link PendingAgent.saveWrapped}. */
  saveWrapped(key: Uint8Array): WrappedAgent {
    return this.call((raw) => raw.save_wrapped(bytes(key, "the key")) as WrappedAgent);
  }

  #tokenizeAlone(id: number, value: string): Result {
    try {
      return this.call((raw) => raw.tokenize(id, value));
    } catch (error) {
      if (error instanceof BlindtallyError) return error;
      throw error;
    }
  }
}

function signed(unsigned: UnsignedEnrollment): Promise<Enrollment> {
  return releasing([unsigned], async () => {
    const signature = await signItself(unsigned);
    return guarded(() => {
      const enrollment = unsigned.finish(signature);
      const pending = new PendingAgent(enrollment.take_pending()!);
      const request = enrollment.request() as EnrollmentRequest;
      enrollment.free();
      return { pending, request };
    });
  });
}

/** Accepts a delivery with its content key, which is wiped afterwards. */
function decrypting<T>(
  examined: ExaminedDelivery, privateKey: () => Promise<CryptoKey>, accept: (key: Uint8Array) => T,
): Promise<T> {
  return releasing([examined], async () =>
    wiping(await decrypt(await privateKey(), examined.ciphertext(), examined.label()), accept));
}

function takeClaim(raw: RawAgent | RawPending): Claim {
  return { ticket: raw.claim_ticket() as TicketId | undefined, secret: raw.claim() as Proof };
}
