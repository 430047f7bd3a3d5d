//! A service that follows its own interests, against real owners and agents (SECURITY.md#attacks). Each test is one attack.
#![allow(clippy::unwrap_used)]

mod support;

use blindtally::*;
use support::*;

/// Approves the request that the service shows, as an owner's client would.
fn approve(owner: &mut Owner, request: &EnrollmentRequest, now: Timestamp) -> Result<Vec<u8>, Error> {
    let verified = owner.inspect(request, now)?.verified()?;
    Ok(owner.approve(verified, now)?.committed().delivery().to_vec())
}

fn later(seconds: u64) -> Timestamp {
    Timestamp::from_unix_secs(NOW.unix_secs() + seconds)
}

#[test]
fn a_request_of_the_services_own_device_is_refused_at_enrollment() {
    let (owner, _, genuine) = enrolled();
    // It does not have the ticket: it takes the terms it saw and makes up a secret.
    let mut account = other_owner();
    let ticket = account.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, forged) = Agent::enroll_with(&ticket, "anna-laptop", other_identity()).unwrap();
    assert_eq!(owner.inspect(&forged, NOW).unwrap_err(), InspectError::OtherAccount);
    let spliced = splice(genuine.as_bytes(), forged.as_bytes());
    assert!(EnrollmentRequest::from_bytes(&spliced).is_err());
    let _ = approve(&mut account, &forged, NOW).unwrap();
}

/// The head of one request, up to its keys, with the rest of another.
fn splice(head: &[u8], tail: &[u8]) -> Vec<u8> {
    let at = 4 + 16 + 1 + 32 + 16 + 8 + 2;
    [&head[..at], &tail[at..]].concat()
}

#[test]
fn a_signed_request_with_anothers_ticket_id_fails_its_mac() {
    let (owner, _) = owner();
    let ours = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let mut account = other_owner();
    let theirs = account.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    // The service knows account id, fingerprint, ticket id and expiry; only the 128 secret bits are missing.
    let text = ours.to_text();
    let forged = forge_ticket(&text, &theirs.to_text());
    let (_, request) = Agent::enroll_with(&forged, "evil", other_identity()).unwrap();
    assert_eq!(owner.inspect(&request, NOW).unwrap_err(), InspectError::Mac);
    let _ = account.cancel_ticket(theirs.id(), NOW).unwrap();
}

/// `ours` with the secret of `theirs`, checksum made right.
fn forge_ticket(ours: &str, theirs: &str) -> Ticket {
    use data_encoding::BASE64URL_NOPAD;
    use sha2::{Digest, Sha256};
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.strip_prefix("btt1_").unwrap().as_bytes()).unwrap();
    let (mut ours, theirs) = (decode(ours), decode(theirs));
    ours[68..84].copy_from_slice(&theirs[68..84]);
    let check = Sha256::new_with_prefix(b"blindtally/v1/ticket-check").chain_update(&ours[..94]).finalize();
    ours[94..].copy_from_slice(&check[..4]);
    Ticket::parse(&format!("btt1_{}", BASE64URL_NOPAD.encode(&ours))).unwrap()
}

#[test]
fn a_swapped_device_key_gets_no_keys_at_a_later_delivery() {
    let (mut owner, _, _) = running();
    let device = owner.devices().next().unwrap().0;
    // Whatever the service's directory says: the owner seals to the keys in its own table.
    let outbox = owner.redeliver(device, later(1)).unwrap().committed();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (evil, _) = Agent::enroll_with(&ticket, "evil", other_identity()).unwrap();
    assert_eq!(evil.accept(outbox.delivery()).unwrap_err(), AcceptError::Refused);
}

#[test]
fn an_agent_takes_no_keys_from_the_service() {
    let (_, pending, _) = enrolled();
    let mut service = other_owner();
    let ticket = service.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, request) = Agent::enroll_with(&ticket, "anna-laptop", device_identity()).unwrap();
    let delivery = approve(&mut service, &request, NOW).unwrap();
    assert_eq!(pending.accept(&delivery).unwrap_err(), AcceptError::Refused);
    let (mut owner, mut agent, _) = running();
    assert_eq!(agent.accept(&delivery).unwrap_err(), AcceptError::Refused);
    assert_eq!(agent.apply_policy(service.policy().as_bytes()).unwrap_err(), AcceptError::Refused);
    let token = agent.tokenize(TokenClass::APP, "still ours").unwrap();
    assert_eq!(owner.reveal(&token).unwrap(), "still ours");
    let _ = owner.rotate(NOW).unwrap();
}

