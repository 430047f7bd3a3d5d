//! Blindtally as a service sees it: thin over the library's owner and agent.

use std::io::Cursor;

use blindtally::{
    AccountCode, AccountSecret, AfterRevoking, Agent, Backup, BlobClass, Change, DeviceId, EnrollmentRequest, Error,
    Inspection, Kdf, KeptLogin, Lifetime, Listing, Login, LoginName, Outbox, Owner, OwnerOptions, Password,
    PendingAgent, Prelogin, Record, RecordClass, RecoveryKey, ServiceHead, Sync, Ticket, TicketUses, Timestamp, Token,
    TokenClass,
};
use data_encoding::BASE64URL_NOPAD;

use crate::attack::{Failure, refused};
use crate::forge::{self, ClassKey, Request};
use crate::people::{Keys, Person, SERVICE};
use crate::system::{Account, Cost, Edit, InTheNameOf, Labels, Opened, Pieces, Sent, System, TokenLabel};

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
            Self::Pending(_) => Err(Failure::Harmless("it has no keys yet")),
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

fn create(person: Person, account_secret: Option<AccountSecret>) -> (Owner, Account<Blindtally>) {
    let options =
        OwnerOptions { kdf: KDF, identity: Some(person.keys.identity()), account_secret, ..OwnerOptions::default() };
    let password = Password::new(person.password).unwrap();
    let (owner, change) = Owner::create(person.name, &password, options, NOW).unwrap();
    let account = account(&owner, change.vault());
    (owner, account)
}

fn approve(owner: &mut Owner, request: &[u8], now: Timestamp) -> Result<Sent, Failure> {
    let request = EnrollmentRequest::from_bytes(request).map_err(refused)?;
    let verified = owner.inspect(&request, now).and_then(Inspection::verified).map_err(refused)?;
    let change = owner.approve(verified, now).map_err(refused)?;
    Ok(sent(owner, change))
}

