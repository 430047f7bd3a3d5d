//! The agent's program against the real service.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::process::Command;

use serde_json::json;
use support::*;

#[test]
fn what_is_imported_adds_up_and_importing_it_again_changes_nothing() {
    let mut world = World::new();
    let agent = world.running_agent();
    let file = world.path("export.json");
    export(&file, 12_000);
    let import = ["import", file.to_str().unwrap(), "--person", "anna"];
    let imported = agent.ok(&import);
    assert_eq!((&imported["events"], &imported["duplicates"]), (&json!(24_000), &json!(0)));
    assert_eq!((&imported["truncated"], &imported["pending_keys"]), (&json!(0), &json!(false)));
    assert_complete(&world, 12_000);
    let again = agent.ok(&import);
    assert_eq!((&again["events"], &again["duplicates"]), (&json!(0), &json!(24_000)));
    assert_complete(&world, 12_000);
    let people: Vec<_> = world.totals("person").into_keys().collect();
    assert_eq!(people, ["anna"]);
    let status = agent.ok(&["status"]);
    assert_eq!(
        (&status["state"], &status["epoch"], &status["spool_bytes"]),
        (&json!("encrypted"), &json!(1), &json!(0))
    );
}

/// SPEC.md#queue-stays, SPEC.md#pending-values
#[test]
fn before_the_keys_come_only_times_are_sent_and_values_follow() {
    let mut world = World::new();
    let agent = world.agent();
    let ticket = world.ticket();
    let enroll = ["enroll", "--ticket", &ticket, "--server", &world.server.url()];
    let enrolled = agent.ok(&enroll);
    assert_eq!(enrolled["pending_keys"], true);
    assert_eq!(agent.ok(&enroll)["device_id"], enrolled["device_id"], "the same device goes on");
    let file = world.path("export.json");
    export(&file, 6_000);
    let import = ["import", file.to_str().unwrap()];
    assert_eq!(agent.ok(&import)["pending_keys"], true);
    let queued = agent.ok(&["status"])["queue_bytes"].as_u64().unwrap();
    assert_eq!(agent.ok(&import)["duplicates"], 12_000);
    assert_eq!(agent.ok(&["status"])["queue_bytes"], queued, "what is queued is not queued again");
    assert_eq!((world.events(), world.totals("app").len()), (12_000, 0));
    for path in agent.files() {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"MARKER"), "{} holds a title", path.display());
    }
    assert_eq!(agent.fails(4, &["sync"]), "agent.waiting-for-keys");
    assert_eq!(world.approve(None), 1);
    assert_eq!(agent.ok(&["sync"])["enriched"], 6_000);
    assert_complete(&world, 6_000);
    assert_eq!(agent.ok(&["status"])["queue_bytes"], 0);
    assert_eq!(agent.ok(&["sync"])["enriched"], 0);
    assert_eq!(agent.fails(1, &enroll), "agent.enrolled");
}

#[test]
fn a_service_that_is_away_loses_nothing() {
    let mut world = World::new();
    let agent = world.running_agent();
    let file = world.path("export.json");
    export(&file, 12_000);
    world.server.stop();
    let import = ["import", file.to_str().unwrap()];
    assert_eq!(agent.fails(3, &import), "service.unreachable");
    assert_eq!(agent.fails(3, &["sync"]), "service.unreachable");
    assert!(agent.ok(&["status"])["spool_bytes"].as_u64().unwrap() > 0);
    world.server.resume();
    assert_eq!(agent.ok(&["sync"])["events"], 24_000);
    assert_complete(&world, 12_000);
    assert_eq!(agent.ok(&["status"])["spool_bytes"], 0);
}

#[test]
fn a_service_that_is_away_while_keys_are_missing_loses_nothing() {
    let mut world = World::new();
    let agent = world.agent();
    agent.ok(&["enroll", "--ticket", &world.ticket(), "--server", &world.server.url()]);
    let file = world.path("export.json");
    export(&file, 6_000);
    world.server.stop();
    assert_eq!(agent.fails(3, &["import", file.to_str().unwrap()]), "service.unreachable");
    world.server.resume();
    world.approve(None);
    assert_eq!(agent.ok(&["sync"])["enriched"], 6_000);
    assert_complete(&world, 6_000);
}

