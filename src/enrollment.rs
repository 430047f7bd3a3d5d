//! A device's request to be given keys, and the owner's examination of it (SPEC.md#enrollment).

use core::fmt;

use crate::aead;
use crate::crockford;
use crate::error::{EnrollError, InspectError, ParseError};
use crate::id::{AccountId, DeviceId, TicketId};
use crate::identity::{Fingerprint, PublicIdentity, RSA_MAX, SPKI_MAX, signed_message};
use crate::secret;
use crate::suite::{Kind, Suite};
use crate::ticket::{AccountCode, Ticket, TicketKeys, TicketTerms, TicketUses};
use crate::wire::{self, Reader, Writer};

/// Longest request in bytes.
pub(crate) const REQUEST_MAX: usize = 4096;
/// Longest device name in bytes of UTF-8.
pub(crate) const NAME_MAX: usize = 128;
const SIGNATURE_LABEL: &str = "enrollment";
const BY_TICKET: u8 = 1;
const BY_COMPARISON: u8 = 2;

/// A device's request, signed by the device and, with a ticket, authenticated by it. It goes through the service.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrollmentRequest {
    bytes: Vec<u8>,
    pub(crate) account: AccountId,
    pub(crate) identity: PublicIdentity,
    pub(crate) nonce: [u8; 16],
    pub(crate) proof: Proof,
}

/// What vouches for a request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    Ticket {
        terms: TicketTerms,
        fingerprint: Fingerprint,
        name_nonce: [u8; 12],
        sealed_name: Vec<u8>,
        mac: [u8; 32],
    },
    /// A person who compares codes. `claim_hash` is for the service alone.
    Comparison {
        prefix: [u8; 15],
        claim_hash: [u8; 32],
    },
}

impl EnrollmentRequest {
    /// The bytes of a request with a ticket, up to its signature.
    pub(crate) fn unsigned_with_ticket(
        ticket: &Ticket,
        name: &str,
        nonce: [u8; 16],
        public: &PublicIdentity,
    ) -> Result<Vec<u8>, EnrollError> {
        check_name(name).map_err(|_| EnrollError::Name)?;
        let keys = ticket.keys();
        let mut out = Writer::artefact(Kind::Enrollment, Suite::Enrollment);
        out.put(ticket.terms.account.as_bytes()).u8(BY_TICKET).put(ticket.fingerprint.as_bytes());
        out.put(ticket.terms.id.as_bytes()).u64(ticket.terms.expiry).u16(ticket.terms.uses.get());
        out.lp(public.encryption_spki()).lp(public.signing_spki()).put(&nonce);
        let name_nonce = secret::random::<12>()?;
        out.put(&name_nonce);
        let sealed_name = aead::seal(&keys.name, &name_nonce, &wire::pad(name.as_bytes()), out.as_slice())?;
        out.lp(&sealed_name);
        let mac = keys.mac(out.as_slice());
        out.put(&mac);
        Ok(out.into_public())
    }

    /// The bytes of a request without a ticket, up to its signature.
    pub(crate) fn unsigned_with_code(
        code: &AccountCode,
        claim_hash: &[u8; 32],
        nonce: [u8; 16],
        public: &PublicIdentity,
    ) -> Vec<u8> {
        let mut out = Writer::artefact(Kind::Enrollment, Suite::Enrollment);
        out.put(code.account.as_bytes()).u8(BY_COMPARISON).put(&code.prefix).put(claim_hash);
        out.lp(public.encryption_spki()).lp(public.signing_spki()).put(&nonce);
        out.into_public()
    }

    /// What the device signs.
    pub(crate) fn message(unsigned: &[u8]) -> Vec<u8> {
        signed_message(SIGNATURE_LABEL, &[unsigned])
    }

    /// The request, if the signature verifies.
    pub(crate) fn assemble(unsigned: &[u8], signature: &[u8]) -> Result<Self, EnrollError> {
        let mut out = Writer::new();
        out.put(unsigned).lp(signature);
        Self::from_bytes(out.as_slice()).map_err(|_| EnrollError::Signature)
    }

