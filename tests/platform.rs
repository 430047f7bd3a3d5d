//! The same in steps, for platforms that keep private keys, stretch and normalise themselves: the crate `rsa` plays the
//! platform here, and a service that swaps what goes between the steps gains nothing.
#![allow(clippy::unwrap_used)]

mod support;

use blindtally::*;
use getrandom::SysRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, Pss, RsaPrivateKey};
use sha2::{Digest, Sha256};
use support::*;
use zeroize::Zeroizing;

fn sign(identity: &Identity, message: &[u8]) -> Vec<u8> {
    let key = RsaPrivateKey::from_pkcs8_der(identity.signing_pkcs8().unwrap().expose()).unwrap();
    let padding = Pss::<Sha256>::new_with_salt(32);
    key.sign_with_rng(&mut UnwrapErr(SysRng), padding, &Sha256::digest(message)).unwrap()
}

fn decrypt(identity: &Identity, examined: &ExaminedDelivery) -> Option<Secret<32>> {
    let key = RsaPrivateKey::from_pkcs8_der(identity.encryption_pkcs8().unwrap().expose()).unwrap();
    let padding = Oaep::<Sha256>::new_with_label(examined.label().as_bytes());
    let plain = key.decrypt(padding, examined.ciphertext()).ok()?;
    plain.as_slice().try_into().ok().map(Secret::copy_of)
}

fn complete(owner: &mut Owner, mut draft: Draft) -> Change {
    loop {
        let signatures = draft.messages().iter().map(|message| sign(owner.identity(), message)).collect();
        match owner.advance(draft, signatures).unwrap() {
            Progress::Sign(next) => draft = *next,
            Progress::Done(change) => return change,
        }
    }
}

fn new_password() -> (NewPassword, Stretched) {
    let login = LoginName::from_normal("anna@example.com".to_owned()).unwrap();
    let new = NewPassword::for_new_account(login, KDF, None).unwrap();
    let stretched = new.stretch().run(&password()).unwrap();
    (new, stretched)
}

fn account() -> (Owner, Change) {
    let (new, stretched) = new_password();
    let unsigned = UnsignedAccount::new(new, stretched, account_identity(), NOW).unwrap();
    let signature = sign(unsigned.identity(), &unsigned.message());
    unsigned.finish(&signature).unwrap()
}

fn enroll(owner: &Owner, identity: Identity) -> (PendingAgent, EnrollmentRequest) {
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let unsigned = UnsignedEnrollment::with_ticket(&ticket, "anna-laptop", identity).unwrap();
    let signature = sign(unsigned.identity(), &unsigned.message());
    unsigned.finish(&signature).unwrap()
}

fn approve(owner: &mut Owner, request: &EnrollmentRequest) -> Vec<u8> {
    let verified = owner.inspect(request, NOW).unwrap().verified().unwrap();
    let draft = owner.draft(Operation::Approve(verified), NOW).unwrap();
    complete(owner, draft).committed().delivery().to_vec()
}

#[test]
fn an_account_and_a_device_come_about_without_a_private_key_being_used_here() {
    let (mut owner, change) = account();
    let vault = change.vault().to_vec();
    assert_eq!(unlock(owner.prelogin(), &vault, &password(), 1).unwrap().generation(), 1);
    let (pending, request) = enroll(&owner, device_identity());
    let delivery = approve(&mut owner, &request);
    let examined = pending.examine(&delivery).unwrap();
    let key = decrypt(pending.identity(), &examined);
    let mut agent = pending.accept_decrypted(examined, key).unwrap();
    let token = agent.tokenize(TokenClass::APP, "winword.exe").unwrap();
    assert_eq!(owner.reveal(&token).unwrap(), "winword.exe");

    assert!(agent.examine(&delivery).unwrap().is_none());
    let draft = owner.draft(Operation::Rotate, NOW).unwrap();
    let rotated = complete(&mut owner, draft).committed().delivery().to_vec();
    let examined = agent.examine(&rotated).unwrap().unwrap();
    let key = decrypt(agent.identity(), &examined);
    assert_eq!(agent.accept_decrypted(examined, key), Ok(Outcome::Updated));
    assert_ne!(agent.tokenize(TokenClass::APP, "winword.exe").unwrap(), token);
}

