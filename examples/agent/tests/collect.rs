//! `collect` against the real service.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;
use support::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const OGG: &[u8] = b"OggS";
/// 2026-03-01T00:00:00Z.
const MARCH: u64 = 1_772_323_200_000;

/// A file of that type and content that was written at that moment.
fn put(path: &Path, kind: &[u8], content: &str, at_ms: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, [kind, content.as_bytes()].concat()).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn line(at_ms: u64, value: &str) -> String {
    format!("{}\n", json!({"time": at_ms, "class": "keystrokes", "value": value}))
}

fn contents(world: &World) -> Vec<String> {
    world.blobs().iter().map(|(_, _, content)| String::from_utf8_lossy(content).into_owned()).collect()
}

#[test]
fn files_and_lines_arrive_once_with_their_times() {
    let mut world = World::new();
    let agent = world.running_agent();
    let (shots, voice, keys) = (world.path("shots"), world.path("voice"), world.path("keys.jsonl"));
    put(&shots.join("a.png"), PNG, "MARKER one", MARCH + 1_234);
    put(&shots.join("b.png"), PNG, "MARKER two", MARCH + 5_678);
    put(&shots.join("notes.txt"), b"", "MARKER text", MARCH);
    put(&shots.join(".hidden.png"), PNG, "MARKER hidden", MARCH);
    put(&voice.join("a.ogg"), OGG, "MARKER voice", MARCH + 9_000);
    put(&voice.join("a.png"), PNG, "MARKER image", MARCH);
    append(&keys, &line(MARCH, "MARKER typed"));
    append(&keys, "{\"time\": \"2026-03-01T01:00:00.5+01:00\", \"class\": \"clipboard\", \"value\": \"copied\"}\r\n");
    append(&keys, "nonsense\n\n{\"time\": 1, \"class\": 200, \"value\": \"\"}\n");
    append(&keys, &line(MARCH + 2, &"x".repeat((1 << 20) + 1)));
    append(&keys, &line(MARCH + 1, &"y".repeat(1 << 20)));
    append(&keys, "{\"time\": 1772323200003, \"class\": \"chat\", ");
    let (shots, voice) = (format!("screenshot={}", shots.display()), format!("voice={}", voice.display()));
    let collect = ["collect", "--once", "--blobs", &shots, "--blobs", &voice, "--records", keys.to_str().unwrap()];
    let collected = agent.ok(&collect);
    assert_eq!(
        collected,
        json!({"blobs": 3, "records": 3, "duplicates": 0, "refused": 0, "malformed": 1, "too_long": 1, "not_wanted": 1,
            "not_images": 1, "not_audio": 1, "unreadable": 0, "unfinished": 1, "removed": 0})
    );
    let blobs = [("MARKER one", 32, 1_234), ("MARKER two", 32, 5_678), ("MARKER voice", 34, 9_000)];
    let expected = blobs.map(|(content, class, at)| {
        (class, MARCH + at, [if class == 34 { OGG } else { PNG }, content.as_bytes()].concat())
    });
    assert_eq!(world.blobs(), expected);
    let records = world.records();
    assert_eq!(records[0], (16, MARCH, "MARKER typed".to_owned()));
    assert_eq!((records[1].1, records[1].2.len()), (MARCH + 1, 1 << 20));
    assert_eq!(records[2], (17, MARCH + 500, "copied".to_owned()));

    append(&keys, "\"value\": \"finished\"}\n");
    let again = agent.ok(&collect);
    assert_eq!((&again["blobs"], &again["records"], &again["duplicates"]), (&json!(0), &json!(1), &json!(0)));
    assert_eq!(world.records()[2], (18, MARCH + 3, "finished".to_owned()));
    assert_eq!(world.blob_count(), 3);
    let status = agent.ok(&["status"]);
    assert_eq!((&status["blobs_waiting"], &status["unit_bytes"]), (&json!(0), &json!(0)));
}

