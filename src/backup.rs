//! The backup file: a keyring under a passphrase or a recovery key, as text that people can keep (SPEC.md#backup).
//!
//! It opens without the service and after a lost password.

use core::fmt;

use zeroize::Zeroizing;

use crate::crockford;
use crate::error::{CredentialError, EntropyError, ParseError, UnlockError};
use crate::hash;
use crate::id::AccountId;
use crate::identity::Fingerprint;
use crate::keyring::Keyring;
use crate::opening_keys::OpeningKeys;
use crate::password::{Kdf, Opened, Password, Purpose, Stretch, Stretched, VAULT_MAX, WrapKeys, Wrapped};
use crate::secret::Secret;
use crate::suite::Kind;
use crate::token_batch::RevealBatch;
use crate::wire;

const BEGIN: &str = "-----BEGIN BLINDTALLY BACKUP-----";
const END: &str = "-----END BLINDTALLY BACKUP-----";
const COLUMNS: usize = 64;
/// Base64, line ends and a header with room to spare.
const TEXT_MAX: usize = VAULT_MAX / 2 * 3;

/// 128 random bits that open a backup without a passphrase: 28 characters on paper.
#[derive(Debug)]
pub struct RecoveryKey(Secret<16>);

impl RecoveryKey {
    pub(crate) fn generate() -> Result<Self, EntropyError> {
        Secret::random().map(Self)
    }

    /// Reads the 28 characters of [`RecoveryKey::to_text`] as typed: case, hyphens and spaces do not matter.
    ///
    /// # Errors
    /// [`CredentialError::RecoveryKey`] if it was mistyped.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        crockford::decode_checked(text).map(Self).ok_or(CredentialError::RecoveryKey)
    }

    /// 28 characters in groups of four, for paper.
    pub fn to_text(&self) -> Zeroizing<String> {
        crockford::encode_checked(&self.0)
    }

    pub(crate) fn wrap_keys(&self, account: AccountId, salt: &[u8; 16]) -> WrapKeys {
        WrapKeys::from_recovery_key(&self.0, account, salt)
    }
}

/// What opens a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupLock {
    /// A passphrase, stretched like a password.
    Passphrase(Kdf),
    /// A recovery key.
    RecoveryKey,
}

/// A backup file, still sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Backup {
    bytes: Vec<u8>,
    /// The first 120 bits of the account's fingerprint, as the readable header names them.
    fingerprint: [u8; 15],
    account: AccountId,
    lock: BackupLock,
    salt: [u8; 16],
}

impl Backup {
    pub(crate) fn new(bytes: Vec<u8>, fingerprint: &Fingerprint) -> Result<Self, ParseError> {
        Self::with_fingerprint(bytes, fingerprint.prefix())
    }

    fn with_fingerprint(bytes: Vec<u8>, fingerprint: [u8; 15]) -> Result<Self, ParseError> {
        let wrapped = Wrapped::parse(&bytes, Kind::Backup)?;
        let lock = wrapped.kdf.map_or(BackupLock::RecoveryKey, BackupLock::Passphrase);
        let (account, salt) = (wrapped.account, wrapped.salt);
        Ok(Self { bytes, fingerprint, account, lock, salt })
    }

