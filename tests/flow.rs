//! The main road: an account, a device, a token, and everything that changes them.
#![allow(clippy::unwrap_used)]

mod support;

use blindtally::*;
use support::*;

#[test]
fn what_an_agent_seals_its_owner_reads() {
    let (owner, agent, _) = running();
    let token = agent.tokenize(TokenClass::APP, "winword.exe").unwrap();
    assert_eq!(token.to_string().len(), 52);
    assert_eq!(owner.reveal(&token).unwrap(), "winword.exe");
    assert_eq!(agent.tokenize(TokenClass::APP, "winword.exe").unwrap(), token);
    assert_ne!(agent.tokenize(TokenClass::TITLE, "winword.exe").unwrap(), token);
    let mut later = token.as_bytes().to_vec();
    later[3] = 2;
    assert_eq!(owner.reveal(&Token::from_bytes(&later).unwrap()).unwrap_err(), RevealError::NoKey);
}

#[test]
fn hosts_are_brought_into_one_form_by_policy_and_nothing_else_is() {
    let (owner, agent, _) = running();
    let read = |class, value| owner.reveal(&agent.tokenize(class, value).unwrap()).unwrap();
    assert_eq!(read(TokenClass::HOST, "https://me@Example.COM:8443/x?y#z"), "example.com");
    assert_eq!(read(TokenClass::HOST, "http://[2001:DB8::1]:80/"), "[2001:db8::1]");
    assert_eq!(read(TokenClass::HOST, "Example.com"), "example.com");
    assert_eq!(read(TokenClass::APP, "WINWORD.EXE"), "WINWORD.EXE");
    assert_eq!(read(TokenClass::TITLE, ""), "");
}

#[test]
fn a_batch_has_a_result_for_each_value() {
    let (owner, agent, _) = running();
    let long = "x".repeat(4097);
    let mut tokens = TokenBatch::new();
    agent.tokenize_batch(TokenClass::TITLE, ["a", &long, "日本"], &mut tokens).unwrap();
    assert_eq!(tokens.get(1), Some(Err(TokenizeError::TooLong)));
    let texts: Vec<_> = [0, 2].iter().map(|&at| tokens.get(at).unwrap().unwrap().to_owned()).collect();
    let mut values = RevealBatch::new();
    owner.reveal_batch(texts.iter().chain([&"bt1_nonsense".to_owned()]), &mut values);
    let values: Vec<_> = values.iter().collect();
    assert_eq!(values[..2], [Ok("a"), Ok("日本")]);
    assert!(matches!(values[2], Err(RevealError::Malformed(_))));
}

/// SPEC.md#rollback, at the end.
#[test]
fn a_vault_opens_with_its_password_and_with_nothing_else() {
    let (owner, change) = owner();
    let opened = unlock(owner.prelogin(), change.vault(), &password(), 1).unwrap();
    assert_eq!(opened.account(), owner.account());
    assert_eq!(opened.fingerprint(), owner.fingerprint());
    let wrong = unlock(owner.prelogin(), change.vault(), &Password::new("wrong").unwrap(), 0);
    assert_eq!(wrong.unwrap_err().code(), "unlock.wrong");
    let rolled_back = unlock(owner.prelogin(), change.vault(), &password(), 2);
    assert_eq!(rolled_back.unwrap_err().code(), "unlock.rolled-back");
}

#[test]
fn a_login_whose_vault_does_not_open_is_handed_back() {
    let (owner, change) = owner();
    let login = Login::start(owner.login().clone(), owner.prelogin()).unwrap();
    let login = login.resume(&owner.keep_unlocked()).unwrap();
    let (error, login) = Owner::try_unlock(login, change.vault(), change.generation() + 1).unwrap_err();
    assert_eq!(error, UnlockError::RolledBack);
    let (error, login) = Owner::try_unlock(*login, &[], 0).unwrap_err();
    assert_eq!(error, UnlockError::Malformed(ParseError::Truncated));
    let again = Owner::try_unlock(*login, change.vault(), 0).unwrap();
    assert_eq!(again.account(), owner.account());
}

