//! The service tries to be given keys, or to have agents use keys that it knows.

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, Keys};
use crate::system::{InTheNameOf, Sent, System};

const WORD: &str = "winword.exe";

attacks! {
    agents_are_sent_the_services_own_key => Refused("accept.refused");
    agents_are_sent_the_services_own_key_in_the_accounts_name => Refused("accept.refused");
    a_running_agent_is_sent_another_key => Refused("accept.refused");
    a_devices_key_is_swapped_in_the_directory => Refused("accept.refused");
}

fn agents_are_sent_the_services_own_key<S: System>() -> Outcome {
    send_keys_of_the_services::<S>(InTheNameOf::Itself)
}

fn agents_are_sent_the_services_own_key_in_the_accounts_name<S: System>() -> Outcome {
    send_keys_of_the_services::<S>(InTheNameOf::TheAccount)
}

fn send_keys_of_the_services<S: System>(name: InTheNameOf) -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (mut agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let genuine = S::approve(&mut owner, &request)?;
    let (forged, keys) = S::forge_delivery(&request, genuine.to(&S::device(&request)), name);
    S::accept(&mut agent, &forged)?;
    read_what_comes::<S>(&agent, &keys)
}

fn a_running_agent_is_sent_another_key<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (mut agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let genuine = S::approve(&mut owner, &request)?;
    let genuine = genuine.to(&S::device(&request));
    S::accept(&mut agent, genuine)?;
    let (forged, keys) = S::forge_delivery(&request, genuine, InTheNameOf::TheAccount);
    S::accept(&mut agent, &forged)?;
    read_what_comes::<S>(&agent, &keys)
}

/// Whatever the agent seals from now on, the service tries to read.
fn read_what_comes<S: System>(agent: &S::Agent, keys: &S::Keys) -> Outcome {
    let token = S::tokenize(agent, TokenClass::APP, WORD)?;
    S::read(keys, &token).map(Gain::Plaintext).ok_or(Failure::Harmless("sealed under other keys"))
}

/// At a later delivery: when the device was approved, the service was still honest.
fn a_devices_key_is_swapped_in_the_directory<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (mut laptop, genuine) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let device = S::device(&genuine);
    S::accept(&mut laptop, S::approve(&mut owner, &genuine)?.to(&device))?;

    let (mut spy, swapped) = S::enroll(&S::invite(&owner), Keys::Service);
    let sent: Sent = S::redeliver(&mut owner, &device, &[&swapped])?;
    S::accept(&mut spy, sent.to(&device))?;
    read_what_comes::<S>(&laptop, &S::spill(&spy))
}
