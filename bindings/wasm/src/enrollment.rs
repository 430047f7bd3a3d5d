//! Enrollment requests, as the owner's side sees them.

use wasm_bindgen::prelude::*;

use crate::error::{self, BlindtallyError};

/// What an owner learned about a request: one of the two is there.
#[wasm_bindgen]
pub struct Inspection {
    verified: Option<VerifiedRequest>,
    comparison: Option<ComparisonRequest>,
}

#[wasm_bindgen]
impl Inspection {
    pub fn take_verified(&mut self) -> Option<VerifiedRequest> {
        self.verified.take()
    }

    pub fn take_comparison(&mut self) -> Option<ComparisonRequest> {
        self.comparison.take()
    }
}

impl From<blindtally::Inspection> for Inspection {
    fn from(inspection: blindtally::Inspection) -> Self {
        match inspection {
            blindtally::Inspection::Verified(request) => {
                Self { verified: Some(VerifiedRequest(request)), comparison: None }
            }
            blindtally::Inspection::NeedsComparison(request) => {
                Self { verified: None, comparison: Some(ComparisonRequest(request)) }
            }
        }
    }
}

/// A request that is known to come from the device it names.
#[wasm_bindgen]
pub struct VerifiedRequest(pub(crate) blindtally::VerifiedRequest);

#[wasm_bindgen]
impl VerifiedRequest {
    pub fn device(&self) -> String {
        self.0.device_id().to_string()
    }

    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }

    /// How many devices its ticket is good for.
    pub fn ticket_uses(&self) -> Option<u16> {
        self.0.ticket_uses().map(|uses| uses.get())
    }
}

/// A request made without a ticket.
#[wasm_bindgen]
pub struct ComparisonRequest(blindtally::ComparisonRequest);

#[wasm_bindgen]
impl ComparisonRequest {
    pub fn device(&self) -> String {
        self.0.device_id().to_string()
    }

    pub fn confirm(self, code_shown: &str, name: &str) -> Result<VerifiedRequest, BlindtallyError> {
        self.0.confirm(code_shown, name).map(VerifiedRequest).map_err(error::of)
    }
}
