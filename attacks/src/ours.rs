//! Blindtally as a service sees it: thin over the library's owner and agent.

use blindtally::{
    AfterRevoking, Agent, Change, DeviceId, EnrollmentRequest, Kdf, Lifetime, Login, LoginName, Outbox, Owner,
    OwnerOptions, Password, PendingAgent, Prelogin, Sync, Ticket, TicketUses, Timestamp, Token, TokenClass,
};

use crate::attack::{Failure, refused};
use crate::forge::{self, ClassKey, Request};
use crate::people::{Keys, Person, SERVICE};
use crate::system::{Account, InTheNameOf, Sent, System};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_secs(1_790_000_000);
/// The cheapest parameters that are within bounds.
const KDF: Kdf = Kdf::Argon2id { m_kib: 19 * 1024, t: 2, p: 1 };

pub(crate) struct Blindtally;

#[allow(clippy::large_enum_variant, reason = "few are made")]
pub(crate) enum Device {
    Pending(PendingAgent),
    Running(Agent),
}

impl Device {
    fn running(&self) -> Result<&Agent, Failure> {
        match self {
            Self::Running(agent) => Ok(agent),
            Self::Pending(_) => Err(Failure::Refused("no keys yet")),
        }
    }
}

fn sent(owner: &Owner, change: Change) -> Sent {
    let vault = change.vault().to_vec();
    let outbox: Outbox = change.committed();
    let deliveries = outbox.deliveries().iter().map(|(to, delivery)| (to.as_bytes().to_vec(), delivery.clone()));
    Sent { vault, policy: owner.policy().as_bytes().to_vec(), deliveries: deliveries.collect() }
}

fn account(owner: &Owner, vault: &[u8]) -> Account<Blindtally> {
    Account {
        prelogin: owner.prelogin(),
        proof: owner.login_proof().expose().to_vec(),
        vault: vault.to_vec(),
        policy: owner.policy().as_bytes().to_vec(),
    }
}

fn unlocking(person: Person, shown: &Prelogin) -> Result<blindtally::Unlocking, Failure> {
    let login = Login::start(LoginName::new(person.name).map_err(refused)?, *shown).map_err(refused)?;
    let stretched = login.stretch().run(&Password::new(person.password).map_err(refused)?).map_err(refused)?;
    Ok(login.finish(stretched, None))
}

fn device_id(device: &[u8]) -> DeviceId {
    DeviceId::from_bytes(device.try_into().unwrap())
}

impl System for Blindtally {
    type Owner = Owner;
    type Agent = Device;
    /// A person takes it to the device; the service never has it.
    type Invitation = Ticket;
    type Prelogin = Prelogin;
    type Keys = Vec<ClassKey>;

    fn create(person: Person) -> (Owner, Account<Self>) {
        let options = OwnerOptions { kdf: KDF, identity: Some(person.keys.identity()), ..OwnerOptions::default() };
        let password = Password::new(person.password).unwrap();
        let (owner, change) = Owner::create(person.name, &password, options, NOW).unwrap();
        let account = account(&owner, change.vault());
        (owner, account)
    }

    fn prove(person: Person, shown: &Prelogin) -> Result<Vec<u8>, Failure> {
        Ok(unlocking(person, shown)?.proof().expose().to_vec())
    }

    fn login(person: Person, shown: &Account<Self>, seen: u64) -> Result<Owner, Failure> {
        Owner::unlock(unlocking(person, &shown.prelogin)?, &shown.vault, seen).map_err(refused)
    }

    fn generation(owner: &Owner) -> u64 {
        owner.generation()
    }

    fn sync(owner: &mut Owner, vault: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(match owner.sync(vault, NOW).map_err(refused)? {
            Sync::Same | Sync::Adopted => None,
            Sync::Store(change) => Some(change.vault().to_vec()),
        })
    }

    fn change_password(owner: &mut Owner, password: &str) -> Account<Self> {
        let changed = owner.change_password(&Password::new(password).unwrap(), KDF).unwrap();
        account(owner, changed.change.vault())
    }

    fn invite(owner: &Owner) -> Ticket {
        owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap()
    }

    fn enroll(invitation: &Ticket, keys: Keys) -> (Device, Vec<u8>) {
        let (pending, request) = Agent::enroll_with(invitation, "anna-laptop", keys.identity()).unwrap();
        (Device::Pending(pending), request.as_bytes().to_vec())
    }

    fn device(request: &[u8]) -> Vec<u8> {
        let Request { account, device, .. } = Request::read(request);
        device.fingerprint().device_id(account).as_bytes().to_vec()
    }