#[test]
fn a_signature_that_does_not_verify_is_refused_and_changes_nothing() {
    let (new, stretched) = new_password();
    let unsigned = UnsignedAccount::new(new, stretched, account_identity(), NOW).unwrap();
    let wrong = sign(&other_identity(), &unsigned.message());
    assert_eq!(unsigned.finish(&wrong).unwrap_err(), OwnerError::Signature);

    let (mut owner, _) = account();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let unsigned = UnsignedEnrollment::with_ticket(&ticket, "anna-laptop", device_identity()).unwrap();
    let wrong = sign(&other_identity(), &unsigned.message());
    assert_eq!(unsigned.finish(&wrong).unwrap_err(), EnrollError::Signature);

    let before = (owner.generation(), owner.policy().as_bytes().to_vec());
    let draft = owner.draft(Operation::Rotate, NOW).unwrap();
    let wrong = draft.messages().iter().map(|message| sign(&other_identity(), message)).collect();
    assert_eq!(owner.advance(draft, wrong).unwrap_err(), OwnerError::Signature);
    let draft = owner.draft(Operation::Rotate, NOW).unwrap();
    assert_eq!(owner.advance(draft, Vec::new()).unwrap_err(), OwnerError::Signature);
    assert_eq!((owner.generation(), owner.policy().as_bytes().to_vec()), before);
}

#[test]
fn a_delivery_examined_for_one_device_is_of_no_use_to_another() {
    let (mut owner, _) = account();
    let (first, request) = enroll(&owner, device_identity());
    let (second, other_request) = enroll(&owner, other_identity());
    let delivery = approve(&mut owner, &request);
    approve(&mut owner, &other_request);
    let examined = first.examine(&delivery).unwrap();
    let key = decrypt(first.identity(), &examined);
    assert_eq!(second.accept_decrypted(examined, key).unwrap_err(), AcceptError::Refused);
    let refused = |key| first.accept_decrypted(first.examine(&delivery).unwrap(), key).unwrap_err();
    assert_eq!(refused(None), AcceptError::Refused);
    assert_eq!(refused(Some(Secret::random().unwrap())), AcceptError::Refused);
}

/// SPEC.md#accept-decrypt: steps 1 to 4.
#[test]
fn a_platform_gets_nothing_to_decrypt_before_everything_else_holds() {
    let (mut owner, _) = account();
    let (pending, request) = enroll(&owner, device_identity());
    let (other, _) = enroll(&owner, other_identity());
    let delivery = approve(&mut owner, &request);
    let refused = |pending: &PendingAgent, delivery: &[u8]| pending.examine(delivery).map(drop).unwrap_err();

    let options = OwnerOptions { kdf: KDF, identity: Some(other_identity()), ..OwnerOptions::default() };
    let (mut stranger, _) = Owner::create("service@example.com", &password(), options, NOW).unwrap();
    let (_, request) = enroll(&stranger, device_identity());
    assert_eq!(refused(&pending, &approve(&mut stranger, &request)), AcceptError::Refused);
    let mut unsigned = delivery.clone();
    *unsigned.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&pending, &unsigned), AcceptError::Refused);
    assert_eq!(refused(&other, &delivery), AcceptError::Refused);

    let examined = pending.examine(&delivery).unwrap();
    let key = decrypt(pending.identity(), &examined);
    let mut agent = pending.accept_decrypted(examined, key).unwrap();
    let draft = owner.draft(Operation::Rotate, NOW).unwrap();
    let rotated = complete(&mut owner, draft).committed().delivery().to_vec();
    let examined = agent.examine(&rotated).unwrap().unwrap();
    let key = decrypt(agent.identity(), &examined);
    assert_eq!(agent.accept_decrypted(examined, key), Ok(Outcome::Updated));
    assert_eq!(agent.examine(&delivery).map(drop).unwrap_err(), AcceptError::Stale);
}

#[test]
fn a_delivery_that_was_overtaken_between_the_steps_is_refused() {
    let (mut owner, _) = account();
    let (pending, request) = enroll(&owner, device_identity());
    let delivery = approve(&mut owner, &request);
    let examined = pending.examine(&delivery).unwrap();
    let key = decrypt(pending.identity(), &examined);
    let mut agent = pending.accept_decrypted(examined, key).unwrap();
    let mut next = || {
        let draft = owner.draft(Operation::Rotate, NOW).unwrap();
        complete(&mut owner, draft).committed().delivery().to_vec()
    };
    let (older, newer) = (next(), next());
    let [older, newer, again] = [&older, &newer, &newer].map(|delivery| agent.examine(delivery).unwrap().unwrap());
    let keys = [&older, &newer, &again].map(|examined| decrypt(agent.identity(), examined));
    let [old_key, new_key, same_key] = keys;
    assert_eq!(agent.accept_decrypted(newer, new_key), Ok(Outcome::Updated));
    assert_eq!(agent.accept_decrypted(older, old_key), Err(AcceptError::Stale));
    assert_eq!(agent.accept_decrypted(again, same_key), Ok(Outcome::Unchanged));
}

