//! The service sends genuine messages again, to others than they were meant for, as what they are not, or changed.

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, BERT, Keys, WORD};
use crate::system::{Account, Edit, InTheNameOf, Sent, System, running};

attacks! {
    an_old_delivery_is_sent_again => Refused("accept.stale");
    an_old_delivery_is_sent_again_after_a_restart => Refused("accept.stale");
    the_whole_mailbox_is_sent_again_in_every_order => Refused("accept.stale");
    a_delivery_for_an_earlier_enrollment_is_sent_again => Refused("accept.refused");
    a_delivery_is_given_to_another_device => Refused("accept.refused"), seed Refused("seed.wrong");
    an_old_policy_is_sent_again => Refused("accept.stale");
    a_removed_device_is_told_to_go_on => Refused("agent.revoked");
    a_policy_turns_encryption_off => Refused("malformed.value");
    a_policy_of_the_service_turns_encryption_off => Refused("accept.refused");
    a_policy_of_the_service_in_the_name_of_the_account => Refused("accept.refused");
    a_policy_of_another_account_is_sent => Refused("accept.refused");
    a_policy_jumps_to_another_epoch => Refused("accept.refused"), seed NotThere;
    a_policy_asks_for_older_algorithms => Refused("accept.refused"), seed NotThere;
    messages_are_sent_as_what_they_are_not => Refused("malformed.kind");
}

/// An account whose only device has had its memory read in the first epoch; since then there have been two more.
struct Rotated<S: System> {
    owner: S::Owner,
    agent: S::Agent,
    device: Vec<u8>,
    leaked: S::Keys,
    sent: Vec<Sent>,
}

