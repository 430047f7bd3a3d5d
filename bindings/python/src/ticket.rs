//! Enrollment tickets: a secret from the owner to one installer.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::raise;
use crate::given::{self, SecretText};

/// Whoever holds a ticket may enrol a device. It must never reach the service.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Ticket(pub(crate) blindtally::Ticket);

#[pymethods]
impl Ticket {
    /// Reads what `to_text()` or `to_link()` gave; white space around it does not matter.
    ///
    /// Raises MalformedError: it is mistyped ("malformed.checksum"), or not a ticket at all.
    #[staticmethod]
    fn parse(text: SecretText) -> PyResult<Self> {
        blindtally::Ticket::parse(&text).map(Self).map_err(raise)
    }

    /// The text that goes into an installer, a QR code or device management. It is secret.
    fn to_text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.0.to_text())
    }

    /// The ticket as a link, in a scheme that no web server ever gets to see. It is secret.
    fn to_link<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.0.to_link())
    }

    /// Its id, 32 hexadecimal digits: what cancels it.
    #[getter]
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// The account it is for: 32 hexadecimal digits.
    #[getter]
    fn account(&self) -> String {
        self.0.account().to_string()
    }

    /// When it expires, by the owner's clock: an aware datetime in UTC.
    ///
    /// Raises ArgumentValueError: that is later than a datetime can say.
    #[getter]
    fn expiry<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        given::datetime(py, self.0.expiry())
    }

    /// How many devices may use it.
    #[getter]
    fn uses(&self) -> u16 {
        self.0.uses().get()
    }

    /// What to register at the service, so that it takes uploads from whoever shows the claim: 32 bytes, not
    /// secret.
    fn authenticator_hash(&self) -> [u8; 32] {
        self.0.authenticator_hash()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}
