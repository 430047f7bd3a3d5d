//! Passwords in steps: WebCrypto does PBKDF2, Argon2id is done here.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::change::Change;
use crate::error::{self, BlindtallyError};
use crate::secret;

/// How a password is stretched.
#[wasm_bindgen]
pub struct Kdf(pub(crate) blindtally::Kdf);

#[wasm_bindgen]
impl Kdf {
    pub fn pbkdf2(iterations: u32) -> Self {
        Self(blindtally::Kdf::Pbkdf2 { iterations })
    }

    pub fn argon2id(m_kib: u32, t: u32, p: u32) -> Self {
        Self(blindtally::Kdf::Argon2id { m_kib, t, p })
    }

    /// PBKDF2 as the core has it by default.
    pub fn standard() -> Self {
        Self(blindtally::Kdf::default())
    }

    /// Argon2id as the core recommends it.
    pub fn standard_argon2id() -> Self {
        Self(blindtally::Kdf::ARGON2ID)
    }

    /// `[iterations]` for PBKDF2, `[m_kib, t, p]` for Argon2id.
    pub fn parameters(&self) -> Vec<u32> {
        match self.0 {
            blindtally::Kdf::Pbkdf2 { iterations } => vec![iterations],
            blindtally::Kdf::Argon2id { m_kib, t, p } => vec![m_kib, t, p],
        }
    }
}

/// A password.
#[wasm_bindgen]
pub struct Password(pub(crate) blindtally::Password);

#[wasm_bindgen]
impl Password {
    /// From the UTF-8 of its NFKC, which the platform makes: the tables would be a third of this module.
    #[wasm_bindgen(constructor)]
    pub fn new(normal: &Uint8Array) -> Result<Password, BlindtallyError> {
        blindtally::Password::from_normal(secret::text(normal)).map(Self).map_err(error::of)
    }
}

/// The slow step.
#[wasm_bindgen]
pub struct Stretch(pub(crate) blindtally::Stretch);

#[wasm_bindgen]
impl Stretch {
    pub fn kdf(&self) -> Kdf {
        Kdf(self.0.kdf())
    }

    pub fn salt(&self) -> Vec<u8> {
        self.0.salt().to_vec()
    }

    /// Does it here.
    pub fn run(&self, password: &Password) -> Result<Stretched, BlindtallyError> {
        self.0.run(&password.0).map(Stretched).map_err(error::of)
    }
}

/// A stretched password.
#[wasm_bindgen]
pub struct Stretched(pub(crate) blindtally::Stretched);

#[wasm_bindgen]
impl Stretched {
    /// Of the 32 bytes that the platform derived; the caller wipes theirs.
    #[wasm_bindgen(constructor)]
    pub fn new(derived: &Uint8Array) -> Result<Stretched, BlindtallyError> {
        Ok(Self(blindtally::Stretched::from_platform(secret::expect(derived)?)))
    }
}

/// What the owner keeps beside the password.
#[wasm_bindgen]
pub struct AccountSecret(pub(crate) blindtally::AccountSecret);

#[wasm_bindgen]
impl AccountSecret {
    pub fn generate() -> Result<AccountSecret, BlindtallyError> {
        blindtally::AccountSecret::generate().map(Self).map_err(error::of)
    }

    pub fn parse(text: &Uint8Array) -> Result<AccountSecret, BlindtallyError> {
        blindtally::AccountSecret::parse(&secret::text(text)).map(Self).map_err(error::of)
    }

    pub fn encode(&self) -> JsValue {
        secret::give(self.0.to_text().as_bytes())
    }
}

/// A login in progress.
#[wasm_bindgen]
pub struct Login(blindtally::Login);

#[wasm_bindgen]
impl Login {
    /// From the login name, normalised, and what the service answered to prelogin.
    #[wasm_bindgen(constructor)]
    pub fn new(name: String, kdf: &Kdf, salt: &[u8], account: &str) -> Result<Login, BlindtallyError> {
        let name = blindtally::LoginName::from_normal(name).map_err(error::of)?;
        let salt = salt.try_into().map_err(|_| error::of(blindtally::ParseError::Value))?;
        let account = account.parse().map_err(|error: blindtally::ParseError| error::of(error))?;
        let prelogin = blindtally::Prelogin { kdf: kdf.0, salt, account };
        blindtally::Login::start(name, prelogin).map(Self).map_err(error::of)
    }

    pub fn stretch(&self) -> Stretch {
        Stretch(*self.0.stretch())
    }

    pub fn finish(self, stretched: Stretched, account_secret: Option<AccountSecret>) -> Unlocking {
        Unlocking(self.0.finish(stretched.0, account_secret.as_ref().map(|secret| &secret.0)))
    }

    /// With a kept login, opened by WebCrypto; the caller wipes theirs.
    pub fn resume(self, kept: &Uint8Array) -> Result<Unlocking, BlindtallyError> {
        self.0.resume(&blindtally::KeptLogin::from_exposed(kept.to_vec())).map(Unlocking).map_err(error::of)
    }
}

/// A login that can prove itself and open the vault.
#[wasm_bindgen]
pub struct Unlocking(pub(crate) blindtally::Unlocking);

#[wasm_bindgen]
impl Unlocking {
    pub fn proof(&self) -> JsValue {
        secret::give(self.0.proof().expose())
    }
}

/// A password being set.
#[wasm_bindgen]
pub struct NewPassword(pub(crate) blindtally::NewPassword);

#[wasm_bindgen]
impl NewPassword {
    /// For a new account: the login name is normalised.
    pub fn for_new_account(
        login: String,
        kdf: &Kdf,
        account_secret: Option<AccountSecret>,
    ) -> Result<NewPassword, BlindtallyError> {
        let (login, account_secret) = credentials(login, account_secret)?;
        blindtally::NewPassword::for_new_account(login, kdf.0, account_secret).map(Self).map_err(error::of)
    }

    /// For an account that is being restored.
    pub fn for_restored(
        restored: &crate::backup::Restored,
        login: String,
        kdf: &Kdf,
        account_secret: Option<AccountSecret>,
    ) -> Result<NewPassword, BlindtallyError> {
        let (login, account_secret) = credentials(login, account_secret)?;
        blindtally::NewPassword::for_restored(&restored.0, login, kdf.0, account_secret).map(Self).map_err(error::of)
    }

    pub fn stretch(&self) -> Stretch {
        Stretch(*self.0.stretch())
    }
}

fn credentials(
    login: String,
    account_secret: Option<AccountSecret>,
) -> Result<(blindtally::LoginName, Option<blindtally::AccountSecret>), BlindtallyError> {
    let login = blindtally::LoginName::from_normal(login).map_err(error::of)?;
    Ok((login, account_secret.map(|secret| secret.0)))
}

/// A changed password.
#[wasm_bindgen]
pub struct PasswordChange {
    pub(crate) old_proof: blindtally::LoginProof,
    pub(crate) new_proof: blindtally::LoginProof,
    pub(crate) prelogin: blindtally::Prelogin,
    pub(crate) change: Option<Change>,
}

#[wasm_bindgen]
impl PasswordChange {
    pub fn old_proof(&self) -> JsValue {
        secret::give(self.old_proof.expose())
    }

    pub fn new_proof(&self) -> JsValue {
        secret::give(self.new_proof.expose())
    }

    pub fn kdf(&self) -> Kdf {
        Kdf(self.prelogin.kdf)
    }

    pub fn salt(&self) -> Vec<u8> {
        self.prelogin.salt.to_vec()
    }

    pub fn take_change(&mut self) -> Option<Change> {
        self.change.take()
    }
}
