//! What holds for every input: round trips, and the refusal of every damaged artefact.
#![allow(clippy::unwrap_used)]

mod support;

use std::cell::RefCell;
use std::sync::OnceLock;

use blindtally::*;
use proptest::prelude::*;
use support::*;

/// Everything that crosses the service or lies on a disk, made once.
struct World {
    owner: Owner,
    agent: Agent,
    pending: PendingAgent,
    request: Vec<u8>,
    delivery: Vec<u8>,
    policy: Vec<u8>,
    vault: Vec<u8>,
    backup: String,
    recovery_key: RecoveryKey,
    ticket: String,
    wrapped: Vec<u8>,
    wrapping_key: Secret<32>,
    record: Record,
    kept: Vec<u8>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (mut owner, _) = owner();
        let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
        let (pending, request) = Agent::enroll_with(&ticket, "anna-laptop", device_identity()).unwrap();
        let record = pending.queue(TokenClass::TITLE, "queued", 7).unwrap();
        let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
        let change = owner.approve(verified, NOW).unwrap();
        let vault = change.vault().to_vec();
        let delivery = change.committed().delivery().to_vec();
        let agent = pending.accept(&delivery).unwrap();
        let policy = owner.policy().as_bytes().to_vec();
        let (backup, recovery_key) = owner.backup_with_recovery_key().unwrap();
        let wrapping_key = Secret::random().unwrap();
        let wrapped = agent.save().wrap(&wrapping_key).unwrap();
        let kept = owner.keep_unlocked().expose().to_vec();
        World {
            request: request.as_bytes().to_vec(),
            ticket: ticket.to_text().to_string(),
            backup: backup.to_text(),
            owner,
            agent,
            pending,
            delivery,
            policy,
            vault,
            recovery_key,
            wrapped,
            wrapping_key,
            record,
            kept,
        }
    })
}

/// A way to damage bytes: change one, cut the end off, or add to it.
#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
    Extend(u8),
}

impl Damage {
    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Self::Flip(at, mask) => {
                let at = at.index(bytes.len());
                bytes[at] ^= mask;
            }
            Self::Truncate(to) => bytes.truncate(to.index(bytes.len())),
            Self::Extend(byte) => bytes.push(*byte),
        }
        bytes
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 1u8..).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Truncate),
        1 => any::<u8>().prop_map(Damage::Extend),
    ]
}

/// Opens a vault without stretching again for every case.
fn opens(vault: &[u8]) -> bool {
    static STRETCHED: OnceLock<[u8; 32]> = OnceLock::new();
    let login = Login::start(LoginName::new("anna@example.com").unwrap(), world().owner.prelogin()).unwrap();
    let derived = STRETCHED.get_or_init(|| {
        let Kdf::Argon2id { m_kib, t, p } = KDF else { unreachable!("tests use Argon2id") };
        let params = argon2::Params::new(m_kib, t, p, Some(32)).unwrap();
        let mut out = [0; 32];
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(password().expose(), login.stretch().salt(), &mut out)
            .unwrap();
        out
    });
    Owner::unlock(login.finish(Stretched::from_platform(Secret::copy_of(derived)), None), vault, 0).is_ok()
}