/// SPEC.md#secret-from-person
#[test]
fn an_account_secret_is_needed_where_the_person_says_there_is_one() {
    let secret = AccountSecret::generate().unwrap();
    let written = secret.to_text();
    let options = OwnerOptions { account_secret: Some(secret), ..options() };
    let (owner, change) = Owner::create("anna@example.com", &password(), options, NOW).unwrap();
    let without = unlock(owner.prelogin(), change.vault(), &password(), 0);
    assert_eq!(without.unwrap_err().code(), "unlock.wrong");
    let login = Login::start(LoginName::new("anna@example.com").unwrap(), owner.prelogin()).unwrap();
    let stretched = login.stretch().run(&password()).unwrap();
    let typed = AccountSecret::parse(&written.to_lowercase().replace('-', " ")).unwrap();
    let mut owner = Owner::unlock(login.finish(stretched, Some(&typed)), change.vault(), 0).unwrap();

    // The next password is of no use without it either.
    let new = Password::new("a better one").unwrap();
    let changed = owner.change_password(&new, KDF).unwrap();
    let without = unlock(changed.prelogin, changed.change.vault(), &new, 0);
    assert_eq!(without.unwrap_err().code(), "unlock.wrong");
    let login = Login::start(LoginName::new("anna@example.com").unwrap(), changed.prelogin).unwrap();
    let stretched = login.stretch().run(&new).unwrap();
    assert!(Owner::unlock(login.finish(stretched, Some(&typed)), changed.change.vault(), 0).is_ok());
}

/// SPEC.md#login-name
#[test]
fn login_names_and_passwords_are_normalised() {
    assert_eq!(LoginName::new("Anna@EXAMPLE.com").unwrap(), LoginName::new("anna@example.com").unwrap());
    assert_eq!(LoginName::new("ﬁona").unwrap().as_str(), "fiona");
    assert_eq!(Password::new("Ångström").unwrap().expose(), Password::new("A\u{30a}ngstro\u{308}m").unwrap().expose());
    for bad in ["", " anna", "anna\n", "a\0b", &"x".repeat(321)] {
        assert_eq!(LoginName::new(bad).unwrap_err(), CredentialError::Login);
    }
    for bad in ["", &"x".repeat(1025), &"\u{fdfa}".repeat(100)] {
        assert_eq!(Password::new(bad).unwrap_err(), CredentialError::Password);
    }
}

/// SPEC.md#kdf-bounds
#[test]
fn login_proofs_depend_on_the_account_and_on_the_name() {
    let (owner, _) = owner();
    let proof = |name: &str, account| {
        let login = Login::start(LoginName::new(name).unwrap(), Prelogin { account, ..owner.prelogin() }).unwrap();
        let stretched = login.stretch().run(&password()).unwrap();
        *login.finish(stretched, None).proof().expose()
    };
    let own = proof("anna@example.com", owner.account());
    assert_eq!(own, *owner.login_proof().expose());
    assert_ne!(own, proof("bert@example.com", owner.account()));
    assert_ne!(own, proof("anna@example.com", AccountId::from_bytes([7; 16])));
}

