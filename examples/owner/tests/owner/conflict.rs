//! Two computers that change an account at the same time, and programs that die at the worst moment.

use blindtally::{AgentStatus, TokenClass};

use crate::device::{Waiting, first_keys, second_keys};
use crate::gate::Gate;
use crate::world::World;

/// SPEC.md#generation
#[test]
fn of_two_changes_at_the_same_time_none_is_lost() {
    let world = World::new();
    let gate = Gate::new(&world.url);
    let slow = world.person_at(&gate.url, "anna");
    let fast = slow.elsewhere(world.nobody(&world.url, "anna").profile, &world.url);
    let first = Waiting::with_ticket(&world.url, &slow.ticket(), "first", first_keys());

    gate.stop_at("PUT /api/v1/vault");
    let confirming = slow.start(&["--json", "confirm"], "");
    gate.wait();
    // Meanwhile the other computer confirms the first device too, a second one, and starts a new epoch.
    let second = Waiting::with_ticket(&world.url, &fast.ticket(), "second", second_keys());
    assert_eq!(fast.json(&["confirm"])["confirmed"].as_array().unwrap().len(), 2);
    fast.run(&["rotate"]).ok();
    fast.run(&["policy", "app", "lowercase"]).ok();
    gate.open();
    let done = crate::person::Done::from(confirming.wait_with_output().unwrap()).json();
    assert_eq!(done["confirmed"].as_array().unwrap().len(), 1);

    for person in [&slow, &fast] {
        let policy = person.json(&["policy"]);
        assert_eq!(policy["forms"]["app"], "lowercase");
        assert_eq!(person.json(&["devices"])["devices"].as_array().unwrap().len(), 2);
    }
    let mut tokens = Vec::new();
    for waiting in [first, second] {
        let mut device = waiting.accept();
        device.sync();
        device.uses(60, &[(TokenClass::APP, "WINWORD.EXE")]);
        tokens.push(device.agent.tokenize(TokenClass::APP, "winword.exe").unwrap());
    }
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(slow.report("app"), [("winword.exe".to_owned(), 120.0, 2)]);
}

#[test]
fn a_revocation_that_met_another_change_still_reaches_the_service() {
    let world = World::new();
    let gate = Gate::new(&world.url);
    let slow = world.person_at(&gate.url, "anna");
    let waiting = Waiting::with_ticket(&world.url, &slow.ticket(), "stolen", first_keys());
    slow.run(&["confirm"]).ok();
    let mut stolen = waiting.accept();
    let fast = slow.elsewhere(world.nobody(&world.url, "anna").profile, &world.url);

    gate.stop_at("PUT /api/v1/vault");
    let revoking = slow.start(&["--json", "revoke", "stolen", "--rotate"], "");
    gate.wait();
    fast.run(&["rotate"]).ok();
    gate.open();
    crate::person::Done::from(revoking.wait_with_output().unwrap()).json();
    assert_eq!(stolen.upload(1, serde_json::json!({})).unwrap_err().code(), "device.revoked");
    let policy = stolen.service.get("/api/v1/device/policy").unwrap();
    let _ = stolen.agent.apply_policy(policy.bytes()).unwrap();
    assert_eq!(stolen.agent.status(), AgentStatus::Revoked);
}

#[test]
fn what_was_stored_but_not_sent_is_sent_by_the_next_command() {
    let world = World::new();
    let gate = Gate::new(&world.url);
    let anna = world.person_at(&gate.url, "anna");
    let kill_at = |args: &[&str], line| {
        gate.stop_at(line);
        let mut child = anna.start(args, "");
        gate.wait();
        child.kill().unwrap();
        child.wait().unwrap();
        gate.lose();
    };

    // A confirmation: the keyring knows the device, the device has no keys.
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    kill_at(&["confirm"], "PUT /api/v1/devices/");
    assert_eq!(waiting.delivery().unwrap_err().code(), "delivery.none");
    let next = anna.run(&["report"]);
    assert!(next.stderr.contains("completing"), "{next:?}");
    next.ok();
    let mut device = waiting.accept();
    assert!(anna.run(&["confirm"]).ok().contains("no device is waiting"));

    // A rotation: the keyring has the epoch, nobody else has.
    kill_at(&["rotate"], "PUT /api/v1/devices/");
    device.sync();
    assert_eq!(device.agent.policy().epoch().get(), 1);
    anna.run(&["devices"]).ok();
    device.sync();
    assert_eq!(device.agent.policy().epoch().get(), 2);

    // The same, with every delivery sent but not the policy.
    kill_at(&["rotate"], "PUT /api/v1/policy");
    anna.run(&["devices"]).ok();
    device.sync();
    assert_eq!(device.agent.policy().epoch().get(), 3);

    // A revocation: the keyring says so, the service does not know.
    kill_at(&["revoke", "laptop", "--no-rotate"], "POST /api/v1/devices/");
    device.upload(1, serde_json::json!({})).unwrap();
    anna.run(&["devices"]).ok();
    assert_eq!(device.upload(1, serde_json::json!({})).unwrap_err().code(), "device.revoked");
    assert!(!anna.run(&["devices"]).stderr.contains("completing"));
}
