//! The one strict reader and writer for binary formats, and the text forms around them.
//!
//! Parse, don't validate: every decoder takes its fields through [`Reader`] and calls [`Reader::finish`], so
//! truncation, trailing bytes, over-long parts and unknown suites are refused in one place (SPEC.md#strict).

use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::ParseError;
use crate::secret::Secret;
use crate::suite::{Kind, Suite};

pub(crate) const MAGIC: [u8; 2] = *b"BT";

pub(crate) struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { all: bytes, at: 0 }
    }

    /// Starts an artefact: magic, kind and suite, after refusing what is longer than `max` bytes.
    pub(crate) fn artefact(bytes: &'a [u8], kind: Kind, suite: Suite, max: usize) -> Result<Self, ParseError> {
        if bytes.len() > max {
            return Err(ParseError::TooLong);
        }
        let mut reader = Self::new(bytes);
        if reader.array()? != MAGIC {
            return Err(ParseError::Magic);
        }
        if reader.u8()? != kind as u8 {
            return Err(ParseError::Kind);
        }
        if reader.u8()? != suite as u8 {
            return Err(ParseError::Suite);
        }
        Ok(reader)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], ParseError> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let taken = rest.get(..n).ok_or(ParseError::Truncated)?;
        self.at += n;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        self.take(N)?.try_into().map_err(|_| ParseError::Truncated)
    }

    pub(crate) fn secret<const N: usize>(&mut self) -> Result<Secret<N>, ParseError> {
        let bytes = self.take(N)?;
        Ok(Secret::build(|secret| secret.copy_from_slice(bytes)))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ParseError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ParseError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ParseError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// `lp(x)`: a u16 length, then that many bytes.
    pub(crate) fn lp(&mut self, max: usize) -> Result<&'a [u8], ParseError> {
        let n = self.u16()?;
        self.bounded(n.into(), max)
    }

    /// A u32 length, then that many bytes.
    pub(crate) fn lp32(&mut self, max: usize) -> Result<&'a [u8], ParseError> {
        let n = self.u32()?;
        self.bounded(usize::try_from(n).unwrap_or(usize::MAX), max)
    }

    fn bounded(&mut self, n: usize, max: usize) -> Result<&'a [u8], ParseError> {
        if n > max { Err(ParseError::TooLong) } else { self.take(n) }
    }

    /// Everything read so far: what a MAC, a signature or associated data covers.
    pub(crate) fn before(&self) -> &'a [u8] {
        self.all.get(..self.at).unwrap_or_default()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.all.get(self.at..).unwrap_or_default();
        self.at = self.all.len();
        rest
    }

    pub(crate) fn finish(self) -> Result<(), ParseError> {
        if self.at == self.all.len() { Ok(()) } else { Err(ParseError::Trailing) }
    }
}

/// Collects the bytes of an artefact. Wiped on drop and whenever it grows, since some hold keys.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(512)))
    }

    pub(crate) fn artefact(kind: Kind, suite: Suite) -> Self {
        let mut writer = Self::new();
        writer.put(&MAGIC).put(&[kind as u8, suite as u8]);
        writer
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, x: u8) -> &mut Self {
        self.put(&[x])
    }

    pub(crate) fn u16(&mut self, x: u16) -> &mut Self {
        self.put(&x.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, x: u32) -> &mut Self {
        self.put(&x.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, x: u64) -> &mut Self {
        self.put(&x.to_be_bytes())
    }

    /// `lp(x)`. Callers keep `bytes` under 64 KiB by construction.
    pub(crate) fn lp(&mut self, bytes: &[u8]) -> &mut Self {
        debug_assert!(bytes.len() <= usize::from(u16::MAX));
        self.u16(bytes.len() as u16).put(bytes)
    }

    /// A u32 length, then the bytes.
    pub(crate) fn lp32(&mut self, bytes: &[u8]) -> &mut Self {
        debug_assert!(u32::try_from(bytes.len()).is_ok());
        self.u32(bytes.len() as u32).put(bytes)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, for an artefact that may be seen.
    pub(crate) fn into_public(mut self) -> Vec<u8> {
        core::mem::take(&mut *self.0)
    }

    /// The bytes, for one that may not.
    pub(crate) fn into_secret(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// `prefix` and canonical base64url without padding (RFC 4648 §5).
pub(crate) fn encode_text(prefix: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_append(bytes, &mut text);
    text
}

/// The inverse of [`encode_text`]; refuses padding, other alphabets and non-zero trailing bits.
pub(crate) fn decode_text(prefix: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, ParseError> {
    let body = text.strip_prefix(prefix).ok_or(ParseError::Encoding)?;
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(body).map_err(|_| ParseError::Encoding)?;
    Ok(Zeroizing::new(bytes))
}

/// Appends `0x80 00*` (ISO/IEC 7816-4) so that the whole has `padded_len(value)` bytes (SPEC.md#padding).
pub(crate) fn pad(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; padded_len(value.len())]);
    padded[..value.len()].copy_from_slice(value);
    padded[value.len()] = 0x80;
    padded
}

/// The inverse of [`pad`]; `None` unless the padding is present and minimal (SPEC.md#padding-refused).
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let marker = padded.iter().rposition(|&byte| byte != 0)?;
    (padded[marker] == 0x80 && padded_len(marker) == padded.len()).then(|| &padded[..marker])
}

/// Length in bytes of a padded value of `len` bytes: with n = len + 1, the next multiple of 16 up to 64, then Padmé
/// (Nikitin et al. 2019, §4) rounded up to a multiple of 16.
pub(crate) const fn padded_len(len: usize) -> usize {
    // No value in memory comes near the end of the range.
    padded_len_u64(len as u64) as usize
}

/// The same for what is not in memory: a stream of up to 2^40 bytes.
pub(crate) const fn padded_len_u64(len: u64) -> u64 {
    let n = len + 1;
    let n = if n <= 64 { n } else { padme(n) };
    n.next_multiple_of(16)
}

/// Padmé: the mantissa of a length keeps as many bits as its exponent's own length.
const fn padme(n: u64) -> u64 {
    let exponent = n.ilog2();
    let last_bits = exponent - (exponent.ilog2() + 1);
    n.next_multiple_of(1 << last_bits)
}