/// The library's refusal inside an [`std::io::Error`].
fn refused_io(error: std::io::Error) -> Failure {
    refused(Error::from_io(&error).unwrap())
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
    type Code = AccountCode;
    type Prelogin = Prelogin;
    type Keys = Vec<ClassKey>;
    type Backup = (Backup, RecoveryKey);

    fn create(person: Person) -> (Owner, Account<Self>) {
        create(person, None)
    }

    fn create_with_secret(person: Person) -> (Owner, Account<Self>) {
        create(person, Some(AccountSecret::generate().unwrap()))
    }

    fn start(person: Person, shown: &Prelogin) -> Result<(), Failure> {
        Login::start(LoginName::new(person.name).map_err(refused)?, *shown).map(|_| ()).map_err(refused)
    }

    fn prove(person: Person, shown: &Prelogin) -> Result<Vec<u8>, Failure> {
        Ok(unlocking(person, shown)?.proof().expose().to_vec())
    }

    fn login(person: Person, shown: &Account<Self>, seen: u64) -> Result<Owner, Failure> {
        Owner::unlock(unlocking(person, &shown.prelogin)?, &shown.vault, seen).map_err(refused)
    }

    fn keep(owner: &Owner) -> Vec<u8> {
        owner.keep_unlocked().expose().to_vec()
    }

    fn login_kept(person: Person, kept: &[u8], shown: &Account<Self>, seen: u64) -> Result<Owner, Failure> {
        let login = Login::start(LoginName::new(person.name).map_err(refused)?, shown.prelogin).map_err(refused)?;
        let unlocking = login.resume(&KeptLogin::from_exposed(kept.to_vec())).map_err(refused)?;
        Owner::unlock(unlocking, &shown.vault, seen).map_err(refused)
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

    fn change_password(owner: &mut Owner, password: &'static str) -> Account<Self> {
        let changed = owner.change_password(&Password::new(password).unwrap(), KDF).unwrap();
        account(owner, changed.change.vault())
    }

    fn backup(owner: &Owner) -> Self::Backup {
        owner.backup_with_recovery_key().unwrap()
    }

    fn restore(
        (backup, key): &Self::Backup,
        person: Person,
        shown: &Account<Self>,
        generation: u64,
        _: &[&[u8]],
    ) -> Result<(Owner, Sent), Failure> {
        let restored = backup.open_with_recovery_key(key).map_err(refused)?;
        let password = Password::new(person.password).map_err(refused)?;
        let head = ServiceHead { generation, policy: Some(&shown.policy) };
        let options = OwnerOptions { kdf: KDF, ..OwnerOptions::default() };
        let (owner, change) = Owner::restore(restored, person.name, &password, options, head, NOW).map_err(refused)?;
        let sent = sent(&owner, change);
        Ok((owner, sent))
    }

    fn invite(owner: &Owner) -> Ticket {
        owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap()
    }

    fn enroll(invitation: &Ticket, keys: Keys) -> (Device, Vec<u8>) {
        let (pending, request) = Agent::enroll_with(invitation, "anna-laptop", keys.identity()).unwrap();
        (Device::Pending(pending), request.as_bytes().to_vec())
    }

    fn code(owner: &Owner) -> AccountCode {
        owner.account_code()
    }

    fn enroll_by_code(code: &AccountCode, keys: Keys) -> (Device, Vec<u8>, String) {
        let (pending, request) = Agent::enroll_by_code_with(code, keys.identity()).unwrap();
        let shown = pending.device_code();
        (Device::Pending(pending), request.as_bytes().to_vec(), shown)
    }

    fn device(request: &[u8]) -> Vec<u8> {
        let Request { account, device, .. } = Request::read(request);
        device.fingerprint().device_id(account).as_bytes().to_vec()
    }

    fn approve(owner: &mut Owner, request: &[u8]) -> Result<Sent, Failure> {
        approve(owner, request, NOW)
    }

    fn approve_by_code(owner: &mut Owner, request: &[u8], shown: &str) -> Result<Sent, Failure> {
        let request = EnrollmentRequest::from_bytes(request).map_err(refused)?;
        let Inspection::NeedsComparison(comparison) = owner.inspect(&request, NOW).map_err(refused)? else {
            return Err(Failure::Harmless("it was made with a ticket"));
        };
        let verified = comparison.confirm(shown, "laptop").map_err(refused)?;
        let change = owner.approve(verified, NOW).map_err(refused)?;
        Ok(sent(owner, change))
    }

    fn approve_late(owner: &mut Owner, request: &[u8]) -> Result<Sent, Failure> {
        approve(owner, request, Timestamp::from_unix_secs(NOW.unix_secs() + 8 * 86_400))
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

    fn group(token: &str) -> Vec<u8> {
        token.parse::<Token>().unwrap().index().as_bytes().to_vec()
    }

    fn tokenize_rules(_: &Owner, _: TokenClass, _: &[&str]) -> Result<Vec<String>, Failure> {
        Err(Failure::NotThere("an owner tokenizes what a person types, one at a time"))
    }

    fn retokenize(owner: &Owner, token: &str) -> Result<String, Failure> {
        let token: Token = token.parse().map_err(refused)?;
        owner.retokenize(&token).map(|token| token.to_string()).map_err(refused)
    }

    fn show(owner: &Owner, text: &str) -> String {
        blindtally::replace_tokens(text, |token| owner.reveal(token).ok()).into_owned()
    }

    fn show_markup(_: &Owner, _: &str) -> Result<String, Failure> {
        Err(Failure::NotThere("the page reader writes text that people read: exfiltration.test.mjs"))
    }

    fn in_text(token: &str) -> String {
        token.to_owned()
    }

    const RECORD: Labels = Labels { class: 1, device: 4, time: 20 };

    fn seal_record(agent: &Device, class: RecordClass, value: &str, time: u64) -> Result<Vec<u8>, Failure> {
        agent.running()?.seal_record(class, value, time).map(|record| record.as_bytes().to_vec()).map_err(refused)
    }

    fn open_record(owner: &Owner, record: &[u8]) -> Result<String, Failure> {
        let record = Record::from_bytes(record).map_err(refused)?;
        owner.open_record(&record).map(|value| value.to_string()).map_err(refused)
    }

    const BLOB: Labels = Labels { class: 4, device: 7, time: 39 };
    const PIECES: Pieces = Pieces { head: blindtally::BlobStart::LEN, piece: (16 << 10) + 16 };

    fn seal_blob(agent: &Device, class: BlobClass, content: &[u8], time: u64) -> Result<Vec<u8>, Failure> {
        agent.running()?.seal_blob(class, time, content).map_err(refused)
    }

    fn open_blob(owner: &Owner, blob: &[u8]) -> Result<Vec<u8>, Failure> {
        owner.open_blob(blob).map(|content| content.to_vec()).map_err(refused)
    }

    fn archive(owner: &Owner, files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = owner.archive_writer(Vec::new(), NOW).unwrap();
        for (path, content) in files {
            archive.add(path, NOW, content.len() as u64, *content).unwrap();
        }
        archive.finish(owner).unwrap()
    }

    fn open_archive(owner: &Owner, archive: &[u8]) -> Result<Opened, Failure> {
        let mut archive = owner.opening_keys().archive(Cursor::new(archive)).map_err(refused_io)?;
        let paths: Vec<_> = archive.files().iter().map(|file| file.path().to_owned()).collect();
        let open = |(number, path)| {
            let mut content = Vec::new();
            archive.copy(number, &mut content).map_err(refused_io)?;
            Ok((path, content))
        };
        let files = paths.into_iter().enumerate().map(open).collect::<Result<_, _>>()?;
        Ok(Opened { files, may_lack_files: archive.listing() == Listing::Unlisted })
    }

    /// Paths are encrypted. Where they stand is known, so the service can change the bits of one it guesses.
    fn rename_in_archive(archive: &[u8], path: &str) -> Vec<u8> {
        let mut renamed = archive.to_vec();
        let at = Self::PIECES.head;
        renamed[at..].iter_mut().zip(path.bytes()).for_each(|(byte, other)| *byte ^= other);
        renamed
    }

    fn leave_out_first(archive: &[u8]) -> Vec<u8> {
        let (head, pieces) = Self::PIECES.of(archive);
        [head, &pieces[1..].concat()].concat()
    }

    fn forge_delivery(request: &[u8], genuine: &[u8], name: InTheNameOf) -> (Vec<u8>, Vec<ClassKey>) {
        forged(&Request::read(request), &sender(genuine, name), SERVICE.keys)
    }

    fn forge_policy(request: &[u8], genuine: &[u8], name: InTheNameOf) -> Vec<u8> {
        let sender = sender(genuine, name);
        let signer = SERVICE.keys.signing();
        forge::Delivery { to: &Request::read(request), sender: &sender, signer: &signer, epoch: 9 }.policy()
    }

    fn edit_policy(genuine: &[u8], edit: Edit) -> Result<Vec<u8>, Failure> {
        // Header, account and fingerprint, version, time, previous; then mode, floors, epoch (SPEC.md#policy).
        const MODE: usize = 4 + 16 + 32 + 8 + 8 + 32;
        let mut policy = genuine.to_vec();
        match edit {
            Edit::EncryptionOff => policy[MODE] = 0,
            Edit::OlderAlgorithms => policy[MODE + 2] = 0x10,
            Edit::LaterEpoch => {
                let epoch = MODE + 2 + usize::from(policy[MODE + 1]);
                policy[epoch..epoch + 2].copy_from_slice(&[0xff; 2]);
            }
        }
        Ok(policy)
    }

    fn forge_request(genuine: &[u8]) -> (Device, Vec<u8>) {
        Self::enroll(&forge::ticket(genuine, &[6; 16]), Keys::Service)
    }

    fn splice_request(genuine: &[u8], other: &[u8]) -> Vec<u8> {
        [&genuine[..Request::HEAD], &other[Request::HEAD..]].concat()
    }

    fn prolong(invitation: &Ticket) -> Ticket {
        let text = invitation.to_text();
        let mut bytes = BASE64URL_NOPAD.decode(text.strip_prefix("btt1_").unwrap().as_bytes()).unwrap();
        bytes.truncate(94);
        bytes[84..92].copy_from_slice(&(NOW.unix_secs() + 30 * 86_400).to_be_bytes());
        Ticket::parse(&forge::checked(&bytes)).unwrap()
    }

    fn ask_for(genuine: &Prelogin, cost: Cost) -> Prelogin {
        let kdf = match cost {
            Cost::Nothing => Kdf::Pbkdf2 { iterations: 1 },
            Cost::Everything => Kdf::Pbkdf2 { iterations: u32::MAX },
        };
        Prelogin { kdf, ..*genuine }
    }

    fn one_for_all(genuine: &Prelogin) -> Prelogin {
        Prelogin { salt: [0; 16], account: blindtally::AccountId::from_bytes([0; 16]), ..*genuine }
    }

    /// Magic, kind and suite; parameters and salt; account and purpose.
    const VAULT_HEAD: usize = 4 + 13 + 16 + 16 + 1;

    fn craft_vault(person: Person, shown: &Prelogin, passwords: [&'static str; 2]) -> (Prelogin, Vec<u8>) {
        let prelogin = Prelogin { kdf: Kdf::Pbkdf2 { iterations: 600_000 }, ..*shown };
        (prelogin, forge::vault(person.name, &prelogin, passwords))
    }

    /// A kept login holds the keys that open a vault: the service writes the proof in the place of each.
    fn unwrap_with_proof(person: Person, account: &Account<Self>) -> Result<Vec<ClassKey>, Failure> {
        let kept = forge::kept_login(person.name, &account.vault, &account.proof);
        Self::login_kept(person, &kept, account, 0).map(|_| Vec::new())
    }

    fn spill(agent: &Device) -> Vec<ClassKey> {
        agent.running().map(ClassKey::all_of).unwrap_or_default()
    }

    fn read(keys: &Vec<ClassKey>, token: &str) -> Option<String> {
        let token: Token = token.parse().ok()?;
        keys.iter().find_map(|key| key.open(&token))
    }

    fn forge_token(keys: &Vec<ClassKey>, value: &str) -> String {
        keys.iter().find(|key| key.class == TokenClass::APP.id()).unwrap().seal(value).to_string()
    }

    fn token_bytes(token: &str) -> Vec<u8> {
        token.parse::<Token>().unwrap().as_bytes().to_vec()
    }

    /// Not by way of [`Token`], which takes nothing that is malformed.
    fn token_text(bytes: &[u8]) -> String {
        format!("bt1_{}", BASE64URL_NOPAD.encode(bytes))
    }

    fn relabel(token: &str, label: TokenLabel) -> Result<String, Failure> {
        let mut bytes = Self::token_bytes(token);
        match label {
            TokenLabel::Class(class) => bytes[1] = class.id(),
            TokenLabel::Epoch => bytes[3] = 2,
            TokenLabel::OlderAlgorithms => bytes[0] = 0x10,
        }
        Ok(Self::token_text(&bytes))
    }

    fn read_record(keys: &Vec<ClassKey>, record: &[u8]) -> Option<String> {
        keys.iter().find_map(|key| key.open_record(record))
    }

    fn forge_record(keys: &Vec<ClassKey>, genuine: &[u8], value: &str) -> Vec<u8> {
        keys.iter().find(|key| key.class == genuine[1]).unwrap().seal_record(genuine, value)
    }
}

fn sender(genuine: &[u8], name: InTheNameOf) -> blindtally::PublicIdentity {
    match name {
        InTheNameOf::Itself => SERVICE.keys.identity().public().clone(),
        InTheNameOf::TheAccount => forge::sender(genuine),
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
    use crate::system::running;

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

    /// So that keys that open nothing of others are not just keys that open nothing.
    #[test]
    fn what_spills_from_a_device_opens_and_makes_its_own_records() {
        let (owner, laptop) = running::<Blindtally>(Keys::Laptop);
        let keys = Blindtally::spill(&laptop.agent);
        let record = Blindtally::seal_record(&laptop.agent, RecordClass::CHAT, "see you at eight", 1).unwrap();
        assert_eq!(Blindtally::read_record(&keys, &record).as_deref(), Some("see you at eight"));
        let forged = Blindtally::forge_record(&keys, &record, "see you at nine");
        assert_eq!(Blindtally::open_record(&owner, &forged).unwrap(), "see you at nine");
    }
}
