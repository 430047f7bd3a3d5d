//! The account's side: requests, old vaults and old policies from the service, and whatever the person does, in any order
//! up to a stated depth. Numbers that only ever grow (generation, version, sequence numbers) do not make a state another
//! one; that they grow is checked at every transition.

use std::collections::BTreeSet;

use blindtally::*;

use crate::agent::resume;
use crate::layout::{self, KeyringView};
use crate::support::*;
use crate::{Effect, Explored, explore, require};

/// After the tickets of a day have expired, and before those of a week have.
const LATE: Timestamp = Timestamp::from_unix_secs(NOW.unix_secs() + 2 * 86_400);

/// A client of the account, as it would be after a restart.
#[derive(Clone)]
struct Client {
    vault: Vec<u8>,
    kept: Vec<u8>,
    prelogin: Prelogin,
    now: Timestamp,
    restored: bool,
    view: KeyringView,
}

/// What makes two states different.
type Key =
    (Vec<([u8; 16], [u8; 16], Option<[u8; 16]>, bool)>, BTreeSet<[u8; 16]>, Vec<u16>, u16, Vec<[u8; 16]>, u64, bool);

impl Client {
    fn new(vault: &[u8], owner: &Owner, now: Timestamp, restored: bool) -> Self {
        let (kept, prelogin) = (owner.keep_unlocked().expose().to_vec(), owner.prelogin());
        let id_of = |encryption: &[u8], signing: &[u8]| {
            let identity = PublicIdentity::from_spki(encryption, signing).unwrap();
            *identity.fingerprint().device_id(prelogin.account).as_bytes()
        };
        let view = layout::vault(vault, &kept, id_of);
        Self { vault: vault.to_vec(), kept, prelogin, now, restored, view }
    }

    fn owner(&self) -> Owner {
        resume(self.prelogin, &KeptLogin::from_exposed(self.kept.clone()), &self.vault)
    }

    fn key(&self) -> Key {
        let devices = self.view.devices.iter();
        let devices = devices.map(|(id, device)| (*id, device.nonce, device.ticket, device.revoked)).collect();
        let epochs = self.view.epochs.iter().map(|(epoch, _)| *epoch).collect();
        let KeyringView { cancelled, policy, .. } = &self.view;
        (devices, cancelled.clone(), epochs, policy.epoch, policy.revoked.clone(), self.now.unix_secs(), self.restored)
    }
}

/// A request that the service holds.
struct Request {
    name: &'static str,
    request: EnrollmentRequest,
    device: [u8; 16],
    origin: Origin,
}

#[derive(Clone, Copy)]
enum Origin {
    /// With a ticket: its number among the world's.
    Ticket {
        number: usize,
        nonce: [u8; 16],
    },
    /// Without one.
    Code,
    /// With a secret made up for a ticket that there is.
    Forged,
    OtherAccount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The service shows a request; the person confirms what can be confirmed.
    Show(usize),
    /// The person confirms what was shown, and in order, before anything had happened.
    ConfirmLate(usize),
    Cancel(usize),
    Revoke(usize, AfterRevoking),
    Redeliver(usize),
    Rotate,
    /// A day and another pass.
    Wait,
    /// The service shows the vault of another client that has this account open.
    Merge(usize),
    /// The account is restored from a backup.
    Restore(usize, Shown),
}

/// What policy the service shows to whoever restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Newest,
    First,
    Nothing,
}

/// Which vault a client opens when it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// The newest that it knows of.
    Faithful,
    /// Whatever it is given, here the first there was. Only to show that the search would notice.
    None,
}

struct World {
    first: Client,
    /// The first client, before anything had happened.
    opened: Owner,
    first_policy: Vec<u8>,
    tickets: [Ticket; 3],
    requests: Vec<Request>,
    devices: [DeviceId; 3],
    backups: Vec<(Backup, RecoveryKey, KeyringView)>,
}