#[test]
fn weak_and_ruinous_parameters_are_refused_before_anything_is_derived() {
    let (owner, _) = owner();
    let start = |kdf| {
        let prelogin = Prelogin { kdf, ..owner.prelogin() };
        Login::start(LoginName::new("anna@example.com").unwrap(), prelogin).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(start(Kdf::Pbkdf2 { iterations: 599_999 }), Err("kdf.below-floor"));
    assert_eq!(start(Kdf::Pbkdf2 { iterations: 600_000 }), Ok(()));
    assert_eq!(start(Kdf::Pbkdf2 { iterations: 10_000_000 }), Ok(()));
    assert_eq!(start(Kdf::Pbkdf2 { iterations: 10_000_001 }), Err("kdf.above-ceiling"));
    for (m_kib, t, p, expected) in [
        (19 * 1024 - 1, 2, 1, Err("kdf.below-floor")),
        (19 * 1024, 1, 1, Err("kdf.below-floor")),
        (19 * 1024, 2, 0, Err("kdf.below-floor")),
        (19 * 1024, 2, 1, Ok(())),
        (1024 * 1024, 16, 4, Ok(())),
        (1024 * 1024 + 1, 3, 1, Err("kdf.above-ceiling")),
        (64 * 1024, 17, 1, Err("kdf.above-ceiling")),
        (64 * 1024, 3, 5, Err("kdf.above-ceiling")),
    ] {
        assert_eq!(start(Kdf::Argon2id { m_kib, t, p }), expected);
    }
}

/// SPEC.md#unlock-order
#[test]
fn a_vault_that_disagrees_with_prelogin_is_refused() {
    let (owner, change) = owner();
    let other_kdf = Prelogin { kdf: Kdf::Argon2id { m_kib: 20 * 1024, t: 2, p: 1 }, ..owner.prelogin() };
    assert_eq!(unlock(other_kdf, change.vault(), &password(), 0).unwrap_err().code(), "unlock.header");
    let other_salt = Prelogin { salt: [1; 16], ..owner.prelogin() };
    assert_eq!(unlock(other_salt, change.vault(), &password(), 0).unwrap_err().code(), "unlock.header");
    let other_account = Prelogin { account: AccountId::from_bytes([1; 16]), ..owner.prelogin() };
    assert_eq!(unlock(other_account, change.vault(), &password(), 0).unwrap_err().code(), "unlock.other-account");
}

#[test]
fn a_new_password_opens_the_same_keyring_and_the_old_one_no_longer() {
    let (mut owner, agent, _) = running();
    let old = owner.prelogin();
    let new = Password::new("a new one").unwrap();
    let changed = owner.change_password(&new, KDF).unwrap();
    assert_ne!(changed.old_proof.expose(), changed.new_proof.expose());
    let opened = unlock(changed.prelogin, changed.change.vault(), &new, 0).unwrap();
    let token = agent.tokenize(TokenClass::APP, "x").unwrap();
    assert_eq!(opened.reveal(&token).unwrap(), "x");
    assert_eq!(unlock(changed.prelogin, changed.change.vault(), &password(), 0).unwrap_err().code(), "unlock.wrong");
    assert_eq!(unlock(old, changed.change.vault(), &password(), 0).unwrap_err().code(), "unlock.header");
}

#[test]
fn a_backup_opens_offline_with_its_passphrase_or_recovery_key() {
    let (owner, agent, _) = running();
    let token = agent.tokenize(TokenClass::TITLE, "Budget 2027").unwrap();
    let phrase = Password::new("kept in a drawer").unwrap();
    let text = owner.backup_with_passphrase(&phrase, KDF).unwrap().to_text();
    let backup = Backup::parse(&text).unwrap();
    assert_eq!(backup.open_with_passphrase(&phrase).unwrap().reveal(&token).unwrap(), "Budget 2027");
    assert_eq!(backup.open_with_passphrase(&password()).unwrap_err().code(), "unlock.wrong");

    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let mangled = backup.to_text().replace('\n', "\r\n  \r\n\t");
    let backup = Backup::parse(&format!("see below\n{mangled}\nbye")).unwrap();
    let typed = RecoveryKey::parse(&key.to_text().to_lowercase().replace('-', " ").replace('0', "o")).unwrap();
    assert_eq!(backup.open_with_recovery_key(&typed).unwrap().reveal(&token).unwrap(), "Budget 2027");
    assert_eq!(backup.open_with_passphrase(&phrase).unwrap_err().code(), "unlock.needs-recovery-key");
    let other = owner.backup_with_recovery_key().unwrap().1;
    assert_eq!(backup.open_with_recovery_key(&other).unwrap_err().code(), "unlock.wrong");
}

/// SPEC.md#backup-checksum, SPEC.md#backup-fingerprint
#[test]
fn a_damaged_or_foreign_backup_says_which() {
    let (owner, _) = owner();
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let text = backup.to_text();
    let truncated = &text[..text.len() / 2];
    assert_eq!(Backup::parse(truncated).unwrap_err(), ParseError::Truncated);
    assert_eq!(Backup::parse("hello").unwrap_err(), ParseError::Magic);
    let line = text.lines().nth(8).unwrap();
    let swapped = text.replace(line, &line.chars().rev().collect::<String>());
    assert_eq!(Backup::parse(&swapped).unwrap_err(), ParseError::Checksum);
    let code = owner.fingerprint().code();
    let foreign = text.replace(&code, &device_identity().public().fingerprint().code());
    let foreign = Backup::parse(&foreign).unwrap();
    assert_eq!(foreign.open_with_recovery_key(&key).unwrap_err(), UnlockError::OtherAccount);
}

#[test]
fn a_restored_account_goes_on_where_agents_will_follow() {
    let (mut owner, mut agent, _) = running();
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let later = Timestamp::from_unix_secs(NOW.unix_secs() + 60);
    let rotated = owner.rotate(later).unwrap().committed();
    assert_eq!(agent.accept(rotated.delivery()).unwrap(), Outcome::Updated);

    let new = Password::new("after the loss").unwrap();
    let restored = backup.open_with_recovery_key(&key).unwrap();
    let head = ServiceHead { generation: owner.generation(), policy: rotated.policy() };
    let after = Timestamp::from_unix_secs(later.unix_secs() + 1);
    let (restored, change) = Owner::restore(restored, "anna@example.com", &new, options(), head, after).unwrap();
    assert!(change.generation() > owner.generation());
    assert_eq!(change.expected(), owner.generation());
    let outbox = change.committed();
    assert_eq!(agent.accept(outbox.delivery()).unwrap(), Outcome::Updated);
    assert_eq!(agent.policy().epoch().get(), 3);
    let token = agent.tokenize(TokenClass::APP, "x").unwrap();
    assert_eq!(restored.reveal(&token).unwrap(), "x");
    assert_eq!(owner.recovery_proof().expose(), restored.recovery_proof().expose());
}

#[test]
fn a_restored_account_keeps_what_the_shown_policy_revokes_and_voids_old_tickets() {
    let (mut owner, agent, _) = running();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, request) = Agent::enroll_with(&ticket, "late", other_identity()).unwrap();
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let revoked = owner.revoke(agent.device_id(), AfterRevoking::Rotate, NOW).unwrap().committed();

    let restored = backup.open_with_recovery_key(&key).unwrap();
    let head = ServiceHead { generation: owner.generation(), policy: revoked.policy() };
    let (restored, change) = Owner::restore(restored, "anna@example.com", &password(), options(), head, NOW).unwrap();
    assert!(change.committed().deliveries().is_empty());
    assert_eq!(restored.devices().next().unwrap().1.status(), DeviceStatus::Revoked);
    assert_eq!(restored.inspect(&request, NOW).unwrap_err(), InspectError::Mac);
}