#[test]
fn an_enrollment_that_did_not_reach_the_service_is_gone_on_with() {
    let mut world = World::new();
    let agent = world.agent();
    let ticket = world.ticket();
    let enroll = ["enroll", "--ticket", &ticket, "--server", &world.server.url()];
    world.server.stop();
    assert_eq!(agent.fails(3, &enroll), "service.unreachable");
    let device = agent.ok(&["status"])["device_id"].clone();
    world.server.resume();
    assert_eq!(agent.ok(&enroll)["device_id"], device);
    assert_eq!(world.approve(None), 1);
    assert_eq!(agent.ok(&["sync"])["pending_keys"], false);
}

#[test]
fn without_a_ticket_the_owner_types_the_code_that_is_shown() {
    let mut world = World::new();
    let agent = world.agent();
    let code = world.owner.account_code().to_text();
    let enrolled = agent.ok(&["enroll", "--account-code", &code, "--server", &world.server.url()]);
    let file = world.path("export.json");
    export(&file, 100);
    assert_eq!(agent.fails(4, &["import", file.to_str().unwrap()]), "agent.waiting-for-keys");
    assert_eq!(world.approve(enrolled["device_code"].as_str()), 1);
    assert_eq!(agent.ok(&["sync"])["enriched"], 100);
    assert_complete(&world, 100);
}

#[test]
fn a_revoked_agent_erases_its_keys_and_its_queue() {
    let mut world = World::new();
    let agent = world.running_agent();
    let file = world.path("export.json");
    export(&file, 100);
    agent.ok(&["import", file.to_str().unwrap()]);
    world.server.stop();
    export(&file, 200);
    agent.fails(3, &["import", file.to_str().unwrap()]);
    world.server.resume();
    world.revoke();
    assert_eq!(agent.fails(1, &["import", file.to_str().unwrap()]), "agent.revoked");
    let status = agent.ok(&["status"]);
    assert_eq!((&status["state"], &status["spool_bytes"]), (&json!("revoked"), &json!(0)));
    assert_eq!(agent.fails(1, &["sync"]), "agent.revoked");
    assert_eq!(world.events(), 200);
}

#[test]
fn after_a_rotation_values_are_sealed_in_the_new_epoch() {
    let mut world = World::new();
    let agent = world.running_agent();
    let file = world.path("export.json");
    export(&file, 100);
    agent.ok(&["import", file.to_str().unwrap()]);
    world.rotate();
    export(&file, 200);
    agent.ok(&["import", file.to_str().unwrap()]);
    assert_eq!(agent.ok(&["status"])["epoch"], 2);
    assert_complete(&world, 200);
}

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let mut world = World::new();
    let agent = world.running_agent();
    let file = world.path("export.json");
    export(&file, 30_000);
    let import = ["import", file.to_str().unwrap()];
    let mut child = agent.start(&import);
    while world.events() < 5_000 {
        assert!(child.try_wait().unwrap().is_none(), "the import was not to end yet");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let stored = world.events();
    let imported = agent.ok(&import);
    assert_eq!(imported["events"].as_i64().unwrap(), 60_000 - stored);
    assert_eq!(imported["duplicates"].as_i64().unwrap(), stored);
    assert_complete(&world, 30_000);
}

