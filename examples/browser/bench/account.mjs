// An account and its devices at the service, by the package in Node.
import { Agent, Owner } from "blindtally";
import { PASSWORD } from "../tests/harness.mjs";

/** Events an upload: the service's maximum. */
const BATCH = 5_000;

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

export class Account {
  #url;
  #owner;
  #session;

  constructor(url) {
    this.#url = url;
  }

  /** A new account at the service, without devices. */
  static async create(url, login) {
    const account = new Account(url);
    const { owner, change } = await Owner.create({ login, password: PASSWORD, rsa: 2048 });
    const { account: account_id, prelogin: { kdf, salt }, policy } = owner.info();
    const { session } = await account.#send("POST", "/api/v1/accounts", {
      login, account_id, kdf, salt: base64url(salt), login_proof: base64url(owner.loginProof()),
      vault: base64url(change.vault), generation: Number(change.generation), policy: base64url(policy.signed),
    });
    change.committed();
    [account.#owner, account.#session] = [owner, session];
    return account;
  }

  /** A device that has claimed its bearer, and asks for keys when `ask` is called. */
  async device(name) {
    const { id, authenticatorHash, expiry, uses, text } = this.#owner.issueTicket();
    const ticket = { ticket_id: id, authenticator_hash: base64url(authenticatorHash), expires_at_us: expiry.getTime() * 1000, uses };
    await this.#send("POST", "/api/v1/tickets", ticket, this.#session);
    const { pending, request } = await Agent.enroll(text, name, { rsa: 2048 });
    const { account: account_id, device: device_id } = pending.info();
    const authenticator = base64url(pending.claim().secret);
    const { bearer } = await this.#send("POST", "/api/v1/devices/claim", { account_id, device_id, ticket_id: id, authenticator });
    return {
      ask: () => this.#send("POST", "/api/v1/enrollments", { account_id, device_id, request: base64url(request) }),
      hasDelivery: async () => (await this.#fetch("GET", "/api/v1/device/delivery", undefined, bearer)).ok,
      upload: (events) => this.#send("POST", "/api/v1/events", { events }, bearer),
      /** Confirmed here, for want of a dashboard. */
      approved: async () => {
        const change = await this.#owner.approve(this.#owner.inspect(request));
        const held = { "if-match": `"${change.expected}"`, "x-vault-generation": String(change.generation) };
        await this.#send("PUT", "/api/v1/vault", change.vault, this.#session, held);
        const [{ delivery }] = change.committed().deliveries;
        await this.#send("PUT", `/api/v1/devices/${device_id}/delivery`, delivery, this.#session);
        return pending.accept(delivery);
      },
    };
  }

  /** Uploads the events of a new computer; `sealed` turns the words of one into what the service shall have. */
  async upload(name, events, sealed) {
    const device = await this.device(name);
    await device.ask();
    const agent = await device.approved();
    const all = events.map((event) => ({ ...event, values: sealed(agent, event.values) }));
    for (let from = 0; from < all.length; from += BATCH) await device.upload(all.slice(from, from + BATCH));
  }

  async #send(...request) {
    const response = await this.#fetch(...request);
    if (!response.ok) throw new Error(`${request[0]} ${request[1]}: ${response.status} ${await response.text()}`);
    return response.headers.get("content-type")?.startsWith("application/json") ? response.json() : undefined;
  }

  #fetch(method, path, body, bearer, headers = {}) {
    const isBytes = body instanceof Uint8Array;
    return fetch(this.#url + path, {
      method,
      headers: {
        ...headers,
        ...bearer && { authorization: `Bearer ${bearer}` },
        ...body && { "content-type": isBytes ? "application/octet-stream" : "application/json" },
      },
      ...body && { body: isBytes ? body : JSON.stringify(body) },
    });
  }
}

/** Each value as its token. */
export const tokens = (agent, values) =>
  Object.fromEntries(Object.entries(values).map(([tokenClass, value]) => [tokenClass, agent.tokenize(tokenClass, value)]));

/** Each value as it is: what a service that is not blind would have. */
export const words = (_, values) => values;
