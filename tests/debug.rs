//! What Debug prints, fixed, so that nobody prints a key by accident.
#![allow(clippy::unwrap_used)]

mod support;

use blindtally::*;
use support::*;

#[test]
fn debug_output_holds_no_secret() {
    let (owner, agent, pending) = running();
    let secret = Secret::copy_of(&[0x41; 32]);
    assert_eq!(format!("{secret:?}"), "Secret<32>(..)");
    assert_eq!(format!("{:?}", SecretBytes::from_vec(vec![0x41])), "SecretBytes(..)");
    assert_eq!(format!("{:?}", Password::new("hunter2").unwrap()), "Password(..)");
    assert_eq!(format!("{:?}", MasterKey::from_secret(secret)), "MasterKey(Secret<32>(..))");
    assert_eq!(format!("{:?}", owner.login_proof()), "LoginProof(Secret<32>(..))");
    assert_eq!(format!("{:?}", AccountSecret::generate().unwrap()), "AccountSecret(Secret<16>(..))");
    assert_eq!(format!("{:?}", owner.backup_with_recovery_key().unwrap().1), "RecoveryKey(Secret<16>(..))");
    assert_eq!(format!("{:?}", agent.save()), "SavedAgent(..)");
    assert_eq!(format!("{:?}", owner.keep_unlocked()), "KeptLogin(..)");
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(1), NOW).unwrap();
    assert_eq!(format!("{ticket:?}"), format!("Ticket({}, ..)", ticket.id()));
    let code = account_identity().public().fingerprint().code();
    assert_eq!(format!("{:?}", account_identity()), format!("Identity({code}, ..)"));
    assert_eq!(format!("{owner:?}"), format!("Owner({}, generation 2, ..)", owner.account()));
    assert_eq!(format!("{pending:?}"), format!("PendingAgent({}, ..)", agent.device_id()));
    assert_eq!(format!("{:?}", agent.claim()), format!("Claim({:?}, ..)", agent.claim().ticket()));
    let policy_version = NOW.unix_secs();
    let status = format!("Encrypted {{ policy_version: {policy_version}, epoch: Epoch(1) }}");
    assert_eq!(format!("{agent:?}"), format!("Agent({}, {status}, ..)", agent.device_id()));
    let keys = owner.opening_keys();
    assert_eq!(format!("{keys:?}"), format!("OpeningKeys({}, 1 epochs, ..)", owner.account()));
    let key = agent.blob_key(BlobClass::VOICE).unwrap();
    let scope = format!("Scope {{ account: AccountId({}), epoch: Epoch(1) }}", agent.account());
    assert_eq!(format!("{key:?}"), format!("BlobKey(BlobClass(34), {scope}, {}, ..)", agent.device_id()));
    let mut sealer = key.sealer(0).unwrap();
    sealer.update(b"secret", &mut Vec::new()).unwrap();
    let id = sealer.start().header().id;
    assert_eq!(format!("{sealer:?}"), format!("BlobSealer({id}, 6 bytes, ..)"));
    let blob = agent.seal_blob(BlobClass::VOICE, 0, b"secret").unwrap();
    let (start, _) = BlobStart::split(&blob).unwrap();
    let id = start.header().id;
    assert_eq!(format!("{:?}", keys.blob_opener(&start).unwrap()), "BlobOpener(chunk 0, ..)");
    assert_eq!(format!("{:?}", keys.blob_access(&start).unwrap()), format!("BlobAccess({id}, ..)"));
    assert_eq!(format!("{:?}", keys.blob_reader(&blob[..]).unwrap()), format!("BlobReader({id}, chunk 0, ..)"));
    let file = keys.blob_file(std::io::Cursor::new(&blob)).unwrap();
    assert_eq!(format!("{file:?}"), format!("BlobFile({id}, 6 bytes, ..)"));
}

#[test]
fn an_error_is_a_code_and_a_sentence_and_carries_no_data() {
    let codes = Error::all_codes();
    assert!(codes.iter().all(|(code, _)| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'-')));
    assert!(codes.is_sorted_by(|(a, _), (b, _)| a < b));
    assert!(size_of::<Error>() <= 8);
    assert_eq!(Error::from(UnlockError::Wrong).code(), "unlock.wrong");
    assert_eq!(Error::from(UnlockError::from(ParseError::Truncated)).code(), "malformed.truncated");
}