#[test]
fn a_service_that_is_away_loses_nothing_and_what_waits_is_sealed() {
    let mut world = World::new();
    let agent = world.running_agent();
    let (shots, keys) = (world.path("shots"), world.path("keys.jsonl"));
    put(&shots.join("a.png"), PNG, "MARKER one", MARCH);
    append(&keys, &line(MARCH, "MARKER typed"));
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--remove", "--blobs", &blobs, "--records", keys.to_str().unwrap()];
    world.server.stop();
    assert_eq!(agent.fails(3, &collect), "service.unreachable");
    put(&shots.join("b.png"), PNG, "MARKER two", MARCH + 1);
    assert_eq!(agent.fails(3, &collect), "service.unreachable");
    assert!(shots.join("a.png").exists(), "what the service does not have is not removed");
    let status = agent.ok(&["status"]);
    assert_eq!((&status["blobs_waiting"], &status["record_batches_waiting"]), (&json!(2), &json!(1)));
    assert!(status["unit_bytes"].as_u64().unwrap() > 0);
    for path in agent.files().into_iter().chain(folder(&agent.state.join("units"))).filter(|path| path.is_file()) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"MARKER"), "{} holds plain text", path.display());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    }
    let units: Vec<_> = folder(&agent.state.join("units")).map(|path| (fs::read(&path).unwrap(), path)).collect();
    world.server.resume();
    let synced = agent.ok(&["sync"]);
    assert_eq!((&synced["blobs"], &synced["records"]), (&json!(2), &json!(1)));
    // As if the program had been killed before it could note that the service has them.
    fs::remove_file(agent.state.join("delivered")).unwrap();
    units.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    let synced = agent.ok(&["sync"]);
    assert_eq!((&synced["blobs"], &synced["records"], &synced["duplicates"]), (&json!(0), &json!(0), &json!(3)));
    assert_eq!(contents(&world).len(), 2);
    assert_eq!(world.records().len(), 1);
    let collected = agent.ok(&collect);
    assert_eq!((&collected["removed"], &collected["blobs"]), (&json!(2), &json!(0)));
    assert_eq!((fs::read_dir(&shots).unwrap().count(), world.blob_count()), (0, 2));
    assert!(keys.exists());
}

fn folder(path: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())
}

#[test]
fn what_waits_is_bounded_and_the_rest_is_left_where_it_lies() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    for index in 0..6 {
        put(&shots.join(format!("{index}.png")), PNG, &"x".repeat(400_000), MARCH + index);
    }
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--spool-max", "1", "--blobs", &blobs];
    world.server.stop();
    assert_eq!(agent.fails(3, &collect), "service.unreachable");
    assert_eq!(agent.ok(&["status"])["blobs_waiting"], 2);
    world.server.resume();
    assert_eq!(agent.ok(&collect)["blobs"], 6);
}

#[test]
fn a_file_of_lines_that_was_replaced_or_cut_starts_over() {
    let mut world = World::new();
    let agent = world.running_agent();
    let keys = world.path("keys.jsonl");
    let collect = ["collect", "--once", "--records", keys.to_str().unwrap()];
    assert_eq!(agent.ok(&collect)["records"], 0);
    append(&keys, &(line(1, "one") + &line(2, "two")));
    assert_eq!(agent.ok(&collect)["records"], 2);
    // Rotated: another first line, and longer than what was read.
    fs::write(&keys, (3..9).map(|at| line(at, "rotated")).collect::<String>()).unwrap();
    assert_eq!(agent.ok(&collect)["records"], 6);
    // Cut: the same first line.
    fs::write(&keys, line(3, "rotated")).unwrap();
    assert_eq!(agent.ok(&collect)["records"], 1);
    append(&keys, &line(9, "more"));
    assert_eq!(agent.ok(&collect)["records"], 1);
    assert_eq!(agent.ok(&collect)["records"], 0);
    assert_eq!(world.records().len(), 10);
}

#[test]
fn many_lines_go_in_several_batches() {
    let mut world = World::new();
    let agent = world.running_agent();
    let keys = world.path("keys.jsonl");
    append(&keys, &(0..12_000).map(|at| line(at, &format!("key {at}"))).collect::<String>());
    assert_eq!(agent.ok(&["collect", "--once", "--records", keys.to_str().unwrap()])["records"], 12_000);
    let records = world.records();
    assert_eq!((records.len(), records[11_999].2.as_str()), (12_000, "key 11999"));
}