#[test]
fn a_ticket_stays_spent_when_its_device_comes_back_by_comparison() {
    let (mut owner, _) = owner();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, first) = Agent::enroll_with(&ticket, "first", device_identity()).unwrap();
    let (_, second) = Agent::enroll_with(&ticket, "second", other_identity()).unwrap();
    let verified = owner.inspect(&first, NOW).unwrap().verified().unwrap();
    let _ = owner.approve(verified, NOW).unwrap();
    let (pending, again) = Agent::enroll_by_code_with(&owner.account_code(), device_identity()).unwrap();
    let Inspection::NeedsComparison(request) = owner.inspect(&again, NOW).unwrap() else { unreachable!() };
    let verified = request.confirm(&pending.device_code(), "first again").unwrap();
    let _ = owner.approve(verified, NOW).unwrap();
    assert_eq!(owner.inspect(&second, NOW).unwrap_err(), InspectError::Cancelled);
}

/// SPEC.md#typed-code
#[test]
fn without_a_ticket_the_owner_types_the_devices_code() {
    let (mut owner, _) = owner();
    let code = AccountCode::parse(&owner.account_code().to_text().to_lowercase()).unwrap();
    let (pending, request) = Agent::enroll_by_code_with(&code, device_identity()).unwrap();
    let request = EnrollmentRequest::from_bytes(request.as_bytes()).unwrap();
    assert!(request.claim_hash().is_some());
    let comparison = match owner.inspect(&request, NOW).unwrap() {
        Inspection::NeedsComparison(comparison) => comparison,
        Inspection::Verified(_) => unreachable!(),
    };
    assert_eq!(owner.inspect(&request, NOW).unwrap().verified().unwrap_err(), InspectError::NeedsComparison);
    let other = other_identity().public().fingerprint().code();
    assert_eq!(comparison.confirm(&other, "laptop").unwrap_err(), InspectError::Code);
    assert_eq!(comparison.confirm(&pending.device_code(), "").unwrap_err(), InspectError::Name);
    let verified = comparison.confirm(&pending.device_code(), "laptop").unwrap();
    let outbox = owner.approve(verified, NOW).unwrap().committed();
    let agent = pending.accept(outbox.delivery()).unwrap();
    assert_eq!(owner.reveal(&agent.tokenize(TokenClass::APP, "x").unwrap()).unwrap(), "x");
}

