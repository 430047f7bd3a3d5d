//! Passwords: how they are stretched, what the service says before a login, and the login itself.

use blindtally::{KeptLogin, LoginName, Password};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyString};

use crate::error::{Refused, raise};
use crate::given::{self, Bytes, Number, Of, SecretText, Text};
use crate::held::Held;
use crate::owner::Owner;

/// How a password is stretched, and what it costs. Whether that is within bounds is checked where it is used.
#[pyclass(module = "blindtally", frozen, eq, hash)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kdf(pub(crate) blindtally::Kdf);

#[pymethods]
impl Kdf {
    /// PBKDF2-HMAC-SHA-256: 600,000 to 10,000,000 iterations.
    #[staticmethod]
    #[pyo3(signature = (iterations=Number(1_000_000)), text_signature = "(iterations=1000000)")]
    fn pbkdf2(iterations: Number) -> PyResult<Self> {
        Ok(Self(blindtally::Kdf::Pbkdf2 { iterations: iterations.narrow()? }))
    }

    /// Argon2id: 19 MiB (19,456 KiB) to 1 GiB, 2 to 16 passes, 1 to 4 lanes.
    #[staticmethod]
    #[pyo3(
        signature = (memory_kib=Number(65_536), passes=Number(3), lanes=Number(1)),
        text_signature = "(memory_kib=65536, passes=3, lanes=1)"
    )]
    fn argon2id(memory_kib: Number, passes: Number, lanes: Number) -> PyResult<Self> {
        let (m_kib, t, p) = (memory_kib.narrow()?, passes.narrow()?, lanes.narrow()?);
        Ok(Self(blindtally::Kdf::Argon2id { m_kib, t, p }))
    }

    /// "pbkdf2" or "argon2id".
    #[getter]
    fn name(&self) -> &'static str {
        match self.0 {
            blindtally::Kdf::Pbkdf2 { .. } => "pbkdf2",
            blindtally::Kdf::Argon2id { .. } => "argon2id",
        }
    }

    /// Iterations of PBKDF2; None for Argon2id.
    #[getter]
    fn iterations(&self) -> Option<u32> {
        match self.0 {
            blindtally::Kdf::Pbkdf2 { iterations } => Some(iterations),
            blindtally::Kdf::Argon2id { .. } => None,
        }
    }

    /// Memory of Argon2id in KiB; None for PBKDF2.
    #[getter]
    fn memory_kib(&self) -> Option<u32> {
        self.argon2().map(|(memory, _, _)| memory)
    }

    /// Passes of Argon2id; None for PBKDF2.
    #[getter]
    fn passes(&self) -> Option<u32> {
        self.argon2().map(|(_, passes, _)| passes)
    }

    /// Lanes of Argon2id; None for PBKDF2.
    #[getter]
    fn lanes(&self) -> Option<u32> {
        self.argon2().map(|(_, _, lanes)| lanes)
    }

    fn __repr__(&self) -> String {
        match self.0 {
            blindtally::Kdf::Pbkdf2 { iterations } => format!("Kdf.pbkdf2({iterations})"),
            blindtally::Kdf::Argon2id { m_kib, t, p } => format!("Kdf.argon2id({m_kib}, {t}, {p})"),
        }
    }
}

impl Kdf {
    fn argon2(&self) -> Option<(u32, u32, u32)> {
        match self.0 {
            blindtally::Kdf::Argon2id { m_kib, t, p } => Some((m_kib, t, p)),
            blindtally::Kdf::Pbkdf2 { .. } => None,
        }
    }
}

/// The one given, or the core's default.
pub(crate) fn or_default(kdf: Option<Of<Kdf>>) -> blindtally::Kdf {
    kdf.map(|kdf| kdf.get().0).unwrap_or_default()
}

/// What the service says of an account before login: nothing in it is secret, and nothing is trusted.
#[pyclass(module = "blindtally", frozen, eq, hash)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Prelogin(pub(crate) blindtally::Prelogin);

#[pymethods]
impl Prelogin {
    /// From what the service answered: the parameters, a salt of 16 bytes, and the account's id.
    ///
    /// Raises ArgumentValueError: the salt is not 16 bytes. MalformedError: the id is not 32 hexadecimal digits.
    #[new]
    #[pyo3(signature = (*, kdf, salt, account))]
    fn new(kdf: Of<Kdf>, salt: Bytes, account: Text) -> PyResult<Self> {
        let salt = (&*salt).try_into().map_err(|_| PyErr::from(Refused::Value))?;
        Ok(Self(blindtally::Prelogin { kdf: kdf.get().0, salt, account: given::id(&account)? }))
    }

    /// How the password is stretched.
    #[getter]
    fn kdf(&self) -> Kdf {
        Kdf(self.0.kdf)
    }

    /// Random salt: 16 bytes.
    #[getter]
    fn salt(&self) -> [u8; 16] {
        self.0.salt
    }

    /// The account's id: 32 hexadecimal digits.
    #[getter]
    fn account(&self) -> String {
        self.0.account.to_string()
    }

