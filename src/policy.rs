//! The account's signed policy: what agents seal, in which epoch, and who was revoked (SPEC.md#policy).

use crate::class::{AnyClass, TokenClass};
use crate::error::ParseError;
use crate::hash::sha256;
use crate::id::{AccountId, DeviceId, Epoch, KeyId};
use crate::identity::{Fingerprint, PublicIdentity, RSA_MAX, signed_message};
use crate::suite::{Kind, Suite};
use crate::wire::{Reader, Writer};

/// Longest signed policy in bytes, about 7,500 revoked devices.
pub(crate) const POLICY_MAX: usize = 128 << 10;
/// The only mode there is. There is no value for plain text.
const MODE_ENCRYPTED: u8 = 1;
/// In place of the previous policy's hash where a history starts: at creation, after a restore, after a merge.
pub(crate) const NO_PREVIOUS: [u8; 32] = [0; 32];
const SIGNATURE_LABEL: &str = "policy";

/// How an agent brings values of a class into one form before it tokenizes them, so that they group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum CanonicalForm {
    /// As it is.
    #[default]
    Exact = 0,
    /// ASCII letters in lower case. Nothing depends on a version of Unicode: tokens must not split when one changes.
    AsciiLowercase = 1,
    /// The host of a URL, as [`CanonicalForm::apply`] says; a text without `://` is taken as a host.
    Host = 2,
}

impl CanonicalForm {
    fn from_id(id: u8) -> Option<Self> {
        [Self::Exact, Self::AsciiLowercase, Self::Host].into_iter().find(|form| *form as u8 == id)
    }

    /// The canonical form of `value`. For [`CanonicalForm::Host`]: what is between `://` (if any) and the next `/`, `?`
    /// or `#`, without userinfo up to the last `@` and without a port, ASCII letters in lower case.
    pub fn apply(self, value: &str) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Exact => value.into(),
            Self::AsciiLowercase => lowercase(value),
            Self::Host => lowercase(host_of(value)),
        }
    }
}

fn lowercase(value: &str) -> std::borrow::Cow<'_, str> {
    if value.bytes().any(|b| b.is_ascii_uppercase()) { value.to_ascii_lowercase().into() } else { value.into() }
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host_port.find(']') {
        Some(bracket) if host_port.starts_with('[') => &host_port[..=bracket],
        _ => host_port.split(':').next().unwrap_or_default(),
    }
}

/// What agents may seal and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(crate) account: AccountId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) version: u64,
    pub(crate) issued_at: u64,
    pub(crate) previous: [u8; 32],
    /// One suite id per family, ascending: nothing older may be used.
    pub(crate) floors: Vec<u8>,
    pub(crate) epoch: Epoch,
    pub(crate) key_id: KeyId,
    /// Ascending.
    pub(crate) revoked: Vec<DeviceId>,
    /// Ascending by class id. Entries of classes unknown here were skipped.
    pub(crate) classes: Vec<(AnyClass, CanonicalForm)>,
    /// Classes known here whose entry is not: in the policy, but nothing can be sealed until an upgrade.
    pub(crate) unreadable: Vec<AnyClass>,
    /// Whether the policy asks for a floor or form that this version does not know (SPEC.md#needs-upgrade).
    pub(crate) needs_upgrade: bool,
}

impl Policy {
    /// Counts up with every change; agents refuse lower ones.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was signed, in seconds since the Unix epoch by the owner's clock.
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// The epoch that agents seal in.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Names the epoch's key.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Revoked devices, in order of id.
    pub fn revoked(&self) -> &[DeviceId] {
        &self.revoked
    }

    /// The classes that agents seal, with their canonical forms, in order of id.
    pub fn classes(&self) -> &[(AnyClass, CanonicalForm)] {
        &self.classes
    }

    /// The canonical form of a token class.
    pub fn canonical_form(&self, class: TokenClass) -> CanonicalForm {
        let entry = self.classes.iter().find(|(known, _)| *known == AnyClass::Token(class));
        entry.map(|(_, form)| *form).unwrap_or_default()
    }

    /// Whether devices may be given keys of this class.
    pub(crate) fn lists(&self, class: AnyClass) -> bool {
        self.classes.iter().any(|(known, _)| *known == class) || self.unreadable.contains(&class)
    }

