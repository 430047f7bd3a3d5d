//! `ts/generated.ts` is what the core says: the classes, forms and error codes that TypeScript has to know by name; and
//! `ts/blob/refusals.ts` the sentences of the errors that TypeScript finds by itself, where it parses and opens blobs.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::path::Path;

use blindtally::{BlobClass, CanonicalForm, Error, Kdf, RecordClass, TokenClass};

#[test]
fn the_generated_types_are_up_to_date() {
    for (name, text) in [("ts/generated.ts", generate()), ("ts/blob/refusals.ts", refusals())] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if std::env::var_os("BLINDTALLY_GENERATE").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(found == text, "BLINDTALLY_GENERATE=1 cargo test -p blindtally-wasm writes {name} anew");
    }
}

const NOTE: &str = "// Written by tests/generated.rs from the core; that test fails when it is out of date.\n";

/// The errors that `ts/blob` raises.
const REFUSALS: [&str; 20] = [
    "archive.damaged",
    "archive.layout",
    "archive.no-file",
    "archive.other-account",
    "archive.path",
    "archive.signature",
    "archive.too-long",
    "archive.too-many",
    "blob.no-key",
    "blob.plaintext",
    "blob.tampered",
    "blob.too-long",
    "blob.truncated",
    "malformed.kind",
    "malformed.magic",
    "malformed.suite",
    "malformed.too-long",
    "malformed.truncated",
    "malformed.value",
    "rsa.failed",
];

fn refusals() -> String {
    let codes = Error::all_codes();
    let entries = REFUSALS.map(|code| {
        let (_, sentence) = codes.iter().find(|(known, _)| *known == code).unwrap();
        format!("  \"{code}\": \"{sentence}\",\n")
    });
    format!("{NOTE}\n/** What is said of each. */\nexport const REFUSALS = {{\n{}}} as const;\n", entries.concat())
}

fn generate() -> String {
    let mut ts = NOTE.to_owned();
    let tokens = TokenClass::NAMED.iter().map(|class| (class.name().unwrap(), class.id()));
    table(&mut ts, "What a token is about.", "TokenClass", "TOKEN_CLASSES", tokens);
    let records = RecordClass::NAMED.iter().map(|class| (class.name().unwrap(), class.id()));
    table(&mut ts, "What a record is about.", "RecordClass", "RECORD_CLASSES", records);
    let blobs = BlobClass::NAMED.iter().map(|class| (class.name().unwrap(), class.id()));
    table(&mut ts, "What a blob is.", "BlobClass", "BLOB_CLASSES", blobs);
    let forms = [CanonicalForm::Exact, CanonicalForm::AsciiLowercase, CanonicalForm::Host];
    let names = forms.into_iter().map(|form| (form_name(form), form as u8));
    table(&mut ts, "How values of a class are brought into one form.", "CanonicalForm", "CANONICAL_FORMS", names);
    let Kdf::Pbkdf2 { iterations } = Kdf::default() else { unreachable!() };
    let Kdf::Argon2id { m_kib, t, p } = Kdf::ARGON2ID else { unreachable!() };
    writeln!(
        ts,
        "\n/** How a password is stretched, and what it costs; `m_kib` is memory in KiB, `t` passes, `p` lanes. */\n\
         export type Kdf =\n  \
         | {{ readonly id: \"pbkdf2-sha256\"; readonly iterations: number }}\n  \
         | {{ readonly id: \"argon2id\"; readonly m_kib: number; readonly t: number; readonly p: number }};\n\
         /** The default. */\n\
         export const PBKDF2 = {{ id: \"pbkdf2-sha256\", iterations: {iterations} }} as const;\n\
         export const ARGON2ID = {{ id: \"argon2id\", m_kib: {m_kib}, t: {t}, p: {p} }} as const;"
    )
    .unwrap();
    writeln!(ts, "\n/** Every code that the core reports. */\nexport type ErrorCode =").unwrap();
    let codes = Error::all_codes();
    for (at, (code, sentence)) in codes.iter().enumerate() {
        let end = if at + 1 == codes.len() { ";" } else { "" };
        writeln!(ts, "  /** {sentence} */\n  | \"{code}\"{end}").unwrap();
    }
    ts
}

fn table(ts: &mut String, about: &str, name: &str, constant: &str, entries: impl Iterator<Item = (&'static str, u8)>) {
    let entries: Vec<String> = entries.map(|(name, id)| format!("  \"{name}\": {id},")).collect();
    writeln!(
        ts,
        "\n/** {about} */\nexport const {constant} = {{\n{}\n}} as const;\nexport type {name} = keyof typeof {constant};",
        entries.join("\n")
    )
    .unwrap();
}

fn form_name(form: CanonicalForm) -> &'static str {
    match form {
        CanonicalForm::Exact => "exact",
        CanonicalForm::AsciiLowercase => "ascii-lowercase",
        CanonicalForm::Host => "host",
    }
}
