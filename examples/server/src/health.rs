//! Whether the service answers, for whoever watches over it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Json;

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(pattern = "^ok$")]
    status: &'static str,
}

/// Whether the service answers.
#[utoipa::path(get, path = "/api/v1/health", tag = "service", responses((status = OK, body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}
