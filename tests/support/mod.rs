//! Accounts and devices for tests, on key pairs that were made once, since making them takes seconds.
#![allow(dead_code, clippy::unwrap_used)]

use blindtally::*;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_secs(1_790_000_000);

/// The cheapest parameters that are within bounds.
pub(crate) const KDF: Kdf = Kdf::Argon2id { m_kib: 19 * 1024, t: 2, p: 1 };

macro_rules! identity {
    ($name:ident, $file:literal) => {
        pub(crate) fn $name() -> Identity {
            Identity::from_pkcs8(
                include_bytes!(concat!("../keys/", $file, "-encryption.pkcs8")),
                include_bytes!(concat!("../keys/", $file, "-signing.pkcs8")),
            )
            .unwrap()
        }
    };
}

identity!(account_identity, "account");
identity!(device_identity, "device1");
identity!(other_identity, "device2");

pub(crate) fn password() -> Password {
    Password::new("correct horse battery staple").unwrap()
}

pub(crate) fn options() -> OwnerOptions {
    OwnerOptions { kdf: KDF, identity: Some(account_identity()), ..OwnerOptions::default() }
}

pub(crate) fn owner() -> (Owner, Change) {
    Owner::create("Anna@example.com", &password(), options(), NOW).unwrap()
}

pub(crate) fn enrolled() -> (Owner, PendingAgent, EnrollmentRequest) {
    let (owner, _) = owner();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (pending, request) = Agent::enroll_with(&ticket, "anna-laptop", device_identity()).unwrap();
    (owner, pending, request)
}

pub(crate) fn running() -> (Owner, Agent, PendingAgent) {
    let (mut owner, pending, request) = enrolled();
    let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
    let outbox = owner.approve(verified, NOW).unwrap().committed();
    let agent = pending.accept(outbox.delivery()).unwrap();
    (owner, agent, pending)
}

/// Logs in as a new client would, with what the service holds.
pub(crate) fn unlock(prelogin: Prelogin, vault: &[u8], password: &Password, seen: u64) -> Result<Owner, Error> {
    let login = Login::start(LoginName::new("anna@example.com")?, prelogin)?;
    let stretched = login.stretch().run(password)?;
    Ok(Owner::unlock(login.finish(stretched, None), vault, seen)?)
}
