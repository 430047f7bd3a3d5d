//! What a computer without memory for Argon2id is told: the test runs itself again, in a process that may have little.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;

use blindtally::*;

const HAS_LITTLE: &str = "BLINDTALLY_TEST_HAS_LITTLE_MEMORY";

#[test]
fn argon2id_without_memory_is_an_error_and_no_abort() {
    if std::env::var_os(HAS_LITTLE).is_some() {
        let kdf = Kdf::Argon2id { m_kib: 1024 * 1024, t: 2, p: 1 };
        let prelogin = Prelogin { kdf, salt: [1; 16], account: AccountId::from_bytes([2; 16]) };
        let login = Login::start(LoginName::new("anna@example.com").unwrap(), prelogin).unwrap();
        assert_eq!(login.stretch().run(&support::password()).unwrap_err(), CredentialError::Memory);
        return;
    }
    let mut again = Command::new("sh");
    again.args(["-c", "ulimit -v 700000; exec \"$0\""]).arg(std::env::current_exe().unwrap());
    let output = again.env(HAS_LITTLE, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
