//! Which function answers what, how large a body each takes, and what surrounds all of them.

use std::net::Ipv6Addr;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::body::Limit;
use crate::config::Config;
use crate::error::{Error, StartError};
use crate::openapi::{self, Info};
use crate::{
    account, blob, category, claim, dashboard, delivery, device, enrollment, event, health, linger, log, page, policy,
    record, restore, retention, session, ticket, totals, vault,
};

/// Everything that answers, and the document that describes it.
pub(crate) fn routes() -> (Router<App>, Document) {
    let sign_up = OpenApiRouter::new()
        .routes(routes!(account::sign_up))
        .routes(routes!(account::change_password))
        .routes(routes!(restore::restore))
        .layer(Extension(Limit::VAULT_JSON));
    let vault = OpenApiRouter::new().routes(routes!(vault::get_vault, vault::put_vault)).layer(Extension(Limit::VAULT));
    let delivery = OpenApiRouter::new().routes(routes!(delivery::put_delivery)).layer(Extension(Limit::DELIVERY));
    let policy = OpenApiRouter::new()
        .routes(routes!(policy::get_own_policy, policy::put_policy))
        .layer(Extension(Limit::POLICY));
    let events = OpenApiRouter::new()
        .routes(routes!(event::upload, page::events, retention::delete_events))
        // Before the body is read, so that what is limited is the decompressed size.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(Extension(Limit::BATCH));
    let records = OpenApiRouter::new()
        .routes(routes!(record::upload, record::list, record::delete))
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(Extension(Limit::RECORDS));
    // Everything else takes a `Limit::SMALL` body.
    OpenApiRouter::with_openapi(Info::openapi())
        .routes(routes!(health::health))
        .merge(sign_up)
        .routes(routes!(session::prelogin))
        .routes(routes!(session::login))
        .routes(routes!(session::logout))
        .merge(vault)
        .routes(routes!(account::leave))
        .routes(routes!(restore::head))
        .routes(routes!(ticket::create))
        .routes(routes!(ticket::cancel))
        .routes(routes!(claim::claim))
        .routes(routes!(enrollment::request, enrollment::list))
        .routes(routes!(enrollment::refuse))
        .merge(delivery)
        .routes(routes!(delivery::get_delivery))
        .merge(policy)
        .routes(routes!(policy::get_policy))
        .routes(routes!(device::list))
        .routes(routes!(device::revoke))
        .merge(events)
        .routes(routes!(event::head))
        .merge(records)
        .routes(routes!(blob::list, blob::delete))
        .routes(routes!(blob::upload, blob::get, blob::delete_one))
        .routes(routes!(totals::totals))
        .routes(routes!(category::assign, category::unassign, category::list))
        .routes(routes!(retention::get_retention, retention::put_retention))
        .routes(routes!(openapi::serve_document))
        .split_for_parts()
}

/// The routes of the service, with everything that surrounds them.
pub(crate) fn router(app: App) -> Result<Router, StartError> {
    let (routes, _) = routes();
    let routes = if app.config.dashboard { routes.merge(dashboard::routes()) } else { routes };
    let mut router = routes
        .fallback(async || Error::RouteUnknown)
        .method_not_allowed_fallback(async || Error::MethodUnknown)
        .layer(middleware::from_fn_with_state(app.clone(), within_time))
        .layer(middleware::from_fn(linger::request))
        .layer(middleware::from_fn(log::request))
        .layer(middleware::map_response(harden));
    if let Some(cors) = cors(&app.config)? {
        router = router.layer(cors);
    }
    Ok(router.with_state(app))
}

/// Ends a request that takes too long, so that a slow client cannot hold anything for ever. The upload of a blob is
/// ended by its own pace instead.
async fn within_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if request.method() == Method::PUT && route == Some(blob::PATH) {
        return next.run(request).await;
    }
    match tokio::time::timeout(app.config.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::Timeout.into_response(),
    }
}

/// What a browser must not do with an answer: guess its type, keep it, frame it, or run it. The dashboard says itself
/// what else holds for it.
async fn harden(mut response: Response) -> Response {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn cors(config: &Config) -> Result<Option<CorsLayer>, StartError> {
    if config.allow_origins.is_empty() {
        return Ok(None);
    }
    let origin = |text: &String| origin(text).ok_or_else(|| StartError::Origin(text.clone()));
    let origins: Result<Vec<HeaderValue>, StartError> = config.allow_origins.iter().map(origin).collect();
    let vault_generation = HeaderName::from_static("x-vault-generation");
    Ok(Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins?))
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_ENCODING,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::RANGE,
                vault_generation,
            ])
            .expose_headers([header::ACCEPT_RANGES, header::CONTENT_RANGE, header::ETAG, header::RETRY_AFTER]),
    ))
}

/// An origin exactly as browsers write it (WHATWG HTML, serialization of an origin): anything else would never match.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok());
    let is_host = host.bytes().all(is_name) || address.is_some_and(|address| format!("[{address}]") == host);
    let port = match (scheme, uri.port_u16()) {
        ("http", Some(80)) | ("https", Some(443)) => return None,
        (_, Some(port)) => format!(":{port}"),
        (_, None) => String::new(),
    };
    (is_host && text == format!("{scheme}://{host}{port}")).then(|| text.parse().ok())?
}
