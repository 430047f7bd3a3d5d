//! The account owner's end: decides who gets which keys, and reads.

use blindtally::{
    AfterRevoking, EnrollmentRequest, InspectError, Inspection, Lifetime, LoginName, NewPassword, OwnerError, Password,
    RevealError, ServiceHead, Sync, TicketUses, Timestamp, Token,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray};

use crate::archive::ArchiveWriter;
use crate::backup::{Backup, RecoveryKey, Restored};
use crate::change::{Change, PasswordChange};
use crate::class::TokenClass;
use crate::enrollment::{Approvable, ComparisonRequest, VerifiedRequest};
use crate::error::{Refused, raise, raise_io};
use crate::file::{Handle, Sink};
use crate::given::{self, Bytes, Moment, Number, Of, SecretText, Text, or_now};
use crate::identity::Identity;
use crate::opening::{OpeningKeys, Source, hex};
use crate::password::{AccountSecret, Kdf, Prelogin, or_default};
use crate::policy::{Form, Policy};
use crate::ticket::Ticket;

/// The owner of an account, unlocked: by `Owner.create`, `Owner.restore` or `Login.unlock`.
///
/// What changes the account gives a Change: store its vault at the service, then call `committed()` and send the outbox.
#[pyclass(module = "blindtally", extends = OpeningKeys, frozen)]
pub(crate) struct Owner {}

impl Owner {
    pub(crate) fn make(py: Python<'_>, owner: blindtally::Owner) -> PyResult<Bound<'_, Self>> {
        let keys = OpeningKeys::new(Source::Owner(owner));
        Bound::new(py, PyClassInitializer::from(keys).add_subclass(Self {}))
    }

    fn made<'py>(
        py: Python<'py>,
        made: Result<(blindtally::Owner, blindtally::Change), OwnerError>,
    ) -> PyResult<(Bound<'py, Self>, Change)> {
        let (owner, change) = made.map_err(raise)?;
        Ok((Self::make(py, owner)?, Change::new(py, change)))
    }

    fn look<R>(slf: &Bound<'_, Self>, look: impl FnOnce(&blindtally::Owner) -> R) -> PyResult<R> {
        let found = slf.as_super().get().held.look(slf.py(), |source| source.owner().map(look))?;
        found.ok_or_else(|| Refused::Closed.into())
    }

    fn work<R: Send>(slf: &Bound<'_, Self>, work: impl FnOnce(&blindtally::Owner) -> R + Send) -> PyResult<R> {
        let found = slf.as_super().get().held.work(slf.py(), |source| source.owner().map(work))?;
        found.ok_or_else(|| Refused::Closed.into())
    }

    fn change<R: Send>(slf: &Bound<'_, Self>, change: impl FnOnce(&mut blindtally::Owner) -> R + Send) -> PyResult<R> {
        let found = slf.as_super().get().held.change(slf.py(), |source| source.owner_mut().map(change))?;
        found.ok_or_else(|| Refused::Closed.into())
    }

    /// An operation that gives a change.
    fn perform(
        slf: &Bound<'_, Self>,
        operation: impl FnOnce(&mut blindtally::Owner) -> Result<blindtally::Change, OwnerError> + Send,
    ) -> PyResult<Change> {
        let change = Self::change(slf, operation)?.map_err(raise)?;
        Ok(Change::new(slf.py(), change))
    }
}

