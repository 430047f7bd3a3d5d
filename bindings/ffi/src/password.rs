//! Passwords: how they are stretched, what the service says before a login, and the login itself.

use std::sync::Arc;

use blindtally::{KeptLogin, LoginName, Password};
use zeroize::Zeroizing;

use crate::error::{BlindtallyError, Misuse};
use crate::given::{self, narrow, secret_text};
use crate::held::Held;
use crate::owner::Owner;

/// How a password is stretched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum Kdf {
    /// PBKDF2-HMAC-SHA-256 (RFC 8018): 600,000 to 10,000,000 iterations. 1,000,000 is what is taken where none is given.
    Pbkdf2 {
        /// Number of iterations.
        iterations: i32,
    },
    /// Argon2id v1.3 (RFC 9106): 19 MiB to 1 GiB, 2 to 16 passes, 1 to 4 lanes.
    Argon2id {
        /// Memory in KiB.
        memory_kib: i32,
        /// Passes.
        passes: i32,
        /// Lanes.
        lanes: i32,
    },
}

impl Kdf {
    fn core(self) -> Result<blindtally::Kdf, Misuse> {
        Ok(match self {
            Self::Pbkdf2 { iterations } => blindtally::Kdf::Pbkdf2 { iterations: narrow(iterations)? },
            Self::Argon2id { memory_kib, passes, lanes } => {
                blindtally::Kdf::Argon2id { m_kib: narrow(memory_kib)?, t: narrow(passes)?, p: narrow(lanes)? }
            }
        })
    }
}

pub(crate) fn or_default(kdf: Option<Kdf>) -> Result<blindtally::Kdf, Misuse> {
    kdf.map_or_else(|| Ok(blindtally::Kdf::default()), Kdf::core)
}

pub(crate) fn password(bytes: Vec<u8>) -> Result<Password, BlindtallyError> {
    Ok(Password::new(&secret_text(bytes)?)?)
}

/// What the service answers before a login, and what a vault must have been made with.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Prelogin {
    /// How the password is stretched.
    pub kdf: Kdf,
    /// The account's salt: 16 bytes.
    pub salt: Vec<u8>,
    /// The account's id: 32 hexadecimal digits.
    pub account: String,
}

impl From<blindtally::Prelogin> for Prelogin {
    fn from(prelogin: blindtally::Prelogin) -> Self {
        // What is beyond a signed number is beyond the ceiling of any parameter.
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let kdf = match prelogin.kdf {
            blindtally::Kdf::Pbkdf2 { iterations } => Kdf::Pbkdf2 { iterations: number(iterations) },
            blindtally::Kdf::Argon2id { m_kib, t, p } => {
                Kdf::Argon2id { memory_kib: number(m_kib), passes: number(t), lanes: number(p) }
            }
        };
        Self { kdf, salt: prelogin.salt.to_vec(), account: prelogin.account.to_string() }
    }
}

impl Prelogin {
    fn core(&self) -> Result<blindtally::Prelogin, BlindtallyError> {
        let salt = self.salt.as_slice().try_into().map_err(|_| Misuse::Value)?;
        Ok(blindtally::Prelogin { kdf: self.kdf.core()?, salt, account: given::id(&self.account)? })
    }
}

/// A login whose password is stretched: gives the proof for the service, and opens the vault that comes back.
#[derive(uniffi::Object)]
pub struct Login {
    // Boxed as the core hands it back.
    held: Held<Box<blindtally::Unlocking>>,
}

impl Login {
    fn of(unlocking: blindtally::Unlocking) -> Arc<Self> {
        Arc::new(Self { held: Held::new(Box::new(unlocking)) })
    }

    fn begin(login: &str, prelogin: &Prelogin) -> Result<blindtally::Login, BlindtallyError> {
        let name = LoginName::new(login)?;
        Ok(blindtally::Login::start(name, prelogin.core()?)?)
    }
}

