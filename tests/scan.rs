//! Tokens are found in any text, whole or not at all, in linear time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::borrow::Cow;

use blindtally::*;
use blindtally::{find_tokens, replace_tokens};
use proptest::prelude::*;

fn key() -> TokenKey {
    let scope = Scope { account: AccountId::from_bytes([1; 16]), epoch: Epoch::FIRST };
    TokenKey::new(&MasterKey::from_secret(Secret::copy_of(&[1; 32])).epoch_key(scope).class_key(TokenClass::APP))
}

fn found(text: &str) -> Vec<&str> {
    find_tokens(text)
        .map(|(range, token)| {
            assert_eq!(text[range.clone()], token.to_string());
            &text[range]
        })
        .collect()
}

#[test]
fn a_token_is_found_between_anything_but_its_own_characters() {
    let token = key().tokenize_to_string("winword.exe").unwrap();
    for (before, after) in
        [("", ""), (" ", "."), ("\"", "\""), ("é", "é"), ("=", "&"), (">", "<"), ("\u{0}", "\n"), ("+", "/")]
    {
        let text = format!("{before}{token}{after}");
        assert_eq!(found(&text), [&token], "{text}");
        assert_eq!(found(&format!("{text} {text}")), [&token, &token]);
    }
    for glue in ["a", "Z", "0", "-", "_", "bt1_"] {
        assert!(found(&format!("{glue}{token}")).is_empty(), "{glue} before");
        assert!(found(&format!("{token}{glue}")).is_empty(), "{glue} after");
        assert_eq!(found(&format!("{token}{glue} {token}")), [&token], "a glued one does not hide the next");
    }
    assert!(found(&format!("{token}{token}")).is_empty());
}

#[test]
fn what_only_looks_like_a_token_is_left_alone() {
    let token = key().tokenize_to_string("winword.exe").unwrap();
    let long = key().tokenize_to_string(&"x".repeat(4096)).unwrap();
    assert_eq!(long.len(), 4 + 5830);
    assert_eq!(found(&long), [&long]);
    for text in [
        "",
        "bt1_",
        "bt1",
        "bt1_é",
        &token[..51],
        &token[1..],
        &token.to_uppercase(),
        &format!("{long}A"),
        &long[..5833],
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
    for unknown in ["bt1_EAEAA", "bt1_EQAAA", "bt1_EQEAAA"] {
        assert!(found(&format!("{unknown}{}", &token[unknown.len()..])).is_empty(), "{unknown}");
    }
}

#[test]
fn tokens_are_replaced_where_a_replacement_is_given() {
    let (key, other) = (key(), "bt1_EQIAAQ".to_owned() + &"A".repeat(42));
    let (word, excel) = (key.tokenize_to_string("winword.exe").unwrap(), key.tokenize_to_string("żółć.exe").unwrap());
    let reveal = |token: &Token| key.reveal(token).ok();
    let text = format!("<{word}> {other}, {excel}; {word}x {word}");
    assert_eq!(replace_tokens(&text, reveal), format!("<winword.exe> {other}, żółć.exe; {word}x winword.exe"));
    assert!(matches!(replace_tokens("no token here", reveal), Cow::Borrowed("no token here")));
    assert!(matches!(replace_tokens(&other, reveal), Cow::Borrowed(text) if text == other));
    assert_eq!(replace_tokens(&word, |_| Some("")), "");
}

/// A quadratic scan would not end.
#[test]
fn ten_megabytes_of_hostile_text_are_scanned() {
    let token = key().tokenize_to_string("winword.exe").unwrap();
    let long = format!("bt1_{} ", "A".repeat(5830));
    for piece in ["bt1_", "bt1_ ", " bt1_", "b", "bt1", &long, &format!("{} ", &token[..51]), &format!("{token}-")] {
        assert_eq!(find_tokens(&piece.repeat(10_000_000 / piece.len())).count(), 0);
    }
}

proptest! {
    #[test]
    fn any_text_scans_as_the_pattern_says(pieces in proptest::collection::vec(
        prop_oneof![Just(0usize), Just(1), Just(2), Just(3), Just(4), Just(5), Just(6)], 0..20)
    ) {
        let token = key().tokenize_to_string("winword.exe").unwrap();
        let pieces = pieces.iter().map(|&i| [token.as_str(), " ", "a", "-", "ż", "bt1_", "."][i]);
        let text: String = pieces.collect();
        let expected: Vec<&str> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .filter(|run| run.parse::<Token>().is_ok())
            .collect();
        prop_assert_eq!(found(&text), expected);
    }
}
