//! The agent's side: one device, and every message that a service may have of an account that was shown two
//! histories, restored, merged and rotated. The search runs until no new state appears.

use std::collections::{BTreeMap, BTreeSet};

use blindtally::*;
use rsa::Oaep;
use rsa::pkcs8::DecodePrivateKey;
use sha2::Sha256;

use crate::layout::{self, AgentView};
use crate::support::*;
use crate::{Explored, explore, require};

/// What the adversary can hand to the device.
struct Message {
    name: String,
    bytes: Vec<u8>,
    kind: Kind,
    /// What the device's platform decrypts, if the device would ask it to.
    content_key: Option<[u8; 32]>,
}

impl Message {
    fn new(name: String, bytes: &[u8], kind: Kind) -> Self {
        Self { name, bytes: bytes.to_vec(), kind, content_key: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Made by the account's owner, for the enrollment of this number.
    Delivery(usize),
    /// Made by the account's owner.
    Policy,
    /// Nothing that this device may ever take.
    Foreign,
}

/// The device, enrolled by ticket and, once more with the same keys, by account code; what was made for it and around it.
struct World {
    pending: [PendingAgent; 2],
    messages: Vec<Message>,
    /// Between them they hold every MasterKey that the account ever had.
    readers: Vec<Owner>,
}

impl World {
    fn new() -> Self {
        let mut clock = NOW.unix_secs();
        let mut tick = || {
            clock += 1;
            Timestamp::from_unix_secs(clock)
        };
        let (mut main, created) = owner();
        let (prelogin, kept) = (main.prelogin(), main.keep_unlocked());
        let client = |vault: &[u8]| resume(prelogin, &kept, vault);
        let mut messages = Vec::new();
        let mut genuine = |name: &str, change: Change, enrollment: usize, device: DeviceId| {
            let vault = change.vault().to_vec();
            let outbox = change.committed();
            for (to, bytes) in outbox.deliveries() {
                let kind = if *to == device { Kind::Delivery(enrollment) } else { Kind::Foreign };
                let to = if *to == device { "" } else { " to the other device" };
                messages.push(Message::new(format!("delivery: {name}{to}"), bytes, kind));
            }
            if let Some(bytes) = outbox.policy() {
                messages.push(Message::new(format!("policy: {name}"), bytes, Kind::Policy));
            }
            vault
        };

        let ticket = main.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
        let (pending, request) = Agent::enroll_with(&ticket, "laptop", device_identity()).unwrap();
        let (by_code, again) = Agent::enroll_by_code_with(&main.account_code(), device_identity()).unwrap();
        let device = pending.device_id();
        let ticket = main.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
        let (_, other) = Agent::enroll_with(&ticket, "another", other_identity()).unwrap();
        let verified =
            |owner: &Owner, request: &EnrollmentRequest| owner.inspect(request, NOW).unwrap().verified().unwrap();

        genuine("created", created, 0, device);
        let approved = verified(&main, &request);
        let enrolled = genuine("enrolled", main.approve(approved, tick()).unwrap(), 0, device);
        let approved = verified(&main, &other);
        let both = genuine("other enrolled", main.approve(approved, tick()).unwrap(), 0, device);
        let (backup, recovery) = main.backup_with_recovery_key().unwrap();

        // A client that was shown another history: it enrols the device anew, by code.
        let mut second = client(&enrolled);
        let Inspection::NeedsComparison(comparison) = second.inspect(&again, NOW).unwrap() else { unreachable!() };
        let approved = comparison.confirm(&by_code.device_code(), "laptop again").unwrap();
        genuine("enrolled by code", second.approve(approved, tick()).unwrap(), 1, device);
        genuine("rotated by code", second.rotate(tick()).unwrap(), 1, device);
        genuine("revoked by code", second.revoke(device, AfterRevoking::KeepEpoch, tick()).unwrap(), 1, device);

        genuine("delivered again", main.redeliver(device, tick()).unwrap(), 0, device);
        let change_form = |owner: &mut Owner, class, now| {
            owner.set_canonical_form(class, CanonicalForm::AsciiLowercase, now).unwrap()
        };
        genuine("form in epoch 1", change_form(&mut main, TokenClass::APP, tick()), 0, device);
        genuine("delivered with the form", main.redeliver(device, tick()).unwrap(), 0, device);
        genuine("another form in epoch 1", change_form(&mut main, TokenClass::DOCUMENT, tick()), 0, device);

        // Two clients rotate in the same second: two keys of epoch 2, two policies of one version.
        let mut fork = client(&both);
        let now = tick();
        genuine("rotated", main.rotate(now).unwrap(), 0, device);
        genuine("rotated by the fork", fork.rotate(now).unwrap(), 0, device);
        let forked = genuine("form of the fork", change_form(&mut fork, TokenClass::URL, tick()), 0, device);
        genuine("delivered again by the fork", fork.redeliver(device, tick()).unwrap(), 0, device);
        genuine("another form of the fork", change_form(&mut fork, TokenClass::PERSON, tick()), 0, device);
        genuine("revoked by the fork", fork.revoke(device, AfterRevoking::Rotate, tick()).unwrap(), 0, device);
        genuine("form in epoch 2", change_form(&mut main, TokenClass::DOCUMENT, tick()), 0, device);
        genuine("another form in epoch 2", change_form(&mut main, TokenClass::PERSON, tick()), 0, device);
        genuine("delivered again in epoch 2", main.redeliver(device, tick()).unwrap(), 0, device);
        genuine("rotated twice", main.rotate(tick()).unwrap(), 0, device);
        genuine("form in epoch 3", change_form(&mut main, TokenClass::URL, tick()), 0, device);
        genuine("another form in epoch 3", change_form(&mut main, TokenClass::LABEL, tick()), 0, device);
        genuine("delivered again in epoch 3", main.redeliver(device, tick()).unwrap(), 0, device);

        // The account is restored from its backup while the service shows the newest policy.
        let restored = backup.open_with_recovery_key(&recovery).unwrap();
        let head = ServiceHead { generation: main.generation(), policy: Some(main.policy().as_bytes()) };
        let (restored, change) =
            Owner::restore(restored, "anna@example.com", &password(), options(), head, tick()).unwrap();
        genuine("restored", change, 0, device);

        let Sync::Store(merged) = main.sync(&forked, tick()).unwrap() else { unreachable!("the histories differ") };
        genuine("merged", *merged, 0, device);
        genuine("revoked", main.revoke(device, AfterRevoking::Rotate, tick()).unwrap(), 0, device);

        // Another account of the same person's keys, and one of the service's, each with a genuine request of this device.
        let mut foreign = |name: String, bytes: &[u8]| messages.push(Message::new(name, bytes, Kind::Foreign));
        let service = OwnerOptions { kdf: KDF, identity: Some(other_identity()), ..OwnerOptions::default() };
        for (name, options) in [("of another account", options()), ("of the service", service)] {
            let (mut owner, _) = Owner::create("anna@example.com", &password(), options, NOW).unwrap();
            let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
            let (_, request) = Agent::enroll_with(&ticket, "laptop", device_identity()).unwrap();
            let approved = verified(&owner, &request);
            let outbox = owner.approve(approved, tick()).unwrap().committed();
            foreign(format!("delivery {name}"), outbox.delivery());
            foreign(format!("policy {name}"), owner.rotate(tick()).unwrap().committed().policy().unwrap());
        }

        let made = damaged(&messages);
        messages.extend(made);
        let pending = [pending, by_code];
        for message in &mut messages {
            let mut examined = pending.iter().filter_map(|pending| pending.examine(&message.bytes).ok());
            message.content_key = examined.next().and_then(|examined| decrypt(&examined));
        }
        Self { pending, messages, readers: vec![main, second, fork, restored] }
    }

    fn search(&self, enrollment: usize, restart: Restart) -> Result<Explored<Vec<u8>>, String> {
        self.search_counting(enrollment, restart, &mut BTreeMap::new())
    }

    /// `taken` counts for each message in how many states it changed something.
    fn search_counting<'a>(
        &'a self,
        enrollment: usize,
        restart: Restart,
        taken: &mut BTreeMap<&'a str, usize>,
    ) -> Result<Explored<Vec<u8>>, String> {
        let start = self.pending[enrollment].save().expose().to_vec();
        let mut first = None;
        let look = |state: &Vec<u8>| self.look(state);
        explore(vec![start], usize::MAX, Vec::clone, look, |state| {
            let mut effects = Vec::new();
            if layout::agent(state).phase > 1 {
                first.get_or_insert_with(|| state.clone());
            }
            let from = match (restart, &first) {
                (Restart::AsFirstSaved, Some(first)) => first,
                _ => state,
            };
            let mut device = saved(from).restore().unwrap();
            for message in &self.messages {
                let mut direct = None;
                for way in [Way::Delivery, Way::Policy, Way::ExaminedEarlier] {
                    let Some((outcome, after)) = self.give(&mut device, enrollment, message, way) else { continue };
                    let after = if after == *from { state.clone() } else { after };
                    let same = way != Way::ExaminedEarlier || direct == Some((outcome, after.clone()));
                    let effect = require(same, "an old examination is worth no more than a new one")
                        .and_then(|()| self.judge(state, &after, enrollment, message, way, outcome));
                    if way == Way::Delivery {
                        direct = Some((outcome, after.clone()));
                    }
                    if after != *state {
                        device = saved(from).restore().unwrap();
                        *taken.entry(&message.name).or_default() += 1;
                    }
                    effects.push((format!("{} {way:?}", message.name), effect.map(|()| Some(after))));
                }
            }
            effects
        })
    }

    /// What holds in every state, whatever led there.
    fn look(&self, state: &[u8]) -> Result<(), String> {
        let view = layout::agent(state);
        let restored = saved(state).restore().map_err(|error| format!("a saved agent does not restore: {error}"))?;
        let agent = match restored {
            RestoredAgent::Pending(pending) => {
                require(view.phase == 1, "a device without keys is pending")?;
                return require(pending.save().expose() == state, "a restart changes nothing");
            }
            RestoredAgent::Agent(agent) => agent,
        };
        require(agent.save().expose() == state, "a restart changes nothing")?;
        let accepted = view.accepted.ok_or("a device with keys knows where they come from")?;
        let token = agent.tokenize(TokenClass::APP, "x");
        let record = agent.seal_record(RecordClass::CHAT, "x", 1);
        let own = agent.device_id();
        if view.phase == 3 {
            require(accepted.keys == 0, "a revoked device has no keys")?;
            require(
                accepted.policy.revoked.contains(own.as_bytes()),
                "only a policy that names the device revokes it",
            )?;
            require(token == Err(TokenizeError::Revoked), "a revoked device seals no token")?;
            return require(record.is_err(), "a revoked device seals no record");
        }
        require(!accepted.policy.revoked.contains(own.as_bytes()), "a device that seals is not revoked by its policy")?;
        require(accepted.policy.epoch == accepted.epoch, "policy and keys are of one epoch")?;
        require(accepted.policy.key_id == accepted.key_id, "policy and keys are of one MasterKey")?;
        let (token, record) = (token.map_err(|error| error.to_string())?, record.map_err(|error| error.to_string())?);
        require(token.epoch().get() == accepted.epoch, "tokens are of the epoch in force")?;
        let reads = |owner: &&Owner| owner.reveal(&token).is_ok_and(|value| value == "x");
        let reader =
            self.readers.iter().find(reads).ok_or("nothing is sealed under a key that is not the account's")?;
        let opened = reader.open_record(&record).is_ok_and(|value| *value == "x");
        require(opened, "records are sealed under the same epoch's keys, the device's own")
    }

    /// What a device says of a message, and what it would save after it. `None` where this way is not open to it.
    fn give(
        &self,
        device: &mut RestoredAgent,
        enrollment: usize,
        message: &Message,
        way: Way,
    ) -> Option<(Result<Outcome, AcceptError>, Vec<u8>)> {
        let (outcome, after) = match (device, way) {
            (RestoredAgent::Pending(pending), Way::Delivery) => match pending.accept(&message.bytes) {
                Ok(agent) => (Ok(Outcome::Updated), agent.save()),
                Err(error) => (Err(error), pending.save()),
            },
            // Before its keys a device has no way to take a policy.
            (RestoredAgent::Pending(_), _) => return None,
            (RestoredAgent::Agent(agent), Way::Delivery) => (agent.accept(&message.bytes), agent.save()),
            (RestoredAgent::Agent(agent), Way::Policy) => (agent.apply_policy(&message.bytes), agent.save()),
            (RestoredAgent::Agent(agent), Way::ExaminedEarlier) => {
                let examined = self.pending[enrollment].examine(&message.bytes).ok()?;
                let key = message.content_key.map(|key| Secret::copy_of(&key));
                (agent.accept_decrypted(examined, key), agent.save())
            }
        };
        Some((outcome, after.expose().to_vec()))
    }

    fn judge(
        &self,
        before: &[u8],
        after: &[u8],
        enrollment: usize,
        message: &Message,
        way: Way,
        outcome: Result<Outcome, AcceptError>,
    ) -> Result<(), String> {
        let (was, is) = (layout::agent(before), layout::agent(after));
        let changed = matches!(outcome, Ok(Outcome::Updated | Outcome::Revoked));
        require(changed || before == after, "what is not taken changes nothing")?;
        require(!changed || before != after, "what changes nothing is not called a change")?;
        let fits = match way {
            Way::Policy => message.kind == Kind::Policy,
            Way::Delivery | Way::ExaminedEarlier => message.kind == Kind::Delivery(enrollment),
        };
        require(fits || outcome.is_err(), "only the owner's own, for this enrollment, is taken")?;
        forward(&was, &is)?;
        if was.phase == 3 {
            require(outcome == Err(AcceptError::Revoked), "a revoked device takes nothing")?;
        }
        if is.phase == 3 && was.phase != 3 {
            require(outcome == Ok(Outcome::Revoked), "a revocation is called one")?;
            return Ok(());
        }
        if changed && way != Way::Policy {
            let header = layout::delivery(&message.bytes);
            let accepted = is.accepted.ok_or("accepted")?;
            let same = (accepted.seq, accepted.epoch, accepted.key_id) == (header.seq, header.epoch, header.key_id);
            require(same, "the delivery's own numbers are kept")?;
        } else if changed {
            let (was, is) = (was.accepted.ok_or("accepted")?, is.accepted.ok_or("accepted")?);
            require((was.seq, was.epoch, was.key_id) == (is.seq, is.epoch, is.key_id), "a policy brings no keys")?;
            require(is.policy == layout::policy(&message.bytes), "the policy taken is the one in force")?;
        }
        Ok(())
    }
}

/// Nothing that an agent knows ever goes back: phase, sequence number, epoch, policy version, and the key of an epoch.
fn forward(was: &AgentView, is: &AgentView) -> Result<(), String> {
    require(is.phase >= was.phase, "phases only go forward")?;
    let (Some(was), Some(is)) = (&was.accepted, &is.accepted) else { return Ok(()) };
    require(is.seq >= was.seq, "sequence numbers never decrease")?;
    require(is.epoch >= was.epoch, "epochs never decrease")?;
    require(is.policy.version >= was.policy.version, "policy versions never decrease")?;
    require(is.policy.version > was.policy.version || is.policy == was.policy, "a version is one policy")?;
    require(is.epoch > was.epoch || is.key_id == was.key_id, "an epoch has one key")
}

/// How a device comes back after it was switched off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restart {
    /// As SPEC.md#agent has it: what was accepted was saved.
    Faithful,
    /// With what it saved first: an agent that forgets. It only exists to show that the search would notice.
    AsFirstSaved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Delivery,
    Policy,
    /// Examined while the device was pending, decrypted by its platform, finished now.
    ExaminedEarlier,
}

