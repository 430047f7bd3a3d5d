//! Records and blobs: what is shown is what the device sealed, whatever the service says beside it.

use blindtally::{BlobClass, RecordClass};
use serde_json::json;

use crate::device::{Device, Waiting, first_keys, second_keys};
use crate::liar::Liar;
use crate::person::Person;
use crate::world::World;

/// 2026-11-22T12:00:00Z.
const NOON: u64 = 1_795_348_800_000;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and what is seen";

fn two_devices(world: &World, anna: &Person) -> [Device; 2] {
    [("laptop", first_keys()), ("desk\u{202e}top", second_keys())].map(|(name, keys)| {
        let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), name, keys);
        anna.run(&["confirm"]).ok();
        waiting.accept()
    })
}

#[test]
fn records_are_shown_in_the_order_of_time_and_harmless_to_a_terminal() {
    let world = World::new();
    let anna = world.person("anna");
    let [laptop, desktop] = two_devices(&world, &anna);
    laptop.types(RecordClass::CLIPBOARD, NOON + 1, "second\u{1b}[2J\nline");
    desktop.types(RecordClass::KEYSTROKES, NOON, "first");
    laptop.types(RecordClass::KEYSTROKES, NOON + 86_400_000, "tomorrow");
    assert_eq!(
        anna.run(&["records"]).ok(),
        "2026-11-22 12:00:00.000  desk\\u{202e}top  keystrokes  first\n\
         2026-11-22 12:00:00.001  laptop  clipboard  second\\u{1b}[2J\\u{a}line\n\
         2026-11-23 12:00:00.000  laptop  keystrokes  tomorrow\n"
    );
    assert_eq!(
        anna.json(&["records", "--device", "laptop", "--to", "2026-11-22"])["records"],
        json!([{"time_ms": NOON + 1, "device_id": laptop.id(), "name": "laptop", "class": "clipboard",
            "value": "second\u{1b}[2J\nline"}])
    );
    let values = |args: &[&str]| {
        let records = anna.json(&[&["records"], args].concat())["records"].clone();
        records
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["value"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&["--class", "keystrokes"]), ["first", "tomorrow"]);
    assert_eq!(values(&["--from", "2026-11-22T12:00:00.001Z", "--class", "16"]), ["tomorrow"]);
    assert_eq!(values(&["--device", &desktop.id()]), ["first"]);
    anna.run(&["records", "--device", "nobody"]).failed(1, "owner.unknown-device");
    for usage in [["--class", "app"], ["--from", "noon"]] {
        assert_eq!(anna.run(&[&["records"][..], &usage].concat()).code, Some(2));
    }
}

#[test]
fn more_records_than_fit_a_page_are_all_shown() {
    let world = World::new();
    let anna = world.person("anna");
    let [laptop, _] = two_devices(&world, &anna);
    let seal = |ms: u64| laptop.agent.seal_record(RecordClass::CHAT, &ms.to_string(), ms).unwrap().to_string();
    let records: Vec<_> = (0..2_500).map(seal).collect();
    laptop.service.post("/api/v1/records", &json!({ "records": records })).unwrap();
    let shown = anna.json(&["records"])["records"].clone();
    assert_eq!((shown.as_array().unwrap().len(), &shown[2_499]["value"]), (2_500, &json!("2499")));
}