/// SPEC.md#inspect
#[test]
fn tickets_are_spent_cancelled_and_expire() {
    let (mut owner, _) = owner();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let ticket = Ticket::parse(&ticket.to_link()).unwrap();
    let (_, first) = Agent::enroll_with(&ticket, "first", device_identity()).unwrap();
    let (_, second) = Agent::enroll_with(&ticket, "second", other_identity()).unwrap();
    let expired = Timestamp::from_unix_secs(ticket.expiry().unix_secs());
    assert_eq!(owner.inspect(&first, expired).unwrap_err(), InspectError::Expired);

    let late = owner.inspect(&second, NOW).unwrap().verified().unwrap();
    let verified = owner.inspect(&first, NOW).unwrap().verified().unwrap();
    assert_eq!(verified.name(), "first");
    let _ = owner.approve(verified, NOW).unwrap();
    assert_eq!(owner.inspect(&second, NOW).unwrap_err(), InspectError::Spent);
    assert_eq!(owner.approve(late, NOW).unwrap_err(), OwnerError::TicketSpent);
    let again = owner.inspect(&first, expired).unwrap().verified().unwrap();
    assert_eq!(owner.approve(again, NOW).unwrap().committed().deliveries().len(), 1);

    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (_, request) = Agent::enroll_with(&ticket, "third", other_identity()).unwrap();
    let _ = owner.cancel_ticket(ticket.id(), NOW).unwrap();
    assert_eq!(owner.inspect(&request, NOW).unwrap_err(), InspectError::Cancelled);
}

#[test]
fn a_ticket_of_two_uses_enrols_two_devices() {
    let (mut owner, _) = owner();
    let ticket = owner.issue_ticket(TicketUses::several(2).unwrap(), Lifetime::hours(24), NOW).unwrap();
    for identity in [device_identity(), other_identity()] {
        let (_, request) = Agent::enroll_with(&ticket, "one of two", identity).unwrap();
        let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
        let _ = owner.approve(verified, NOW).unwrap();
    }
    let (_, third) = Agent::enroll_with(&ticket, "a third", account_identity()).unwrap();
    assert_eq!(owner.inspect(&third, NOW).unwrap_err(), InspectError::Spent);
}