fn saved(state: &[u8]) -> SavedAgent {
    SavedAgent::from_exposed(state.to_vec())
}

pub(crate) fn resume(prelogin: Prelogin, kept: &KeptLogin, vault: &[u8]) -> Owner {
    let login = Login::start(LoginName::new("anna@example.com").unwrap(), prelogin).unwrap();
    Owner::unlock(login.resume(kept).unwrap(), vault, 0).unwrap()
}

/// What the device's TPM would do.
fn decrypt(examined: &ExaminedDelivery) -> Option<[u8; 32]> {
    let key = rsa::RsaPrivateKey::from_pkcs8_der(include_bytes!("../keys/device1-encryption.pkcs8")).unwrap();
    let padding = Oaep::<Sha256>::new_with_label(examined.label().as_bytes());
    let content: [u8; 32] = key.decrypt(padding, examined.ciphertext()).ok()?.try_into().ok()?;
    Some(content)
}

/// Genuine messages with one thing changed, and parts of two put together.
fn damaged(messages: &[Message]) -> Vec<Message> {
    let named = |name: &str| messages.iter().find(|message| message.name == name).unwrap().bytes.clone();
    let (first, second) = (named("delivery: enrolled"), named("delivery: rotated"));
    let (old, policy) = (named("policy: created"), named("policy: rotated"));
    let mut made = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| made.push(Message::new(name, &bytes, Kind::Foreign));
    // Header fields by their first byte, then the SPKIs, the wrapped key, the ciphertext, the signature.
    for at in
        [0, 4, 5, 21, 37, 39, 47, 79, 111, 143, 159, 175, 177, 600, 800, 1100, second.len() - 257, second.len() - 1]
    {
        add(format!("delivery changed at {at}"), changed(&second, at));
    }
    for at in [0, 4, 20, 52, 60, 68, 100, 101, 102, 104, 120, policy.len() - 300, policy.len() - 1] {
        add(format!("policy changed at {at}"), changed(&policy, at));
    }
    for (name, bytes) in [("delivery", &second), ("policy", &policy)] {
        add(format!("{name} cut off"), bytes[..bytes.len() - 1].to_vec());
        add(format!("{name} with more"), [bytes, &[0][..]].concat());
    }
    add("empty".into(), Vec::new());
    let header = 4 + 1 + 16 + 16 + 2 + 8 + 32 + 32 + 32 + 16 + 16;
    add("new header, old body".into(), [&second[..header], &first[header..]].concat());
    add("new body, old signature".into(), [&second[..second.len() - 256], &first[first.len() - 256..]].concat());
    add("new policy, old signature".into(), [&policy[..policy.len() - 256], &old[old.len() - 256..]].concat());
    made
}

