//! Enrollment tickets: a secret from the owner to one installer, by any way that is not the service (SPEC.md#ticket).

use core::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crockford;
use crate::error::ParseError;
use crate::hash;
use crate::id::{AccountId, TicketId};
use crate::identity::Fingerprint;
use crate::master_key::expand;
use crate::secret::Secret;
use crate::suite::{Kind, Suite};
use crate::time::{Lifetime, Timestamp};
use crate::wire::{self, Reader, Writer};

const PREFIX: &str = "btt1_";
const LINK: &str = "blindtally:";
const LIFETIME_MAX: Lifetime = Lifetime::days(30);
const SHARED_LIFETIME_MAX: Lifetime = Lifetime::hours(24);
const USES_MAX: u16 = 50;

/// How many devices may enrol with one ticket: 1 to 50.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketUses(u16);

impl TicketUses {
    /// One device.
    pub const ONE: Self = Self(1);

    /// Several devices, within 24 hours; each confirmation should be shown to the owner.
    ///
    /// # Errors
    /// [`ParseError::Value`] for 0 and for more than 50.
    pub fn several(uses: u16) -> Result<Self, ParseError> {
        if (1..=USES_MAX).contains(&uses) { Ok(Self(uses)) } else { Err(ParseError::Value) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// How long such a ticket is good for where nobody says otherwise: 7 days, or 24 hours for several devices.
    pub fn default_lifetime(self) -> Lifetime {
        if self == Self::ONE { Lifetime::days(7) } else { SHARED_LIFETIME_MAX }
    }

    /// The longest a ticket of so many uses may live.
    pub(crate) fn lifetime_max(self) -> Lifetime {
        if self == Self::ONE { LIFETIME_MAX } else { SHARED_LIFETIME_MAX }
    }
}

/// What a ticket's secret is derived from and a request repeats, so that any unlocked client can verify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TicketTerms {
    pub(crate) account: AccountId,
    pub(crate) id: TicketId,
    /// Seconds since the Unix epoch, by the owner's clock.
    pub(crate) expiry: u64,
    pub(crate) uses: TicketUses,
}

impl TicketTerms {
    pub(crate) fn secret(&self, ticket_root: &Secret<32>) -> TicketSecret {
        let info: [&[u8]; 5] = [
            b"blindtally/v1\0\0\x06ticket",
            self.account.as_bytes(),
            self.id.as_bytes(),
            &self.expiry.to_be_bytes(),
            &self.uses.get().to_be_bytes(),
        ];
        TicketSecret(Secret::build(|out| expand(ticket_root, &info, out)))
    }

    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        now.unix_secs() >= self.expiry
    }
}

/// The 128 secret bits of a ticket.
#[derive(Debug)]
pub(crate) struct TicketSecret(Secret<16>);

impl TicketSecret {
    /// K_mac, K_name and the authenticator, independent outputs of one HKDF.
    pub(crate) fn keys(&self, account: AccountId, id: TicketId) -> TicketKeys {
        let info: [&[u8]; 2] = [account.as_bytes(), id.as_bytes()];
        let output = Secret::<96>::build(|out| {
            let hkdf = Hkdf::<Sha256>::new(Some(b"blindtally/v1/ticket"), self.0.expose());
            let expanded = hkdf.expand_multi_info(&info, out);
            debug_assert!(expanded.is_ok());
        });
        let part = |at: usize| Secret::build(|out: &mut [u8; 32]| out.copy_from_slice(&output.expose()[at..at + 32]));
        TicketKeys { mac: part(0), name: part(32), authenticator: part(64) }
    }
}

pub(crate) struct TicketKeys {
    pub(crate) mac: Secret<32>,
    pub(crate) name: Secret<32>,
    pub(crate) authenticator: Secret<32>,
}

impl TicketKeys {
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        self.mac_state(message).finalize().into_bytes().into()
    }

    /// In constant time.
    pub(crate) fn verifies(&self, message: &[u8], mac: &[u8; 32]) -> bool {
        self.mac_state(message).verify_slice(mac).is_ok()
    }

    fn mac_state(&self, message: &[u8]) -> Hmac<Sha256> {
        // RFC 2104 §2: a key shorter than the block is filled up with zeros.
        let block = Secret::<64>::build(|block| block[..32].copy_from_slice(self.mac.expose()));
        <Hmac<Sha256> as KeyInit>::new(block.expose().into()).chain_update(message)
    }
}

/// A ticket: whoever holds it may enrol a device. It must never reach the service.
pub struct Ticket {
    pub(crate) terms: TicketTerms,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) secret: TicketSecret,
}

