//! What a service can make of Blindtally's formats by itself, from SPEC.md: the library makes nothing but what is genuine.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use blindtally::{AccountId, AgentStatus, Kdf, Login, LoginName, Prelogin, PublicIdentity, Token, TokenClass};
use data_encoding::BASE64URL_NOPAD;
use getrandom::SysRng;
use hkdf::Hkdf;
use rsa::pkcs8::DecodePublicKey;
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, Pss, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};

/// What a request with a ticket says in clear (SPEC.md#enrollment).
pub(crate) struct Request {
    pub(crate) account: AccountId,
    pub(crate) device: PublicIdentity,
    pub(crate) nonce: [u8; 16],
}

impl Request {
    pub(crate) const HEAD: usize = 4 + 16 + 1 + 32 + 16 + 8 + 2;

    pub(crate) fn read(request: &[u8]) -> Self {
        let mut at = if request[20] == 1 { Self::HEAD } else { 4 + 16 + 1 + 15 + 32 };
        let encryption = lp(request, &mut at);
        let signing = lp(request, &mut at);
        Self {
            account: AccountId::from_bytes(request[4..20].try_into().unwrap()),
            device: PublicIdentity::from_spki(encryption, signing).unwrap(),
            nonce: request[at..at + 16].try_into().unwrap(),
        }
    }
}

/// Bytes of a delivery's header: what it says in clear (SPEC.md#delivery).
const DELIVERY_HEAD: usize = 4 + 1 + 16 + 16 + 2 + 8 + 32 + 32 + 32 + 16 + 16;

/// The account's public keys, which every delivery shows.
pub(crate) fn sender(delivery: &[u8]) -> PublicIdentity {
    let mut at = DELIVERY_HEAD;
    let encryption = lp(delivery, &mut at);
    let signing = lp(delivery, &mut at);
    PublicIdentity::from_spki(encryption, signing).unwrap()
}

fn lp<'a>(bytes: &'a [u8], at: &mut usize) -> &'a [u8] {
    let len = usize::from(u16::from_be_bytes([bytes[*at], bytes[*at + 1]]));
    let part = &bytes[*at + 2..*at + 2 + len];
    *at += 2 + len;
    part
}

fn put_lp(out: &mut Vec<u8>, part: &[u8]) {
    out.extend((part.len() as u16).to_be_bytes());
    out.extend(part);
}

/// A delivery in which everything is right but, where `signer` is not `sender`'s key, the signatures.
pub(crate) struct Delivery<'a> {
    pub(crate) to: &'a Request,
    pub(crate) sender: &'a PublicIdentity,
    pub(crate) signer: &'a RsaPrivateKey,
    pub(crate) epoch: u16,
}

impl Delivery<'_> {
    /// Brings `key` for every token of class `app`.
    pub(crate) fn make(&self, key: &[u8; 32]) -> Vec<u8> {
        let Self { to, sender, epoch, .. } = self;
        let policy = self.policy();
        let mut head = b"BTD\x61\x01".to_vec();
        head.extend(to.account.as_bytes());
        head.extend(to.device.fingerprint().device_id(to.account).as_bytes());
        head.extend(epoch.to_be_bytes());
        head.extend(u64::MAX.to_be_bytes());
        head.extend(Sha256::digest(&policy));
        head.extend(to.device.fingerprint().as_bytes());
        head.extend(sender.fingerprint().as_bytes());
        head.extend(to.nonce);
        head.extend(KEY_ID);

        let digest = Sha256::digest(&head);
        let label: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let cek = [7; 32];
        let kem = RsaPublicKey::from_public_key_der(to.device.encryption_spki())
            .unwrap()
            .encrypt(&mut UnwrapErr(SysRng), Oaep::<Sha256>::new_with_label(label.into_bytes()), &cek)
            .unwrap();
        let mut bundle = (policy.len() as u32).to_be_bytes().to_vec();
        bundle.extend(&policy);
        bundle.extend([0, 1, TokenClass::APP.id()]);
        bundle.extend(key);
        let mut aad = head.clone();
        put_lp(&mut aad, &kem);
        let mut sealing_key = [0; 32];
        Hkdf::<Sha256>::new(Some(&digest), &cek).expand(b"blindtally/v1/delivery", &mut sealing_key).unwrap();
        let sealed = Aes256GcmSiv::new(&sealing_key.into())
            .encrypt(&Nonce::default(), Payload { msg: &bundle, aad: &aad })
            .unwrap();

        let mut out = head;
        put_lp(&mut out, sender.encryption_spki());
        put_lp(&mut out, sender.signing_spki());
        put_lp(&mut out, &kem);
        out.extend((sealed.len() as u32).to_be_bytes());
        out.extend(sealed);
        let signature = sign(self.signer, "delivery", &out);
        put_lp(&mut out, &signature);
        out
    }

    /// The newest policy there can be (SPEC.md#policy).
    pub(crate) fn policy(&self) -> Vec<u8> {
        let mut out = b"BTP\x71".to_vec();
        out.extend(self.to.account.as_bytes());
        out.extend(self.sender.fingerprint().as_bytes());
        out.extend(u64::MAX.to_be_bytes());
        out.extend(0u64.to_be_bytes());
        out.extend([0; 32]);
        out.push(1);
        out.extend([3, 0x11, 0x21, 0x31]);
        out.extend(self.epoch.to_be_bytes());
        out.extend(KEY_ID);
        out.extend([0, 0]);
        out.extend([0, 1, 0, 2, TokenClass::APP.id(), 0]);
        let signature = sign(self.signer, "policy", &out);
        put_lp(&mut out, &signature);
        out
    }
}

