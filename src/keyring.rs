//! Everything an owner must not lose, in one sealed piece: what vaults and backups wrap (SPEC.md#keyring).

use std::collections::{BTreeMap, BTreeSet};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::enrollment::{NAME_MAX, check_name};
use crate::error::{ParseError, UnlockError};
use crate::id::{AccountId, DeviceId, Epoch, TicketId};
use crate::identity::{Identity, PublicIdentity, SPKI_MAX};
use crate::master_key::{EpochKey, MasterKey, Scope};
use crate::password::{Opened, VAULT_MAX};
use crate::policy::{POLICY_MAX, SignedPolicy, ascending};
use crate::private_key::PKCS8_MAX;
use crate::secret::Secret;
use crate::suite::{Kind, Suite};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer};

pub(crate) struct Keyring {
    pub(crate) account: AccountId,
    /// Counts every change; the service stores a vault only over the generation it was made from.
    pub(crate) generation: u64,
    /// Ascending by epoch. Two histories that were merged may have left two keys of one epoch.
    pub(crate) epochs: Vec<(Epoch, MasterKey)>,
    pub(crate) identity: Identity,
    pub(crate) policy: SignedPolicy,
    pub(crate) ticket_root: Secret<32>,
    /// The owner's own table of devices: the service's directory is never believed.
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    pub(crate) cancelled: BTreeSet<TicketId>,
}

/// A device of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub(crate) identity: PublicIdentity,
    pub(crate) nonce: [u8; 16],
    pub(crate) ticket: Option<TicketId>,
    pub(crate) name: String,
    pub(crate) status: DeviceStatus,
    pub(crate) last_seq: u64,
    pub(crate) confirmed_at: Timestamp,
}

impl Device {
    /// The name it gave itself or the owner gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it gets keys.
    pub fn status(&self) -> DeviceStatus {
        self.status
    }

    /// When it was confirmed, by the owner's clock.
    pub fn confirmed_at(&self) -> Timestamp {
        self.confirmed_at
    }

    /// Its public keys.
    pub fn identity(&self) -> &PublicIdentity {
        &self.identity
    }
}

/// Whether a device gets keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DeviceStatus {
    /// It does.
    Active = 1,
    /// It never will again.
    Revoked = 2,
}

