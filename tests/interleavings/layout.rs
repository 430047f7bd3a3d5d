//! Reads an agent's saved state and an owner's vault as SPEC.md lays them out, independently of the library's own readers.

use std::collections::{BTreeMap, BTreeSet};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap()
    }

    fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    fn lp(&mut self) -> &'a [u8] {
        let length = self.u16();
        self.take(length.into())
    }

    fn lp32(&mut self) -> &'a [u8] {
        let length = self.u32();
        self.take(length as usize)
    }
}

/// A signed policy (SPEC.md#policy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyView {
    pub(crate) version: u64,
    pub(crate) epoch: u16,
    pub(crate) key_id: [u8; 16],
    pub(crate) revoked: Vec<[u8; 16]>,
}

pub(crate) fn policy(signed: &[u8]) -> PolicyView {
    let mut bytes = Bytes(signed);
    bytes.take(4 + 16 + 32);
    let version = bytes.u64();
    bytes.take(8 + 32 + 1);
    let floors = bytes.u8();
    bytes.take(floors.into());
    let (epoch, key_id) = (bytes.u16(), bytes.array());
    let revoked = (0..bytes.u16()).map(|_| bytes.array()).collect();
    PolicyView { version, epoch, key_id, revoked }
}

/// What an agent has accepted (SPEC.md#agent-state): absent while it is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AcceptedView {
    pub(crate) seq: u64,
    pub(crate) epoch: u16,
    pub(crate) key_id: [u8; 16],
    pub(crate) policy: PolicyView,
    pub(crate) keys: usize,
}

/// An agent's saved state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentView {
    pub(crate) phase: u8,
    pub(crate) nonce: [u8; 16],
    pub(crate) accepted: Option<AcceptedView>,
}

pub(crate) fn agent(state: &[u8]) -> AgentView {
    let mut bytes = Bytes(state);
    bytes.take(4);
    let phase = bytes.u8();
    bytes.take(16);
    let pin = if bytes.u8() == 1 { 32 } else { 15 };
    bytes.take(pin);
    bytes.lp32();
    bytes.lp32();
    let nonce = bytes.array();
    bytes.take(32);
    let ticket = if bytes.u8() == 1 { 16 } else { 0 };
    bytes.take(ticket + 32);
    let accepted = (phase > 1).then(|| {
        bytes.lp();
        bytes.lp();
        let seq = bytes.u64();
        bytes.take(32);
        let (epoch, key_id, policy) = (bytes.u16(), bytes.array(), policy(bytes.lp32()));
        let keys = usize::from(bytes.u16());
        bytes.take(keys * 33);
        AcceptedView { seq, epoch, key_id, policy, keys }
    });
    assert!(bytes.0.is_empty(), "the state ends as SPEC.md says");
    AgentView { phase, nonce, accepted }
}

/// A device in the owner's table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeviceView {
    pub(crate) nonce: [u8; 16],
    pub(crate) ticket: Option<[u8; 16]>,
    pub(crate) revoked: bool,
    pub(crate) last_seq: u64,
}

/// What a vault holds (SPEC.md#keyring).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyringView {
    pub(crate) generation: u64,
    pub(crate) epochs: Vec<(u16, [u8; 32])>,
    pub(crate) policy: PolicyView,
    pub(crate) ticket_root: [u8; 32],
    pub(crate) devices: BTreeMap<[u8; 16], DeviceView>,
    pub(crate) cancelled: BTreeSet<[u8; 16]>,
}

/// Opens a vault with the wrap key of a kept login (SPEC.md#kept-login) for Argon2id. `id_of` is the id of a device with
/// these SPKIs.
pub(crate) fn vault(vault: &[u8], kept: &[u8], id_of: impl Fn(&[u8], &[u8]) -> [u8; 16]) -> KeyringView {
    let mut login = Bytes(kept);
    login.take(4);
    login.lp();
    login.take(13 + 16 + 16 + 32);
    let wrap: [u8; 32] = login.array();
    let (header, sealed) = vault.split_at(4 + 13 + 16 + 16 + 1 + 8 + 32 + 12);
    let nonce = Nonce::try_from(&header[header.len() - 12..]).unwrap();
    let keyring = Aes256GcmSiv::new(&wrap.into()).decrypt(&nonce, Payload { msg: sealed, aad: header }).unwrap();

    let mut bytes = Bytes(&keyring);
    bytes.take(4);
    let generation = bytes.u64();
    bytes.take(16);
    let epochs = (0..bytes.u16()).map(|_| (bytes.u16(), bytes.array())).collect();
    bytes.lp32();
    bytes.lp32();
    let (policy, ticket_root) = (policy(bytes.lp32()), bytes.array());
    let device = |bytes: &mut Bytes<'_>| {
        let id = id_of(bytes.lp(), bytes.lp());
        let nonce = bytes.array();
        let ticket = (bytes.u8() == 1).then(|| bytes.array());
        bytes.lp();
        let (revoked, last_seq) = (bytes.u8() == 2, bytes.u64());
        bytes.take(8);
        (id, DeviceView { nonce, ticket, revoked, last_seq })
    };
    let devices = (0..bytes.u32()).map(|_| device(&mut bytes)).collect();
    let cancelled = (0..bytes.u32()).map(|_| bytes.array()).collect();
    assert_eq!(bytes.u16(), 0, "managers are reserved");
    assert!(bytes.0.is_empty(), "the keyring ends as SPEC.md says");
    KeyringView { generation, epochs, policy, ticket_root, devices, cancelled }
}

/// A delivery's public header (SPEC.md#delivery).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderView {
    pub(crate) device: [u8; 16],
    pub(crate) epoch: u16,
    pub(crate) seq: u64,
    pub(crate) nonce: [u8; 16],
    pub(crate) key_id: [u8; 16],
}

pub(crate) fn delivery(delivery: &[u8]) -> HeaderView {
    let mut bytes = Bytes(delivery);
    bytes.take(4 + 1 + 16);
    let (device, epoch, seq) = (bytes.array(), bytes.u16(), bytes.u64());
    bytes.take(32 + 32 + 32);
    HeaderView { device, epoch, seq, nonce: bytes.array(), key_id: bytes.array() }
}
