//! Crockford's base 32 for codes that people read aloud and type: no I, L, O or U; case, hyphens and white space do
//! not matter (SPEC.md#crockford).

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hash::sha256;
use crate::secret::Secret;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Most significant bit first, zero bits filling up the last character; in groups of `group` joined by hyphens.
pub(crate) fn encode(bytes: &[u8], chars: usize, group: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(chars + chars / group));
    for index in 0..chars {
        if index > 0 && index % group == 0 {
            text.push('-');
        }
        let value = (0..5).fold(0, |value, bit| value << 1 | bit_at(bytes, index * 5 + bit));
        text.push(ALPHABET[usize::from(value)].into());
    }
    text
}

/// SPEC.md#code-spacing, SPEC.md#code-refused: the inverse of [`encode`] into `N` bytes; `None` unless there are
/// exactly `chars` characters of the alphabet (after reading O as 0 and I and L as 1) and the bits beyond `N` bytes are
/// zero.
pub(crate) fn decode<const N: usize>(text: &str, chars: usize) -> Option<Secret<N>> {
    let mut count = 0;
    let mut fits = true;
    let secret = Secret::build(|bytes| {
        for c in text.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
            let Some(value) = value_of(c) else {
                fits = false;
                return;
            };
            for bit in 0..5 {
                let set = value >> (4 - bit) & 1;
                match bytes.get_mut((count * 5 + bit) / 8) {
                    Some(byte) => *byte |= set << (7 - (count * 5 + bit) % 8),
                    None => fits &= set == 0,
                }
            }
            count += 1;
            if count > chars {
                fits = false;
                return;
            }
        }
    });
    (fits && count == chars).then_some(secret)
}

/// 128 bits and a 12-bit check: what people keep on paper. 28 characters in groups of four.
pub(crate) fn encode_checked(key: &Secret<16>) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 18]);
    bytes[..16].copy_from_slice(key.expose());
    bytes[16..].copy_from_slice(&check(key));
    encode(&bytes[..], 28, 4)
}

/// The inverse of [`encode_checked`]; `None` for anything mistyped.
pub(crate) fn decode_checked(text: &str) -> Option<Secret<16>> {
    let bytes = decode::<18>(text, 28)?;
    let key = Secret::build(|key: &mut [u8; 16]| key.copy_from_slice(&bytes.expose()[..16]));
    bool::from(check(&key).ct_eq(&bytes.expose()[16..])).then_some(key)
}

/// The first 12 bits of a hash of the key, then four zero bits.
fn check(key: &Secret<16>) -> [u8; 2] {
    let hash = sha256(&[b"blindtally/v1/check", key.expose()]);
    [hash[0], hash[1] & 0xf0]
}

fn bit_at(bytes: &[u8], bit: usize) -> u8 {
    bytes.get(bit / 8).map_or(0, |byte| byte >> (7 - bit % 8) & 1)
}

/// SPEC.md#code-lookalikes
fn value_of(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    ALPHABET.iter().position(|&symbol| char::from(symbol) == c).map(|at| at as u8)
}
