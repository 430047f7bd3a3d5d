//! Passwords: stretching them, the login proof, and the vault that wraps a keyring at the service (SPEC.md#vault).
//!
//! Every step is available without I/O, so that a platform may do the slow one: [`Login::start`] checks the service's
//! parameters, [`Stretch`] says what to derive, [`Login::finish`] takes the result.

use core::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::aead;
use crate::crockford;
use crate::error::{CredentialError, EntropyError, ParseError, UnlockError};
use crate::hash::sha256;
use crate::id::AccountId;
use crate::kept_login::{KeptLogin, KeptParts};
use crate::master_key::expand;
use crate::secret::{self, Secret};
use crate::suite::{Kind, Suite};
use crate::wire::{Reader, Writer};

/// Longest login name in bytes after normalisation.
pub(crate) const LOGIN_MAX: usize = 320;
/// Longest password in bytes after normalisation.
const PASSWORD_MAX: usize = 1024;
/// Most iterations of PBKDF2 that anybody can make this library do.
pub(crate) const PBKDF2_CEILING: u32 = 10_000_000;
/// Longest vault or backup in bytes, about 8,000 devices.
pub(crate) const VAULT_MAX: usize = 8 << 20;

/// The name an account logs in by, normalised: NFKC, lower case, NFKC. Sent to the service as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginName(String);

impl LoginName {
    /// Normalises a name as a person typed it.
    ///
    /// # Errors
    /// [`CredentialError::Login`] unless 1 to 320 bytes without control characters are left, none of them white space
    /// at either end.
    pub fn new(name: &str) -> Result<Self, CredentialError> {
        let mut normal = String::new();
        for c in name.nfkc() {
            // Nothing shrinks fourfold after this; what is longer is not worth going on with.
            if normal.len() > 4 * LOGIN_MAX {
                return Err(CredentialError::Login);
            }
            normal.push(c);
        }
        Self::from_normal(normal.to_lowercase().nfkc().collect())
    }