impl World {
    fn new() -> Self {
        let (owner, change) = owner();
        let first = Client::new(change.vault(), &owner, NOW, false);
        let several = TicketUses::several(2).unwrap();
        let terms = [
            (TicketUses::ONE, Lifetime::days(7)),
            (TicketUses::ONE, Lifetime::days(1)),
            (several, Lifetime::hours(24)),
        ];
        let tickets = terms.map(|(uses, lifetime)| owner.issue_ticket(uses, lifetime, NOW).unwrap());
        let mut requests = Vec::new();
        let identities = [device_identity, other_identity, account_identity];
        let id = |device: usize| identities[device]().public().fingerprint().device_id(owner.account());
        for (name, device, number) in [
            ("one, week's ticket", 0, 0),
            ("one, week's ticket again", 0, 0),
            ("one, day's ticket", 0, 1),
            ("two, week's ticket", 1, 0),
            ("two, ticket for two", 1, 2),
            ("three, ticket for two", 2, 2),
        ] {
            let (pending, request) = Agent::enroll_with(&tickets[number], "device", identities[device]()).unwrap();
            let nonce = nonce_of(&pending);
            requests.push(Request {
                name,
                request,
                device: *id(device).as_bytes(),
                origin: Origin::Ticket { number, nonce },
            });
        }
        for (name, device) in [("one, by code", 0), ("two, by code", 1)] {
            let (_, request) = Agent::enroll_by_code_with(&owner.account_code(), identities[device]()).unwrap();
            requests.push(Request { name, request, device: *id(device).as_bytes(), origin: Origin::Code });
        }
        let (stranger, _) = stranger();
        let theirs = stranger.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
        let forged = with_secret_of(&tickets[0], &theirs);
        for (name, ticket, origin) in
            [("forged", &forged, Origin::Forged), ("stranger's", &theirs, Origin::OtherAccount)]
        {
            let (_, request) = Agent::enroll_with(ticket, "device", other_identity()).unwrap();
            requests.push(Request { name, request, device: *id(1).as_bytes(), origin });
        }
        let devices = [id(0), id(1), id(2)];
        let first_policy = owner.policy().as_bytes().to_vec();
        let mut world =
            Self { opened: first.owner(), first, first_policy, tickets, requests, devices, backups: Vec::new() };
        for events in [&[][..], &[Event::Show(0)], &[Event::Show(0), Event::Revoke(0, AfterRevoking::KeepEpoch)]] {
            let mut client = world.first.clone();
            for event in events {
                client = world.happen(&client, *event, &[]).unwrap().unwrap();
            }
            let (backup, key) = client.owner().backup_with_recovery_key().unwrap();
            world.backups.push((backup, key, client.view));
        }
        world
    }

    fn events(&self, state: &Client, others: usize) -> Vec<Event> {
        let with_ticket = |at: &usize| matches!(self.requests[*at].origin, Origin::Ticket { .. });
        let mut events: Vec<_> = (0..self.requests.len()).map(Event::Show).collect();
        events.extend((0..self.requests.len()).filter(with_ticket).map(Event::ConfirmLate));
        events.extend([Event::Cancel(0), Event::Cancel(2), Event::Redeliver(0), Event::Redeliver(1)]);
        events.extend([AfterRevoking::KeepEpoch, AfterRevoking::Rotate].map(|after| Event::Revoke(0, after)));
        events.push(Event::Revoke(1, AfterRevoking::KeepEpoch));
        if state.view.policy.epoch < 3 {
            events.push(Event::Rotate);
        }
        if state.now == NOW {
            events.push(Event::Wait);
        }
        if !state.restored {
            let restores = [(0, Shown::Newest), (1, Shown::First), (2, Shown::Nothing)];
            events.extend(restores.map(|(backup, shown)| Event::Restore(backup, shown)));
            events.extend((0..others).map(Event::Merge));
        }
        events
    }

