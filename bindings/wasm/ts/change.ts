/** A new state of the account, and the messages that it allows to be sent once it is stored. */
import type { Change as RawChange } from "./bridge.js";
import type { Delivery, DeviceId, SignedPolicy, Vault } from "./artefacts.js";

/** Messages to send, through the service. */
export interface Outbox {
  /** A delivery for each device that gets one. */
  readonly deliveries: readonly { readonly device: DeviceId; readonly delivery: Delivery }[];
  /** The new policy, if it changed: for every device, revoked ones too. */
  readonly policy: SignedPolicy | undefined;
  /** Devices that the service should take nothing from any more. */
  readonly revoked: readonly DeviceId[];
}

/** What a {@link Change} consists of, as it travels between threads. */
export interface ChangeData {
  readonly vault: Vault;
  readonly expected: bigint;
  readonly generation: bigint;
  readonly outbox: Outbox;
}

/**
 * Store `vault` at the service if it still holds generation `expected`; only when that succeeded, call `committed()` and
 * send what it gives.
 */
export class Change {
  readonly vault: Vault;
  /** The generation that the service must still hold: 0n for a new account. */
  readonly expected: bigint;
  readonly generation: bigint;
  readonly #outbox: Outbox;

  constructor({ vault, expected, generation, outbox }: ChangeData) {
    this.vault = vault;
    this.expected = expected;
    this.generation = generation;
    this.#outbox = outbox;
  }

  /** Says that the service stored the vault, and opens the outbox. */
  committed(): Outbox {
    return this.#outbox;
  }
}

/** Everything of a change in the module, which is freed. */
export function takeChange(raw: RawChange): Change {
  const { vault, expected, generation } = { vault: raw.vault(), expected: raw.expected(), generation: raw.generation() };
  raw.committed();
  const outbox = {
    deliveries: raw.recipients().map((device, at) =>
      ({ device: device as DeviceId, delivery: raw.delivery(at) as Delivery })),
    policy: raw.policy() as SignedPolicy | undefined,
    revoked: raw.revoked() as DeviceId[],
  };
  raw.free();
  return new Change({ vault: vault as Vault, expected, generation, outbox });
}