    /// Takes a name that a platform has normalised: NFKC, lower case, NFKC (SPEC.md#login-name).
    ///
    /// # Errors
    /// As [`LoginName::new`].
    pub fn from_normal(name: String) -> Result<Self, CredentialError> {
        let sound = (1..=LOGIN_MAX).contains(&name.len())
            && name.trim().len() == name.len()
            && !name.chars().any(char::is_control);
        if sound { Ok(Self(name)) } else { Err(CredentialError::Login) }
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password or passphrase, NFKC-normalised. Wiped on drop.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Normalises a password as a person typed it; the caller wipes theirs.
    ///
    /// # Errors
    /// [`CredentialError::Password`] unless 1 to 1024 bytes are left.
    pub fn new(password: &str) -> Result<Self, CredentialError> {
        // Full capacity at once: growing would leave unwiped copies behind.
        let mut normal = Zeroizing::new(String::with_capacity(PASSWORD_MAX));
        for c in password.nfkc() {
            if normal.len() + c.len_utf8() > PASSWORD_MAX {
                return Err(CredentialError::Password);
            }
            normal.push(c);
        }
        Self::from_normal(normal)
    }

    /// Takes a password that a platform has brought into NFKC.
    ///
    /// # Errors
    /// As [`Password::new`].
    pub fn from_normal(password: Zeroizing<String>) -> Result<Self, CredentialError> {
        if (1..=PASSWORD_MAX).contains(&password.len()) { Ok(Self(password)) } else { Err(CredentialError::Password) }
    }

    /// The normalised UTF-8, for a platform that stretches it.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// 128 random bits that the owner keeps beside the password and never sends. Without it a vault cannot even be guessed
/// at. Whether there is one comes from the person, never from a header (SPEC.md#secret-from-person).
#[derive(Debug)]
pub struct AccountSecret(pub(crate) Secret<16>);

impl AccountSecret {
    /// A new random account secret.
    ///
    /// # Errors
    /// [`EntropyError`] if the operating system has no randomness.
    pub fn generate() -> Result<Self, EntropyError> {
        Secret::random().map(Self)
    }

    /// Reads the 28 characters of [`AccountSecret::to_text`] as typed: case, hyphens and spaces do not matter.
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

    /// Another copy in memory, for a caller who keeps theirs.
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

/// How a password is stretched, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kdf {
    /// PBKDF2-HMAC-SHA-256 (RFC 8018): 600,000 to 10,000,000 iterations.
    Pbkdf2 {
        /// Number of iterations.
        iterations: u32,
    },
    /// Argon2id v1.3 (RFC 9106): 19 MiB to 1 GiB, 2 to 16 passes, 1 to 4 lanes.
    Argon2id {
        /// Memory in KiB.
        m_kib: u32,
        /// Passes.
        t: u32,
        /// Lanes.
        p: u32,
    },
}

impl Kdf {
    /// Argon2id at 64 MiB, 3 passes, 1 lane.
    pub const ARGON2ID: Self = Self::Argon2id { m_kib: 64 * 1024, t: 3, p: 1 };

    const PBKDF2_ID: u8 = 1;
    const ARGON2ID_ID: u8 = 2;

    /// Floor and ceiling (SPEC.md#kdf-bounds), checked before anything is derived: the parameters come from the
    /// service.
    fn check(self) -> Result<Self, CredentialError> {
        let (floor, ceiling) = match self {
            Self::Pbkdf2 { iterations } => (iterations >= 600_000, iterations <= PBKDF2_CEILING),
            Self::Argon2id { m_kib, t, p } => {
                (m_kib >= 19 * 1024 && t >= 2 && p >= 1, m_kib <= 1024 * 1024 && t <= 16 && p <= 4)
            }
        };
        match (floor, ceiling) {
            (false, _) => Err(CredentialError::KdfFloor),
            (_, false) => Err(CredentialError::KdfCeiling),
            _ => Ok(self),
        }
    }

    pub(crate) fn write(self, out: &mut Writer) {
        match self {
            Self::Pbkdf2 { iterations } => out.u8(Self::PBKDF2_ID).u32(iterations),
            Self::Argon2id { m_kib, t, p } => out.u8(Self::ARGON2ID_ID).u32(m_kib).u32(t).u32(p),
        };
    }

    /// The inverse of [`Kdf::write`], of any cost; `None` where nothing is stretched.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, ParseError> {
        match reader.u8()? {
            Self::PBKDF2_ID => Ok(Some(Self::Pbkdf2 { iterations: reader.u32()? })),
            Self::ARGON2ID_ID => Ok(Some(Self::Argon2id { m_kib: reader.u32()?, t: reader.u32()?, p: reader.u32()? })),
            NO_KDF => Ok(None),
            _ => Err(ParseError::Value),
        }
    }
}

/// PBKDF2 with 1,000,000 iterations: what every platform has natively.
impl Default for Kdf {
    fn default() -> Self {
        Self::Pbkdf2 { iterations: 1_000_000 }
    }
}

/// What a wrapping is for; bound into its salt and header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Purpose {
    Login = 1,
    BackupPassphrase = 2,
    BackupRecoveryKey = 3,
}

/// What the service says of an account before login: nothing in it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prelogin {
    /// How the password is stretched.
    pub kdf: Kdf,
    /// Random salt.
    pub salt: [u8; 16],
    /// The account.
    pub account: AccountId,
}

/// The slow step, for whoever does it: PBKDF2 or Argon2id of a password's normalised bytes, 32 bytes out.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    kdf: Kdf,
    salt: [u8; 32],
}

impl Stretch {
    pub(crate) fn new(
        kdf: Kdf,
        login: &str,
        account: AccountId,
        purpose: Purpose,
        salt: &[u8; 16],
    ) -> Result<Self, CredentialError> {
        Ok(Self { kdf: kdf.check()?, salt: bound_salt(login, account, purpose, salt) })
    }