fn changed(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn no_order_of_messages_moves_an_agent_back_or_to_foreign_keys() {
    let world = World::new();
    let mut taken = BTreeMap::new();
    for (enrollment, states, transitions) in [(0, 40, 7_000), (1, 10, 1_500)] {
        let explored = world.search_counting(enrollment, Restart::Faithful, &mut taken);
        let explored = explored.unwrap_or_else(|broken| panic!("{broken}"));
        let count = (explored.states.len(), explored.transitions);
        println!("enrollment {enrollment}: {} states {:?}, {} transitions", count.0, explored.by_depth, count.1);
        assert!(count.0 >= states && count.1 >= transitions, "it explored little");
        let phases: BTreeSet<_> = explored.states.iter().map(|state| layout::agent(state).phase).collect();
        assert_eq!(phases, BTreeSet::from([1, 2, 3]));
    }
    // The search went down every road: each delivery was taken somewhere, and each policy that brings no new epoch.
    let untaken =
        world.messages.iter().filter(|message| message.kind != Kind::Foreign && !taken.contains_key(&*message.name));
    let untaken: Vec<_> = untaken.map(|message| &*message.name).collect();
    let new_epoch = ["rotated by code", "rotated", "rotated by the fork", "rotated twice", "restored"];
    let expected = ["created"].iter().chain(&new_epoch).map(|name| format!("policy: {name}"));
    assert_eq!(untaken, expected.collect::<Vec<_>>());
}

#[test]
fn an_agent_that_forgets_what_it_saw_is_caught() {
    let broken = World::new().search(0, Restart::AsFirstSaved).err().unwrap();
    assert!(broken.starts_with("sequence numbers never decrease: start 0, delivery: "), "{broken}");
}
