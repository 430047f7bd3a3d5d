//! Checks test-vectors/*.json against this library, natively.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/vectors.rs"]
mod vectors;

macro_rules! files {
    ($($test:ident $file:literal)*) => {
        $(#[test]
        fn $test() {
            check($file);
        })*
    };
}

files! {
    tokens "token"
    scan "scan"
    records "record"
    refused_records "record_refused"
    blobs "blob"
    archives "archive"
    refused_archives "archive_refused"
    paths_in_archives "archive_paths"
    damaged_archives "archive_damaged"
    canonical_forms "canonical"
    identities "identity"
    typed_codes "crockford"
    vaults "vault"
    kept_logins "kept_login"
    keyrings "keyring"
    backups "backup"
    tickets "ticket"
    enrollments "enrollment"
    policies "policy"
    deliveries "delivery"
    refused_deliveries "delivery_refused"
    agent_states "agent_state"
    questions "questions"
    questions_of_agents "questions_agent"
}

fn check(name: &str) {
    let load = |name: &str| {
        let path = format!("{}/test-vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let count = vectors::check(name, &load).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("vectors: {name}.json rust {count}");
}
