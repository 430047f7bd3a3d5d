//! Public identifiers: accounts, devices, tickets, keys, tokens. Sixteen bytes each, shown as 32 hexadecimal digits.

use core::fmt;

use crate::error::ParseError;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From its 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        /// Parses exactly 32 lower-case hexadecimal digits.
        impl core::str::FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                parse_hex(text).map(Self)
            }
        }
    };
}

id! {
    /// Names an account: 16 random bytes, made with the account.
    AccountId
}
id! {
    /// Names a device within an account: a hash of the account and the device's public keys, so that no device can
    /// claim another's (SPEC.md#identity).
    DeviceId
}
id! {
    /// Names a ticket: 16 random bytes.
    TicketId
}
id! {
    /// Names a blob: 16 random bytes, made with it.
    BlobId
}
id! {
    /// Names an epoch's MasterKey without revealing it.
    KeyId
}
id! {
    /// A short name for a token, for a service to group by: a hash that anyone computes from the token, without a key.
    TokenIndex
}

fn parse_hex(text: &str) -> Result<[u8; 16], ParseError> {
    let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| ParseError::Encoding)?;
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseError::Encoding),
    };
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Ok(bytes)
}

/// Numbers the MasterKeys of an account: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(core::num::NonZeroU16);

impl Epoch {
    /// The epoch every account starts in.
    pub const FIRST: Self = Self(core::num::NonZeroU16::MIN);

    /// From its number.
    ///
    /// # Errors
    /// [`ParseError::Value`] for 0.
    pub fn new(number: u16) -> Result<Self, ParseError> {
        core::num::NonZeroU16::new(number).map(Self).ok_or(ParseError::Value)
    }

    /// Its number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}
