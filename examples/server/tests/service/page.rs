//! Pages of raw events: complete, in order, and steady while events arrive.

use serde_json::{Value, json};

use crate::api::{Account, GET, event};
use crate::database::{Database, on_both_databases};

async fn all_pages(account: &Account, query: &str) -> Vec<Value> {
    pages_after(account, query, String::new()).await
}

/// The events of all pages after `cursor`, itself a part of a query.
async fn pages_after(account: &Account, query: &str, mut cursor: String) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let page = account
            .get(&format!("/api/v1/events?{query}{cursor}"))
            .await;
        events.extend(page["events"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return events,
        }
    }
}

async fn pages_come_oldest_first_and_miss_nothing(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let devices = [account.device().await, account.device().await];
    for device in &devices {
        // Ten events at each of ten moments: pages must not break at a moment.
        let events = (0..100).rev().map(|seq| {
            let mut event = event(seq, "a");
            event["start_us"] = json!(1_700_000_000_000_000_u64 + seq / 10);
            event
        });
        device.upload_events(events).await;
    }
    for limit in [1, 7, 100, 199, 200, 5000] {
        let events = all_pages(&account, &format!("limit={limit}")).await;
        let keys: Vec<_> = events
            .iter()
            .map(|e| {
                (
                    e["start_us"].as_i64(),
                    e["device"] == devices[1].device_id,
                    e["seq"].as_i64(),
                )
            })
            .collect();
        assert_eq!(keys.len(), 200);
        assert!(keys.is_sorted());
    }
    let query = format!(
        "device={}&from_us=1700000000000002&to_us=1700000000000004",
        devices[0].device_id
    );
    let events = all_pages(&account, &query).await;
    let seqs: Vec<_> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (20..40).collect::<Vec<_>>());
}

async fn events_that_arrive_meanwhile_move_nothing(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    device
        .upload_events((100..120).map(|seq| event(seq, "a")))
        .await;
    let first = account.get("/api/v1/events?limit=10").await;
    // Some older than the page, some newer, in the middle of the reading.
    device
        .upload_events((90..100).map(|seq| event(seq, "a")))
        .await;
    device
        .upload_events((120..125).map(|seq| event(seq, "a")))
        .await;
    let cursor = format!("&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = pages_after(&account, "limit=3", cursor).await;
    let seqs: Vec<_> = rest
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (110..125).collect::<Vec<_>>());
}

async fn a_page_of_long_texts_ends_early(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let text = "x".repeat(8_192);
    for batch in 0..2 {
        let events: Vec<Value> = (batch * 400..batch * 400 + 400)
            .map(|seq| {
                let mut event = event(seq, &text);
                for class in ["title", "host", "url", "document", "person", "label"] {
                    event["values"][class] = json!(text);
                }
                event
            })
            .collect();
        // 400 of these are more than one body may hold.
        for half in events.chunks(200) {
            device.upload_events(half.to_vec()).await;
        }
    }
    let page = account.get("/api/v1/events?limit=5000").await;
    let length = page["events"].as_array().unwrap().len();
    assert!((1..800).contains(&length), "{length}");
    assert_eq!(all_pages(&account, "limit=5000").await.len(), 800);
}

async fn queries_that_make_no_sense_are_refused(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    for query in [
        "limit=0",
        "limit=5001",
        "limit=-1",
        "limit=x",
        "cursor=x",
        "cursor=",
        "cursor=AAAA",
        "device=x",
        "from_us=9223372036854775808",
        "from_us=1.5",
    ] {
        let path = format!("/api/v1/events?{query}");
        account
            .call(GET, &path)
            .send()
            .await
            .refused(400, "query.invalid");
    }
    let page = account
        .get("/api/v1/events?from_us=-9223372036854775808&to_us=9223372036854775807")
        .await;
    assert_eq!(page, json!({"events": [], "next_cursor": null}));
}

on_both_databases![
    pages_come_oldest_first_and_miss_nothing,
    events_that_arrive_meanwhile_move_nothing,
    a_page_of_long_texts_ends_early,
    queries_that_make_no_sense_are_refused,
];
