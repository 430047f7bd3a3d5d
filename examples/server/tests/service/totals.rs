//! Totals, against sums done by hand over the same events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::{Account, DELETE, Device, GET, PUT, event};
use crate::database::{Database, on_both_databases};

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 20) % n
    }
}

const START_US: u64 = 1_792_000_000_000_000;
const DAY_US: u64 = 86_400_000_000;

fn some_event(dice: &mut Dice, seq: u64) -> Value {
    let mut values = json!({});
    for (class, kinds) in [("app", 5), ("title", 50), ("person", 3), ("label", 2)] {
        if dice.below(4) > 0 {
            values[class] = json!(format!("{class} {}", dice.below(kinds)));
        }
    }
    let action = ["focus", "idle", "afk"][dice.below(3) as usize];
    json!({
        "seq": seq,
        "action": action,
        "start_us": START_US + dice.below(5 * DAY_US),
        "duration_us": dice.below(10) * 1_000_000,
        "active_us": dice.below(3) * 500_000,
        "values": values,
    })
}

struct Sample {
    account: Account,
    devices: [Device; 2],
    events: Vec<(usize, Value)>,
}

impl Sample {
    async fn upload(service: &crate::api::Service) -> Self {
        let account = service.sign_up("ada").await;
        let devices = [account.device().await, account.device().await];
        let mut dice = Dice(7);
        let events: Vec<(usize, Value)> = (0..600)
            .map(|seq| ((seq % 2) as usize, some_event(&mut dice, seq)))
            .collect();
        for (which, device) in devices.iter().enumerate() {
            let own = events.iter().filter(|(owner, _)| *owner == which);
            device
                .upload_events(own.map(|(_, event)| event.clone()))
                .await;
        }
        // Somebody else's events must not show anywhere.
        let other = service.sign_up("eve").await.device().await;
        other
            .upload_events((0..50).map(|seq| some_event(&mut dice, seq)))
            .await;
        Self {
            account,
            devices,
            events,
        }
    }

    /// Sums by hand: `key` says to which group an event belongs, if it counts.
    fn sums(&self, key: impl Fn(usize, &Value) -> Option<Value>) -> BTreeMap<String, [i64; 5]> {
        let mut sums: BTreeMap<String, [i64; 5]> = BTreeMap::new();
        for (owner, event) in &self.events {
            let Some(key) = key(*owner, event) else {
                continue;
            };
            let number = |name: &str| event[name].as_i64().unwrap();
            let end = number("start_us") + number("duration_us");
            let sum = sums
                .entry(key.to_string())
                .or_insert([0, 0, 0, i64::MAX, i64::MIN]);
            sum[0] += number("duration_us");
            sum[1] += number("active_us");
            sum[2] += 1;
            sum[3] = sum[3].min(number("start_us"));
            sum[4] = sum[4].max(end);
        }
        sums
    }

    async fn check(&self, field: &str, query: &str, key: impl Fn(usize, &Value) -> Option<Value>) {
        let expected = self.sums(key);
        assert!(!expected.is_empty(), "{query}: nothing to compare");
        let totals = self.account.totals(&format!("limit=10000&{query}")).await;
        let rows = totals["rows"].as_array().unwrap();
        let found: BTreeMap<String, [i64; 5]> = rows
            .iter()
            .map(|row| {
                assert!(row.get(field).is_some(), "{query}: {row}");
                let sums = ["duration_us", "active_us", "events", "first_us", "last_us"];
                (
                    row[field].to_string(),
                    sums.map(|name| row[name].as_i64().unwrap()),
                )
            })
            .collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(rows.len(), expected.len(), "{query}");
        assert_eq!(totals["total_rows"], expected.len(), "{query}");
        let sum = |i: usize| expected.values().map(|sums| sums[i]).sum::<i64>();
        assert_eq!(totals["total_duration_us"], sum(0), "{query}");
        assert_eq!(totals["total_active_us"], sum(1), "{query}");
        assert_eq!(totals["total_events"], sum(2), "{query}");
    }
}