    /// Reads the text of [`Backup::to_text`]. Blank lines, indentation, line ends, text before and after do not matter.
    ///
    /// # Errors
    /// [`ParseError::Checksum`] for a damaged file, other [`ParseError`]s for what is not one.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > TEXT_MAX {
            return Err(ParseError::TooLong);
        }
        let (_, rest) = text.split_once(BEGIN).ok_or(ParseError::Magic)?;
        let (inner, _) = rest.split_once(END).ok_or(ParseError::Truncated)?;
        let mut body = String::with_capacity(inner.len());
        let (mut code, mut checksum) = (None, None);
        for line in inner.lines() {
            match line.split_once(':') {
                Some((name, value)) => match name.trim() {
                    "Fingerprint" => code = Some(value.trim().to_owned()),
                    "Checksum" => checksum = Some(value.trim().to_owned()),
                    _ => {}
                },
                None => body.extend(line.chars().filter(|c| !c.is_whitespace())),
            }
        }
        // SPEC.md#backup-fields, SPEC.md#backup-checksum
        let (code, checksum) = code.zip(checksum).ok_or(ParseError::Truncated)?;
        let bytes = wire::decode_text("", &body)?.to_vec();
        if checksum != checksum_of(&bytes) {
            return Err(ParseError::Checksum);
        }
        let code = crockford::decode::<15>(&code, Fingerprint::CODE_CHARS).ok_or(ParseError::Encoding)?;
        Self::with_fingerprint(bytes, *code.expose())
    }

    /// The file: a header for people, then the sealed keyring in base64url, between two marker lines.
    pub fn to_text(&self) -> String {
        let lock = match self.lock {
            BackupLock::Passphrase(_) => "passphrase",
            BackupLock::RecoveryKey => "recovery key",
        };
        let mut text = format!(
            "{BEGIN}\nAccount: {}\nFingerprint: {}\nOpens with: {lock}\nChecksum: {}\n\n",
            self.account,
            *crockford::encode(&self.fingerprint, Fingerprint::CODE_CHARS, 4),
            checksum_of(&self.bytes)
        );
        let body = wire::encode_text("", &self.bytes);
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, tail) = rest.split_at(COLUMNS.min(rest.len()));
            text.push_str(line);
            text.push('\n');
            rest = tail;
        }
        text.push_str(END);
        text.push('\n');
        text
    }

    /// The account that the file says it is of.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What opens it.
    pub fn lock(&self) -> BackupLock {
        self.lock
    }

    /// The slow step, for a backup with a passphrase.
    ///
    /// # Errors
    /// [`UnlockError::NeedsRecoveryKey`]; [`UnlockError::Credential`] for parameters out of bounds.
    pub fn stretch(&self) -> Result<Stretch, UnlockError> {
        match self.lock {
            BackupLock::Passphrase(kdf) => {
                Ok(Stretch::new(kdf, "", self.account, Purpose::BackupPassphrase, &self.salt)?)
            }
            BackupLock::RecoveryKey => Err(UnlockError::NeedsRecoveryKey),
        }
    }

    /// Opens it with its passphrase.
    ///
    /// # Errors
    /// [`UnlockError::Wrong`] for a wrong passphrase, [`UnlockError::OtherAccount`] if the readable header names
    /// another account's fingerprint than the sealed one.
    pub fn open_with_passphrase(&self, passphrase: &Password) -> Result<Restored, UnlockError> {
        self.open_stretched(self.stretch()?.run(passphrase)?)
    }

    /// Opens it with its passphrase as a platform stretched it.
    ///
    /// # Errors
    /// As [`Backup::open_with_passphrase`].
    pub fn open_stretched(&self, stretched: Stretched) -> Result<Restored, UnlockError> {
        match self.lock {
            BackupLock::Passphrase(_) => self.open(&WrapKeys::from_password(stretched, None)),
            BackupLock::RecoveryKey => Err(UnlockError::NeedsRecoveryKey),
        }
    }

    /// Opens it with its recovery key.
    ///
    /// # Errors
    /// As [`Backup::open_with_passphrase`], and [`UnlockError::NeedsPassphrase`].
    pub fn open_with_recovery_key(&self, key: &RecoveryKey) -> Result<Restored, UnlockError> {
        match self.lock {
            BackupLock::RecoveryKey => self.open(&key.wrap_keys(self.account, &self.salt)),
            BackupLock::Passphrase(_) => Err(UnlockError::NeedsPassphrase),
        }
    }

    fn open(&self, keys: &WrapKeys) -> Result<Restored, UnlockError> {
        let opened: Opened = Wrapped::parse(&self.bytes, Kind::Backup)?.open(keys)?;
        let keyring = Keyring::open(&opened)?;
        // SPEC.md#backup-fingerprint
        if keyring.identity.public().fingerprint().prefix() != self.fingerprint {
            return Err(UnlockError::OtherAccount);
        }
        let keys = OpeningKeys::new(&keyring);
        Ok(Restored { keyring, keys })
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backup({}, {:?})", self.account, self.lock)
    }
}

/// An opened backup: opens everything offline, and becomes an [`crate::Owner`] again with a new password.
pub struct Restored {
    pub(crate) keyring: Keyring,
    pub(crate) keys: OpeningKeys,
}

impl Restored {
    /// The account.
    pub fn account(&self) -> AccountId {
        self.keyring.account
    }

    /// The account's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.keyring.identity.public().fingerprint()
    }

    /// Opens one token.
    ///
    /// # Errors
    /// As [`crate::Owner::reveal`].
    pub fn reveal(&self, token: &crate::Token) -> Result<String, crate::RevealError> {
        self.keys.reveal(token)
    }

    /// Opens many tokens, of any classes and epochs, from text; each has a result of its own in `out`.
    pub fn reveal_batch(&self, texts: impl IntoIterator<Item = impl AsRef<str>>, out: &mut RevealBatch) {
        self.keys.reveal_batch(texts, out);
    }

    /// What opens records, blobs and archives.
    pub fn opening_keys(&self) -> &OpeningKeys {
        &self.keys
    }
}

impl fmt::Debug for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Restored({}, ..)", self.keyring.account)
    }
}

fn checksum_of(bytes: &[u8]) -> String {
    hash::checksum("blindtally/v1/backup-check", bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
