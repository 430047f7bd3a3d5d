//! Deleting by age and on request: events, and the texts that went with them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sqlx::Row;

use crate::api::{DELETE, GET, PUT, event, random_id};
use crate::database::{Database, on_both_databases};
use crate::{blob, record};

fn days_ago(days: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now - Duration::from_secs(days * 86_400)).as_micros() as u64
}

fn aged(seq: u64, app: &str, days: u64) -> Value {
    let mut event = event(seq, app);
    event["start_us"] = json!(days_ago(days));
    event
}

async fn old_events_go_when_the_service_starts(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let keeper = service.sign_up("bob").await;
    for account in [&account, &keeper] {
        let device = account.device().await;
        device.upload_events([aged(1, "old", 40), aged(2, "old", 31), aged(3, "new", 29)]).await;
    }
    assert_eq!(account.get("/api/v1/retention").await, json!({"days": null}));
    account.call(PUT, "/api/v1/retention").json(json!({"days": 30})).await.ok(204);
    assert_eq!(account.get("/api/v1/retention").await, json!({"days": 30}));
    let (session, kept_session) = (account.session.clone(), keeper.session.clone());
    service.stop().await;

    let service = database.start().await;
    // Maintenance begins with the service; the answer that counts is the first without old events.
    let totals = loop {
        let call = service.call(GET, "/api/v1/totals?by=device").bearer(&session);
        let totals = call.send().await.ok(200);
        if totals["total_events"] != 3 {
            break totals;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(totals["total_events"], 1);
    let devices = service.call(GET, "/api/v1/devices").bearer(&session).send().await.ok(200);
    assert_eq!(devices["devices"][0]["events"], 1);
    let kept = service.call(GET, "/api/v1/totals?by=device").bearer(&kept_session);
    assert_eq!(kept.send().await.ok(200)["total_events"], 3);
}

async fn records_and_blobs_go_by_their_arrival_whatever_a_device_says_of_the_time(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let keeper = service.sign_up("bob").await;
    let mut connection = database.connect().await;
    // By the clocks of their devices: of 1970, of now, and of a time to come.
    let clocks = [0, days_ago(0) / 1_000, i64::MAX as u64];
    let devices = [account.device().await, keeper.device().await];
    for days in [31, 29] {
        for device in &devices {
            for seq in clocks {
                record::send(device, &[record::sealed(&device.device_id, 16, seq)]).await.ok(200);
                blob::send(device, blob::sealed(&device.device_id, &random_id(), 32, seq, 100)).await.ok(201);
            }
        }
        for table in ["records", "blobs"] {
            // Those that have just come.
            let sql = format!("UPDATE {table} SET arrived_us = $1 WHERE arrived_us > $2");
            let update = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(days_ago(days) as i64).bind(days_ago(1) as i64);
            update.execute(&mut connection).await.unwrap();
        }
    }
    assert_eq!(database.blob_files().len(), 12);
    account.call(PUT, "/api/v1/retention").json(json!({"days": 30})).await.ok(204);
    let (session, kept_session) = (account.session.clone(), keeper.session.clone());
    service.stop().await;

    let service = database.start().await;
    let count = async |session: &str, what: &str| {
        let answer = service.call(GET, &format!("/api/v1/{what}")).bearer(session).send().await.ok(200);
        answer[what].as_array().unwrap().len()
    };
    while count(&session, "records").await + count(&session, "blobs").await > 6 || database.blob_files().len() > 9 {
        tokio::task::yield_now().await;
    }
    assert_eq!((count(&session, "records").await, count(&session, "blobs").await), (3, 3));
    assert_eq!((count(&kept_session, "records").await, count(&kept_session, "blobs").await), (6, 6));
}

async fn retention_is_a_number_of_days(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    for days in [0, -1, 36_501, i64::MAX] {
        let answer = account.call(PUT, "/api/v1/retention").json(json!({ "days": days })).await;
        answer.refused(400, "retention.invalid");
    }
    let answer = account.call(PUT, "/api/v1/retention").json(json!({"days": "x"})).await;
    answer.refused(400, "request.malformed");
    account.call(PUT, "/api/v1/retention").json(json!({"days": 1})).await.ok(204);
    account.call(PUT, "/api/v1/retention").json(json!({"days": null})).await.ok(204);
    assert_eq!(account.get("/api/v1/retention").await, json!({"days": null}));
}

async fn the_owner_deletes_by_time_and_device(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (first, second) = (account.device().await, account.device().await);
    for device in [&first, &second] {
        device.upload_events((0..10).map(|seq| event(seq, &format!("value {seq}")))).await;
    }
    account.call(DELETE, "/api/v1/events").send().await.refused(400, "query.invalid");
    let before = 1_700_000_000_000_000_u64 + 4_000_000;
    let path = format!("/api/v1/events?before_us={before}&device={}", first.device_id);
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 4}));
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 0}));
    // The head stays where it was, so that no sequence number is used twice.
    assert_eq!(first.head().await, json!({"max_seq": 9, "count": 6}));
    let path = format!("/api/v1/events?device={}", second.device_id);
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 10}));
    assert_eq!(account.totals("by=device").await["total_events"], 6);
    assert_eq!(account.totals("class=app&by=value").await["total_rows"], 6);
}

