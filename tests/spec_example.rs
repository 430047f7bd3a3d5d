//! Prints and checks what SPEC.md shows: its worked example and its table of errors.
#![allow(clippy::unwrap_used)]

use blindtally::*;

const SPEC: &str = include_str!("../SPEC.md");

/// Fails if SPEC.md does not contain exactly the lines that this library computes.
#[test]
fn the_worked_example_of_the_spec_is_what_this_library_computes() {
    let example = example();
    assert!(SPEC.contains(&example), "SPEC.md should contain:\n{example}");
}

#[test]
fn the_error_table_of_the_spec_has_every_code_and_no_other() {
    let table: String =
        Error::all_codes().iter().map(|(code, sentence)| format!("| `{code}` | {sentence} |\n")).collect();
    let table = format!("| code | meaning |\n|---|---|\n{table}");
    assert!(SPEC.contains(&table), "SPEC.md should contain:\n{table}");
}

#[cfg(feature = "legacy")]
#[test]
fn the_spec_has_the_codes_of_feature_legacy_apart() {
    let [(code, sentence)] = LegacyError::CODES else { unreachable!() };
    let table = format!("| code | meaning |\n|---|---|\n| `{code}` | {sentence} |\n");
    assert!(SPEC.contains(&table), "SPEC.md should contain:\n{table}");
    assert!(Error::all_codes().iter().all(|(other, _)| other != code));
}

fn example() -> String {
    let account = AccountId::from_bytes(core::array::from_fn(|at| 0xa0 + at as u8));
    let master_key = MasterKey::from_secret(Secret::copy_of(&core::array::from_fn(|at| at as u8)));
    let scope = Scope { account, epoch: Epoch::FIRST };
    let epoch_key = master_key.epoch_key(scope);
    let token = TokenKey::new(&epoch_key.class_key(TokenClass::APP)).tokenize("winword.exe").unwrap();
    let [header, sealed] = [&token.as_bytes()[..4], &token.as_bytes()[4..]];
    let fields = [
        ("MasterKey", hex(&core::array::from_fn::<u8, 32, _>(|at| at as u8))),
        ("account_id", account.to_string()),
        ("epoch, class", "0001, 01 (app)".into()),
        ("key_id", epoch_key.key_id().to_string()),
        ("value", format!("{} (winword.exe)", hex(b"winword.exe"))),
        ("pad(value)", "77696e776f72642e6578658000000000".into()),
        ("AAD", hex(&[b"blindtally/v1/token", account.as_bytes().as_slice(), header].concat())),
        ("header", hex(header)),
        ("ciphertext", hex(&sealed[..16])),
        ("tag", hex(&sealed[16..])),
        ("text", token.to_string()),
        ("index", token.index().to_string()),
    ];
    fields.iter().map(|(name, value)| format!("    {name:<13}{value}\n")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
