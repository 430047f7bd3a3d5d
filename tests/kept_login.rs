//! Staying unlocked: a login that is kept and used again without the password, and everything that ends or forbids it.
#![allow(clippy::unwrap_used)]

mod support;

use blindtally::*;
use sha2::{Digest, Sha256};
use support::*;

fn resume(name: &str, prelogin: Prelogin, kept: &KeptLogin) -> Result<Unlocking, Error> {
    Ok(Login::start(LoginName::new(name)?, prelogin)?.resume(kept)?)
}

fn exposed(owner: &Owner) -> Vec<u8> {
    owner.keep_unlocked().expose().to_vec()
}

/// With the checksum that belongs to it.
fn checked(body: &[u8]) -> KeptLogin {
    let hash = Sha256::new_with_prefix("blindtally/v1/kept-login-check").chain_update(body).finalize();
    KeptLogin::from_exposed([body, &hash[..4]].concat())
}

fn code(result: Result<Unlocking, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "resumed")
}

#[test]
fn a_kept_login_is_as_good_as_the_password_it_was_made_with() {
    let (owner, change) = owner();
    let kept = KeptLogin::from_exposed(exposed(&owner));
    let unlocking = resume("Anna@example.com", owner.prelogin(), &kept).unwrap();
    assert_eq!(unlocking.proof().expose(), owner.login_proof().expose());
    let again = Owner::unlock(unlocking, change.vault(), change.generation()).unwrap();
    let token = owner.tokenize_typed(TokenClass::APP, "winword.exe").unwrap();
    assert_eq!(again.reveal(&token).unwrap(), "winword.exe");
    assert_eq!((again.prelogin(), again.login()), (owner.prelogin(), owner.login()));
    assert_eq!(exposed(&again), exposed(&owner));
}

#[test]
fn it_opens_no_vault_but_its_own() {
    let (owner, change) = owner();
    let resumed = || resume("anna@example.com", owner.prelogin(), &owner.keep_unlocked()).unwrap();
    let (_, other) = support::owner();
    assert_eq!(Owner::unlock(resumed(), other.vault(), 0).unwrap_err(), UnlockError::OtherAccount);
    assert_eq!(Owner::unlock(resumed(), change.vault(), 2).unwrap_err(), UnlockError::RolledBack);
}

#[test]
fn it_keeps_the_account_secret_for_the_next_password() {
    let secret = AccountSecret::generate().unwrap();
    let written = AccountSecret::parse(&secret.to_text()).unwrap();
    let options = OwnerOptions { account_secret: Some(secret), ..options() };
    let (owner, change) = Owner::create("anna@example.com", &password(), options, NOW).unwrap();
    let unlocking = resume("anna@example.com", owner.prelogin(), &owner.keep_unlocked()).unwrap();
    let mut again = Owner::unlock(unlocking, change.vault(), 0).unwrap();
    let new = Password::new("a new one").unwrap();
    let changed = again.change_password(&new, KDF).unwrap();
    let login = Login::start(again.login().clone(), changed.prelogin).unwrap();
    let stretched = login.stretch().run(&new).unwrap();
    assert!(Owner::unlock(login.finish(stretched, Some(&written)), changed.change.vault(), 0).is_ok());
}

#[test]
fn a_new_password_ends_it() {
    let (mut owner, _) = owner();
    let (old, kept) = (owner.prelogin(), owner.keep_unlocked());
    let changed = owner.change_password(&Password::new("a new one").unwrap(), KDF).unwrap();
    // What prelogin says now is not what it was made with; where a service still says the old, it has the new vault.
    assert_eq!(code(resume("anna@example.com", changed.prelogin, &kept)), "unlock.kept-login");
    let unlocking = resume("anna@example.com", old, &kept).unwrap();
    assert_ne!(unlocking.proof().expose(), changed.new_proof.expose());
    assert_eq!(Owner::unlock(unlocking, changed.change.vault(), 0).unwrap_err(), UnlockError::Header);
}

/// SPEC.md#kept-login-resume
#[test]
fn it_is_bound_to_login_name_account_kdf_and_salt() {
    let (owner, _) = owner();
    let (prelogin, kept) = (owner.prelogin(), owner.keep_unlocked());
    for edited in [
        Prelogin { salt: [1; 16], ..prelogin },
        Prelogin { account: AccountId::from_bytes([1; 16]), ..prelogin },
        Prelogin { kdf: Kdf::default(), ..prelogin },
        Prelogin { kdf: Kdf::Argon2id { m_kib: 20 * 1024, t: 2, p: 1 }, ..prelogin },
    ] {
        assert_eq!(code(resume("anna@example.com", edited, &kept)), "unlock.kept-login");
    }
    assert_eq!(code(resume("hanna@example.com", prelogin, &kept)), "unlock.kept-login");
    let weak = Prelogin { kdf: Kdf::Pbkdf2 { iterations: 1 }, ..prelogin };
    assert_eq!(code(resume("anna@example.com", weak, &kept)), "kdf.below-floor");
}

#[test]
fn what_is_not_exactly_its_format_has_the_code_of_its_fault() {
    let (owner, _) = owner();
    let whole = exposed(&owner);
    let body = &whole[..whole.len() - 4];
    let refused = |kept: &KeptLogin| code(resume("anna@example.com", owner.prelogin(), kept));
    let changed = |at: usize, byte: u8| {
        let mut changed = body.to_vec();
        changed[at] = byte;
        refused(&checked(&changed))
    };
    assert_eq!(refused(&checked(body)), "resumed");
    assert_eq!(whole.len(), 4 + 2 + 16 + 13 + 16 + 16 + 96 + 1 + 4);
    assert_eq!(changed(0, b'X'), "malformed.magic");
    assert_eq!(changed(2, b'S'), "malformed.kind");
    assert_eq!(changed(3, 0x82), "malformed.suite");
    assert_eq!(changed(4, 0x7f), "malformed.too-long", "a name of 32,528 bytes");
    assert_eq!(changed(6, 0xff), "malformed.value", "a name that is not UTF-8");
    assert_eq!(changed(6, b' '), "malformed.value", "a name that begins with a space");
    assert_eq!(changed(22, 3), "malformed.value", "nothing to stretch");
    assert_eq!(changed(22, 4), "malformed.value", "an unknown KDF");
    assert_eq!(changed(body.len() - 1, 2), "malformed.value", "neither with an account secret nor without");
    assert_eq!(changed(body.len() - 1, 1), "malformed.truncated", "with an account secret that is not there");
    assert_eq!(refused(&KeptLogin::from_exposed(body.to_vec())), "malformed.truncated");
    assert_eq!(refused(&KeptLogin::from_exposed([&whole[..], &[0]].concat())), "malformed.trailing");
    assert_eq!(refused(&KeptLogin::from_exposed(vec![0; 489])), "malformed.too-long");
    assert_eq!(refused(&KeptLogin::from_exposed([body, &[0; 4]].concat())), "malformed.checksum");
}
