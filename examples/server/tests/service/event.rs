//! Events: stored once, enriched once, and nothing of a batch that is wrong.

use serde_json::{Value, json};

use crate::api::{GET, POST, event};
use crate::database::{Database, on_both_databases};

async fn an_event_sent_again_changes_nothing(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    assert_eq!(device.head().await, json!({"max_seq": null, "count": 0}));
    let receipt = device
        .upload_events([event(7, "a"), event(3, "a"), event(7, "b")])
        .await;
    assert_eq!(
        receipt,
        json!({"stored": 2, "duplicates": 1, "enriched": 0})
    );
    let receipt = device
        .upload_events([event(3, "other"), event(4, "a")])
        .await;
    assert_eq!(
        receipt,
        json!({"stored": 1, "duplicates": 1, "enriched": 0})
    );
    let receipt = device.upload(json!({})).await.ok(200);
    assert_eq!(
        receipt,
        json!({"stored": 0, "duplicates": 0, "enriched": 0})
    );
    assert_eq!(device.head().await, json!({"max_seq": 7, "count": 3}));
    let totals = account.totals("class=app&by=value").await;
    assert_eq!(totals["rows"].as_array().unwrap().len(), 1);
    assert_eq!(totals["rows"][0]["events"], 3);
    // Another device has sequence numbers of its own.
    let receipt = account.device().await.upload_events([event(7, "a")]).await;
    assert_eq!(receipt["stored"], 1);
}

async fn an_event_without_values_is_enriched_once(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let mut bare = event(1, "");
    bare["values"] = json!({});
    let mut absent = event(2, "");
    absent.as_object_mut().unwrap().remove("values");
    device
        .upload_events([bare, absent, event(3, "known")])
        .await;

    let batch = json!({"enrich": [
        {"seq": 1, "values": {"app": "one", "title": "t"}},
        {"seq": 1, "values": {"app": "not this"}},
        {"seq": 2, "values": {}},
        {"seq": 3, "values": {"app": "not this", "title": "nor this"}},
    ]});
    let receipt = device.upload(batch.clone()).await.ok(200);
    assert_eq!(
        receipt,
        json!({"stored": 0, "duplicates": 3, "enriched": 1})
    );
    let receipt = device.upload(batch).await.ok(200);
    assert_eq!(
        receipt,
        json!({"stored": 0, "duplicates": 4, "enriched": 0})
    );
    // An event and its values may come in one batch.
    let mut timing = event(4, "");
    timing["values"] = json!(null);
    timing.as_object_mut().unwrap().remove("values");
    let batch = json!({"events": [timing], "enrich": [{"seq": 4, "values": {"label": "l"}}]});
    let receipt = device.upload(batch).await.ok(200);
    assert_eq!(
        receipt,
        json!({"stored": 1, "duplicates": 0, "enriched": 1})
    );

    let page = account.get("/api/v1/events").await;
    let values: Vec<&Value> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["values"])
        .collect();
    assert_eq!(
        values,
        [
            &json!({"app": "one", "title": "t"}),
            &json!({}),
            &json!({"app": "known"}),
            &json!({"label": "l"})
        ]
    );
}

async fn many_enrichments_find_their_events(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let bare = (0..1_500).map(|seq| {
        let mut bare = event(seq, "");
        bare["values"] = json!({});
        bare
    });
    device.upload_events(bare).await;
    let enrich: Vec<Value> = (0..1_500)
        .map(|seq| json!({"seq": seq, "values": {"app": format!("app {}", seq % 7)}}))
        .collect();
    let receipt = device.upload(json!({ "enrich": enrich })).await.ok(200);
    assert_eq!(
        receipt,
        json!({"stored": 0, "duplicates": 0, "enriched": 1_500})
    );
    let page = account.get("/api/v1/events?limit=1500").await;
    for (seq, event) in page["events"].as_array().unwrap().iter().enumerate() {
        assert_eq!(event["values"]["app"], format!("app {}", seq % 7));
    }
}

async fn an_enrichment_of_an_unknown_event_stores_nothing_of_the_batch(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let other = account.device().await;
    other.upload_events([event(99, "a")]).await;
    let batch = json!({"events": [event(1, "a")], "enrich": [{"seq": 99, "values": {"app": "x"}}]});
    let problem = device.upload(batch).await.refused(409, "event.unknown");
    assert_eq!(problem["seq"], 99);
    assert!(problem["message"].as_str().unwrap().contains("99"));
    assert_eq!(device.head().await, json!({"max_seq": null, "count": 0}));
}

