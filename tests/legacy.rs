//! An older deployment, played by OpenSSL and by WebCrypto in Node, and what the import reads of it. This is the only place
//! that writes any of it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64_simd::STANDARD;
use blindtally::legacy::{Hash, Iv, LegacyError, Oaep, Padding, Reader, RecipientKey, Wrapping};
use blindtally::{CredentialError, ParseError, Secret, TokenClass};
use proptest::prelude::*;
use serde_json::Value;

const ENCODING: LegacyError = LegacyError::Malformed(ParseError::Encoding);
const TRUNCATED: LegacyError = LegacyError::Malformed(ParseError::Truncated);
const TOO_LONG: LegacyError = LegacyError::Malformed(ParseError::TooLong);
const PRIVATE_KEY: ParseError = ParseError::PrivateKey;

/// For the files that OpenSSL has to be given.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

const RSA_2048: &[u8] = include_bytes!("keys/device1-encryption.pkcs8");
const OTHER_RSA: &[u8] = include_bytes!("keys/device2-encryption.pkcs8");

#[test]
fn deliveries_by_openssl_are_opened() {
    for bits in [2048, 3072, 4096] {
        let pkcs8 = generate(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"));
        let recipient = RecipientKey::from_pkcs8(&pkcs8).unwrap();
        for (hash, hash_name) in HASHES {
            for (mgf1, mgf1_name) in HASHES {
                let key = random();
                let padding = format!("-pkeyopt rsa_oaep_md:{hash_name} -pkeyopt rsa_mgf1_md:{mgf1_name}");
                let delivery = rsa_encrypt(&pkcs8, &format!("-pkeyopt rsa_padding_mode:oaep {padding}"), key.expose());
                assert_eq!(delivery.len(), bits / 8);
                assert_eq!(recipient.open(Oaep { hash, mgf1 }, &delivery).unwrap(), key);
            }
        }
    }
}

#[test]
fn openssl_without_options_makes_what_the_constant_sha1_says() {
    let key = random();
    let delivery = rsa_encrypt(RSA_2048, "-pkeyopt rsa_padding_mode:oaep", key.expose());
    assert_eq!(RecipientKey::from_pkcs8(RSA_2048).unwrap().open(Oaep::SHA1, &delivery).unwrap(), key);
}

#[test]
fn tokens_of_every_length_by_openssl_are_read() {
    for (len, value) in (0..=200).map(|len| (len, text(len))) {
        let (key, iv) = (random(), *random::<16>().expose());
        let sealed = cbc(&key, iv, "", value.as_bytes());
        assert_eq!(sealed.len(), (len + 16) / 16 * 16);
        let token = STANDARD.encode_to_string(&sealed);
        assert_eq!(token.len() == 24, len < 16);
        let prepended = STANDARD.encode_to_string([&iv, sealed.as_slice()].concat());
        let zero = STANDARD.encode_to_string(cbc(&key, [0; 16], "", value.as_bytes()));
        assert_eq!(reader(&key, Iv::Fixed(iv)).read(&token).unwrap(), value);
        assert_eq!(reader(&key, Iv::Prepended).read(&prepended).unwrap(), value);
        assert_eq!(reader(&key, Iv::ZERO).read(&zero).unwrap(), value);
    }
}

#[test]
fn keys_wrapped_by_openssl_are_opened() {
    for (hash, name) in HASHES {
        for (iterations, salt_len) in [(1, 0), (2, 1), (1000, 8), (4096, 16), (100_000, 64)] {
            let (key, iv, salt) = (random(), *random::<16>().expose(), random::<64>());
            let salt = &salt.expose()[..salt_len];
            let kdf = format!(
                "kdf -keylen 32 -kdfopt digest:{name} -kdfopt pass:hunter2 -kdfopt hexsalt:{} -kdfopt iter:{iterations} \
                 -kdfopt pkcs5:1 -binary PBKDF2",
                hex(salt)
            );
            let under = Secret::copy_of(&openssl(&kdf, b"").try_into().unwrap());
            for (padding, option) in [(Padding::Pkcs7, ""), (Padding::None, "-nopad")] {
                let wrapping = Wrapping { hash, salt, iterations, iv: Iv::Fixed(iv), padding };
                let wrapped = cbc(&under, iv, option, key.expose());
                assert_eq!(wrapping.open(b"hunter2", &wrapped).unwrap(), key);
                let prepended = [&iv, wrapped.as_slice()].concat();
                assert_eq!(Wrapping { iv: Iv::Prepended, ..wrapping }.open(b"hunter2", &prepended).unwrap(), key);
                let wrapped = cbc(&under, [0; 16], option, key.expose());
                assert_eq!(Wrapping { iv: Iv::ZERO, ..wrapping }.open(b"hunter2", &wrapped).unwrap(), key);
            }
        }
    }
}

/// Keys of three sizes under two hashes, tokens of every length to 200 bytes, six wrapped keys.
#[test]
fn whatever_webcrypto_makes_is_read() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/legacy.mjs");
    let made: Value = serde_json::from_slice(&run(Command::new("node").arg(script), b"")).unwrap();
    let all = |field: &str, count| {
        let cases = made[field].as_array().unwrap().clone();
        assert_eq!(cases.len(), count);
        cases
    };
    for case in all("deliveries", 6) {
        let recipient = RecipientKey::from_pkcs8(&bytes(&case["pkcs8"])).unwrap();
        let hash = hash(&case["hash"]);
        let opened = recipient.open(Oaep { hash, mgf1: hash }, &bytes(&case["delivery"])).unwrap();
        assert_eq!(opened.expose().as_slice(), bytes(&case["key"]));
    }
    for case in all("tokens", 201) {
        let (key, iv) = (secret(&case["key"]), Iv::Fixed(*secret(&case["iv"]).expose()));
        assert_eq!(
            Reader::new(key, iv).read(case["token"].as_str().unwrap()).unwrap(),
            case["value"].as_str().unwrap()
        );
    }
    for case in all("wrappings", 6) {
        let wrapping = Wrapping {
            hash: hash(&case["hash"]),
            salt: &bytes(&case["salt"]),
            iterations: case["iterations"].as_u64().unwrap().try_into().unwrap(),
            iv: Iv::Fixed(*secret(&case["iv"]).expose()),
            padding: Padding::Pkcs7,
        };
        let password = case["password"].as_str().unwrap().as_bytes();
        assert_eq!(wrapping.open(password, &bytes(&case["wrapped"])).unwrap(), secret(&case["key"]));
        assert_eq!(wrapping.open(b"another password", &bytes(&case["wrapped"])), Err(LegacyError::Wrong));
    }
}

