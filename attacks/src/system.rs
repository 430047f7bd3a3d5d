//! What a service sees and touches of a scheme: every message between the two ends passes through it as bytes.

use blindtally::{BlobClass, RecordClass, TokenClass};

use crate::attack::Failure;
use crate::people::{ANNA, Keys, Person};

/// What the service holds of an account, and shows to whoever logs in.
pub(crate) struct Account<S: System> {
    pub(crate) prelogin: S::Prelogin,
    /// As the client sent it at the last login; an honest service forgets it after hashing.
    pub(crate) proof: Vec<u8>,
    pub(crate) vault: Vec<u8>,
    /// Settings, or a policy.
    pub(crate) policy: Vec<u8>,
}

impl<S: System> Clone for Account<S> {
    fn clone(&self) -> Self {
        Self {
            prelogin: self.prelogin.clone(),
            proof: self.proof.clone(),
            vault: self.vault.clone(),
            policy: self.policy.clone(),
        }
    }
}

/// What the owner's client sends the service after a change.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) vault: Vec<u8>,
    pub(crate) policy: Vec<u8>,
    /// By device.
    pub(crate) deliveries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Sent {
    /// The delivery for a device; empty if there is none.
    pub(crate) fn to(&self, device: &[u8]) -> &[u8] {
        self.deliveries.iter().find(|(to, _)| to == device).map_or(&[], |(_, delivery)| delivery)
    }
}

/// An account, with a device that has its keys.
pub(crate) fn running<S: System>(keys: Keys) -> (S::Owner, Joined<S>) {
    let (mut owner, _) = S::create(ANNA);
    let joined = join::<S>(&mut owner, keys);
    (owner, joined)
}

/// One device more. Nothing is attacked yet: what fails here is no attack that failed.
pub(crate) fn join<S: System>(owner: &mut S::Owner, keys: Keys) -> Joined<S> {
    let (mut agent, request) = S::enroll(&S::invite(owner), keys);
    let sent = S::approve(owner, &request).unwrap();
    let delivery = sent.to(&S::device(&request)).to_vec();
    S::accept(&mut agent, &delivery).unwrap();
    Joined { agent, request, delivery, policy: sent.policy }
}

/// A device that has its keys, and what went through the service until it had them.
pub(crate) struct Joined<S: System> {
    pub(crate) agent: S::Agent,
    pub(crate) request: Vec<u8>,
    pub(crate) delivery: Vec<u8>,
    pub(crate) policy: Vec<u8>,
}

/// In whose name the service makes a delivery. It signs with its own key, which is the only one it has.
#[derive(Clone, Copy)]
pub(crate) enum InTheNameOf {
    Itself,
    TheAccount,
}

/// How the service would have a password stretched.
#[derive(Clone, Copy)]
pub(crate) enum Cost {
    /// So that a million guesses take no time.
    Nothing,
    /// So that a login takes days.
    Everything,
}

/// What the service writes into a policy that it has seen.
#[derive(Clone, Copy)]
pub(crate) enum Edit {
    /// Words are to be sent as they are.
    EncryptionOff,
    /// Another epoch is the newest.
    LaterEpoch,
    /// Older algorithms are good enough.
    OlderAlgorithms,
}

/// What the service writes over a record or a blob, in what is not encrypted.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    Class,
    Device,
    Time,
}

/// What the service writes over the header of a token.
#[derive(Clone, Copy)]
pub(crate) enum TokenLabel {
    Class(TokenClass),
    /// The second.
    Epoch,
    OlderAlgorithms,
}

/// Where the labels of a record or a blob stand.
pub(crate) struct Labels {
    pub(crate) class: usize,
    pub(crate) device: usize,
    pub(crate) time: usize,
}

impl Labels {
    /// `sealed` with the label of `other`.
    pub(crate) fn exchange(&self, label: Label, sealed: &[u8], other: &[u8]) -> Vec<u8> {
        let range = match label {
            Label::Class => self.class..self.class + 1,
            Label::Device => self.device..self.device + 16,
            Label::Time => self.time..self.time + 8,
        };
        let mut relabelled = sealed.to_vec();
        relabelled[range.clone()].copy_from_slice(&other[range]);
        relabelled
    }
}

/// How blobs are made up: what stands before the first piece, and the bytes of each.
pub(crate) struct Pieces {
    pub(crate) head: usize,
    pub(crate) piece: usize,
}

