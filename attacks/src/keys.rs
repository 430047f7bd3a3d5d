//! The service tries to be given keys, or to have agents use keys that it knows.

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, Keys, SERVICE};
use crate::system::{InTheNameOf, System};

const WORD: &str = "winword.exe";

attacks! {
    an_enrollment_is_answered_with_a_device_of_the_service => Refused("enrollment.mac");
    an_enrollment_gets_the_keys_of_another_device => Refused("enrollment.signature");
    an_enrollment_by_code_is_swapped => Refused("enrollment.code");
    a_key_is_swapped_in_the_directory => Refused("accept.refused");
    a_spent_invitation_is_used_by_a_thief => Refused("ticket.spent");
    an_expired_invitation_is_used_by_a_thief => Refused("ticket.expired");
    an_expired_invitation_is_given_a_later_date => Refused("enrollment.mac");
    a_removed_device_enrolls_again => Refused("enrollment.revoked");
    a_removed_device_gets_the_next_keys => Refused("accept.refused");
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

/// An account with a device that has its keys; with it, the request it made and the delivery it was sent.
fn running<S: System>(keys: Keys) -> Result<(S::Owner, S::Agent, Vec<u8>, Vec<u8>), Failure> {
    let (mut owner, _) = S::create(ANNA);
    let (mut agent, request) = S::enroll(&S::invite(&owner), keys);
    let delivery = S::approve(&mut owner, &request)?.to(&S::device(&request)).to_vec();
    S::accept(&mut agent, &delivery)?;
    Ok((owner, agent, request, delivery))
}

/// It has the genuine request, and all that the request shows of the invitation.
fn an_enrollment_is_answered_with_a_device_of_the_service<S: System>() -> Outcome {
    let (mut owner, desktop, ..) = running::<S>(Keys::Desktop)?;
    let (_, genuine) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (spy, request) = S::forge_request(&genuine);
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &desktop)
}

fn an_enrollment_gets_the_keys_of_another_device<S: System>() -> Outcome {
    let (mut owner, desktop, ..) = running::<S>(Keys::Desktop)?;
    let (_, genuine) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (spy, other) = S::enroll(&S::invite(&owner), Keys::Service);
    let spliced = S::splice_request(&genuine, &other);
    let sent = S::approve(&mut owner, &spliced)?;
    take_keys::<S>(spy, sent.to(&S::device(&spliced)), &desktop)
}

/// The account code is typed by hand, so the service may know it. The person types what their own device shows.
fn an_enrollment_by_code_is_swapped<S: System>() -> Outcome {
    let (mut owner, desktop, ..) = running::<S>(Keys::Desktop)?;
    let (_, _, shown) = S::enroll_by_code(&S::code(&owner), Keys::Laptop);
    let (spy, request, _) = S::enroll_by_code(&S::code(&owner), Keys::Service);
    let sent = S::approve_by_code(&mut owner, &request, &shown)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &desktop)
}

/// When the device was approved, the service was still honest.
fn a_key_is_swapped_in_the_directory<S: System>() -> Outcome {
    let (mut owner, laptop, genuine, _) = running::<S>(Keys::Laptop)?;
    let (spy, swapped) = S::enroll(&S::invite(&owner), Keys::Service);
    let device = S::device(&genuine);
    let sent = S::redeliver(&mut owner, &device, &[&swapped])?;
    take_keys::<S>(spy, sent.to(&device), &laptop)
}

/// From an installer that lay about after it had done its work.
fn a_spent_invitation_is_used_by_a_thief<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let invitation = S::invite(&owner);
    let (mut laptop, request) = S::enroll(&invitation, Keys::Laptop);
    S::accept(&mut laptop, S::approve(&mut owner, &request)?.to(&S::device(&request)))?;
    let (spy, request) = S::enroll(&invitation, Keys::Service);
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), &laptop)
}

/// From an installer that nobody ever used.
fn an_expired_invitation_is_used_by_a_thief<S: System>() -> Outcome {
    let (mut owner, laptop, ..) = running::<S>(Keys::Laptop)?;
    use_late::<S>(&S::invite(&owner), &mut owner, &laptop)
}

fn an_expired_invitation_is_given_a_later_date<S: System>() -> Outcome {
    let (mut owner, laptop, ..) = running::<S>(Keys::Laptop)?;
    use_late::<S>(&S::prolong(&S::invite(&owner)), &mut owner, &laptop)
}

fn use_late<S: System>(invitation: &S::Invitation, owner: &mut S::Owner, elsewhere: &S::Agent) -> Outcome {
    let (spy, request) = S::enroll(invitation, Keys::Service);
    let sent = S::approve_late(owner, &request)?;
    take_keys::<S>(spy, sent.to(&S::device(&request)), elsewhere)
}

/// The service shows once more the request of a device that was stolen and removed.
fn a_removed_device_enrolls_again<S: System>() -> Outcome {
    let (mut owner, stolen, request, _) = running::<S>(Keys::Laptop)?;
    S::revoke(&mut owner, &S::device(&request), &[]);
    let (mut desktop, other) = S::enroll(&S::invite(&owner), Keys::Desktop);
    S::accept(&mut desktop, S::approve(&mut owner, &other)?.to(&S::device(&other)))?;
    let sent = S::approve(&mut owner, &request)?;
    take_keys::<S>(stolen, sent.to(&S::device(&request)), &desktop)
}

/// It stays in the service's directory; if it is sent nothing, it tries what others are sent.
fn a_removed_device_gets_the_next_keys<S: System>() -> Outcome {
    let (mut owner, stolen, request, _) = running::<S>(Keys::Laptop)?;
    let (mut desktop, other) = S::enroll(&S::invite(&owner), Keys::Desktop);
    S::accept(&mut desktop, S::approve(&mut owner, &other)?.to(&S::device(&other)))?;
    let sent = S::revoke(&mut owner, &S::device(&request), &[&request, &other]);
    let others = sent.to(&S::device(&other));
    S::accept(&mut desktop, others)?;
    let delivery = match sent.to(&S::device(&request)) {
        [] => others,
        own => own,
    };
    take_keys::<S>(stolen, delivery, &desktop)
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
    let (_, agent, request, genuine) = running::<S>(Keys::Laptop)?;
    send_a_key::<S>(agent, &request, &genuine, InTheNameOf::TheAccount)
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