/// From the delivery to an owner who reads what was recorded.
#[test]
fn what_an_older_deployment_recorded_is_sealed_anew() {
    let key = random();
    let delivery = rsa_encrypt(RSA_2048, "-pkeyopt rsa_padding_mode:oaep", key.expose());
    let values = ["winword.exe", "", "Łódź - a title of more than one block"];
    let old = values.map(|value| STANDARD.encode_to_string(cbc(&key, [0; 16], "", value.as_bytes())));
    drop(key);

    let (owner, agent, _) = support::running();
    let recipient = RecipientKey::from_pkcs8(RSA_2048).unwrap();
    let reader = Reader::new(recipient.open(Oaep::SHA1, &delivery).unwrap(), Iv::ZERO);
    let new: Vec<_> =
        reader.read_all(&old).map(|value| agent.tokenize(TokenClass::TITLE, &value.unwrap()).unwrap()).collect();
    let revealed: Vec<_> = new.iter().map(|token| owner.reveal(token).unwrap()).collect();
    assert_eq!(revealed, values);
}

#[test]
fn one_bad_token_does_not_end_an_import() {
    let key = random();
    let good = STANDARD.encode_to_string(encrypt(&key, [0; 16], b"winword.exe"));
    let not_text = STANDARD.encode_to_string(encrypt(&key, [0; 16], b"\xff"));
    let read: Vec<_> = reader(&key, Iv::ZERO).read_all([good.as_str(), "?", &not_text, &good]).collect();
    let value = || Ok("winword.exe".to_owned());
    assert_eq!(read, [value(), Err(ENCODING), Err(LegacyError::Wrong), value()]);
}

