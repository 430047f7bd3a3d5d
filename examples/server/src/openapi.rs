//! The OpenAPI document, made from the code that answers.

use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::body::Json;
use crate::router;

/// What the document says besides paths and schemas.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Blindtally service",
        description = "Stores sealed activity, counts it, groups it and sorts it, and can read none of it. \
            Byte strings are base64url without padding; times are microseconds since the Unix epoch, \
            but for records and blobs, which their devices number in milliseconds since then.",
    ),
    modifiers(&Bearers),
)]
pub(crate) struct Info;

struct Bearers;

impl Modify for Bearers {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        for (name, description) in
            [("owner", "The session of an account's owner."), ("device", "The bearer that a device has claimed.")]
        {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

/// The OpenAPI document of the service.
pub fn document() -> Document {
    router::routes().1
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "service",
    responses((status = OK, content_type = "application/json")))]
pub(crate) async fn serve_document() -> Response {
    Json(document()).into_response()
}
