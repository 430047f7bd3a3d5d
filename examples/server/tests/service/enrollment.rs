//! Requests that wait for the owner.

use std::time::Duration;

use blindtally_server::Rate;
use serde_json::{Value, json};

use crate::api::{Account, DELETE, POST, PUT, b64, random_id};
use crate::database::{Database, on_both_databases};

fn request(account: &Account, device_id: &str, bytes: &[u8]) -> Value {
    json!({"account_id": account.account_id, "device_id": device_id, "request": b64(bytes)})
}

async fn a_request_waits_until_it_is_decided(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let ids = [random_id(), random_id(), random_id()];
    for (i, id) in ids.iter().enumerate() {
        let body = request(&account, id, &[i as u8]);
        service
            .call(POST, "/api/v1/enrollments")
            .json(body)
            .await
            .ok(202);
    }
    let waiting = async || -> Vec<String> {
        let list = account.get("/api/v1/enrollments").await;
        let list = list["enrollments"].as_array().unwrap().clone();
        list.iter()
            .map(|entry| entry["device_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(waiting().await, ids);
    account
        .call(DELETE, &format!("/api/v1/enrollments/{}", ids[0]))
        .send()
        .await
        .ok(204);
    account
        .call(DELETE, &format!("/api/v1/enrollments/{}", ids[0]))
        .send()
        .await
        .ok(204);
    let path = format!("/api/v1/devices/{}/delivery", ids[1]);
    account.call(PUT, &path).bytes("delivery").await.ok(204);
    assert_eq!(waiting().await, ids[2..]);
}

async fn a_waiting_request_is_never_replaced(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let id = random_id();
    let first = request(&account, &id, b"first");
    service
        .call(POST, "/api/v1/enrollments")
        .json(first.clone())
        .await
        .ok(202);
    service
        .call(POST, "/api/v1/enrollments")
        .json(first.clone())
        .await
        .ok(202);
    let mut with_claim = first.clone();
    with_claim["claim_hash"] = json!(b64(&[1; 32]));
    for other in [request(&account, &id, b"second"), with_claim] {
        let answer = service.call(POST, "/api/v1/enrollments").json(other).await;
        answer.refused(409, "enrollment.exists");
    }
    let list = account.get("/api/v1/enrollments").await;
    assert_eq!(list["enrollments"].as_array().unwrap().len(), 1);
    assert_eq!(list["enrollments"][0]["request"], b64(b"first"));
}

async fn nobody_learns_which_accounts_there_are(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let known = request(&account, &random_id(), b"x");
    let mut unknown = known.clone();
    unknown["account_id"] = json!(random_id());
    let known = service.call(POST, "/api/v1/enrollments").json(known).await;
    let unknown = service
        .call(POST, "/api/v1/enrollments")
        .json(unknown)
        .await;
    assert_eq!((known.status, known.body), (unknown.status, unknown.body));
}

async fn requests_are_limited_in_size_and_number(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let large = request(&account, &random_id(), &[0; 8 * 1024 + 1]);
    let answer = service.call(POST, "/api/v1/enrollments").json(large).await;
    answer.refused(413, "request.too-large");
    let largest = request(&account, &random_id(), &[0; 8 * 1024]);
    service
        .call(POST, "/api/v1/enrollments")
        .json(largest.clone())
        .await
        .ok(202);
    for _ in 1..200 {
        let body = request(&account, &random_id(), b"x");
        service
            .call(POST, "/api/v1/enrollments")
            .json(body)
            .await
            .ok(202);
    }
    let one_more = request(&account, &random_id(), b"x");
    let answer = service
        .call(POST, "/api/v1/enrollments")
        .json(one_more)
        .await;
    answer.refused(429, "enrollment.full");
    // One that waits already is not one more.
    service
        .call(POST, "/api/v1/enrollments")
        .json(largest)
        .await
        .ok(202);
}

async fn requests_are_limited_per_peer(database: Database) {
    let service = database
        .start_with(|config| config.limits.enrollment_peer = Rate::new(1, Duration::from_secs(600)))
        .await;
    let account = service.sign_up("ada").await;
    let body = request(&account, &random_id(), b"x");
    service
        .call(POST, "/api/v1/enrollments")
        .json(body.clone())
        .await
        .ok(202);
    let answer = service.call(POST, "/api/v1/enrollments").json(body).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused(429, "enrollment.rate-limited");
}

on_both_databases![
    a_request_waits_until_it_is_decided,
    a_waiting_request_is_never_replaced,
    nobody_learns_which_accounts_there_are,
    requests_are_limited_in_size_and_number,
    requests_are_limited_per_peer,
];