#[test]
fn a_key_may_be_derived_by_the_caller() {
    let master = random::<32>();
    let derived = || Secret::copy_of(&hmac_sha256(master.expose(), b"tokens"));
    let sealed = encrypt(&derived(), [0; 16], b"winword.exe");
    assert_eq!(Reader::new(derived(), Iv::ZERO).open(&sealed).unwrap(), "winword.exe");
}

#[test]
fn a_token_that_does_not_open_gives_one_error_whatever_the_cause() {
    let key = Secret::copy_of(&[7; 32]);
    let value = "a value of more than two blocks";
    let sealed = encrypt(&key, [3; 16], value.as_bytes());
    let open = |key: &Secret<32>, iv, sealed: &[u8]| reader(key, Iv::Fixed(iv)).open(sealed);
    assert_eq!(open(&key, [3; 16], &sealed).unwrap(), value);
    assert_eq!(open(&Secret::copy_of(&[8; 32]), [3; 16], &sealed), Err(LegacyError::Wrong), "wrong key");
    assert_eq!(open(&key, [0xf3; 16], &sealed), Err(LegacyError::Wrong), "wrong IV, hence not UTF-8");
    assert_eq!(open(&key, [3; 16], &sealed[..sealed.len() - 16]), Err(LegacyError::Wrong), "last block is gone");
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 0x80;
        assert_eq!(open(&key, [3; 16], &damaged), Err(LegacyError::Wrong), "damaged at {at}");
    }
    for not_text in [&b"\xff"[..], b"winword\xc3", b"\xed\xa0\x80", b"\xc0\x80"] {
        assert_eq!(open(&key, [0; 16], &encrypt(&key, [0; 16], not_text)), Err(LegacyError::Wrong), "not UTF-8");
    }
    for fill in [0, 17, 2] {
        let mut block = *b"winword.exe-----";
        block[15] = fill;
        let sealed = cbc(&key, [0; 16], "-nopad", &block);
        assert_eq!(open(&key, [0; 16], &sealed), Err(LegacyError::Wrong), "padded with {fill}");
    }
    assert_eq!((LegacyError::Wrong.code(), LegacyError::CODES.len()), ("legacy.wrong", 1));
}

/// Why the module is for offline import only.
#[test]
fn an_altered_token_may_open_to_another_value_and_nothing_tells() {
    let key = random();
    let iv = *random::<16>().expose();
    let mut token = [&iv, encrypt(&key, iv, b"winword.exe").as_slice()].concat();
    token[0] ^= b'w' ^ b'W';
    assert_eq!(reader(&key, Iv::Prepended).open(&token).unwrap(), "Winword.exe");
}

#[test]
fn text_that_is_no_token_is_malformed() {
    let key = random();
    let reader = reader(&key, Iv::ZERO);
    let token = STANDARD.encode_to_string(encrypt(&key, [0; 16], b"winword.exe"));
    assert!(token.ends_with("=="));
    for end in (0..token.len()).filter(|end| end % 4 != 0) {
        assert_eq!(reader.read(&token[..end]), Err(ENCODING), "the first {end} characters");
    }
    for end in (0..token.len()).filter(|end| end % 4 == 0) {
        assert_eq!(reader.read(&token[..end]), Err(TRUNCATED), "the first {end} characters");
    }
    let last = token.len() - 3;
    let unused_bits: String = char::from(token.as_bytes()[last] + 1).into();
    let url_safe = STANDARD.encode_to_string([0xfb; 16]).replace('+', "-");
    for text in [
        format!("{}{unused_bits}==", &token[..last]),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{}\n{}", &token[..12], &token[12..]),
        token.trim_end_matches('=').to_owned(),
        url_safe,
        "not base64!".to_owned(),
    ] {
        assert_eq!(reader.read(&text), Err(ENCODING), "{text:?}");
    }
    for len in (0..64).filter(|len| len % 16 != 0 || *len == 0) {
        assert_eq!(reader.open(&vec![0; len]), Err(TRUNCATED), "{len} bytes");
    }
    let prepended = self::reader(&key, Iv::Prepended);
    for len in (0..64).filter(|len| len % 16 != 0 || *len < 32) {
        assert_eq!(prepended.open(&vec![0; len]), Err(TRUNCATED), "{len} bytes with an IV");
    }
}