#[test]
fn tickets_that_are_no_good_are_refused_and_a_good_one_may_follow() {
    let world = World::new();
    let agent = world.agent();
    let url = world.server.url();
    assert_eq!(agent.fails(1, &["enroll", "--ticket", "btt1_x", "--server", &url]), "malformed.encoding");
    // One that the owner never registered.
    let unknown = world.owner.issue_ticket(blindtally::TicketUses::ONE, blindtally::Lifetime::days(1), now()).unwrap();
    assert_eq!(agent.fails(1, &["enroll", "--ticket", &unknown.to_text(), "--server", &url]), "claim.refused");
    let ticket = world.ticket();
    let file = world.path("ticket");
    fs::write(&file, format!("{ticket}\n")).unwrap();
    agent.ok(&["enroll", "--ticket-file", file.to_str().unwrap(), "--server", &url]);
    assert_eq!(agent.fails(1, &["enroll", "--ticket", &world.ticket(), "--server", &url]), "agent.pending");
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_what_the_agent_keeps() {
    use std::os::unix::fs::PermissionsExt;
    let mut world = World::new();
    let agent = world.agent();
    agent.ok(&["enroll", "--ticket", &world.ticket(), "--server", &world.server.url()]);
    let file = world.path("export.json");
    export(&file, 100);
    agent.ok(&["import", file.to_str().unwrap()]);
    world.server.stop();
    export(&file, 200);
    agent.fails(3, &["import", file.to_str().unwrap()]);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&agent.state), 0o700);
    let files = agent.files();
    assert!(files.len() >= 7, "{files:?}");
    for path in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn files_that_are_no_exports_are_refused() {
    let mut world = World::new();
    let agent = world.running_agent();
    let write = |bytes: &[u8]| {
        let path = world.path("file.json");
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let folder = world.folder.path().to_str().unwrap();
    assert_eq!(agent.fails(1, &["import", folder]), "import.not-a-file");
    assert_eq!(agent.fails(1, &["import", "/does/not/exist"]), "import.read");
    assert_eq!(agent.fails(1, &["import", &write(b"")]), "import.empty");
    assert_eq!(agent.fails(1, &["import", &write(b"{}")]), "import.no-buckets");
    for malformed in [
        &b"[]"[..],
        b"garbage",
        b"\xff\xfe{\0}\0",
        b"{\"buckets\": {\"b\": {\"type\": \"currentwindow\", \"events\": [{\"data\": {\"app\": \"\xff\"}}]}}}",
        b"{\"buckets\": {\"b\": {\"type\": \"currentwindow\", \"events\": [",
        b"{\"buckets\": {}} trailing",
        b"\x1f\x8bno gzip",
    ] {
        assert_eq!(agent.fails(1, &["import", &write(malformed)]), "import.malformed", "{malformed:?}");
    }
    let sound = br#"{"buckets": {"b": {"type": "currentwindow", "events": ["#;
    let (_, answer) = agent.run(&["import", &write(sound)]);
    assert!(answer["error"]["message"].as_str().unwrap().contains(&format!("byte {}", sound.len())), "{answer}");
    assert_eq!(world.events(), 0);
}

#[test]
fn odd_events_are_counted_and_the_rest_is_imported() {
    let mut world = World::new();
    let agent = world.running_agent();
    let huge = "x".repeat(1 << 20);
    let text = format!(
        r#"{{"buckets": {{
        "late": {{"events": [
            {{"duration": 1, "timestamp": "2026-03-11T08:00:00Z", "data": {{"app": "\ud800", "title": "{huge}", "n": [{{}}]}}}},
            {{"duration": 1, "timestamp": "2026-03-11T08:00:00Z", "data": {{"app": "twice"}}}},
            {{"duration": 1, "timestamp": "2026-03-11T08:00:00Z", "data": {{"app": "twice"}}}},
            {{"duration": -1, "timestamp": "2026-03-11T08:00:00Z", "data": {{}}}},
            {{"duration": 1e999, "timestamp": "2026-03-11T08:00:00Z", "data": {{}}}},
            {{"duration": 1, "timestamp": "yesterday", "data": {{}}}},
            {{"duration": 1, "timestamp": "2026-03-11T08:00:00Z", "data": {{"app": 5}}}}
        ], "hostname": "h", "type": "currentwindow"}},
        "input": {{"type": "os.hid.input", "hostname": "h", "events": [{{"x": 1}}]}},
        "elsewhere": {{"type": "currentwindow", "hostname": "i", "events": [
            {{"duration": 1, "timestamp": "2026-03-11T08:00:00Z", "data": {{"app": "elsewhere"}}}}]}}
        }}}}"#
    );
    let file = world.path("odd.json");
    fs::write(&file, text).unwrap();
    let compressed = Command::new("gzip").arg("-k").arg(&file).status().unwrap();
    assert!(compressed.success());
    let import = agent.ok(&["import", file.to_str().unwrap(), "--host", "h"]);
    assert_eq!(import["events"], 4);
    assert_eq!(import["malformed"], 3);
    assert_eq!(import["truncated"], 1);
    assert_eq!(import["skipped_buckets"], json!(["input"]));
    let apps = world.totals("app");
    assert_eq!(apps.get("twice"), Some(&(2_000_000, 2_000_000, 2)));
    assert_eq!(apps.get("\u{fffd}"), Some(&(1_000_000, 1_000_000, 1)));
    assert_eq!(apps.len(), 2);
    let again = agent.ok(&["import", world.path("odd.json.gz").to_str().unwrap()]);
    assert_eq!((&again["events"], &again["duplicates"]), (&json!(1), &json!(4)));
}
