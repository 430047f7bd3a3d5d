//! Requests that wait for the owner.

use std::time::Duration;

use blindtally_server::Rate;
use serde_json::{Value, json};

use crate::api::{Account, DELETE, GET, POST, PUT, b64, random_id};
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
        service.call(POST, "/api/v1/enrollments").json(body).await.ok(202);
    }
    let waiting = async || -> Vec<String> {
        let list = account.get("/api/v1/enrollments").await;
        let list = list["enrollments"].as_array().unwrap().clone();
        list.iter().map(|entry| entry["device_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(waiting().await, ids);
    account.call(DELETE, &format!("/api/v1/enrollments/{}", ids[0])).send().await.ok(204);
    account.call(DELETE, &format!("/api/v1/enrollments/{}", ids[0])).send().await.ok(204);
    let path = format!("/api/v1/devices/{}/delivery", ids[1]);
    account.call(PUT, &path).bytes("delivery").await.ok(204);
    assert_eq!(waiting().await, ids[2..]);
}

async fn a_waiting_request_is_never_replaced(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let id = random_id();
    let first = request(&account, &id, b"first");
    service.call(POST, "/api/v1/enrollments").json(first.clone()).await.ok(202);
    service.call(POST, "/api/v1/enrollments").json(first.clone()).await.ok(202);
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
    let unknown = service.call(POST, "/api/v1/enrollments").json(unknown).await;
    assert_eq!((known.status, known.body), (unknown.status, unknown.body));
}

async fn requests_are_limited_in_size_and_number(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let large = request(&account, &random_id(), &[0; 8 * 1024 + 1]);
    let answer = service.call(POST, "/api/v1/enrollments").json(large).await;
    answer.refused(413, "request.too-large");
    let largest = request(&account, &random_id(), &[0; 8 * 1024]);
    service.call(POST, "/api/v1/enrollments").json(largest.clone()).await.ok(202);
    for _ in 1..200 {
        let body = request(&account, &random_id(), b"x");
        service.call(POST, "/api/v1/enrollments").json(body).await.ok(202);
    }
    let one_more = request(&account, &random_id(), b"x");
    let answer = service.call(POST, "/api/v1/enrollments").json(one_more).await;
    answer.refused(429, "enrollment.full");
    // One that waits already is not one more.
    service.call(POST, "/api/v1/enrollments").json(largest).await.ok(202);
}

async fn requests_that_nobody_decides_about_make_room_after_30_days(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let ids: Vec<String> = (0..200).map(|_| random_id()).collect();
    for id in &ids {
        service.call(POST, "/api/v1/enrollments").json(request(&account, id, b"x")).await.ok(202);
    }
    let (session, late) = (account.session.clone(), request(&account, &random_id(), b"late"));
    service.call(POST, "/api/v1/enrollments").json(late.clone()).await.refused(429, "enrollment.full");
    service.stop().await;

    let mut connection = database.connect().await;
    let day = 24 * 3600 * 1_000_000_i64;
    let all_by = |us: i64| sqlx::query("UPDATE enrollments SET received_us = received_us - $1").bind(us);
    all_by(30 * day).execute(&mut connection).await.unwrap();
    // The last one is a day younger.
    let youngest = "UPDATE enrollments SET received_us = received_us + $1 \
                    WHERE received_us = (SELECT MAX(received_us) FROM enrollments)";
    sqlx::query(youngest).bind(day).execute(&mut connection).await.unwrap();
    drop(connection);

    let service = database.start().await;
    // Maintenance begins with the service; the answer that counts is the first without old requests.
    let waiting = loop {
        let list = service.call(GET, "/api/v1/enrollments").bearer(&session).send().await.ok(200);
        let list = list["enrollments"].as_array().unwrap().clone();
        if list.len() < 200 {
            break list;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(waiting.iter().map(|entry| &entry["device_id"]).collect::<Vec<_>>(), [&ids[199]]);
    service.call(POST, "/api/v1/enrollments").json(late).await.ok(202);
}

async fn requests_are_limited_per_peer(database: Database) {
    let service =
        database.start_with(|config| config.limits.enrollment_peer = Rate::new(1, Duration::from_secs(600))).await;
    let account = service.sign_up("ada").await;
    let body = request(&account, &random_id(), b"x");
    service.call(POST, "/api/v1/enrollments").json(body.clone()).await.ok(202);
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
    requests_that_nobody_decides_about_make_room_after_30_days,
];
