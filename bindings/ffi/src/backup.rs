//! Backups, which open without the service and after a lost password.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::BlindtallyError;
use crate::held::Held;
use crate::opening::{OpeningKeys, Source};
use crate::password;

/// What opens a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum BackupLock {
    /// A passphrase.
    Passphrase,
    /// A recovery key.
    RecoveryKey,
}

/// A backup file, still sealed.
#[derive(uniffi::Object)]
pub struct Backup {
    backup: blindtally::Backup,
}

impl Backup {
    pub(crate) fn new(backup: blindtally::Backup) -> Arc<Self> {
        Arc::new(Self { backup })
    }
}

#[uniffi::export]
impl Backup {
    /// Reads what `to_text` gave. White space, line ends, text before and after do not matter.
    ///
    /// # Errors
    /// `malformed.`: it is damaged (`malformed.checksum`), or not a backup.
    #[uniffi::constructor]
    pub fn parse(text: String) -> Result<Arc<Self>, BlindtallyError> {
        Ok(Self::new(blindtally::Backup::parse(&text)?))
    }

    /// The file: a header for people, then the sealed keys, between two marker lines.
    pub fn to_text(&self) -> String {
        self.backup.to_text()
    }

    /// The id of the account that the file says it is of: 32 hexadecimal digits.
    pub fn account(&self) -> String {
        self.backup.account().to_string()
    }

    /// What opens it.
    pub fn lock(&self) -> BackupLock {
        match self.backup.lock() {
            blindtally::BackupLock::Passphrase(_) => BackupLock::Passphrase,
            blindtally::BackupLock::RecoveryKey => BackupLock::RecoveryKey,
        }
    }

    /// Opens it with its passphrase, as UTF-8. Takes about half a second.
    ///
    /// # Errors
    /// `unlock.wrong` for a wrong passphrase, `unlock.needs-recovery-key`, `password.invalid`, `kdf.`.
    pub fn open_with_passphrase(&self, passphrase: Vec<u8>) -> Result<Arc<Restored>, BlindtallyError> {
        let passphrase = password::password(passphrase)?;
        Ok(Restored::new(self.backup.open_with_passphrase(&passphrase)?))
    }

    /// Opens it with its recovery key.
    ///
    /// # Errors
    /// `unlock.wrong` for a wrong key, `unlock.needs-passphrase`.
    pub fn open_with_recovery_key(&self, key: Arc<RecoveryKey>) -> Result<Arc<Restored>, BlindtallyError> {
        Ok(Restored::new(self.backup.open_with_recovery_key(&key.key)?))
    }
}

/// 128 random bits that open a backup without a passphrase.
#[derive(uniffi::Object)]
pub struct RecoveryKey {
    key: blindtally::RecoveryKey,
}

impl RecoveryKey {
    pub(crate) fn new(key: blindtally::RecoveryKey) -> Arc<Self> {
        Arc::new(Self { key })
    }
}

#[uniffi::export]
impl RecoveryKey {
    /// Reads the 28 characters of `to_text` as typed: case, hyphens and spaces do not matter.
    ///
    /// # Errors
    /// `recovery-key.invalid`: it was mistyped.
    #[uniffi::constructor]
    pub fn parse(text: String) -> Result<Arc<Self>, BlindtallyError> {
        let text = Zeroizing::new(text);
        Ok(Self::new(blindtally::RecoveryKey::parse(&text)?))
    }

    /// 28 characters in groups of four, for paper. They are secret.
    pub fn to_text(&self) -> String {
        self.key.to_text().to_string()
    }
}

/// A backup and the recovery key that opens it, and nothing else does.
#[derive(uniffi::Record)]
pub struct KeyedBackup {
    /// The backup.
    pub backup: Arc<Backup>,
    /// Its key: keep the two apart.
    pub key: Arc<RecoveryKey>,
}

/// An opened backup: opens everything offline, and becomes an `Owner` again by `restore_account`, which uses it up.
#[derive(uniffi::Object)]
pub struct Restored {
    pub(crate) held: Arc<Held<Source>>,
}

impl Restored {
    fn new(restored: blindtally::Restored) -> Arc<Self> {
        Arc::new(Self { held: Arc::new(Held::new(Source::Restored(restored))) })
    }
}

#[uniffi::export]
impl Restored {
    /// What opens tokens, records, blobs and archives, as long as this is neither wiped nor used up.
    pub fn opening_keys(&self) -> Arc<OpeningKeys> {
        OpeningKeys::new(&self.held)
    }

    /// Wipes the keys now, whoever still refers to this object.
    pub fn wipe(&self) {
        self.held.wipe();
    }
}
