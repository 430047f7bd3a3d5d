//! Tokens: what they look like, what they bind, what is refused, and that a batch is only a faster loop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use base64_simd::URL_SAFE_NO_PAD;
use blindtally::*;
use hkdf::Hkdf;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const ACCOUNT: AccountId = AccountId::from_bytes([0xac; 16]);

fn key_of(master: u8, account: AccountId, epoch: u16, class: TokenClass) -> TokenKey {
    let scope = Scope { account, epoch: Epoch::new(epoch).unwrap() };
    TokenKey::new(&MasterKey::from_secret(Secret::copy_of(&[master; 32])).epoch_key(scope).class_key(class))
}

fn key() -> TokenKey {
    key_of(1, ACCOUNT, 1, TokenClass::APP)
}

/// A value of `len` bytes.
fn value(len: usize) -> String {
    "Quarterly report - Łódź (draft).docx "
        .chars()
        .cycle()
        .scan(0, |n, c| (*n < len).then(|| (*n += c.len_utf8(), c).1))
        .fold(String::new(), |mut text, c| {
            text.push(if text.len() + c.len_utf8() > len { 'x' } else { c });
            text
        })
}

#[test]
fn a_short_value_gives_a_text_of_52_characters() {
    let token = key().tokenize("winword.exe").unwrap();
    assert_eq!(token.to_string().len(), 52);
    assert_eq!(token.as_bytes().len(), 36);
    assert!(token.to_string().starts_with("bt1_EQEAA"));
    assert_eq!((token.class(), token.epoch()), (TokenClass::APP, Epoch::FIRST));
    assert_eq!(key().tokenize("winword.exe").unwrap(), token, "equal values make equal tokens");
    assert_ne!(key().tokenize("Winword.exe").unwrap(), token);
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    let (account, master) = ([7; 16], [9; 32]);
    let expand = |prk: &[u8], info: &[&[u8]], len: usize| {
        let mut out = vec![0; len];
        Hkdf::<Sha256>::from_prk(prk).unwrap().expand_multi_info(info, &mut out).unwrap();
        out
    };
    let (prk, _) = Hkdf::<Sha256>::extract(Some(b"blindtally/v1/master"), &master);
    let class_key = expand(&prk, &[b"blindtally/v1\0\0\x05class", &account, &[0x12, 0x34], b"\0\x01\x04"], 32);
    let key_and_nonce = expand(&class_key, &[b"blindtally/v1\0\0\x05token\x11"], 44);
    let aad = [&b"blindtally/v1/token"[..], &account, &[0x11, 4, 0x12, 0x34]].concat();
    for value in ["", "a", "https://example.org/", &"ü".repeat(2048)] {
        let mut padded = [value.as_bytes(), &[0x80]].concat();
        padded.resize(padded_len(value.len()), 0);
        let sealed = Aes256GcmSiv::new_from_slice(&key_and_nonce[..32])
            .unwrap()
            .encrypt(key_and_nonce[32..].try_into().unwrap(), Payload { msg: &padded, aad: &aad })
            .unwrap();
        let expected = [&[0x11, 4, 0x12, 0x34][..], &sealed].concat();
        let token = key_of(9, AccountId::from_bytes(account), 0x1234, TokenClass::URL).tokenize(value).unwrap();
        assert_eq!(token.as_bytes(), expected);
        assert_eq!(token.to_string(), format!("bt1_{}", URL_SAFE_NO_PAD.encode_to_string(&expected)));
        let digest = Sha256::digest([&b"blindtally/v1/index"[..], &expected].concat());
        assert_eq!(token.index().as_bytes(), &digest[..16]);
    }
}

/// SPEC.md#padding, from its words: a multiple of 16 up to 64, then Padmé, then to 16.
fn padded_len(len: usize) -> usize {
    let n = len + 1;
    if n <= 64 {
        return n.div_ceil(16) * 16;
    }
    let exponent = (n as f64).log2().floor();
    let mantissa_bits = exponent.log2().floor() + 1.0;
    let step = 2f64.powf(exponent - mantissa_bits);
    ((n as f64 / step).ceil() * step / 16.0).ceil() as usize * 16
}