#[test]
fn histories_that_forked_are_joined_by_signatures_made_elsewhere() {
    let (mut owner, change) = account();
    let mut second = unlock(owner.prelogin(), change.vault(), &password(), 0).unwrap();
    let (_, request) = enroll(&owner, device_identity());
    approve(&mut owner, &request);
    let draft = second.draft(Operation::Rotate, NOW).unwrap();
    let rotated = complete(&mut second, draft);
    let Sync::Store(draft) = owner.draft_sync(rotated.vault(), NOW).unwrap() else { unreachable!() };
    let union = complete(&mut owner, *draft);
    assert!(matches!(second.draft_sync(union.vault(), NOW).unwrap(), Sync::Adopted));
    assert_eq!(second.devices().len(), 1);
}

#[test]
fn a_backup_is_made_and_restored_in_steps() {
    let (owner, _) = account();
    let passphrase = Password::from_normal(Zeroizing::new("over the hills".to_owned())).unwrap();
    let new = owner.new_passphrase(KDF).unwrap();
    let stretched = new.stretch().run(&passphrase).unwrap();
    let backup = owner.backup_stretched(new, stretched).unwrap();
    let restored = backup.open_with_passphrase(&Password::new("over the hills").unwrap()).unwrap();
    let login = LoginName::from_normal("anna@example.com".to_owned()).unwrap();
    let new = NewPassword::for_restored(&restored, login, KDF, None).unwrap();
    let stretched = new.stretch().run(&password()).unwrap();
    let head = ServiceHead { generation: 7, policy: Some(owner.policy().as_bytes()) };
    let (mut again, draft) = Owner::draft_restore(&restored, new, stretched, head, NOW).unwrap();
    let change = complete(&mut again, draft);
    assert_eq!((change.expected(), change.generation()), (7, 8));
    assert!(again.policy().policy().version() > owner.policy().policy().version());
}

#[test]
fn what_a_platform_normalised_is_bounded_all_the_same() {
    let login = |name: &str| LoginName::from_normal(name.to_owned()).map(drop);
    for name in ["", " anna", "anna ", "an\u{7}na", &"a".repeat(321)] {
        assert_eq!(login(name), Err(CredentialError::Login), "{name:?}");
    }
    assert_eq!(login(&"a".repeat(320)), Ok(()));
    let password = |text: &str| Password::from_normal(Zeroizing::new(text.to_owned())).map(drop);
    assert_eq!(password(""), Err(CredentialError::Password));
    assert_eq!(password(&"a".repeat(1025)), Err(CredentialError::Password));
    assert_eq!(password(&"a".repeat(1024)), Ok(()));
}

#[test]
fn an_account_whose_last_epoch_was_shown_has_no_other() {
    let (owner, _) = account();
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let restore = |epoch: u16| {
        let restored = backup.open_with_recovery_key(&key).unwrap();
        let login = LoginName::from_normal("anna@example.com".to_owned()).unwrap();
        let new = NewPassword::for_restored(&restored, login, KDF, None).unwrap();
        let stretched = new.stretch().run(&password()).unwrap();
        let policy = of_epoch(&owner, epoch);
        let head = ServiceHead { generation: 7, policy: Some(&policy) };
        let (mut again, draft) = Owner::draft_restore(&restored, new, stretched, head, NOW)?;
        let _ = complete(&mut again, draft);
        Ok(again.policy().policy().epoch().get())
    };
    assert_eq!(restore(65_534), Ok(65_535));
    assert_eq!(restore(65_535), Err(OwnerError::Epochs));
}

/// The account's policy for another epoch, signed by the account.
fn of_epoch(owner: &Owner, epoch: u16) -> Vec<u8> {
    let signed = owner.policy().as_bytes();
    let mut body = signed[..signed.len() - 2 - 384].to_vec();
    let at = 4 + 16 + 32 + 8 + 8 + 32 + 1 + 1 + 3;
    assert_eq!(body[at..at + 2], [0, 1]);
    body[at..at + 2].copy_from_slice(&epoch.to_be_bytes());
    let signature = sign(owner.identity(), &[b"blindtally/v1/signature\0\0\x06policy", &body[..]].concat());
    [&body[..], &384_u16.to_be_bytes(), &signature].concat()
}