    fn approve(owner: &mut Owner, request: &[u8]) -> Result<Sent, Failure> {
        let request = EnrollmentRequest::from_bytes(request).map_err(refused)?;
        let verified = owner.inspect(&request, NOW).and_then(|inspection| inspection.verified()).map_err(refused)?;
        let change = owner.approve(verified, NOW).map_err(refused)?;
        Ok(sent(owner, change))
    }

    /// To the public keys in the owner's own table, whatever the directory says.
    fn redeliver(owner: &mut Owner, device: &[u8], _: &[&[u8]]) -> Result<Sent, Failure> {
        let change = owner.redeliver(device_id(device), NOW).map_err(refused)?;
        Ok(sent(owner, change))
    }

    fn rotate(owner: &mut Owner, _: &[&[u8]]) -> Sent {
        let change = owner.rotate(NOW).unwrap();
        sent(owner, change)
    }

    fn revoke(owner: &mut Owner, device: &[u8], _: &[&[u8]]) -> Sent {
        let change = owner.revoke(device_id(device), AfterRevoking::Rotate, NOW).unwrap();
        sent(owner, change)
    }

    fn accept(agent: &mut Device, delivery: &[u8]) -> Result<(), Failure> {
        match agent {
            Device::Pending(pending) => *agent = Device::Running(pending.accept(delivery).map_err(refused)?),
            Device::Running(running) => _ = running.accept(delivery).map_err(refused)?,
        }
        Ok(())
    }

    fn apply_policy(agent: &mut Device, policy: &[u8]) -> Result<(), Failure> {
        match agent {
            Device::Pending(_) => Err(Failure::Harmless("an agent without keys reads no policy")),
            Device::Running(running) => running.apply_policy(policy).map(|_| ()).map_err(refused),
        }
    }

    fn restart(agent: Device) -> Device {
        let saved = match &agent {
            Device::Pending(pending) => pending.save(),
            Device::Running(running) => running.save(),
        };
        match saved.restore().unwrap() {
            blindtally::RestoredAgent::Pending(pending) => Device::Pending(pending),
            blindtally::RestoredAgent::Agent(running) => Device::Running(running),
        }
    }

    fn tokenize(agent: &Device, class: TokenClass, value: &str) -> Result<String, Failure> {
        agent.running()?.tokenize(class, value).map(|token| token.to_string()).map_err(refused)
    }

    fn reveal(owner: &Owner, token: &str) -> Result<String, Failure> {
        let token: Token = token.parse().map_err(refused)?;
        owner.reveal(&token).map_err(refused)
    }

    fn forge_delivery(request: &[u8], genuine: &[u8], name: InTheNameOf) -> (Vec<u8>, Vec<ClassKey>) {
        let to = Request::read(request);
        let sender = match name {
            InTheNameOf::Itself => SERVICE.keys.identity().public().clone(),
            InTheNameOf::TheAccount => forge::sender(genuine),
        };
        forged(&to, &sender, SERVICE.keys)
    }

    fn spill(agent: &Device) -> Vec<ClassKey> {
        agent.running().map(ClassKey::all_of).unwrap_or_default()
    }

    fn read(keys: &Vec<ClassKey>, token: &str) -> Option<String> {
        let token: Token = token.parse().ok()?;
        keys.iter().find_map(|key| key.open(&token))
    }
}

fn forged(to: &Request, sender: &blindtally::PublicIdentity, signer: Keys) -> (Vec<u8>, Vec<ClassKey>) {
    let key = ClassKey { account: to.account, class: TokenClass::APP.id(), epoch: 9, key: [3; 32] };
    let delivery = forge::Delivery { to, sender, signer: &signer.signing(), epoch: key.epoch };
    (delivery.make(&key.key), vec![key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::ANNA;

    /// The attacks with forged deliveries would prove nothing if something else were wrong with these.
    #[test]
    fn a_forged_delivery_lacks_nothing_but_the_accounts_key() {
        let (owner, _) = Blindtally::create(ANNA);
        let (mut agent, request) = Blindtally::enroll(&Blindtally::invite(&owner), Keys::Laptop);
        let sender = ANNA.keys.identity().public().clone();
        let (delivery, keys) = forged(&Request::read(&request), &sender, ANNA.keys);
        Blindtally::accept(&mut agent, &delivery).unwrap();
        let token = Blindtally::tokenize(&agent, TokenClass::APP, "winword.exe").unwrap();
        assert_eq!(Blindtally::read(&keys, &token).as_deref(), Some("winword.exe"));
    }
}
