//! The dashboard that was compiled in, as static files: bytes that this program can do nothing with but send.

use std::borrow::Cow;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use blindtally_dashboard::{File, Form};

use crate::app::App;
use crate::error::Error;

/// What surrounds every file. The page's own policy says what it loads; a policy here only adds what a page cannot say of
/// itself: who may frame it.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// The page writes to the clipboard when somebody presses a button for that, and needs nothing else of the computer.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), \
    screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

/// A route for each file, and `/` for the page.
pub(crate) fn routes() -> Router<App> {
    if !blindtally_dashboard::is_built() {
        tracing::warn!("the dashboard was not built when this program was compiled: / says how to build it");
    }
    let files = blindtally_dashboard::paths().map(|path| (format!("/{path}"), path));
    files.chain([("/".to_owned(), "index.html".into())]).fold(Router::new(), |router, (route, path)| {
        router.route(&route, get(async move |headers: HeaderMap| answer(&path, &headers)))
    })
}

/// The file in the form that this browser takes, or only word that the one it has is still right.
fn answer(path: &str, request: &HeaderMap) -> Response {
    let Some(File { content_type, is_immutable, plain, gzip }) = blindtally_dashboard::file(path) else {
        return Error::RouteUnknown.into_response();
    };
    let has_forms = gzip.is_some();
    let (Form { bytes, etag }, encoding) = match gzip.filter(|_| accepts_gzip(request)) {
        Some(gzip) => (gzip, Some("gzip")),
        None => (plain, None),
    };
    let mut response = if has(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        let mut response = bytes.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    // A page is asked for again each time, which costs it a 304; what it names is never another file.
    let kept = if is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if has_forms {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Ok(etag) = etag.parse() {
        headers.insert(header::ETAG, etag);
    }
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// RFC 9110 §12.5.3, as far as browsers use it: named, and not refused by a weight of zero.
fn accepts_gzip(request: &HeaderMap) -> bool {
    list(request, header::ACCEPT_ENCODING).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        is_gzip && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// Whether the browser has this form already (RFC 9110 §13.1.2; a proxy may have made its tag a weak one).
fn has(request: &HeaderMap, etag: &str) -> bool {
    list(request, header::IF_NONE_MATCH).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// The elements of a header that is a list.
fn list(request: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = request.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}