#[test]
fn ticket_lifetimes_are_bounded() {
    let (owner, _) = owner();
    let several = TicketUses::several(2).unwrap();
    let issue = |uses, lifetime| owner.issue_ticket(uses, lifetime, NOW).map(|_| ()).unwrap_err();
    assert_eq!(issue(TicketUses::ONE, Lifetime::seconds(30 * 86_400 + 1)), OwnerError::Lifetime);
    assert_eq!(issue(several, Lifetime::seconds(86_401)), OwnerError::Lifetime);
    assert_eq!(issue(TicketUses::ONE, Lifetime::seconds(0)), OwnerError::Lifetime);
    assert!(TicketUses::several(0).is_err() && TicketUses::several(51).is_err());
}

#[test]
fn rotation_keeps_old_tokens_readable_and_seals_new_ones_apart() {
    let (mut owner, mut agent, _) = running();
    let old = agent.tokenize(TokenClass::APP, "x").unwrap();
    let outbox = owner.rotate(NOW).unwrap().committed();
    assert_eq!(agent.apply_policy(outbox.policy().unwrap()).unwrap(), Outcome::DeliveryNeeded);
    assert_eq!(agent.accept(outbox.delivery()).unwrap(), Outcome::Updated);
    assert_eq!(agent.accept(outbox.delivery()).unwrap(), Outcome::Unchanged);
    let new = agent.tokenize(TokenClass::APP, "x").unwrap();
    assert_ne!(old, new);
    assert_eq!((owner.reveal(&old).unwrap(), owner.reveal(&new).unwrap()), ("x".into(), "x".into()));
    assert_eq!(owner.retokenize(&old).unwrap(), new);
    assert_eq!(owner.tokenize_typed(TokenClass::APP, "x").unwrap(), new);
}

#[test]
fn a_revoked_device_erases_its_keys_and_gets_no_new_ones() {
    let (mut owner, mut agent, _) = running();
    let device = agent.device_id();
    let outbox = owner.revoke(device, AfterRevoking::Rotate, NOW).unwrap().committed();
    assert_eq!(outbox.revoked(), [device]);
    assert!(outbox.deliveries().is_empty());
    assert_eq!(agent.apply_policy(outbox.policy().unwrap()).unwrap(), Outcome::Revoked);
    assert_eq!(agent.status(), AgentStatus::Revoked);
    assert_eq!(agent.tokenize(TokenClass::APP, "x").unwrap_err(), TokenizeError::Revoked);
    assert_eq!(agent.seal_record(RecordClass::CHAT, "x", 1).unwrap_err(), RecordError::Revoked);
    let mut agent = SavedAgent::from_exposed(agent.save().expose().to_vec()).restore().unwrap().agent().unwrap();
    assert_eq!(agent.tokenize(TokenClass::APP, "x").unwrap_err(), TokenizeError::Revoked);
    assert_eq!(agent.accept(b"").unwrap_err(), AcceptError::Revoked);
    assert_eq!(owner.redeliver(device, NOW).unwrap_err(), OwnerError::DeviceRevoked);
    let unknown = DeviceId::from_bytes([9; 16]);
    assert_eq!(owner.revoke(unknown, AfterRevoking::KeepEpoch, NOW).unwrap_err(), OwnerError::UnknownDevice);
}

#[test]
fn a_revoked_device_cannot_enrol_again() {
    let (mut owner, _, request) = enrolled();
    let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
    let device = verified.device_id();
    let _ = owner.approve(verified, NOW).unwrap();
    let late = owner.inspect(&request, NOW).unwrap().verified().unwrap();
    let _ = owner.revoke(device, AfterRevoking::KeepEpoch, NOW).unwrap();
    assert_eq!(owner.inspect(&request, NOW).unwrap_err(), InspectError::Revoked);
    assert_eq!(owner.approve(late, NOW).unwrap_err(), OwnerError::DeviceRevoked);
}