    /// The algorithm and its cost, within bounds.
    pub fn kdf(&self) -> Kdf {
        self.kdf
    }

    /// The salt, already bound to login name, account and purpose.
    pub fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    /// Does the slow step here. Takes about half a second at the defaults.
    ///
    /// # Errors
    /// [`CredentialError::Memory`] if Argon2id gets no memory.
    pub fn run(&self, password: &Password) -> Result<Stretched, CredentialError> {
        let mut failed = false;
        let stretched = Secret::build(|out| match self.kdf {
            Kdf::Pbkdf2 { iterations } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password.expose(), &self.salt, iterations, out);
            }
            Kdf::Argon2id { m_kib, t, p } => {
                let derived =
                    argon2::Params::new(m_kib, t, p, Some(32)).and_then(|params| {
                        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                            .hash_password_into(password.expose(), &self.salt, out)
                    });
                failed = derived.is_err();
            }
        });
        if failed { Err(CredentialError::Memory) } else { Ok(Stretched(stretched)) }
    }
}

/// A stretched password: as good as the password itself.
#[derive(Debug)]
pub struct Stretched(Secret<32>);

impl Stretched {
    /// What a platform derived as [`Stretch`] says.
    pub fn from_platform(derived: Secret<32>) -> Self {
        Self(derived)
    }
}

/// `salt'` of SPEC.md#vault.
fn bound_salt(login: &str, account: AccountId, purpose: Purpose, salt: &[u8; 16]) -> [u8; 32] {
    let length = (login.len() as u16).to_be_bytes();
    sha256(&[b"blindtally/v1/salt", &length, login.as_bytes(), account.as_bytes(), &[purpose as u8], salt])
}

/// The three independent keys behind a password or recovery key.
pub(crate) struct WrapKeys {
    pub(crate) login: Secret<32>,
    pub(crate) wrap: Secret<32>,
    pub(crate) commit: Secret<32>,
}

impl WrapKeys {
    pub(crate) fn from_password(stretched: Stretched, account_secret: Option<&AccountSecret>) -> Self {
        match account_secret {
            Some(secret) => Self::derive(&extract(secret.0.expose(), stretched.0.expose())),
            None => Self::derive(&stretched.0),
        }
    }

    pub(crate) fn from_recovery_key(key: &Secret<16>, account: AccountId, salt: &[u8; 16]) -> Self {
        Self::derive(&extract(&bound_salt("", account, Purpose::BackupRecoveryKey, salt), key.expose()))
    }

    fn derive(s: &Secret<32>) -> Self {
        let output = |label: &[u8]| Secret::build(|out: &mut [u8; 32]| expand(s, &[label], out));
        Self {
            login: output(b"blindtally/v1/password/login"),
            wrap: output(b"blindtally/v1/password/wrap"),
            commit: output(b"blindtally/v1/password/commit"),
        }
    }

    pub(crate) fn proof(&self) -> LoginProof {
        LoginProof(self.login.duplicate())
    }
}

fn extract(salt: &[u8], ikm: &[u8]) -> Secret<32> {
    Secret::build(|out| {
        let (mut prk, _) = Hkdf::<Sha256>::extract(Some(salt), ikm);
        out.copy_from_slice(&prk);
        zeroize::Zeroize::zeroize(prk.as_mut_slice());
    })
}

/// What shows the service that the password is known, without showing the password. The service keeps a SHA-256 of it.
#[derive(Debug)]
pub struct LoginProof(Secret<32>);