impl<S: System> Rotated<S> {
    fn new() -> Self {
        let (mut owner, _) = S::create(ANNA);
        let (mut agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
        let device = S::device(&request);
        let mut sent = vec![S::approve(&mut owner, &request).unwrap()];
        S::accept(&mut agent, sent[0].to(&device)).unwrap();
        let leaked = S::spill(&agent);
        for _ in 0..2 {
            let next = S::rotate(&mut owner, &[&request]);
            S::accept(&mut agent, next.to(&device)).unwrap();
            S::apply_policy(&mut agent, &next.policy).unwrap();
            sent.push(next);
        }
        Self { owner, agent, device, leaked, sent }
    }

    /// What the service reads with the keys that leaked of what the agent seals now.
    fn read(&self) -> Result<Option<Gain>, Failure> {
        Ok(S::read(&self.leaked, &S::tokenize(&self.agent, TokenClass::APP, WORD)?).map(Gain::Plaintext))
    }
}

fn an_old_delivery_is_sent_again<S: System>() -> Outcome {
    let mut rotated = Rotated::<S>::new();
    S::accept(&mut rotated.agent, rotated.sent[0].to(&rotated.device))?;
    rotated.read()?.ok_or(Failure::Harmless("sealed under the newest keys"))
}

fn an_old_delivery_is_sent_again_after_a_restart<S: System>() -> Outcome {
    let mut rotated = Rotated::<S>::new();
    rotated.agent = S::restart(rotated.agent);
    S::accept(&mut rotated.agent, rotated.sent[0].to(&rotated.device))?;
    rotated.read()?.ok_or(Failure::Harmless("sealed under the newest keys"))
}

/// Every sequence of three messages of all six, with a restart after each sequence.
fn the_whole_mailbox_is_sent_again_in_every_order<S: System>() -> Outcome {
    let mut rotated = Rotated::<S>::new();
    let messages = 2 * rotated.sent.len();
    let mut refusals = Vec::new();
    for order in 0..messages.pow(3) {
        for message in [order % messages, order / messages % messages, order / messages.pow(2)] {
            let sent = &rotated.sent[message / 2];
            let taken = match message % 2 {
                0 => S::accept(&mut rotated.agent, sent.to(&rotated.device)),
                _ => S::apply_policy(&mut rotated.agent, &sent.policy),
            };
            refusals.extend(taken.err());
            if let Some(read) = rotated.read()? {
                return Ok(read);
            }
        }
        rotated.agent = S::restart(rotated.agent);
    }
    one_refusal(refusals)
}

/// The device was set up anew with the keys that it had, after the first delivery had been read by others.
fn a_delivery_for_an_earlier_enrollment_is_sent_again<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (mut before, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let old = S::approve(&mut owner, &request).unwrap();
    let old = old.to(&S::device(&request));
    S::accept(&mut before, old).unwrap();
    let leaked = S::spill(&before);
    S::rotate(&mut owner, &[&request]);
    let (mut agent, _) = S::enroll(&S::invite(&owner), Keys::Laptop);
    S::accept(&mut agent, old)?;
    let token = S::tokenize(&agent, TokenClass::APP, WORD)?;
    S::read(&leaked, &token).map(Gain::Plaintext).ok_or(Failure::Harmless("sealed under the newest keys"))
}

/// The trusting scheme withstands this too: it encrypts to one public key.
fn a_delivery_is_given_to_another_device<S: System>() -> Outcome {
    let (mut owner, _) = S::create(ANNA);
    let (_, laptop) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let (mut spy, _) = S::enroll(&S::invite(&owner), Keys::Service);
    let sent = S::approve(&mut owner, &laptop).unwrap();
    S::accept(&mut spy, sent.to(&S::device(&laptop)))?;
    Ok(Gain::Keys)
}

fn an_old_policy_is_sent_again<S: System>() -> Outcome {
    let mut rotated = Rotated::<S>::new();
    S::apply_policy(&mut rotated.agent, &rotated.sent[0].policy)?;
    Ok(Gain::Accepted("takes old settings"))
}

/// By the settings from before it was removed.
fn a_removed_device_is_told_to_go_on<S: System>() -> Outcome {
    let mut rotated = Rotated::<S>::new();
    let removed = S::revoke(&mut rotated.owner, &rotated.device, &[]);
    S::apply_policy(&mut rotated.agent, &removed.policy).unwrap();
    S::apply_policy(&mut rotated.agent, &rotated.sent[2].policy)?;
    S::tokenize(&rotated.agent, TokenClass::APP, WORD)?;
    Ok(Gain::Accepted("works on for the thief"))
}

/// Whatever it uploads then, the service can read if it is the word itself.
fn apply<S: System>(agent: &mut S::Agent, policy: &[u8]) -> Outcome {
    S::apply_policy(agent, policy)?;
    let uploaded = S::tokenize(agent, TokenClass::APP, WORD)?;
    Ok(if uploaded == WORD { Gain::Plaintext(uploaded) } else { Gain::Accepted("takes the settings") })
}

/// Another mode than encrypted does not exist (SPEC.md#policy-mode).
fn a_policy_turns_encryption_off<S: System>() -> Outcome {
    let (_, mut laptop) = running::<S>(Keys::Laptop);
    apply::<S>(&mut laptop.agent, &S::edit_policy(&laptop.policy, Edit::EncryptionOff)?)
}

fn a_policy_of_the_service_turns_encryption_off<S: System>() -> Outcome {
    let (_, mut laptop) = running::<S>(Keys::Laptop);
    apply::<S>(&mut laptop.agent, &S::forge_policy(&laptop.request, &laptop.delivery, InTheNameOf::Itself))
}

fn a_policy_of_the_service_in_the_name_of_the_account<S: System>() -> Outcome {
    let (_, mut laptop) = running::<S>(Keys::Laptop);
    apply::<S>(&mut laptop.agent, &S::forge_policy(&laptop.request, &laptop.delivery, InTheNameOf::TheAccount))
}

fn a_policy_of_another_account_is_sent<S: System>() -> Outcome {
    let (_, mut laptop) = running::<S>(Keys::Laptop);
    let (_, bert) = S::create(BERT);
    apply::<S>(&mut laptop.agent, &bert.policy)
}

fn a_policy_jumps_to_another_epoch<S: System>() -> Outcome {
    let (_, mut laptop) = running::<S>(Keys::Laptop);
    apply::<S>(&mut laptop.agent, &S::edit_policy(&laptop.policy, Edit::LaterEpoch)?)
}

fn a_policy_asks_for_older_algorithms<S: System>() -> Outcome {
    let (_, mut laptop) = running::<S>(Keys::Laptop);
    apply::<S>(&mut laptop.agent, &S::edit_policy(&laptop.policy, Edit::OlderAlgorithms)?)
}

/// Vault, request, delivery and policy, each in the place of each other that keys come from.
fn messages_are_sent_as_what_they_are_not<S: System>() -> Outcome {
    let (mut owner, account) = S::create(ANNA);
    let (mut agent, request) = S::enroll(&S::invite(&owner), Keys::Laptop);
    let sent = S::approve(&mut owner, &request)?;
    let delivery = sent.to(&S::device(&request));
    let mut refusals = Vec::new();
    for message in [&sent.vault, &request, &sent.policy] {
        match S::accept(&mut agent, message) {
            Ok(()) => return Ok(Gain::Accepted("takes it for a delivery")),
            Err(refusal) => refusals.push(refusal),
        }
    }
    for message in [&request, delivery, &sent.policy] {
        let shown = Account { vault: message.to_vec(), ..account.clone() };
        match S::login(ANNA, &shown, 0) {
            Ok(_) => return Ok(Gain::Accepted("takes it for a vault")),
            Err(refusal) => refusals.push(refusal),
        }
    }
    one_refusal(refusals)
}

/// The only code there is, so that nothing shows by the difference.
fn one_refusal(mut refusals: Vec<Failure>) -> Outcome {
    refusals.dedup();
    match refusals.pop() {
        Some(refusal) if refusals.is_empty() => Err(refusal),
        _ => Ok(Gain::Learned("tells apart why it was refused")),
    }
}