    fn search(&self, depth: usize, others: &[(String, Client)], memory: Memory) -> Result<Explored<Client>, String> {
        let look = |state: &Client| self.look(state);
        explore(vec![self.first.clone()], depth, Client::key, look, |state| {
            let mut effects = Vec::new();
            for event in self.events(state, others.len()) {
                let name = match event {
                    Event::Show(at) => format!("Show({})", self.requests[at].name),
                    Event::ConfirmLate(at) => format!("ConfirmLate({})", self.requests[at].name),
                    Event::Merge(other) => format!("Merge({})", others[other].0),
                    event => format!("{event:?}"),
                };
                let effect = match memory {
                    Memory::Faithful => self.happen(state, event, others),
                    Memory::None => self.happen(&self.first, event, others).and_then(|next| match next {
                        Some(next) if !matches!(event, Event::Wait | Event::Restore(..)) => {
                            self.compare(state, &next, event, &[]).map(|()| Some(next))
                        }
                        next => Ok(next),
                    }),
                };
                effects.push((name, effect));
            }
            effects
        })
    }

    /// Lets one thing happen to a client and checks everything that one step can break.
    fn happen(&self, state: &Client, event: Event, others: &[(String, Client)]) -> Effect<Client> {
        let mut owner = state.owner();
        let now = state.now;
        let change = match event {
            Event::Wait => return Ok(Some(Client { now: LATE, ..state.clone() })),
            Event::Show(at) => match self.confirm(&owner, at, now) {
                Some(verified) => owner.approve(verified, now).map(Some),
                None => return Ok(None),
            },
            Event::ConfirmLate(at) => match self.confirm(&self.opened, at, NOW) {
                Some(verified) => owner.approve(verified, now).map(Some),
                None => return Ok(None),
            },
            Event::Cancel(ticket) => owner.cancel_ticket(self.tickets[ticket].id(), now).map(Some),
            Event::Revoke(device, after) => owner.revoke(self.devices[device], after, now).map(Some),
            Event::Redeliver(device) => owner.redeliver(self.devices[device], now).map(Some),
            Event::Rotate => owner.rotate(now).map(Some),
            Event::Merge(other) => match owner.sync(&others[other].1.vault, now) {
                Ok(Sync::Store(change)) => Ok(Some(*change)),
                Ok(Sync::Same) => {
                    let shown = &others[other].1.view;
                    let view = KeyringView { generation: shown.generation, ..state.view.clone() };
                    require(view == *shown, "what is called the same is the same")?;
                    Ok(None)
                }
                // It took over what the other client stored.
                Ok(Sync::Adopted) => {
                    let next = Client { now, ..others[other].1.clone() };
                    self.compare(state, &next, event, &[&others[other].1])?;
                    return Ok(Some(next));
                }
                Err(error) => Err(error),
            },
            Event::Restore(backup, shown) => return self.restore(state, backup, shown),
        };
        let Ok(change) = change else {
            let status = owner.devices().map(|(id, device)| (*id.as_bytes(), device.status() == DeviceStatus::Revoked));
            let known = state.view.devices.iter().map(|(id, device)| (*id, device.revoked));
            let same = status.eq(known)
                && owner.generation() == state.view.generation
                && layout::policy(owner.policy().as_bytes()) == state.view.policy;
            require(same, "a refusal changes nothing")?;
            return Ok(None);
        };
        let Some(change) = change else { return Ok(None) };
        let next = Client::new(change.vault(), &owner, now, state.restored);
        let shown: &[_] = if let Event::Merge(other) = event { &[&others[other].1] } else { &[] };
        self.compare(state, &next, event, shown)?;
        deliveries(&next.view, &change.committed())?;
        Ok(Some(next))
    }