const KEY_ID: [u8; 16] = [5; 16];

/// SPEC.md#signatures.
fn sign(key: &RsaPrivateKey, label: &str, signed: &[u8]) -> Vec<u8> {
    let mut message = b"blindtally/v1/signature\0".to_vec();
    put_lp(&mut message, label.as_bytes());
    message.extend(signed);
    key.sign_with_rng(&mut UnwrapErr(SysRng), Pss::<Sha256>::new_with_salt(32), &Sha256::digest(&message)).unwrap()
}

/// What opens the tokens of one class and epoch, or a device's records of one.
#[derive(Clone)]
pub(crate) struct ClassKey {
    pub(crate) account: AccountId,
    pub(crate) class: u8,
    pub(crate) epoch: u16,
    pub(crate) key: [u8; 32],
}

impl ClassKey {
    /// Those at the end of an agent's state (SPEC.md#agent-state): a number, then class and key of each.
    pub(crate) fn all_of(agent: &blindtally::Agent) -> Vec<Self> {
        let AgentStatus::Encrypted { epoch, .. } = agent.status() else { return Vec::new() };
        let state = agent.save();
        let state = state.expose();
        // Two bytes of a key can look like the number of those behind it: then there are more before it, in order too.
        let found = (1..=255).rev().find_map(|count: usize| {
            let keys = state.len().checked_sub(33 * count)?;
            let in_order = state[keys..].iter().step_by(33).is_sorted_by(|a, b| a < b);
            (in_order && state[..keys].ends_with(&(count as u16).to_be_bytes())).then_some(&state[keys..])
        });
        let entry = |entry: &[u8]| Self {
            account: agent.account(),
            class: entry[0],
            epoch: epoch.get(),
            key: entry[1..].try_into().unwrap(),
        };
        found.unwrap_or_default().chunks_exact(33).map(entry).collect()
    }

    /// SPEC.md#token. For values of a few bytes.
    pub(crate) fn open(&self, token: &Token) -> Option<String> {
        let (header, sealed) = token.as_bytes().split_at(4);
        if header != self.header() {
            return None;
        }
        let (cipher, nonce) = self.cipher();
        let mut value = cipher.decrypt(&nonce, Payload { msg: sealed, aad: &self.aad() }).ok()?;
        value.truncate(value.iter().rposition(|&byte| byte == 0x80)?);
        String::from_utf8(value).ok()
    }

    /// The other way round. For values of up to 15 bytes.
    pub(crate) fn seal(&self, value: &str) -> Token {
        let (cipher, nonce) = self.cipher();
        let sealed = cipher.encrypt(&nonce, Payload { msg: &padded(value), aad: &self.aad() }).unwrap();
        Token::from_bytes(&[&self.header()[..], &sealed].concat()).unwrap()
    }

    /// SPEC.md#record.
    pub(crate) fn open_record(&self, record: &[u8]) -> Option<String> {
        let (header, rest) = record.split_at(RECORD_HEADER);
        let (nonce, sealed) = rest.split_first_chunk::<12>()?;
        let payload = Payload { msg: sealed, aad: &self.record_aad(header) };
        let mut value = self.record_cipher().decrypt(&(*nonce).into(), payload).ok()?;
        value.truncate(value.iter().rposition(|&byte| byte == 0x80)?);
        String::from_utf8(value).ok()
    }

    /// With the header of `genuine`. For values of up to 15 bytes.
    pub(crate) fn seal_record(&self, genuine: &[u8], value: &str) -> Vec<u8> {
        let header = &genuine[..RECORD_HEADER];
        let payload = Payload { msg: &padded(value), aad: &self.record_aad(header) };
        let sealed = self.record_cipher().encrypt(&Nonce::default(), payload).unwrap();
        [header, &[0; 12], &sealed].concat()
    }

    fn record_aad(&self, header: &[u8]) -> Vec<u8> {
        [b"blindtally/v1/record", &self.account.as_bytes()[..], header].concat()
    }

