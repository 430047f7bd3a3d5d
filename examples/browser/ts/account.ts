/**
 * An account that is unlocked and logged in, and the two rules of every change: the vault is stored before anything that it
 * caused is sent, and what was stored is sent, if need be the next time.
 */
import { computed, signal } from "@preact/signals";
import {
  asSignedPolicy, asVault, type Change, type Device, type DeviceId, type Outbox, type Owner, type OwnerInfo,
  type Ticket, type Typed,
} from "blindtally";
import type { OwnerWorker, Remote } from "blindtally/worker";
import * as answers from "./answers.ts";
import { DashboardError } from "./explain.ts";
import { remember } from "./memory.ts";
import { base64url, type Service, ServiceError } from "./service.ts";

/** How often a change is merged with what others stored meanwhile before giving up. */
const ATTEMPTS = 16;

export class Account {
  readonly owner: Remote<Owner>;
  readonly service: Service;
  /** What is public of the account, and its own table of devices: never the service's. */
  readonly info = signal<OwnerInfo>(undefined as never);
  readonly devices = signal<readonly Device[]>([]);
  readonly epoch = computed(() => this.info.value.policy.epoch);
  /** Whether this page holds a change that the service has not stored: it is offered again until it has. */
  readonly isUnstored = signal(false);
  /** Made since the account was opened: nobody keeps a list of tickets, they are derived. */
  readonly tickets = signal<readonly Pick<Ticket, "id" | "uses" | "expiry">[]>([]);
  readonly #owners: OwnerWorker;
  #isClosed = false;
  /** Devices that got their keys once more, with the epoch: a service that keeps hiding them gets them once. */
  readonly #redelivered = new Set<string>();
  /** One change after the other. */
  #working: Promise<unknown> = Promise.resolve();

  private constructor(owners: OwnerWorker, owner: Remote<Owner>, service: Service) {
    this.#owners = owners;
    this.owner = owner;
    this.service = service;
  }

  /** An owner that was just unlocked, in a session that the service has just begun, with what is to be sent in it. */
  static async begin(
    owners: OwnerWorker, owner: Remote<Owner>, service: Service, session: string, outbox?: Outbox,
  ): Promise<Account> {
    const account = new Account(owners, owner, service);
    account.#goOn(session);
    await account.#rememberStored();
    if (outbox) await account.#send(outbox);
    return account;
  }