    fn restore(&self, state: &Client, backup: usize, shown: Shown) -> Effect<Client> {
        let (backup, key, inside) = &self.backups[backup];
        let newest = state.owner().policy().as_bytes().to_vec();
        let policy = match shown {
            Shown::Newest => Some(&newest[..]),
            Shown::First => Some(&self.first_policy[..]),
            Shown::Nothing => None,
        };
        let restored = backup.open_with_recovery_key(key).unwrap();
        let name = LoginName::new("anna@example.com").unwrap();
        let new = NewPassword::for_restored(&restored, name, KDF, None).unwrap();
        // Whatever the stretching gave: it is not what is tested here.
        let stretched = Stretched::from_platform(Secret::copy_of(&[7; 32]));
        let head = ServiceHead { generation: state.view.generation, policy };
        let (owner, change) = Owner::restore_stretched(restored, new, stretched, head, state.now).unwrap();
        let next = Client::new(change.vault(), &owner, state.now, true);
        require(next.view.generation > state.view.generation, "generations grow over a restore")?;
        require(next.view.ticket_root != inside.ticket_root, "earlier tickets are void")?;
        never_lost(inside, &next.view)?;
        if let Some(policy) = policy.map(layout::policy) {
            require(next.view.policy.version > policy.version, "the policy is above the one shown")?;
            require(next.view.policy.epoch >= policy.epoch, "the epoch is not below the one shown")?;
            let same = inside.policy.key_id == policy.key_id || inside.policy.epoch > policy.epoch;
            require(same || next.view.policy.epoch > policy.epoch, "an unknown epoch is left behind")?;
            let revoked = policy.revoked.iter().all(|device| next.view.policy.revoked.contains(device));
            require(revoked, "what the shown policy revokes stays revoked")?;
        }
        deliveries(&next.view, &change.committed())?;
        Ok(Some(next))
    }

    /// As a person would who reads the device's screen.
    fn confirm(&self, owner: &Owner, at: usize, now: Timestamp) -> Option<VerifiedRequest> {
        match owner.inspect(&self.requests[at].request, now).ok()? {
            Inspection::Verified(verified) => Some(verified),
            // Whichever device's request it is: the person has device one on the desk, and types its code.
            Inspection::NeedsComparison(request) => {
                request.confirm(&device_identity().public().fingerprint().code(), "named").ok()
            }
        }
    }

    /// What holds in every state: above all, that each request is judged as SPEC.md#inspect says, from the table as it is.
    fn look(&self, state: &Client) -> Result<(), String> {
        let (owner, view) = (state.owner(), &state.view);
        for (id, device) in &view.devices {
            require(!device.revoked || view.policy.revoked.contains(id), "the policy names every revoked device")?;
        }
        for request in &self.requests {
            let code = match owner.inspect(&request.request, state.now) {
                Ok(Inspection::Verified(_)) => "verified",
                Ok(Inspection::NeedsComparison(_)) => "needs comparison",
                Err(error) => error.code(),
            };
            let expected = self.expected(state, request);
            require(code == expected, &format!("{} is {expected} and not {code}", request.name))?;
        }
        Ok(())
    }

    fn expected(&self, state: &Client, request: &Request) -> &'static str {
        let view = &state.view;
        if matches!(request.origin, Origin::OtherAccount) {
            return "enrollment.other-account";
        }
        if view.policy.revoked.contains(&request.device) {
            return "enrollment.revoked";
        }
        let (number, nonce) = match request.origin {
            Origin::Code => return "needs comparison",
            Origin::Ticket { number, nonce } if !state.restored => (number, nonce),
            _ => return "enrollment.mac",
        };
        let ticket = &self.tickets[number];
        let id = *ticket.id().as_bytes();
        let known = view.devices.get(&request.device);
        let others =
            view.devices.iter().filter(|(device, known)| **device != request.device && known.ticket == Some(id));
        match () {
            () if known.is_some_and(|known| known.ticket == Some(id) && known.nonce == nonce) => "verified",
            () if view.cancelled.contains(&id) => "ticket.cancelled",
            () if state.now >= ticket.expiry() => "ticket.expired",
            () if others.count() >= ticket.uses().get().into() => "ticket.spent",
            () => "verified",
        }
    }

    /// What no step may do to what a client knows, nor to what the vaults know that it merged.
    fn compare(&self, state: &Client, next: &Client, event: Event, merged: &[&Client]) -> Result<(), String> {
        let (was, is) = (&state.view, &next.view);
        let all = || [was].into_iter().chain(merged.iter().map(|other| &other.view));
        for known in all() {
            never_lost(known, is)?;
            require(is.generation >= known.generation, "generations never decrease")?;
        }
        require(is.generation > was.generation || !merged.is_empty(), "generations grow")?;
        let known = |device: &[u8; 16]| all().any(|view| view.devices.contains_key(device));
        for device in is.devices.keys().filter(|device| !known(device)) {
            let (Event::Show(at) | Event::ConfirmLate(at)) = event else {
                return Err("only a confirmation adds a device".into());
            };
            let request = &self.requests[at];
            let allowed = match request.origin {
                Origin::Ticket { .. } => true,
                Origin::Code => *device == *self.devices[0].as_bytes(),
                Origin::Forged | Origin::OtherAccount => false,
            };
            require(request.device == *device && allowed, "only what a person allowed is added")?;
        }
        for (id, device) in is.devices.iter().filter(|_| !merged.is_empty()) {
            let known = || all().filter_map(|view| view.devices.get(id));
            let last = known().map(|device| device.last_seq).max();
            let mut latest = known().filter(|device| Some(device.last_seq) == last);
            let one = latest.any(|other| (other.nonce, other.ticket) == (device.nonce, device.ticket));
            require(one, "nonce and ticket are of one enrollment, the one delivered to last")?;
        }
        // Two clients that were shown two histories may each have spent a ticket: nothing can prevent that. One cannot.
        for ticket in &self.tickets {
            let devices = |view: &KeyringView| {
                view.devices.values().filter(|device| device.ticket == Some(*ticket.id().as_bytes())).count()
            };
            let allowed = all().map(devices).sum::<usize>().max(ticket.uses().get().into());
            require(devices(is) <= allowed, "a ticket is on no more devices than it has uses")?;
        }
        Ok(())
    }
}

