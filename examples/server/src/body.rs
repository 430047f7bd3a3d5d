//! Request bodies and JSON answers: every way a body can be wrong is a typed error.

use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// The largest body that a route takes, in bytes after decompression.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(usize);

impl Limit {
    /// JSON that carries ids and hashes.
    pub(crate) const SMALL: Limit = Limit(64 * 1024);
    /// A vault.
    pub(crate) const VAULT: Limit = Limit(MAX_VAULT_BYTES);
    /// JSON that carries a vault and a policy in base64.
    pub(crate) const VAULT_JSON: Limit = Limit(MAX_VAULT_BYTES / 3 * 4 + 256 * 1024);
    /// A delivery.
    pub(crate) const DELIVERY: Limit = Limit(256 * 1024);
    /// A signed policy.
    pub(crate) const POLICY: Limit = Limit(MAX_POLICY_BYTES);
    /// A batch of events.
    pub(crate) const BATCH: Limit = Limit(16 * 1024 * 1024);
    /// A batch of records.
    pub(crate) const RECORDS: Limit = Limit(32 * 1024 * 1024);
}

pub(crate) const MAX_VAULT_BYTES: usize = 8 * 1024 * 1024;
pub(crate) const MAX_POLICY_BYTES: usize = 128 * 1024;

/// A body as it came, within the limit of the route.
pub(crate) struct Octets(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Octets {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        refuse_encoding(request.headers())?;
        let Limit(limit) = request.extensions().get().copied().unwrap_or(Limit::SMALL);
        let body = request.into_body();
        // A body that announces its length is refused before it is read.
        if body.size_hint().lower() > limit as u64 {
            return Err(Error::TooLarge);
        }
        match Limited::new(body, limit).collect().await {
            Ok(collected) => Ok(Self(collected.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(Error::TooLarge),
            Err(_) => Err(Error::Malformed("the body cannot be read or decompressed".into())),
        }
    }
}

/// Refuses a body that is still encoded: the decompression layer takes the header away when it has decoded one.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Error::Encoding),
        _ => Ok(()),
    }
}

/// A JSON body in, or a JSON answer out.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let Octets(bytes) = Octets::from_request(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Error::Malformed(error.to_string()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A binary answer.
pub(crate) fn octets(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}
