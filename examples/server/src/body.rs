//! Request bodies and JSON answers: every way a body can be wrong is a typed error.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Room for JSON that carries ids and hashes.
pub(crate) const SMALL: usize = 64 * 1024;
/// The largest vault.
pub(crate) const VAULT: usize = 8 * 1024 * 1024;
/// JSON that carries a vault and a policy in base64.
pub(crate) const VAULT_JSON: usize = VAULT / 3 * 4 + 256 * 1024;
/// The largest delivery.
pub(crate) const DELIVERY: usize = 256 * 1024;
/// The largest signed policy.
pub(crate) const POLICY: usize = 128 * 1024;
/// The largest batch of events, after decompression.
pub(crate) const BATCH: usize = 16 * 1024 * 1024;

/// A body as it came, within the limit of the route.
pub(crate) struct Octets(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Octets {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        // The decompression layer takes the header away when it has decoded the body.
        let plain = HeaderValue::from_static("identity");
        if request
            .headers()
            .get(header::CONTENT_ENCODING)
            .is_some_and(|encoding| encoding != plain)
        {
            return Err(Error::Encoding);
        }
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
                Err(Error::TooLarge)
            }
            Err(_) => Err(Error::Malformed(
                "the body cannot be read or decompressed".into(),
            )),
        }
    }
}

/// A JSON body in, or a JSON answer out.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let Octets(bytes) = Octets::from_request(request, state).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Error::Malformed(error.to_string()))
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