  /** Ends the session, and every key with its worker. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#owners.stop();
    await this.#logOut();
  }

  async #logOut(): Promise<void> {
    await this.service.send("POST", "/api/v1/logout").catch(() => undefined);
    this.service.end();
  }

  /** Makes a change, stores it, then sends what it allows to be sent. */
  change(make: (owner: Remote<Owner>) => Promise<Change>): Promise<void> {
    return this.#alone(async () => {
      const { outbox, merged } = await this.#store(await make(this.owner));
      await this.#send(outbox);
      // Two histories became one: whatever either still owed the service is sent now.
      if (merged) await this.#settle();
    });
  }

  /** Takes over what other clients stored since, and sends what was stored but not sent. */
  refresh(): Promise<void> {
    return this.#alone(async () => {
      await this.#merge();
      await this.#settle();
    });
  }

  /** Sends what was stored but not sent. */
  settle(): Promise<void> {
    return this.#alone(() => this.#settle());
  }

  /**
   * Replaces the password; every other session of the account ends.
   *
   * @throws DashboardError `dashboard.password-unclear`: this owner is of no use any more, whichever password holds now
   */
  changePassword(password: Typed): Promise<void> {
    return this.#alone(async () => {
      // A vault under the new password cannot be merged with one under the old: whatever others stored comes first.
      await this.#merge();
      const { oldProof, newProof, prelogin, change } = await this.owner.changePassword(password, { kdf: this.info.value.prelogin.kdf });
      const { session } = await this.service.post("/api/v1/password", {
        old_login_proof: base64url(oldProof),
        kdf: prelogin.kdf,
        salt: base64url(prelogin.salt),
        login_proof: base64url(newProof),
        vault: base64url(change.vault),
        generation: Number(change.generation),
        expected_generation: Number(change.expected),
      }, answers.Session).catch((cause: unknown) => {
        throw new DashboardError("dashboard.password-unclear", { cause });
      });
      change.committed();
      this.#goOn(session);
      await this.#rememberStored();
    });
  }

  /** Opens a backup as its owner would after a lost password. @throws BlindtallyError `unlock.*`, `recovery-key.invalid` */
  async tryBackup(backup: string, recoveryKey: Typed): Promise<void> {
    using sealed = await this.#owners.openBackup(backup);
    using restored = await sealed.openWithRecoveryKey(recoveryKey);
    await restored.recoveryProof();
  }

  async #merge(): Promise<void> {
    const { change } = await this.owner.sync(asVault(await this.service.getBytes("/api/v1/vault")));
    if (change) await this.#send((await this.#store(change)).outbox);
    else await this.#rememberStored();
  }

  /** Stores a change; on a conflict, the union of it and of what others stored meanwhile. */
  async #store(change: Change): Promise<{ outbox: Outbox; merged: boolean }> {
    try {
      const stored = await this.#offer(change);
      await this.#rememberStored();
      return stored;
    } catch (error) {
      this.isUnstored.value = true;
      await this.#look();
      throw error;
    }
  }

  async #offer(first: Change): Promise<{ outbox: Outbox; merged: boolean }> {
    let change = first;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await this.service.putBytes("/api/v1/vault", change.vault, {
          "if-match": `"${change.expected}"`, "x-vault-generation": String(change.generation),
        });
        return { outbox: change.committed(), merged: attempt > 0 };
      } catch (error) {
        if (!(error instanceof ServiceError) || error.code !== "vault.conflict") throw error;
      }
      const synced = await this.owner.sync(asVault(await this.service.getBytes("/api/v1/vault")));
      // It was stored after all, by an answer that got lost or by somebody who had merged it.
      if (!synced.change) return { outbox: { deliveries: [], policy: undefined, revoked: [] }, merged: true };
      change = synced.change;
    }
    throw new ServiceError("vault.conflict");
  }

  /** The policy comes last: a service that has it has everything that belongs to it. */
  async #send(outbox: Outbox): Promise<void> {
    for (const device of outbox.revoked) await this.#revokeAtService(device);
    for (const { device, delivery } of outbox.deliveries) {
      await this.service.putBytes(`/api/v1/devices/${device}/delivery`, delivery).catch(unless("device.revoked"));
    }
    if (outbox.policy) await this.service.putBytes("/api/v1/policy", outbox.policy);
  }

  async #revokeAtService(device: DeviceId): Promise<void> {
    // One that the service never saw: there is nothing to take from it.
    await this.service.send("POST", `/api/v1/devices/${device}/revoke`, {}).catch(unless("device.unknown"));
  }

  /** Compares what the keyring says with what the service has, and sends what is missing. */
  async #settle(): Promise<void> {
    const [{ devices: atService }, policy, { policy: { signed, epoch } }, devices] = await Promise.all([
      this.service.get("/api/v1/devices", answers.Devices),
      this.service.getBytes("/api/v1/policy").then(asSignedPolicy).catch(unless("policy.none")),
      this.owner.info(),
      this.owner.devices(),
    ]);
    const status = new Map<string, string>(atService.map((device) => [device.device_id, device.status]));
    const policyMissing = !policy || !isEqual(policy, signed);
    const owes = ({ id, revoked }: Device) => {
      const known = status.get(id);
      if (revoked) return known !== undefined && known !== "revoked";
      // What the service has as revoked it would refuse.
      return known !== "revoked" && (policyMissing || known !== "active");
    };
    for (const device of devices.filter(owes)) {
      const delivery = `${device.id} ${epoch}`;
      if (device.revoked) await this.#revokeAtService(device.id);
      else if (!this.#redelivered.has(delivery)) {
        await this.#send((await this.#store(await this.owner.redeliver(device.id))).outbox);
        this.#redelivered.add(delivery);
      }
    }
    if (policyMissing) await this.service.putBytes("/api/v1/policy", (await this.owner.info()).policy.signed);
  }

  #goOn(session: string): void {
    this.service.begin(session, async () => {
      const { login } = this.info.value;
      const proof = base64url(await this.owner.loginProof());
      const renewed = await this.service.postAnonymously("/api/v1/login", { login, login_proof: proof }, answers.Login);
      this.#goOn(renewed.session);
      if (this.#isClosed) await this.#logOut();
    });
  }

  async #look(): Promise<void> {
    [this.info.value, this.devices.value] = await Promise.all([this.owner.info(), this.owner.devices()]);
  }

  /** The service has what this page has: only that is what it must never fall behind. */
  async #rememberStored(): Promise<void> {
    await this.#look();
    remember(this.info.value.account, this.info.value.generation);
    this.isUnstored.value = false;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#working.then(work);
    this.#working = result.catch(() => undefined);
    return result;
  }
}

/** Takes one refusal of the service for an answer. */
function unless(code: string) {
  return (error: unknown): undefined => {
    if (!(error instanceof ServiceError) || error.code !== code) throw error;
  };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
