//! Query strings and ids in paths, with typed errors.

use axum::extract::{FromRequestParts, Path, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::id::Id;

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match AxumQuery::from_request_parts(parts, state).await {
            Ok(AxumQuery(query)) => Ok(Self(query)),
            Err(rejection) => Err(Error::QueryInvalid(rejection.body_text())),
        }
    }
}

/// The one id in a path.
pub(crate) struct PathId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let id = match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Id::parse(&text),
            Err(_) => None,
        };
        id.map(Self).ok_or_else(|| Error::Malformed("the id in the path is not 32 lower-case hex digits".into()))
    }
}
