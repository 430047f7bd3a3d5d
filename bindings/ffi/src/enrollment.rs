//! How a device comes to its keys: tickets, and its request as the owner examined it.

use std::sync::Arc;
use std::time::SystemTime;

use blindtally::InspectError;

use crate::error::BlindtallyError;
use crate::given::system_time;
use crate::held::Held;

/// A secret from the owner to one installer. Whoever holds a ticket may enrol a device; it must never reach the service.
#[derive(uniffi::Object)]
pub struct Ticket {
    pub(crate) ticket: blindtally::Ticket,
}

#[uniffi::export]
impl Ticket {
    /// Reads what `to_text` or `to_link` gave; white space around it does not matter.
    ///
    /// # Errors
    /// `malformed.`: it is mistyped (`malformed.checksum`), or not a ticket at all.
    #[uniffi::constructor]
    pub fn parse(text: String) -> Result<Arc<Self>, BlindtallyError> {
        let text = zeroize::Zeroizing::new(text);
        Ok(Arc::new(Self { ticket: blindtally::Ticket::parse(&text)? }))
    }

    /// The text that goes into an installer, a QR code or device management. It is secret.
    pub fn to_text(&self) -> String {
        self.ticket.to_text().to_string()
    }

    /// The ticket as a link, in a scheme that no web server ever gets to see. It is secret.
    pub fn to_link(&self) -> String {
        self.ticket.to_link().to_string()
    }

    /// Its id, 32 hexadecimal digits: what cancels it.
    pub fn id(&self) -> String {
        self.ticket.id().to_string()
    }

    /// The account it is for: 32 hexadecimal digits.
    pub fn account(&self) -> String {
        self.ticket.account().to_string()
    }

    /// When it expires, by the owner's clock.
    pub fn expiry(&self) -> SystemTime {
        system_time(self.ticket.expiry())
    }

    /// How many devices may use it.
    pub fn uses(&self) -> i32 {
        self.ticket.uses().get().into()
    }

    /// What to register at the service, so that it takes uploads from whoever shows the claim: 32 bytes, not secret.
    pub fn authenticator_hash(&self) -> Vec<u8> {
        self.ticket.authenticator_hash().to_vec()
    }
}

/// An enrollment request as the owner examined it.
#[derive(uniffi::Enum)]
pub enum Inspection {
    /// It was made with a ticket of this account.
    Verified {
        /// What to approve.
        request: Arc<VerifiedRequest>,
    },
    /// It was made without one: a person must compare codes first.
    NeedsComparison {
        /// What to confirm.
        request: Arc<ComparisonRequest>,
    },
}

impl From<blindtally::Inspection> for Inspection {
    fn from(inspection: blindtally::Inspection) -> Self {
        match inspection {
            blindtally::Inspection::Verified(request) => Self::Verified { request: VerifiedRequest::new(request) },
            blindtally::Inspection::NeedsComparison(request) => {
                Self::NeedsComparison { request: Arc::new(ComparisonRequest { request }) }
            }
        }
    }
}

/// A request that is known to come from the device it names: show it to the owner, then `Owner.approve` it, which uses it
/// up.
#[derive(uniffi::Object)]
pub struct VerifiedRequest {
    pub(crate) held: Held<blindtally::VerifiedRequest>,
    device: blindtally::DeviceId,
    name: String,
    ticket_uses: Option<u16>,
}

impl VerifiedRequest {
    fn new(request: blindtally::VerifiedRequest) -> Arc<Self> {
        let (device, name) = (request.device_id(), request.name().to_owned());
        let ticket_uses = request.ticket_uses().map(|uses| uses.get());
        Arc::new(Self { held: Held::new(request), device, name, ticket_uses })
    }
}

#[uniffi::export]
impl VerifiedRequest {
    /// The device's id: 32 hexadecimal digits.
    pub fn device_id(&self) -> String {
        self.device.to_string()
    }

    /// The name that it gave itself, or that the owner gave it. Text of an attacker's, perhaps, where it came from a
    /// device.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// How many devices the ticket is good for: if several, show each confirmation to the owner. None without a ticket.
    pub fn ticket_uses(&self) -> Option<i32> {
        self.ticket_uses.map(i32::from)
    }
}

/// A request made without a ticket: a person must compare codes first.
#[derive(uniffi::Object)]
pub struct ComparisonRequest {
    request: blindtally::ComparisonRequest,
}

#[uniffi::export]
impl ComparisonRequest {
    /// The id of the device that claims to have made it: 32 hexadecimal digits.
    pub fn device_id(&self) -> String {
        self.request.device_id().to_string()
    }

    /// Takes the code that the device shows its user, as the owner typed it, and the name the owner gives the device.
    ///
    /// # Errors
    /// `enrollment.code`: it is another device's code, or mistyped. `enrollment.name` unless the name has 1 to 128 bytes.
    pub fn confirm(&self, code_shown: String, name: String) -> Result<Arc<VerifiedRequest>, BlindtallyError> {
        let confirmed: Result<_, InspectError> = self.request.confirm(&code_shown, &name);
        Ok(VerifiedRequest::new(confirmed?))
    }
}
