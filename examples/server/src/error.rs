//! Every way a request can fail: one case, one stable code, one status.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StorageFailure;

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened, or its tables cannot be made.
    #[error("the database cannot be used: {0}")]
    Database(#[source] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("the tables cannot be made: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The URL is neither SQLite's nor PostgreSQL's.
    #[error("expected sqlite:///path/to/file or postgres://..., got a URL of another kind")]
    DatabaseUrl,
    /// An allowed origin is not one as browsers send it: scheme, host, a port that is not the usual one, nothing else.
    #[error("not an origin such as https://dash.example: {0}")]
    Origin(String),
    /// The folder of blobs cannot be made, read or written.
    #[error("the folder of blobs cannot be used: {0}")]
    Blobs(#[source] std::io::Error),
    /// Another service that runs now has the folder of blobs; leftovers of ours would be uploads of its.
    #[error("another service is using the folder of blobs")]
    BlobsInUse,
    /// The folder of blobs belongs to another database: every blob in it would be taken for a leftover, and removed.
    #[error("the folder of blobs belongs to another database")]
    BlobsOfAnother,
    /// The address cannot be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[source] std::io::Error),
    /// The settings kept in the database cannot be read or written.
    #[error("the settings in the database cannot be read or written")]
    Settings,
    /// The operating system has no random bytes to give.
    #[error("no random bytes")]
    Random,
}

/// Every way a request can fail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Malformed(String),
    #[error("the body is larger than this endpoint takes")]
    TooLarge,
    #[error("the content encoding is not taken here")]
    Encoding,
    #[error("the request took too long")]
    Timeout,
    #[error("there is no such path")]
    RouteUnknown,
    #[error("the path does not take this method")]
    MethodUnknown,

    #[error("a bearer is required")]
    AuthMissing,
    #[error("the bearer is unknown or has expired")]
    AuthRefused,

    #[error("the login or the account id is taken")]
    AccountExists,
    #[error("too many accounts from this address")]
    AccountRateLimited(Duration),
    #[error("the login or its proof is wrong")]
    LoginRefused,
    #[error("the account or its recovery proof is wrong")]
    RestoreRefused,
    #[error("too many attempts")]
    LoginRateLimited(Duration),
    #[error("the vault has changed meanwhile")]
    VaultConflict { generation: i64 },
    #[error("If-Match with the expected generation is required")]
    VaultPrecondition,
    #[error("the new generation must be above the expected one")]
    VaultGeneration,

    #[error("uses must be 1 to 50, and the expiry in the future")]
    TicketInvalid,
    #[error("the ticket exists with other contents")]
    TicketExists,
    #[error("the claim is not accepted")]
    ClaimRefused,
    #[error("another request of this device is waiting")]
    EnrollmentExists,
    #[error("too many devices are waiting")]
    EnrollmentFull,
    #[error("too many requests from this address")]
    EnrollmentRateLimited(Duration),
    #[error("the device is revoked")]
    DeviceRevoked,
    #[error("there is no such device")]
    DeviceUnknown,
    #[error("no delivery has arrived yet")]
    DeliveryNone,
    #[error("no policy has been set")]
    PolicyNone,

    #[error("{list}[{index}]: {reason}")]
    EventInvalid { list: &'static str, index: usize, reason: String },
    #[error("{list}[{index}]: there is no class {class:?}")]
    EventClass { list: &'static str, index: usize, class: String },
    #[error("there is no event {seq} to enrich")]
    EventUnknown { seq: i64 },
    #[error("at most 5,000 events and 5,000 enrichments a batch")]
    EventTooMany,

    #[error("records[{index}]: {reason}")]
    RecordInvalid { index: usize, reason: &'static str },
    #[error("records[{index}] names another device")]
    RecordDevice { index: usize },
    #[error("at most 5,000 records a batch")]
    RecordTooMany,
    #[error("{0}")]
    BlobInvalid(&'static str),
    #[error("the blob names another device")]
    BlobDevice,
    #[error("another blob has this id")]
    BlobExists,
    #[error("there is no such blob")]
    BlobUnknown,
    #[error("this service has no place for blobs")]
    BlobStore,
    #[error("the range is none, or outside the blob")]
    Range { size: u64 },

    #[error("{0}")]
    QueryInvalid(String),
    #[error("a sum does not fit 63 bits")]
    TotalsOverflow,
    #[error("{0}")]
    CategoryInvalid(String),
    #[error("days must be 1 to 36,500, or null")]
    RetentionInvalid,

    #[error("the database is busy, try again")]
    StorageBusy,
    #[error("there is no room left")]
    StorageFull,
    #[error("the storage failed")]
    StorageFailed,
    #[error("no random bytes")]
    Random,
}

impl Error {
    /// The stable code, and the status that goes with it.
    fn code(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Error::Malformed(_) => (S::BAD_REQUEST, "request.malformed"),
            Error::TooLarge => (S::PAYLOAD_TOO_LARGE, "request.too-large"),
            Error::Encoding => (S::UNSUPPORTED_MEDIA_TYPE, "request.encoding"),
            Error::Timeout => (S::REQUEST_TIMEOUT, "request.timeout"),
            Error::RouteUnknown => (S::NOT_FOUND, "route.unknown"),
            Error::MethodUnknown => (S::METHOD_NOT_ALLOWED, "route.method"),
            Error::AuthMissing => (S::UNAUTHORIZED, "auth.missing"),
            Error::AuthRefused => (S::UNAUTHORIZED, "auth.refused"),
            Error::AccountExists => (S::CONFLICT, "account.exists"),
            Error::AccountRateLimited(_) => (S::TOO_MANY_REQUESTS, "account.rate-limited"),
            Error::LoginRefused => (S::UNAUTHORIZED, "login.refused"),
            Error::RestoreRefused => (S::UNAUTHORIZED, "restore.refused"),
            Error::LoginRateLimited(_) => (S::TOO_MANY_REQUESTS, "login.rate-limited"),
            Error::VaultConflict { .. } => (S::PRECONDITION_FAILED, "vault.conflict"),
            Error::VaultPrecondition => (S::PRECONDITION_REQUIRED, "vault.precondition"),
            Error::VaultGeneration => (S::BAD_REQUEST, "vault.generation"),
            Error::TicketInvalid => (S::BAD_REQUEST, "ticket.invalid"),
            Error::TicketExists => (S::CONFLICT, "ticket.exists"),
            Error::ClaimRefused => (S::UNAUTHORIZED, "claim.refused"),
            Error::EnrollmentExists => (S::CONFLICT, "enrollment.exists"),
            Error::EnrollmentFull => (S::TOO_MANY_REQUESTS, "enrollment.full"),
            Error::EnrollmentRateLimited(_) => (S::TOO_MANY_REQUESTS, "enrollment.rate-limited"),
            Error::DeviceRevoked => (S::FORBIDDEN, "device.revoked"),
            Error::DeviceUnknown => (S::NOT_FOUND, "device.unknown"),
            Error::DeliveryNone => (S::NOT_FOUND, "delivery.none"),
            Error::PolicyNone => (S::NOT_FOUND, "policy.none"),
            Error::EventInvalid { .. } => (S::BAD_REQUEST, "event.invalid"),
            Error::EventClass { .. } => (S::BAD_REQUEST, "event.class"),
            Error::EventUnknown { .. } => (S::CONFLICT, "event.unknown"),
            Error::EventTooMany => (S::PAYLOAD_TOO_LARGE, "event.too-many"),
            Error::RecordInvalid { .. } => (S::BAD_REQUEST, "record.invalid"),
            Error::RecordDevice { .. } => (S::FORBIDDEN, "record.device"),
            Error::RecordTooMany => (S::PAYLOAD_TOO_LARGE, "record.too-many"),
            Error::BlobInvalid(_) => (S::BAD_REQUEST, "blob.invalid"),
            Error::BlobDevice => (S::FORBIDDEN, "blob.device"),
            Error::BlobExists => (S::CONFLICT, "blob.exists"),
            Error::BlobUnknown => (S::NOT_FOUND, "blob.unknown"),
            Error::BlobStore => (S::NOT_IMPLEMENTED, "blob.store"),
            Error::Range { .. } => (S::RANGE_NOT_SATISFIABLE, "request.range"),
            Error::QueryInvalid(_) => (S::BAD_REQUEST, "query.invalid"),
            Error::TotalsOverflow => (S::UNPROCESSABLE_ENTITY, "totals.overflow"),
            Error::CategoryInvalid(_) => (S::BAD_REQUEST, "category.invalid"),
            Error::RetentionInvalid => (S::BAD_REQUEST, "retention.invalid"),
            Error::StorageBusy => (S::SERVICE_UNAVAILABLE, "storage.busy"),
            Error::StorageFull => (S::INSUFFICIENT_STORAGE, "storage.full"),
            Error::StorageFailed => (S::INTERNAL_SERVER_ERROR, "storage.failed"),
            Error::Random => (S::INTERNAL_SERVER_ERROR, "random.failed"),
        }
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Stable: what a program goes by.
    code: &'static str,
    /// For people: may change.
    message: String,
    /// The generation that is stored, with `vault.conflict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    /// Which element of the list is wrong, with `event.invalid`, `event.class`, `record.invalid` and `record.device`.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The sequence number that is not stored, with `event.unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let problem = Problem {
            code,
            message: self.to_string(),
            generation: match &self {
                Error::VaultConflict { generation } => Some(*generation),
                _ => None,
            },
            index: match &self {
                Error::EventInvalid { index, .. } | Error::EventClass { index, .. } => Some(*index),
                Error::RecordInvalid { index, .. } | Error::RecordDevice { index } => Some(*index),
                _ => None,
            },
            seq: match &self {
                Error::EventUnknown { seq } => Some(*seq),
                _ => None,
            },
        };
        let mut response = (status, crate::body::Json(problem)).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Error {
    /// The header that HTTP wants with some statuses.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Error::LoginRateLimited(wait) | Error::AccountRateLimited(wait) | Error::EnrollmentRateLimited(wait) => {
                let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
                Some((header::RETRY_AFTER, HeaderValue::from(seconds)))
            }
            Error::StorageBusy => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            Error::AuthMissing | Error::AuthRefused => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            // The size is all that a client needs to ask again (RFC 9110 §15.5.17).
            Error::Range { size } => {
                HeaderValue::try_from(format!("bytes */{size}")).ok().map(|value| (header::CONTENT_RANGE, value))
            }
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match StorageFailure::of(&error) {
            StorageFailure::Busy => Error::StorageBusy,
            StorageFailure::Full => Error::StorageFull,
            StorageFailure::Overflow => Error::TotalsOverflow,
            StorageFailure::Other => {
                // The text of a database error names tables and constraints, never a bound value.
                tracing::error!(%error, "the database failed");
                Error::StorageFailed
            }
        }
    }
}
