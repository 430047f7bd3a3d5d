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