    /// Parses a request; whether to believe it is [`crate::Owner::inspect`]'s to say.
    ///
    /// # Errors
    /// [`InspectError::Malformed`], and [`InspectError::Signature`] unless the device signed it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InspectError> {
        let (request, signed, signature) = Self::parse(bytes)?;
        let message = Self::message(signed);
        if request.identity.verifies(&message, signature) { Ok(request) } else { Err(InspectError::Signature) }
    }

    fn parse(bytes: &[u8]) -> Result<(Self, &[u8], &[u8]), ParseError> {
        let mut reader = Reader::artefact(bytes, Kind::Enrollment, Suite::Enrollment, REQUEST_MAX)?;
        let account = AccountId::from_bytes(reader.array()?);
        let (identity, nonce, proof) = match reader.u8()? {
            BY_TICKET => {
                let fingerprint = Fingerprint::from_bytes(reader.array()?);
                let id = TicketId::from_bytes(reader.array()?);
                let (expiry, uses) = (reader.u64()?, TicketUses::several(reader.u16()?)?);
                let (identity, nonce) = read_device(&mut reader)?;
                let name_nonce = reader.array()?;
                let sealed_name = reader.lp(wire::padded_len(NAME_MAX) + aead::TAG_LEN)?.to_vec();
                let mac = reader.array()?;
                let terms = TicketTerms { account, id, expiry, uses };
                (identity, nonce, Proof::Ticket { terms, fingerprint, name_nonce, sealed_name, mac })
            }
            BY_COMPARISON => {
                let (prefix, claim_hash) = (reader.array()?, reader.array()?);
                let (identity, nonce) = read_device(&mut reader)?;
                (identity, nonce, Proof::Comparison { prefix, claim_hash })
            }
            _ => return Err(ParseError::Value),
        };
        let signed = reader.before();
        let signature = reader.lp(RSA_MAX)?;
        reader.finish()?;
        Ok((Self { bytes: bytes.to_vec(), account, identity, nonce, proof }, signed, signature))
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The account it is for.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The device that made it.
    pub fn device_id(&self) -> DeviceId {
        self.identity.fingerprint().device_id(self.account)
    }

    /// What the service keeps to recognise the device by, if the request was made without a ticket.
    pub fn claim_hash(&self) -> Option<[u8; 32]> {
        match self.proof {
            Proof::Comparison { claim_hash, .. } => Some(claim_hash),
            Proof::Ticket { .. } => None,
        }
    }

    /// The device's name, if `keys` are those of the ticket it was made with and nothing was changed since.
    pub(crate) fn authenticate(&self, keys: &TicketKeys) -> Result<String, InspectError> {
        let Proof::Ticket { name_nonce, sealed_name, mac, .. } = &self.proof else {
            return Err(InspectError::NeedsComparison);
        };
        // Offsets from the end of what parse() took apart: lp(signature), mac, then lp(sealed name).
        let (_, signed, _) = Self::parse(&self.bytes)?;
        let maced = signed.get(..signed.len() - mac.len()).unwrap_or_default();
        if !keys.verifies(maced, mac) {
            return Err(InspectError::Mac);
        }
        let aad = maced.get(..maced.len() - sealed_name.len() - 2).unwrap_or_default();
        let padded = aead::open(&keys.name, name_nonce, sealed_name, aad).ok_or(InspectError::Mac)?;
        let name = wire::unpad(&padded).and_then(|name| core::str::from_utf8(name).ok()).ok_or(InspectError::Name)?;
        check_name(name)?;
        Ok(name.to_owned())
    }
}

impl fmt::Debug for EnrollmentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrollmentRequest({}, {:?})", self.account, self.identity)
    }
}

fn read_device(reader: &mut Reader<'_>) -> Result<(PublicIdentity, [u8; 16]), ParseError> {
    let (encryption, signing) = (reader.lp(SPKI_MAX)?, reader.lp(SPKI_MAX)?);
    Ok((PublicIdentity::from_spki(encryption, signing)?, reader.array()?))
}

pub(crate) fn check_name(name: &str) -> Result<(), InspectError> {
    if (1..=NAME_MAX).contains(&name.len()) { Ok(()) } else { Err(InspectError::Name) }
}

/// What an owner learned about a request.
#[derive(Debug)]
#[must_use]
pub enum Inspection {
    /// It was made with a ticket of this account: confirm it.
    Verified(VerifiedRequest),
    /// It was made without one: a person must compare codes first.
    NeedsComparison(ComparisonRequest),
}

impl Inspection {
    /// The verified request.
    ///
    /// # Errors
    /// [`InspectError::NeedsComparison`] if it needs a person.
    pub fn verified(self) -> Result<VerifiedRequest, InspectError> {
        match self {
            Self::Verified(request) => Ok(request),
            Self::NeedsComparison(_) => Err(InspectError::NeedsComparison),
        }
    }
}

/// A request that is known to come from the device it names. Only [`crate::Owner::inspect`] and
/// [`ComparisonRequest::confirm`] make one.
#[derive(Debug)]
pub struct VerifiedRequest {
    pub(crate) identity: PublicIdentity,
    pub(crate) nonce: [u8; 16],
    pub(crate) ticket: Option<TicketTerms>,
    pub(crate) name: String,
    pub(crate) device: DeviceId,
}

impl VerifiedRequest {
    /// The device.
    pub fn device_id(&self) -> DeviceId {
        self.device
    }

    /// The name that it gave itself, or that the owner gave it. Attacker-influenced text where it came from a device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the ticket is good for several devices: then show each confirmation to the owner.
    pub fn ticket_uses(&self) -> Option<TicketUses> {
        self.ticket.map(|terms| terms.uses)
    }
}

/// A request made without a ticket.
#[derive(Debug)]
pub struct ComparisonRequest {
    pub(crate) request: EnrollmentRequest,
}

impl ComparisonRequest {
    /// The device that claims to have made it.
    pub fn device_id(&self) -> DeviceId {
        self.request.device_id()
    }

    /// Takes the code that the device shows its user, as the owner typed it, and the name the owner gives the device.
    ///
    /// Typing it is the comparison: there is no way to wave a request through (SPEC.md#typed-code). Whoever mistyped it
    /// types it again.
    ///
    /// # Errors
    /// [`InspectError::Code`] if it is another device's code, [`InspectError::Name`] for an unusable name.
    pub fn confirm(&self, code_shown: &str, name: &str) -> Result<VerifiedRequest, InspectError> {
        check_name(name)?;
        let typed = crockford::decode::<15>(code_shown, Fingerprint::CODE_CHARS).ok_or(InspectError::Code)?;
        let own = secret::Secret::copy_of(&self.request.identity.fingerprint().prefix());
        if typed != own {
            return Err(InspectError::Code);
        }
        let device = self.request.device_id();
        let EnrollmentRequest { identity, nonce, .. } = &self.request;
        Ok(VerifiedRequest { identity: identity.clone(), nonce: *nonce, ticket: None, name: name.to_owned(), device })
    }
}