    fn __repr__(&self) -> String {
        let salt: String = self.0.salt.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("Prelogin(kdf={}, salt=b'{salt}', account='{}')", self.kdf().__repr__(), self.0.account)
    }
}

/// A login that can prove itself to the service and open the vault that comes back.
///
/// It is as good as the password: `close()` it, or use it in a `with` statement.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Login {
    // Boxed as the core hands it back.
    held: Held<Box<blindtally::Unlocking>>,
    account: blindtally::AccountId,
}

impl Login {
    fn of(unlocking: blindtally::Unlocking, prelogin: &Prelogin) -> Self {
        Self { held: Held::new(Box::new(unlocking)), account: prelogin.0.account }
    }
}

#[pymethods]
impl Login {
    /// Stretches the password as the service says, within this library's bounds. Takes about half a second.
    ///
    /// Raises CredentialError: the login name or password is unusable, or the parameters are out of bounds.
    #[staticmethod]
    #[pyo3(signature = (login, password, prelogin, *, account_secret=None))]
    fn start(
        py: Python<'_>,
        login: Text,
        password: SecretText,
        prelogin: Of<Prelogin>,
        account_secret: Option<Of<AccountSecret>>,
    ) -> PyResult<Self> {
        let login = begin(&login, &prelogin)?;
        let password = Password::new(&password).map_err(raise)?;
        let stretched = py.detach(|| login.stretch().run(&password)).map_err(raise)?;
        let unlocking = login.finish(stretched, account_secret.as_ref().map(|secret| &secret.get().0));
        Ok(Self::of(unlocking, prelogin.get()))
    }

    /// Goes on with what `Owner.keep_unlocked()` gave, instead of the password.
    ///
    /// Raises UnlockError: it was made for another login name, account or password ("unlock.kept-login"), or is damaged.
    #[staticmethod]
    fn resume(login: Text, mut kept: Bytes, prelogin: Of<Prelogin>) -> PyResult<Self> {
        let kept = KeptLogin::from_exposed(std::mem::take(&mut kept.0));
        let unlocking = begin(&login, &prelogin)?.resume(&kept).map_err(raise)?;
        Ok(Self::of(unlocking, prelogin.get()))
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().held.look(slf.py(), |_| slf.clone())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    /// Wipes it. What is called after that raises ClosedError.
    fn close(&self, py: Python<'_>) {
        self.held.close(py);
    }

    /// What to send to the service in exchange for the vault: 32 secret bytes, yours to wipe. The service keeps a
    /// SHA-256 of them.
    fn proof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        let proof = self.held.look(py, |unlocking| unlocking.proof())?;
        Ok(PyByteArray::new(py, proof.expose()))
    }

    /// Opens the vault, which uses the login up. `seen` is the highest generation of the vault that this client
    /// remembers, or 0.
    ///
    /// Raises UnlockError: wrong password or account secret ("unlock.wrong"), or an older vault than `seen`
    /// ("unlock.rolled-back"), or other parameters than the login was made with. The login can then be used again.
    #[pyo3(signature = (vault, seen=Number(0)), text_signature = "($self, vault, seen=0)")]
    fn unlock<'py>(&self, py: Python<'py>, vault: Bytes, seen: Number) -> PyResult<Bound<'py, Owner>> {
        let unlock = |login: Box<blindtally::Unlocking>| blindtally::Owner::try_unlock(*login, &vault, seen.0);
        Owner::make(py, self.held.spend(py, unlock)?.map_err(raise)?)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        match self.held.look(py, |_| ()) {
            Ok(()) => format!("Login({}, ..)", self.account),
            Err(_) => "Login(closed)".to_owned(),
        }
    }
}

fn begin(login: &Text, prelogin: &Of<Prelogin>) -> PyResult<blindtally::Login> {
    let name = LoginName::new(login).map_err(raise)?;
    blindtally::Login::start(name, prelogin.get().0).map_err(raise)
}

/// The name as it is sent to the service: NFKC, lower case.
///
/// Raises CredentialError: it has not 1 to 320 bytes, or control characters, or white space at its ends.
#[pyfunction]
pub(crate) fn normal_login_name(login: Text) -> PyResult<String> {
    LoginName::new(&login).map(|name| name.as_str().to_owned()).map_err(raise)
}

/// 128 random bits that the owner keeps beside the password and never sends.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct AccountSecret(pub(crate) blindtally::AccountSecret);

#[pymethods]
impl AccountSecret {
    /// A new one.
    #[staticmethod]
    fn generate() -> PyResult<Self> {
        blindtally::AccountSecret::generate().map(Self).map_err(raise)
    }

    /// Reads the 28 characters of `to_text()` as typed: case, hyphens and spaces do not matter.
    ///
    /// Raises CredentialError: it was mistyped.
    #[staticmethod]
    fn parse(text: SecretText) -> PyResult<Self> {
        blindtally::AccountSecret::parse(&text).map(Self).map_err(raise)
    }

    /// 28 characters in groups of four, for paper. They are secret.
    fn to_text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.0.to_text())
    }

    fn __repr__(&self) -> &'static str {
        "AccountSecret(..)"
    }
}
