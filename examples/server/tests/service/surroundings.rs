//! What surrounds every answer: headers, CORS, unknown paths, time, logs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use blindtally_server::{Config, StartError, serve};
use serde_json::{Value, json};

use crate::api::{Client, GET, POST, b64, event};
use crate::database::{Database, on_sqlite};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_what_not_to_do() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        for path in ["/api/v1/health", "/api/v1/vault", "/no/such/path", "/api/openapi.json"] {
            let answer = service.call(GET, path).send().await;
            assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
            assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
            assert_eq!(
                answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'",
                "{path}"
            );
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
        }
        assert_eq!(service.call(GET, "/api/v1/health").send().await.ok(200), json!({"status": "ok"}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_typed_errors() {
    on_sqlite(async |database: Database| {
        let service = database.start().await;
        service.call(GET, "/no/such/path").send().await.refused(404, "route.unknown");
        service.call(GET, "/api/v2/health").send().await.refused(404, "route.unknown");
        service.call(POST, "/api/v1/health").send().await.refused(405, "route.method");
        service.call(GET, "/api/v1/login").send().await.refused(405, "route.method");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_are_let_in_by_name_only() {
    on_sqlite(async |database: Database| {
        let service = database.start_with(|config| config.allow_origins = vec!["https://dash.example".into()]).await;
        let preflight = async |origin: &str, path: &str, method: &str, headers: &str| {
            let call = service.call(reqwest::Method::OPTIONS, path).header("origin", origin);
            let call = call.header("access-control-request-method", method);
            call.header("access-control-request-headers", headers).send().await
        };
        // What a dashboard elsewhere does: everything that is no simple request.
        for (path, method, headers) in [
            ("/api/v1/login", "POST", "content-type"),
            ("/api/v1/totals", "GET", "authorization"),
            ("/api/v1/vault", "PUT", "authorization,content-type,if-match,x-vault-generation"),
            ("/api/v1/blobs/00112233445566778899aabbccddeeff", "GET", "authorization,range"),
            ("/api/v1/blobs/00112233445566778899aabbccddeeff", "HEAD", "authorization"),
            ("/api/v1/password", "POST", "authorization,content-type,if-match"),
            ("/api/v1/categories", "DELETE", "authorization,content-type"),
            ("/api/v1/account", "DELETE", "authorization,content-type"),
        ] {
            let allowed = preflight("https://dash.example", path, method, headers).await;
            assert_eq!(allowed.status, 200, "{path}");
            assert_eq!(allowed.headers["access-control-allow-origin"], "https://dash.example", "{path}");
            let listed = |name: &str| allowed.headers[name].to_str().unwrap().to_lowercase();
            assert!(listed("access-control-allow-methods").split(',').any(|m| m == method.to_lowercase()), "{path}");
            let names = listed("access-control-allow-headers");
            assert!(headers.split(',').all(|header| names.split(',').any(|name| name == header)), "{path}: {names}");
        }
        let refused = preflight("https://evil.example", "/api/v1/vault", "PUT", "if-match").await;
        assert!(!refused.headers.contains_key("access-control-allow-origin"));
        let answer = service.call(GET, "/api/v1/vault").header("origin", "https://dash.example");
        let answer = answer.send().await;
        assert_eq!(answer.headers["access-control-allow-origin"], "https://dash.example");
        let exposed: Vec<_> = answer.headers["access-control-expose-headers"].to_str().unwrap().split(',').collect();
        for name in ["etag", "retry-after", "accept-ranges", "content-range"] {
            assert!(exposed.contains(&name), "{exposed:?}");
        }
        answer.refused(401, "auth.missing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_browser_sends_as_an_origin_is_refused_at_the_start() {
    on_sqlite(async |database: Database| {
        for wrong in [
            "*",
            "null",
            "",
            "x y",
            "dash.example",
            "https://",
            "https:///",
            "https://dash.example/",
            "https://dash.example/x",
            "https://dash.example?x",
            "https://dash.example#x",
            "https://ada@dash.example",
            "https://*.dash.example",
            "https://dash.example:",
            "https://dash.example:0443",
            "https://dash.example:443",
            "http://localhost:80",
            "https://dash.example:65536",
            "https://Dash.example",
            "HTTPS://dash.example",
            "https://dash.example ",
            "https://d\u{e4}sh.example",
            "https://a,https://b",
            "http://[0:0::1]",
            "http://[::1",
            "//dash.example",
            "/",
        ] {
            let mut config = Config::new(&database.url);
            config.allow_origins = vec!["https://dash.example".into(), wrong.into()];
            match serve(config).await {
                Err(StartError::Origin(named)) => assert_eq!(named, wrong),
                Err(other) => panic!("{wrong:?}: {other}"),
                Ok(_) => panic!("{wrong:?} was taken"),
            }
        }
        for right in [
            "https://dash.example",
            "https://dash.example:8443",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "chrome-extension://abcdefghijklmnop",
            "tauri://localhost",
        ] {
            let service = database.start_with(|config| config.allow_origins = vec![right.into()]).await;
            let answer = service.call(GET, "/api/v1/health").header("origin", right).send().await;
            assert_eq!(answer.headers["access-control-allow-origin"], right);
            service.stop().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_given_up() {
    on_sqlite(async |database: Database| {
        let service = database.start_with(|config| config.request_timeout = Duration::from_millis(50)).await;
        let address = service.address();
        let answer = tokio::task::spawn_blocking(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            let head = "POST /api/v1/login HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
            socket.write_all(head.as_bytes()).unwrap();
            let mut first = [0; 512];
            let length = socket.read(&mut first).unwrap();
            String::from_utf8_lossy(&first[..length]).into_owned()
        })
        .await
        .unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_say_what_was_asked_and_never_what_was_said() {
    on_sqlite(async |database: Database| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_blindtally-server"))
            .args(["--listen", "127.0.0.1:0", "--json-logs", "--database", &database.url])
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(database.folder().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        let client = Client::new(line.trim().strip_prefix("listening on ").unwrap().to_owned());

        let account = client.sign_up("login-of-ada").await;
        let device = account.device().await;
        device.upload_events([event(1, "value-of-an-app")]).await;
        device.upload(json!({"events": [{"seq": "value-of-an-app"}]})).await.refused(400, "event.invalid");
        account.totals("class=app&by=value&value=value-of-an-app").await;
        let path = format!("/api/v1/devices/{}/revoke", device.device_id);
        account.call(POST, &path).send().await.ok(204);
        child.kill().unwrap();
        child.wait().unwrap();

        let log = std::fs::read_to_string(database.folder().join("log")).unwrap();
        for secret in [
            "login-of-ada",
            "value-of-an-app",
            &account.session,
            &device.bearer,
            &b64(&account.proof),
            &device.device_id,
            &account.account_id,
        ] {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let totals = lines.iter().find(|line| line["route"] == "/api/v1/totals").unwrap();
        assert_eq!(totals["method"], "GET");
        assert_eq!(totals["status"], 200);
        assert!(totals["latency_us"].is_u64());
        assert!(lines.iter().any(|line| line["route"] == "/api/v1/devices/{device_id}/revoke"));
    })
    .await;
}
