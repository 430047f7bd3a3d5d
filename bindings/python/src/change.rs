//! What an operation of the owner's leads to: a new vault to store first, and messages to send only after that.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};

use crate::held::Held;
use crate::password::Prelogin;

/// A new state of the account. Store `vault` at the service if it still holds generation `expected`; only when that
/// succeeded, call `committed()` and send what it gives.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Change {
    vault: Py<PyBytes>,
    expected: u64,
    generation: u64,
    outbox: Held<blindtally::Outbox>,
}

impl Change {
    pub(crate) fn new(py: Python<'_>, change: blindtally::Change) -> Self {
        let vault = PyBytes::new(py, change.vault()).unbind();
        let (expected, generation) = (change.expected(), change.generation());
        // Taken out of the core's change to stay apart from the vault, which can be read again later.
        Self { vault, expected, generation, outbox: Held::new(change.committed()) }
    }
}

#[pymethods]
impl Change {
    /// The vault: opaque to the service.
    #[getter]
    fn vault(&self, py: Python<'_>) -> Py<PyBytes> {
        self.vault.clone_ref(py)
    }

    /// The generation that the service must still hold: 0 for a new account.
    #[getter]
    fn expected(&self) -> u64 {
        self.expected
    }

    /// The generation of this vault.
    #[getter]
    fn generation(&self) -> u64 {
        self.generation
    }

    /// Says that the service stored the vault, and opens the outbox. Once only.
    ///
    /// Raises ClosedError: it was called before.
    fn committed(&self, py: Python<'_>) -> PyResult<Outbox> {
        self.outbox.take(py).map(Outbox)
    }

    fn __repr__(&self) -> String {
        format!("Change(expected={}, generation={})", self.expected, self.generation)
    }
}

/// Messages that a stored change allows to be sent.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Outbox(blindtally::Outbox);

#[pymethods]
impl Outbox {
    /// The id of each device that gets a delivery, with the delivery.
    #[getter]
    fn deliveries(&self) -> Vec<(String, &[u8])> {
        self.0.deliveries().iter().map(|(device, delivery)| (device.to_string(), delivery.as_slice())).collect()
    }

    /// The only delivery, after an approval; empty where there is none.
    #[getter]
    fn delivery(&self) -> &[u8] {
        self.0.delivery()
    }

    /// The new signed policy, for every device, revoked ones too; None if it did not change.
    #[getter]
    fn policy(&self) -> Option<&[u8]> {
        self.0.policy()
    }

    /// Ids of devices that the service should take nothing from any more.
    #[getter]
    fn revoked(&self) -> Vec<String> {
        self.0.revoked().iter().map(ToString::to_string).collect()
    }

    fn __repr__(&self) -> String {
        let policy = if self.0.policy().is_some() { "new" } else { "kept" };
        format!("Outbox({} deliveries, policy {policy})", self.0.deliveries().len())
    }
}

/// A changed password: what the service needs to exchange the old for the new in one transaction.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct PasswordChange {
    old_proof: blindtally::LoginProof,
    new_proof: blindtally::LoginProof,
    prelogin: Prelogin,
    change: Py<Change>,
}

impl PasswordChange {
    pub(crate) fn new(py: Python<'_>, changed: blindtally::PasswordChange) -> PyResult<Self> {
        let blindtally::PasswordChange { old_proof, new_proof, prelogin, change } = changed;
        let change = Py::new(py, Change::new(py, change))?;
        Ok(Self { old_proof, new_proof, prelogin: Prelogin(prelogin), change })
    }
}

#[pymethods]
impl PasswordChange {
    /// What to answer to prelogin from now on.
    #[getter]
    fn prelogin(&self) -> Prelogin {
        self.prelogin
    }

    /// The rewrapped vault. Its outbox is empty.
    #[getter]
    fn change(&self, py: Python<'_>) -> Py<Change> {
        self.change.clone_ref(py)
    }

    /// Shows the service that the old password was known: 32 secret bytes, yours to wipe.
    fn old_proof<'py>(&self, py: Python<'py>) -> Bound<'py, PyByteArray> {
        PyByteArray::new(py, self.old_proof.expose())
    }

    /// The proof to take from now on: 32 secret bytes, yours to wipe. The service keeps a SHA-256 of them.
    fn new_proof<'py>(&self, py: Python<'py>) -> Bound<'py, PyByteArray> {
        PyByteArray::new(py, self.new_proof.expose())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("PasswordChange({})", self.change.bind(py).get().__repr__())
    }
}
