//! The OpenAPI document against real answers: every operation is asked, and every answer is checked
//! against the schema that the document gives for its status.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{
    Account, Answer, Call, DELETE, FUTURE_US, GET, POST, PUT, RECOVERY_PROOF, b64, event, random, random_id, sha256,
    sign_up_body,
};
use crate::database::{Database, on_both_databases};
use crate::{blob, record};

struct Checker {
    document: Value,
    /// `METHOD path` of what has been asked.
    asked: BTreeSet<String>,
}

enum Body {
    None,
    Json(Value),
    Octets(Vec<u8>),
}

impl Checker {
    /// Sends a call and checks its answer against the operation of `template`.
    async fn ask(&mut self, method: Method, template: &str, call: Call, body: Body) -> Answer {
        let key = format!("{method} {template}");
        let operation = &self.document["paths"][template][method.as_str().to_lowercase()];
        assert!(operation.is_object(), "{key} is not documented");
        if let Body::Json(body) = &body {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            self.check(schema, body, &format!("request of {key}"));
        }
        let answer = match body {
            Body::None => call.send().await,
            Body::Json(body) => call.json(body).await,
            Body::Octets(body) => call.bytes(body).await,
        };
        let status = answer.status.to_string();
        let range = format!("{}XX", &status[..1]);
        let responses = &operation["responses"];
        let response = [&status, &range].into_iter().find_map(|name| responses.get(name));
        let response = response.unwrap_or_else(|| panic!("{key}: {status} is not documented"));
        match answer.headers.get("content-type").map(|value| value.to_str().unwrap()) {
            None => assert!(response.get("content").is_none() && answer.body.is_empty(), "{key}"),
            Some(content_type) => {
                let content = &response["content"][content_type];
                assert!(content.is_object(), "{key}: {status} {content_type} is not documented");
                if content_type == "application/json" && content.get("schema").is_some() {
                    let body = serde_json::from_slice(&answer.body).unwrap();
                    self.check(&content["schema"], &body, &format!("{status} of {key}"));
                }
            }
        }
        if answer.status < 300 {
            self.asked.insert(key);
        }
        answer
    }

    fn check(&self, schema: &Value, instance: &Value, what: &str) {
        assert!(schema.is_object(), "{what}: no schema");
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(instance).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{what}: {errors:?}\n{instance}");
    }
}

