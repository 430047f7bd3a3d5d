//! The two headers that guard a vault.

use axum::http::{HeaderMap, header};

use crate::error::Error;

/// `If-Match: "<generation>"`.
pub(crate) fn expected_generation(headers: &HeaderMap) -> Result<i64, Error> {
    let value = headers.get(header::IF_MATCH).ok_or(Error::VaultPrecondition)?;
    value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok())
        .ok_or_else(|| Error::Malformed("If-Match must be one generation in double quotes".into()))
}

/// `X-Vault-Generation: <generation>`.
pub(crate) fn new_generation(headers: &HeaderMap) -> Result<i64, Error> {
    headers
        .get("x-vault-generation")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or_else(|| Error::Malformed("X-Vault-Generation must be the new generation".into()))
}