#[test]
fn every_length_of_value_comes_back_and_shows_only_its_padded_length() {
    let key = key();
    for len in 0..=4096 {
        let value = value(len);
        assert_eq!(value.len(), len);
        let token = key.tokenize(&value).unwrap();
        assert_eq!(token.as_bytes().len(), 4 + padded_len(len) + 16);
        assert_eq!(key.reveal(&token).unwrap(), value);
        let text = key.tokenize_to_string(&value).unwrap();
        assert_eq!(text, token.to_string());
        assert_eq!(text.parse::<Token>().unwrap(), token);
        let mut bytes = b"kept".to_vec();
        key.tokenize_into(&value, &mut bytes).unwrap();
        assert_eq!(&bytes[4..], token.as_bytes());
    }
}

/// SPEC.md#token-value
#[test]
fn a_value_of_more_than_4096_bytes_is_refused() {
    let (key, long) = (key(), value(4097));
    let mut bytes = b"kept".to_vec();
    assert_eq!(key.tokenize(&long), Err(TokenizeError::TooLong));
    assert_eq!(key.tokenize_to_string(&long), Err(TokenizeError::TooLong));
    assert_eq!(key.tokenize_into(&long, &mut bytes), Err(TokenizeError::TooLong));
    assert_eq!(bytes, b"kept");
}