/// What one keyring knows that another must know too, which was made from it.
fn never_lost(was: &KeyringView, is: &KeyringView) -> Result<(), String> {
    require(was.epochs.iter().all(|key| is.epochs.contains(key)), "no MasterKey is lost")?;
    require(was.cancelled.is_subset(&is.cancelled), "a cancelled ticket stays cancelled")?;
    require(is.policy.version >= was.policy.version, "policy versions never decrease")?;
    require(is.policy.epoch >= was.policy.epoch, "epochs never decrease")?;
    require(is.policy.version > was.policy.version || is.policy == was.policy, "a version is one policy")?;
    let still = |device| is.policy.revoked.contains(device);
    require(was.policy.revoked.iter().all(still), "what a policy revokes, every later one does")?;
    for (id, device) in &was.devices {
        let now = is.devices.get(id).ok_or("no device is lost")?;
        require(now.revoked || !device.revoked, "a revoked device stays revoked")?;
        require(now.last_seq >= device.last_seq, "sequence numbers never decrease")?;
        let Some(ticket) = device.ticket else { continue };
        let spent = now.ticket == Some(ticket) || is.cancelled.contains(&ticket);
        require(spent, "a spent ticket stays spent")?;
    }
    Ok(())
}

/// Keys go to devices in the table that are active, as they are in the table, and to nobody else.
fn deliveries(view: &KeyringView, outbox: &Outbox) -> Result<(), String> {
    for (to, delivery) in outbox.deliveries() {
        let header = layout::delivery(delivery);
        let device = view.devices.get(to.as_bytes()).ok_or("only devices in the table get keys")?;
        require(!device.revoked && !view.policy.revoked.contains(to.as_bytes()), "no revoked device gets keys")?;
        require(
            header.device == *to.as_bytes() && header.nonce == device.nonce,
            "keys go to the enrollment in the table",
        )?;
        require(header.seq == device.last_seq, "each delivery has a number of its own")?;
        let policy = (view.policy.epoch, view.policy.key_id);
        require((header.epoch, header.key_id) == policy, "keys are those of the policy's epoch")?;
    }
    Ok(())
}

fn nonce_of(pending: &PendingAgent) -> [u8; 16] {
    layout::agent(pending.save().expose()).nonce
}

fn stranger() -> (Owner, Change) {
    let options = OwnerOptions { kdf: KDF, identity: Some(other_identity()), ..OwnerOptions::default() };
    Owner::create("service@example.com", &password(), options, NOW).unwrap()
}