impl Pieces {
    /// What stands before the pieces, and they.
    pub(crate) fn of<'a>(&self, blob: &'a [u8]) -> (&'a [u8], Vec<&'a [u8]>) {
        let (head, rest) = blob.split_at(self.head);
        (head, rest.chunks(self.piece).collect())
    }
}

/// What an owner sees of an archive.
pub(crate) struct Opened {
    /// Path and content.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Whether the owner is told that some may be missing.
    pub(crate) may_lack_files: bool,
}

/// A scheme under attack. The first half is how its ends behave, whoever they talk to; the second what a service can make
/// of what it has seen.
pub(crate) trait System: Sized {
    /// The owner's client, unlocked.
    type Owner;
    /// The program on a device, before and after it has keys.
    type Agent;
    /// What a person carries to a device.
    type Invitation;
    /// What a person types into a device instead, and what the device shows for it.
    type Code;
    /// What the service answers to a login name.
    type Prelogin: Clone;
    /// What opens what agents seal.
    type Keys;
    type Backup;

    fn create(person: Person) -> (Self::Owner, Account<Self>);
    /// For a person who wants more than a password between the service and the keys.
    fn create_with_secret(person: Person) -> (Self::Owner, Account<Self>);
    /// What the client begins to compute when the service answers its name so.
    fn start(person: Person, shown: &Self::Prelogin) -> Result<(), Failure>;
    /// What the client sends then.
    fn prove(person: Person, shown: &Self::Prelogin) -> Result<Vec<u8>, Failure>;
    /// `seen` is the newest generation that this client remembers; 0 for none.
    fn login(person: Person, shown: &Account<Self>, seen: u64) -> Result<Self::Owner, Failure>;
    /// What a client keeps to log in again without the password.
    fn keep(owner: &Self::Owner) -> Vec<u8>;
    fn login_kept(person: Person, kept: &[u8], shown: &Account<Self>, seen: u64) -> Result<Self::Owner, Failure>;
    fn generation(owner: &Self::Owner) -> u64;
    /// The client finds that vault at the service while it works; gives what it then stores, if anything.
    fn sync(owner: &mut Self::Owner, vault: &[u8]) -> Result<Option<Vec<u8>>, Failure>;
    fn change_password(owner: &mut Self::Owner, password: &'static str) -> Account<Self>;

    /// What opens the account when the password is lost.
    fn backup(owner: &Self::Owner) -> Self::Backup;
    /// `shown` is what the service says that it has of the account, with that generation.
    fn restore(
        backup: &Self::Backup,
        person: Person,
        shown: &Account<Self>,
        generation: u64,
        directory: &[&[u8]],
    ) -> Result<(Self::Owner, Sent), Failure>;

    fn invite(owner: &Self::Owner) -> Self::Invitation;
    /// A device asks for keys; the request goes through the service.
    fn enroll(invitation: &Self::Invitation, keys: Keys) -> (Self::Agent, Vec<u8>);
    fn code(owner: &Self::Owner) -> Self::Code;
    /// The device also shows a code of its own.
    fn enroll_by_code(code: &Self::Code, keys: Keys) -> (Self::Agent, Vec<u8>, String);
    /// What the service knows a device by.
    fn device(request: &[u8]) -> Vec<u8>;
    fn approve(owner: &mut Self::Owner, request: &[u8]) -> Result<Sent, Failure>;
    /// A person has looked at the device.
    fn approve_by_code(owner: &mut Self::Owner, request: &[u8], shown: &str) -> Result<Sent, Failure>;
    /// As [`System::approve`], when the invitation has long expired.
    fn approve_late(owner: &mut Self::Owner, request: &[u8]) -> Result<Sent, Failure>;
    /// `directory` is the requests of all devices, as the service shows them now.
    fn redeliver(owner: &mut Self::Owner, device: &[u8], directory: &[&[u8]]) -> Result<Sent, Failure>;
    fn rotate(owner: &mut Self::Owner, directory: &[&[u8]]) -> Sent;
    /// With new keys for those who stay.
    fn revoke(owner: &mut Self::Owner, device: &[u8], directory: &[&[u8]]) -> Sent;

    fn accept(agent: &mut Self::Agent, delivery: &[u8]) -> Result<(), Failure>;
    fn apply_policy(agent: &mut Self::Agent, policy: &[u8]) -> Result<(), Failure>;
    fn restart(agent: Self::Agent) -> Self::Agent;

    /// What an agent uploads for a value.
    fn tokenize(agent: &Self::Agent, class: TokenClass, value: &str) -> Result<String, Failure>;
    fn reveal(owner: &Self::Owner, token: &str) -> Result<String, Failure>;
    /// What the service groups by.
    fn group(token: &str) -> Vec<u8>;
    /// The tokens of words that the service lists, as `default productivity rules`.
    fn tokenize_rules(owner: &Self::Owner, class: TokenClass, words: &[&str]) -> Result<Vec<String>, Failure>;
    /// The value of a row that a person picked, in the running epoch.
    fn retokenize(owner: &Self::Owner, token: &str) -> Result<String, Failure>;
    /// The owner looks at text that the service has sent, with tokens in it.
    fn show(owner: &Self::Owner, text: &str) -> String;
    /// The owner's browser shows a page of the service's making.
    fn show_markup(owner: &Self::Owner, markup: &str) -> Result<String, Failure>;
    /// A token as it stands in text.
    fn in_text(token: &str) -> String;

    const RECORD: Labels;
    fn seal_record(agent: &Self::Agent, class: RecordClass, value: &str, time: u64) -> Result<Vec<u8>, Failure>;
    fn open_record(owner: &Self::Owner, record: &[u8]) -> Result<String, Failure>;

    const BLOB: Labels;
    const PIECES: Pieces;
    fn seal_blob(agent: &Self::Agent, class: BlobClass, content: &[u8], time: u64) -> Result<Vec<u8>, Failure>;
    fn open_blob(owner: &Self::Owner, blob: &[u8]) -> Result<Vec<u8>, Failure>;

    /// A file of files for the owner to keep.
    fn archive(owner: &Self::Owner, files: &[(&str, &[u8])]) -> Vec<u8>;
    fn open_archive(owner: &Self::Owner, archive: &[u8]) -> Result<Opened, Failure>;
    /// The service writes another path over the first file's, as well as it can.
    fn rename_in_archive(archive: &[u8], path: &str) -> Vec<u8>;
    /// The service leaves out the first file, or a piece of the archive in which it is.
    fn leave_out_first(archive: &[u8]) -> Vec<u8>;

    /// A delivery for the device that made the request, of keys that the service has chosen. `genuine` is one that it has
    /// seen of the account.
    fn forge_delivery(request: &[u8], genuine: &[u8], name: InTheNameOf) -> (Vec<u8>, Self::Keys);
    /// A policy that says what the service wants, signed by the service.
    fn forge_policy(request: &[u8], genuine: &[u8], name: InTheNameOf) -> Vec<u8>;
    fn edit_policy(genuine: &[u8], edit: Edit) -> Result<Vec<u8>, Failure>;
    /// A request for the service's own device, made of one that it has seen.
    fn forge_request(genuine: &[u8]) -> (Self::Agent, Vec<u8>);
    /// The keys of another device in a request that it has seen.
    fn splice_request(genuine: &[u8], other: &[u8]) -> Vec<u8>;
    /// An invitation that has expired, with a later date on it.
    fn prolong(invitation: &Self::Invitation) -> Self::Invitation;
    /// What the service asks a client to compute.
    fn ask_for(genuine: &Self::Prelogin, cost: Cost) -> Self::Prelogin;
    /// The same for whoever asks.
    fn one_for_all(genuine: &Self::Prelogin) -> Self::Prelogin;
    /// Bytes of a vault that a login is compared with before anything is opened.
    const VAULT_HEAD: usize;
    /// A vault that opens under either password, if there is such a thing.
    fn craft_vault(person: Person, shown: &Self::Prelogin, passwords: [&'static str; 2]) -> (Self::Prelogin, Vec<u8>);
    /// The vault opened with what proves the password.
    fn unwrap_with_proof(person: Person, account: &Account<Self>) -> Result<Self::Keys, Failure>;
    /// What the memory of an agent holds: for the service's own, and for one whose user reads it.
    fn spill(agent: &Self::Agent) -> Self::Keys;
    fn read(keys: &Self::Keys, token: &str) -> Option<String>;
    fn forge_token(keys: &Self::Keys, value: &str) -> String;
    fn token_bytes(token: &str) -> Vec<u8>;
    fn token_text(bytes: &[u8]) -> String;
    fn relabel(token: &str, label: TokenLabel) -> Result<String, Failure>;
    fn read_record(keys: &Self::Keys, record: &[u8]) -> Option<String>;
    /// `genuine` with another value in it.
    fn forge_record(keys: &Self::Keys, genuine: &[u8], value: &str) -> Vec<u8>;
}
