//! The service tries to be given keys, or to have agents use keys that it knows.

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, Keys, SERVICE, WORD};
use crate::system::{Account, InTheNameOf, System, join, running};

attacks! {
    an_enrollment_is_answered_with_a_device_of_the_service => Refused("enrollment.mac");
    an_enrollment_gets_the_keys_of_another_device => Refused("enrollment.signature");
    an_enrollment_for_another_account_is_shown => Refused("enrollment.other-account");
    an_enrollment_by_code_is_swapped => Refused("enrollment.code");
    a_key_is_swapped_in_the_directory => Refused("accept.refused");
    a_spent_invitation_is_used_by_a_thief => Refused("ticket.spent");
    an_expired_invitation_is_used_by_a_thief => Refused("ticket.expired");
    an_expired_invitation_is_given_a_later_date => Refused("enrollment.mac");
    a_removed_device_enrolls_again => Refused("enrollment.revoked");
    a_removed_device_gets_the_next_keys => Refused("accept.refused");
    an_invitation_from_before_a_restore_is_used => Refused("enrollment.mac");
    agents_are_sent_a_key_of_the_service => Refused("accept.refused");
    agents_are_sent_a_key_of_the_service_in_the_name_of_the_account => Refused("accept.refused");
    agents_with_a_code_are_sent_a_key_of_the_service => Refused("accept.refused");
    agents_with_keys_are_sent_another => Refused("accept.refused");
    an_enrollment_is_approved_by_the_service => Refused("enrollment.other-account");
    a_device_is_enrolled_by_the_service_too => Refused("accept.refused");
}

/// Whatever the agent seals from now on, the service tries to read.
fn read_what_comes<S: System>(agent: &S::Agent, keys: &S::Keys) -> Outcome {
    let token = S::tokenize(agent, TokenClass::APP, WORD)?;
    S::read(keys, &token).map(Gain::Plaintext).ok_or(Failure::Harmless("sealed under other keys"))
}

/// The service has a device of its own take what the owner sends, and reads what is recorded elsewhere.
fn take_keys<S: System>(mut spy: S::Agent, delivery: &[u8], elsewhere: &S::Agent) -> Outcome {
    S::accept(&mut spy, delivery)?;
    read_what_comes::<S>(elsewhere, &S::spill(&spy))
}

/// It has the genuine request, and all that the request shows of the invitation.
fn an_enrollment_is_answered_with_a_device_of_the_service<S: System>() -> Outcome {
    let (mut owner, desktop) = running::<S>(Keys::Desktop);
    let (_, genuine) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (spy, request) = S::forge_request(&genuine);
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &desktop.agent)
}

fn an_enrollment_gets_the_keys_of_another_device<S: System>() -> Outcome {
    let (mut owner, desktop) = running::<S>(Keys::Desktop);
    let (_, genuine) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (spy, other) = S::enroll(&S::invite(&owner), Keys::Service);
    let spliced = S::splice_request(&genuine, &other);
    let sent = S::approve(&mut owner, &spliced)?;
    take_keys::<S>(spy, sent.to(&S::device(&spliced)), &desktop.agent)
}

/// One of the service's own devices, for an account of its own: all of it is genuine.
fn an_enrollment_for_another_account_is_shown<S: System>() -> Outcome {
    let (mut owner, desktop) = running::<S>(Keys::Desktop);
    let (service, _) = S::create(SERVICE);
    let (spy, request) = S::enroll(&S::invite(&service), Keys::Service);
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &desktop.agent)
}

/// The account code is typed by hand, so the service may know it. The person types what their own device shows.
fn an_enrollment_by_code_is_swapped<S: System>() -> Outcome {
    let (mut owner, desktop) = running::<S>(Keys::Desktop);
    let (_, _, shown) = S::enroll_by_code(&S::code(&owner), Keys::Laptop);
    let (spy, request, _) = S::enroll_by_code(&S::code(&owner), Keys::Service);
    let sent = S::approve_by_code(&mut owner, &request, &shown)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &desktop.agent)
}

/// When the device was approved, the service was still honest.
fn a_key_is_swapped_in_the_directory<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let (spy, swapped) = S::enroll(&S::invite(&owner), Keys::Service);
    let device = S::device(&laptop.request);
    let sent = S::redeliver(&mut owner, &device, &[&swapped])?;
    take_keys::<S>(spy, sent.to(&device), &laptop.agent)
}

/// From an installer that lay about after it had done its work. The owner's client is another one by then.
fn a_spent_invitation_is_used_by_a_thief<S: System>() -> Outcome {
    let (mut owner, account) = S::create(ANNA);
    let invitation = S::invite(&owner);
    let (mut laptop, request) = S::enroll(&invitation, Keys::Laptop);
    let sent = S::approve(&mut owner, &request).unwrap();
    S::accept(&mut laptop, sent.to(&S::device(&request))).unwrap();
    let mut owner = S::login(ANNA, &Account { vault: sent.vault, ..account }, 0).unwrap();
    let (spy, request) = S::enroll(&invitation, Keys::Service);
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &laptop)
}