#[test]
fn an_agent_with_an_account_code_takes_no_keys_from_another_account() {
    let (owner, _) = owner();
    let (pending, request) = Agent::enroll_by_code_with(&owner.account_code(), device_identity()).unwrap();
    let mut service = other_owner();
    let Err(error) = service.inspect(&request, NOW) else { unreachable!("it is for another account") };
    assert_eq!(error, InspectError::OtherAccount);
    let ticket = service.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, own) = Agent::enroll_with(&ticket, "x", device_identity()).unwrap();
    let delivery = approve(&mut service, &own, NOW).unwrap();
    assert_eq!(pending.accept(&delivery).unwrap_err(), AcceptError::Refused);
}

#[test]
fn old_deliveries_epochs_and_policies_are_not_taken_again() {
    let (mut owner, pending, request) = enrolled();
    let first = approve(&mut owner, &request, NOW).unwrap();
    let mut agent = pending.accept(&first).unwrap();
    let old_policy = owner.policy().as_bytes().to_vec();
    let rotated = owner.rotate(later(1)).unwrap().committed();
    assert_eq!(agent.accept(rotated.delivery()).unwrap(), Outcome::Updated);
    assert_eq!(agent.accept(&first).unwrap_err(), AcceptError::Stale);
    assert_eq!(agent.apply_policy(&old_policy).unwrap_err(), AcceptError::Stale);
    // Also after a restart: the maxima are in the saved state.
    let mut agent = agent.save().restore().unwrap().agent().unwrap();
    assert_eq!(agent.accept(&first).unwrap_err(), AcceptError::Stale);
    assert_eq!(agent.accept(rotated.delivery()).unwrap(), Outcome::Unchanged);
    assert_eq!(agent.policy().epoch().get(), 2);
}

#[test]
fn a_delivery_for_an_earlier_enrollment_of_the_same_keys_is_refused() {
    let (mut owner, _, request) = enrolled();
    let delivery = approve(&mut owner, &request, NOW).unwrap();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (again, _) = Agent::enroll_with(&ticket, "anna-laptop", device_identity()).unwrap();
    assert_eq!(again.accept(&delivery).unwrap_err(), AcceptError::Refused);
}

#[test]
fn a_spent_ticket_is_an_alarm_for_any_other_device() {
    let (mut owner, _) = owner();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, request) = Agent::enroll_with(&ticket, "first", device_identity()).unwrap();
    let (_, stolen) = Agent::enroll_with(&ticket, "thief", other_identity()).unwrap();
    let _ = approve(&mut owner, &request, NOW).unwrap();
    let vault = owner.redeliver(request.device_id(), later(1)).unwrap().vault().to_vec();
    // Also for a client that only has the vault.
    let owner = unlock(owner.prelogin(), &vault, &password(), 0).unwrap();
    assert_eq!(owner.inspect(&stolen, NOW).unwrap_err(), InspectError::Spent);
}

/// SPEC.md#policy-mode
#[test]
fn a_policy_of_the_services_own_cannot_turn_encryption_off() {
    let (owner, mut agent, _) = running();
    // The mode byte is the only one there is; anything else does not parse, signed or not.
    let mut policy = owner.policy().as_bytes().to_vec();
    let mode = 4 + 16 + 32 + 8 + 8 + 32;
    assert_eq!(policy[mode], 1);
    policy[mode] = 0;
    assert_eq!(agent.apply_policy(&policy).unwrap_err(), AcceptError::Malformed(ParseError::Value));
    assert!(agent.tokenize(TokenClass::APP, "x").is_ok());
}

/// SPEC.md#unlock-one-error
#[test]
fn two_vaults_cannot_be_made_into_a_partitioning_oracle() {
    // A vault that would open under either of two passwords has to commit to both keys at once.
    let (owner, change) = owner();
    let mut crafted = change.vault().to_vec();
    let commit = 4 + 1 + 12 + 16 + 16 + 1 + 8;
    crafted[commit] ^= 1;
    assert_eq!(unlock(owner.prelogin(), &crafted, &password(), 0).unwrap_err().code(), "unlock.wrong");
    let mut damaged = change.vault().to_vec();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    assert_eq!(unlock(owner.prelogin(), &damaged, &password(), 0).unwrap_err().code(), "unlock.wrong");
}

