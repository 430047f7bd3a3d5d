//! AES-256-GCM-SIV (RFC 8452) for many messages under one key, nonce and associated data, all prepared once.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes256Enc, Block};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The two keys that RFC 8452 §4 derives from key and nonce, expanded, and the POLYVAL state after the associated data.
pub(crate) struct Siv(Box<Keys>);

struct Keys {
    aes: Aes256Enc,
    polyval: Polyval,
    nonce: u128,
    /// What POLYVAL has made of the associated data; to be added to the first block after it.
    associated: u128,
    associated_bits: u64,
}

impl Siv {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8]) -> Self {
        let siv = Self::expand(key, nonce, associated);
        zeroize::zeroize_stack::<8192>();
        siv
    }

    /// Apart and never inlined, so that what it leaves on the stack can be wiped.
    #[inline(never)]
    fn expand(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8]) -> Self {
        let generator = Aes256Enc::new(key.into());
        let mut derived = Zeroizing::new([0; 48]);
        for (counter, half) in (0u32..).zip(derived.chunks_exact_mut(8)) {
            let mut block = Block::default();
            block[..4].copy_from_slice(&counter.to_le_bytes());
            block[4..].copy_from_slice(nonce);
            generator.encrypt_block(&mut block);
            half.copy_from_slice(&block[..8]);
        }
        let mut mac_key = polyval::Key::default();
        mac_key.copy_from_slice(&derived[..16]);
        let mut polyval = Polyval::new(&mac_key);
        polyval.update_padded(associated);
        let state = polyval.finalize_reset();
        let mut padded_nonce = [0; 16];
        padded_nonce[..12].copy_from_slice(nonce);
        let mut enc_key = aes::cipher::Key::<Aes256Enc>::default();
        enc_key.copy_from_slice(&derived[16..]);
        Self(Box::new(Keys {
            aes: Aes256Enc::new(&enc_key),
            polyval,
            nonce: u128::from_le_bytes(padded_nonce),
            associated: u128::from_le_bytes(state.0),
            associated_bits: associated.len() as u64 * 8,
        }))
    }

    /// Encrypts `message` in place and returns its tag.
    pub(crate) fn seal(&self, message: &mut [u8]) -> [u8; 16] {
        let tag = self.tag(message);
        self.apply_keystream(&tag, message);
        tag
    }

    /// Decrypts `message` in place; `false`, and nothing but zeros in `message`, if the tag is not its own.
    #[must_use]
    pub(crate) fn open(&self, message: &mut [u8], tag: &[u8; 16]) -> bool {
        self.apply_keystream(tag, message);
        let authentic: bool = self.tag(message).ct_eq(tag).into();
        if !authentic {
            message.fill(0);
        }
        authentic
    }

    fn tag(&self, message: &[u8]) -> [u8; 16] {
        let mut blocks: Vec<Block> = vec![Block::default(); message.len().div_ceil(16) + 1];
        for (block, bytes) in blocks.iter_mut().zip(message.chunks(16)) {
            block[..bytes.len()].copy_from_slice(bytes);
        }
        if let Some(length) = blocks.last_mut() {
            length[..8].copy_from_slice(&self.0.associated_bits.to_le_bytes());
            length[8..].copy_from_slice(&(message.len() as u64 * 8).to_le_bytes());
        }
        if let Some(first) = blocks.first_mut() {
            *first = (u128::from_le_bytes(first.0) ^ self.0.associated).to_le_bytes().into();
        }
        let mut polyval = self.0.polyval.clone();
        polyval.update(&blocks);
        let sum = u128::from_le_bytes(polyval.finalize().0) ^ self.0.nonce;
        let mut tag = Block::from((sum & !(1 << 127)).to_le_bytes());
        self.0.aes.encrypt_block(&mut tag);
        tag.0
    }

    fn apply_keystream(&self, tag: &[u8; 16], message: &mut [u8]) {
        let start = u128::from_le_bytes(*tag) | 1 << 127;
        for (i, bytes) in (0u32..).zip(message.chunks_mut(16)) {
            let counter = (start as u32).wrapping_add(i);
            let mut stream = Block::from((start >> 32 << 32 | u128::from(counter)).to_le_bytes());
            self.0.aes.encrypt_block(&mut stream);
            bytes.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
    }
}

/// The AES schedule wipes itself; the rest is overwritten with what a zero key gives.
impl Drop for Keys {
    fn drop(&mut self) {
        self.polyval = Polyval::new(&polyval::Key::default());
        self.associated = 0;
        zeroize::optimization_barrier(self);
    }
}
