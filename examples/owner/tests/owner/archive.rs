//! Everything into one file and out of it again, whole or damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use blindtally::{BlobClass, RecordClass, TokenClass};
use serde_json::{Value, json};

use crate::device::{Device, Waiting, first_keys, second_keys};
#[cfg(unix)]
use crate::gate::Gate;
use crate::liar::Liar;
use crate::person::Person;
use crate::world::World;

/// 2026-11-22T12:00:00Z.
const NOON: u64 = 1_795_348_800_000;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and what is seen";

struct Scene {
    world: World,
    anna: Person,
    laptop: Device,
    shot: String,
    backup: PathBuf,
}

/// An account with a device that has one of everything, and a backup.
fn scene() -> Scene {
    let world = World::new();
    let anna = world.person("anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let mut laptop = waiting.accept();
    laptop.uses(60, &[(TokenClass::APP, "winword.exe"), (TokenClass::TITLE, "Budget")]);
    laptop.uses(30, &[(TokenClass::APP, "chrome.exe")]);
    laptop.types(RecordClass::KEYSTROKES, NOON, "typed");
    let shot = laptop.shoots(BlobClass::SCREENSHOT, NOON + 7, PNG);
    laptop.shoots(BlobClass::VOICE, NOON + 8, &vec![9; 20 << 20]);
    let backup = world.file("backup.txt");
    anna.run_with(&["backup", backup.to_str().unwrap()], "kept in a drawer\n").ok();
    Scene { world, anna, laptop, shot, backup }
}

impl Scene {
    fn export(&self, name: &str) -> PathBuf {
        let file = self.world.file(name);
        self.anna.run(&["export", "-o", file.to_str().unwrap()]).ok();
        file
    }

    /// Somebody who has nothing but the backup.
    fn reader(&self) -> Person {
        let nobody = self.world.nobody("http://127.0.0.1:1", "x");
        Person { password: "kept in a drawer".to_owned(), ..nobody }
    }

    fn open(&self, archive: &Path, more: &[&str]) -> crate::person::Done {
        let arguments = ["--json", "open", archive.to_str().unwrap(), "--backup", self.backup.to_str().unwrap()];
        self.reader().run(&[&arguments[..], more].concat())
    }
}

/// Every file below a folder.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut folders = vec![root.to_owned()];
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn what_is_exported_opens_without_the_service() {
    let mut scene = scene();
    let archive = scene.world.file("all.btb");
    let export = ["export", "-o", archive.to_str().unwrap()];
    let exported = scene.anna.json(&export);
    assert_eq!(
        exported,
        json!({"file": archive.to_str().unwrap(), "files": 5, "events": 2, "records": 1, "blobs": 2, "left_out": 0,
            "unrevealed": 0})
    );
    scene.anna.run(&export).failed(1, "file.exists");
    scene.anna.run(&[&export[..], &["--overwrite"]].concat()).ok();
    scene.world.stop_service();

    let (folder, device) = (scene.world.file("opened"), scene.laptop.id());
    let opened = scene.open(&archive, &["-o", folder.to_str().unwrap(), "--list"]).json();
    assert_eq!((&opened["listing"], &opened["intact"], &opened["written"]), (&json!("signed"), &json!(5), &json!(5)));
    assert_eq!(opened["files"].as_array().unwrap().len(), 5);
    let files = files(&folder);
    let screenshot = format!("screenshot/{device}/20261122T120000.007Z-{}.png", &scene.shot[..8]);
    assert_eq!(files[&screenshot], PNG);
    let log = String::from_utf8(files[&format!("log/{device}/000001.jsonl")].clone()).unwrap();
    assert_eq!(
        log.lines().next().unwrap(),
        format!(
            "{{\"device\":\"{device}\",\"start_us\":{},\"duration_us\":60000000,\"active_us\":30000000,\
             \"action\":\"focus\",\"values\":{{\"app\":\"winword.exe\",\"title\":\"Budget\"}}}}",
            NOON * 1000
        )
    );
    let records = String::from_utf8(files[&format!("records/{device}/000001.jsonl")].clone()).unwrap();
    let record = json!({"device": device, "seq": NOON, "class": "keystrokes", "value": "typed"});
    assert_eq!(serde_json::from_str::<Value>(&records).unwrap(), record);
    let devices: Value = serde_json::from_slice(&files["devices.json"]).unwrap();
    assert_eq!(devices["devices"], json!([{"id": device, "name": "laptop", "status": "active"}]));
    assert_eq!((&devices["left_out"], &devices["from_ms"]), (&json!([]), &Value::Null));
    assert!(files.iter().any(|(path, content)| path.starts_with("voice/") && content.len() == 20 << 20));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("devices.json")), mode(&archive)), (0o700, 0o600, 0o600));
        assert_eq!(mode(&scene.world.file("service.db.blobs")), 0o700);
        assert_eq!((mode(&folder.join("log")), mode(&folder.join("log").join(&device))), (0o700, 0o700));
    }
    let modified = folder.join(screenshot).metadata().unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), NOON / 1000);
}