impl Ticket {
    /// Reads the text of [`Ticket::to_text`], or the link of [`Ticket::to_link`]; white space around it does not matter.
    ///
    /// # Errors
    /// [`ParseError::Checksum`] for a mistyped ticket, other [`ParseError`]s for what is not one at all.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        // SPEC.md#ticket-refused has the order.
        let text = text.trim();
        let bytes = wire::decode_text(PREFIX, text.strip_prefix(LINK).unwrap_or(text))?;
        let mut reader = Reader::artefact(&bytes, Kind::Ticket, Suite::Enrollment, usize::MAX)?;
        let account = AccountId::from_bytes(reader.array()?);
        let fingerprint = Fingerprint::from_bytes(reader.array()?);
        let id = TicketId::from_bytes(reader.array()?);
        let secret = TicketSecret(reader.secret()?);
        let expiry = reader.u64()?;
        let uses = reader.u16()?;
        let expected = checksum(reader.before());
        let found = reader.array::<4>()?;
        reader.finish()?;
        if found != expected {
            return Err(ParseError::Checksum);
        }
        let uses = TicketUses::several(uses)?;
        Ok(Self { terms: TicketTerms { account, id, expiry, uses }, fingerprint, secret })
    }

    /// The text that goes into an installer, a QR code or device management: `btt1_` and 131 characters.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut out = Writer::artefact(Kind::Ticket, Suite::Enrollment);
        out.put(self.terms.account.as_bytes()).put(self.fingerprint.as_bytes()).put(self.terms.id.as_bytes());
        out.put(self.secret.0.expose()).u64(self.terms.expiry).u16(self.terms.uses.get());
        let checksum = checksum(out.as_slice());
        out.put(&checksum);
        Zeroizing::new(wire::encode_text(PREFIX, out.as_slice()))
    }

    /// The ticket as a link, in a scheme that no web server ever gets to see (SPEC.md#ticket-link).
    pub fn to_link(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{LINK}{}", *self.to_text()))
    }

    /// The account it is for.
    pub fn account(&self) -> AccountId {
        self.terms.account
    }

    /// Its id: what cancels it.
    pub fn id(&self) -> TicketId {
        self.terms.id
    }

    /// When it expires, by the owner's clock.
    pub fn expiry(&self) -> Timestamp {
        Timestamp::from_unix_secs(self.terms.expiry)
    }

    /// How many devices may use it.
    pub fn uses(&self) -> TicketUses {
        self.terms.uses
    }

    /// What the owner registers at the service, so that it takes uploads from whoever shows the authenticator: a
    /// SHA-256 of it. It protects the service's capacity, not secrecy.
    pub fn authenticator_hash(&self) -> [u8; 32] {
        hash::sha256(&[self.keys().authenticator.expose()])
    }

    pub(crate) fn keys(&self) -> TicketKeys {
        self.secret.keys(self.terms.account, self.terms.id)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({}, ..)", self.terms.id)
    }
}

fn checksum(body: &[u8]) -> [u8; 4] {
    hash::checksum("blindtally/v1/ticket-check", body)
}

/// What a person types into an agent that has no ticket: the account, and 120 bits of its fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountCode {
    pub(crate) account: AccountId,
    pub(crate) prefix: [u8; 15],
}

impl AccountCode {
    const ACCOUNT_CHARS: usize = 26;

    pub(crate) fn new(account: AccountId, fingerprint: &Fingerprint) -> Self {
        Self { account, prefix: fingerprint.prefix() }
    }

    /// Reads the 50 characters of [`AccountCode::to_text`] as typed: case, hyphens and spaces do not matter.
    ///
    /// # Errors
    /// [`ParseError::Encoding`] unless they are 50 characters of Crockford's base 32.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut chars = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let account: String = chars.by_ref().take(Self::ACCOUNT_CHARS).collect();
        let prefix: String = chars.take(Fingerprint::CODE_CHARS + 1).collect();
        let account = crockford::decode::<16>(&account, Self::ACCOUNT_CHARS).ok_or(ParseError::Encoding)?;
        let prefix = crockford::decode::<15>(&prefix, Fingerprint::CODE_CHARS).ok_or(ParseError::Encoding)?;
        Ok(Self { account: AccountId::from_bytes(*account.expose()), prefix: *prefix.expose() })
    }

    /// 26 characters of the account's id and 24 of its fingerprint.
    pub fn to_text(&self) -> String {
        let account = crockford::encode(self.account.as_bytes(), Self::ACCOUNT_CHARS, 13);
        let prefix = crockford::encode(&self.prefix, Fingerprint::CODE_CHARS, 4);
        format!("{}-{}", *account, *prefix)
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.account
    }
}
