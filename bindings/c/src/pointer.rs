//! Pointers of C, as references and slices: all the unsafe code there is.
//!
//! The functions of the interface are `unsafe extern "C"`: who calls one promises what the header asks for, that pointers
//! which are not NULL are valid for what they are said to hold, and that handles are those of this library. [`entry`] is
//! called by them alone, and [`Given`] stands for that promise.

use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::{ptr, slice};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::bytes::Bytes;
use crate::error::{Error, Refused};

/// Runs what a function of the interface does: an error or a panic of it becomes what the caller gets.
pub(crate) fn entry(run: impl FnOnce(&Given) -> Result<(), Refused>) -> *const Error {
    match catch_unwind(AssertUnwindSafe(|| run(&Given(())))) {
        Ok(Ok(())) => ptr::null(),
        Ok(Err(refused)) => refused.as_ptr(),
        Err(_) => Refused::INTERNAL.as_ptr(),
    }
}

/// The promise of a caller, for the time of a call.
pub(crate) struct Given(());

impl Given {
    /// What a handle refers to.
    pub(crate) fn handle<T>(&self, handle: *const T) -> Result<&T, Refused> {
        // SAFETY: handles are those of this library, which lets none but whole and aligned ones out.
        unsafe { handle.as_ref() }.ok_or(Refused::NULL)
    }

    /// What is optional, and `None` if it is NULL.
    pub(crate) fn option<T>(&self, given: *const T) -> Result<Option<&T>, Refused> {
        if !given.is_aligned() {
            return Err(Refused::VALUE);
        }
        // SAFETY: the caller promises that what is not NULL is valid for reading.
        Ok(unsafe { given.as_ref() })
    }

    /// So many values, one after the other; nothing at NULL is nothing.
    pub(crate) fn slice<T>(&self, data: *const T, count: usize) -> Result<&[T], Refused> {
        if count == 0 {
            return Ok(&[]);
        }
        check(data, count)?;
        // SAFETY: the caller promises that so many values can be read there, and nobody changes them meanwhile; they are
        // aligned and no larger than memory can be.
        Ok(unsafe { slice::from_raw_parts(data, count) })
    }

    /// A text of so many bytes.
    pub(crate) fn text(&self, data: *const c_char, length: usize) -> Result<&str, Refused> {
        let bytes = self.slice(data.cast(), length)?;
        if is_ascii(bytes) {
            // SAFETY: ASCII is UTF-8.
            return Ok(unsafe { str::from_utf8_unchecked(bytes) });
        }
        str::from_utf8(bytes).map_err(|_| Refused::UTF8)
    }

    /// Where a value goes.
    pub(crate) fn out<T>(&self, out: *mut T) -> Result<Out<T>, Refused> {
        check(out, 1)?;
        Ok(Out(out))
    }

    /// Where a value goes, unless the caller does not want it.
    pub(crate) fn optional_out<T>(&self, out: *mut T) -> Result<Option<Out<T>>, Refused> {
        if out.is_null() { Ok(None) } else { self.out(out).map(Some) }
    }

    /// Where a handle goes: NULL until there is one.
    pub(crate) fn out_handle<T>(&self, out: *mut *mut T) -> Result<Out<*mut T>, Refused> {
        let out = self.out(out)?;
        out.put(ptr::null_mut());
        Ok(out)
    }

    /// Where bytes go: empty until there are some.
    pub(crate) fn out_bytes(&self, out: *mut Bytes) -> Result<Out<Bytes>, Refused> {
        let out = self.out(out)?;
        out.put(Bytes::EMPTY);
        Ok(out)
    }

    /// Two outputs: each is NULL or empty by now, also where the other is refused.
    pub(crate) fn both<A, B>(&self, one: Result<A, Refused>, other: Result<B, Refused>) -> Result<(A, B), Refused> {
        Ok((one?, other?))
    }

    /// Where so many values go, one after the other.
    pub(crate) fn outs<T>(&self, data: *mut T, count: usize) -> Result<Outs<T>, Refused> {
        if count > 0 {
            check(data, count)?;
        }
        Ok(Outs { data, count })
    }

    /// Frees a handle and forgets it.
    pub(crate) fn free<T>(&self, handle: *mut *mut T) -> Result<(), Refused> {
        if handle.is_null() {
            return Ok(());
        }
        check(handle, 1)?;
        // SAFETY: the caller's variable, not NULL and aligned.
        let inner = unsafe { handle.replace(ptr::null_mut()) };
        if !inner.is_null() {
            // SAFETY: a handle of this library, which came from `Out::put_handle`, and which nobody uses any more.
            drop(unsafe { Box::from_raw(inner) });
        }
        Ok(())
    }

