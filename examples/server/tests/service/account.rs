//! Signing up, logging in and out, the password, leaving.

use std::time::Duration;

use blindtally_server::{PeerAddress, Rate};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};

use crate::api::{DELETE, GET, POST, PUT, b64, event, random, random_id, sign_up_body};
use crate::database::{Database, on_both_databases};
use crate::{blob, record};

async fn an_account_gives_back_what_it_was_made_with(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada@example.org").await;

    let prelogin = service.call(POST, "/api/v1/prelogin").json(json!({"login": "ada@example.org"})).await.ok(200);
    assert_eq!(prelogin["kdf"], json!({"id": "argon2id", "m_kib": 65536, "t": 3, "p": 1}));
    assert_eq!(prelogin["salt"], b64(&[7; 16]));
    assert_eq!(prelogin["account_id"], account.account_id);

    let login = service.login("ada@example.org", &account.proof).await.ok(200);
    assert_eq!(login["vault"], b64(b"first vault"));
    assert_eq!(login["generation"], 1);
    assert_ne!(login["session"], account.session);
}

async fn a_login_or_account_id_is_taken_once(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    for (login, id) in [("ada", random_id()), ("eve", account.account_id.clone())] {
        let body = sign_up_body(login, &id, &random());
        service.call(POST, "/api/v1/accounts").json(body).await.refused(409, "account.exists");
    }
    // Logins are compared exactly; normalising them is the client's work.
    service.sign_up("Ada").await;
    service.sign_up("ada ").await;
    service.login("ada", &account.proof).await.ok(200);
}

async fn sign_up_refuses_what_it_cannot_store(database: Database) {
    let service = database.start().await;
    let good = sign_up_body("ada", &random_id(), &random());
    let wrong = [
        ("login", json!("")),
        ("login", json!("x".repeat(321))),
        ("login", json!("a\u{0}b")),
        ("account_id", json!("ABCDEF00112233445566778899aabbcc")),
        ("account_id", json!("00")),
        ("salt", json!(b64(&[1; 15]))),
        ("salt", json!("AAAAAAAAAAAAAAAAAAAAAA==")),
        ("login_proof", json!(b64(&[1; 31]))),
        ("login_proof", json!("!")),
        ("kdf", json!({"id": "md5"})),
        ("kdf", json!({"id": "pbkdf2-sha256", "iterations": -1})),
        ("kdf", json!({"id": "pbkdf2-sha256"})),
        ("generation", json!(u64::MAX)),
        ("generation", json!(1.5)),
        ("vault", Value::Null),
    ];
    for (field, value) in wrong {
        let mut body = good.clone();
        body[field] = value;
        let problem = service.call(POST, "/api/v1/accounts").json(body).await;
        problem.refused(400, "request.malformed");
    }
    let mut body = good.clone();
    body["generation"] = json!(-1);
    service.call(POST, "/api/v1/accounts").json(body).await.refused(400, "vault.generation");
    let mut body = good.clone();
    body["policy"] = json!(b64(&vec![0; 128 * 1024 + 1]));
    service.call(POST, "/api/v1/accounts").json(body).await.refused(413, "request.too-large");
    for text in ["", "{", "[]", "\"\\ud800\"", "{\"login\": \"\\ud800\"}", "\u{1F600}"] {
        let answer = service.call(POST, "/api/v1/accounts").bytes(text).await;
        answer.refused(400, "request.malformed");
    }
    service.call(POST, "/api/v1/accounts").json(good).await.ok(201);
}

/// SPEC.md#login-invented
async fn an_unknown_login_gets_a_stable_answer_of_the_same_shape(database: Database) {
    let service = database.start().await;
    service.sign_up("ada").await;
    let ask = async |service: &crate::api::Service, login: &str| {
        service.call(POST, "/api/v1/prelogin").json(json!({ "login": login })).await.ok(200)
    };
    let known = ask(&service, "ada").await;
    let unknown = ask(&service, "nobody").await;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&known), keys(&unknown));
    assert_eq!(unknown["salt"].as_str().unwrap().len(), 22);
    assert_eq!(unknown["account_id"].as_str().unwrap().len(), 32);
    assert_ne!(unknown["salt"], ask(&service, "nobody2").await["salt"]);
    assert_eq!(unknown, ask(&service, "nobody").await);
    // The same for ever, not only until the next start.
    service.stop().await;
    let service = database.start().await;
    assert_eq!(unknown, ask(&service, "nobody").await);
}

