// Accounts and devices for the tests: small keys, since the platform's generator is not what is tested.
import assert from "node:assert/strict";
import { Agent, Owner, init } from "../../dist/node.js";

await init();

export const PASSWORD = "correct horse";
export const LOGIN = "anna@example.com";
/** The least that is accepted. */
export const CHEAP = { id: "pbkdf2-sha256", iterations: 600_000 };

export async function account(options = {}) {
  const { owner, change } = await Owner.create({ login: LOGIN, password: PASSWORD, rsa: 2048, kdf: CHEAP, ...options });
  return { owner, vault: change.vault };
}

export function enrollment(owner, name = "laptop") {
  return Agent.enroll(owner.issueTicket().text, name, { rsa: 2048 });
}

/** A device with keys, and the newest vault. */
export async function device(owner, name) {
  const { pending, request } = await enrollment(owner, name);
  const change = await owner.approve(owner.inspect(request));
  const [{ delivery, device }] = change.committed().deliveries;
  return { agent: await pending.accept(delivery), id: device, delivery, request, vault: change.vault };
}

/** Expects a `BlindtallyError` of that code, thrown or rejected. */
export async function refused(code, call) {
  await assert.rejects(async () => call(), (error) => {
    assert.equal(error.name, "BlindtallyError", String(error.stack));
    assert.equal(error.code, code);
    return true;
  });
}

export function flipped(bytes, at) {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
}