/// What a service can make of a ticket whose terms it has seen: all but the secret is right.
fn with_secret_of(ours: &Ticket, theirs: &Ticket) -> Ticket {
    use data_encoding::BASE64URL_NOPAD;
    use sha2::{Digest, Sha256};
    let body = |ticket: &Ticket| BASE64URL_NOPAD.decode(&ticket.to_text().as_bytes()[5..]).unwrap()[..94].to_vec();
    let mut forged = body(ours);
    forged[68..84].copy_from_slice(&body(theirs)[68..84]);
    let check = Sha256::new_with_prefix("blindtally/v1/ticket-check").chain_update(&forged).finalize();
    Ticket::parse(&format!("btt1_{}", BASE64URL_NOPAD.encode(&[&forged, &check[..4]].concat()))).unwrap()
}

#[test]
fn no_order_of_events_gives_keys_to_a_device_that_was_not_confirmed() {
    let explored = World::new().search(3, &[], Memory::Faithful).unwrap_or_else(|broken| panic!("{broken}"));
    let Explored { states, transitions, by_depth, .. } = &explored;
    println!("the owner: {} states {by_depth:?}, {transitions} transitions", states.len());
    assert!(states.len() >= 350 && *transitions >= 2_000, "it explored little");
    let any = |seen: &dyn Fn(&KeyringView) -> bool| states.iter().any(|state| seen(&state.view));
    assert!(any(&|view| view.devices.len() == 3) && any(&|view| view.policy.epoch == 3));
    assert!(any(&|view| view.policy.revoked.len() == 2) && any(&|view| view.cancelled.len() == 2));
    assert!(any(&|view| view.policy.revoked.iter().any(|device| !view.devices.contains_key(device))));
}

#[test]
fn no_two_histories_lose_anything_when_they_are_merged() {
    let world = World::new();
    let clients = world.search(1, &[], Memory::Faithful).unwrap_or_else(|broken| panic!("{broken}"));
    let others = clients.ways.into_iter().zip(clients.states);
    let others: Vec<_> = others.filter(|(_, state)| !state.restored && state.now == NOW).collect();
    let explored = world.search(2, &others, Memory::Faithful).unwrap_or_else(|broken| panic!("{broken}"));
    let Explored { states, transitions, by_depth, .. } = &explored;
    println!(
        "merging: {} states {by_depth:?}, {transitions} transitions, {} other clients",
        states.len(),
        others.len()
    );
    assert!(states.len() >= 100 && *transitions >= 500 && others.len() >= 10, "it explored little");
}

/// The search above ends before a device that is known is revoked on one side only.
#[test]
fn no_two_clients_of_a_device_lose_anything_when_they_are_merged() {
    let world = World::new();
    let enrolled = world.happen(&world.first, Event::Show(0), &[]).unwrap().unwrap();
    let mut others = vec![("nothing".to_owned(), enrolled.clone())];
    for event in world.events(&enrolled, 0) {
        if matches!(event, Event::Wait | Event::Restore(..)) {
            continue;
        }
        let next = world.happen(&enrolled, event, &[]).unwrap_or_else(|broken| panic!("{broken}: {event:?}"));
        others.extend(next.map(|next| (format!("{event:?}"), next)));
    }
    let revoked = |client: &Client| client.view.devices.values().any(|device| device.revoked);
    assert!(others.iter().filter(|(_, client)| revoked(client)).count() == 2 && others.len() >= 10);
    for (way, client) in &others {
        for (at, (other, _)) in others.iter().enumerate() {
            let merged = world.happen(client, Event::Merge(at), &others);
            let looked = merged.and_then(|merged| merged.map_or(Ok(()), |merged| world.look(&merged)));
            looked.unwrap_or_else(|broken| panic!("{broken}: {way}, merged with {other}"));
        }
    }
}

#[test]
fn a_client_that_takes_any_vault_is_caught() {
    let broken = World::new().search(2, &[], Memory::None).err().unwrap();
    assert!(broken.starts_with("generations grow: start 0, Show(one, week's ticket), "), "{broken}");
}