async fn a_wrong_proof_and_an_unknown_login_are_refused_alike(database: Database) {
    let service = database.start().await;
    service.sign_up("ada").await;
    let wrong = service.login("ada", &[0; 32]).await.refused(401, "login.refused");
    let unknown = service.login("nobody", &[0; 32]).await.refused(401, "login.refused");
    assert_eq!(wrong, unknown);
}

/// SPEC.md#login-rate
async fn attempts_are_limited_per_login(database: Database) {
    let service = database.start_with(|config| config.limits.login = Rate::new(3, Duration::from_secs(600))).await;
    let account = service.sign_up("ada").await;
    let other = service.sign_up("bob").await;
    for _ in 0..3 {
        service.login("ada", &[0; 32]).await.refused(401, "login.refused");
    }
    // Also with the right proof: whoever guesses must not learn that this guess was the one.
    let answer = service.login("ada", &account.proof).await;
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait));
    answer.refused(429, "login.rate-limited");
    service.login("bob", &other.proof).await.ok(200);
    // The proof that deleting an account asks for counts too.
    let body = json!({"login_proof": b64(&account.proof)});
    account.call(DELETE, "/api/v1/account").json(body).await.refused(429, "login.rate-limited");
}

/// SPEC.md#login-rate
async fn attempts_are_limited_per_peer(database: Database) {
    let service = database
        .start_with(|config| {
            config.limits.login_peer = Rate::new(3, Duration::from_secs(600));
            config.peer_address = PeerAddress::LastForwardedFor;
        })
        .await;
    let from = async |peer: &str, login: &str| {
        let body = json!({"login": login, "login_proof": b64(&[0; 32])});
        service.call(POST, "/api/v1/login").header("x-forwarded-for", peer).json(body).await
    };
    for login in ["a", "b", "c"] {
        // What a client writes into the header itself comes first, and does not count.
        from(&format!("{login}, 192.0.2.1"), login).await.refused(401, "login.refused");
    }
    from("192.0.2.1", "d").await.refused(429, "login.rate-limited");
    from("192.0.2.2", "d").await.refused(401, "login.refused");
    // One customer has a whole /64.
    for last in 1..=3 {
        from(&format!("2001:db8::{last}"), "e").await.refused(401, "login.refused");
    }
    from("2001:db8::4", "e").await.refused(429, "login.rate-limited");
    from("2001:db8:0:1::4", "e").await.refused(401, "login.refused");
}

async fn sign_ups_are_limited_per_peer(database: Database) {
    let service =
        database.start_with(|config| config.limits.account_peer = Rate::new(1, Duration::from_secs(600))).await;
    service.sign_up("ada").await;
    let body = sign_up_body("bob", &random_id(), &random());
    service.call(POST, "/api/v1/accounts").json(body).await.refused(429, "account.rate-limited");
}

async fn a_session_ends_at_logout(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let second = service.login("ada", &account.proof).await.ok(200);
    let second = second["session"].as_str().unwrap();
    account.call(POST, "/api/v1/logout").send().await.ok(204);
    account.call(GET, "/api/v1/devices").send().await.refused(401, "auth.refused");
    service.call(GET, "/api/v1/devices").bearer(second).send().await.ok(200);
}

async fn a_session_ends_by_itself(database: Database) {
    let service = database.start_with(|config| config.session_lifetime = Duration::ZERO).await;
    let account = service.sign_up("ada").await;
    account.call(GET, "/api/v1/devices").send().await.refused(401, "auth.refused");
}