async fn texts_go_with_the_last_event_that_carries_them(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let events = || (0..5).map(|seq| event(seq, &format!("value {seq}")));
    device.upload_events(events()).await;
    let category = json!({"class": "app", "value": "value 0", "category": "productive"});
    account.call(PUT, "/api/v1/categories").json(category).await.ok(204);
    let path = format!("/api/v1/events?device={}", device.device_id);
    account.call(DELETE, &path).send().await.ok(200);
    let mut connection = database.connect().await;
    let rows = sqlx::query("SELECT text FROM dictionary").fetch_all(&mut connection).await.unwrap();
    // One has a category, which is the owner's and stays.
    let texts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(texts, ["value 0"]);
    // What is sent again is found again: no id from before is used.
    device.upload_events(events()).await;
    let totals = account.totals("class=app&by=value").await;
    let values: Vec<&str> =
        totals["rows"].as_array().unwrap().iter().map(|row| row["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["value 0", "value 1", "value 2", "value 3", "value 4"]);
    let totals = account.totals("class=app&by=category&category=productive").await;
    assert_eq!(totals["total_events"], 1);
}

async fn uploads_and_deletions_at_once_leave_no_event_without_its_text(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let uploads = tokio::spawn({
        let device = device.clone();
        async move {
            for batch in 0..30_u64 {
                let seqs = batch * 20..batch * 20 + 20;
                device.upload_events(seqs.map(|seq| event(seq, &format!("value {}", seq % 10)))).await;
            }
        }
    });
    while !uploads.is_finished() {
        let path = format!("/api/v1/events?device={}", device.device_id);
        account.call(DELETE, &path).send().await.ok(200);
    }
    uploads.await.unwrap();
    let by_value = account.totals("class=app&by=value").await;
    let sum: i64 = by_value["rows"].as_array().unwrap().iter().map(|row| row["events"].as_i64().unwrap()).sum();
    assert_eq!(sum, by_value["total_events"].as_i64().unwrap());
    let page = account.get("/api/v1/events?limit=5000").await;
    assert_eq!(page["events"].as_array().unwrap().len() as i64, sum);
    assert_eq!(device.head().await["count"], sum);
}

on_both_databases![
    old_events_go_when_the_service_starts,
    records_and_blobs_go_by_their_arrival_whatever_a_device_says_of_the_time,
    retention_is_a_number_of_days,
    the_owner_deletes_by_time_and_device,
    texts_go_with_the_last_event_that_carries_them,
    uploads_and_deletions_at_once_leave_no_event_without_its_text,
];