#[test]
fn a_collection_that_is_killed_again_and_again_loses_and_repeats_nothing() {
    let mut world = World::new();
    let agent = world.running_agent();
    let (shots, keys) = (world.path("shots"), world.path("keys.jsonl"));
    let count = 60;
    for index in 0..count {
        put(&shots.join(format!("{index:02}.png")), PNG, &format!("{index:02}{}", "x".repeat(300_000)), MARCH + index);
    }
    append(&keys, &(0..20_000).map(|at| line(at, &format!("key {at}"))).collect::<String>());
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--blobs", &blobs, "--records", keys.to_str().unwrap()];
    let mut killed = 0;
    for stage in 0.. {
        let mut child = agent.start(&collect);
        // Each time a little later: while records or blobs are read, sealed or sent.
        let enough = |world: &World| world.blob_count() >= stage * 10 || stage * 10 > count as usize;
        while child.try_wait().unwrap().is_none() && !(enough(&world) && folder_is_busy(&agent.state.join("units"))) {}
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert!(killed >= 3, "{killed}");
    agent.ok(&collect);
    let numbers: Vec<_> = world.blobs().iter().map(|(_, _, content)| content[PNG.len()..][..2].to_vec()).collect();
    assert_eq!(numbers, (0..count).map(|index| format!("{index:02}").into_bytes()).collect::<Vec<_>>());
    let records = world.records();
    assert_eq!(records.len(), 20_000);
    assert!((0..20_000).zip(&records).all(|(at, record)| record.1 == at));
}

fn folder_is_busy(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

#[test]
fn a_blob_whose_upload_was_cut_off_is_sent_again_as_it_was() {
    let mut world = World::new();
    let agent = world.running_agent();
    let voice = world.path("voice");
    let long = "x".repeat(48 << 20);
    put(&voice.join("a.ogg"), OGG, &long, MARCH);
    let blobs = format!("voice={}", voice.display());
    let collect = ["collect", "--once", "--remove", "--blobs", &blobs];
    let mut child = agent.start(&collect);
    // The service writes to its disk, but has not got all of it.
    while !is_receiving(&world.path("service.db.blobs")) {
        assert!(child.try_wait().unwrap().is_none(), "the upload was not to end yet");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(world.blob_count(), 0);
    assert!(voice.join("a.ogg").exists());
    assert_eq!(agent.ok(&["status"])["blobs_waiting"], 1);
    let collected = agent.ok(&collect);
    assert_eq!((&collected["blobs"], &collected["removed"]), (&json!(1), &json!(1)));
    assert_eq!(world.blobs(), [(34, MARCH, [OGG, long.as_bytes()].concat())]);
}

fn is_receiving(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let metadata = entry.metadata();
            let below = entry.path();
            metadata
                .is_ok_and(|metadata| if metadata.is_dir() { is_receiving(&below) } else { metadata.len() > 1 << 20 })
        })
    })
}

#[test]
fn what_the_service_refuses_is_set_aside_and_does_not_stop_the_rest() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    put(&shots.join("a.png"), PNG, "one", MARCH);
    put(&shots.join("b.png"), PNG, "two", MARCH + 1);
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--remove", "--blobs", &blobs];
    world.server.stop();
    agent.fails(3, &collect);
    // The disk has lost the chunks of the first one: no blob is as short as that.
    let mut units: Vec<_> = folder(&agent.state.join("units")).collect();
    units.sort();
    OpenOptions::new().write(true).open(&units[0]).unwrap().set_len(103).unwrap();
    world.server.resume();
    let collected = agent.ok(&collect);
    assert_eq!((&collected["blobs"], &collected["refused"], &collected["removed"]), (&json!(1), &json!(1), &json!(1)));
    assert!(shots.join("a.png").exists() && !shots.join("b.png").exists());
    assert_eq!(agent.ok(&["status"])["refused"], 1);
    assert_eq!(agent.ok(&collect)["refused"], 0);
    assert_eq!(agent.ok(&["sync"])["refused"], 0);
    assert_eq!(agent.ok(&["sync", "--retry"])["refused"], 1);
    assert_eq!(agent.ok(&["status"])["refused"], 1);
}

#[test]
fn what_was_refused_can_be_sent_once_more() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    put(&shots.join("a.png"), PNG, "one", MARCH);
    let blobs = format!("screenshot={}", shots.display());
    world.server.stop();
    agent.fails(3, &["collect", "--once", "--blobs", &blobs]);
    world.server.resume();
    let unit = folder(&agent.state.join("units")).next().unwrap();
    // As it is when a service has refused it that has changed its mind.
    fs::rename(&unit, unit.with_extension("refused")).unwrap();
    assert_eq!(agent.ok(&["sync"])["blobs"], 0);
    assert_eq!(agent.ok(&["sync", "--retry"])["blobs"], 1);
    let status = agent.ok(&["status"]);
    assert_eq!((&status["refused"], &status["unit_bytes"]), (&json!(0), &json!(0)));
}