#[test]
fn a_delivery_that_does_not_open_gives_one_error_whatever_the_cause() {
    let recipient = RecipientKey::from_pkcs8(RSA_2048).unwrap();
    let oaep = |content: &[u8]| rsa_encrypt(RSA_2048, "-pkeyopt rsa_padding_mode:oaep", content);
    let delivery = oaep(&[7; 32]);
    assert_eq!(recipient.open(Oaep::SHA1, &delivery).unwrap().expose(), &[7; 32]);

    let wrong =
        |delivery: &[u8], why| assert_eq!(recipient.open(Oaep::SHA1, delivery), Err(LegacyError::Wrong), "{why}");
    wrong(&oaep(&[7; 31]), "a key of 31 bytes");
    wrong(&oaep(&[7; 33]), "a key of 33 bytes");
    wrong(&oaep(&[]), "no key");
    wrong(&rsa_encrypt(RSA_2048, "-pkeyopt rsa_padding_mode:pkcs1", &[7; 32]), "PKCS#1 v1.5");
    let labelled = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_label:00";
    wrong(&rsa_encrypt(RSA_2048, labelled, &[7; 32]), "a label");
    wrong(&[0; 256], "zero");
    wrong(&[0xff; 256], "more than the modulus");
    for at in [0, 128, 255] {
        let mut damaged = delivery.clone();
        damaged[at] ^= 1;
        wrong(&damaged, "damaged");
    }
    let other = RecipientKey::from_pkcs8(OTHER_RSA).unwrap();
    assert_eq!(other.open(Oaep::SHA1, &delivery), Err(LegacyError::Wrong), "another's key");
    let mixed = Oaep { hash: Hash::Sha1, mgf1: Hash::Sha256 };
    for oaep in [Oaep::SHA256, mixed, Oaep { hash: Hash::Sha256, mgf1: Hash::Sha1 }] {
        assert_eq!(recipient.open(oaep, &delivery), Err(LegacyError::Wrong), "{oaep:?}");
    }
}

#[test]
fn a_delivery_of_the_wrong_length_is_malformed() {
    let recipient = RecipientKey::from_pkcs8(RSA_2048).unwrap();
    for len in [0, 1, 32, 255] {
        assert_eq!(recipient.open(Oaep::SHA1, &vec![1; len]), Err(TRUNCATED), "{len} bytes");
    }
    for len in [257, 384, 512, 100_000] {
        assert_eq!(recipient.open(Oaep::SHA1, &vec![0; len]), Err(TOO_LONG), "{len} bytes");
    }
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let refused = |der: &[u8]| assert_eq!(RecipientKey::from_pkcs8(der).unwrap_err(), PRIVATE_KEY);
    refused(&generate("-algorithm RSA -pkeyopt rsa_keygen_bits:1024"));
    refused(&generate("-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3"));
    refused(&generate("-algorithm EC -pkeyopt ec_paramgen_curve:P-256"));
    refused(&openssl("rsa -inform DER -outform DER -traditional", RSA_2048));
    refused(&openssl("pkey -inform DER -outform PEM", RSA_2048));
    refused(&openssl("pkey -inform DER -outform DER -pubout", RSA_2048));
    refused(&openssl("pkcs8 -topk8 -inform DER -outform DER -passout pass:hunter2", RSA_2048));
    refused(&RSA_2048[..RSA_2048.len() - 1]);
    refused(&[RSA_2048, &[0]].concat());
    refused(&[]);
}

