//! Reports and categories.

use std::collections::HashSet;

use blindtally::TokenClass;
use serde_json::{Value, json};

use crate::device::{Device, Waiting, first_keys, second_keys};
use crate::gate::Gate;
use crate::person::Person;
use crate::world::World;

const APP: TokenClass = TokenClass::APP;
const TITLE: TokenClass = TokenClass::TITLE;

fn with_device(world: &World) -> (Person, Device) {
    let anna = world.person("anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    (anna, waiting.accept())
}

fn row(value: &str, seconds: f64, events: u64) -> (String, f64, u64) {
    (value.to_owned(), seconds, events)
}

#[test]
fn totals_are_revealed_by_everything_there_is() {
    let world = World::new();
    let (anna, mut device) = with_device(&world);
    let person = (TokenClass::PERSON, "Anna");
    device.uses(90, &[(APP, "winword.exe"), (TITLE, "Budget 2027"), person]);
    device.uses(30, &[(APP, "firefox"), (TITLE, "日本語"), (TokenClass::HOST, "https://Example.com/x")]);
    device.uses(60, &[(APP, "winword.exe")]);
    assert_eq!(anna.report("app"), [row("winword.exe", 150.0, 2), row("firefox", 30.0, 1)]);
    assert_eq!(anna.report("host"), [row("example.com", 30.0, 1)]);
    assert_eq!(anna.report("person"), [row("Anna", 90.0, 1)]);
    assert_eq!(anna.report("device"), [row(&format!("laptop ({})", &device.id()[..8]), 180.0, 3)]);
    assert_eq!(anna.report("day"), [row("2026-11-22", 180.0, 3)]);
    assert_eq!(
        anna.report("hour"),
        [row("2026-11-22T12", 90.0, 1), row("2026-11-22T13", 30.0, 1), row("2026-11-22T14", 60.0, 1)]
    );
    assert!(anna.report("document").is_empty());

    let all = anna.json(&["report", "--by", "all"]);
    let rows = all["report"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["class"] == "title").count(), 2);
    assert_eq!(
        rows[0],
        json!({
            "class": "app", "value": "winword.exe", "seconds": 150.0, "active_seconds": 75.0, "events": 2,
            "token": device.agent.tokenize(APP, "winword.exe").unwrap().to_string(), "unreadable": null,
        })
    );
    let values = |args: &[&str]| -> Vec<String> {
        let report = anna.json(&[&["report"], args].concat());
        report["report"].as_array().unwrap().iter().map(|row| row["value"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&["--sort", "value"]), ["firefox", "winword.exe"]);
    assert_eq!(values(&["--limit", "1"]), ["winword.exe"]);
    assert_eq!(values(&["--device", "laptop", "--from", "2026-11-22", "--to", "2026-11-22"]).len(), 2);
    assert!(values(&["--from", "2026-11-23"]).is_empty());
    assert!(values(&["--to", "2026-11-21", "--utc"]).is_empty());
    assert_eq!(
        anna.run(&["report"]).ok(),
        "   Time   Active  Events  app\n\
         0:02:30  0:01:15       2  winword.exe\n\
         0:00:30  0:00:15       1  firefox\n\
         0:03:00  0:01:30       3  = total\n"
    );
}

#[test]
fn days_are_those_of_the_place_even_where_clocks_change() {
    let world = World::new();
    let (anna, mut device) = with_device(&world);
    device.uses(60, &[(APP, "x")]);
    let days = |zone| {
        let mut command = anna.command(&["--json", "report", "--by", "day"]);
        let mut child = command.env("TZ", zone).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, format!("{}\n", anna.password).as_bytes()).unwrap();
        let report = crate::person::Done::from(child.wait_with_output().unwrap()).json();
        report["report"].as_array().unwrap().iter().map(|row| row["value"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(days("UTC"), ["2026-11-22"]);
    assert_eq!(days("XXX-13"), ["2026-11-23"]);
    assert_eq!(days("YYY+13"), ["2026-11-21"]);
    // Clocks that go forward by an hour between the first event and the second: 23:00 is followed by 01:00.
    device.uses(60, &[(APP, "x")]);
    assert_eq!(days("STD+0DST-1,J326/0:30,J360"), ["2026-11-22"]);
    assert_eq!(days("STD-11DST-12,J326/23:30,J360"), ["2026-11-22", "2026-11-23"]);
}

#[test]
fn a_value_is_one_row_across_epochs_and_keeps_its_category() {
    let world = World::new();
    let (anna, mut device) = with_device(&world);
    device.uses(60, &[(APP, "winword.exe")]);
    device.uses(10, &[(APP, "game")]);
    anna.run(&["categorize", "app", "winword.exe", "productive"]).ok();
    anna.run(&["categorize", "app", "game", "Spare time"]).ok();
    assert_eq!(anna.report("category"), [row("productive", 60.0, 1), row("Spare time", 10.0, 1)]);
    assert!(!world.database().windows(10).any(|window| window == b"Spare time"));

    assert_eq!(anna.json(&["rotate"]), json!({ "epoch": 2 }));
    assert_eq!(anna.report("category"), [row("productive", 60.0, 1), row("Spare time", 10.0, 1)]);
    device.sync();
    device.uses(60, &[(APP, "winword.exe")]);
    device.uses(10, &[(APP, "game")]);
    device.uses(1, &[(APP, "new")]);
    let report = anna.json(&["report"]);
    assert_eq!(report["report"].as_array().unwrap().len(), 3);
    assert_eq!(report["report"][0]["token"], device.agent.tokenize(APP, "winword.exe").unwrap().to_string());
    assert_eq!(anna.report("app"), [row("winword.exe", 120.0, 2), row("game", 20.0, 2), row("new", 1.0, 1)]);
    let by_category = [row("productive", 120.0, 2), row("Spare time", 20.0, 2), row("(none)", 1.0, 1)];
    assert_eq!(anna.report("category"), by_category);

    // A label of this epoch's is the same category as that of an earlier one, and the newest word about a value counts.
    anna.run(&["rotate"]).ok();
    device.sync();
    device.uses(30, &[(APP, "winword.exe")]);
    anna.run(&["categorize", "app", "new", "Spare time"]).ok();
    assert_eq!(anna.report("category"), [row("productive", 150.0, 3), row("Spare time", 21.0, 3)]);
    let again = anna.json(&["categorize", "app", "winword.exe", "neutral"]);
    assert_eq!(again["tokens"].as_array().unwrap().len(), 3);
    let old = json!({ "class": "app", "value": again["tokens"][1], "category": "unproductive" });
    assert_ne!(again["tokens"][1], again["tokens"][0]);
    anna.open(None).0.put("/api/v1/categories", &old).unwrap();
    assert_eq!(anna.report("category"), [row("neutral", 150.0, 3), row("Spare time", 21.0, 3)]);
    assert_eq!(
        anna.json(&["categories"])["categories"],
        json!([
            {"class": "app", "value": "game", "category": "Spare time"},
            {"class": "app", "value": "new", "category": "Spare time"},
            {"class": "app", "value": "winword.exe", "category": "neutral"},
        ])
    );
    assert_eq!(anna.json(&["report", "--by", "category", "--class", "title"])["report"], json!([]));
}

/// SPEC.md#typed, SPEC.md#not-anew
#[test]
fn a_service_with_a_revoked_devices_keys_gets_no_token_of_a_word_of_its_choosing() {
    let world = World::new();
    let gate = Gate::new(&world.url);
    let anna = world.person_at(&gate.url, "anna");
    let enrolled = |name, keys| {
        let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), name, keys);
        anna.run(&["confirm"]).ok();
        waiting.accept()
    };
    let (stolen, mut laptop) = (enrolled("stolen", first_keys()), enrolled("laptop", second_keys()));
    laptop.uses(60, &[(APP, "winword.exe")]);
    anna.run(&["categorize", "app", "winword.exe", "productive"]).ok();

    // A dictionary, as values and as the names of categories.
    let (service, _) = Person { url: world.url.clone(), ..anna.clone() }.open(None);
    for word in ["oncologist", "union", "jobs"] {
        let minted = |class| stolen.agent.tokenize(class, word).unwrap().to_string();
        for (class, category) in [(APP, "productive".to_owned()), (TITLE, minted(TokenClass::LABEL))] {
            let assignment = json!({ "class": class.name(), "value": minted(class), "category": category });
            service.put("/api/v1/categories", &assignment).unwrap();
        }
    }
    let _ = gate.take_sent();
    anna.run(&["revoke", "stolen", "--rotate"]).ok();
    laptop.sync();
    laptop.uses(30, &[(APP, "winword.exe")]);
    anna.run(&["rotate"]).ok();
    assert_eq!(anna.report("category"), [row("productive", 90.0, 2)]);
    for args in [&["report", "--by", "all"][..], &["report", "--by", "category", "--class", "title"], &["devices"]] {
        anna.run(args).ok();
    }
    assert_eq!(anna.json(&["categories"])["categories"].as_array().unwrap().len(), 7);
    assert_eq!(tokens(&gate.take_sent()), HashSet::<String>::new());

    // What a person types is tokenized, and nothing else.
    let typed = anna.json(&["categorize", "app", "game", "Spare time"]);
    let list: Value = service.get("/api/v1/categories").unwrap().json().unwrap();
    let game = list["categories"]
        .as_array()
        .unwrap()
        .iter()
        .find(|assignment| assignment["value"] == typed["tokens"][0])
        .unwrap();
    let expected = [&game["value"], &game["category"]].map(|token| token.as_str().unwrap().to_owned());
    assert_eq!(tokens(&gate.take_sent()), HashSet::from(expected));
}

/// Every token in what was sent.
fn tokens(sent: &[u8]) -> HashSet<String> {
    let between = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let text = String::from_utf8_lossy(sent);
    text.split(between).filter(|part| part.starts_with("bt1_")).map(str::to_owned).collect()
}

#[test]
fn what_strangers_put_into_rows_is_marked_and_cannot_do_harm() {
    let world = World::new();
    let (anna, mut device) = with_device(&world);
    device.uses(50, &[(APP, "=HYPERLINK(\"http://evil\")")]);
    device.uses(40, &[(APP, "clean\u{1b}[2J\u{202e}exe")]);
    let title = device.agent.tokenize(TITLE, "moved").unwrap().to_string();
    let mut tampered = device.agent.tokenize(APP, "x").unwrap().to_string();
    tampered.truncate(50);
    tampered.push_str("AA");
    for (seconds, value) in [(30, "plain \u{1b}[31mtext".to_owned()), (20, title.clone()), (10, tampered.clone())] {
        device.upload(seconds, json!({ "app": value })).unwrap();
    }
    let csv = world.file("report.csv");
    let done = anna.run(&["report", "--csv", csv.to_str().unwrap()]);
    assert!(done.stderr.contains("3 row(s) marked ?"), "{done:?}");
    let text = done.ok();
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.contains("clean\\u{1b}[2J\\u{202e}exe\n"), "{text}");
    assert!(text.contains("? plain \\u{1b}[31mtext (malformed."), "{text}");
    assert!(text.contains(&format!("? {title} (report.other-class)")), "{text}");
    let cells = std::fs::read_to_string(&csv).unwrap();
    assert!(cells.contains("app,\"'=HYPERLINK(\"\"http://evil\"\")\",bt1_"), "{cells}");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&csv).unwrap().permissions()) & 0o777, 0o600);
    let report = anna.json(&["report"]);
    let unreadable: Vec<&Value> = report["report"].as_array().unwrap().iter().map(|row| &row["unreadable"]).collect();
    assert_eq!(unreadable[..2], [&Value::Null, &Value::Null]);
    assert_eq!(report["report"][4]["value"], tampered);
    assert_eq!(report["report"][4]["unreadable"], "reveal.tampered");
}

#[test]
fn a_form_of_values_is_a_policy_that_agents_follow() {
    let world = World::new();
    let (anna, mut device) = with_device(&world);
    device.uses(1, &[(APP, "WINWORD.EXE")]);
    assert_eq!(anna.json(&["policy"])["forms"]["app"], "exact");
    assert_eq!(anna.json(&["policy", "app", "lowercase"])["forms"]["app"], "lowercase");
    device.sync();
    device.uses(1, &[(APP, "WINWORD.EXE")]);
    assert_eq!(anna.report("app"), [row("WINWORD.EXE", 1.0, 1), row("winword.exe", 1.0, 1)]);
    let categorized = anna.json(&["categorize", "app", "WINWORD.EXE", "productive"]);
    assert_eq!(categorized["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(anna.report("category"), [row("productive", 2.0, 2)]);
}