#[cfg(unix)]
#[test]
fn a_unit_that_this_computer_cannot_read_now_is_kept_and_does_not_stop_the_rest() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    put(&shots.join("a.png"), PNG, "one", MARCH);
    put(&shots.join("b.png"), PNG, "two", MARCH + 1);
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--blobs", &blobs];
    world.server.stop();
    agent.fails(3, &collect);
    world.server.resume();
    let unit = folder(&agent.state.join("units")).min().unwrap();
    let aside = world.path("aside");
    fs::rename(&unit, &aside).unwrap();
    // It opens, and cannot be read.
    fs::create_dir(&unit).unwrap();
    assert_eq!(agent.fails(1, &collect), "state.unreadable");
    assert_eq!(world.blob_count(), 1);
    assert_eq!(agent.fails(1, &["sync"]), "state.unreadable");
    fs::remove_dir(&unit).unwrap();
    fs::rename(&aside, &unit).unwrap();
    let synced = agent.ok(&["sync"]);
    assert_eq!((&synced["blobs"], &synced["refused"]), (&json!(1), &json!(0)));
    assert_eq!(world.blob_count(), 2);
}

#[test]
fn a_file_in_the_place_of_one_that_was_removed_is_another_however_alike() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--remove", "--blobs", &blobs];
    for content in ["one", "two"] {
        put(&shots.join("a.png"), PNG, content, MARCH);
        let collected = agent.ok(&collect);
        assert_eq!((&collected["blobs"], &collected["removed"]), (&json!(1), &json!(1)), "{content}");
        assert!(!shots.join("a.png").exists());
    }
    let contents = contents(&world);
    assert!(contents[0].ends_with("one") != contents[1].ends_with("one"), "{contents:?}");
    // Kept, and then changed where it lies.
    put(&shots.join("b.png"), PNG, "one", MARCH);
    assert_eq!(agent.ok(&["collect", "--once", "--blobs", &blobs])["blobs"], 1);
    put(&shots.join("b.png"), PNG, "two", MARCH);
    let collected = agent.ok(&collect);
    assert_eq!((&collected["blobs"], &collected["removed"]), (&json!(1), &json!(1)));
}

#[test]
fn a_file_of_lines_that_comes_back_goes_on_where_it_was() {
    let mut world = World::new();
    let agent = world.running_agent();
    let (keys, first, second) = (world.path("keys.jsonl"), world.path("first"), world.path("second"));
    let collect = ["collect", "--once", "--records", keys.to_str().unwrap()];
    append(&keys, &(line(1, "one") + &line(2, "two")));
    assert_eq!(agent.ok(&collect)["records"], 2);
    fs::rename(&keys, &first).unwrap();
    append(&keys, &line(3, "three"));
    assert_eq!(agent.ok(&collect)["records"], 1);
    fs::rename(&keys, &second).unwrap();
    fs::rename(&first, &keys).unwrap();
    append(&keys, &line(4, "four"));
    assert_eq!(agent.ok(&collect)["records"], 1);
    assert_eq!(world.records().len(), 4);
}

#[test]
fn a_last_line_without_an_end_is_counted() {
    let mut world = World::new();
    let agent = world.running_agent();
    let keys = world.path("keys.jsonl");
    let collect = ["collect", "--once", "--records", keys.to_str().unwrap()];
    append(&keys, line(1, "one").trim_end());
    let collected = agent.ok(&collect);
    assert_eq!((&collected["records"], &collected["unfinished"]), (&json!(0), &json!(1)));
    append(&keys, &format!("\n{}", line(2, "two").trim_end()));
    let collected = agent.ok(&collect);
    assert_eq!((&collected["records"], &collected["unfinished"]), (&json!(1), &json!(1)));
    assert_eq!(agent.ok(&collect)["unfinished"], 1);
    append(&keys, "\n");
    let collected = agent.ok(&collect);
    assert_eq!((&collected["records"], &collected["unfinished"]), (&json!(1), &json!(0)));
}

