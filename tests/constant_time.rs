//! Secrets, tags, MACs and commitments are compared by crate `subtle` and by the RustCrypto crates, and by nothing else.
//!
//! Time is not measured here. What is looked at is the source: bytes of secrets come out of their types by `expose` and
//! `encode` alone, and no line with one of them, or with the name of a tag, compares with `==`.
#![allow(clippy::unwrap_used)]

use std::path::Path;

/// Lines that compare by a type whose `==` is constant in time, or compare what is no secret.
const EXEMPT: [&str; 1] = [
    // Both are `Secret`s.
    "if self.commit != keys.commit {",
];

/// SPEC.md#constant-time
#[test]
fn no_line_of_the_library_compares_secret_bytes_by_their_own_equality() {
    let names = ["expose()", "encode()", "commit", "mac ", "mac)", "tag ", "tag)", "proof"];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = source.split("\nmod tests {").next().unwrap();
        let lines = code.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        let compares = |line: &&str| line.contains("== ") || line.contains("!= ");
        let suspects = lines.filter(compares).filter(|line| names.iter().any(|name| line.contains(name)));
        found.extend(suspects.map(str::to_owned));
    }
    assert_eq!(found, EXEMPT);
}