/// From an installer that nobody ever used.
fn an_expired_invitation_is_used_by_a_thief<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    use_late::<S>(&S::invite(&owner), &mut owner, &laptop.agent)
}

fn an_expired_invitation_is_given_a_later_date<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    use_late::<S>(&S::prolong(&S::invite(&owner)), &mut owner, &laptop.agent)
}

fn use_late<S: System>(invitation: &S::Invitation, owner: &mut S::Owner, elsewhere: &S::Agent) -> Outcome {
    let (spy, request) = S::enroll(invitation, Keys::Service);
    let sent = S::approve_late(owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), elsewhere)
}

/// The service shows once more the request of a device that was stolen and removed.
fn a_removed_device_enrolls_again<S: System>() -> Outcome {
    let (mut owner, stolen) = running::<S>(Keys::Laptop);
    let device = S::device(&stolen.request);
    S::revoke(&mut owner, &device, &[]);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let sent = S::approve(&mut owner, &stolen.request)?;
    take_keys::<S>(stolen.agent, sent.to(&device), &desktop.agent)
}

/// It stays in the service's directory; if it is sent nothing, it tries what others are sent.
fn a_removed_device_gets_the_next_keys<S: System>() -> Outcome {
    let (mut owner, stolen) = running::<S>(Keys::Laptop);
    let mut desktop = join::<S>(&mut owner, Keys::Desktop);
    let device = S::device(&stolen.request);
    let sent = S::revoke(&mut owner, &device, &[&stolen.request, &desktop.request]);
    let others = sent.to(&S::device(&desktop.request));
    S::accept(&mut desktop.agent, others).unwrap();
    let delivery = match sent.to(&device) {
        [] => others,
        own => own,
    };
    take_keys::<S>(stolen.agent, delivery, &desktop.agent)
}

/// The backup does not know which had been used, so none is good any more.
fn an_invitation_from_before_a_restore_is_used<S: System>() -> Outcome {
    let (mut owner, account) = S::create(ANNA);
    let backup = S::backup(&owner);
    let invitation = S::invite(&owner);
    let (_, used) = S::enroll(&invitation, Keys::Laptop);
    S::approve(&mut owner, &used).unwrap();
    let (mut owner, _) = S::restore(&backup, ANNA, &account, S::generation(&owner), &[]).unwrap();
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let (spy, request) = S::enroll(&invitation, Keys::Service);
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &desktop.agent)
}

fn agents_are_sent_a_key_of_the_service<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let genuine = S::approve(&mut owner, &request)?.to(&S::device(&request)).to_vec();
    send_a_key::<S>(agent, &request, &genuine, InTheNameOf::Itself)
}

fn agents_are_sent_a_key_of_the_service_in_the_name_of_the_account<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let genuine = S::approve(&mut owner, &request)?.to(&S::device(&request)).to_vec();
    send_a_key::<S>(agent, &request, &genuine, InTheNameOf::TheAccount)
}

fn agents_with_a_code_are_sent_a_key_of_the_service<S: System>() -> Outcome {
    let (owner, _) = S::create(ANNA);
    let (agent, request, _) = S::enroll_by_code(&S::code(&owner), Keys::Laptop);
    send_a_key::<S>(agent, &request, &[], InTheNameOf::Itself)
}

fn agents_with_keys_are_sent_another<S: System>() -> Outcome {
    let (_, laptop) = running::<S>(Keys::Laptop);
    send_a_key::<S>(laptop.agent, &laptop.request, &laptop.delivery, InTheNameOf::TheAccount)
}

fn send_a_key<S: System>(mut agent: S::Agent, request: &[u8], genuine: &[u8], name: InTheNameOf) -> Outcome {
    let (forged, keys) = S::forge_delivery(request, genuine, name);
    S::accept(&mut agent, &forged)?;
    read_what_comes::<S>(&agent, &keys)
}

/// In an account of its own, with the client that everybody has.
fn an_enrollment_is_approved_by_the_service<S: System>() -> Outcome {
    let (owner, _) = S::create(ANNA);
    let (mut agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (mut service, _) = S::create(SERVICE);
    let sent = S::approve(&mut service, &request)?;
    S::accept(&mut agent, sent.to(&S::device(&request)))?;
    let token = S::tokenize(&agent, TokenClass::APP, WORD)?;
    S::reveal(&service, &token).map(Gain::Plaintext)
}

/// The same device, with the same keys, belongs to an account of the service as well: all it is sent there is genuine.
fn a_device_is_enrolled_by_the_service_too<S: System>() -> Outcome {
    let (owner, _) = S::create(ANNA);
    let (mut agent, _) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (mut service, _) = S::create(SERVICE);
    let (_, request) = S::enroll(&S::invite(&service), Keys::Laptop);
    let sent = S::approve(&mut service, &request)?;
    S::accept(&mut agent, sent.to(&S::device(&request)))?;
    let token = S::tokenize(&agent, TokenClass::APP, WORD)?;
    S::reveal(&service, &token).map(Gain::Plaintext)
}