impl LoginProof {
    pub(crate) fn from_secret(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// The 32 bytes to send.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// A login in progress: the service's parameters are within bounds, the password is not stretched yet.
#[derive(Debug)]
pub struct Login {
    name: LoginName,
    prelogin: Prelogin,
    stretch: Stretch,
}

impl Login {
    /// Takes what the service answered to `prelogin`.
    ///
    /// # Errors
    /// [`CredentialError::KdfFloor`] and [`CredentialError::KdfCeiling`] for parameters out of bounds.
    pub fn start(name: LoginName, prelogin: Prelogin) -> Result<Self, CredentialError> {
        let stretch = Stretch::new(prelogin.kdf, name.as_str(), prelogin.account, Purpose::Login, &prelogin.salt)?;
        Ok(Self { name, prelogin, stretch })
    }

    /// The slow step to do next.
    pub fn stretch(&self) -> &Stretch {
        &self.stretch
    }

    /// With the stretched password and the account secret, if the person says there is one.
    pub fn finish(self, stretched: Stretched, account_secret: Option<&AccountSecret>) -> Unlocking {
        let keys = WrapKeys::from_password(stretched, account_secret);
        self.unlocking(keys, account_secret.map(AccountSecret::duplicate))
    }

    /// With what [`Owner::keep_unlocked`](crate::Owner::keep_unlocked) kept, instead of the password
    /// (SPEC.md#kept-login-resume).
    ///
    /// ```
    /// # use blindtally::*;
    /// # fn main() -> Result<(), Error> {
    /// # let now = Timestamp::from_unix_secs(1_760_000_000);
    /// # let password = Password::new("correct horse battery staple")?;
    /// let (owner, change) = Owner::create("anna@example.com", &password, OwnerOptions::default(), now)?;
    /// let kept = owner.keep_unlocked(); // secret: seal it under a key of the platform's
    ///
    /// let login = Login::start(owner.login().clone(), owner.prelogin())?;
    /// let again = Owner::unlock(login.resume(&kept)?, change.vault(), change.generation())?;
    /// assert_eq!(again.account(), owner.account());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`UnlockError::KeptLogin`] if it was made for another login name, account or password than this login's,
    /// [`UnlockError::Malformed`] for damaged bytes.
    pub fn resume(self, kept: &KeptLogin) -> Result<Unlocking, UnlockError> {
        let KeptParts { name, prelogin, keys, account_secret } = kept.read()?;
        if name != self.name || prelogin != self.prelogin {
            return Err(UnlockError::KeptLogin);
        }
        Ok(self.unlocking(keys, account_secret))
    }

    fn unlocking(self, keys: WrapKeys, account_secret: Option<AccountSecret>) -> Unlocking {
        let Prelogin { kdf, salt, account } = self.prelogin;
        let wrapping = Wrapping { kdf: Some(kdf), salt, purpose: Purpose::Login, keys };
        Unlocking { name: self.name, account, wrapping, account_secret }
    }
}

/// A login that can prove itself to the service and open the vault that comes back.
pub struct Unlocking {
    pub(crate) name: LoginName,
    pub(crate) account: AccountId,
    pub(crate) wrapping: Wrapping,
    pub(crate) account_secret: Option<AccountSecret>,
}

impl Unlocking {
    /// What to send to the service in exchange for the vault.
    pub fn proof(&self) -> LoginProof {
        self.wrapping.keys.proof()
    }

    /// Opens the vault to the bytes of its keyring. The header must say what prelogin said (SPEC.md#unlock-order).
    pub(crate) fn open(&self, vault: &[u8]) -> Result<Opened, UnlockError> {
        let wrapped = Wrapped::parse(vault, Kind::Vault)?;
        if wrapped.account != self.account {
            return Err(UnlockError::OtherAccount);
        }
        if wrapped.kdf != self.wrapping.kdf || wrapped.salt != self.wrapping.salt {
            return Err(UnlockError::Header);
        }
        wrapped.open(&self.wrapping.keys)
    }
}

impl fmt::Debug for Unlocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unlocking({}, ..)", self.account)
    }
}

/// Everything needed to wrap a keyring again without asking for the password.
pub(crate) struct Wrapping {
    /// `None` for a recovery key, which needs no stretching.
    pub(crate) kdf: Option<Kdf>,
    pub(crate) salt: [u8; 16],
    pub(crate) purpose: Purpose,
    pub(crate) keys: WrapKeys,
}