async fn a_wrong_event_is_named_and_nothing_of_the_batch_is_stored(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let wrong: Vec<(&str, Value)> = vec![
        ("seq", json!(-1)),
        ("seq", json!(1.5)),
        ("seq", json!("1")),
        ("seq", json!(9_223_372_036_854_775_808_u64)),
        ("seq", json!(u64::MAX)),
        ("seq", json!(1e300)),
        ("action", json!("")),
        ("action", json!("Focus")),
        ("action", json!("a".repeat(33))),
        ("action", json!("a b")),
        ("action", json!("\u{0}")),
        ("action", json!(null)),
        ("start_us", json!(-1)),
        ("start_us", json!(1_i64 << 53)),
        ("start_us", json!(i64::MAX)),
        ("start_us", json!(u64::MAX)),
        ("duration_us", json!(-1)),
        ("duration_us", json!(i64::MAX)),
        ("duration_us", json!(367_i64 * 24 * 3600 * 1_000_000)),
        ("active_us", json!(-1)),
        ("active_us", json!(i64::MIN)),
        ("values", json!({"app": ""})),
        ("values", json!({"app": "x".repeat(8_193)})),
        ("values", json!({"title": "a\u{0}b"})),
        ("values", json!({"title": 1})),
        ("values", json!([])),
        ("values", json!("x")),
    ];
    for (field, value) in wrong {
        let mut bad = event(1, "a");
        bad[field] = value.clone();
        let answer = device.upload(json!({"events": [event(0, "a"), bad]})).await;
        let problem = answer.refused(400, "event.invalid");
        assert_eq!(problem["index"], 1, "{field}: {value}: {problem}");
        assert!(
            problem["message"]
                .as_str()
                .unwrap()
                .starts_with("events[1]"),
            "{problem}"
        );
    }
    for field in ["seq", "action", "start_us", "duration_us", "active_us"] {
        let mut bad = event(1, "a");
        bad.as_object_mut().unwrap().remove(field);
        let answer = device.upload(json!({"events": [bad]})).await;
        assert_eq!(answer.refused(400, "event.invalid")["index"], 0, "{field}");
    }
    for bad in [
        json!({"seq": -1, "values": {}}),
        json!({"seq": 0, "values": {"app": ""}}),
        json!(1),
    ] {
        let batch = json!({"events": [event(0, "a")], "enrich": [{"seq": 0, "values": {}}, bad]});
        let problem = device.upload(batch).await.refused(400, "event.invalid");
        assert_eq!(problem["index"], 1);
        assert!(
            problem["message"]
                .as_str()
                .unwrap()
                .starts_with("enrich[1]")
        );
    }
    assert_eq!(device.head().await, json!({"max_seq": null, "count": 0}));
}

async fn a_class_that_does_not_exist_has_its_own_code(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    for class in ["App", "apps", "", "keystrokes", "\u{0}"] {
        let mut bad = event(1, "a");
        bad["values"] = json!({"app": "fine", class: "x"});
        let answer = device.upload(json!({"events": [event(0, "a"), bad]})).await;
        assert_eq!(answer.refused(400, "event.class")["index"], 1, "{class}");
        let batch =
            json!({"events": [event(0, "a")], "enrich": [{"seq": 0, "values": {class: "x"}}]});
        assert_eq!(
            device.upload(batch).await.refused(400, "event.class")["index"],
            0,
            "{class}"
        );
    }
    let text = r#"{"events":[{"seq":1,"action":"a","start_us":1,"duration_us":1,"active_us":1,"values":{"app":"a","app":"b"}}]}"#;
    let answer = device.call(POST, "/api/v1/events").bytes(text).await;
    assert_eq!(answer.refused(400, "event.invalid")["index"], 0);
    assert_eq!(device.head().await["count"], 0);
}

async fn json_that_is_none_is_refused(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let deep = "[".repeat(100_000);
    for text in [
        "",
        "{",
        "null",
        "[1]",
        "{\"events\": 1}",
        "{\"events\": [",
        "\u{feff}{}",
        "{} {}",
        &deep,
    ] {
        let answer = device
            .call(POST, "/api/v1/events")
            .bytes(text.to_owned())
            .await;
        answer.refused(400, "request.malformed");
    }
    let answer = device
        .call(POST, "/api/v1/events")
        .bytes(vec![0xff, 0xfe, 0x00])
        .await;
    answer.refused(400, "request.malformed");
    let lone = r#"{"events":[{"seq":1,"action":"a","start_us":1,"duration_us":1,"active_us":1,"values":{"app":"\ud800"}}]}"#;
    let answer = device.call(POST, "/api/v1/events").bytes(lone).await;
    assert_eq!(answer.status, 400);
}