/// The value of a class, if the event carries one.
fn value(event: &Value, class: &str) -> Option<Value> {
    event["values"].get(class).cloned()
}

fn hours_since_start(event: &Value, shift_min: i64) -> (i64, i64) {
    // `START_US` is 2026-10-14T17:46:40Z.
    let since_midnight = event["start_us"].as_i64().unwrap() - START_US as i64
        + (17 * 3600 + 46 * 60 + 40) * 1_000_000;
    let hours = (since_midnight + shift_min * 60_000_000).div_euclid(3_600_000_000);
    (14 + hours.div_euclid(24), hours.rem_euclid(24))
}

async fn every_group_adds_up_to_what_was_sent(database: Database) {
    let service = database.start().await;
    let sample = Sample::upload(&service).await;
    for class in ["app", "title", "person", "label"] {
        sample
            .check("value", &format!("class={class}&by=value"), |_, e| {
                value(e, class)
            })
            .await;
    }
    sample
        .check("person", "by=person", |_, e| value(e, "person"))
        .await;
    sample
        .check("person", "class=app&by=person", |_, e| {
            value(e, "app").and(value(e, "person"))
        })
        .await;
    let ids = sample.devices.clone().map(|device| json!(device.device_id));
    sample
        .check("device", "by=device", |owner, _| Some(ids[owner].clone()))
        .await;
    sample
        .check("device", "class=label&by=device", |owner, e| {
            value(e, "label").map(|_| ids[owner].clone())
        })
        .await;
    for shift in [0, 60, -1440, 1440, -330] {
        let query = format!("by=day&tz_offset_min={shift}");
        sample
            .check("day", &query, |_, e| {
                let (day, _) = hours_since_start(e, shift);
                Some(json!(format!("2026-10-{day:02}")))
            })
            .await;
        let query = format!("by=hour&tz_offset_min={shift}&class=title");
        sample
            .check("hour", &query, |_, e| {
                let (day, hour) = hours_since_start(e, shift);
                value(e, "title").map(|_| json!(format!("2026-10-{day:02}T{hour:02}")))
            })
            .await;
    }
}

async fn filters_leave_out_what_they_say(database: Database) {
    let service = database.start().await;
    let sample = Sample::upload(&service).await;
    let (from, to) = (START_US + DAY_US, START_US + 2 * DAY_US);
    let within = |e: &Value| (from..to).contains(&e["start_us"].as_u64().unwrap());
    let query = format!("class=app&by=value&from_us={from}&to_us={to}");
    sample
        .check("value", &query, |_, e| {
            value(e, "app").filter(|_| within(e))
        })
        .await;
    let query = format!("class=app&by=value&device={}", sample.devices[1].device_id);
    sample
        .check("value", &query, |owner, e| {
            value(e, "app").filter(|_| owner == 1)
        })
        .await;
    let person = |e: &Value, name: &str| e["values"]["person"] == name;
    sample
        .check("value", "class=app&by=value&person=person%201", |_, e| {
            value(e, "app").filter(|_| person(e, "person 1"))
        })
        .await;
    sample
        .check("value", "class=app&by=value&action=idle", |_, e| {
            value(e, "app").filter(|_| e["action"] == "idle")
        })
        .await;
    sample
        .check(
            "person",
            "class=app&by=person&value=app%203&action=afk",
            |_, e| {
                value(e, "person").filter(|_| e["values"]["app"] == "app 3" && e["action"] == "afk")
            },
        )
        .await;
    for query in [
        "class=app&by=value&value=nothing",
        "by=day&person=nobody",
        "by=day&action=no",
        "by=day&to_us=0",
    ] {
        assert_eq!(
            sample.account.totals(query).await["total_rows"],
            0,
            "{query}"
        );
    }
}

