//! Keys and policy from the owner to one device: sealed to its RSA key, signed by the account (SPEC.md#delivery).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::aead;
use crate::class::AnyClass;
use crate::error::{EntropyError, ParseError};
use crate::hash::sha256;
use crate::id::{AccountId, DeviceId, Epoch, KeyId};
use crate::identity::{Fingerprint, PublicIdentity, RSA_MAX, SPKI_MAX, signed_message};
use crate::policy::{POLICY_MAX, ascending};
use crate::secret::Secret;
use crate::suite::{Kind, Suite};
use crate::wire::{Reader, Writer};

/// Longest delivery in bytes: the longest policy, a key for every class, and the envelope.
pub(crate) const DELIVERY_MAX: usize = POLICY_MAX + (16 << 10);
const SIGNATURE_LABEL: &str = "delivery";
const TO_DEVICE: u8 = 1;
/// Fresh for every delivery, since the key is: the nonce can be constant.
const NONCE: [u8; 12] = [0; 12];

/// What a delivery says about itself, in clear and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryHeader {
    pub(crate) account: AccountId,
    pub(crate) recipient: DeviceId,
    pub(crate) epoch: Epoch,
    pub(crate) seq: u64,
    pub(crate) policy_hash: [u8; 32],
    pub(crate) recipient_fingerprint: Fingerprint,
    pub(crate) sender_fingerprint: Fingerprint,
    pub(crate) enrollment_nonce: [u8; 16],
    pub(crate) key_id: KeyId,
}

impl DeliveryHeader {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::artefact(Kind::Delivery, Suite::Delivery);
        out.u8(TO_DEVICE).put(self.account.as_bytes()).put(self.recipient.as_bytes());
        out.u16(self.epoch.get()).u64(self.seq).put(&self.policy_hash);
        out.put(self.recipient_fingerprint.as_bytes()).put(self.sender_fingerprint.as_bytes());
        out.put(&self.enrollment_nonce).put(self.key_id.as_bytes());
        out.into_public()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        if reader.u8()? != TO_DEVICE {
            return Err(ParseError::Value);
        }
        Ok(Self {
            account: AccountId::from_bytes(reader.array()?),
            recipient: DeviceId::from_bytes(reader.array()?),
            epoch: Epoch::new(reader.u16()?)?,
            seq: reader.u64()?,
            policy_hash: reader.array()?,
            recipient_fingerprint: Fingerprint::from_bytes(reader.array()?),
            sender_fingerprint: Fingerprint::from_bytes(reader.array()?),
            enrollment_nonce: reader.array()?,
            key_id: KeyId::from_bytes(reader.array()?),
        })
    }
}

/// What a delivery brings: the signed policy, and one key for each class.
pub(crate) struct Bundle {
    pub(crate) policy: Zeroizing<Vec<u8>>,
    /// Ascending by class id. A token class comes with its class key, a record or blob class with the device's key.
    pub(crate) keys: Vec<(AnyClass, Secret<32>)>,
}

impl Bundle {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.lp32(&self.policy).u16(self.keys.len() as u16);
        self.keys.iter().for_each(|(class, key)| _ = out.u8(class.id()).put(key.expose()));
        out.into_secret()
    }

    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes);
        let policy = Zeroizing::new(reader.lp32(POLICY_MAX)?.to_vec());
        let mut ids = Vec::new();
        let mut keys = Vec::new();
        for _ in 0..reader.u16()? {
            let id = reader.u8()?;
            let key = reader.secret()?;
            ids.push(id);
            // A class that only later versions know comes with a key of no use here.
            if let Ok(class) = AnyClass::from_id(id) {
                keys.push((class, key));
            }
        }
        ascending(&ids)?;
        reader.finish()?;
        Ok(Self { policy, keys })
    }
}

/// A delivery that lacks only its signature.
pub(crate) struct UnsignedDelivery {
    pub(crate) recipient: DeviceId,
    signed: Vec<u8>,
}

