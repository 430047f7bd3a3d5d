//! What an operation of the owner's leads to: a new vault to store first, and messages to send only after that.

use core::fmt;

use crate::delivery::UnsignedDelivery;
use crate::id::DeviceId;
use crate::keyring::Keyring;
use crate::policy::Policy;
use crate::time::Timestamp;

/// A new state of the account. Store [`Change::vault`] at the service if it still holds generation
/// [`Change::expected`]; only when that succeeded, call [`Change::committed`] and send what it gives.
#[derive(Debug)]
#[must_use = "store the vault, then send the outbox"]
pub struct Change {
    pub(crate) vault: Vec<u8>,
    pub(crate) expected: u64,
    pub(crate) generation: u64,
    pub(crate) outbox: Outbox,
}

impl Change {
    /// The vault: opaque to the service.
    pub fn vault(&self) -> &[u8] {
        &self.vault
    }

    /// The generation that the service must still hold: 0 for a new account.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// The generation of this vault.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Says that the service stored the vault, and opens the outbox.
    pub fn committed(self) -> Outbox {
        self.outbox
    }
}

/// Messages that a stored change allows to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    pub(crate) deliveries: Vec<(DeviceId, Vec<u8>)>,
    pub(crate) policy: Option<Vec<u8>>,
    pub(crate) revoked: Vec<DeviceId>,
}

impl Outbox {
    /// A delivery for each device that gets one.
    pub fn deliveries(&self) -> &[(DeviceId, Vec<u8>)] {
        &self.deliveries
    }

    /// The only delivery, after an approval; empty where there is none.
    pub fn delivery(&self) -> &[u8] {
        self.deliveries.first().map_or(&[], |(_, delivery)| delivery)
    }

    /// The new signed policy, if it changed: for every device, revoked ones too.
    pub fn policy(&self) -> Option<&[u8]> {
        self.policy.as_deref()
    }

    /// Devices that the service should take nothing from any more.
    pub fn revoked(&self) -> &[DeviceId] {
        &self.revoked
    }
}

/// An operation that still needs signatures by the account's signing key, for callers who sign elsewhere (WebCrypto, an
/// HSM): RSASSA-PSS-SHA-256 with a 32-byte salt over each of [`Draft::messages`], then [`crate::Owner::advance`].
pub struct Draft {
    pub(crate) next: Keyring,
    pub(crate) stage: Stage,
    pub(crate) deliver_to: Vec<DeviceId>,
    pub(crate) revoked: Vec<DeviceId>,
    /// Set once the new policy is signed.
    pub(crate) policy_changed: PolicyChange,
    pub(crate) now: Timestamp,
}

pub(crate) enum Stage {
    Policy(Box<Policy>),
    Deliveries(Vec<UnsignedDelivery>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyChange {
    Kept,
    New,
}

impl Draft {
    /// The messages to sign, in order; none for an operation that sends nothing.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        match &self.stage {
            Stage::Policy(policy) => vec![Policy::message(&policy.encode())],
            Stage::Deliveries(unsigned) => unsigned.iter().map(UnsignedDelivery::message).collect(),
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} to sign, ..)", self.messages().len())
    }
}

/// Where an operation stands after signatures were added.
#[derive(Debug)]
#[must_use]
pub enum Progress {
    /// More to sign.
    Sign(Box<Draft>),
    /// Done.
    Done(Change),
}