async fn real_answers_are_as_documented(database: Database) {
    let service = database.start().await;
    let document = service.call(GET, "/api/openapi.json").send().await.ok(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document, serde_json::to_value(blindtally_server::openapi_document()).unwrap());
    let mut checker = Checker { document, asked: BTreeSet::new() };
    let c = &mut checker;

    c.ask(GET, "/api/openapi.json", service.call(GET, "/api/openapi.json"), Body::None).await.ok(200);
    c.ask(GET, "/api/v1/health", service.call(GET, "/api/v1/health"), Body::None).await.ok(200);
    let (account_id, proof): (String, [u8; 32]) = (random_id(), random());
    let body = sign_up_body("ada", &account_id, &proof);
    let path = "/api/v1/accounts";
    let answer = c.ask(POST, path, service.call(POST, path), Body::Json(body.clone())).await.ok(201);
    c.ask(POST, path, service.call(POST, path), Body::Json(body)).await.refused(409, "account.exists");
    let mut account = Account {
        client: service.client.clone(),
        login: "ada".into(),
        account_id,
        proof,
        session: answer["session"].as_str().unwrap().into(),
    };
    let path = "/api/v1/prelogin";
    c.ask(POST, path, service.call(POST, path), Body::Json(json!({"login": account.login}))).await.ok(200);
    c.ask(POST, path, service.call(POST, path), Body::Json(json!({"login": "no"}))).await.ok(200);
    let path = "/api/v1/login";
    let body = json!({"login": "ada", "login_proof": b64(&proof)});
    let second = c.ask(POST, path, service.call(POST, path), Body::Json(body)).await.ok(200);
    let body = json!({"login": "ada", "login_proof": b64(&[0; 32])});
    c.ask(POST, path, service.call(POST, path), Body::Json(body)).await.refused(401, "login.refused");
    let path = "/api/v1/logout";
    let session = second["session"].as_str().unwrap();
    c.ask(POST, path, service.call(POST, path).bearer(session), Body::None).await.ok(204);
    let path = "/api/v1/vault";
    c.ask(GET, path, account.call(GET, path), Body::None).await;
    c.ask(GET, path, service.call(GET, path), Body::None).await.refused(401, "auth.missing");
    let put = || account.call(PUT, path).header("if-match", "\"1\"").header("x-vault-generation", "2");
    c.ask(PUT, path, put(), Body::Octets("vault".into())).await.ok(204);
    c.ask(PUT, path, put(), Body::Octets("vault".into())).await.refused(412, "vault.conflict");
    let path = "/api/v1/password";
    let new_proof: [u8; 32] = random();
    let body = json!({
        "old_login_proof": b64(&proof), "kdf": {"id": "argon2id", "m_kib": 1, "t": 1, "p": 1},
        "salt": b64(&[1; 16]), "login_proof": b64(&new_proof), "vault": "", "generation": 3,
        "expected_generation": 2,
    });
    let answer = c.ask(POST, path, account.call(POST, path), Body::Json(body)).await.ok(200);
    account.session = answer["session"].as_str().unwrap().into();

    let path = "/api/v1/tickets";
    let (ticket_id, authenticator): (String, [u8; 32]) = (random_id(), random());
    let body = json!({
        "ticket_id": ticket_id, "authenticator_hash": b64(&sha256(&authenticator)),
        "expires_at_us": FUTURE_US, "uses": 50,
    });
    c.ask(POST, path, account.call(POST, path), Body::Json(body)).await.ok(201);
    let path = "/api/v1/devices/claim";
    let device_id = random_id();
    let body = json!({
        "account_id": account.account_id, "device_id": device_id, "ticket_id": ticket_id,
        "authenticator": b64(&authenticator),
    });
    let answer = c.ask(POST, path, service.call(POST, path), Body::Json(body)).await.ok(200);
    let bearer = answer["bearer"].as_str().unwrap();
    let device = |method, path: &str| service.call(method, path).bearer(bearer);
    let path = "/api/v1/tickets/{ticket_id}";
    let call = account.call(DELETE, &format!("/api/v1/tickets/{ticket_id}"));
    c.ask(DELETE, path, call, Body::None).await.ok(204);
    let path = "/api/v1/enrollments";
    let body = json!({"account_id": account.account_id, "device_id": device_id, "request": "AA"});
    c.ask(POST, path, service.call(POST, path), Body::Json(body)).await.ok(202);
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);
    let path = "/api/v1/enrollments/{device_id}";
    let call = account.call(DELETE, &format!("/api/v1/enrollments/{device_id}"));
    c.ask(DELETE, path, call, Body::None).await.ok(204);
    let path = "/api/v1/devices/{device_id}/delivery";
    let call = account.call(PUT, &format!("/api/v1/devices/{device_id}/delivery"));
    c.ask(PUT, path, call, Body::Octets("delivery".into())).await.ok(204);
    let path = "/api/v1/device/delivery";
    c.ask(GET, path, device(GET, path), Body::None).await;
    let path = "/api/v1/policy";
    c.ask(PUT, path, account.call(PUT, path), Body::Octets("policy".into())).await.ok(204);
    let path = "/api/v1/device/policy";
    c.ask(GET, path, device(GET, path), Body::None).await;
    let path = "/api/v1/devices";
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);

    let path = "/api/v1/events";
    let mut full = event(1, "a");
    for class in ["title", "host", "url", "document", "person", "label"] {
        full["values"][class] = json!("x");
    }
    let batch = json!({"events": [full, event(2, "b")], "enrich": [{"seq": 1, "values": {"app": "b"}}]});
    c.ask(POST, path, device(POST, path), Body::Json(batch)).await.ok(200);
    let batch = json!({"enrich": [{"seq": 5, "values": {"app": "b"}}]});
    c.ask(POST, path, device(POST, path), Body::Json(batch)).await.refused(409, "event.unknown");
    let call = device(POST, path).bytes("{\"events\":[{}]}").await;
    c.check(&c.document["components"]["schemas"]["Problem"].clone(), &call.ok(400), "a wrong event");
    c.ask(GET, path, account.call(GET, "/api/v1/events?limit=1"), Body::None).await.ok(200);
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);
    let path = "/api/v1/events/head";
    c.ask(GET, path, device(GET, path), Body::None).await.ok(200);
    let path = "/api/v1/categories";
    let body = json!({"class": "app", "value": "a", "category": "neutral"});
    c.ask(PUT, path, account.call(PUT, path), Body::Json(body)).await.ok(204);
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);
    for by in ["value", "day", "hour", "category", "person", "device"] {
        let call = account.call(GET, &format!("/api/v1/totals?class=app&by={by}"));
        let totals = c.ask(GET, "/api/v1/totals", call, Body::None).await.ok(200);
        assert!(totals["total_rows"].as_i64().unwrap() > 0);
    }
    let body = json!({"class": "app", "value": "a"});
    c.ask(DELETE, path, account.call(DELETE, path), Body::Json(body)).await.ok(204);
    let path = "/api/v1/retention";
    c.ask(PUT, path, account.call(PUT, path), Body::Json(json!({"days": 30}))).await.ok(204);
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);
    let call = account.call(DELETE, "/api/v1/events?before_us=0");
    c.ask(DELETE, "/api/v1/events", call, Body::None).await.ok(200);
    let path = "/api/v1/records";
    let body = json!({"records": [record::text(&record::sealed(&device_id, 16, 1))]});
    c.ask(POST, path, device(POST, path), Body::Json(body)).await.ok(200);
    let body = json!({"records": [record::text(&record::sealed(&random_id(), 16, 1))]});
    c.ask(POST, path, device(POST, path), Body::Json(body)).await.refused(403, "record.device");
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);
    c.ask(DELETE, path, account.call(DELETE, "/api/v1/records?before_ms=0"), Body::None).await.ok(200);
    let path = "/api/v1/blobs/{blob_id}";
    let blob_id = random_id();
    let sealed = blob::sealed(&device_id, &blob_id, 32, 1, 100);
    let one = format!("/api/v1/blobs/{blob_id}");
    c.ask(PUT, path, device(PUT, &one), Body::Octets(sealed.clone())).await.ok(201);
    c.ask(PUT, path, device(PUT, &one), Body::Octets(sealed)).await.ok(200);
    c.ask(PUT, path, device(PUT, &one), Body::None).await.refused(400, "blob.invalid");
    assert_eq!(c.ask(GET, path, account.call(GET, &one), Body::None).await.status, 200);
    let call = account.call(GET, &one).header("range", "bytes=1-2");
    assert_eq!(c.ask(GET, path, call, Body::None).await.status, 206);
    let call = account.call(GET, &one).header("range", "bytes=9999-");
    c.ask(GET, path, call, Body::None).await.refused(416, "request.range");
    let path = "/api/v1/blobs";
    c.ask(GET, path, account.call(GET, path), Body::None).await.ok(200);
    c.ask(DELETE, path, account.call(DELETE, "/api/v1/blobs?before_ms=0"), Body::None).await.ok(200);
    c.ask(DELETE, "/api/v1/blobs/{blob_id}", account.call(DELETE, &one), Body::None).await.ok(204);
    let path = "/api/v1/devices/{device_id}/revoke";
    let call = account.call(POST, &format!("/api/v1/devices/{device_id}/revoke"));
    c.ask(POST, path, call, Body::None).await.ok(204);
    let path = "/api/v1/policy";
    c.ask(GET, path, account.call(GET, path), Body::None).await;
    let path = "/api/v1/restore/head";
    let mut body = json!({"account_id": account.account_id, "recovery_proof": b64(&RECOVERY_PROOF)});
    let call = service.call(POST, path);
    let head = c.ask(POST, path, call, Body::Json(body.clone())).await.ok(200);
    let generation = head["generation"].as_i64().unwrap();
    let path = "/api/v1/restore";
    for (field, value) in [
        ("login", json!("ada")),
        ("kdf", json!({"id": "pbkdf2-sha256", "iterations": 2_000_000})),
        ("salt", json!(b64(&[8; 16]))),
        ("login_proof", json!(b64(&new_proof))),
        ("vault", json!(b64(b"restored vault"))),
        ("generation", json!(generation + 1)),
        ("expected_generation", json!(generation)),
    ] {
        body[field] = value;
    }
    let call = service.call(POST, path);
    let restored = c.ask(POST, path, call, Body::Json(body)).await.ok(200);
    account.session = restored["session"].as_str().unwrap().to_owned();
    let path = "/api/v1/account";
    let body = json!({"login_proof": b64(&new_proof)});
    c.ask(DELETE, path, account.call(DELETE, path), Body::Json(body)).await.ok(204);

    let documented: BTreeSet<String> = checker.document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    assert_eq!(checker.asked, documented, "an operation is documented that this test does not ask");
}

on_both_databases![real_answers_are_as_documented];
