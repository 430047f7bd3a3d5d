//! What opens the vault again without the password, as bytes that are secret and say so (SPEC.md#kept-login).

use core::fmt;

use zeroize::Zeroizing;

use crate::error::ParseError;
use crate::hash;
use crate::id::AccountId;
use crate::password::{AccountSecret, Kdf, LOGIN_MAX, LoginName, Prelogin, WrapKeys};
use crate::suite::{Kind, Suite};
use crate::wire::{Reader, Writer};

/// With the longest name, Argon2id and an account secret.
const KEPT_LOGIN_MAX: usize = 488;

/// A login that was made with the password and is kept so that nobody has to type it again: made by
/// [`Owner::keep_unlocked`](crate::Owner::keep_unlocked), used by [`Login::resume`](crate::Login::resume).
///
/// It is as good as the password and the account secret together, until the password changes. Seal it under a key of the
/// platform's (DPAPI, a keychain, a key of WebCrypto's that cannot be exported), and forget both when the person locks.
pub struct KeptLogin(Zeroizing<Vec<u8>>);

impl KeptLogin {
    pub(crate) fn new(
        name: &LoginName,
        prelogin: &Prelogin,
        keys: &WrapKeys,
        account_secret: Option<&AccountSecret>,
    ) -> Self {
        let mut out = Writer::artefact(Kind::KeptLogin, Suite::State);
        out.lp(name.as_str().as_bytes());
        prelogin.kdf.write(&mut out);
        out.put(&prelogin.salt).put(prelogin.account.as_bytes());
        out.put(keys.login.expose()).put(keys.wrap.expose()).put(keys.commit.expose());
        match account_secret {
            Some(secret) => out.u8(1).put(secret.0.expose()),
            None => out.u8(0),
        };
        let checksum = checksum(out.as_slice());
        out.put(&checksum);
        Self(out.into_secret())
    }

    /// The bytes in the clear, at most 488. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Takes bytes that [`KeptLogin::expose`] gave.
    pub fn from_exposed(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn read(&self) -> Result<KeptParts, ParseError> {
        let mut reader = Reader::artefact(&self.0, Kind::KeptLogin, Suite::State, KEPT_LOGIN_MAX)?;
        let name = core::str::from_utf8(reader.lp(LOGIN_MAX)?).map_err(|_| ParseError::Value)?;
        let name = LoginName::from_normal(name.to_owned()).map_err(|_| ParseError::Value)?;
        let kdf = Kdf::read(&mut reader)?.ok_or(ParseError::Value)?;
        let prelogin = Prelogin { kdf, salt: reader.array()?, account: AccountId::from_bytes(reader.array()?) };
        let keys = WrapKeys { login: reader.secret()?, wrap: reader.secret()?, commit: reader.secret()? };
        let account_secret = match reader.u8()? {
            0 => None,
            1 => Some(AccountSecret(reader.secret()?)),
            _ => return Err(ParseError::Value),
        };
        let expected = checksum(reader.before());
        let found = reader.array::<4>()?;
        reader.finish()?;
        if found != expected {
            return Err(ParseError::Checksum);
        }
        Ok(KeptParts { name, prelogin, keys, account_secret })
    }
}

impl fmt::Debug for KeptLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptLogin(..)")
    }
}

/// What a kept login holds: for whom it was made, and what of the password.
pub(crate) struct KeptParts {
    pub(crate) name: LoginName,
    pub(crate) prelogin: Prelogin,
    pub(crate) keys: WrapKeys,
    pub(crate) account_secret: Option<AccountSecret>,
}

/// SPEC.md#kept-login-checksum: without it, a damaged account secret would show only when the next password is wrapped
/// under it.
fn checksum(body: &[u8]) -> [u8; 4] {
    hash::checksum("blindtally/v1/kept-login-check", body)
}
