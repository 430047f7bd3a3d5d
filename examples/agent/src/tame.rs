//! JSON made harmless on its way in: nothing in it needs more memory than a long title, and every string is Unicode.
//!
//! Three things that real exports have and a strict reader refuses or suffers from are mended byte by byte: a byte order
//! mark at the start is dropped; the escape of a lone surrogate (Windows allows them in titles) becomes that of U+FFFD,
//! which has the same length; of a string longer than 64 KiB only that much is passed on, cut between characters.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// What is kept of a string: more than any value keeps, so that the host of a long URL is still found.
const STRING_MAX: usize = 64 << 10;
const INPUT: usize = 64 << 10;
const BOM: &[u8] = b"\xef\xbb\xbf";
/// The escape of a surrogate pair.
const PAIR: usize = "\\ud83d\\ude00".len();
const REPLACEMENT: &[u8] = b"\\ufffd";

/// A reader that mends what `inner` reads.
pub(crate) struct Tame<R> {
    inner: R,
    input: Vec<u8>,
    at_end: bool,
    output: Vec<u8>,
    served: usize,
    place: Place,
    dropped: Rc<Cell<u64>>,
}

#[derive(Clone, Copy)]
enum Place {
    Start,
    Outside,
    /// In a string of which about so many bytes may still be passed on.
    String {
        room: usize,
    },
    /// In the rest of a string that is too long.
    Cut,
}

impl<R: Read> Tame<R> {
    /// Also gives the count of bytes that were not passed on, which offsets after them lack.
    pub(crate) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let dropped = Rc::new(Cell::new(0));
        let (input, output) = (Vec::with_capacity(INPUT), Vec::with_capacity(INPUT));
        let tame =
            Self { inner, input, at_end: false, output, served: 0, place: Place::Start, dropped: dropped.clone() };
        (tame, dropped)
    }

    fn fill(&mut self) -> io::Result<()> {
        let left = self.input.len();
        self.input.resize(INPUT, 0);
        let read = self.inner.read(&mut self.input[left..]);
        self.input.truncate(left + read.as_ref().unwrap_or(&0));
        self.at_end = read? == 0;
        self.output.clear();
        self.served = 0;
        let input = std::mem::take(&mut self.input);
        let used = self.mend(&input);
        self.input = input;
        self.input.drain(..used);
        Ok(())
    }

    /// Passes on what is complete, and says how much that was: an escape may go on in the next input.
    fn mend(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        while at < input.len() {
            let rest = &input[at..];
            match self.place {
                Place::Start => {
                    if rest.len() < BOM.len() && !self.at_end {
                        return at;
                    }
                    if rest.starts_with(BOM) {
                        self.drop_bytes(BOM.len());
                        at += BOM.len();
                    }
                    self.place = Place::Outside;
                }
                Place::Outside => {
                    let end = memchr::memchr(b'"', rest).map(|quote| {
                        self.place = Place::String { room: STRING_MAX };
                        quote + 1
                    });
                    let end = end.unwrap_or(rest.len());
                    self.output.extend_from_slice(&rest[..end]);
                    at += end;
                }
                Place::String { .. } | Place::Cut => match memchr::memchr2(b'"', b'\\', rest) {
                    Some(0) if rest[0] == b'"' => {
                        self.output.push(b'"');
                        self.place = Place::Outside;
                        at += 1;
                    }
                    Some(0) => {
                        let Some((escape, used)) = self.escape(rest) else { return at };
                        self.pass(escape);
                        at += used;
                    }
                    run => {
                        let run = &rest[..run.unwrap_or(rest.len())];
                        self.pass(run);
                        at += run.len();
                    }
                },
            }
        }
        at
    }

    /// The escape that `rest` starts with, mended, and how much of `rest` it is; `None` if more input is needed.
    fn escape<'r>(&self, rest: &'r [u8]) -> Option<(&'r [u8], usize)> {
        let Some(first) = surrogate(rest) else {
            // Not a surrogate's: the reader judges it. Two bytes belong together, so that `\"` ends no string.
            let complete = rest.len() >= PAIR / 2 || rest.get(1).is_some_and(|next| *next != b'u') || self.at_end;
            return complete.then(|| (&rest[..rest.len().min(2)], rest.len().min(2)));
        };
        if rest.len() < PAIR && !self.at_end {
            return None;
        }
        let paired = first < 0xdc00 && surrogate(&rest[PAIR / 2..]).is_some_and(|second| second >= 0xdc00);
        Some(if paired { (&rest[..PAIR], PAIR) } else { (REPLACEMENT, PAIR / 2) })
    }

    /// Passes on a piece of a string, as far as there is room. An escape is not cut, nor is a character: what was begun
    /// is ended.
    fn pass(&mut self, piece: &[u8]) {
        let kept = match self.place {
            Place::String { room } if piece.len() <= room => piece.len(),
            Place::String { .. } if piece.starts_with(b"\\") => 0,
            Place::String { room } => {
                piece[room..].iter().position(|byte| byte & 0xc0 != 0x80).map_or(piece.len(), |more| room + more)
            }
            _ => 0,
        };
        self.output.extend_from_slice(&piece[..kept]);
        if kept < piece.len() {
            self.place = Place::Cut;
            self.drop_bytes(piece.len() - kept);
        } else if let Place::String { room } = &mut self.place {
            *room = room.saturating_sub(kept);
        }
    }

    fn drop_bytes(&self, count: usize) {
        self.dropped.set(self.dropped.get() + count as u64);
    }
}

