//! What the searches found, and is mended: each as one way that it could be done.

use blindtally::*;

use crate::agent::resume;
use crate::support::*;

fn request(owner: &Owner, ticket: &Ticket, identity: Identity) -> EnrollmentRequest {
    assert_eq!(ticket.account(), owner.account());
    Agent::enroll_with(ticket, "device", identity).unwrap().1
}

fn inspected(owner: &Owner, request: &EnrollmentRequest) -> Result<VerifiedRequest, InspectError> {
    owner.inspect(request, NOW)?.verified()
}

fn week_ticket(owner: &Owner) -> Ticket {
    owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap()
}

#[test]
fn a_ticket_stays_spent_when_another_client_enrolled_its_device_by_another() {
    let (mut one, created) = owner();
    let mut two = resume(one.prelogin(), &one.keep_unlocked(), created.vault());
    let tickets = [week_ticket(&one), week_ticket(&one)];
    let [first, second] = [0, 1].map(|at| request(&one, &tickets[at], device_identity()));
    let stolen = [0, 1].map(|at| request(&one, &tickets[at], other_identity()));
    let _ = one.approve(inspected(&one, &first).unwrap(), NOW).unwrap();
    let shown = two.approve(inspected(&two, &second).unwrap(), NOW).unwrap();
    let Sync::Store(merged) = one.sync(shown.vault(), NOW).unwrap() else { unreachable!("both had enrolled") };
    assert!(matches!(two.sync(merged.vault(), NOW).unwrap(), Sync::Adopted));
    for owner in [&one, &two] {
        let refused = stolen.each_ref().map(|request| inspected(owner, request).unwrap_err().code());
        let mut refused: Vec<_> = refused.into();
        refused.sort_unstable();
        assert_eq!(refused, ["ticket.cancelled", "ticket.spent"]);
    }
}

#[test]
fn a_request_in_time_is_not_approved_after_its_ticket_went_to_another_device() {
    let (mut owner, _) = owner();
    let [ticket, own] = [week_ticket(&owner), week_ticket(&owner)];
    let known = request(&owner, &own, other_identity());
    let _ = owner.approve(inspected(&owner, &known).unwrap(), NOW).unwrap();
    // A device that is known already asks with a ticket that it found.
    let held = [0, 1].map(|_| inspected(&owner, &request(&owner, &ticket, other_identity())).unwrap());
    let genuine = request(&owner, &ticket, device_identity());
    let _ = owner.approve(inspected(&owner, &genuine).unwrap(), NOW).unwrap();
    let [first, second] = held;
    assert_eq!(owner.approve(first, NOW).unwrap_err(), OwnerError::TicketSpent);
    let _ = owner.cancel_ticket(ticket.id(), NOW).unwrap();
    assert_eq!(owner.approve(second, NOW).unwrap_err(), OwnerError::TicketCancelled);
}

#[test]
fn a_restored_account_names_revoked_devices_that_its_backup_did_not_know() {
    let (mut owner, _) = owner();
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let ticket = week_ticket(&owner);
    let (pending, enrollment) = Agent::enroll_with(&ticket, "device", device_identity()).unwrap();
    let outbox = owner.approve(inspected(&owner, &enrollment).unwrap(), NOW).unwrap().committed();
    let mut agent = pending.accept(outbox.delivery()).unwrap();
    let revoked = owner.revoke(agent.device_id(), AfterRevoking::KeepEpoch, NOW).unwrap().committed();

    let restored = backup.open_with_recovery_key(&key).unwrap();
    let head = ServiceHead { generation: owner.generation(), policy: revoked.policy() };
    let (mut owner, change) = Owner::restore(restored, "anna@example.com", &password(), options(), head, NOW).unwrap();
    assert_eq!(owner.policy().policy().revoked(), [agent.device_id()]);
    // The service kept the revocation from the device; the restored account's policy says it again, and so do later ones.
    let _ = owner.rotate(NOW).unwrap();
    assert_eq!(owner.policy().policy().revoked(), [agent.device_id()]);
    assert_eq!(agent.apply_policy(change.committed().policy().unwrap()).unwrap(), Outcome::Revoked);
    let (_, again) = Agent::enroll_by_code_with(&owner.account_code(), device_identity()).unwrap();
    assert_eq!(owner.inspect(&again, NOW).unwrap_err(), InspectError::Revoked);
}

#[test]
fn a_backup_of_an_epoch_that_another_client_started_too_is_restored_to_one_that_agents_take() {
    let (mut one, pending, enrollment) = enrolled();
    let change = one.approve(inspected(&one, &enrollment).unwrap(), NOW).unwrap();
    let mut two = resume(one.prelogin(), &one.keep_unlocked(), change.vault());
    let mut agent = pending.accept(change.committed().delivery()).unwrap();
    let rotated = one.rotate(NOW).unwrap().committed();
    assert_eq!(agent.accept(rotated.delivery()).unwrap(), Outcome::Updated);
    // The other client's change comes too late to be stored, and is all that is left.
    let _ = two.rotate(NOW).unwrap();
    let (backup, key) = two.backup_with_recovery_key().unwrap();

    let restored = backup.open_with_recovery_key(&key).unwrap();
    let head = ServiceHead { generation: one.generation(), policy: rotated.policy() };
    let (owner, change) = Owner::restore(restored, "anna@example.com", &password(), options(), head, NOW).unwrap();
    assert_eq!(agent.accept(change.committed().delivery()).unwrap(), Outcome::Updated);
    assert_eq!(owner.reveal(&agent.tokenize(TokenClass::APP, "x").unwrap()).unwrap(), "x");
}

#[test]
fn of_two_policies_with_one_version_every_agent_takes_the_next() {
    let (mut one, pending, enrollment) = enrolled();
    let change = one.approve(inspected(&one, &enrollment).unwrap(), NOW).unwrap();
    let mut two = resume(one.prelogin(), &one.keep_unlocked(), change.vault());
    let mut agent = pending.accept(change.committed().delivery()).unwrap();
    let form = one.set_canonical_form(TokenClass::APP, CanonicalForm::AsciiLowercase, NOW).unwrap().committed();
    assert_eq!(agent.apply_policy(form.policy().unwrap()).unwrap(), Outcome::Updated);
    let rotated = two.rotate(NOW).unwrap();
    let vault = rotated.vault().to_vec();
    assert_eq!(agent.accept(rotated.committed().delivery()).unwrap_err(), AcceptError::Refused);
    // All that the one knows the other knows too, but its policy.
    let Sync::Store(merged) = one.sync(&vault, NOW).unwrap() else { unreachable!("no agent could go on") };
    assert!(matches!(two.sync(merged.vault(), NOW).unwrap(), Sync::Adopted));
    assert_eq!(agent.accept(merged.committed().delivery()).unwrap(), Outcome::Updated);
}
