//! Keys leave the memory of the process with their owner: the process reads itself.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;

use blindtally::*;

/// The key of POLYVAL, and the first round key of AES, both masked so that they are not found here.
const NEEDLES: [[u8; 16]; 2] = [
    [0x10, 0x27, 0xb6, 0x6a, 0x5d, 0xbd, 0x82, 0xba, 0x7c, 0x97, 0x77, 0x9b, 0xc3, 0x78, 0xe8, 0xc2],
    [0x86, 0x3b, 0x1e, 0x26, 0xff, 0x32, 0x00, 0x85, 0x3a, 0x94, 0xee, 0x32, 0xd6, 0xbf, 0x26, 0xfc],
];
const MASK: u8 = 0x3c;

#[test]
fn dropping_a_token_key_wipes_what_was_derived_from_it() {
    let scope = Scope { account: AccountId::from_bytes([0xac; 16]), epoch: Epoch::FIRST };
    let class_key = MasterKey::from_secret(Secret::copy_of(&[0x5a; 32])).epoch_key(scope).class_key(TokenClass::APP);
    let key = TokenKey::new(&class_key);
    let (mut sealed, mut open) = (TokenBatch::new(), RevealBatch::new());
    let values: Vec<String> = (0..200).map(|len| "x".repeat(len)).collect();
    key.tokenize_batch(&values, &mut sealed);
    key.reveal_batch(sealed.iter().map(Result::unwrap), &mut open);
    for value in &values {
        assert_eq!(key.reveal(&key.tokenize(value).unwrap()).as_ref(), Ok(value));
    }
    // AES in software keeps its round keys in another form.
    let there = [true, aes::hardware_accelerated()];
    assert_eq!(found(&NEEDLES).map(|count| count > 0), there, "the search finds what is there");
    drop(key);
    assert_eq!(found(&NEEDLES), [0; 2]);
}

/// The first half of a blob's input key, and of its AES key, which is the first round key, masked too.
const BLOB_NEEDLES: [[u8; 16]; 2] = [
    [0xfb, 0x09, 0xa1, 0x35, 0x2c, 0xf7, 0xb3, 0xa5, 0x3e, 0x4a, 0x24, 0x3e, 0xb4, 0xf2, 0xd9, 0x9a],
    [0xfe, 0x56, 0xa0, 0x16, 0x5d, 0xd7, 0xd9, 0x3b, 0x72, 0xdd, 0x28, 0x33, 0x1a, 0x7b, 0x74, 0x0f],
];
const BLOB_COMMITMENT: [u8; 32] = [
    0xd2, 0xec, 0x82, 0xba, 0x70, 0xd0, 0x2a, 0x0c, 0x53, 0x9a, 0x24, 0x8f, 0xf7, 0x1a, 0xcb, 0xbd, 0x79, 0x0e, 0x75,
    0x5f, 0x4f, 0x66, 0x22, 0x0d, 0xe1, 0xac, 0xd2, 0x57, 0x7e, 0xf5, 0x2f, 0xdb,
];

#[test]
fn dropping_what_opens_a_blob_wipes_its_keys() {
    let scope = Scope { account: AccountId::from_bytes([0xac; 16]), epoch: Epoch::FIRST };
    let class_key =
        MasterKey::from_secret(Secret::copy_of(&[0x5a; 32])).epoch_key(scope).class_key(BlobClass::SCREENSHOT);
    let device = DeviceId::from_bytes([0xde; 16]);
    let key = BlobKey::new(&class_key.device_key(device));
    let id = BlobId::from_bytes([0; 16]);
    let header = BlobHeader { class: BlobClass::SCREENSHOT, epoch: Epoch::FIRST, device, id, seq: 0 };
    let mut start = [0; BlobStart::LEN];
    start[..BlobHeader::LEN].copy_from_slice(&header.to_bytes());
    start[BlobStart::LEN - 32..].copy_from_slice(&BLOB_COMMITMENT);
    let mut opener = key.opener(&BlobStart::from_bytes(&start).unwrap()).unwrap();
    opener.update(&[0; 20_000], |_| Ok::<_, BlobError>(())).unwrap_err();
    // AES in software keeps its round keys in another form.
    let there = [true, aes::hardware_accelerated()];
    assert_eq!(found(&BLOB_NEEDLES).map(|count| count > 0), there, "the search finds what is there");
    drop((opener, key));
    assert_eq!(found(&BLOB_NEEDLES), [0; 2]);
}

/// The beginning and the end of a value, masked too.
const VALUE: [u8; 34] = [
    0x73, 0x52, 0x5e, 0x53, 0x5d, 0x4e, 0x58, 0x55, 0x52, 0x5b, 0x1c, 0x51, 0x55, 0x48, 0x1c, 0x79, 0x50, 0x4f, 0x5e,
    0x59, 0x48, 0x54, 0x1c, 0x49, 0x52, 0x58, 0x1c, 0x68, 0x56, 0x53, 0x4e, 0x4a, 0x59, 0x52,
];

#[test]
fn wiping_a_batch_leaves_none_of_its_values() {
    let scope = Scope { account: AccountId::from_bytes([0xac; 16]), epoch: Epoch::FIRST };
    let key = MasterKey::generate().unwrap().epoch_key(scope).class_key(TokenClass::TITLE);
    let key = TokenKey::new(&key);
    // On the heap, where it is wiped: what moves over the stack stays there.
    let value = || zeroize::Zeroizing::new(VALUE.iter().map(|byte| byte ^ MASK).collect::<Vec<u8>>());
    let mut sealed = TokenBatch::new();
    key.tokenize_batch([str::from_utf8(&value()).unwrap()], &mut sealed);
    let needles = [VALUE[..16].try_into().unwrap(), VALUE[18..].try_into().unwrap()];
    let mut open = RevealBatch::new();
    for _ in 0..2 {
        key.reveal_batch(sealed.iter().map(Result::unwrap), &mut open);
        assert_eq!(open.get(0).unwrap().unwrap().as_bytes(), *value());
        assert!(found(&needles).iter().all(|count| *count > 0), "the search finds what is there");
        open.wipe();
        assert_eq!((found(&needles), open.len()), ([0; 2], 0));
    }
}

/// How often each needle lies in the writable memory of this process.
fn found(needles: &[[u8; 16]; 2]) -> [usize; 2] {
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    let mut counts = [0; 2];
    // What is read is masked at once, so that it is not found again in here.
    let mut page = vec![0; 1 << 16];
    for line in maps.lines().map(Result::unwrap).filter(|line| line.contains(" rw")) {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut at = start;
        while at < end {
            let len = usize::try_from(end - at).unwrap().min(page.len());
            let read = memory.read_at(&mut page[..len], at).unwrap_or(0);
            page.iter_mut().for_each(|byte| *byte ^= MASK);
            for (count, needle) in counts.iter_mut().zip(needles) {
                *count += page[..read].windows(16).filter(|window| window == needle).count();
            }
            if read <= 16 {
                break;
            }
            // Needles may lie across two reads.
            at += if at + len as u64 == end { len } else { len - 15 } as u64;
        }
    }
    counts
}
