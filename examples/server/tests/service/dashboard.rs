//! The dashboard as a browser gets it. What is asserted holds with a dashboard that was built and without.

use std::collections::HashMap;

use reqwest::Method;

use crate::api::{Answer, GET, POST, Service};
use crate::database::{Database, on_sqlite};

async fn get(service: &Service, path: &str, headers: &[(&str, &str)]) -> Answer {
    let call = headers.iter().fold(service.call(GET, path), |call, (name, value)| call.header(name, value));
    call.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_served_as_what_it_is() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        for path in blindtally_dashboard::paths() {
            let file = blindtally_dashboard::file(&path).unwrap();
            let answer = get(&service, &format!("/{path}"), &[]).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.headers["content-type"], file.content_type, "{path}");
            assert!(answer.body == file.plain.bytes.as_ref(), "{path}");
            assert!(!answer.headers.contains_key("content-encoding"), "{path}");
            let kept = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            assert_eq!(answer.headers["cache-control"], kept, "{path}");
        }
        let root = get(&service, "/", &[]).await;
        assert_eq!(root.headers["content-type"], "text/html; charset=utf-8");
        assert!(root.body == get(&service, "/index.html", &[]).await.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_told_what_the_page_must_not_do() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        for path in ["/".to_owned()].into_iter().chain(blindtally_dashboard::paths().map(|path| format!("/{path}"))) {
            let headers = get(&service, &path, &[]).await.headers;
            let expected = HashMap::from([
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                // Nothing else: the policy in the page says what it loads, and both apply.
                ("content-security-policy", "frame-ancestors 'none'"),
            ]);
            for (name, value) in expected {
                assert_eq!(headers[name], value, "{path} {name}");
            }
            let permissions = headers["permissions-policy"].to_str().unwrap();
            assert!(permissions.contains("camera=()") && !permissions.contains("clipboard-write"), "{permissions}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_compressed_for_those_who_take_it() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        for path in blindtally_dashboard::paths() {
            let file = blindtally_dashboard::file(&path).unwrap();
            let Some(gzip) = file.gzip else { continue };
            let path = format!("/{path}");
            for accepted in ["gzip", "br, GZIP;q=0.5", "deflate, gzip, br"] {
                let answer = get(&service, &path, &[("accept-encoding", accepted)]).await;
                assert_eq!(answer.headers["content-encoding"], "gzip", "{path} {accepted}");
                assert_eq!(answer.headers["content-type"], file.content_type, "{path}");
                assert_eq!(answer.headers["vary"], "accept-encoding", "{path}");
                assert_eq!(answer.headers["etag"], gzip.etag.as_str(), "{path}");
                assert!(answer.body == gzip.bytes.as_ref(), "{path}");
            }
            for refused in ["br", "gzip;q=0", "identity", "xgzip"] {
                let answer = get(&service, &path, &[("accept-encoding", refused)]).await;
                assert!(!answer.headers.contains_key("content-encoding"), "{path} {refused}");
                assert_eq!(answer.headers["vary"], "accept-encoding", "{path}");
                assert!(answer.body == file.plain.bytes.as_ref(), "{path}");
            }
            get(&service, &format!("{path}.gz"), &[]).await.refused(404, "route.unknown");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_has_is_not_sent_again() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        for accepted in ["identity", "gzip"] {
            let first = get(&service, "/", &[("accept-encoding", accepted)]).await;
            let etag = first.headers["etag"].to_str().unwrap().to_owned();
            for tags in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
                let again = get(&service, "/", &[("accept-encoding", accepted), ("if-none-match", &tags)]).await;
                assert_eq!((again.status, again.body.len()), (304, 0), "{tags}");
                assert_eq!(again.headers["etag"], etag.as_str());
                assert_eq!(again.headers["cache-control"], "no-cache");
                assert_eq!(again.headers.get("vary"), first.headers.get("vary"));
            }
            let other = get(&service, "/", &[("accept-encoding", accepted), ("if-none-match", "\"other\"")]).await;
            assert_eq!(other.status, 200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_says_what_get_would() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        let get = get(&service, "/", &[]).await;
        let head = service.call(Method::HEAD, "/").send().await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.headers[name], get.headers[name], "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_a_typed_error_still() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        for path in ["/assets", "/assets/", "/assets/none.js", "/%2e%2e/Cargo.toml", "/index.htm", "/api"] {
            let answer = get(&service, path, &[]).await;
            assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
            answer.refused(404, "route.unknown");
        }
        service.call(POST, "/").send().await.refused(405, "route.method");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_can_leave_the_dashboard_out() {
    on_sqlite(async |database: Database| {
        let service = database.start_with(|config| config.dashboard = false).await;
        for path in ["/".to_owned()].into_iter().chain(blindtally_dashboard::paths().map(|path| format!("/{path}"))) {
            get(&service, &path, &[]).await.refused(404, "route.unknown");
        }
    })
    .await;
}
