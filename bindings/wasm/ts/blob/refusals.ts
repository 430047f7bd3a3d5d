// Written by tests/generated.rs from the core; that test fails when it is out of date.

/** What is said of each. */
export const REFUSALS = {
  "archive.damaged": "the file is damaged",
  "archive.layout": "the archive is not laid out as its manifest says",
  "archive.no-file": "the archive has no file of that number",
  "archive.other-account": "the archive is of another account",
  "archive.path": "a path in the archive is not one that every system takes, or comes twice",
  "archive.signature": "the account did not sign this archive's manifest",
  "archive.too-long": "a file is longer than the format allows, or was not as long as announced",
  "archive.too-many": "the archive has more files than the format allows",
  "blob.no-key": "there is no key for this blob, or its beginning was changed",
  "blob.plaintext": "the blob is authentic but its content is not minimally padded",
  "blob.tampered": "a part of the blob is damaged, replaced, or not in its place",
  "blob.too-long": "the content is longer than a blob may be",
  "blob.truncated": "the blob ends too early",
  "malformed.kind": "it is another kind of artefact than the one expected",
  "malformed.magic": "it is not a Blindtally artefact",
  "malformed.suite": "its suite is not supported here",
  "malformed.too-long": "it, or a part of it, is longer than the format allows",
  "malformed.truncated": "it ends too early",
  "malformed.value": "a field holds a value that the format forbids",
  "rsa.failed": "an RSA operation failed",
} as const;
