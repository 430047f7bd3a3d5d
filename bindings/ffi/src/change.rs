//! What an operation of the owner's leads to: a new vault to store first, and messages to send only after that.

use std::sync::Arc;

use crate::error::BlindtallyError;
use crate::given::signed;
use crate::held::Held;
use crate::password::Prelogin;

/// A new state of the account. Store `vault` at the service if it still holds generation `expected`; only when that
/// succeeded, call `committed` and send what it gives.
#[derive(uniffi::Object)]
pub struct Change {
    vault: Vec<u8>,
    expected: u64,
    generation: u64,
    outbox: Held<blindtally::Outbox>,
}

impl Change {
    pub(crate) fn new(change: blindtally::Change) -> Arc<Self> {
        let vault = change.vault().to_vec();
        let (expected, generation) = (change.expected(), change.generation());
        // Taken out of the core's change to stay apart from the vault, which can be read again later.
        Arc::new(Self { vault, expected, generation, outbox: Held::new(change.committed()) })
    }
}

#[uniffi::export]
impl Change {
    /// The vault: opaque to the service.
    pub fn vault(&self) -> Vec<u8> {
        self.vault.clone()
    }

    /// The generation that the service must still hold: 0 for a new account.
    pub fn expected(&self) -> i64 {
        signed(self.expected)
    }

    /// The generation of this vault.
    pub fn generation(&self) -> i64 {
        signed(self.generation)
    }

    /// Says that the service stored the vault, and opens the outbox. Once only.
    ///
    /// # Errors
    /// `binding.closed` if it was called before.
    pub fn committed(&self) -> Result<Outbox, BlindtallyError> {
        let outbox = self.outbox.take()?;
        let delivery = |(device, message): &(_, Vec<u8>)| Delivery {
            device: ToString::to_string(device),
            message: message.clone(),
        };
        Ok(Outbox {
            deliveries: outbox.deliveries().iter().map(delivery).collect(),
            policy: outbox.policy().map(<[u8]>::to_vec),
            revoked: outbox.revoked().iter().map(ToString::to_string).collect(),
        })
    }
}

/// A delivery of keys, and the device that it is for.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Delivery {
    /// The device's id: 32 hexadecimal digits.
    pub device: String,
    /// What its agent accepts.
    pub message: Vec<u8>,
}

/// Messages that a stored change allows to be sent.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Outbox {
    /// What devices get: one delivery after an approval.
    pub deliveries: Vec<Delivery>,
    /// The new signed policy, for every device, revoked ones too; none if it did not change.
    pub policy: Option<Vec<u8>>,
    /// Ids of devices that the service should take nothing from any more.
    pub revoked: Vec<String>,
}

/// A changed password: what the service needs to exchange the old for the new in one transaction.
#[derive(uniffi::Object)]
pub struct PasswordChange {
    old_proof: blindtally::LoginProof,
    new_proof: blindtally::LoginProof,
    prelogin: Prelogin,
    change: Arc<Change>,
}

impl PasswordChange {
    pub(crate) fn new(changed: blindtally::PasswordChange) -> Arc<Self> {
        let blindtally::PasswordChange { old_proof, new_proof, prelogin, change } = changed;
        Arc::new(Self { old_proof, new_proof, prelogin: prelogin.into(), change: Change::new(change) })
    }
}

#[uniffi::export]
impl PasswordChange {
    /// What to answer to prelogin from now on.
    pub fn prelogin(&self) -> Prelogin {
        self.prelogin.clone()
    }

    /// The rewrapped vault. Its outbox is empty.
    pub fn change(&self) -> Arc<Change> {
        self.change.clone()
    }

    /// Shows the service that the old password was known: 32 secret bytes, yours to wipe.
    pub fn old_proof(&self) -> Vec<u8> {
        self.old_proof.expose().to_vec()
    }

    /// The proof to take from now on: 32 secret bytes, yours to wipe. The service keeps a SHA-256 of them.
    pub fn new_proof(&self) -> Vec<u8> {
        self.new_proof.expose().to_vec()
    }
}

/// What became of a vault that the service showed.
#[derive(uniffi::Enum)]
pub enum SyncOutcome {
    /// It holds what this owner holds.
    Same,
    /// It held more: this owner has taken it over.
    Adopted,
    /// This owner held more, or both held something of their own: store the union.
    Store {
        /// What to store.
        change: Arc<Change>,
    },
}

impl From<blindtally::Sync> for SyncOutcome {
    fn from(sync: blindtally::Sync) -> Self {
        match sync {
            blindtally::Sync::Same => Self::Same,
            blindtally::Sync::Adopted => Self::Adopted,
            blindtally::Sync::Store(change) => Self::Store { change: Change::new(*change) },
        }
    }
}