#[test]
fn a_wrapped_key_that_does_not_open_gives_one_error_whatever_the_cause() {
    let iv = Iv::ZERO;
    let wrapping = Wrapping { hash: Hash::Sha1, salt: b"salt", iterations: 2, iv, padding: Padding::Pkcs7 };
    let mut under = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha1::Sha1>(b"hunter2", b"salt", 2, &mut under);
    let under = Secret::copy_of(&under);
    let wrapped = encrypt(&under, [0; 16], &[7; 32]);
    assert_eq!(wrapping.open(b"hunter2", &wrapped).unwrap().expose(), &[7; 32]);

    let wrong = |wrapping: Wrapping<'_>, password: &[u8], wrapped: &[u8]| {
        assert_eq!(wrapping.open(password, wrapped), Err(LegacyError::Wrong));
    };
    wrong(wrapping, b"hunter3", &wrapped);
    wrong(Wrapping { hash: Hash::Sha256, ..wrapping }, b"hunter2", &wrapped);
    wrong(Wrapping { salt: b"Salt", ..wrapping }, b"hunter2", &wrapped);
    wrong(Wrapping { iterations: 3, ..wrapping }, b"hunter2", &wrapped);
    for len in [33, 40, 47] {
        wrong(wrapping, b"hunter2", &encrypt(&under, [0; 16], &vec![7; len]));
    }
    let mut damaged = wrapped.clone();
    damaged[47] ^= 1;
    wrong(wrapping, b"hunter2", &damaged);

    for len in [0, 15, 31] {
        assert_eq!(wrapping.open(b"hunter2", &encrypt(&under, [0; 16], &vec![7; len])), Err(TRUNCATED));
    }
    assert_eq!(wrapping.open(b"hunter2", &wrapped[..47]), Err(TRUNCATED));
    assert_eq!(wrapping.open(b"hunter2", &encrypt(&under, [0; 16], &[7; 48])), Err(TOO_LONG));
    let unpadded = Wrapping { padding: Padding::None, ..wrapping };
    assert_eq!(unpadded.open(b"hunter2", &wrapped[..31]), Err(TRUNCATED));
    assert_eq!(unpadded.open(b"hunter2", &wrapped[..16]), Err(TRUNCATED));
    assert_eq!(unpadded.open(b"hunter2", &wrapped), Err(TOO_LONG));
    let another = unpadded.open(b"hunter3", &wrapped[..32]).unwrap();
    assert_ne!(another.expose(), &[7; 32], "without padding a wrong password gives a wrong key");
    let another = Wrapping { iv: Iv::Fixed([1; 16]), ..wrapping }.open(b"hunter2", &wrapped).unwrap();
    assert_ne!(another.expose(), &[7; 32], "a wrong IV gives a wrong key, with padding too");
}

/// That this ends at once is the point: four billion iterations would not.
#[test]
fn iterations_out_of_bounds_are_refused_before_anything_is_derived() {
    let wrapping = Wrapping { hash: Hash::Sha1, salt: b"salt", iterations: 0, iv: Iv::ZERO, padding: Padding::None };
    assert_eq!(wrapping.open(b"hunter2", &[0; 32]), Err(CredentialError::KdfFloor.into()));
    for iterations in [10_000_001, u32::MAX] {
        let wrapping = Wrapping { iterations, ..wrapping };
        assert_eq!(wrapping.open(b"hunter2", &[0; 32]), Err(CredentialError::KdfCeiling.into()));
    }
    let ruinous = Wrapping { iterations: 10_000_000, ..wrapping };
    assert_eq!(ruinous.open(b"hunter2", &[0; 33]), Err(TRUNCATED), "lengths come first too");
}

#[test]
fn debug_output_holds_no_key() {
    assert_eq!(format!("{:?}", RecipientKey::from_pkcs8(RSA_2048).unwrap()), "RecipientKey(..)");
    assert_eq!(format!("{:?}", Reader::new(Secret::copy_of(&[7; 32]), Iv::ZERO)), "Reader(..)");
}