    /// Takes bytes back that `Bytes` let out, and leaves the caller none.
    pub(crate) fn reclaim(&self, bytes: *mut Bytes) -> Result<Option<Box<[u8]>>, Refused> {
        if bytes.is_null() {
            return Ok(None);
        }
        check(bytes, 1)?;
        // SAFETY: the caller's variable, not NULL and aligned.
        let Bytes { data, length } = unsafe { bytes.replace(Bytes::EMPTY) };
        if data.is_null() {
            return Ok(None);
        }
        // SAFETY: `Bytes::of` let a box of one byte more than its length out there, and the caller left both as they were.
        Ok(Some(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data, length + 1)) }))
    }
}

/// Whether no byte has its highest bit. Most values are short: a look at them shall cost less than sealing them.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    let or = |all, word: &[u8; 8]| all | u64::from_ne_bytes(*word);
    let all = match bytes.last_chunk() {
        Some(last) => words.iter().fold(or(0, last), or),
        None => rest.iter().fold(0, |all, byte| all | u64::from(*byte)),
    };
    all & 0x8080_8080_8080_8080 == 0
}

/// Whether so many values can lie there at all.
fn check<T>(data: *const T, count: usize) -> Result<(), Refused> {
    if data.is_null() {
        return Err(Refused::NULL);
    }
    let fits = count.checked_mul(size_of::<T>()).is_some_and(|size| size <= isize::MAX as usize);
    if fits && data.is_aligned() { Ok(()) } else { Err(Refused::VALUE) }
}

/// Where a value of the caller's goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn put(&self, value: T) {
        // SAFETY: made by `Given::out` of a pointer that the caller promises can be written to. It may hold anything yet.
        unsafe { self.0.write(value) }
    }
}

impl<T> Out<*mut T> {
    pub(crate) fn put_handle(&self, inner: T) {
        self.put(Box::into_raw(Box::new(inner)));
    }
}

/// Where many values of the caller's go.
pub(crate) struct Outs<T> {
    data: *mut T,
    count: usize,
}

impl<T> Outs<T> {
    pub(crate) fn set(&self, index: usize, value: T) {
        if index < self.count {
            // SAFETY: within what the caller promises can be written to.
            unsafe { self.data.add(index).write(value) }
        }
    }
}

impl Outs<c_char> {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// All of it, for what writes without looking.
    pub(crate) fn unwritten(&mut self) -> &mut [MaybeUninit<u8>] {
        if self.count == 0 {
            return &mut [];
        }
        // SAFETY: what the caller promises can be written to, by nobody else; whatever it holds, it is not read here.
        unsafe { slice::from_raw_parts_mut(self.data.cast(), self.count) }
    }

    /// The first bytes, if there are so many: what was there before is gone.
    pub(crate) fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        if length > self.count {
            return None;
        }
        // SAFETY: within what the caller promises can be written to, by nobody else; written here, it can be read.
        unsafe {
            self.data.write_bytes(0, length);
            Some(slice::from_raw_parts_mut(self.data.cast(), length))
        }
    }

    /// Writes a text from `start` on, if there is room: says where it ends.
    pub(crate) fn put(&self, start: usize, text: &str) -> Option<usize> {
        let end = start.checked_add(text.len())?;
        if end > self.count {
            return None;
        }
        if !text.is_empty() {
            // SAFETY: within what the caller promises can be written to; a text of ours does not overlap it.
            unsafe { self.data.add(start).copy_from_nonoverlapping(text.as_ptr().cast(), text.len()) }
        }
        Some(end)
    }

    /// Writes a text and a NUL, if there is room.
    fn put_text(&self, text: &str) -> bool {
        text.len() < self.count && self.put(0, text).and_then(|end| self.put(end, "\0")).is_some()
    }
}

/// Hands a text out into the caller's buffer, and its length; or what the buffer should have had, with `c.buffer`.
pub(crate) fn put_text(buffer: &Outs<c_char>, length: Option<&Out<usize>>, text: &str) -> Result<(), Refused> {
    let fits = buffer.put_text(text);
    if let Some(length) = length {
        length.put(if fits { text.len() } else { text.len() + 1 });
    }
    if fits { Ok(()) } else { Err(Refused::BUFFER) }
}
