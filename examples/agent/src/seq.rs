//! Sequence numbers: what makes sending an event twice harmless.
//!
//! The number is a function of the event: the first 63 bits of HMAC-SHA-256 over its bucket, its time and the values
//! that it is mapped to, under a random key that stays in the agent's folder. So whatever was uploaded before a crash, or
//! from a file that turned out to be truncated, or by `watch` before the same days are imported, has the same number when
//! it comes again, and the service counts it as a duplicate; no checkpoint has to be right. Without the key the number
//! says nothing about the event, not even whether two devices saw the same one.
//!
//! Two equal events are two: the n-th of them is numbered with n. Its active time is not part of an event's identity,
//! since it depends on other events, and neither is the person, who is given on the command line. Members of `data` that
//! are not mapped play no part either, so their order does not matter; events that differ only in them are equal, and
//! n tells them apart. Among ten million events of a device, one collision has a chance of one in 180,000.

use std::collections::HashMap;

use blindtally::{Secret, TokenClass};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::event::{Event, slot};

/// The key of this device's sequence numbers, and of what it notes of files.
pub struct SeqKey(Hmac<Sha256>);

impl SeqKey {
    /// From its 32 secret bytes.
    pub fn new(key: &Secret<32>) -> Self {
        let mut block = zeroize::Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(key.expose());
        Self(Hmac::new((&*block).into()))
    }

    /// 128 bits over parts, each with its length: what a name or a line was, for those alone who have the key.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> u128 {
        let mut mac = self.0.clone().chain_update(b"blindtally-agent/v1/source");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        u128::from_be_bytes(mac.finalize().into_bytes().first_chunk().copied().unwrap_or_default())
    }

    fn number(&self, bucket: &str, event: &Event, text: &str, occurrence: u32) -> u64 {
        let mut mac = self.0.clone().chain_update(b"blindtally-agent/v1/seq");
        let mut field = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        field(bucket.as_bytes());
        field(event.kind.action().as_bytes());
        let mut times = [0; 20];
        times[..8].copy_from_slice(&event.span.start_us.to_be_bytes());
        times[8..16].copy_from_slice(&event.span.duration_us.to_be_bytes());
        times[16..].copy_from_slice(&occurrence.to_be_bytes());
        field(&times);
        for (index, range) in event.values.iter().enumerate() {
            match range {
                Some(range) if index != slot(TokenClass::PERSON) => {
                    field(&[index as u8]);
                    field(text[range.clone()].as_bytes());
                }
                _ => {}
            }
        }
        let digest = mac.finalize().into_bytes();
        u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default()) >> 1
    }
}

/// Numbers the events of one bucket, counting equal ones.
pub(crate) struct Numbering<'k> {
    key: &'k SeqKey,
    order: Order,
    time_us: i64,
    seen: HashMap<u64, u32>,
}

/// Whether equal events can only be neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The bucket goes forward or back in time, as ActivityWatch writes it: what was counted can be forgotten whenever
    /// the time changes, so the memory is that of the events of one instant.
    Sorted,
    /// It does not: every event's number is remembered, about 20 bytes each.
    Unsorted,
}

impl<'k> Numbering<'k> {
    pub(crate) fn new(key: &'k SeqKey, order: Order) -> Self {
        Self { key, order, time_us: 0, seen: HashMap::new() }
    }

    pub(crate) fn next(&mut self, bucket: &str, event: &Event, text: &str) -> u64 {
        if self.order == Order::Sorted && event.span.start_us != self.time_us {
            self.time_us = event.span.start_us;
            self.seen.clear();
            self.seen.shrink_to(64);
        }
        let first = self.key.number(bucket, event, text, 0);
        let count = self.seen.entry(first).or_default();
        *count += 1;
        match *count - 1 {
            0 => first,
            occurrence => self.key.number(bucket, event, text, occurrence),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::event::{Batch, Data, Kind, Span};

    fn number(key: u8, bucket: &str, start_us: i64, title: &str, person: &str, occurrence: u32) -> u64 {
        let mut data = Data::default();
        data.set("title", title);
        let mut batch = Batch::new(person);
        batch.push(Kind::Window, Span { start_us, duration_us: 1 }, 0, &data);
        SeqKey::new(&Secret::copy_of(&[key; 32])).number(bucket, &batch.events[0], &batch.text, occurrence)
    }

    #[test]
    fn a_number_depends_on_all_of_an_event_but_its_person() {
        let number_of = number(1, "b", 5, "t", "anna", 0);
        assert_eq!(number_of, number(1, "b", 5, "t", "bert", 0));
        assert!(number_of < 1 << 63);
        for other in [
            number(2, "b", 5, "t", "anna", 0),
            number(1, "c", 5, "t", "anna", 0),
            number(1, "b", 6, "t", "anna", 0),
            number(1, "b", 5, "u", "anna", 0),
            number(1, "b", 5, "t", "anna", 1),
        ] {
            assert_ne!(number_of, other);
        }
    }

    #[test]
    fn a_digest_needs_the_key_and_is_of_all_parts() {
        let digest = |key, parts: &[&[u8]]| SeqKey::new(&Secret::copy_of(&[key; 32])).digest(parts);
        let first = digest(1, &[b"ab", b"c"]);
        assert_eq!(first, digest(1, &[b"ab", b"c"]));
        assert!(first != digest(2, &[b"ab", b"c"]) && first != digest(1, &[b"a", b"bc"]));
    }

    #[test]
    fn equal_events_are_numbered_apart_and_again_the_same() {
        let key = SeqKey::new(&Secret::copy_of(&[1; 32]));
        let numbers = |order| {
            let mut numbering = Numbering::new(&key, order);
            let mut batch = Batch::new("anna");
            let times = match order {
                Order::Sorted => [7, 7, 7, 6],
                Order::Unsorted => [7, 6, 7, 7],
            };
            times.map(|start_us| {
                let span = Span { start_us, duration_us: 1 };
                batch.push(Kind::Window, span, 0, &Data::default());
                batch.number_last(|event, text| numbering.next("b", event, text));
                batch.events.last().unwrap().seq
            })
        };
        let mut sorted = numbers(Order::Sorted);
        let mut unsorted = numbers(Order::Unsorted);
        sorted.sort_unstable();
        unsorted.sort_unstable();
        assert_eq!(sorted, unsorted);
        assert!(sorted.is_sorted_by(|a, b| a < b));
    }
}
