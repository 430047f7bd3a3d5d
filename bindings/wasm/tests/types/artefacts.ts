// One kind of artefact is never taken for another, nor text or bytes of unknown origin for any; compiled, never run.
import {
  type AccountId, asDelivery, asDeviceId, asRecord, asTicketId, asToken, asVault, type BackupText, type Delivery,
  type DeviceId, type EnrollmentRequest, type Login, Owner, type SealedRecord, type SignedPolicy, type TicketId,
  type TicketText, type Token, type Vault,
} from "blindtally";

declare const owner: Owner;
declare const login: Login;
declare const text: string;
declare const bytes: Uint8Array<ArrayBuffer>;

// Each is what it is made of.
const asText: string[] = [asToken(text), asRecord(text), asDeviceId(text), asTicketId(text)];
const asBytes: Uint8Array[] = [asVault(bytes), asDelivery(bytes)];

owner.reveal(asToken(text));
// @ts-expect-error
owner.reveal(text);
// @ts-expect-error
owner.reveal(asRecord(text));

login.unlock(asVault(bytes));
// @ts-expect-error
login.unlock(bytes);
// @ts-expect-error
login.unlock(asDelivery(bytes));

// @ts-expect-error
void owner.revoke(asTicketId(text));
// @ts-expect-error
void owner.cancelTicket(asDeviceId(text));

/** Fails to compile unless no member of the union may stand for another. */
type Kinds = {
  accountId: AccountId; deviceId: DeviceId; ticketId: TicketId; token: Token; record: SealedRecord; backup: BackupText;
  vault: Vault; request: EnrollmentRequest; delivery: Delivery; policy: SignedPolicy; ticket: TicketText;
};
type Mixed = {
  [A in keyof Kinds]: { [B in Exclude<keyof Kinds, A>]: Kinds[A] extends Kinds[B] ? [A, B] : never }[Exclude<keyof Kinds, A>];
}[keyof Kinds];
const mixed: [Mixed] extends [never] ? true : Mixed = true;

// Every secret handle may be used with `using`, and a class id that no version knows is still a number.
{
  using spent = owner;
  spent.tokenizeTyped("app", text);
  spent.tokenizeTyped(200, text);
  // @ts-expect-error not a class of tokens
  spent.tokenizeTyped("keystrokes", text);
}

// A batch has a value or an error for each item: one must look before one reads.
const [first] = owner.revealMany([text]);
// @ts-expect-error it may be an error, or missing
first.length;

// @ts-expect-error an owner is created or unlocked
new Owner({ free() {} });