#[test]
fn login_proofs_depend_on_the_account_and_on_the_name() {
    let (owner, _) = owner();
    let proof = |name: &str, account| {
        let prelogin = Prelogin { account, ..owner.prelogin() };
        let login = Login::start(LoginName::new(name).unwrap(), prelogin).unwrap();
        let stretched = login.stretch().run(&password()).unwrap();
        *login.finish(stretched, None).proof().expose()
    };
    let own = proof("anna@example.com", owner.account());
    assert_eq!(own, *owner.login_proof().expose());
    assert_ne!(own, proof("bert@example.com", owner.account()));
    assert_ne!(own, proof("anna@example.com", AccountId::from_bytes([7; 16])));
}

#[test]
fn tokens_are_of_no_use_in_another_account_class_or_epoch() {
    let (owner, agent, _) = running();
    let other = other_owner();
    let token = agent.tokenize(TokenClass::APP, "x").unwrap();
    assert_eq!(other.reveal(&token).unwrap_err(), RevealError::Tampered);
    let relabel = |at: usize, to: u8| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = to;
        Token::from_bytes(&bytes).map(|token| owner.reveal(&token).unwrap_err().code())
    };
    assert_eq!(relabel(1, TokenClass::TITLE.id()), Ok("reveal.tampered"));
    assert_eq!(relabel(3, 2), Ok("reveal.no-key"));
    assert_eq!(relabel(1, RecordClass::CHAT.id()), Err(ParseError::Value));
}

#[test]
fn a_device_can_neither_read_nor_forge_the_records_of_another() {
    let (mut owner, one, _) = running();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (pending, request) = Agent::enroll_with(&ticket, "two", other_identity()).unwrap();
    let two = pending.accept(&approve(&mut owner, &request, NOW).unwrap()).unwrap();
    let sealed = one.seal_record(RecordClass::CHAT, "secret", 1).unwrap();
    assert_eq!(sealed.device(), one.device_id());
    assert_eq!(two.seal_record(RecordClass::CHAT, "secret", 1).unwrap().device(), two.device_id());
    // Relabelled as the other device's, it does not open under any key that device could be given.
    let mut relabelled = sealed.as_bytes().to_vec();
    relabelled[4..20].copy_from_slice(two.device_id().as_bytes());
    let relabelled = Record::from_bytes(&relabelled).unwrap();
    assert_eq!(two.dequeue(&relabelled).unwrap_err().code(), "record.no-key");
}

/// SPEC.md#rollback
#[test]
fn a_rolled_back_vault_is_noticed_by_a_client_that_remembers() {
    let (mut owner, first) = owner();
    let second = owner.rotate(later(1)).unwrap();
    let seen = second.generation();
    let error = unlock(owner.prelogin(), first.vault(), &password(), seen).unwrap_err();
    assert_eq!(error, Error::Unlock(UnlockError::RolledBack));
    // A client in the middle of its work puts back what the service took away.
    let Sync::Store(change) = owner.sync(first.vault(), later(2)).unwrap() else { unreachable!("we hold more") };
    assert!(change.generation() > seen);
    assert_eq!(change.expected(), first.generation());
    assert_eq!(unlock(owner.prelogin(), change.vault(), &password(), seen).unwrap().policy(), owner.policy());
}

#[test]
fn a_service_that_swaps_vaults_of_two_accounts_is_told_apart() {
    let (owner, _) = owner();
    let password = password();
    let (other, change) = Owner::create("bert@example.com", &password, options(), NOW).unwrap();
    assert_ne!(owner.account(), other.account());
    let error = unlock(owner.prelogin(), change.vault(), &password, 0).unwrap_err();
    assert_eq!(error, Error::Unlock(UnlockError::OtherAccount));
}

fn other_owner() -> Owner {
    let options = OwnerOptions { kdf: KDF, identity: Some(other_identity()), ..OwnerOptions::default() };
    Owner::create("service@example.com", &password(), options, NOW).unwrap().0
}