async fn a_new_password_ends_every_other_session(database: Database) {
    let service = database.start().await;
    let mut account = service.sign_up("ada").await;
    let new_proof: [u8; 32] = random();
    let good = json!({
        "old_login_proof": b64(&account.proof),
        "kdf": {"id": "pbkdf2-sha256", "iterations": 2_000_000},
        "salt": b64(&[8; 16]),
        "login_proof": b64(&new_proof),
        "vault": b64(b"second vault"),
        "generation": 2,
        "expected_generation": 1,
    });

    // Whatever is wrong, nothing changes.
    let mut body = good.clone();
    body["old_login_proof"] = json!(b64(&[0; 32]));
    account.call(POST, "/api/v1/password").json(body).await.refused(401, "login.refused");
    let mut body = good.clone();
    body["expected_generation"] = json!(0);
    let problem = account.call(POST, "/api/v1/password").json(body).await.refused(412, "vault.conflict");
    assert_eq!(problem["generation"], 1);
    let mut body = good.clone();
    body["generation"] = json!(1);
    account.call(POST, "/api/v1/password").json(body).await.refused(400, "vault.generation");
    let login = service.login("ada", &account.proof).await.ok(200);
    assert_eq!(login["vault"], b64(b"first vault"));

    let answer = account.call(POST, "/api/v1/password").json(good).await.ok(200);
    account.call(GET, "/api/v1/vault").send().await.refused(401, "auth.refused");
    account.session = answer["session"].as_str().unwrap().to_owned();
    assert_eq!(account.call(GET, "/api/v1/vault").send().await.body, b"second vault");
    service.login("ada", &account.proof).await.refused(401, "login.refused");
    assert_eq!(service.login("ada", &new_proof).await.ok(200)["generation"], 2);
    let prelogin = service.call(POST, "/api/v1/prelogin").json(json!({"login": "ada"})).await.ok(200);
    assert_eq!(prelogin["kdf"], json!({"id": "pbkdf2-sha256", "iterations": 2_000_000}));
    assert_eq!(prelogin["salt"], b64(&[8; 16]));
}

async fn leaving_deletes_everything_of_the_account_and_nothing_else(database: Database) {
    let service = database.start().await;
    for login in ["ada", "bob"] {
        let account = service.sign_up(login).await;
        let device = account.device().await;
        device.upload_events([event(1, "an app")]).await;
        record::send(&device, &[record::sealed(&device.device_id, 16, 1)]).await.ok(200);
        blob::send(&device, blob::sealed(&device.device_id, &random_id(), 32, 1, 100)).await.ok(201);
        let path = format!("/api/v1/devices/{}/delivery", device.device_id);
        account.call(PUT, &path).bytes("delivery").await.ok(204);
        let category = json!({"class": "app", "value": "an app", "category": "neutral"});
        account.call(PUT, "/api/v1/categories").json(category).await.ok(204);
        let enrollment = json!({"account_id": account.account_id, "device_id": random_id(), "request": "AA"});
        service.call(POST, "/api/v1/enrollments").json(enrollment).await.ok(202);
        if login == "bob" {
            let body = json!({"login_proof": b64(&[0; 32])});
            account.call(DELETE, "/api/v1/account").json(body).await.refused(401, "login.refused");
            let body = json!({"login_proof": b64(&account.proof)});
            account.call(DELETE, "/api/v1/account").json(body).await.ok(204);
            account.call(GET, "/api/v1/vault").send().await.refused(401, "auth.refused");
            device.upload(json!({})).await.refused(401, "auth.refused");
            service.login("bob", &account.proof).await.refused(401, "login.refused");
        }
    }
    let mut connection = database.connect().await;
    for (table, rows) in [
        ("accounts", 1),
        ("vaults", 1),
        ("policies", 1),
        ("sessions", 1),
        ("tickets", 1),
        ("ticket_devices", 1),
        ("enrollments", 1),
        ("devices", 1),
        ("deliveries", 1),
        // The value, and the action.
        ("dictionary", 2),
        ("events", 1),
        ("records", 1),
        ("blobs", 1),
        ("categories", 1),
    ] {
        let count = sqlx::query(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(count.get::<i64, _>(0), rows, "{table}");
    }
    assert_eq!(database.blob_files().len(), 1);
    service.sign_up("bob").await;
}

on_both_databases![
    an_account_gives_back_what_it_was_made_with,
    a_login_or_account_id_is_taken_once,
    sign_up_refuses_what_it_cannot_store,
    an_unknown_login_gets_a_stable_answer_of_the_same_shape,
    a_wrong_proof_and_an_unknown_login_are_refused_alike,
    attempts_are_limited_per_login,
    attempts_are_limited_per_peer,
    sign_ups_are_limited_per_peer,
    a_session_ends_at_logout,
    a_session_ends_by_itself,
    a_new_password_ends_every_other_session,
    leaving_deletes_everything_of_the_account_and_nothing_else,
];