impl Wrapping {
    /// Header, key commitment, nonce and sealed keyring.
    pub(crate) fn wrap(&self, account: AccountId, generation: u64, keyring: &[u8]) -> Result<Vec<u8>, OwnWrapError> {
        let kind = if self.purpose == Purpose::Login { Kind::Vault } else { Kind::Backup };
        let mut out = Writer::artefact(kind, Suite::Wrap);
        match self.kdf {
            Some(kdf) => kdf.write(&mut out),
            None => _ = out.u8(NO_KDF),
        }
        let nonce = secret::random::<12>()?;
        out.put(&self.salt).put(account.as_bytes()).u8(self.purpose as u8).u64(generation);
        out.put(self.keys.commit.expose()).put(&nonce);
        let sealed = aead::seal(&self.keys.wrap, &nonce, keyring, out.as_slice())?;
        out.put(&sealed);
        if out.as_slice().len() > VAULT_MAX {
            return Err(OwnWrapError::TooLong);
        }
        Ok(out.into_public())
    }
}

/// Why wrapping one's own keyring failed.
pub(crate) enum OwnWrapError {
    TooLong,
    Entropy(EntropyError),
}

impl From<EntropyError> for OwnWrapError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl From<ParseError> for OwnWrapError {
    fn from(_: ParseError) -> Self {
        Self::TooLong
    }
}

const NO_KDF: u8 = 3;

/// A parsed vault or backup, still sealed.
pub(crate) struct Wrapped<'a> {
    pub(crate) kdf: Option<Kdf>,
    pub(crate) salt: [u8; 16],
    pub(crate) account: AccountId,
    generation: u64,
    commit: Secret<32>,
    nonce: [u8; 12],
    header: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> Wrapped<'a> {
    pub(crate) fn parse(bytes: &'a [u8], kind: Kind) -> Result<Self, ParseError> {
        let mut reader = Reader::artefact(bytes, kind, Suite::Wrap, VAULT_MAX)?;
        let kdf = Kdf::read(&mut reader)?;
        let salt = reader.array()?;
        let account = AccountId::from_bytes(reader.array()?);
        // SPEC.md#backup-purpose
        let purpose = match (kind, kdf) {
            (Kind::Vault, Some(_)) => Purpose::Login,
            (Kind::Backup, Some(_)) => Purpose::BackupPassphrase,
            (Kind::Backup, None) => Purpose::BackupRecoveryKey,
            _ => return Err(ParseError::Value),
        };
        if reader.u8()? != purpose as u8 {
            return Err(ParseError::Value);
        }
        let generation = reader.u64()?;
        let commit = reader.secret()?;
        let nonce = reader.array()?;
        let header = reader.before();
        let sealed = reader.rest();
        if sealed.len() < aead::TAG_LEN {
            return Err(ParseError::Truncated);
        }
        Ok(Self { kdf, salt, account, generation, commit, nonce, header, sealed })
    }

    /// Compares the key commitment, in constant time and before anything else, then decrypts. One error for both, so
    /// that a crafted vault tells its maker nothing about the password (SPEC.md#unlock-one-error; Len, Grubbs,
    /// Ristenpart 2021).
    pub(crate) fn open(&self, keys: &WrapKeys) -> Result<Opened, UnlockError> {
        if self.commit != keys.commit {
            return Err(UnlockError::Wrong);
        }
        let keyring = aead::open(&keys.wrap, &self.nonce, self.sealed, self.header).ok_or(UnlockError::Wrong)?;
        Ok(Opened { account: self.account, generation: self.generation, keyring })
    }
}

/// An opened vault or backup: what its authenticated header says, and the keyring's bytes.
pub(crate) struct Opened {
    pub(crate) account: AccountId,
    pub(crate) generation: u64,
    pub(crate) keyring: Zeroizing<Vec<u8>>,
}