    /// The bytes that are signed, and all of a signed policy but its signature.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::artefact(Kind::Policy, Suite::Policy);
        out.put(self.account.as_bytes()).put(self.fingerprint.as_bytes());
        out.u64(self.version).u64(self.issued_at).put(&self.previous).u8(MODE_ENCRYPTED);
        out.u8(self.floors.len() as u8).put(&self.floors);
        out.u16(self.epoch.get()).put(self.key_id.as_bytes());
        out.u16(self.revoked.len() as u16);
        self.revoked.iter().for_each(|device| _ = out.put(device.as_bytes()));
        out.u16(self.classes.len() as u16);
        self.classes.iter().for_each(|(class, form)| _ = out.lp(&[class.id(), *form as u8]));
        out.into_public()
    }

    pub(crate) fn message(encoded: &[u8]) -> Vec<u8> {
        signed_message(SIGNATURE_LABEL, &[encoded])
    }
}

/// A policy with the account's signature, kept as the exact bytes that were signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPolicy {
    bytes: Vec<u8>,
    policy: Policy,
}

impl SignedPolicy {
    /// Puts policy and signature together.
    pub(crate) fn assemble(policy: Policy, signature: &[u8]) -> Self {
        let mut out = Writer::new();
        out.put(&policy.encode()).lp(signature);
        Self { bytes: out.into_public(), policy }
    }

    /// Parses and verifies.
    ///
    /// `None` for a signature that is not by `signer`, or a policy that says it is another's.
    pub(crate) fn open(bytes: &[u8], account: AccountId, signer: &PublicIdentity) -> Result<Option<Self>, ParseError> {
        let (policy, encoded, signature) = parse(bytes)?;
        let genuine = signer.verifies(&Policy::message(encoded), signature)
            && policy.account == account
            && policy.fingerprint == signer.fingerprint();
        Ok(genuine.then(|| Self { bytes: bytes.to_vec(), policy }))
    }

    /// What it says.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The signed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether an agent that has `earlier` takes this one: it is newer, or the same to the byte; the very next version must
    /// name `earlier` or start a history.
    pub(crate) fn follows(&self, earlier: &Self) -> bool {
        match self.policy.version.checked_sub(earlier.policy.version) {
            None => false,
            Some(0) => self.bytes == earlier.bytes,
            Some(1) => self.policy.previous == earlier.hash() || self.policy.previous == NO_PREVIOUS,
            Some(_) => true,
        }
    }

    /// SHA-256 of the signed bytes: what the next policy and every delivery name.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(&[&self.bytes])
    }
}

/// The policy, the bytes its signature is over, and the signature.
fn parse(bytes: &[u8]) -> Result<(Policy, &[u8], &[u8]), ParseError> {
    let mut reader = Reader::artefact(bytes, Kind::Policy, Suite::Policy, POLICY_MAX)?;
    let account = AccountId::from_bytes(reader.array()?);
    let fingerprint = Fingerprint::from_bytes(reader.array()?);
    let (version, issued_at, previous) = (reader.u64()?, reader.u64()?, reader.array()?);
    // SPEC.md#policy-mode
    if reader.u8()? != MODE_ENCRYPTED {
        return Err(ParseError::Value);
    }
    let mut needs_upgrade = false;
    let count = reader.u8()?;
    let floors = reader.take(count.into())?.to_vec();
    ascending(&floors)?;
    for floor in &floors {
        needs_upgrade |= !Suite::is_registered(*floor);
    }
    let epoch = Epoch::new(reader.u16()?)?;
    let key_id = KeyId::from_bytes(reader.array()?);
    let count = reader.u16()?;
    let revoked = (0..count).map(|_| reader.array().map(DeviceId::from_bytes)).collect::<Result<Vec<_>, _>>()?;
    ascending(&revoked)?;
    let mut ids = Vec::new();
    let mut classes = Vec::new();
    let mut unreadable = Vec::new();
    for _ in 0..reader.u16()? {
        let entry = reader.lp(usize::from(u16::MAX))?;
        let &[id, ref form @ ..] = entry else { return Err(ParseError::Truncated) };
        ids.push(id);
        let Ok(class) = AnyClass::from_id(id) else { continue };
        match *form {
            [form] => match CanonicalForm::from_id(form) {
                Some(form) => classes.push((class, form)),
                None => unreadable.push(class),
            },
            [] => return Err(ParseError::Truncated),
            _ => unreadable.push(class),
        }
    }
    needs_upgrade |= !unreadable.is_empty();
    ascending(&ids)?;
    let encoded = reader.before();
    let signature = reader.lp(RSA_MAX)?;
    reader.finish()?;
    let policy = Policy {
        account,
        fingerprint,
        version,
        issued_at,
        previous,
        floors,
        epoch,
        key_id,
        revoked,
        classes,
        unreadable,
        needs_upgrade,
    };
    Ok((policy, encoded, signature))
}

/// Lists are strictly ascending, so that what they say has one encoding.
pub(crate) fn ascending<T: Ord>(list: &[T]) -> Result<(), ParseError> {
    if list.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err(ParseError::Order) }
}