#[pymethods]
impl Owner {
    /// Creates an account. Takes about two seconds: it generates RSA keys and stretches a password. An `identity` made
    /// elsewhere is used up, unless the credentials are refused.
    ///
    /// Raises CredentialError: the login name or password is unusable, or the parameters are out of bounds.
    #[staticmethod]
    #[pyo3(signature = (login, password, *, kdf=None, account_secret=None, identity=None, now=None))]
    fn create<'py>(
        py: Python<'py>,
        login: Text,
        password: SecretText,
        kdf: Option<Of<Kdf>>,
        account_secret: Option<Of<AccountSecret>>,
        identity: Option<Of<Identity>>,
        now: Option<Moment>,
    ) -> PyResult<(Bound<'py, Self>, Change)> {
        let (login, password) = (LoginName::new(&login).map_err(raise)?, Password::new(&password).map_err(raise)?);
        let new = NewPassword::for_new_account(login, or_default(kdf), duplicate(account_secret)).map_err(raise)?;
        let now = or_now(now);
        if let Some(identity) = &identity {
            identity.get().held.look(py, |_| ())?;
        }
        let stretched = py.detach(|| new.stretch().run(&password)).map_err(raise)?;
        let identity = identity.map(|identity| identity.get().held.take(py)).transpose()?;
        let made = py.detach(|| {
            let identity = identity.map_or_else(|| blindtally::Identity::generate(Default::default()), Ok)?;
            blindtally::Owner::create_stretched(new, stretched, identity, now)
        });
        Self::made(py, made)
    }

    /// Makes an opened backup an owner again, under a new password, above whatever the service and the clock show.
    ///
    /// `generation` and `policy` are what the service shows: the generation of the vault it holds, 0 for none, and the
    /// signed policy it holds, believed only if the account signed it. The outbox delivers to every device that neither
    /// revokes; look through `devices` afterwards. Every ticket issued before is void. `restored` is used up, unless the
    /// credentials are refused.
    ///
    /// Raises CredentialError: as `Owner.create`. OwnerError: the service shows numbers that cannot be exceeded.
    #[staticmethod]
    #[pyo3(
        signature = (
            restored, login, password, *, generation=Number(0), policy=None, kdf=None, account_secret=None, now=None
        ),
        text_signature = "(restored, login, password, *, \
            generation=0, policy=None, kdf=None, account_secret=None, now=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "all but three are named by the caller")]
    fn restore<'py>(
        py: Python<'py>,
        restored: Of<Restored>,
        login: Text,
        password: SecretText,
        generation: Number,
        policy: Option<Bytes>,
        kdf: Option<Of<Kdf>>,
        account_secret: Option<Of<AccountSecret>>,
        now: Option<Moment>,
    ) -> PyResult<(Bound<'py, Self>, Change)> {
        let (login, password) = (LoginName::new(&login).map_err(raise)?, Password::new(&password).map_err(raise)?);
        let held = &restored.bind(py).as_super().get().held;
        let new = held.look(py, |source| match source {
            Source::Restored(restored) => {
                NewPassword::for_restored(restored, login, or_default(kdf), duplicate(account_secret)).map_err(Some)
            }
            Source::Owner(_) => Err(None),
        })?;
        let new = new.map_err(|error| error.map_or_else(|| Refused::Closed.into(), raise))?;
        let now = or_now(now);
        let stretched = py.detach(|| new.stretch().run(&password)).map_err(raise)?;
        let Source::Restored(restored) = held.take(py)? else { return Err(Refused::Closed.into()) };
        let made = py.detach(|| {
            let head = ServiceHead { generation: generation.0, policy: policy.as_deref() };
            blindtally::Owner::restore_stretched(restored, new, stretched, head, now)
        });
        Self::made(py, made)
    }

    /// The login name, normalised.
    #[getter]
    fn login(slf: &Bound<'_, Self>) -> PyResult<String> {
        Self::look(slf, |owner| owner.login().as_str().to_owned())
    }

    /// What a person types into an agent that has no ticket: 50 characters, not secret.
    #[getter]
    fn account_code(slf: &Bound<'_, Self>) -> PyResult<String> {
        Self::look(slf, |owner| owner.account_code().to_text())
    }

    /// What the service answers to prelogin for this account.
    #[getter]
    fn prelogin(slf: &Bound<'_, Self>) -> PyResult<Prelogin> {
        Self::look(slf, |owner| Prelogin(owner.prelogin()))
    }

    /// Generation of the newest vault made or opened here: remember it, and pass it to `Login.unlock` as `seen`.
    #[getter]
    fn generation(slf: &Bound<'_, Self>) -> PyResult<u64> {
        Self::look(slf, blindtally::Owner::generation)
    }

    /// The policy in force.
    #[getter]
    fn policy(slf: &Bound<'_, Self>) -> PyResult<Policy> {
        Self::look(slf, |owner| Policy(owner.policy().clone()))
    }

    /// The devices of the account, in order of id: the owner's own table, never the service's directory.
    #[getter]
    fn devices(slf: &Bound<'_, Self>) -> PyResult<Vec<Device>> {
        Self::look(slf, |owner| owner.devices().map(Device::of).collect())
    }

    /// What the service takes as proof of the password: 32 secret bytes, yours to wipe. It keeps a SHA-256 of them.
    fn login_proof<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyByteArray>> {
        let proof = Self::look(slf, blindtally::Owner::login_proof)?;
        Ok(PyByteArray::new(slf.py(), proof.expose()))
    }

    /// What opens the vault again without the password, by `Login.resume`: at most 488 bytes. They are as secret as the
    /// password and the account secret together, until the password changes: seal them under a key of the platform's, and
    /// wipe these.
    fn keep_unlocked<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyByteArray>> {
        let kept = Self::look(slf, blindtally::Owner::keep_unlocked)?;
        Ok(PyByteArray::new(slf.py(), kept.expose()))
    }

    /// Makes a ticket for an installer, good for `uses` devices, 1 to 50, and for `lifetime` in whole seconds: at most 30
    /// days (default: 7), or 24 hours for several devices (default: those). Register its `authenticator_hash()` at the
    /// service; the ticket itself must never reach it.
    ///
    /// Raises OwnerError: the lifetime is too long, or none at all. MalformedError: not 1 to 50 uses.
    #[pyo3(
        signature = (uses=Number(1), lifetime=None, *, now=None),
        text_signature = "($self, uses=1, lifetime=None, *, now=None)"
    )]
    fn issue_ticket(
        slf: &Bound<'_, Self>,
        uses: Number,
        lifetime: Option<Span>,
        now: Option<Moment>,
    ) -> PyResult<Ticket> {
        let uses = TicketUses::several(uses.narrow()?).map_err(raise)?;
        let (lifetime, now) = (lifetime.map_or(uses.default_lifetime(), |span| span.0), or_now(now));
        Self::look(slf, |owner| owner.issue_ticket(uses, lifetime, now))?.map(Ticket).map_err(raise)
    }

    /// Examines an enrollment request that came through the service: a VerifiedRequest if it was made with a ticket of
    /// this account, a ComparisonRequest if it was made without one.
    ///
    /// Raises EnrollmentError: it is not to be believed. "ticket.spent" is an alarm to show: another device used the
    /// ticket first.
    #[pyo3(signature = (request, *, now=None))]
    fn inspect(slf: &Bound<'_, Self>, request: Bytes, now: Option<Moment>) -> PyResult<Inspected> {
        let now = or_now(now);
        let examine = |owner: &blindtally::Owner| -> Result<Inspection, InspectError> {
            owner.inspect(&EnrollmentRequest::from_bytes(&request)?, now)
        };
        Ok(match Self::work(slf, examine)?.map_err(raise)? {
            Inspection::Verified(request) => Inspected::Verified(request.into()),
            Inspection::NeedsComparison(request) => Inspected::NeedsComparison(ComparisonRequest(request)),
        })
    }

    /// Gives a device its keys, which uses the request up: the outbox has the delivery. The device's request inspected
    /// again delivers again.
    ///
    /// Raises EnrollmentError: it was made without a ticket, and a person must compare codes first. OwnerError: its ticket
    /// was spent or cancelled, or the device revoked, since the inspection.
    #[pyo3(signature = (request, *, now=None))]
    fn approve(slf: &Bound<'_, Self>, request: Approvable, now: Option<Moment>) -> PyResult<Change> {
        // A closed owner uses no request up.
        Self::look(slf, |_| ())?;
        let request = request.0.get().held.take(slf.py())?;
        let now = or_now(now);
        Self::perform(slf, |owner| owner.approve(request, now))
    }

    /// Gives a device its keys once more.
    ///
    /// Raises OwnerError: it is unknown, or revoked. MalformedError: no id of a device.
    #[pyo3(signature = (device, *, now=None))]
    fn redeliver(slf: &Bound<'_, Self>, device: Text, now: Option<Moment>) -> PyResult<Change> {
        let (device, now) = (given::id(&device)?, or_now(now));
        Self::perform(slf, |owner| owner.redeliver(device, now))
    }

    /// Revokes a device, for ever. With rotate=False it could still read tokens of the running epoch.
    ///
    /// Raises OwnerError: it is unknown. MalformedError: no id of a device.
    #[pyo3(
        signature = (device, *, rotate=After(AfterRevoking::Rotate), now=None),
        text_signature = "($self, device, *, rotate=True, now=None)"
    )]
    fn revoke(slf: &Bound<'_, Self>, device: Text, rotate: After, now: Option<Moment>) -> PyResult<Change> {
        let (device, now) = (given::id(&device)?, or_now(now));
        Self::perform(slf, |owner| owner.revoke(device, rotate.0, now))
    }

    /// Starts a new epoch: new keys, new policy, a delivery for every device that stays. Old tokens stay readable.
    ///
    /// Raises OwnerError: the account has used all of its 65,535 epochs.
    #[pyo3(signature = (*, now=None))]
    fn rotate(slf: &Bound<'_, Self>, now: Option<Moment>) -> PyResult<Change> {
        let now = or_now(now);
        Self::perform(slf, |owner| owner.rotate(now))
    }

    /// Makes the ticket of that id worthless.
    ///
    /// Raises MalformedError: no id of a ticket.
    #[pyo3(signature = (ticket, *, now=None))]
    fn cancel_ticket(slf: &Bound<'_, Self>, ticket: Text, now: Option<Moment>) -> PyResult<Change> {
        let (ticket, now) = (given::id(&ticket)?, or_now(now));
        Self::perform(slf, |owner| owner.cancel_ticket(ticket, now))
    }

    /// Changes how values of a class are brought into one form before they are tokenized: "exact", "ascii-lowercase" or
    /// "host".
    ///
    /// Raises ArgumentValueError: any other form.
    #[pyo3(signature = (token_class, form, *, now=None))]
    fn set_canonical_form(
        slf: &Bound<'_, Self>,
        token_class: Of<TokenClass>,
        form: Form,
        now: Option<Moment>,
    ) -> PyResult<Change> {
        let (class, now) = (token_class.get().0, or_now(now));
        Self::perform(slf, |owner| owner.set_canonical_form(class, form.0, now))
    }

    /// Replaces the password without touching any data: the same keys under a new one. The account secret, if there is
    /// one, stays.
    ///
    /// Raises CredentialError: the password is unusable, or the parameters are out of bounds.
    #[pyo3(signature = (password, *, kdf=None))]
    fn change_password(slf: &Bound<'_, Self>, password: SecretText, kdf: Option<Of<Kdf>>) -> PyResult<PasswordChange> {
        let (password, kdf) = (Password::new(&password).map_err(raise)?, or_default(kdf));
        let changed = Self::change(slf, |owner| owner.change_password(&password, kdf))?.map_err(raise)?;
        PasswordChange::new(slf.py(), changed)
    }

    /// A backup that opens with a passphrase. Make a new one after every rotation: it holds the keys of now.
    ///
    /// Raises CredentialError: the passphrase is unusable, or the parameters are out of bounds.
    #[pyo3(signature = (passphrase, *, kdf=None))]
    fn backup_with_passphrase(slf: &Bound<'_, Self>, passphrase: SecretText, kdf: Option<Of<Kdf>>) -> PyResult<Backup> {
        let (passphrase, kdf) = (Password::new(&passphrase).map_err(raise)?, or_default(kdf));
        Self::work(slf, |owner| owner.backup_with_passphrase(&passphrase, kdf))?.map(Backup).map_err(raise)
    }

    /// A backup that opens with a fresh recovery key, to be written down apart from it.
    fn backup_with_recovery_key(slf: &Bound<'_, Self>) -> PyResult<(Backup, RecoveryKey)> {
        let (backup, key) = Self::work(slf, blindtally::Owner::backup_with_recovery_key)?.map_err(raise)?;
        Ok((Backup(backup), RecoveryKey(key)))
    }

    /// Reconciles with a vault that the service holds, after a conflict. Nothing that either side knows is lost.
    ///
    /// Gives "same" if it holds what this owner holds, "adopted" if it held more, which this owner has taken over, or
    /// else a Change: the union, to be stored.
    ///
    /// Raises UnlockError: it does not open with this owner's password, or is another account's.
    #[pyo3(signature = (vault, *, now=None))]
    fn sync(slf: &Bound<'_, Self>, vault: Bytes, now: Option<Moment>) -> PyResult<Synced> {
        let now = or_now(now);
        Ok(match Self::change(slf, |owner| owner.sync(&vault, now))?.map_err(raise)? {
            Sync::Same => Synced::Settled("same"),
            Sync::Adopted => Synced::Settled("adopted"),
            Sync::Store(change) => Synced::Store(Change::new(slf.py(), *change)),
        })
    }

    /// Starts an archive, written to a file object with `write`: gives an ArchiveWriter, whose `with` block completes it,
    /// signed by this owner, unless an exception leaves it. `now` is when it was made.
    ///
    /// Raises EntropyError.
    #[pyo3(signature = (file, *, now=None))]
    fn archive_writer(slf: &Bound<'_, Self>, file: &Bound<'_, PyAny>, now: Option<Moment>) -> PyResult<ArchiveWriter> {
        let (now, file) = (or_now(now), Handle::new(file, &["write"])?);
        let sink = Sink::new(file.clone());
        let writer = Self::look(slf, |owner| owner.archive_writer(sink, now))?.map_err(raise_io)?;
        Ok(ArchiveWriter::new(slf.clone().unbind(), writer, file))
    }

    /// Tokenizes what the owner typed: a category's name, a search. Never feed it values that the service chose: the
    /// tokens would tell it which of them occur.
    ///
    /// Raises TokenizeError: the value is longer than 4096 bytes of UTF-8.
    fn tokenize_typed(slf: &Bound<'_, Self>, token_class: Of<TokenClass>, typed: Text) -> PyResult<String> {
        let class = token_class.get().0;
        let token = Self::look(slf, |owner| owner.tokenize_typed(class, &typed))?.map_err(raise)?;
        Ok(token.to_string())
    }

    /// The value of a token as a token of the running epoch: for one row that a person has picked. Never retokenize what
    /// the service listed: it could be words of its choosing.
    ///
    /// Raises RevealError: as `reveal`.
    fn retokenize(slf: &Bound<'_, Self>, token: Text) -> PyResult<String> {
        let token: Token = token.parse().map_err(|error| raise(RevealError::Malformed(error)))?;
        let token = Self::look(slf, |owner| owner.retokenize(&token))?.map_err(raise)?;
        Ok(token.to_string())
    }
}

