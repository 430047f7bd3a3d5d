/** What went wrong, in a manager's words: what happened, what it means for them, what to do. */
import { BlindtallyError, BlindtallyPanic } from "blindtally";
import { ServiceError } from "./service.ts";

const WORDS: Readonly<Record<string, string>> = {
  // The service, and the way to it.
  "service.unreachable": "The service cannot be reached. Check your connection and try again; nothing is lost.",
  "service.failed": "The service has a problem of its own. Nothing is lost; try again in a moment.",
  "service.nonsense": "The service gave an answer that makes no sense. Nothing was changed here; tell whoever runs it.",
  "service.busy": "The service has too much to do just now. Try again in a moment.",
  "storage.busy": "The service has too much to do just now. Try again in a moment.",
  "storage.full": "The service has no room left, so nothing was stored. Tell whoever runs it.",
  "storage.failed": "The service could not store it. Nothing was changed; tell whoever runs it.",
  "random.failed": "The service has a problem of its own. Nothing was changed; tell whoever runs it.",
  "request.timeout": "That took the service too long. Try again.",
  "request.too-large": "That is more than the service takes.",
  "request.malformed": "The service does not understand this page: one of the two may be of another version.",
  "route.unknown": "This is not the service that this page expects, or one of another version.",
  "vault.generation": "The account changed in another window meanwhile. Try again.",
  "ticket.invalid": "The service does not accept a ticket for so many devices or so long.",
  "ticket.exists": "The service knows this ticket already. Make another one.",
  "auth.refused": "Your session has ended. Log in again.",
  "auth.missing": "Your session has ended. Log in again.",
  "auth.ended": "The password was changed elsewhere. Log in again.",
  "account.exists": "There is an account with this name already. Choose another name, or log in.",
  "account.rate-limited": "Too many accounts were made from here just now. Wait a little and try again.",
  "login.refused": "The name or the password is wrong, or the account secret if you have one.",
  "login.rate-limited": "Too many attempts. Wait a little and try again.",
  "restore.refused": "The service does not know this account, or does not accept this backup for it.",
  "vault.conflict": "The account kept changing in another window. Try again.",
  "device.revoked": "This device was revoked, for ever. To use the computer again, enrol it anew.",
  "device.unknown": "The service does not know this device.",
  "enrollment.full": "Too many devices are waiting. Decide about some of them first.",
  "category.invalid": "The service does not accept this category.",
  "query.invalid": "The service does not understand this question. Choose another period.",
  "totals.overflow": "These numbers are too large to add up. Choose a shorter period.",
  // Passwords, backups, keys.
  "unlock.kept-login": "What this browser kept to stay unlocked is of no use any more. Log in with your password.",
  "unlock.wrong": "This password or key does not open it. Check it for typing errors; nothing is lost.",
  "unlock.rolled-back": "The service shows an older state of your account than this browser has seen: it was restored from an "
    + "old copy, or it hides your latest changes (devices, revocations). Nothing was done. Ask whoever runs the service.",
  "unlock.header": "The service sent what belongs to another password. Try again; if it stays so, tell whoever runs it.",
  "unlock.other-account": "This belongs to another account.",
  "unlock.needs-passphrase": "This backup opens with its passphrase, not with a recovery key.",
  "unlock.needs-recovery-key": "This backup opens with its recovery key, not with a passphrase.",
  "recovery-key.invalid": "That is not quite right: a recovery key or account secret has 28 letters and digits. One is mistyped.",
  "password.invalid": "A password has at least 1 and at most 1024 characters.",
  "login.invalid": "A name has 1 to 320 characters, and no spaces at its ends.",
  "kdf.below-floor": "The service asks for weaker protection of your password than is safe. Nothing was sent; do not go on, and "
    + "tell whoever runs it.",
  "kdf.above-ceiling": "The service asks for more work than makes sense. Nothing was sent; tell whoever runs it.",
  "kdf.memory": "This browser has not enough memory to unlock the account. Close other tabs and try again.",
  "malformed.checksum": "This file is damaged, or not all of it is here.",
  "malformed.truncated": "This file ends too early: it was not copied completely.",
  "malformed.magic": "This is not the file or text that belongs here.",
  "malformed.too-long": "This is too large to be right.",
  "entropy.unavailable": "This computer gives no random numbers, without which there are no keys. Restart the browser.",
  // Devices.
  "ticket.expired": "The ticket had expired when the device asked. Make a new one.",
  "ticket.cancelled": "This ticket was cancelled.",
  "ticket.lifetime": "A ticket for one device lives at most 30 days, one for several at most 24 hours and 50 devices.",
  "ticket.spent": "Another device has used this ticket already.",
  "enrollment.mac": "The request was not made with a ticket of yours. It got no keys.",
  "enrollment.code": "This is not the code of that device. Do not confirm it before the codes agree.",
  "enrollment.name": "A device's name has 1 to 128 characters.",
  "enrollment.other-account": "The request is for another account.",
  "enrollment.revoked": "This device was revoked before. It has to be enrolled anew.",
  "enrollment.signature": "The request is not genuine. It got no keys.",
  "owner.device-revoked": "This device is revoked.",
  "owner.unknown-device": "Your account has no such device.",
  "owner.stale-draft": "The account changed in another window meanwhile. Try again.",
  "owner.full": "The account has reached the most devices or tickets that it can hold.",
  "owner.epochs-exhausted": "The account has used up all its key changes.",
  // Values.
  "reveal.no-key": "There is no key here for it.",
  "reveal.tampered": "It is damaged, or belongs to another account.",
  "reveal.plaintext": "It was not sealed properly.",
  "report.other-class": "The service shows it where it does not belong.",
  "tokenize.too-long": "That is too long: at most 4096 bytes, which are as many plain letters.",
  // Screenshots, recordings, records, archives.
  "blob.no-key": "There is no key here for it: it is of another account, or its beginning was changed.",
  "blob.tampered": "A part of it is damaged, was replaced, or is not in its place.",
  "blob.truncated": "It ends too early: its end was cut off.",
  "blob.plaintext": "It was not sealed properly.",
  "blob.too-long": "It is longer than anything that can be sealed.",
  "blob.unknown": "The service does not have it any more.",
  "blob.store": "This service keeps no screenshots and recordings.",
  "record.no-key": "There is no key here for it.",
  "record.tampered": "It is damaged, or belongs to another account.",
  "record.plaintext": "It was not sealed properly.",
  "record.too-long": "It is longer than anything that can be sealed.",
  "archive.damaged": "This file is damaged. The others of the archive are not affected.",
  "archive.layout": "This archive is not laid out as its own list says: whoever made it did not make it properly.",
  "archive.other-account": "This archive is of another account.",
  "archive.path": "A name in this archive is not one that every computer takes, or comes twice.",
  "archive.signature": "This archive was not signed by your account.",
  "archive.too-long": "That is more than an archive can hold.",
  "archive.too-many": "That are more files than an archive can hold.",
  // The browser.
  "dashboard.contradicted": "The service shows it with another time, device or kind than it was sealed with.",
  "dashboard.not-a-picture": "What is in it is no picture that can be shown here.",
  "dashboard.not-a-recording": "What is in it is no recording that can be played here.",
  "dashboard.large-picture": "It is too large to be shown by itself.",
  "dashboard.unreadable": "The file cannot be read: it is a folder, was changed or moved, or is not yours to read. Choose it again.",
  "dashboard.not-loaded": "A part of this page could not be loaded, or is not what it should be. Check your connection and reload the page.",
  "dashboard.not-kept": "This browser keeps nothing for this page, as in a private window: it cannot stay unlocked.",
  "dashboard.not-stored": "Your last change (a device confirmed or revoked, new keys) could not be stored and is undone. Log in and make it again.",
  "dashboard.too-many-rows": "This report has more than 200,000 rows. Choose a shorter period, a person or a device.",
  "dashboard.password-unclear": "It is not certain that the password was changed. Log in with the new one; if it is refused, with the old one.",
  "dashboard.still-kept": "This browser does not forget what it was told to keep: whoever uses it may still get in. Delete this page's data in "
    + "the browser's settings, or change the password.",
  "wasm.load": "A part of this page could not be loaded. Check your connection and reload the page.",
  "rsa.failed": "This browser could not work with the account's keys. Try again, or in another browser.",
  "wasm.platform": "This browser decrypts only on pages that come over https. Ask for the https address.",
  "wasm.disposed": "The account is locked. Log in again.",
};