#[test]
fn an_export_is_of_the_devices_and_the_time_that_were_asked_for() {
    let scene = scene();
    let waiting = Waiting::with_ticket(&scene.world.url, &scene.anna.ticket(), "other", second_keys());
    scene.anna.run(&["confirm"]).ok();
    let other = waiting.accept();
    other.types(RecordClass::CHAT, NOON, "said");
    let export = |name: &str, more: &[&str]| {
        let file = scene.world.file(name);
        let done = scene.anna.json(&[&["export", "-o", file.to_str().unwrap()], more].concat());
        let counts = ["events", "records", "blobs"].map(|what| done[what].as_u64().unwrap());
        let opened = scene.open(&file, &["--list"]).json();
        assert_eq!(opened["damaged"], json!([]));
        counts
    };
    assert_eq!(export("all", &[]), [2, 2, 2]);
    assert_eq!(export("other", &["--device", "other"]), [0, 1, 0]);
    assert_eq!(export("twice", &["--device", "other", "--device", &other.id()]), [0, 1, 0]);
    assert_eq!(export("later", &["--from", "2026-11-22T12:00:00.008Z"]), [1, 0, 1]);
    assert_eq!(export("before", &["--to", "2026-11-22T12:00:00.008Z"]), [1, 2, 1]);
    // With the account instead of a backup.
    let opened = scene.anna.json(&["open", scene.world.file("all").to_str().unwrap()]);
    assert_eq!((&opened["listing"], &opened["written"]), (&json!("signed"), &json!(0)));
}

#[test]
fn what_does_not_open_is_left_out_and_listed() {
    let scene = scene();
    let long = scene.world.stored_blobs().into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = fs::read(&long).unwrap();
    bytes[10 << 20] ^= 1;
    fs::write(&long, bytes).unwrap();
    let archive = scene.world.file("all.btb");
    let exported = scene.anna.json(&["export", "-o", archive.to_str().unwrap()]);
    assert_eq!((&exported["blobs"], &exported["left_out"]), (&json!(1), &json!(1)));
    let folder = scene.world.file("opened");
    scene.open(&archive, &["-o", folder.to_str().unwrap()]).json();
    let devices: Value = serde_json::from_slice(&files(&folder)["devices.json"]).unwrap();
    assert_eq!(
        (&devices["left_out"][0]["what"], &devices["left_out"][0]["code"]),
        (&json!("blob"), &json!("blob.tampered"))
    );
    let names = fs::read_dir(archive.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains(".part")));
}

/// SPEC.md#archive-unlisted
#[test]
fn of_a_damaged_archive_everything_intact_is_saved_and_the_rest_is_named() {
    let scene = scene();
    let archive = scene.export("all.btb");
    let whole = fs::read(&archive).unwrap();
    // In the middle of the longest file.
    let mut damaged = whole.clone();
    damaged[10 << 20] ^= 1;
    fs::write(&archive, &damaged).unwrap();
    let folder = scene.world.file("opened");
    let done = scene.open(&archive, &["-o", folder.to_str().unwrap()]);
    assert_eq!(done.code, Some(1));
    let opened: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&opened["listing"], &opened["error"]["code"]), (&json!("signed"), &json!("archive.damaged")));
    assert_eq!((&opened["intact"], &opened["written"]), (&json!(4), &json!(4)));
    let lost = opened["damaged"][0].as_str().unwrap();
    assert!(lost.starts_with("voice/"), "{lost}");
    let saved = files(&folder);
    assert_eq!(saved.len(), 4);
    assert!(!saved.contains_key(lost) && saved.contains_key("devices.json"));

    // Cut off: the list is gone with the end.
    fs::write(&archive, &whole[..10 << 20]).unwrap();
    let folder = scene.world.file("cut");
    let done = scene.open(&archive, &["-o", folder.to_str().unwrap()]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("THE LIST OF FILES IS LOST"), "{done:?}");
    let opened: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&opened["listing"], &opened["made_ms"]), (&json!("unsigned"), &Value::Null));
    let saved = files(&folder);
    assert!(saved.keys().any(|path| path.starts_with("screenshot/")) && saved.len() == 3, "{:?}", saved.keys());
}

/// SPEC.md#archive-links, SPEC.md#archive-replace
#[cfg(unix)]
#[test]
fn nothing_is_written_where_something_is_already() {
    use std::os::unix::fs::symlink;
    let scene = scene();
    let archive = scene.export("all.btb");
    let refused = |folder: &Path| {
        let done = scene.open(&archive, &["-o", folder.to_str().unwrap()]);
        assert_eq!(done.code, Some(1));
        let answer: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(answer["error"]["code"], "file.exists");
    };
    let outside = scene.world.file("outside");
    fs::create_dir(&outside).unwrap();
    // A folder in which the archive's own folders are links to somewhere else.
    let traps = scene.world.file("traps");
    fs::create_dir(&traps).unwrap();
    for name in ["log", "records", "screenshot", "voice"] {
        symlink(&outside, traps.join(name)).unwrap();
    }
    symlink(outside.join("devices.json"), traps.join("devices.json")).unwrap();
    refused(&traps);
    // A folder that is itself a link, one that leads nowhere, and a file.
    symlink(&outside, scene.world.file("link")).unwrap();
    refused(&scene.world.file("link"));
    symlink(scene.world.file("nowhere"), scene.world.file("broken")).unwrap();
    refused(&scene.world.file("broken"));
    fs::write(scene.world.file("file"), "mine").unwrap();
    refused(&scene.world.file("file"));
    assert!(files(&outside).is_empty() && !scene.world.file("nowhere").exists());
    assert_eq!(fs::read(scene.world.file("file")).unwrap(), b"mine");
    // An empty one is taken.
    scene.open(&archive, &["-o", outside.to_str().unwrap()]).json();
    assert_eq!(files(&outside).len(), 5);
}