#[test]
fn a_changed_form_reaches_agents_by_policy_alone() {
    let (mut owner, mut agent, _) = running();
    let form = CanonicalForm::AsciiLowercase;
    let outbox = owner.set_canonical_form(TokenClass::APP, form, NOW).unwrap().committed();
    assert_eq!(agent.apply_policy(outbox.policy().unwrap()).unwrap(), Outcome::Updated);
    assert_eq!(agent.apply_policy(outbox.policy().unwrap()).unwrap(), Outcome::Unchanged);
    let token = agent.tokenize(TokenClass::APP, "WINWORD.EXE").unwrap();
    assert_eq!(owner.reveal(&token).unwrap(), "winword.exe");
}

#[test]
fn what_was_queued_before_the_keys_came_is_tokenized_after() {
    let (mut owner, pending, request) = enrolled();
    let queued = pending.queue(TokenClass::TITLE, "before", 1).unwrap();
    assert!(queued.to_string().starts_with("br1_"));
    let saved = pending.save();
    let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
    let outbox = owner.approve(verified, NOW).unwrap().committed();
    let pending = saved.restore().unwrap().pending().unwrap();
    let agent = pending.accept(outbox.delivery()).unwrap();
    let queued = Record::parse(&queued.to_string()).unwrap();
    assert_eq!(owner.reveal(&agent.dequeue(&queued).unwrap()).unwrap(), "before");

    let (_, other) = Agent::enroll_with(
        &owner.issue_ticket(TicketUses::ONE, Lifetime::days(1), NOW).unwrap(),
        "other",
        other_identity(),
    )
    .map(|(pending, _)| ((), pending.queue(TokenClass::TITLE, "of another", 1).unwrap()))
    .unwrap();
    assert_eq!(agent.dequeue(&other).unwrap_err().code(), "record.no-key");
}

#[test]
fn saved_agents_can_be_wrapped_and_are_only_opened_by_their_key() {
    let (owner, agent, _) = running();
    let (key, other) = (Secret::random().unwrap(), Secret::random().unwrap());
    let wrapped = agent.save().wrap(&key).unwrap();
    assert_eq!(SavedAgent::unwrap_with(&wrapped, &other).unwrap_err(), RestoreError::Wrong);
    assert_eq!(SavedAgent::from_exposed(wrapped.clone()).restore().unwrap_err(), RestoreError::Wrapped);
    assert_eq!(SavedAgent::unwrap_with(agent.save().expose(), &key).unwrap_err(), RestoreError::NotWrapped);
    let restored = SavedAgent::unwrap_with(&wrapped, &key).unwrap().restore().unwrap().agent().unwrap();
    let token = restored.tokenize(TokenClass::APP, "x").unwrap();
    assert_eq!(owner.reveal(&token).unwrap(), "x");
    assert_eq!(agent.save().restore().unwrap().pending().unwrap_err(), RestoreError::Phase);
}

#[test]
fn signatures_can_be_made_by_the_caller() {
    let (mut owner, agent, _) = running();
    let mut draft = owner.draft(Operation::Revoke(agent.device_id(), AfterRevoking::Rotate), NOW).unwrap();
    let stale = owner.draft(Operation::Rotate, NOW).unwrap();
    assert_eq!(owner.advance(draft, vec![vec![0; 384]]).unwrap_err(), OwnerError::Signature);
    draft = owner.draft(Operation::Revoke(agent.device_id(), AfterRevoking::Rotate), NOW).unwrap();
    let change = loop {
        let signatures = draft.messages().iter().map(|message| sign_elsewhere(message)).collect();
        match owner.advance(draft, signatures).unwrap() {
            Progress::Sign(next) => draft = *next,
            Progress::Done(change) => break change,
        }
    };
    assert_eq!(change.committed().revoked(), [agent.device_id()]);
    let signatures = stale.messages().iter().map(|message| sign_elsewhere(message)).collect();
    assert_eq!(owner.advance(stale, signatures).unwrap_err(), OwnerError::Stale);
}