/// SPEC.md#token-length
#[test]
fn only_the_lengths_that_padding_makes_are_legal() {
    let legal: std::collections::BTreeSet<usize> = (0..=4096).map(|len| 4 + padded_len(len) + 16).collect();
    let bytes = [&[0x11, 1, 0, 1][..], &[0; 4600]].concat();
    for len in 0..4600 {
        let expected = match len {
            0..36 => Err(ParseError::Truncated),
            4373.. => Err(ParseError::TooLong),
            _ if legal.contains(&len) => Ok(()),
            _ => Err(ParseError::Value),
        };
        assert_eq!(Token::from_bytes(&bytes[..len]).map(drop), expected, "{len} bytes");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let key = key();
    for text in ["winword.exe", "Quarterly report - Łódź (draft).docx - Word"] {
        let token = key.tokenize(text).unwrap();
        for bit in 0..token.as_bytes().len() * 8 {
            let mut bytes = token.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Token::from_bytes(&bytes) {
                Ok(forged) => assert_eq!(
                    key.reveal(&forged),
                    Err(if bit < 32 { RevealError::NoKey } else { RevealError::Tampered })
                ),
                Err(error) => assert!(bit < 32 && matches!(error, ParseError::Suite | ParseError::Value)),
            }
        }
    }
}

/// SPEC.md#token-tag
#[test]
fn tokens_that_share_a_tag_are_told_apart() {
    let token = key().tokenize("winword.exe").unwrap();
    let mut other = token.as_bytes().to_vec();
    other[4] ^= 1;
    let other = Token::from_bytes(&other).unwrap();
    assert_eq!(token.as_bytes()[20..], other.as_bytes()[20..]);
    assert_ne!(token.index(), other.index());
    assert_ne!(token, other);
}

#[test]
fn every_prefix_and_every_extension_is_refused() {
    let key = key();
    let token = key.tokenize(&value(100)).unwrap();
    let refused = |bytes: &[u8]| match Token::from_bytes(bytes) {
        Ok(other) => key.reveal(&other) == Err(RevealError::Tampered),
        Err(_) => true,
    };
    assert!((0..token.as_bytes().len()).all(|len| refused(&token.as_bytes()[..len])));
    for more in 1..300 {
        for byte in [0, 0x80, 0xff] {
            assert!(refused(&[token.as_bytes(), &vec![byte; more]].concat()));
        }
    }
    let text = token.to_string();
    let refused_text = |text: &str| text.parse::<Token>().map_or(true, |other| key.reveal(&other).is_err());
    assert!((0..text.len()).all(|len| refused_text(&text[..len])));
    for more in ["A", "AA", "=", "==", " ", "\n", "\0", "bt1_", "é"] {
        assert!(refused_text(&format!("{text}{more}")) && refused_text(&format!("{more}{text}")), "{more:?}");
    }
}

#[test]
fn only_the_canonical_text_parses() {
    // 36 bytes are 48 characters with no bits left over; 68 bytes leave two, which must be zero.
    let text = key().tokenize_to_string(&value(45)).unwrap();
    let last = text.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    for (i, other) in alphabet.char_indices().filter(|&(i, _)| i != at) {
        let changed = format!("{}{other}", &text[..text.len() - 1]);
        if i / 4 == at / 4 {
            assert_eq!(changed.parse::<Token>(), Err(ParseError::Encoding), "{other}");
        }
    }
    for (from, to) in [("bt1_", "bt2_"), ("bt1_", "BT1_"), ("bt1_", ""), ("bt1_E", "bt1_ E"), ("bt1_E", "bt1_+")] {
        assert_eq!(text.replacen(from, to, 1).parse::<Token>(), Err(ParseError::Encoding));
    }
    assert_eq!(format!("bt1_{}", "A".repeat(6000)).parse::<Token>(), Err(ParseError::TooLong));
}

#[test]
fn unknown_suites_classes_and_epoch_zero_are_refused() {
    let token = key().tokenize("x").unwrap();
    for (header, expected) in [
        ([0x12, 1, 0, 1], ParseError::Suite),
        ([0x11, 0, 0, 1], ParseError::Value),
        ([0x11, 16, 0, 1], ParseError::Value),
        ([0x11, 32, 0, 1], ParseError::Value),
        ([0x11, 192, 0, 1], ParseError::Value),
        ([0x11, 1, 0, 0], ParseError::Value),
    ] {
        let bytes = [&header, &token.as_bytes()[4..]].concat();
        assert_eq!(Token::from_bytes(&bytes), Err(expected), "{header:?}");
    }
}

#[test]
fn tokens_of_another_account_class_epoch_or_master_key_are_refused() {
    let key = key();
    let reveal = |other: TokenKey| key.reveal(&other.tokenize("winword.exe").unwrap());
    assert_eq!(reveal(key_of(1, AccountId::from_bytes([0xad; 16]), 1, TokenClass::APP)), Err(RevealError::Tampered));
    assert_eq!(reveal(key_of(2, ACCOUNT, 1, TokenClass::APP)), Err(RevealError::Tampered));
    assert_eq!(reveal(key_of(1, ACCOUNT, 2, TokenClass::APP)), Err(RevealError::NoKey));
    assert_eq!(reveal(key_of(1, ACCOUNT, 1, TokenClass::TITLE)), Err(RevealError::NoKey));
    // Relabelled to this class and epoch, they are still not this key's.
    for other in [key_of(1, ACCOUNT, 2, TokenClass::APP), key_of(1, ACCOUNT, 1, TokenClass::TITLE)] {
        let mut bytes = other.tokenize("winword.exe").unwrap().as_bytes().to_vec();
        bytes[..4].copy_from_slice(&[0x11, 1, 0, 1]);
        assert_eq!(key.reveal(&Token::from_bytes(&bytes).unwrap()), Err(RevealError::Tampered));
    }
}

/// SPEC.md#padding-refused
#[test]
fn authentic_content_that_is_not_a_minimally_padded_value_is_refused() {
    let secret = {
        let mut out = [0; 44];
        let class_key = {
            let (prk, _) = Hkdf::<Sha256>::extract(Some(b"blindtally/v1/master"), &[1; 32]);
            let mut key = [0; 32];
            let info: [&[u8]; 3] = [b"blindtally/v1\0\0\x05class", ACCOUNT.as_bytes(), b"\0\x01\0\x01\x01"];
            Hkdf::<Sha256>::from_prk(&prk).unwrap().expand_multi_info(&info, &mut key).unwrap();
            key
        };
        let info: &[u8] = b"blindtally/v1\0\0\x05token\x11";
        Hkdf::<Sha256>::from_prk(&class_key).unwrap().expand(info, &mut out).unwrap();
        out
    };
    let aad = [&b"blindtally/v1/token"[..], ACCOUNT.as_bytes(), &[0x11, 1, 0, 1]].concat();
    let token_of = |padded: &[u8]| {
        let sealed = Aes256GcmSiv::new_from_slice(&secret[..32])
            .unwrap()
            .encrypt(secret[32..].try_into().unwrap(), Payload { msg: padded, aad: &aad })
            .unwrap();
        Token::from_bytes(&[&[0x11, 1, 0, 1][..], &sealed].concat()).unwrap()
    };
    let filled = |content: &[u8], len: usize| {
        let mut padded = content.to_vec();
        padded.resize(len, 0);
        padded
    };
    let key = key();
    assert_eq!(key.reveal(&token_of(&filled(b"ok\x80", 16))).unwrap(), "ok");
    let (mut batch, mut refused) = (RevealBatch::new(), Vec::new());
    for (why, padded) in [
        ("no padding", filled(b"", 16)),
        ("no marker", filled(b"no marker", 16)),
        ("wrong marker", filled(b"value\x81", 16)),
        ("too much padding", filled(b"value\x80", 32)),
        ("too much padding", filled(&[&[b'x'; 80][..], b"\x80"].concat(), 112)),
        ("not UTF-8", filled(b"\xff\x80", 16)),
        ("half a character", filled(b"value\xc5\x80", 16)),
        ("longer than a value", filled(&[&[b'x'; 4097][..], b"\x80"].concat(), 4352)),
    ] {
        let token = token_of(&padded);
        refused.push(token.to_string());
        assert_eq!(key.reveal(&token), Err(RevealError::Plaintext), "{why}");
        key.reveal_batch([token.to_string()], &mut batch);
        assert_eq!(batch.get(0), Some(Err(RevealError::Plaintext)), "{why}");
    }
    // Two halves of a character in a row are none, nor do they spoil their neighbours.
    let good = key.tokenize_to_string("ł").unwrap();
    let [first, second] = [b"x\xc5\x80", b"\x82x\x80"].map(|half| token_of(&filled(half, 16)).to_string());
    let bad = Some(Err(RevealError::Plaintext));
    for texts in [[&good, &first, &second, &good], [&good, &second, &first, &good]] {
        key.reveal_batch(texts, &mut batch);
        assert_eq!([0, 1, 2, 3].map(|i| batch.get(i)), [Some(Ok("ł")), bad, bad, Some(Ok("ł"))]);
    }
    key.reveal_batch(refused.iter().flat_map(|text| [text, &good]), &mut batch);
    assert!(batch.iter().enumerate().all(|(i, found)| if i % 2 == 0 { Some(found) == bad } else { found == Ok("ł") }));
}

/// Both directions in a batch give what one by one gives.
fn assert_batch_equals_one_by_one(key: &TokenKey, values: &[String], sealed: &mut TokenBatch, open: &mut RevealBatch) {
    key.tokenize_batch(values, sealed);
    assert_eq!(sealed.len(), values.len());
    assert_eq!(sealed.get(values.len()), None);
    let expected: Vec<_> = values.iter().map(|value| key.tokenize_to_string(value)).collect();
    assert!(sealed.iter().eq(expected.iter().map(|one| one.as_deref().map_err(|&error| error))));
    assert!((0..values.len()).all(|i| sealed.get(i) == Some(expected[i].as_deref().map_err(|&error| error))));
    let texts: Vec<&str> = expected.iter().map(|one| one.as_deref().unwrap_or("refused")).collect();
    key.reveal_batch(&texts, open);
    let expected: Vec<_> = values
        .iter()
        .map(|value| if value.len() > 4096 { Err(ParseError::Encoding.into()) } else { Ok(value.as_str()) })
        .collect();
    assert!(open.iter().eq(expected.iter().copied()));
    assert!((0..values.len()).all(|i| open.get(i) == Some(expected[i])));
}

#[test]
fn a_batch_equals_one_by_one_for_every_size_and_mixed_lengths() {
    let (key, mut sealed, mut open) = (key(), TokenBatch::new(), RevealBatch::new());
    for size in 0..=200 {
        for lengths in
            [&[11][..], &[45], &[93], &[0, 15, 16, 31, 32, 63, 64, 65, 500], &[3, 4097, 40], &[4096, 1, 2000]]
        {
            let values: Vec<String> = lengths.iter().cycle().take(size).map(|&len| value(len)).collect();
            assert_batch_equals_one_by_one(&key, &values, &mut sealed, &mut open);
        }
    }
}

#[test]
fn one_batch_reveals_mixed_classes_and_epochs_and_reports_each_failure() {
    let app = [key_of(1, ACCOUNT, 1, TokenClass::APP), key_of(2, ACCOUNT, 1, TokenClass::APP)];
    let title = key_of(1, ACCOUNT, 2, TokenClass::TITLE);
    let url = key_of(1, ACCOUNT, 1, TokenClass::URL);
    let foreign = key_of(3, ACCOUNT, 1, TokenClass::APP);
    let lookup = |class: TokenClass, epoch: Epoch| match (class, epoch.get()) {
        (TokenClass::APP, 1) => &app[..],
        (TokenClass::TITLE, 2) => core::slice::from_ref(&title),
        _ => &[],
    };
    let (mut texts, mut expected) = (Vec::new(), Vec::new());
    for i in 0..500 {
        let value = value(i % 97);
        let damaged = |text: String, from: char| text.replace(from, if from == 'A' { "B" } else { "A" });
        let (text, result) = match i % 9 {
            0 | 3 | 6 => (app[0].tokenize_to_string(&value).unwrap(), Ok(value)),
            1 | 4 => (app[1].tokenize_to_string(&value).unwrap(), Ok(value)),
            2 | 5 => (title.tokenize_to_string(&value).unwrap(), Ok(value)),
            7 => (url.tokenize_to_string(&value).unwrap(), Err(RevealError::NoKey)),
            _ if i % 2 == 0 => (foreign.tokenize_to_string(&value).unwrap(), Err(RevealError::Tampered)),
            _ => (damaged(app[0].tokenize_to_string(&value).unwrap(), '_'), Err(ParseError::Encoding.into())),
        };
        texts.push(text);
        expected.push(result);
    }
    let mut batch = RevealBatch::new();
    batch.reveal(&texts, lookup);
    for (i, expected) in expected.iter().enumerate() {
        assert_eq!(batch.get(i), Some(expected.as_deref().map_err(|&error| error)), "{i}: {}", texts[i]);
    }
    // Keys may be held in any way that lends them.
    let shared = [std::sync::Arc::new(key_of(1, ACCOUNT, 2, TokenClass::TITLE))];
    batch.reveal(&texts, |_, _| &shared[..]);
    assert_eq!(batch.get(2), Some(expected[2].as_deref().map_err(|&error| error)));
    assert_eq!(batch.get(0), Some(Err(RevealError::Tampered)));
}

#[test]
fn debug_output_shows_neither_keys_nor_content() {
    let key = key();
    let token = key.tokenize("winword.exe").unwrap();
    assert_eq!(format!("{token:?}"), "Token { class: TokenClass(1), epoch: Epoch(1), .. }");
    assert_eq!(
        format!("{key:?}"),
        "TokenKey { class: TokenClass(1), scope: Scope { account: AccountId(acacacacacacacacacacacacacacacac), epoch: Epoch(1) }, .. }"
    );
    let (mut sealed, mut open) = (TokenBatch::new(), RevealBatch::new());
    key.tokenize_batch(["winword.exe"], &mut sealed);
    key.reveal_batch([token.to_string()], &mut open);
    assert_eq!(format!("{sealed:?} {open:?}"), "TokenBatch { len: 1, .. } RevealBatch { len: 1, .. }");
}

#[test]
fn keys_can_be_shared_between_threads() {
    let key = key();
    let expected = key.tokenize("winword.exe").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for i in 0..2000 {
                    assert_eq!(key.tokenize("winword.exe").unwrap(), expected);
                    assert_eq!(key.reveal(&key.tokenize(&value(i % 300)).unwrap()).unwrap(), value(i % 300));
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn any_text_comes_back(text in any::<String>()) {
        let key = key();
        prop_assert_eq!(key.reveal(&key.tokenize(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn any_texts_come_back_from_a_batch(texts in proptest::collection::vec(any::<String>(), 0..150)) {
        assert_batch_equals_one_by_one(&key(), &texts, &mut TokenBatch::new(), &mut RevealBatch::new());
    }

    #[test]
    fn no_bytes_make_parsing_panic(bytes in any::<Vec<u8>>(), text in any::<String>(), body in "[A-Za-z0-9_-]{0,200}") {
        let _ = Token::from_bytes(&bytes);
        let _ = text.parse::<Token>();
        let _ = format!("bt1_{body}").parse::<Token>();
        let _ = Token::from_bytes(&[&[0x11, 1, 0, 1], &bytes[..]].concat()).map(|token| key().reveal(&token));
    }

    #[test]
    fn a_batch_reports_for_each_text_what_parsing_and_revealing_it_would(
        texts in proptest::collection::vec(prop_oneof![
            any::<String>(),
            "bt1_[A-Za-z0-9_-]{0,100}",
            "bt1_EQEAAQ?[A-Za-z0-9_-]{40,90}",
            (any::<u8>(), 0..200usize).prop_map(|(cut, len)| {
                let text = key().tokenize_to_string(&value(len)).unwrap();
                text[..text.len() - usize::from(cut % 3)].to_owned()
            }),
        ], 0..150)
    ) {
        let key = key();
        let mut batch = RevealBatch::new();
        key.reveal_batch(&texts, &mut batch);
        for (text, found) in texts.iter().zip(batch.iter()) {
            let expected = text.parse::<Token>().map_err(RevealError::from).and_then(|token| key.reveal(&token));
            prop_assert_eq!(found.map(str::to_owned), expected);
        }
    }
}