    fn record_cipher(&self) -> Aes256GcmSiv {
        let mut key = [0; 32];
        let expand = Hkdf::<Sha256>::from_prk(&self.key).unwrap();
        expand.expand(b"blindtally/v1\0\0\x06record\x21", &mut key).unwrap();
        Aes256GcmSiv::new(&key.into())
    }

    fn header(&self) -> [u8; 4] {
        let [high, low] = self.epoch.to_be_bytes();
        [0x11, self.class, high, low]
    }

    fn aad(&self) -> Vec<u8> {
        [b"blindtally/v1/token", &self.account.as_bytes()[..], &self.header()].concat()
    }

    fn cipher(&self) -> (Aes256GcmSiv, Nonce) {
        let mut out = [0; 44];
        let expand = Hkdf::<Sha256>::from_prk(&self.key).unwrap();
        expand.expand(b"blindtally/v1\0\0\x05token\x11", &mut out).unwrap();
        let key: [u8; 32] = out[..32].try_into().unwrap();
        let nonce: [u8; 12] = out[32..].try_into().unwrap();
        (Aes256GcmSiv::new(&key.into()), nonce.into())
    }
}

/// Bytes of a record before its nonce: what it says in clear.
const RECORD_HEADER: usize = 4 + 16 + 8;

fn padded(value: &str) -> [u8; 16] {
    let mut padded = [0; 16];
    padded[..value.len()].copy_from_slice(value.as_bytes());
    padded[value.len()] = 0x80;
    padded
}

/// A ticket with the terms of `genuine`, which requests show, and a secret of the service's own, since requests do not show
/// that (SPEC.md#ticket).
pub(crate) fn ticket(genuine: &[u8], secret: &[u8; 16]) -> blindtally::Ticket {
    let mut ticket = b"BTT\x51".to_vec();
    ticket.extend(&genuine[4..20]);
    ticket.extend(&genuine[21..21 + 32 + 16]);
    ticket.extend(secret);
    ticket.extend(&genuine[69..69 + 10]);
    blindtally::Ticket::parse(&checked(&ticket)).unwrap()
}

/// The text of a ticket, its checksum made right.
pub(crate) fn checked(ticket: &[u8]) -> String {
    let check = Sha256::new_with_prefix(b"blindtally/v1/ticket-check").chain_update(ticket).finalize();
    format!("btt1_{}", BASE64URL_NOPAD.encode(&[ticket, &check[..4]].concat()))
}

/// A vault with the key commitment of the first password, and under the wrapping key of the second (SPEC.md#vault).
pub(crate) fn vault(name: &str, prelogin: &Prelogin, passwords: [&str; 2]) -> Vec<u8> {
    let Kdf::Pbkdf2 { iterations } = prelogin.kdf else { unreachable!("the service chose it") };
    let stretch = |password: &str| {
        let login = Login::start(LoginName::new(name).unwrap(), *prelogin).unwrap();
        pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), login.stretch().salt(), iterations)
    };
    let [committed, wrapping] = passwords.map(|password| Hkdf::<Sha256>::from_prk(&stretch(password)).unwrap());
    let (mut commit, mut wrap) = ([0; 32], [0; 32]);
    committed.expand(b"blindtally/v1/password/commit", &mut commit).unwrap();
    wrapping.expand(b"blindtally/v1/password/wrap", &mut wrap).unwrap();
    let mut out = b"BTV\x41\x01".to_vec();
    out.extend(iterations.to_be_bytes());
    out.extend(prelogin.salt);
    out.extend(prelogin.account.as_bytes());
    out.push(1);
    out.extend(1u64.to_be_bytes());
    out.extend(commit);
    out.extend([0; 12]);
    let payload = Payload { msg: b"what a keyring would be", aad: &out };
    let sealed = Aes256GcmSiv::new(&wrap.into()).encrypt(&Nonce::default(), payload).unwrap();
    out.extend(sealed);
    out
}

/// A kept login with `proof` in the place of both keys, and the commitment that the vault shows (SPEC.md#kept-login).
pub(crate) fn kept_login(name: &str, vault: &[u8], proof: &[u8]) -> Vec<u8> {
    const ARGON2ID: usize = 1 + 12;
    const COMMIT: usize = 4 + ARGON2ID + 16 + 16 + 1 + 8;
    let mut out = b"BTL\x81".to_vec();
    put_lp(&mut out, name.as_bytes());
    out.extend(&vault[4..4 + ARGON2ID + 16 + 16]);
    out.extend(proof);
    out.extend(proof);
    out.extend(&vault[COMMIT..COMMIT + 32]);
    out.push(0);
    let check = Sha256::new_with_prefix(b"blindtally/v1/kept-login-check").chain_update(&out).finalize();
    out.extend(&check[..4]);
    out
}
