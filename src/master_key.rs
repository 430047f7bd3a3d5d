//! MasterKey -> class keys -> device keys: each type is made only from its parent's (SPEC.md#keys, RFC 5869).

use hkdf::Hkdf;
use sha2::Sha256;

use crate::class::{Class, DeviceScoped};
use crate::error::EntropyError;
use crate::id::{AccountId, DeviceId, Epoch, KeyId};
use crate::secret::Secret;

const MASTER_SALT: &[u8] = b"blindtally/v1/master";
const LABEL: &[u8] = b"blindtally/v1\0";

/// The 256-bit key of one epoch of an account, from which all its other keys derive. No agent ever holds one.
#[derive(Debug)]
pub struct MasterKey(Secret<32>);

impl MasterKey {
    /// A new random MasterKey.
    ///
    /// # Errors
    /// [`EntropyError`] if the operating system has no randomness.
    pub fn generate() -> Result<Self, EntropyError> {
        Secret::random().map(Self)
    }

    /// A MasterKey kept elsewhere, such as in a test vector.
    pub fn from_secret(secret: Secret<32>) -> Self {
        Self(secret)
    }

    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.0
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// Ties the key to its account and epoch.
    pub fn epoch_key(&self, scope: Scope) -> EpochKey {
        let prk = Secret::build(|prk| {
            let (mut extracted, _) = Hkdf::<Sha256>::extract(Some(MASTER_SALT), self.0.expose());
            prk.copy_from_slice(&extracted);
            zeroize::Zeroize::zeroize(extracted.as_mut_slice());
        });
        EpochKey { prk, scope }
    }
}

/// Whose keys, and of which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The epoch.
    pub epoch: Epoch,
}

/// A MasterKey made ready to derive the class keys of one account and epoch.
#[derive(Debug)]
pub struct EpochKey {
    prk: Secret<32>,
    scope: Scope,
}

impl EpochKey {
    /// Names the MasterKey without revealing it.
    pub fn key_id(&self) -> KeyId {
        let mut id = [0; 16];
        self.derive("key-id", &[], &mut id);
        KeyId::from_bytes(id)
    }

    /// What shows the service that a backup was opened.
    pub(crate) fn recovery(&self) -> Secret<32> {
        Secret::build(|proof| self.derive("recovery", &[], proof))
    }

    /// The key of one class: what an agent gets for a token class, and a manager's grant would hold.
    pub fn class_key<C: Class>(&self, class: C) -> ClassKey<C> {
        let key = Secret::build(|key| self.derive("class", &[class.id()], key));
        ClassKey { key, class, scope: self.scope }
    }

    /// `derive(purpose, context, L)` of SPEC.md#keys.
    fn derive(&self, purpose: &str, context: &[u8], out: &mut [u8]) {
        expand(
            &self.prk,
            &[
                LABEL,
                &lp(purpose.as_bytes()),
                purpose.as_bytes(),
                self.scope.account.as_bytes(),
                &self.scope.epoch.get().to_be_bytes(),
                &lp(context),
                context,
            ],
            out,
        );
    }
}

/// The key of one class in one account and epoch.
#[derive(Debug)]
pub struct ClassKey<C> {
    key: Secret<32>,
    class: C,
    scope: Scope,
}

impl<C: Class> ClassKey<C> {
    /// A class key that came in a delivery.
    pub(crate) fn delivered(key: Secret<32>, class: C, scope: Scope) -> Self {
        Self { key, class, scope }
    }

    /// The class.
    pub fn class(&self) -> C {
        self.class
    }

    /// The account and epoch.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.key
    }
}

impl<C: DeviceScoped> ClassKey<C> {
    /// The key of one device in this class: all that a device gets, so that it can neither read nor forge another's.
    pub fn device_key(&self, device: DeviceId) -> DeviceKey<C> {
        let key = Secret::build(|key| {
            expand(&self.key, &[LABEL, &lp(b"device"), b"device", device.as_bytes()], key);
        });
        DeviceKey { key, class: self.class, scope: self.scope, device }
    }
}

/// The key of one device for one class of records or blobs.
#[derive(Debug)]
pub struct DeviceKey<C> {
    key: Secret<32>,
    class: C,
    scope: Scope,
    device: DeviceId,
}

impl<C: DeviceScoped> DeviceKey<C> {
    /// A device key that came in a delivery.
    pub(crate) fn delivered(key: Secret<32>, class: C, scope: Scope, device: DeviceId) -> Self {
        Self { key, class, scope, device }
    }

    /// The class.
    pub fn class(&self) -> C {
        self.class
    }

    /// The account and epoch.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The device.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.key
    }
}

/// `purpose(K, label, suite, L)` of SPEC.md#keys: the last step, from a class or device key to the key of one suite.
pub(crate) fn purpose_key<const N: usize>(key: &Secret<32>, label: &str, suite: crate::suite::Suite) -> Secret<N> {
    Secret::build(|out| {
        let parts: [&[u8]; 4] = [LABEL, &lp(label.as_bytes()), label.as_bytes(), &[suite as u8]];
        expand(key, &parts, out);
    })
}

/// HKDF-Expand with SHA-256 over concatenated `info`. Lengths are constants well under the limit of 8160 bytes.
pub(crate) fn expand(prk: &Secret<32>, info: &[&[u8]], out: &mut [u8]) {
    let expanded = Hkdf::<Sha256>::from_prk(prk.expose()).map(|hkdf| hkdf.expand_multi_info(info, out));
    debug_assert!(matches!(expanded, Ok(Ok(()))));
}

fn lp(bytes: &[u8]) -> [u8; 2] {
    (bytes.len() as u16).to_be_bytes()
}