proptest! {
    #[test]
    fn any_value_is_read(value: String, key: [u8; 32], iv: [u8; 16]) {
        let key = Secret::copy_of(&key);
        let sealed = encrypt(&key, iv, value.as_bytes());
        let token = STANDARD.encode_to_string(&sealed);
        prop_assert_eq!(&reader(&key, Iv::Fixed(iv)).read(&token).unwrap(), &value);
        let prepended = STANDARD.encode_to_string([&iv, sealed.as_slice()].concat());
        prop_assert_eq!(&reader(&key, Iv::Prepended).read(&prepended).unwrap(), &value);
    }

    #[test]
    fn a_token_of_every_length_is_read(len in 0usize..=200, key: [u8; 32], seed: [u8; 200]) {
        let (key, value) = (Secret::copy_of(&key), seed[..len].iter().map(|byte| byte & 0x7f).collect::<Vec<_>>());
        let token = STANDARD.encode_to_string(encrypt(&key, [0; 16], &value));
        let read = reader(&key, Iv::ZERO).read(&token).unwrap();
        prop_assert_eq!(read.as_bytes(), value.as_slice());
    }

    /// Whether it opens is chance; that it gives an answer is not.
    #[test]
    fn nothing_makes_it_panic(bytes: Vec<u8>, text: String, key: [u8; 32], padded: bool) {
        let key = Secret::copy_of(&key);
        for iv in [Iv::ZERO, Iv::Prepended] {
            let _ = reader(&key, iv).open(&bytes);
            let _ = reader(&key, iv).read(&text);
            let padding = if padded { Padding::Pkcs7 } else { Padding::None };
            let _ = Wrapping { hash: Hash::Sha256, salt: &bytes, iterations: 1, iv, padding }.open(&bytes, &bytes);
        }
        prop_assert!(RecipientKey::from_pkcs8(&bytes).is_err());
    }
}

const HASHES: [(Hash, &str); 2] = [(Hash::Sha1, "SHA1"), (Hash::Sha256, "SHA256")];

fn reader(key: &Secret<32>, iv: Iv) -> Reader {
    Reader::new(Secret::copy_of(key.expose()), iv)
}

fn random<const N: usize>() -> Secret<N> {
    Secret::random().unwrap()
}

/// A value of `len` bytes.
fn text(len: usize) -> String {
    let (pairs, odd) = (len / 2, len % 2);
    "ü".repeat(pairs) + &"x".repeat(odd)
}

/// What [`cbc`] makes, without a process for each.
fn encrypt(key: &Secret<32>, iv: [u8; 16], value: &[u8]) -> Vec<u8> {
    let mut sealed = value.to_vec();
    sealed.resize((value.len() + 16) / 16 * 16, 0);
    let cipher = cbc::Encryptor::<aes::Aes256>::new(key.expose().into(), &iv.into());
    cipher.encrypt_padded::<Pkcs7>(&mut sealed, value.len()).unwrap();
    sealed
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn cbc(key: &Secret<32>, iv: [u8; 16], options: &str, value: &[u8]) -> Vec<u8> {
    openssl(&format!("enc -aes-256-cbc -K {} -iv {} {options}", hex(key.expose()), hex(&iv)), value)
}

/// A private key as PKCS#8.
fn generate(options: &str) -> Vec<u8> {
    openssl("pkcs8 -topk8 -nocrypt -outform DER", &openssl(&format!("genpkey {options}"), b""))
}

/// By the public half of a key.
fn rsa_encrypt(pkcs8: &[u8], options: &str, content: &[u8]) -> Vec<u8> {
    let name = format!("legacy-{}.spki", hex(random::<8>().expose()));
    let path = Path::new(FOLDER).join(&name);
    fs::write(&path, openssl("pkey -inform DER -outform DER -pubout", pkcs8)).unwrap();
    let encrypted = openssl(&format!("pkeyutl -encrypt -pubin -keyform DER -inkey {name} {options}"), content);
    fs::remove_file(path).unwrap();
    encrypted
}

fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(FOLDER), input)
}

/// What a program prints.
fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn hash(name: &Value) -> Hash {
    match name.as_str() {
        Some("SHA-1") => Hash::Sha1,
        Some("SHA-256") => Hash::Sha256,
        _ => panic!("{name} is no hash"),
    }
}

fn bytes(hex: &Value) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(hex.as_str().unwrap().as_bytes()).unwrap()
}

fn secret<const N: usize>(hex: &Value) -> Secret<N> {
    Secret::copy_of(&bytes(hex).try_into().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