fn resumes(kept: &[u8]) -> Result<Unlocking, UnlockError> {
    let login = Login::start(LoginName::new("anna@example.com").unwrap(), world().owner.prelogin()).unwrap();
    login.resume(&KeptLogin::from_exposed(kept.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_value_comes_back_as_it_was(value in "\\PC{0,200}", class in 1u8..=7) {
        prop_assume!(class != 3);
        let class = TokenClass::from_id(class).unwrap();
        let token = world().agent.tokenize(class, &value).unwrap();
        let parsed: Token = token.to_string().parse().unwrap();
        prop_assert_eq!(world().owner.reveal(&parsed).unwrap(), value);
    }

    #[test]
    fn equal_tokens_are_equal_values(a in "[ab]{0,3}", b in "[ab]{0,3}") {
        let token = |value: &str| world().agent.tokenize(TokenClass::TITLE, value).unwrap();
        prop_assert_eq!(token(&a) == token(&b), a == b);
    }

    #[test]
    fn a_damaged_delivery_is_refused_and_changes_nothing(damage in damage()) {
        let damaged = damage.apply(&world().delivery);
        prop_assert!(world().pending.accept(&damaged).is_err());
    }

    #[test]
    fn a_damaged_policy_is_refused(damage in damage()) {
        let mut agent = world().agent.save().restore().unwrap().agent().unwrap();
        prop_assert!(agent.apply_policy(&damage.apply(&world().policy)).is_err());
        prop_assert_eq!(agent.policy(), world().agent.policy());
    }

    #[test]
    fn a_damaged_request_is_refused(damage in damage()) {
        prop_assert!(EnrollmentRequest::from_bytes(&damage.apply(&world().request)).is_err());
    }

    #[test]
    fn a_damaged_vault_does_not_open(damage in damage()) {
        prop_assert!(opens(&world().vault));
        prop_assert!(!opens(&damage.apply(&world().vault)));
    }

    #[test]
    fn a_damaged_ticket_is_refused(damage in damage()) {
        let damaged = damage.apply(world().ticket.as_bytes());
        if let Ok(text) = core::str::from_utf8(&damaged)
            && text.trim() != world().ticket
        {
            prop_assert!(Ticket::parse(text).is_err());
        }
    }

    #[test]
    fn a_damaged_backup_opens_to_the_same_keys_or_not_at_all(damage in damage()) {
        let damaged = damage.apply(world().backup.as_bytes());
        // Only its marker lines and header carry bytes that mean nothing.
        if let Ok(text) = core::str::from_utf8(&damaged)
            && let Ok(backup) = Backup::parse(text)
            && let Ok(restored) = backup.open_with_recovery_key(&world().recovery_key)
        {
            prop_assert_eq!(restored.fingerprint(), world().owner.fingerprint());
        }
    }

    #[test]
    fn a_damaged_wrapped_state_does_not_open(damage in damage()) {
        let damaged = damage.apply(&world().wrapped);
        prop_assert!(SavedAgent::unwrap_with(&damaged, &world().wrapping_key).is_err());
    }

    #[test]
    fn a_damaged_kept_login_does_not_resume(damage in damage()) {
        prop_assert!(resumes(&world().kept).is_ok());
        prop_assert!(resumes(&damage.apply(&world().kept)).is_err());
    }

    #[test]
    fn a_damaged_record_does_not_open(damage in damage()) {
        let damaged = damage.apply(world().record.as_bytes());
        if let Ok(record) = Record::from_bytes(&damaged) {
            prop_assert!(world().agent.dequeue(&record).is_err());
        }
    }

    #[test]
    fn parsers_take_any_bytes_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in "[DEKLPRSTV]", suite in 0u8..=255) {
        let artefact = [b"BT", kind.as_bytes(), &[suite], &bytes].concat();
        for input in [&bytes, &artefact] {
            let _ = EnrollmentRequest::from_bytes(input).is_err();
            let _ = world().pending.accept(input).is_err();
            let _ = Token::from_bytes(input).is_err();
            let _ = Record::from_bytes(input).is_err();
            let _ = SavedAgent::from_exposed(input.clone()).restore().is_err();
            prop_assert!(resumes(input).is_err());
            prop_assert!(!opens(input));
        }
    }

    #[test]
    fn parsers_take_any_text_without_a_panic(text in "\\PC{0,300}") {
        let _ = Ticket::parse(&format!("btt1_{text}")).is_err();
        let _ = Record::parse(&format!("br1_{text}")).is_err();
        let _ = format!("bt1_{text}").parse::<Token>().is_err();
        let _ = AccountCode::parse(&text).is_err();
        let _ = RecoveryKey::parse(&text).is_err();
        let backup = format!("-----BEGIN BLINDTALLY BACKUP-----\n{text}\n-----END BLINDTALLY BACKUP-----");
        prop_assert!(Backup::parse(&backup).is_err());
    }

    #[test]
    fn codes_that_people_type_come_back(bytes in any::<[u8; 16]>()) {
        let account = AccountId::from_bytes(bytes);
        let text = format!("{account}");
        prop_assert_eq!(text.parse::<AccountId>().unwrap(), account);
    }

    #[test]
    fn a_canonical_form_is_its_own_canonical_form(value in "\\PC{0,80}") {
        for form in [CanonicalForm::Exact, CanonicalForm::AsciiLowercase] {
            let once = form.apply(&value).into_owned();
            let twice = form.apply(&once);
            prop_assert_eq!(&*twice, &once);
        }
    }
}

/// No change of one byte leaves the artefact one that is taken.
fn refused_at_every_byte(artefact: &[u8], taken: impl Fn(&[u8]) -> bool) {
    assert!(taken(artefact));
    for at in 0..artefact.len() {
        for mask in [1, 0x80] {
            let mut damaged = artefact.to_vec();
            damaged[at] ^= mask;
            assert!(!taken(&damaged), "byte {at}");
        }
    }
}

#[test]
fn every_single_changed_byte_of_a_delivery_is_noticed() {
    refused_at_every_byte(&world().delivery, |delivery| world().pending.accept(delivery).is_ok());
}

#[test]
fn every_single_changed_byte_of_a_policy_is_noticed() {
    let agent = RefCell::new(world().agent.save().restore().unwrap().agent().unwrap());
    refused_at_every_byte(&world().policy, |policy| agent.borrow_mut().apply_policy(policy).is_ok());
}

#[test]
fn every_single_changed_byte_of_a_request_is_noticed() {
    refused_at_every_byte(&world().request, |request| EnrollmentRequest::from_bytes(request).is_ok());
}

#[test]
fn every_single_changed_byte_of_a_vault_is_noticed() {
    refused_at_every_byte(&world().vault, opens);
}

#[test]
fn every_single_changed_byte_of_a_kept_login_is_noticed() {
    refused_at_every_byte(&world().kept, |kept| resumes(kept).is_ok());
}

#[test]
fn every_single_changed_byte_of_a_wrapped_state_is_noticed() {
    let unwraps = |state: &[u8]| SavedAgent::unwrap_with(state, &world().wrapping_key).is_ok();
    refused_at_every_byte(&world().wrapped, unwraps);
}

#[test]
fn every_single_changed_byte_of_a_token_a_record_and_a_blob_is_noticed() {
    let World { owner, agent, .. } = world();
    let token = agent.tokenize(TokenClass::TITLE, &"title".repeat(20)).unwrap();
    refused_at_every_byte(token.as_bytes(), |token| {
        Token::from_bytes(token).is_ok_and(|token| owner.reveal(&token).is_ok())
    });
    let record = agent.seal_record(RecordClass::CHAT, "message", 7).unwrap();
    refused_at_every_byte(record.as_bytes(), |record| {
        Record::from_bytes(record).is_ok_and(|record| owner.open_record(&record).is_ok())
    });
    let blob = agent.seal_blob(BlobClass::VOICE, 7, b"voice").unwrap();
    refused_at_every_byte(&blob, |blob| owner.open_blob(blob).is_ok());
}
