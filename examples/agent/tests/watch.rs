//! `watch` against an aw-server that behaves like the real one, slowly.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::time::Duration;

use serde_json::json;
use support::*;

const SECOND: i64 = 1_000_000;
/// 2026-03-01T00:00:00Z.
const MARCH: i64 = 1_772_323_200 * SECOND;

/// `count` windows of a second each, the second half of each active, from `first` on.
fn fill(aw: &AwStub, first: i64, count: i64) {
    for index in first..first + count {
        let at = MARCH + index * SECOND;
        let data = json!({"app": format!("app {}", index % 2), "title": format!("MARKER {}", index % 1000)});
        aw.insert("window_h", "currentwindow", (at, SECOND, data));
        aw.insert("afk_h", "afkstatus", (at + SECOND / 2, SECOND / 2, json!({"status": "not-afk"})));
    }
}

#[test]
fn what_is_there_is_taken_once_and_goes_on_where_it_stopped() {
    let mut world = World::new();
    let agent = world.running_agent();
    let aw = AwStub::start(Duration::ZERO);
    let url = aw.url();
    let watch = ["watch", "--aw-server", &url, "--once"];
    fill(&aw, 0, 12_000);
    aw.insert("input_h", "os.hid.input", (MARCH, SECOND, json!({})));
    let watched = agent.ok(&watch);
    assert_eq!((&watched["events"], &watched["duplicates"]), (&json!(24_000), &json!(0)));
    assert_eq!(watched["skipped_buckets"], json!(["input_h"]));
    assert_complete(&world, 12_000);
    assert_eq!(agent.ok(&watch)["events"], 0);
    fill(&aw, 12_000, 2_000);
    assert_eq!(agent.ok(&watch)["events"], 4_000);
    assert_complete(&world, 14_000);
    // An export of the same server tells nothing new.
    let file = world.path("export.json");
    fs::write(&file, aw.export().to_string()).unwrap();
    let imported = agent.ok(&["import", file.to_str().unwrap()]);
    assert_eq!((&imported["events"], &imported["duplicates"]), (&json!(0), &json!(28_000)));
}

#[test]
fn an_event_that_grows_is_taken_when_it_is_whole() {
    let mut world = World::new();
    let agent = world.running_agent();
    let aw = AwStub::start(Duration::ZERO);
    let url = aw.url();
    let watch = ["watch", "--aw-server", &url, "--once"];
    let now = i64::try_from(now().unix_secs()).unwrap() * SECOND;
    let window = |app: &str| json!({"app": app});
    aw.insert("window_h", "currentwindow", (now - 60 * SECOND, 10 * SECOND, window("growing")));
    assert_eq!(agent.ok(&watch)["events"], 0);
    aw.extend("window_h", 50 * SECOND);
    assert_eq!(agent.ok(&watch)["events"], 0);
    aw.insert("window_h", "currentwindow", (now - 5 * SECOND, SECOND, window("newest")));
    assert_eq!(agent.ok(&watch)["events"], 1);
    let apps = world.totals("app");
    assert_eq!(apps.into_iter().collect::<Vec<_>>(), [("growing".to_owned(), (50 * SECOND, 50 * SECOND, 1))]);
    // Who was there at the end of it is not known yet.
    aw.insert("afk_h", "afkstatus", (now - 100 * SECOND, 96 * SECOND, json!({"status": "not-afk"})));
    aw.insert("window_h", "currentwindow", (now - 4 * SECOND, 2 * SECOND, window("unseen")));
    aw.insert("window_h", "currentwindow", (now - 2 * SECOND, SECOND, window("newest")));
    assert_eq!(agent.ok(&watch)["events"], 1);
    assert_eq!(world.totals("app").get("newest"), Some(&(SECOND, SECOND, 1)));
    aw.extend("afk_h", 99 * SECOND);
    assert_eq!(agent.ok(&watch)["events"], 1);
    assert_eq!(world.totals("app").get("unseen"), Some(&(2 * SECOND, 2 * SECOND, 1)));
}

