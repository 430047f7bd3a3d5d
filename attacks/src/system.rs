//! What a service sees and touches of a scheme: every message between the two ends passes through it as bytes.

use blindtally::TokenClass;

use crate::attack::Failure;
use crate::people::{Keys, Person};

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
    /// So that a login takes weeks.
    Everything,
}

/// Where a label of a record stands.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    Class,
    Device,
    Time,
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
    /// What the service answers to a login name.
    type Prelogin: Clone;
    /// What opens what agents seal.
    type Keys;

    fn create(person: Person) -> (Self::Owner, Account<Self>);
    /// What the client sends when the service answers its name so.
    fn prove(person: Person, shown: &Self::Prelogin) -> Result<Vec<u8>, Failure>;
    /// `seen` is the newest generation that this client remembers; 0 for none.
    fn login(person: Person, shown: &Account<Self>, seen: u64) -> Result<Self::Owner, Failure>;
    fn generation(owner: &Self::Owner) -> u64;
    /// The client finds that vault at the service while it works; gives what it then stores, if anything.
    fn sync(owner: &mut Self::Owner, vault: &[u8]) -> Result<Option<Vec<u8>>, Failure>;
    fn change_password(owner: &mut Self::Owner, password: &str) -> Account<Self>;

    fn invite(owner: &Self::Owner) -> Self::Invitation;
    /// A device asks for keys; the request goes through the service.
    fn enroll(invitation: &Self::Invitation, keys: Keys) -> (Self::Agent, Vec<u8>);
    /// What the service knows a device by.
    fn device(request: &[u8]) -> Vec<u8>;
    fn approve(owner: &mut Self::Owner, request: &[u8]) -> Result<Sent, Failure>;
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

    /// A delivery for the device that made the request, of keys that the service has chosen. `genuine` is one that it has
    /// seen of the account.
    fn forge_delivery(request: &[u8], genuine: &[u8], name: InTheNameOf) -> (Vec<u8>, Self::Keys);
    /// What the memory of an agent holds: for the service's own, and for one whose user reads it.
    fn spill(agent: &Self::Agent) -> Self::Keys;
    fn read(keys: &Self::Keys, token: &str) -> Option<String>;
}
