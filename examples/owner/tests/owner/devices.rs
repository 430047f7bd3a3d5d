//! Enrolling, confirming and revoking devices.

use blindtally::{Agent, Ticket, TokenClass};
use blindtally_client::{Service, b64, from_b64};
use sha2::{Digest, Sha256};

use crate::device::{Waiting, ask, first_keys, second_keys, third_keys};
use crate::world::World;

#[test]
fn a_device_with_a_ticket_is_confirmed_by_itself() {
    let world = World::new();
    let anna = world.person("anna");
    assert!(anna.run(&["confirm"]).ok().contains("no device is waiting"));
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop \u{1b}[31m", first_keys());
    let id = waiting.id();
    let confirmed = anna.run(&["confirm"]).ok();
    assert_eq!(confirmed, format!("confirmed laptop \\u{{1b}}[31m ({id})\n"));
    assert_eq!(anna.json(&["confirm"])["confirmed"], serde_json::json!([]));
    let mut device = waiting.accept();
    device.uses(60, &[(TokenClass::APP, "winword.exe")]);
    let devices = anna.json(&["devices"]);
    assert_eq!(devices["devices"][0]["device_id"], id);
    assert_eq!(devices["devices"][0]["name"], "laptop \u{1b}[31m");
    assert_eq!(devices["devices"][0]["status"], "active");
    assert_eq!(devices["devices"][0]["events"], 1);
    assert!(!anna.run(&["devices"]).ok().contains('\u{1b}'));
}

/// SPEC.md#spent-alarm
#[test]
fn a_spent_ticket_is_an_alarm_until_it_is_dismissed() {
    let world = World::new();
    let anna = world.person("anna");
    let ticket = anna.ticket();
    Waiting::with_ticket(&world.url, &ticket, "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let (thief, request) = Agent::enroll_with(&Ticket::parse(&ticket).unwrap(), "laptop", second_keys()).unwrap();
    ask(&Service::new(&world.url), &request);
    let done = anna.run(&["confirm"]);
    assert!(done.stderr.contains("ALARM") && done.stderr.contains(&thief.device_id().to_string()), "{done:?}");
    let json = anna.json(&["confirm"]);
    assert_eq!(json["confirmed"], serde_json::json!([]));
    assert_eq!(json["refused"][0]["code"], "ticket.spent");
    assert_eq!(json["refused"][0]["alarm"], true);
    anna.run(&["confirm", "--dismiss", &thief.device_id().to_string()]).ok();
    assert!(anna.run(&["confirm"]).ok().contains("no device is waiting"));
    assert_eq!(anna.json(&["devices"])["devices"].as_array().unwrap().len(), 1);
}

#[test]
fn a_request_that_no_ticket_made_is_shown_as_refused() {
    let world = World::new();
    let anna = world.person("anna");
    // The service knows everything of a ticket but its secret.
    let text = anna.ticket();
    let mut bytes = from_b64(text.trim_start_matches("btt1_")).unwrap();
    let end = bytes.len() - 4;
    bytes[4 + 16 + 32 + 16] ^= 1;
    let check = Sha256::new_with_prefix(b"blindtally/v1/ticket-check").chain_update(&bytes[..end]).finalize();
    bytes[end..].copy_from_slice(&check[..4]);
    let forged = Ticket::parse(&format!("btt1_{}", b64(&bytes))).unwrap();
    let (_, request) = Agent::enroll_with(&forged, "intruder", first_keys()).unwrap();
    ask(&Service::new(&world.url), &request);
    let json = anna.json(&["confirm"]);
    assert_eq!(json["refused"][0]["code"], "enrollment.mac");
    assert_eq!(json["refused"][0]["alarm"], false);
    let done = anna.run(&["confirm"]);
    assert!(done.stderr.contains("refused") && done.stderr.contains("(enrollment.mac)"), "{done:?}");
    assert_eq!(anna.json(&["devices"])["devices"], serde_json::json!([]));
}

#[test]
fn without_a_ticket_the_code_that_the_device_shows_is_typed() {
    let world = World::new();
    let anna = world.person("anna");
    let code = anna.json(&["login"])["account_code"].as_str().unwrap().to_owned();
    let waiting = Waiting::with_code(&world.url, &code, first_keys());
    let other = Waiting::with_code(&world.url, &code, second_keys());
    let json = anna.json(&["confirm"]);
    assert_eq!(json["confirmed"], serde_json::json!([]));
    assert_eq!(json["waiting"].as_array().unwrap().len(), 2);
    let unrelated = third_keys().public().fingerprint().code();
    anna.run(&["confirm", "--code", &unrelated, "--name", "x"]).failed(1, "enrollment.code");
    let shown = waiting.pending.device_code().to_lowercase();
    let confirmed = anna.run(&["--json", "confirm", "--code", &shown, "--name", "Anna's laptop"]).json();
    assert_eq!(confirmed["confirmed"][0]["device_id"], waiting.id());
    assert_eq!(anna.json(&["confirm"])["waiting"][0]["device_id"], other.id());
    let mut device = waiting.claim().accept();
    device.uses(60, &[(TokenClass::APP, "winword.exe")]);
    assert_eq!(anna.report("app"), [("winword.exe".to_owned(), 60.0, 1)]);
}

#[test]
fn a_ticket_of_several_uses_enrols_several_devices() {
    let world = World::new();
    let anna = world.person("anna");
    let ticket = anna.json(&["ticket", "--uses", "2", "--hours", "1"])["ticket"].as_str().unwrap().to_owned();
    Waiting::with_ticket(&world.url, &ticket, "one", first_keys());
    Waiting::with_ticket(&world.url, &ticket, "two", second_keys());
    assert_eq!(anna.json(&["confirm", "--all"])["confirmed"].as_array().unwrap().len(), 2);
    let qr = anna.run(&["ticket", "--qr"]).ok();
    assert!(qr.contains('█') && qr.contains("blindtally:btt1_"));
}

#[test]
fn a_watch_confirms_devices_as_they_come() {
    let world = World::new();
    let anna = world.person("anna");
    let ticket = anna.ticket();
    let mut watching = anna.start(&["confirm", "--watch"], "");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(watching.stdout.take().unwrap()));
    let waiting = Waiting::with_ticket(&world.url, &ticket, "laptop", first_keys());
    assert_eq!(lines.next().unwrap().unwrap(), format!("confirmed laptop ({})", waiting.id()));
    watching.kill().unwrap();
    watching.wait().unwrap();
    waiting.accept();
}

#[test]
fn a_revoked_device_is_shut_out_and_with_a_rotation_its_keys_are_worth_nothing() {
    let world = World::new();
    let anna = world.person("anna");
    let [mut stays, mut goes, mut leaves] = [("stays", first_keys()), ("twin", second_keys()), ("twin", third_keys())]
        .map(|(name, keys)| {
            let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), name, keys);
            anna.run(&["confirm"]).ok();
            waiting.accept()
        });
    anna.run(&["revoke", "twin", "--rotate"]).failed(1, "device.ambiguous");
    anna.run(&["revoke", "nobody", "--rotate"]).failed(1, "owner.unknown-device");
    anna.run(&["revoke", "stays"]).failed(2, "usage");

    let before = anna.json(&["revoke", &goes.id(), "--no-rotate"]);
    assert_eq!((before["rotated"].as_bool(), before["epoch"].as_u64()), (Some(false), Some(1)));
    let app = serde_json::json!({});
    assert_eq!(goes.upload(1, app.clone()).unwrap_err().code(), "device.revoked");
    let policy = goes.service.get("/api/v1/device/policy").unwrap();
    let _ = goes.agent.apply_policy(policy.bytes()).unwrap();
    assert_eq!(goes.agent.status(), blindtally::AgentStatus::Revoked);
    assert_eq!(stays.agent.policy().epoch().get(), 1);

    let rotated = anna.json(&["revoke", &leaves.id(), "--rotate"]);
    assert_eq!((rotated["rotated"].as_bool(), rotated["epoch"].as_u64()), (Some(true), Some(2)));
    assert_eq!(leaves.upload(1, app).unwrap_err().code(), "device.revoked");
    stays.sync();
    assert_eq!(stays.agent.policy().epoch().get(), 2);
    stays.uses(60, &[(TokenClass::APP, "winword.exe")]);
    assert_eq!(anna.report("app"), [("winword.exe".to_owned(), 60.0, 1)]);
    let statuses = anna.json(&["devices"]);
    let revoked = statuses["devices"].as_array().unwrap().iter().filter(|device| device["status"] == "revoked");
    assert_eq!(revoked.count(), 2);
}
