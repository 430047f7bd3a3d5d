//! Byte strings in JSON: base64url without padding, decoded strictly.

use std::borrow::Cow;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// Bytes as base64url without padding.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_-]*$")]
pub(crate) struct Base64(pub(crate) Vec<u8>);

/// Exactly 32 bytes as base64url without padding: a secret, or the hash of one.
#[derive(Clone, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
pub(crate) struct Base64Of32(pub(crate) [u8; 32]);

/// Exactly 16 bytes as base64url without padding: a salt.
#[derive(Clone, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{22}$")]
pub(crate) struct Base64Of16(pub(crate) [u8; 16]);

/// The bytes of `text`, if it is base64url without padding in its one canonical form.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// `bytes` as base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn deserialize_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    decode(&text).ok_or_else(|| de::Error::custom("expected base64url without padding"))
}

fn deserialize_array<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; N], D::Error> {
    deserialize_bytes(deserializer)?
        .try_into()
        .map_err(|_| de::Error::custom(format!("expected {N} bytes in base64url")))
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_bytes(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Base64Of32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_array(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Base64Of16 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_array(deserializer).map(Self)
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}

impl Serialize for Base64Of32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}

impl Serialize for Base64Of16 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}