#[test]
fn an_event_longer_than_a_page_is_taken_whole() {
    let mut world = World::new();
    let agent = world.running_agent();
    let aw = AwStub::start(Duration::ZERO);
    let ten_days = 10 * 24 * 3600 * SECOND;
    aw.insert("window_h", "currentwindow", (MARCH, ten_days, json!({"app": "long"})));
    for index in 0..6_000 {
        let at = MARCH + index * 60 * SECOND;
        aw.insert("window_h", "currentwindow", (at, SECOND, json!({"app": "short"})));
    }
    assert_eq!(agent.ok(&["watch", "--aw-server", &aw.url(), "--once"])["events"], 6_001);
    let apps = world.totals("app");
    assert_eq!(apps["long"], (ten_days, ten_days, 1));
    assert_eq!(apps["short"], (6_000 * SECOND, 6_000 * SECOND, 6_000));
}

#[test]
fn a_watch_that_is_killed_loses_and_repeats_nothing() {
    let mut world = World::new();
    let agent = world.running_agent();
    let aw = AwStub::start(Duration::from_millis(20));
    let url = aw.url();
    fill(&aw, 0, 30_000);
    let cursors = agent.state.join("cursors.json");
    // Killed while it reads, and again while it uploads.
    let mut child = agent.start(&["watch", "--aw-server", &url]);
    while !cursors.exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = agent.start(&["watch", "--aw-server", &url]);
    while world.events() == 0 {
        assert!(child.try_wait().unwrap().is_none());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    agent.ok(&["watch", "--aw-server", &url, "--once"]);
    assert_complete(&world, 30_000);
}

#[test]
fn while_the_service_is_away_events_are_spooled() {
    let mut world = World::new();
    let agent = world.running_agent();
    let aw = AwStub::start(Duration::ZERO);
    let url = aw.url();
    let watch = ["watch", "--aw-server", &url, "--once"];
    fill(&aw, 0, 6_000);
    world.server.stop();
    assert_eq!(agent.fails(3, &watch), "service.unreachable");
    fill(&aw, 6_000, 2_000);
    assert_eq!(agent.fails(3, &watch), "service.unreachable");
    for path in agent.files() {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"MARKER"), "{} holds a title", path.display());
    }
    world.server.resume();
    assert_eq!(agent.ok(&["sync"])["events"], 16_000);
    assert_complete(&world, 8_000);
}

#[test]
fn an_aw_server_that_is_away_is_said_to_be() {
    let mut world = World::new();
    let agent = world.running_agent();
    assert_eq!(agent.fails(1, &["watch", "--aw-server", "http://127.0.0.1:9", "--once"]), "aw-server.unreachable");
}

#[cfg(unix)]
#[test]
fn a_watch_ends_cleanly_when_it_is_told_to() {
    let mut world = World::new();
    let agent = world.running_agent();
    let aw = AwStub::start(Duration::ZERO);
    fill(&aw, 0, 100);
    let mut child =
        agent.command(&["watch", "--aw-server", &aw.url()]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    while world.events() < 200 {
        assert!(child.try_wait().unwrap().is_none());
    }
    let told = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let watched: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(watched["events"], 200);
}

#[test]
fn before_the_keys_come_a_watch_sends_times_and_completes_them_later() {
    let mut world = World::new();
    let agent = world.agent();
    agent.ok(&["enroll", "--ticket", &world.ticket(), "--server", &world.server.url()]);
    let aw = AwStub::start(Duration::ZERO);
    let url = aw.url();
    let watch = ["watch", "--aw-server", &url, "--once"];
    fill(&aw, 0, 2_000);
    let watched = agent.ok(&watch);
    assert_eq!((&watched["events"], &watched["pending_keys"]), (&json!(4_000), &json!(true)));
    assert_eq!((world.events(), world.totals("app").len()), (4_000, 0));
    world.approve(None);
    fill(&aw, 2_000, 2_000);
    let watched = agent.ok(&watch);
    assert_eq!((&watched["events"], &watched["pending_keys"]), (&json!(4_000), &json!(false)));
    assert_complete(&world, 4_000);
}