impl<R: Read> Read for Tame<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.served == self.output.len() {
            if self.at_end && self.input.is_empty() {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = buffer.len().min(self.output.len() - self.served);
        buffer[..count].copy_from_slice(&self.output[self.served..self.served + count]);
        self.served += count;
        Ok(count)
    }
}

/// The surrogate whose escape `bytes` start with.
fn surrogate(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    let code = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Gives a byte at a time, the worst a file can do.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = 1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn tame(bytes: &[u8]) -> Vec<u8> {
        let read = |mut reader: Box<dyn Read + '_>| {
            let mut out = Vec::new();
            reader.read_to_end(&mut out).unwrap();
            out
        };
        let whole = read(Box::new(Tame::new(bytes).0));
        assert_eq!(whole, read(Box::new(Tame::new(Slow(bytes)).0)));
        whole
    }

    #[test]
    fn sound_json_passes_unchanged() {
        for text in [
            r#"{"a":[1,"b\"c\\","\u00e9\ud83d\ude00\n"],"\\":"語"}"#,
            r#""unfinished \"#,
            r#""unfinished \u12"#,
            r#""unfinished \ud83"#,
            "",
            "garbage \\ud800 outside",
        ] {
            assert_eq!(tame(text.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        for (text, expected) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\uDC00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud800\n""#, r#""\ufffd\n""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\ud800"#, r#""\ufffd"#),
        ] {
            assert_eq!(String::from_utf8(tame(text.as_bytes())).unwrap(), expected);
        }
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(tame(b"\xef\xbb\xbf{}"), b"{}");
    }

    #[test]
    fn of_a_huge_string_a_part_is_passed_on() {
        for (unit, kept) in
            [("x", STRING_MAX), ("語", STRING_MAX.next_multiple_of(3)), ("\\n", STRING_MAX), ("é\\n", STRING_MAX)]
        {
            let text = format!(r#"["{}","after"]"#, unit.repeat(STRING_MAX));
            let (mut reader, dropped) = Tame::new(text.as_bytes());
            let mut out = String::new();
            reader.read_to_string(&mut out).unwrap();
            assert_eq!(tame(text.as_bytes()), out.as_bytes());
            assert!(out.ends_with(r#"","after"]"#));
            assert_eq!(out.len(), kept + r#"["","after"]"#.len(), "{unit}");
            assert_eq!(dropped.get(), (text.len() - out.len()) as u64);
        }
    }
}
