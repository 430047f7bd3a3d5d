//! A device's request to be given keys, as the owner examined it.

use blindtally::InspectError;
use pyo3::prelude::*;

use crate::error::raise;
use crate::given::{Of, Text};
use crate::held::Held;

/// A request that is known to come from the device it names: show it to the owner, then `Owner.approve` it, which uses it
/// up.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct VerifiedRequest {
    pub(crate) held: Held<blindtally::VerifiedRequest>,
    device: blindtally::DeviceId,
    name: String,
    ticket_uses: Option<u16>,
}

impl From<blindtally::VerifiedRequest> for VerifiedRequest {
    fn from(request: blindtally::VerifiedRequest) -> Self {
        let (device, name) = (request.device_id(), request.name().to_owned());
        let ticket_uses = request.ticket_uses().map(|uses| uses.get());
        Self { held: Held::new(request), device, name, ticket_uses }
    }
}

#[pymethods]
impl VerifiedRequest {
    /// The device's id: 32 hexadecimal digits.
    #[getter]
    fn device_id(&self) -> String {
        self.device.to_string()
    }

    /// The name that it gave itself, or that the owner gave it. Text of an attacker's, perhaps, where it came from a
    /// device.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// How many devices the ticket is good for: if several, show each confirmation to the owner. None without a ticket.
    #[getter]
    fn ticket_uses(&self) -> Option<u16> {
        self.ticket_uses
    }

    fn __repr__(&self) -> String {
        format!("VerifiedRequest({})", self.device)
    }
}

/// What can be approved: a verified request. One that needs a comparison first says so.
pub(crate) struct Approvable(pub(crate) Of<VerifiedRequest>);

impl<'py> FromPyObject<'_, 'py> for Approvable {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<ComparisonRequest>() {
            return Err(raise(InspectError::NeedsComparison));
        }
        Of::extract(object).map(Self)
    }
}

/// A request made without a ticket: a person must compare codes first.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct ComparisonRequest(pub(crate) blindtally::ComparisonRequest);

#[pymethods]
impl ComparisonRequest {
    /// The id of the device that claims to have made it: 32 hexadecimal digits.
    #[getter]
    fn device_id(&self) -> String {
        self.0.device_id().to_string()
    }

    /// Takes the code that the device shows its user, as the owner typed it, and the name the owner gives the device.
    ///
    /// Raises EnrollmentError: it is another device's code, or mistyped ("enrollment.code"), or the name has not 1 to
    /// 128 bytes.
    fn confirm(&self, code_shown: Text, name: Text) -> PyResult<VerifiedRequest> {
        self.0.confirm(&code_shown, &name).map(VerifiedRequest::from).map_err(raise)
    }

    fn __repr__(&self) -> String {
        format!("ComparisonRequest({})", self.0.device_id())
    }
}
