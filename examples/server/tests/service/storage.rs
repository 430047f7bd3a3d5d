//! When the database is locked by somebody else, or full: typed errors, and nothing half stored.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Executor;

use crate::api::{Device, GET, POST, PUT, event, random_id};
use crate::database::{Database, on_both_databases, on_sqlite};
use crate::{blob, record};

async fn a_lock_of_another_program_is_an_error_that_passes(database: Database) {
    let service = database.start_with(|config| config.busy_timeout = Duration::from_millis(50)).await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    device.upload_events([event(1, "a")]).await;

    let mut other = database.connect().await;
    let lock = match database.url.starts_with("sqlite") {
        true => "BEGIN IMMEDIATE",
        false => "BEGIN; LOCK TABLE events, dictionary, devices IN EXCLUSIVE MODE",
    };
    other.execute(lock).await.unwrap();
    let answer = device.upload(json!({"events": [event(2, "b"), event(3, "c")]})).await;
    assert_eq!(answer.headers["retry-after"], "1");
    answer.refused(503, "storage.busy");
    // Readers do not wait for it.
    assert_eq!(account.totals("by=device").await["total_events"], 1);
    other.execute("ROLLBACK").await.unwrap();

    assert_eq!(device.head().await, json!({"max_seq": 1, "count": 1}));
    let receipt = device.upload_events([event(2, "b"), event(3, "c")]).await;
    assert_eq!(receipt["stored"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_refuses_whole_batches_and_goes_on() {
    on_sqlite(async |database: Database| {
        let service = database.start_with(|config| config.max_database_bytes = Some(1024 * 1024)).await;
        let account = service.sign_up("ada").await;
        let device = account.device().await;
        let batch = |number: u64| -> Vec<Value> {
            let seqs = number * 50..number * 50 + 50;
            seqs.map(|seq| event(seq, &format!("{seq} {}", "x".repeat(2_000)))).collect()
        };
        let mut stored = 0;
        loop {
            let answer = device.upload(json!({"events": batch(stored)})).await;
            if answer.status != 200 {
                answer.refused(507, "storage.full");
                break;
            }
            stored += 1;
        }
        assert!(stored > 0);
        // Whole batches only, and everything that needs no room still works.
        assert_eq!(device.head().await["count"], stored * 50);
        assert_eq!(account.totals("class=app&by=value").await["total_rows"], stored * 50);
        let vault = account.call(GET, "/api/v1/vault").send().await;
        assert_eq!(vault.body, b"first vault");
        let path = format!("/api/v1/events?before_us={}", i64::MAX);
        let deleted = account.call(crate::api::DELETE, &path).send().await.ok(200);
        assert_eq!(deleted["deleted"], stored * 50);
        let receipt = device.upload(json!({"events": batch(stored)})).await.ok(200);
        assert_eq!(receipt["stored"], 50);
        account.call(PUT, "/api/v1/policy").bytes("policy").await.ok(204);
    })
    .await;
}

async fn starting_again_finds_everything(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    device.upload_events([event(1, "a")]).await;
    service.stop().await;
    let service = database.start().await;
    let call = service.call(GET, "/api/v1/totals?by=device").bearer(&account.session);
    assert_eq!(call.send().await.ok(200)["total_events"], 1);
}

async fn a_database_from_before_records_and_blobs_gets_their_tables(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    device.upload_events([event(1, "a")]).await;
    service.stop().await;
    let mut connection = database.connect().await;
    for sql in ["DROP TABLE records", "DROP TABLE blobs", "DELETE FROM _sqlx_migrations WHERE version = 2"] {
        connection.execute(sql).await.unwrap();
    }
    let service = database.start().await;
    let device = Device { client: service.client.clone(), ..device };
    record::send(&device, &[record::sealed(&device.device_id, 16, 1)]).await.ok(200);
    blob::send(&device, blob::sealed(&device.device_id, &random_id(), 32, 1, 100)).await.ok(201);
    assert_eq!(device.head().await["count"], 1);
}

async fn requests_that_are_given_up_leave_whole_batches_or_nothing(database: Database) {
    // The account is made without haste; then every batch may be cut off anywhere.
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    service.stop().await;
    let service = database.start_with(|config| config.request_timeout = Duration::from_millis(8)).await;
    let uploads: Vec<_> = (0..40_u64)
        .map(|number| {
            let seqs = number * 500..number * 500 + 500;
            let events: Vec<Value> = seqs.map(|seq| event(seq, &format!("{seq}"))).collect();
            let call = service.call(POST, "/api/v1/events").bearer(&device.bearer);
            tokio::spawn(call.json(json!({ "events": events })))
        })
        .collect();
    let mut acknowledged = 0;
    for upload in uploads {
        let answer = upload.await.unwrap();
        match answer.status {
            200 => acknowledged += 1,
            _ => {
                answer.refused(408, "request.timeout");
            }
        }
    }
    service.stop().await;
    let service = database.start().await;
    let call = service.call(GET, "/api/v1/events/head").bearer(&device.bearer);
    let count = call.send().await.ok(200)["count"].as_u64().unwrap();
    assert!(count % 500 == 0 && count >= acknowledged * 500, "{count}");
    let call = service.call(GET, "/api/v1/totals?by=device").bearer(&account.session);
    assert_eq!(call.send().await.ok(200)["total_events"], count);
}

#[tokio::test]
async fn a_path_may_have_any_characters() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("Sp ace %41 #1?x=y \u{e9}.db");
    let service = blindtally_server::serve(blindtally_server::Config::sqlite(&path)).await.unwrap();
    service.shutdown().await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    use blindtally_server::{Config, StartError, serve};
    let wrong = [Config::new("mysql://localhost/x"), Config::new("nothing")];
    for config in wrong {
        assert!(matches!(serve(config).await, Err(StartError::DatabaseUrl)));
    }
    let config = Config::new("sqlite:///no/such/folder/x.db");
    assert!(matches!(serve(config).await, Err(StartError::Database(_))));
}

on_both_databases![
    a_lock_of_another_program_is_an_error_that_passes,
    starting_again_finds_everything,
    a_database_from_before_records_and_blobs_gets_their_tables,
    requests_that_are_given_up_leave_whole_batches_or_nothing,
];