async fn categories_group_values(database: Database) {
    let service = database.start().await;
    let sample = Sample::upload(&service).await;
    let account = &sample.account;
    let assign = async |class: &str, value: &str, category: &str| {
        let body = json!({"class": class, "value": value, "category": category});
        account
            .call(PUT, "/api/v1/categories")
            .json(body)
            .await
            .ok(204);
    };
    assign("app", "app 0", "neutral").await;
    assign("app", "app 0", "productive").await;
    assign("app", "app 1", "productive").await;
    assign("app", "app 2", "an opaque label").await;
    assign("title", "app 3", "unproductive").await;
    assign("app", "never seen", "unproductive").await;
    assert_eq!(
        account.get("/api/v1/categories").await,
        json!({"categories": [
            {"class": "app", "value": "app 0", "category": "productive"},
            {"class": "app", "value": "app 1", "category": "productive"},
            {"class": "app", "value": "app 2", "category": "an opaque label"},
            {"class": "app", "value": "never seen", "category": "unproductive"},
            {"class": "title", "value": "app 3", "category": "unproductive"},
        ]})
    );
    let category = |e: &Value| {
        value(e, "app").map(|app| match app.as_str().unwrap() {
            "app 0" | "app 1" => json!("productive"),
            "app 2" => json!("an opaque label"),
            _ => Value::Null,
        })
    };
    sample
        .check("category", "class=app&by=category", |_, e| category(e))
        .await;
    sample
        .check("value", "class=app&by=value&category=productive", |_, e| {
            value(e, "app").filter(|_| category(e) == Some(json!("productive")))
        })
        .await;
    sample
        .check(
            "day",
            "class=app&by=day&category=an%20opaque%20label",
            |_, e| {
                let (day, _) = hours_since_start(e, 0);
                let category = category(e).filter(|category| category == "an opaque label");
                category.map(|_| json!(format!("2026-10-{day:02}")))
            },
        )
        .await;
    let body = json!({"class": "app", "value": "app 2"});
    for _ in 0..2 {
        account
            .call(DELETE, "/api/v1/categories")
            .json(body.clone())
            .await
            .ok(204);
    }
    let totals = account.totals("class=app&by=category").await;
    assert_eq!(totals["total_rows"], 2);
    // Another account sees none of it.
    let eve = service.sign_up("bob").await;
    assert_eq!(
        eve.get("/api/v1/categories").await,
        json!({"categories": []})
    );
}

async fn categories_that_make_no_sense_are_refused(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let good = json!({"class": "app", "value": "v", "category": "neutral"});
    for (field, text) in [
        ("class", "apps"),
        ("value", ""),
        ("value", "\u{0}"),
        ("category", ""),
        ("category", "a\u{0}"),
        ("value", &"x".repeat(8_193)),
        ("category", &"x".repeat(8_193)),
    ] {
        let mut body = good.clone();
        body[field] = json!(text);
        account
            .call(PUT, "/api/v1/categories")
            .json(body.clone())
            .await
            .refused(400, "category.invalid");
        if field != "category" {
            account
                .call(DELETE, "/api/v1/categories")
                .json(body)
                .await
                .refused(400, "category.invalid");
        }
    }
}