type DashboardCode =
  | "dashboard.not-loaded" | "dashboard.not-kept" | "dashboard.not-stored" | "dashboard.too-many-rows" | "dashboard.password-unclear" | "dashboard.still-kept"
  | "dashboard.contradicted" | "dashboard.not-a-picture" | "dashboard.not-a-recording" | "dashboard.large-picture"
  | "dashboard.unreadable";

/** What this page or its browser cannot do. */
export class DashboardError extends Error {
  static { this.prototype.name = "DashboardError"; }
  readonly code: string;

  constructor(code: DashboardCode, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

/** The stable code of an error, whoever it comes from. */
export function codeOf(error: unknown): string {
  const isKnown = error instanceof BlindtallyError || error instanceof ServiceError || error instanceof DashboardError;
  return isKnown ? error.code : "dashboard.unexpected";
}

export function explain(error: unknown): string {
  if (error instanceof BlindtallyPanic) return "A part of this page has stopped working. Reload the page; nothing is lost.";
  return explainCode(codeOf(error)) + wait(error);
}

export function explainCode(code: string): string {
  const words = WORDS[code];
  if (words !== undefined) return words;
  // What the core refuses to read, in any of its ways.
  if (code.startsWith("malformed.")) return "This is damaged, or not what it should be.";
  return `Something went wrong that should not (${code}). Nothing is lost; reload the page and try again.`;
}

function wait(error: unknown): string {
  const seconds = error instanceof ServiceError ? error.retryAfter : undefined;
  if (seconds === undefined || seconds === 0) return "";
  return seconds < 90 ? ` (in ${seconds} s)` : ` (in ${Math.ceil(seconds / 60)} minutes)`;
}