impl Keyring {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::artefact(Kind::Keyring, Suite::Wrap);
        out.u64(self.generation).put(self.account.as_bytes());
        out.u16(self.epochs.len() as u16);
        self.epochs.iter().for_each(|(epoch, key)| _ = out.u16(epoch.get()).put(key.secret().expose()));
        // An identity that was read or generated can always be encoded; an empty field would fail to parse.
        for pkcs8 in [self.identity.encryption_pkcs8(), self.identity.signing_pkcs8()] {
            out.lp32(pkcs8.as_ref().map_or(&[], |pkcs8| pkcs8.expose()));
        }
        out.lp32(self.policy.as_bytes()).put(self.ticket_root.expose());
        out.u32(self.devices.len() as u32);
        self.devices.values().for_each(|device| write_device(&mut out, device));
        out.u32(self.cancelled.len() as u32);
        self.cancelled.iter().for_each(|ticket| _ = out.put(ticket.as_bytes()));
        out.u16(NO_MANAGERS);
        out.into_secret()
    }

    /// Parses what a vault or backup held (SPEC.md#keyring-policy); its header has to say the same account and
    /// generation.
    pub(crate) fn open(opened: &Opened) -> Result<Self, UnlockError> {
        let keyring = Self::parse(&opened.keyring)?;
        let same = keyring.account == opened.account && keyring.generation == opened.generation;
        if same { Ok(keyring) } else { Err(UnlockError::Header) }
    }

    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::artefact(bytes, Kind::Keyring, Suite::Wrap, VAULT_MAX)?;
        let generation = reader.u64()?;
        let account = AccountId::from_bytes(reader.array()?);
        let count = reader.u16()?;
        let mut epochs = Vec::with_capacity(count.into());
        for _ in 0..count {
            let epoch = Epoch::new(reader.u16()?)?;
            epochs.push((epoch, MasterKey::from_secret(reader.secret()?)));
        }
        if !epochs.is_sorted_by_key(|(epoch, _)| *epoch) {
            return Err(ParseError::Order);
        }
        let identity = Identity::from_pkcs8(reader.lp32(PKCS8_MAX)?, reader.lp32(PKCS8_MAX)?)?;
        let policy = SignedPolicy::open(reader.lp32(POLICY_MAX)?, account, identity.public())?;
        let policy = policy.ok_or(ParseError::Value)?;
        let ticket_root = reader.secret()?;
        let mut devices = Vec::new();
        for _ in 0..reader.u32()? {
            let device = read_device(&mut reader)?;
            devices.push((device.identity.fingerprint().device_id(account), device));
        }
        if !devices.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(ParseError::Order);
        }
        let mut cancelled = Vec::new();
        for _ in 0..reader.u32()? {
            cancelled.push(TicketId::from_bytes(reader.array()?));
        }
        ascending(&cancelled)?;
        if reader.u16()? != NO_MANAGERS {
            return Err(ParseError::Value);
        }
        reader.finish()?;
        let (devices, cancelled) = (by_insertion(devices), by_insertion(cancelled));
        let keyring = Self { account, generation, epochs, identity, policy, ticket_root, devices, cancelled };
        if keyring.current_key().is_none() { Err(ParseError::Value) } else { Ok(keyring) }
    }

    /// The key that the policy names: what deliveries are made of.
    pub(crate) fn current_key(&self) -> Option<EpochKey> {
        let policy = self.policy.policy();
        let scope = Scope { account: self.account, epoch: policy.epoch };
        let keys = self.epochs.iter().filter(|(epoch, _)| *epoch == policy.epoch);
        keys.map(|(_, key)| key.epoch_key(scope)).find(|key| key.key_id() == policy.key_id)
    }

    /// How many devices a ticket was spent on, not counting `except`.
    pub(crate) fn uses_of(&self, ticket: TicketId, except: DeviceId) -> usize {
        self.devices.iter().filter(|(id, device)| device.ticket == Some(ticket) && **id != except).count()
    }

    pub(crate) fn revoked(&self) -> Vec<DeviceId> {
        let revoked = self.devices.iter().filter(|(_, device)| device.status == DeviceStatus::Revoked);
        revoked.map(|(id, _)| *id).collect()
    }

    /// The policy also names what was revoked before a restore and is not in the table.
    pub(crate) fn is_revoked(&self, device: DeviceId) -> bool {
        self.devices.get(&device).is_some_and(|known| known.status == DeviceStatus::Revoked)
            || self.policy.policy().revoked.binary_search(&device).is_ok()
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self {
            account: self.account,
            generation: self.generation,
            epochs: self.epochs.iter().map(|(epoch, key)| (*epoch, key.duplicate())).collect(),
            identity: self.identity.duplicate(),
            policy: self.policy.clone(),
            ticket_root: self.ticket_root.duplicate(),
            devices: self.devices.clone(),
            cancelled: self.cancelled.clone(),
        }
    }

    /// Everything that either history knows: no device, key, cancellation or revocation of either is lost. Of two
    /// policies the one with the higher version stays, of equal ones `other`'s, and the ticket root with it.
    ///
    /// # Errors
    /// [`UnlockError::OtherAccount`] if it is another account's.
    pub(crate) fn merge(&self, other: &Self) -> Result<Self, UnlockError> {
        if self.account != other.account || self.identity.public() != other.identity.public() {
            return Err(UnlockError::OtherAccount);
        }
        let mut merged = other.duplicate();
        merged.generation = self.generation.max(other.generation);
        for (epoch, key) in &self.epochs {
            if !merged.epochs.iter().any(|(e, k)| e == epoch && k.secret() == key.secret()) {
                let after = merged.epochs.partition_point(|(known, _)| known <= epoch);
                merged.epochs.insert(after, (*epoch, key.duplicate()));
            }
        }
        if self.policy.policy().version > merged.policy.policy().version {
            merged.policy = self.policy.clone();
            merged.ticket_root = self.ticket_root.duplicate();
        }
        for (id, device) in &self.devices {
            let known = merged.devices.entry(*id).or_insert_with(|| device.clone());
            known.status = known.status.max(device.status);
            // Nonce and ticket are of one enrollment, the one delivered to last; the other's ticket stays spent.
            let dropped = if device.last_seq >= known.last_seq {
                known.last_seq = device.last_seq;
                known.nonce = device.nonce;
                core::mem::replace(&mut known.ticket, device.ticket)
            } else {
                device.ticket
            };
            if dropped != known.ticket {
                merged.cancelled.extend(dropped);
            }
        }
        merged.cancelled.extend(&self.cancelled);
        Ok(merged)
    }

    /// Whether both hold the same, whatever their generations (SPEC.md#constant-time).
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        let mut twin = self.duplicate();
        twin.generation = other.generation;
        twin.encode().ct_eq(&other.encode()).into()
    }
}

/// The list of managers is reserved: its length is always zero in this version.
const NO_MANAGERS: u16 = 0;

fn write_device(out: &mut Writer, device: &Device) {
    out.lp(device.identity.encryption_spki()).lp(device.identity.signing_spki()).put(&device.nonce);
    match &device.ticket {
        Some(ticket) => out.u8(1).put(ticket.as_bytes()),
        None => out.u8(0),
    };
    out.lp(device.name.as_bytes()).u8(device.status as u8);
    out.u64(device.last_seq).u64(device.confirmed_at.unix_millis());
}

/// Into a map or a set one by one: `collect` would sort first, for which it brings 30 KB of WebAssembly along.
fn by_insertion<T, C: Default + Extend<T>>(items: Vec<T>) -> C {
    let mut collection = C::default();
    items.into_iter().for_each(|item| collection.extend([item]));
    collection
}

fn read_device(reader: &mut Reader<'_>) -> Result<Device, ParseError> {
    let (encryption, signing) = (reader.lp(SPKI_MAX)?, reader.lp(SPKI_MAX)?);
    let identity = PublicIdentity::from_spki(encryption, signing)?;
    let nonce = reader.array()?;
    let ticket = match reader.u8()? {
        0 => None,
        1 => Some(TicketId::from_bytes(reader.array()?)),
        _ => return Err(ParseError::Value),
    };
    let name = core::str::from_utf8(reader.lp(NAME_MAX)?).map_err(|_| ParseError::Value)?.to_owned();
    check_name(&name).map_err(|_| ParseError::Value)?;
    let status = match reader.u8()? {
        1 => DeviceStatus::Active,
        2 => DeviceStatus::Revoked,
        _ => return Err(ParseError::Value),
    };
    let (last_seq, confirmed_at) = (reader.u64()?, Timestamp::from_unix_millis(reader.u64()?));
    Ok(Device { identity, nonce, ticket, name, status, last_seq, confirmed_at })
}
