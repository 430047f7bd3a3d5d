/**
 * The types of everything that travels or is kept: a string or bytes to JavaScript, but of a different type for each
 * kind, so that TypeScript refuses a ticket where a vault belongs. `as*` takes what came from elsewhere.
 */
import { bytes as checkedBytes, tag, text as checked } from "./check.js";
import { guarded } from "./init.js";

declare const kind: unique symbol;
type Artefact<Base, Kind extends string> = Base & { readonly [kind]: Kind };

/** 32 hexadecimal digits. */
export type AccountId = Artefact<string, "AccountId">;
export type DeviceId = Artefact<string, "DeviceId">;
export type TicketId = Artefact<string, "TicketId">;
export type BlobId = Artefact<string, "BlobId">;

/** A sealed value that groups: `bt1_...`. */
export type Token = Artefact<string, "Token">;
/** A sealed value that is only kept: `br1_...`. */
export type SealedRecord = Artefact<string, "SealedRecord">;
/** A sealed backup as the text of a file. */
export type BackupText = Artefact<string, "BackupText">;

/** The keyring wrapped by the password; opaque to the service. */
export type Vault = Artefact<Uint8Array<ArrayBuffer>, "Vault">;
/** A device's request for keys. */
export type EnrollmentRequest = Artefact<Uint8Array<ArrayBuffer>, "EnrollmentRequest">;
/** Keys and policy, sealed to one device. */
export type Delivery = Artefact<Uint8Array<ArrayBuffer>, "Delivery">;
/** A policy, signed by the account. */
export type SignedPolicy = Artefact<Uint8Array<ArrayBuffer>, "SignedPolicy">;
/** Secret: the text of a ticket, in ASCII. Whoever has it may enrol a device; it must never reach the service. */
export type TicketText = Artefact<Uint8Array<ArrayBuffer>, "TicketText">;
/** Secret: shows the service that a password or a backup is known. */
export type Proof = Artefact<Uint8Array<ArrayBuffer>, "Proof">;
/** Secret: the state of an agent in the clear. */
export type SavedAgent = Artefact<Uint8Array<ArrayBuffer>, "SavedAgent">;
/** The state of an agent, wrapped under a key of the caller's. */
export type WrappedAgent = Artefact<Uint8Array<ArrayBuffer>, "WrappedAgent">;
/** Secret: 28 characters for paper, in ASCII. */
export type RecoveryKey = Artefact<Uint8Array<ArrayBuffer>, "RecoveryKey">;
/** Secret: 28 characters for paper, in ASCII. */
export type AccountSecret = Artefact<Uint8Array<ArrayBuffer>, "AccountSecret">;

/** Where a `Token` comes from elsewhere: checks its form. @throws BlindtallyError `malformed.*` */
export function asToken(text: string): Token {
  guarded((bridge) => bridge.check_token(checked(text, "a token")));
  return text as Token;
}

/** @throws BlindtallyError `malformed.*` */
export function asRecord(text: string): SealedRecord {
  guarded((bridge) => bridge.check_record(checked(text, "a record")));
  return text as SealedRecord;
}

/** @throws BlindtallyError `malformed.*` unless the bytes begin as a vault does */
export const asVault = (bytes: Bytes): Vault => begin(bytes, "V") as Vault;
/** @throws BlindtallyError `malformed.*` unless the bytes begin as a request does */
export const asEnrollmentRequest = (bytes: Bytes): EnrollmentRequest => begin(bytes, "E") as EnrollmentRequest;
/** @throws BlindtallyError `malformed.*` unless the bytes begin as a delivery does */
export const asDelivery = (bytes: Bytes): Delivery => begin(bytes, "D") as Delivery;
/** @throws BlindtallyError `malformed.*` unless the bytes begin as a policy does */
export const asSignedPolicy = (bytes: Bytes): SignedPolicy => begin(bytes, "P") as SignedPolicy;

/** @throws BlindtallyError `malformed.*` */
export function asDeviceId(text: string): DeviceId {
  guarded((bridge) => bridge.check_id(checked(text, "an id")));
  return text as DeviceId;
}

/** @throws BlindtallyError `malformed.*` */
export function asTicketId(text: string): TicketId {
  guarded((bridge) => bridge.check_id(checked(text, "an id")));
  return text as TicketId;
}

/** @throws BlindtallyError `malformed.*` */
export function asAccountId(text: string): AccountId {
  guarded((bridge) => bridge.check_id(checked(text, "an id")));
  return text as AccountId;
}

export type Bytes = Uint8Array | ArrayBuffer;

function begin(bytes: Bytes, letter: string): Uint8Array {
  const view = tag(bytes) === "ArrayBuffer" ? new Uint8Array(bytes as ArrayBuffer) : checkedBytes(bytes, "an artefact");
  guarded((bridge) => bridge.check_kind(view.subarray(0, 4), letter.charCodeAt(0)));
  return view;
}