/// SPEC.md#second-copy
#[test]
fn a_record_that_the_service_gives_twice_is_shown_once() {
    let world = World::new();
    let liar = Liar::new(&world.url);
    let anna = world.person_at(&liar.url, "anna");
    let [laptop, _] = two_devices(&world, &anna);
    (0..5).for_each(|ms| laptop.types(RecordClass::CHAT, ms, &ms.to_string()));
    // Pages of three records, and the second page begins with the last of the first: behind time 1, whatever its number.
    liar.replaces("limit=1000", "limit=3");
    liar.replaces("&after=", "&after=AAAAAAAAAAF__________w&x=");
    let shown = anna.json(&["records"])["records"].clone();
    let values: Vec<_> = shown.as_array().unwrap().iter().map(|record| record["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["0", "1", "2", "3", "4"]);
}

/// SPEC.md#blob-prefix
#[test]
fn blobs_are_listed_by_what_their_headers_say_and_open_into_a_new_file() {
    let world = World::new();
    let anna = world.person("anna");
    let [laptop, desktop] = two_devices(&world, &anna);
    let voice = desktop.shoots(BlobClass::VOICE, NOON + 5, &vec![7; 100_000]);
    let shot = laptop.shoots(BlobClass::SCREENSHOT, NOON, PNG);
    let list = anna.json(&["blobs"])["blobs"].clone();
    assert_eq!(
        (&list[0]["id"], &list[0]["class"], &list[0]["name"]),
        (&json!(shot), &json!("screenshot"), &json!("laptop"))
    );
    assert_eq!((&list[1]["id"], &list[1]["time_ms"]), (&json!(voice), &json!(NOON + 5)));
    let text = anna.run(&["blobs", "--class", "voice"]).ok();
    assert!(
        text.starts_with("2026-11-22 12:00:00.005  desk\\u{202e}top  voice") && text.lines().count() == 1,
        "{text}"
    );

    let file = world.file("shot.png");
    let get = ["blob", &shot, "-o", file.to_str().unwrap()];
    assert_eq!(anna.json(&get)["length"], PNG.len());
    assert_eq!(std::fs::read(&file).unwrap(), PNG);
    std::fs::write(&file, "mine").unwrap();
    anna.run(&get).failed(1, "file.exists");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    anna.run(&[&get[..], &["--overwrite"]].concat()).ok();
    assert_eq!(std::fs::read(&file).unwrap(), PNG);

    // Damage in the last chunk shows after others were read: nothing of it stays.
    for stored in world.stored_blobs() {
        let mut bytes = std::fs::read(&stored).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&stored, bytes).unwrap();
    }
    let other = world.file("voice");
    anna.run(&["blob", &voice, "-o", other.to_str().unwrap()]).failed(1, "blob.tampered");
    assert!(!other.exists() && !world.file("voice.part").exists());
    anna.run(&["blob", &"0".repeat(32), "-o", other.to_str().unwrap()]).failed(1, "blob.unknown");
    assert_eq!(anna.run(&["blob", "x", "-o", "y"]).code, Some(2));
}

#[test]
fn an_item_of_which_the_service_lies_is_marked_and_the_others_are_shown() {
    let world = World::new();
    let liar = Liar::new(&world.url);
    let anna = world.person_at(&liar.url, "anna");
    let [laptop, desktop] = two_devices(&world, &anna);
    laptop.types(RecordClass::CHAT, NOON, "true");
    desktop.types(RecordClass::CHAT, NOON + 1, "of another device");
    let [shot, other, third] = [NOON, NOON + 1, NOON + 2].map(|ms| laptop.shoots(BlobClass::SCREENSHOT, ms, PNG));

    // It gives everything where one device was asked for.
    liar.replaces(&format!("&device={}", laptop.id()), "");
    let done = anna.run(&["--json", "records", "--device", "laptop"]).json();
    assert_eq!(done["records"][0]["value"], "true");
    assert_eq!(
        done["records"][1],
        json!({"id": format!("{}-{}", desktop.id(), NOON + 1), "unreadable": "service.nonsense"})
    );

    // It gives one blob under the id of another.
    liar.replaces(&format!("/blobs/{other} "), &format!("/blobs/{shot} "));
    let list = anna.json(&["blobs"])["blobs"].clone();
    assert_eq!((&list[0]["id"], &list[0]["time_ms"]), (&json!(shot), &json!(NOON)));
    assert_eq!(list[1], json!({"id": other, "unreadable": "service.nonsense"}));
    assert_eq!(list[2]["id"], third);
    let file = world.file("shot.png");
    anna.run(&["blob", &other, "-o", file.to_str().unwrap()]).failed(1, "service.nonsense");
    assert!(!file.exists());
    let archive = world.file("all.btb");
    let exported = anna.json(&["export", "-o", archive.to_str().unwrap()]);
    // That blob, and the record that is not the laptop's.
    assert_eq!((&exported["blobs"], &exported["records"], &exported["left_out"]), (&json!(2), &json!(2), &json!(2)));
}