/// The caller keeps theirs.
fn duplicate(account_secret: Option<Of<AccountSecret>>) -> Option<blindtally::AccountSecret> {
    account_secret.map(|secret| secret.get().0.duplicate())
}

#[derive(IntoPyObject)]
enum Inspected {
    Verified(VerifiedRequest),
    NeedsComparison(ComparisonRequest),
}

#[derive(IntoPyObject)]
enum Synced {
    Settled(&'static str),
    Store(Change),
}

/// A device of the account, as the owner's own table had it.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Device {
    id: blindtally::DeviceId,
    name: String,
    status: blindtally::DeviceStatus,
    confirmed_at: Timestamp,
    fingerprint: blindtally::Fingerprint,
}

impl Device {
    fn of((id, device): (blindtally::DeviceId, &blindtally::Device)) -> Self {
        let (name, status, confirmed_at) = (device.name().to_owned(), device.status(), device.confirmed_at());
        Self { id, name, status, confirmed_at, fingerprint: device.identity().fingerprint() }
    }
}

#[pymethods]
impl Device {
    /// Its id: 32 hexadecimal digits.
    #[getter]
    fn id(&self) -> String {
        self.id.to_string()
    }

    /// The name that it gave itself or the owner gave it.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// "active" if it gets keys, "revoked" if it never will again.
    #[getter]
    fn status(&self) -> &'static str {
        match self.status {
            blindtally::DeviceStatus::Active => "active",
            blindtally::DeviceStatus::Revoked => "revoked",
        }
    }

    /// When it was confirmed, by the owner's clock: an aware datetime in UTC.
    ///
    /// Raises ArgumentValueError: that is later than a datetime can say.
    #[getter]
    fn confirmed_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        given::datetime(py, self.confirmed_at)
    }

    /// SHA-256 of its public keys: 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        hex(&self.fingerprint)
    }

    /// The beginning of its fingerprint as people compare it: 24 characters in groups of four.
    #[getter]
    fn code(&self) -> String {
        self.fingerprint.code()
    }

    fn __repr__(&self) -> String {
        format!("Device({}, {})", self.id, self.status())
    }
}

/// How long a ticket is good for: a `timedelta`, of which whole seconds count.
struct Span(Lifetime);

impl<'py> FromPyObject<'_, 'py> for Span {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let timedelta = object.py().import("datetime")?.getattr("timedelta")?;
        if !object.is_instance(&timedelta)? {
            return Err(Refused::Type.into());
        }
        let days: i64 = object.getattr("days")?.extract()?;
        let seconds: i64 = object.getattr("seconds")?.extract()?;
        let seconds = days.checked_mul(86_400).and_then(|whole| whole.checked_add(seconds));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).ok_or(Refused::Value)?;
        Ok(Self(Lifetime::seconds(seconds)))
    }
}

/// Whether revoking a device also rotates: a `bool`.
struct After(AfterRevoking);

impl<'py> FromPyObject<'_, 'py> for After {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let rotate = object.cast::<PyBool>().map_err(|_| PyErr::from(Refused::Type))?.is_true();
        Ok(Self(if rotate { AfterRevoking::Rotate } else { AfterRevoking::KeepEpoch }))
    }
}