async fn rows_come_in_the_order_that_was_asked_for(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let make = |seq: u64, app: &str, duration: u64, active: u64| {
        let mut event = event(seq, app);
        event["duration_us"] = json!(duration);
        event["active_us"] = json!(active);
        event
    };
    device
        .upload_events([
            make(0, "b", 30, 1),
            make(1, "c", 10, 9),
            make(2, "a", 10, 5),
            make(3, "a", 20, 5),
            make(4, "d", 30, 3),
        ])
        .await;
    let order = async |query: &str| -> String {
        let totals = account.totals(&format!("class=app&by=value&{query}")).await;
        totals["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["value"].as_str().unwrap())
            .collect()
    };
    // Ties are in the order of values, whatever the direction.
    assert_eq!(order("").await, "abdc");
    assert_eq!(order("sort=time&order=desc").await, "abdc");
    assert_eq!(order("sort=time&order=asc").await, "cabd");
    assert_eq!(order("sort=active").await, "acdb");
    assert_eq!(order("sort=count").await, "abcd");
    assert_eq!(order("sort=recent").await, "dacb");
    assert_eq!(order("limit=2").await, "ab");
    assert_eq!(order("limit=2&offset=1").await, "bd");
    assert_eq!(order("limit=2&offset=4").await, "");
    let page = account.totals("class=app&by=value&limit=1&offset=3").await;
    assert_eq!(page["total_rows"], 4);
    assert_eq!(page["total_duration_us"], 100);
    let beyond = account.totals("class=app&by=value&offset=100").await;
    assert_eq!(
        (&beyond["rows"], &beyond["total_rows"]),
        (&json!([]), &json!(4))
    );

    device
        .upload_events([make(86_400, "a", 1, 0), make(2 * 86_400, "a", 5, 0)])
        .await;
    let days = async |query: &str| -> Vec<Value> {
        let totals = account.totals(&format!("by=day&{query}")).await;
        totals["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["day"].clone())
            .collect()
    };
    assert_eq!(days("").await, ["2023-11-14", "2023-11-15", "2023-11-16"]);
    assert_eq!(
        days("order=desc").await,
        ["2023-11-16", "2023-11-15", "2023-11-14"]
    );
    assert_eq!(
        days("sort=time").await,
        ["2023-11-14", "2023-11-16", "2023-11-15"]
    );
}

async fn an_account_without_events_has_empty_totals(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    for by in ["value", "day", "hour", "category", "person", "device"] {
        let totals = account.totals(&format!("class=app&by={by}")).await;
        let empty = json!({
            "rows": [], "total_rows": 0, "total_duration_us": 0, "total_active_us": 0, "total_events": 0,
        });
        assert_eq!(totals, empty, "{by}");
    }
}

async fn totals_that_make_no_sense_are_refused(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    for query in [
        "",
        "by=week",
        "by=value",
        "by=category",
        "by=day&value=x",
        "by=day&category=productive",
        "class=apps&by=value",
        "class=app&by=value&value=",
        "class=app&by=value&value=a%00b",
        "class=app&by=value&category=",
        "by=day&person=%00",
        "by=day&action=A",
        "by=day&device=abc",
        "by=day&limit=0",
        "by=day&limit=10001",
        "by=day&offset=-1",
        "by=day&tz_offset_min=1441",
        "by=day&sort=name",
        "by=day&order=up",
        "by=day&from_us=x",
        "by=day&to_us=99999999999999999999",
    ] {
        let path = format!("/api/v1/totals?{query}");
        account
            .call(GET, &path)
            .send()
            .await
            .refused(400, "query.invalid");
    }
    let injection = "class=app&by=value&value=%27)%20OR%201%3D1%20--";
    assert_eq!(account.totals(injection).await["total_rows"], 0);
}

async fn a_sum_that_does_not_fit_is_an_error_of_its_own(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    device.upload_events([event(1, "a"), event(2, "a")]).await;
    // No two events that the service takes come near; what stands in the database may.
    let mut connection = database.connect().await;
    sqlx::query("UPDATE events SET duration_us = 9223372036854775807, start_us = 0")
        .execute(&mut connection)
        .await
        .unwrap();
    for query in ["class=app&by=value", "by=day", "by=device"] {
        let path = format!("/api/v1/totals?{query}");
        account
            .call(GET, &path)
            .send()
            .await
            .refused(422, "totals.overflow");
    }
}

on_both_databases![
    every_group_adds_up_to_what_was_sent,
    filters_leave_out_what_they_say,
    categories_group_values,
    categories_that_make_no_sense_are_refused,
    rows_come_in_the_order_that_was_asked_for,
    an_account_without_events_has_empty_totals,
    totals_that_make_no_sense_are_refused,
    a_sum_that_does_not_fit_is_an_error_of_its_own,
];