#[uniffi::export]
impl Login {
    /// Stretches the password, which takes about half a second, by what the service answered to prelogin. Parameters out of
    /// bounds are refused before anything is derived.
    ///
    /// # Errors
    /// `kdf.`, `login.invalid`, `password.invalid`, `malformed.` for no id of an account, `binding.value` for a salt that has
    /// not 16 bytes, `binding.utf8`.
    #[uniffi::constructor(default(account_secret = None))]
    pub fn start(
        login: String,
        password: Vec<u8>,
        prelogin: Prelogin,
        account_secret: Option<Arc<AccountSecret>>,
    ) -> Result<Arc<Self>, BlindtallyError> {
        let password = self::password(password)?;
        let login = Self::begin(&login, &prelogin)?;
        let stretched = login.stretch().run(&password)?;
        Ok(Self::of(login.finish(stretched, account_secret.as_ref().map(|secret| &secret.secret))))
    }

    /// The login that `Owner.keep_unlocked` kept, without the password.
    ///
    /// # Errors
    /// `unlock.kept-login`: it is damaged, or was made for another login name, account or password. As `start`.
    #[uniffi::constructor]
    pub fn resume(login: String, kept: Vec<u8>, prelogin: Prelogin) -> Result<Arc<Self>, BlindtallyError> {
        let kept = KeptLogin::from_exposed(kept);
        Ok(Self::of(Self::begin(&login, &prelogin)?.resume(&kept)?))
    }

    /// What shows the service that the password is known: 32 secret bytes, yours to wipe. It keeps a SHA-256 of them.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn proof(&self) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self.held.look(|unlocking| unlocking.proof().expose().to_vec())?)
    }

    /// Opens the vault that came back for the proof, which uses the login up unless it fails. `seen` is the highest
    /// generation of this account's vault that this client remembers, 0 for one without a memory.
    ///
    /// # Errors
    /// `unlock.wrong` for a wrong password or account secret, `unlock.rolled-back` for a vault older than `seen`,
    /// `unlock.header` if the service changed its mind about the parameters.
    #[uniffi::method(default(seen = 0))]
    pub fn unlock(&self, vault: Vec<u8>, seen: i64) -> Result<Arc<Owner>, BlindtallyError> {
        let seen = narrow(seen)?;
        let unlocked = self.held.spend(|unlocking| blindtally::Owner::try_unlock(*unlocking, &vault, seen))?;
        Ok(Owner::new(unlocked?))
    }

    /// Wipes it now, whoever still refers to this object.
    pub fn wipe(&self) {
        self.held.wipe();
    }
}

/// The login name as the service is told it: normalised.
///
/// # Errors
/// `login.invalid`.
#[uniffi::export]
pub fn normal_login_name(login: String) -> Result<String, BlindtallyError> {
    Ok(LoginName::new(&login)?.as_str().to_owned())
}

/// 128 random bits that the owner keeps beside the password, and that are never sent.
#[derive(uniffi::Object)]
pub struct AccountSecret {
    pub(crate) secret: blindtally::AccountSecret,
}

#[uniffi::export]
impl AccountSecret {
    /// A new one.
    ///
    /// # Errors
    /// `entropy.unavailable`.
    #[uniffi::constructor]
    pub fn generate() -> Result<Arc<Self>, BlindtallyError> {
        Ok(Arc::new(Self { secret: blindtally::AccountSecret::generate()? }))
    }

    /// Reads the 28 characters of `to_text` as typed: case, hyphens and spaces do not matter.
    ///
    /// # Errors
    /// `recovery-key.invalid`: it was mistyped.
    #[uniffi::constructor]
    pub fn parse(text: String) -> Result<Arc<Self>, BlindtallyError> {
        let text = Zeroizing::new(text);
        Ok(Arc::new(Self { secret: blindtally::AccountSecret::parse(&text)? }))
    }

    /// 28 characters in groups of four, for paper. They are secret.
    pub fn to_text(&self) -> String {
        self.secret.to_text().to_string()
    }
}
