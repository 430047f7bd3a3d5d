//! Enrollment requests, as the owner's side sees them.

use wasm_bindgen::prelude::*;

use crate::error::{self, BlindtallyError};

/// What an owner learned about a request.
#[wasm_bindgen]
pub struct Inspection(pub(crate) blindtally::Inspection);

#[wasm_bindgen]
impl Inspection {
    pub fn device(&self) -> String {
        match &self.0 {
            blindtally::Inspection::Verified(request) => request.device_id().to_string(),
            blindtally::Inspection::NeedsComparison(request) => request.device_id().to_string(),
        }
    }

    /// The name that the device gave itself; nothing if codes must be compared.
    pub fn name(&self) -> Option<String> {
        match &self.0 {
            blindtally::Inspection::Verified(request) => Some(request.name().to_owned()),
            blindtally::Inspection::NeedsComparison(_) => None,
        }
    }

    /// How many devices its ticket is good for.
    pub fn ticket_uses(&self) -> Option<u16> {
        match &self.0 {
            blindtally::Inspection::Verified(request) => request.ticket_uses().map(|uses| uses.get()),
            blindtally::Inspection::NeedsComparison(_) => None,
        }
    }

    pub fn verified(self) -> Result<VerifiedRequest, BlindtallyError> {
        self.0.verified().map(VerifiedRequest).map_err(error::of)
    }

    /// With the code that the device shows, as typed, and a name for it. A request that needs no code takes none.
    pub fn confirm(self, code_shown: &str, name: &str) -> Result<VerifiedRequest, BlindtallyError> {
        match self.0 {
            blindtally::Inspection::Verified(_) => Err(error::of(blindtally::InspectError::Code)),
            blindtally::Inspection::NeedsComparison(request) => {
                request.confirm(code_shown, name).map(VerifiedRequest).map_err(error::of)
            }
        }
    }
}

/// A request that is known to come from the device it names.
#[wasm_bindgen]
pub struct VerifiedRequest(pub(crate) blindtally::VerifiedRequest);