/// What WebCrypto or an HSM would do: PSS with SHA-256 and a 32-byte salt.
fn sign_elsewhere(message: &[u8]) -> Vec<u8> {
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::signature::{RandomizedSigner, SignatureEncoding};
    let key = rsa::RsaPrivateKey::from_pkcs8_der(include_bytes!("keys/account-signing.pkcs8")).unwrap();
    let key = rsa::pss::SigningKey::<sha2::Sha256>::new(key);
    key.try_sign_with_rng(&mut getrandom::SysRng, message).unwrap().to_vec()
}

#[test]
fn two_dashboards_that_were_shown_two_histories_lose_nothing() {
    let (mut one, first) = owner();
    let prelogin = one.prelogin();
    let mut two = unlock(prelogin, first.vault(), &password(), 0).unwrap();
    let enrol = |owner: &mut Owner, identity| {
        let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(1), NOW).unwrap();
        let (pending, request) = Agent::enroll_with(&ticket, "device", identity).unwrap();
        let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
        let outbox = owner.approve(verified, NOW).unwrap().committed();
        pending.accept(outbox.delivery()).unwrap()
    };
    let mut agent_one = enrol(&mut one, device_identity());
    let mut agent_two = enrol(&mut two, other_identity());
    let ours = one.rotate(NOW).unwrap();
    let theirs = two.rotate(NOW).unwrap();
    let (ours, theirs_vault) = (ours.committed(), theirs.vault().to_vec());
    let theirs = theirs.committed();
    assert_eq!(agent_one.accept(ours.delivery()).unwrap(), Outcome::Updated);
    assert_eq!(agent_two.accept(theirs.delivery()).unwrap(), Outcome::Updated);
    let tokens = [&agent_one, &agent_two].map(|agent| agent.tokenize(TokenClass::APP, "x").unwrap());
    assert_ne!(tokens[0], tokens[1]);

    let Sync::Store(change) = one.sync(&theirs_vault, NOW).unwrap() else { unreachable!("the histories differ") };
    assert!(change.generation() > two.generation());
    assert_eq!(change.expected(), two.generation());
    let merged_vault = change.vault().to_vec();
    let outbox = change.committed();
    assert_eq!(outbox.deliveries().len(), 2);
    for token in &tokens {
        assert_eq!(one.reveal(token).unwrap(), "x");
    }
    for (id, delivery) in outbox.deliveries() {
        let agent = if *id == agent_one.device_id() { &mut agent_one } else { &mut agent_two };
        assert_eq!(agent.accept(delivery).unwrap(), Outcome::Updated);
    }
    let [a, b] = [&agent_one, &agent_two].map(|agent| agent.tokenize(TokenClass::APP, "x").unwrap());
    assert_eq!(a, b);
    assert!(matches!(two.sync(&merged_vault, NOW).unwrap(), Sync::Adopted));
    assert!(matches!(two.sync(&merged_vault, NOW).unwrap(), Sync::Same));
    assert_eq!(two.devices().len(), 2);
}

#[test]
fn a_vault_of_another_account_is_not_merged() {
    let (mut one, _) = owner();
    let (_, foreign) = owner();
    assert_eq!(one.sync(foreign.vault(), NOW).unwrap_err().code(), "unlock.other-account");
}

#[test]
fn both_ends_can_be_shared_between_threads() {
    fn shared<T: Send + std::marker::Sync>() {}
    shared::<Agent>();
    shared::<Owner>();
    shared::<TokenKey>();
    shared::<PendingAgent>();
}
