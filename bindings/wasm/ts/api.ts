/** What every entry offers, beside its own `init`. */
export { generateAccountSecret } from "./account-secret.js";
export { Agent, PendingAgent } from "./agent.js";
export type { Claim, Enrollment, Outcome } from "./agent.js";
export * from "./artefacts.js";
export { Backup, Restored, type RestoreOptions } from "./backup.js";
export type { Result } from "./batch.js";
export { Change, type Outbox } from "./change.js";
export { BlindtallyError, BlindtallyPanic, type WasmErrorCode } from "./error.js";
export * from "./generated.js";
export type { SyncWasmSource, WasmSource } from "./init.js";
export { type KeptLogin, Login, type LoginOptions, type Prelogin } from "./login.js";
export { Owner } from "./owner.js";
export type {
  ComparisonRequest, CreateOptions, Device, Inspection, OwnerInfo, PasswordChange, Policy, Synced, Time, TokenClassId,
  VerifiedRequest,
} from "./owner.js";
export type { OpenedRecord, RecordClassId } from "./record.js";
export { normalLoginName, type Typed } from "./text.js";
export type { Ticket } from "./ticket.js";
export type { RsaSize } from "./webcrypto.js";
