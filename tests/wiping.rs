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
    assert_eq!(found().map(|count| count > 0), there, "the search finds what is there");
    drop(key);
    assert_eq!(found(), [0; 2]);
}

/// How often each needle lies in the writable memory of this process.
fn found() -> [usize; 2] {
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
            for (count, needle) in counts.iter_mut().zip(&NEEDLES) {
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