#[test]
fn what_the_folder_says_of_files_needs_the_key() {
    let mut world = World::new();
    let (one, other) = (world.running_agent(), Agent { state: world.path("other") });
    let keys = world.path("keys.jsonl");
    append(&keys, &line(1, "one"));
    other.ok(&["enroll", "--ticket", &world.ticket(), "--server", &world.server.url(), "--name", "other"]);
    world.approve(None);
    let notes = [one, other].map(|agent| {
        agent.ok(&["collect", "--once", "--records", keys.to_str().unwrap()]);
        // Without the number in front, which is the same.
        fs::read(agent.state.join("delivered")).unwrap().split_off(8 + 16)
    });
    assert_ne!(notes[0], notes[1]);
}

#[test]
fn one_folder_is_of_one_class() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    put(&shots.join("a.png"), PNG, "one", MARCH);
    let (first, second) = (format!("screenshot={}", shots.display()), format!("camera={}/.", shots.display()));
    let collect = ["collect", "--once", "--remove", "--blobs", &first, "--blobs", &second];
    assert_eq!(agent.fails(2, &collect), "usage");
    assert!(shots.join("a.png").exists());
}

#[test]
fn without_keys_nothing_is_read_and_after_revocation_nothing_is_kept() {
    let mut world = World::new();
    let agent = world.agent();
    agent.ok(&["enroll", "--ticket", &world.ticket(), "--server", &world.server.url()]);
    let shots = world.path("shots");
    put(&shots.join("a.png"), PNG, "one", MARCH);
    let blobs = format!("screenshot={}", shots.display());
    let collect = ["collect", "--once", "--blobs", &blobs];
    assert_eq!(agent.fails(4, &collect), "agent.waiting-for-keys");
    assert!(!agent.state.join("units").exists());
    world.approve(None);
    world.server.stop();
    assert_eq!(agent.fails(3, &collect), "service.unreachable");
    world.server.resume();
    assert_eq!(agent.ok(&collect)["blobs"], 1);
    put(&shots.join("b.png"), PNG, "two", MARCH);
    world.server.stop();
    agent.fails(3, &collect);
    world.server.resume();
    world.revoke();
    assert_eq!(agent.fails(1, &collect), "agent.revoked");
    assert!(!agent.state.join("units").exists() && !agent.state.join("delivered").exists());
    assert_eq!(agent.fails(1, &collect), "agent.revoked");
}

#[test]
fn sources_that_cannot_be_read_do_not_stop_the_others() {
    let mut world = World::new();
    let agent = world.running_agent();
    let (shots, none) = (world.path("shots"), world.path("none"));
    put(&shots.join("a.png"), PNG, "one", MARCH);
    let (blobs, missing) = (format!("screenshot={}", shots.display()), format!("voice={}", none.display()));
    let collect = ["collect", "--once", "--blobs", &missing, "--blobs", &blobs];
    assert_eq!(agent.fails(1, &collect), "collect.folder");
    assert_eq!(world.blob_count(), 1);
    assert_eq!(agent.fails(1, &["collect", "--once", "--records", shots.to_str().unwrap()]), "collect.not-a-file");
    let own = format!("230={}", shots.display());
    assert_eq!(agent.fails(1, &["collect", "--once", "--blobs", &own]), "blob.no-key");
    for usage in [&["collect", "--once"][..], &["collect", "--blobs", "archive=."], &["collect", "--blobs", "x"]] {
        assert_eq!(agent.command(usage).output().unwrap().status.code(), Some(2), "{usage:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_is_taken_when_it_has_not_changed_between_two_looks() {
    let mut world = World::new();
    let agent = world.running_agent();
    let shots = world.path("shots");
    put(&shots.join("old.png"), PNG, "old", MARCH);
    put(&shots.join("new.png"), PNG, "new", now().unix_millis() + 60_000);
    let blobs = format!("screenshot={}", shots.display());
    let arguments = ["collect", "--every", "1", "--blobs", &blobs];
    let mut child = agent.command(&arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
    while world.blob_count() < 2 {
        assert!(child.try_wait().unwrap().is_none());
    }
    let told = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let collected: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&collected["blobs"], &collected["unfinished"]), (&json!(2), &json!(0)));
    // Of a file that is being written this very moment, one look alone tells nothing.
    fs::write(shots.join("written.png"), PNG).unwrap();
    assert_eq!(agent.ok(&["collect", "--once", "--blobs", &blobs])["unfinished"], 1);
}