async fn hostile_texts_come_back_as_they_were(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let texts = [
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}".to_owned(),
        "\u{202E}exe.cod\u{202C} \u{05E9}\u{05DC}\u{05D5}\u{05DD}".to_owned(),
        "e\u{301}".to_owned(),
        "\u{e9}".to_owned(),
        "'; DROP TABLE events; --".to_owned(),
        "%_\\\"$1?".to_owned(),
        "=1+1".to_owned(),
        "\u{1}\u{7f}\u{2028}\r\n\t".to_owned(),
        " ".to_owned(),
        "\u{10FFFF}\u{FFFE}".to_owned(),
        "x".repeat(8_192),
        "winword.exe".to_owned(),
        "WINWORD.EXE".to_owned(),
    ];
    device
        .upload_events(texts.iter().zip(0..).map(|(text, seq)| event(seq, text)))
        .await;
    let totals = account
        .totals("class=app&by=value&limit=100&sort=count")
        .await;
    let mut expected: Vec<&String> = texts.iter().collect();
    expected.sort();
    // Every one is a group of its own, in the order of bytes.
    let rows: Vec<&str> = totals["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["value"].as_str().unwrap())
        .collect();
    assert_eq!(rows, expected);
    let page = account.get("/api/v1/events").await;
    let page: Vec<&str> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["values"]["app"].as_str().unwrap())
        .collect();
    assert_eq!(page, texts);
}

async fn the_largest_numbers_are_kept_exactly(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let largest = json!({
        "seq": i64::MAX,
        "action": "a".repeat(32),
        "start_us": (1_i64 << 53) - 1,
        "duration_us": 366_i64 * 24 * 3600 * 1_000_000,
        "active_us": 366_i64 * 24 * 3600 * 1_000_000,
        "values": {},
    });
    device.upload_events([largest.clone()]).await;
    assert_eq!(device.head().await["max_seq"], i64::MAX);
    let mut stored = account.get("/api/v1/events").await["events"][0].clone();
    stored.as_object_mut().unwrap().remove("device");
    assert_eq!(stored, largest);
    account.totals("by=day&tz_offset_min=1440").await;
}

async fn devices_with_the_same_new_values_do_not_disturb_each_other(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let devices = [
        account.device().await,
        account.device().await,
        account.device().await,
    ];
    let uploads: Vec<_> = devices
        .iter()
        .enumerate()
        .flat_map(|(which, device)| (0..4).map(move |batch| (which, device.clone(), batch)))
        .map(|(which, device, batch)| {
            tokio::spawn(async move {
                // The same values in opposite orders, which is what deadlocks are made of.
                let seqs: Vec<u64> = match which {
                    0 => (batch * 400..batch * 400 + 500).collect(),
                    _ => (batch * 400..batch * 400 + 500).rev().collect(),
                };
                let events = seqs
                    .into_iter()
                    .map(|seq| event(seq, &format!("value {seq}")));
                device.upload_events(events).await
            })
        })
        .collect();
    for upload in uploads {
        upload.await.unwrap();
    }
    for device in &devices {
        assert_eq!(
            device.head().await,
            json!({"max_seq": 1_699, "count": 1_700})
        );
    }
    let totals = account.totals("class=app&by=value&limit=10000").await;
    assert_eq!(totals["total_rows"], 1_700);
    assert!(
        totals["rows"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["events"] == 3)
    );
}

async fn one_device_may_send_the_same_batch_twice_at_once(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let uploads: Vec<_> = (0..6)
        .map(|_| {
            let device = device.clone();
            tokio::spawn(async move {
                device
                    .upload_events((0..300).map(|seq| event(seq, "a")))
                    .await
            })
        })
        .collect();
    let mut stored = 0;
    for upload in uploads {
        stored += upload.await.unwrap()["stored"].as_u64().unwrap();
    }
    assert_eq!(stored, 300);
    assert_eq!(device.head().await["count"], 300);
}

async fn values_of_two_accounts_never_meet(database: Database) {
    let service = database.start().await;
    let (ada, eve) = (service.sign_up("ada").await, service.sign_up("eve").await);
    ada.device()
        .await
        .upload_events([event(1, "shared"), event(2, "shared")])
        .await;
    eve.device().await.upload_events([event(1, "shared")]).await;
    assert_eq!(ada.totals("class=app&by=value").await["total_events"], 2);
    assert_eq!(
        eve.totals("class=app&by=value&value=shared").await["total_events"],
        1
    );
    assert_eq!(
        eve.get("/api/v1/events").await["events"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let device = ada.get("/api/v1/devices").await["devices"][0]["device_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/events?device={device}");
    assert_eq!(
        eve.call(GET, &path).send().await.ok(200)["events"],
        json!([])
    );
}

on_both_databases![
    an_event_sent_again_changes_nothing,
    an_event_without_values_is_enriched_once,
    many_enrichments_find_their_events,
    an_enrichment_of_an_unknown_event_stores_nothing_of_the_batch,
    a_wrong_event_is_named_and_nothing_of_the_batch_is_stored,
    a_class_that_does_not_exist_has_its_own_code,
    json_that_is_none_is_refused,
    hostile_texts_come_back_as_they_were,
    the_largest_numbers_are_kept_exactly,
    devices_with_the_same_new_values_do_not_disturb_each_other,
    one_device_may_send_the_same_batch_twice_at_once,
    values_of_two_accounts_never_meet,
];
