//! Why a call failed: one static table, made when this crate is compiled, of the core's codes and this interface's own.

use core::ffi::{CStr, c_char};
use core::ptr;

/// Why a call failed. Functions that can fail give a pointer to one, or NULL where they succeeded. It is static and
/// immutable: it is never freed, and may be compared and kept.
pub struct Error {
    code: &'static CStr,
    message: &'static CStr,
}

/// What only this interface refuses.
const OWN: &[(&str, &str)] = &[
    ("c.null", "a pointer is NULL that must not be"),
    ("c.buffer", "the buffer is too short: the length that was asked for is the one it needs"),
    ("c.utf8", "a text is not UTF-8"),
    ("c.closed", "it was closed, or used up by an earlier call"),
    ("c.value", "an argument is out of range"),
    ("c.internal", "an error of the library itself"),
];

const fn own(index: usize) -> Refused {
    Refused(&TABLE[index])
}

/// An error on its way to the caller.
#[derive(Clone, Copy)]
pub(crate) struct Refused(&'static Error);

impl Refused {
    pub(crate) const NULL: Self = own(0);
    pub(crate) const BUFFER: Self = own(1);
    pub(crate) const UTF8: Self = own(2);
    pub(crate) const CLOSED: Self = own(3);
    pub(crate) const VALUE: Self = own(4);
    pub(crate) const INTERNAL: Self = own(5);

    pub(crate) fn as_ptr(self) -> *const Error {
        self.0
    }
}

impl<E: Into<blindtally::Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        let code = error.into().code();
        TABLE.iter().find(|entry| entry.code.to_bytes() == code.as_bytes()).map_or(Self::INTERNAL, Self)
    }
}

const CODES: [(&str, &str); COUNT] = distinct::<COUNT>().0;
const COUNT: usize = distinct::<CAPACITY>().1;
const CAPACITY: usize = {
    let (mut count, mut part) = (OWN.len(), 0);
    while part < blindtally::Error::CODES_BY_OPERATION.len() {
        count += blindtally::Error::CODES_BY_OPERATION[part].len();
        part += 1;
    }
    count
};

/// This interface's codes, then the core's, each once: and how many there are.
const fn distinct<const N: usize>() -> ([(&'static str, &'static str); N], usize) {
    let mut codes = [("", ""); N];
    let mut count = 0;
    let mut part = 0;
    while part <= blindtally::Error::CODES_BY_OPERATION.len() {
        let from = if part == 0 { OWN } else { blindtally::Error::CODES_BY_OPERATION[part - 1] };
        let mut index = 0;
        while index < from.len() {
            if !has(&codes, count, from[index].0) {
                codes[count] = from[index];
                count += 1;
            }
            index += 1;
        }
        part += 1;
    }
    (codes, count)
}

const fn has(codes: &[(&str, &str)], count: usize, code: &str) -> bool {
    let mut index = 0;
    while index < count {
        if equal(codes[index].0.as_bytes(), code.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    a.len() == b.len() && index == a.len()
}

const LENGTH: usize = {
    let (mut length, mut index) = (0, 0);
    while index < COUNT {
        length += CODES[index].0.len() + CODES[index].1.len() + 2;
        index += 1;
    }
    length
};

/// All codes and sentences, each with a NUL after it.
const TEXT: &[u8; LENGTH] = &{
    let (mut text, mut end, mut index) = ([0; LENGTH], 0, 0);
    while index < COUNT {
        let mut which = 0;
        while which < 2 {
            let from = if which == 0 { CODES[index].0.as_bytes() } else { CODES[index].1.as_bytes() };
            let mut at = 0;
            while at < from.len() {
                text[end + at] = from[at];
                at += 1;
            }
            end += from.len() + 1;
            which += 1;
        }
        index += 1;
    }
    text
};

static TABLE: [Error; COUNT] = {
    let mut table = [const { Error { code: c"", message: c"" } }; COUNT];
    let (mut rest, mut index): (&[u8], usize) = (TEXT, 0);
    while index < COUNT {
        let (code, after) = rest.split_at(CODES[index].0.len() + 1);
        let (message, others) = after.split_at(CODES[index].1.len() + 1);
        table[index] = Error { code: terminated(code), message: terminated(message) };
        rest = others;
        index += 1;
    }
    table
};

const fn terminated(text: &'static [u8]) -> &'static CStr {
    match CStr::from_bytes_with_nul(text) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// The one in the table, whatever a caller takes for one.
fn known(error: *const Error) -> Option<&'static Error> {
    TABLE.iter().find(|entry| ptr::eq(*entry, error))
}

/// The stable code of an error, such as "tokenize.too-long": the same in every language, listed in SPEC.md. Static; empty
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn blindtally_error_code(error: *const Error) -> *const c_char {
    known(error).map_or(c"", |error| error.code).as_ptr()
}

/// What an error says, in a sentence of English without names, values or keys. Static; empty for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn blindtally_error_message(error: *const Error) -> *const c_char {
    known(error).map_or(c"", |error| error.message).as_ptr()
}

/// Every error there is, by its number from 0; NULL past the end. The order may change from version to version.
#[unsafe(no_mangle)]
pub extern "C" fn blindtally_error_at(index: usize) -> *const Error {
    TABLE.get(index).map_or(ptr::null(), ptr::from_ref)
}