impl UnsignedDelivery {
    pub(crate) fn seal(
        header: &DeliveryHeader,
        bundle: &Bundle,
        sender: &PublicIdentity,
        recipient: &PublicIdentity,
    ) -> Result<Self, SealError> {
        let h = header.encode();
        let digest = sha256(&[&h]);
        let cek = Secret::<32>::random()?;
        let kem = recipient.encrypt(&cek, &hex(&digest)).map_err(|_| SealError::Rsa)?;
        let aad = aad(&h, &kem);
        let sealed =
            aead::seal(&delivery_key(&cek, &digest), &NONCE, &bundle.encode(), &aad).map_err(|_| SealError::Rsa)?;
        let mut out = Writer::new();
        out.put(&h).lp(sender.encryption_spki()).lp(sender.signing_spki()).lp(&kem).lp32(&sealed);
        Ok(Self { recipient: header.recipient, signed: out.into_public() })
    }

    /// The exact bytes to sign.
    pub(crate) fn message(&self) -> Vec<u8> {
        signed_message(SIGNATURE_LABEL, &[&self.signed])
    }

    pub(crate) fn assemble(self, signature: &[u8]) -> Vec<u8> {
        let mut out = Writer::new();
        out.put(&self.signed).lp(signature);
        out.into_public()
    }
}

/// Why a delivery could not be sealed.
pub(crate) enum SealError {
    Entropy(EntropyError),
    Rsa,
}

impl From<EntropyError> for SealError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

/// A parsed delivery. Nothing in it is believed before [`Delivery::verify`].
pub(crate) struct Delivery<'a> {
    header: DeliveryHeader,
    sender: PublicIdentity,
    h: &'a [u8],
    kem: &'a [u8],
    sealed: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Delivery<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::artefact(bytes, Kind::Delivery, Suite::Delivery, DELIVERY_MAX)?;
        let header = DeliveryHeader::read(&mut reader)?;
        let h = reader.before();
        let (encryption, signing) = (reader.lp(SPKI_MAX)?, reader.lp(SPKI_MAX)?);
        let sender = PublicIdentity::from_spki(encryption, signing)?;
        let kem = reader.lp(RSA_MAX)?;
        let sealed = reader.lp32(DELIVERY_MAX)?;
        let signed = reader.before();
        let signature = reader.lp(RSA_MAX)?;
        reader.finish()?;
        Ok(Self { header, sender, h, kem, sealed, signed, signature })
    }

    /// The sender it names. Only its fingerprint can say whether that is the account.
    pub(crate) fn sender(&self) -> &PublicIdentity {
        &self.sender
    }

    /// What it says of itself.
    pub(crate) fn header(&self) -> &DeliveryHeader {
        &self.header
    }

    /// The header, once the sender's signature over everything holds.
    pub(crate) fn verify(&self) -> Option<&DeliveryHeader> {
        let message = signed_message(SIGNATURE_LABEL, &[self.signed]);
        self.sender.verifies(&message, self.signature).then_some(&self.header)
    }

    /// The RSA ciphertext of the content key, and its label.
    pub(crate) fn wrapped_key(&self) -> (&'a [u8], String) {
        (self.kem, hex(&sha256(&[self.h])))
    }

    /// Decrypts. Only for a delivery that [`Delivery::verify`] accepted from the pinned account.
    pub(crate) fn open(&self, cek: &Secret<32>) -> Option<Bundle> {
        let digest = sha256(&[self.h]);
        let bundle = aead::open(&delivery_key(cek, &digest), &NONCE, self.sealed, &aad(self.h, self.kem))?;
        Bundle::parse(&bundle).ok()
    }
}

fn delivery_key(cek: &Secret<32>, digest: &[u8]) -> Secret<32> {
    Secret::build(|key| {
        let expanded = Hkdf::<Sha256>::new(Some(digest), cek.expose()).expand(b"blindtally/v1/delivery", key);
        debug_assert!(expanded.is_ok());
    })
}

fn aad(h: &[u8], kem: &[u8]) -> Vec<u8> {
    [h, &(kem.len() as u16).to_be_bytes(), kem].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