#[test]
fn a_single_blob_opens_too_and_nothing_of_another_account() {
    let scene = scene();
    let blob = scene.laptop.agent.seal_blob(BlobClass::SCREENSHOT, NOON, PNG).unwrap();
    let file = scene.world.file("shot.btb");
    fs::write(&file, &blob).unwrap();
    let folder = scene.world.file("opened");
    let opened = scene.open(&file, &["-o", folder.to_str().unwrap()]).json();
    assert_eq!((&opened["class"], &opened["time_ms"]), (&json!("screenshot"), &json!(NOON)));
    let saved = files(&folder);
    assert_eq!(saved.into_iter().collect::<Vec<_>>(), [(opened["name"].as_str().unwrap().to_owned(), PNG.to_vec())]);
    let code = |done: crate::person::Done| {
        assert_eq!(done.code, Some(1));
        serde_json::from_str::<Value>(&done.stdout).unwrap()["error"]["code"].as_str().unwrap().to_owned()
    };
    let mut damaged = blob.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&file, &damaged).unwrap();
    let broken = scene.world.file("broken");
    assert_eq!(code(scene.open(&file, &["-o", broken.to_str().unwrap()])), "blob.tampered");
    assert!(files(&broken).is_empty());
    fs::write(&file, "no blob at all").unwrap();
    assert_eq!(code(scene.open(&file, &[])), "malformed.magic");
    assert_eq!(code(scene.open(&scene.world.file("none"), &[])), "file.unreadable");

    let archive = scene.export("all.btb");
    let eve = scene.world.person("eve");
    eve.run(&["open", archive.to_str().unwrap()]).failed(1, "archive.other-account");
}

#[test]
fn a_reader_of_the_list_who_has_seen_enough_stops_nothing() {
    let scene = scene();
    let archive = scene.export("all.btb");
    let run = |folder: &Path| {
        let arguments = ["open", archive.to_str().unwrap(), "--backup", scene.backup.to_str().unwrap(), "--list"];
        let mut child = scene.reader().start(&[&arguments[..], &["-o", folder.to_str().unwrap()]].concat(), "");
        drop(child.stdout.take());
        child.wait().unwrap().code()
    };
    let folder = scene.world.file("opened");
    assert_eq!(run(&folder), Some(0));
    assert_eq!(files(&folder).len(), 5);
    let mut damaged = fs::read(&archive).unwrap();
    damaged[10 << 20] ^= 1;
    fs::write(&archive, damaged).unwrap();
    let folder = scene.world.file("damaged");
    assert_eq!(run(&folder), Some(1));
    assert_eq!(files(&folder).len(), 4);
}

#[test]
fn events_that_come_again_end_an_export() {
    let world = World::new();
    let liar = Liar::new(&world.url);
    let anna = world.person_at(&liar.url, "anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let mut laptop = waiting.accept();
    laptop.uses(60, &[(TokenClass::APP, "winword.exe")]);
    laptop.uses(30, &[(TokenClass::APP, "chrome.exe")]);
    // Its pages are short, and it gives the first one again and again.
    liar.replaces("&limit=5000", "&limit=1");
    let archive = world.file("all.btb");
    let export = ["export", "-o", archive.to_str().unwrap()];
    assert_eq!(anna.json(&export)["events"], 2);
    fs::remove_file(&archive).unwrap();
    liar.replaces("&cursor=", "&x=");
    anna.run(&export).failed(1, "service.nonsense");
    assert!(!archive.exists());
}

#[cfg(unix)]
#[test]
fn what_is_on_its_way_goes_when_the_program_is_told_to_end() {
    let world = World::new();
    let gate = Gate::new(&world.url);
    let anna = world.person_at(&gate.url, "anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let shot = waiting.accept().shoots(BlobClass::SCREENSHOT, NOON, PNG);
    let folder = world.file("out");
    fs::create_dir(&folder).unwrap();
    let target = folder.join("it");
    let count = || fs::read_dir(&folder).unwrap().count();
    for (signal, command) in [("-INT", vec!["blob", &shot]), ("-TERM", vec!["export"])] {
        gate.stop_at("GET /api/v1/blobs");
        let child = anna.start(&[&command[..], &["-o", target.to_str().unwrap()]].concat(), "");
        gate.wait();
        assert_eq!(count(), 1, "{command:?}");
        let told = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130), "{command:?}");
        assert_eq!(count(), 0, "{command:?}");
        gate.open();
    }
}
