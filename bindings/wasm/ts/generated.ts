// Written by tests/generated.rs from the core; that test fails when it is out of date.

/** What a token is about. */
export const TOKEN_CLASSES = {
  "app": 1,
  "title": 2,
  "host": 3,
  "url": 4,
  "document": 5,
  "person": 6,
  "label": 7,
} as const;
export type TokenClass = keyof typeof TOKEN_CLASSES;

/** What a record is about. */
export const RECORD_CLASSES = {
  "keystrokes": 16,
  "clipboard": 17,
  "chat": 18,
} as const;
export type RecordClass = keyof typeof RECORD_CLASSES;

/** What a blob is. */
export const BLOB_CLASSES = {
  "screenshot": 32,
  "camera": 33,
  "voice": 34,
  "archive": 40,
} as const;
export type BlobClass = keyof typeof BLOB_CLASSES;

/** How values of a class are brought into one form. */
export const CANONICAL_FORMS = {
  "exact": 0,
  "ascii-lowercase": 1,
  "host": 2,
} as const;
export type CanonicalForm = keyof typeof CANONICAL_FORMS;

/** How a password is stretched, and what it costs; `m_kib` is memory in KiB, `t` passes, `p` lanes. */
export type Kdf =
  | { readonly id: "pbkdf2-sha256"; readonly iterations: number }
  | { readonly id: "argon2id"; readonly m_kib: number; readonly t: number; readonly p: number };
/** The default. */
export const PBKDF2 = { id: "pbkdf2-sha256", iterations: 1000000 } as const;
export const ARGON2ID = { id: "argon2id", m_kib: 65536, t: 3, p: 1 } as const;

/** Every code that the core reports. */
export type ErrorCode =
  /** it is not a genuine message from the account owner to this device */
  | "accept.refused"
  /** it is older than what this device has accepted */
  | "accept.stale"
  /** the policy asks for something this version does not know: nothing is sealed until it is upgraded */
  | "agent.needs-upgrade"
  /** this device was revoked: its keys are erased */
  | "agent.revoked"
  /** the file is damaged */
  | "archive.damaged"
  /** the archive is not laid out as its manifest says */
  | "archive.layout"
  /** the archive has no file of that number */
  | "archive.no-file"
  /** the archive is of another account */
  | "archive.other-account"
  /** a path in the archive is not one that every system takes, or comes twice */
  | "archive.path"
  /** the account did not sign this archive's manifest */
  | "archive.signature"
  /** a file is longer than the format allows, or was not as long as announced */
  | "archive.too-long"
  /** the archive has more files than the format allows */
  | "archive.too-many"
  /** there is no key for this blob, or its beginning was changed */
  | "blob.no-key"
  /** the blob is authentic but its content is not minimally padded */
  | "blob.plaintext"
  /** a part of the blob is damaged, replaced, or not in its place */
  | "blob.tampered"
  /** the content is longer than a blob may be */
  | "blob.too-long"
  /** the blob ends too early */
  | "blob.truncated"
  /** the code does not belong to this device: do not confirm it */
  | "enrollment.code"
  /** the request was not made with a ticket of this account */
  | "enrollment.mac"
  /** a device name has 1 to 128 bytes of UTF-8 */
  | "enrollment.name"
  /** made without a ticket: a person must compare codes */
  | "enrollment.needs-comparison"
  /** the request is for another account */
  | "enrollment.other-account"
  /** the device was revoked before */
  | "enrollment.revoked"
  /** the device did not sign this request */
  | "enrollment.signature"
  /** the operating system gives no randomness */
  | "entropy.unavailable"
  /** the key derivation parameters cost more than this library accepts */
  | "kdf.above-ceiling"
  /** the key derivation parameters are weaker than this library accepts */
  | "kdf.below-floor"
  /** there is not enough memory for the key derivation */
  | "kdf.memory"
  /** a login name has 1 to 320 bytes after normalisation, no control characters and no white space at its ends */
  | "login.invalid"
  /** its checksum is wrong: it was mistyped or damaged */
  | "malformed.checksum"
  /** its text is not in the canonical encoding */
  | "malformed.encoding"
  /** it is another kind of artefact than the one expected */
  | "malformed.kind"
  /** it is not a Blindtally artefact */
  | "malformed.magic"
  /** a list is not in strictly ascending order */
  | "malformed.order"
  /** a private key is not PKCS#8 RSA of 2048, 3072 or 4096 bits with exponent 65537 */
  | "malformed.private-key"
  /** a public key is not strict RSA SPKI of 2048, 3072 or 4096 bits with exponent 65537 */
  | "malformed.public-key"
  /** its suite is not supported here */
  | "malformed.suite"
  /** it, or a part of it, is longer than the format allows */
  | "malformed.too-long"
  /** there is more after its end */
  | "malformed.trailing"
  /** it ends too early */
  | "malformed.truncated"
  /** a field holds a value that the format forbids */
  | "malformed.value"
  /** the device is revoked */
  | "owner.device-revoked"
  /** the account has used all its epochs */
  | "owner.epochs-exhausted"
  /** the account has reached a limit of the keyring format */
  | "owner.full"
  /** a signature made by the caller does not verify */
  | "owner.signature"
  /** the account changed since this draft was made */
  | "owner.stale-draft"
  /** no such device in this account */
  | "owner.unknown-device"
  /** a password has 1 to 1024 bytes after normalisation */
  | "password.invalid"
  /** there is no key for this record */
  | "record.no-key"
  /** the record is authentic but its content is not minimally padded UTF-8 */
  | "record.plaintext"
  /** the record is damaged, or belongs elsewhere */
  | "record.tampered"
  /** the value is longer than a record may be */
  | "record.too-long"
  /** the recovery key or account secret is mistyped */
  | "recovery-key.invalid"
  /** there is no key for this token's class and epoch */
  | "reveal.no-key"
  /** the token is authentic but its content is not minimally padded UTF-8 */
  | "reveal.plaintext"
  /** the token is damaged, or belongs to another account */
  | "reveal.tampered"
  /** an RSA operation failed */
  | "rsa.failed"
  /** the state is not wrapped */
  | "state.not-wrapped"
  /** the state is of an agent in another phase */
  | "state.phase"
  /** the state is wrapped: it opens only with the key it was wrapped under */
  | "state.wrapped"
  /** the state is damaged or wrapped under another key */
  | "state.wrong-key"
  /** the ticket was cancelled */
  | "ticket.cancelled"
  /** the ticket has expired */
  | "ticket.expired"
  /** a ticket lives at most 30 days, one of several uses at most 24 hours and 50 uses */
  | "ticket.lifetime"
  /** the ticket is spent */
  | "ticket.spent"
  /** there is no key for this class */
  | "tokenize.no-key"
  /** the value is longer than 4096 bytes of UTF-8 */
  | "tokenize.too-long"
  /** the vault's parameters are not those the login was made with */
  | "unlock.header"
  /** the kept login is damaged, or was made for another login name, account or password */
  | "unlock.kept-login"
  /** this backup opens with its passphrase, not with a recovery key */
  | "unlock.needs-passphrase"
  /** this backup opens with its recovery key, not with a passphrase */
  | "unlock.needs-recovery-key"
  /** this vault or backup is for another account */
  | "unlock.other-account"
  /** the service returned an older vault than this client has seen */
  | "unlock.rolled-back"
  /** wrong password, account secret or recovery key, or a damaged vault */
  | "unlock.wrong";
