//! The scheme that Blindtally replaces, small: recorded words are encrypted, and the service is trusted with everything
//! else. Each part is a design that has been shipped; the comments say what it makes possible.

use aes::Aes256;
use aes::cipher::block_padding::{NoPadding, Padding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use blindtally::TokenClass;
use data_encoding::BASE64;
use getrandom::SysRng;
use rsa::pkcs8::{DecodePublicKey, EncodePublicKey};
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::Sha256;

use crate::attack::Failure;
use crate::people::{Keys, Person};
use crate::system::{Account, Cost, InTheNameOf, Label, Sent, System};

type Key = [u8; 32];

/// Equal words have to become equal tokens, so the IV is a constant.
const IV: [u8; 16] = [0; 16];
/// What an honest service asks for. The client computes whatever it is asked for.
const ITERATIONS: u32 = 10_000;

const WRONG: Failure = Failure::Refused("seed.wrong");

pub(crate) struct Seed;

#[derive(Clone)]
pub(crate) struct Prelogin {
    salt: [u8; 16],
    iterations: u32,
}

pub(crate) struct Owner {
    prelogin: Prelogin,
    /// Wraps the keys, and is what the service takes as proof of the password: one derivation is one wait less for the
    /// person, and the service stores only a hash of it. It sees it at every login, though.
    stretched: Key,
    /// MasterKeys, the newest last.
    keys: Vec<Key>,
}

pub(crate) struct Agent {
    name: Vec<u8>,
    private: RsaPrivateKey,
    key: Option<Key>,
    /// Support can turn it off for a customer.
    encrypts: bool,
    removed: bool,
}

impl Owner {
    /// Nothing in a vault says whose it is, how old, or whether it was changed: 32 bytes are whole blocks already.
    fn vault(&self) -> Vec<u8> {
        encrypt::<NoPadding>(&self.stretched, &self.keys.concat())
    }

    fn newest(&self) -> Key {
        *self.keys.last().unwrap()
    }

    /// Keys go to the public keys that the service's directory has.
    fn send(&self, directory: &[&[u8]], policy: &[u8]) -> Sent {
        let deliveries = directory.iter().map(|request| (Seed::device(request), deliver(request, &self.newest())));
        Sent { vault: self.vault(), policy: policy.to_vec(), deliveries: deliveries.collect() }
    }
}

/// RSA-OAEP of the bare key: whoever has the public key can make one.
fn deliver(request: &[u8], key: &Key) -> Vec<u8> {
    let (_, public) = split_request(request);
    RsaPublicKey::from_public_key_der(public)
        .unwrap()
        .encrypt(&mut UnwrapErr(SysRng), Oaep::<Sha1>::new(), key)
        .unwrap()
}

/// A device's name and its public key.
fn split_request(request: &[u8]) -> (&[u8], &[u8]) {
    let at = request.iter().position(|&byte| byte == 0).unwrap();
    (&request[..at], &request[at + 1..])
}

fn stretch(password: &str, prelogin: &Prelogin) -> Key {
    pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), &prelogin.salt, prelogin.iterations)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn encrypt<P: Padding>(key: &Key, plain: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes256>::new(key.into(), &IV.into()).encrypt_padded_vec::<P>(plain)
}

fn decrypt<P: Padding>(key: &Key, sealed: &[u8]) -> Option<Vec<u8>> {
    cbc::Decryptor::<Aes256>::new(key.into(), &IV.into()).decrypt_padded_vec::<P>(sealed).ok()
}

impl System for Seed {
    type Owner = Owner;
    type Agent = Agent;
    /// The installer that the service offers for download, with the number of the customer in it. Nothing in it is secret
    /// from the service.
    type Invitation = ();
    type Prelogin = Prelogin;
    /// One key for every class and every device.
    type Keys = Key;

    fn create(person: Person) -> (Owner, Account<Self>) {
        let prelogin = Prelogin { salt: random(), iterations: ITERATIONS };
        let owner = Owner { stretched: stretch(person.password, &prelogin), prelogin, keys: vec![random()] };
        let account = Account {
            prelogin: owner.prelogin.clone(),
            proof: owner.stretched.to_vec(),
            vault: owner.vault(),
            policy: b"encryption=on\n".to_vec(),
        };
        (owner, account)
    }

    fn prove(person: Person, shown: &Prelogin) -> Result<Vec<u8>, Failure> {
        Ok(stretch(person.password, shown).to_vec())
    }

    fn login(person: Person, shown: &Account<Self>, _: u64) -> Result<Owner, Failure> {
        let stretched = stretch(person.password, &shown.prelogin);
        let keys = decrypt::<NoPadding>(&stretched, &shown.vault).ok_or(WRONG)?;
        let keys: Vec<Key> = keys.chunks_exact(32).map(|key| key.try_into().unwrap()).collect();
        if keys.is_empty() { Err(WRONG) } else { Ok(Owner { prelogin: shown.prelogin.clone(), stretched, keys }) }
    }

    fn generation(_: &Owner) -> u64 {
        0
    }

    fn sync(owner: &mut Owner, vault: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let keys = decrypt::<NoPadding>(&owner.stretched, vault).ok_or(WRONG)?;
        owner.keys = keys.chunks_exact(32).map(|key| key.try_into().unwrap()).collect();
        Ok(None)
    }

    fn change_password(owner: &mut Owner, password: &str) -> Account<Self> {
        owner.prelogin = Prelogin { salt: random(), iterations: ITERATIONS };
        owner.stretched = stretch(password, &owner.prelogin);
        Account {
            prelogin: owner.prelogin.clone(),
            proof: owner.stretched.to_vec(),
            vault: owner.vault(),
            policy: Vec::new(),
        }
    }

    fn invite(_: &Owner) {}

    fn enroll(_: &(), keys: Keys) -> (Agent, Vec<u8>) {
        let private = keys.encryption();
        let public = private.to_public_key().to_public_key_der().unwrap();
        // A computer's name, as people give it.
        let name = b"anna-laptop".to_vec();
        let request = [&name, &[0][..], public.as_bytes()].concat();
        (Agent { name, private, key: None, encrypts: true, removed: false }, request)
    }

    fn device(request: &[u8]) -> Vec<u8> {
        split_request(request).0.to_vec()
    }

    /// The person sees the name in a list and clicks.
    fn approve(owner: &mut Owner, request: &[u8]) -> Result<Sent, Failure> {
        Ok(owner.send(&[request], b"encryption=on\n"))
    }

    fn redeliver(owner: &mut Owner, _: &[u8], directory: &[&[u8]]) -> Result<Sent, Failure> {
        Ok(owner.send(directory, b"encryption=on\n"))
    }

    fn rotate(owner: &mut Owner, directory: &[&[u8]]) -> Sent {
        owner.keys.push(random());
        owner.send(directory, b"encryption=on\n")
    }

    /// The service takes the device out of its directory, and the person trusts that it did.
    fn revoke(owner: &mut Owner, device: &[u8], directory: &[&[u8]]) -> Sent {
        owner.keys.push(random());
        owner.send(directory, &[b"encryption=on\nremoved=", device, b"\n"].concat())
    }

    fn accept(agent: &mut Agent, delivery: &[u8]) -> Result<(), Failure> {
        let key = agent.private.decrypt(Oaep::<Sha1>::new(), delivery).map_err(|_| WRONG)?;
        agent.key = Some(key.try_into().map_err(|_| WRONG)?);
        Ok(())
    }

    /// Lines that this version does not know are for another.
    fn apply_policy(agent: &mut Agent, policy: &[u8]) -> Result<(), Failure> {
        agent.removed = false;
        for line in policy.split(|&byte| byte == b'\n') {
            match line {
                b"encryption=on" => agent.encrypts = true,
                b"encryption=off" => agent.encrypts = false,
                line => agent.removed |= line.strip_prefix(b"removed=").is_some_and(|name| name == agent.name),
            }
        }
        Ok(())
    }

    fn restart(agent: Agent) -> Agent {
        agent
    }

    fn tokenize(agent: &Agent, _: TokenClass, value: &str) -> Result<String, Failure> {
        if agent.removed {
            return Err(Failure::Refused("seed.removed"));
        }
        if !agent.encrypts {
            return Ok(value.to_owned());
        }
        let key = agent.key.ok_or(WRONG)?;
        Ok(BASE64.encode(&encrypt::<Pkcs7>(&key, value.as_bytes())))
    }

    /// With the newest key that gives a well-formed end; bytes that are no text become marks, as browsers do it.
    fn reveal(owner: &Owner, token: &str) -> Result<String, Failure> {
        let sealed = BASE64.decode(token.as_bytes()).map_err(|_| WRONG)?;
        let opened = owner.keys.iter().rev().find_map(|key| decrypt::<Pkcs7>(key, &sealed)).ok_or(WRONG)?;
        Ok(String::from_utf8_lossy(&opened).into_owned())
    }

    fn forge_delivery(request: &[u8], _: &[u8], _: InTheNameOf) -> (Vec<u8>, Key) {
        let key = random();
        (deliver(request, &key), key)
    }

    fn spill(agent: &Agent) -> Key {
        agent.key.unwrap()
    }

    fn read(key: &Key, token: &str) -> Option<String> {
        String::from_utf8(decrypt::<Pkcs7>(key, &BASE64.decode(token.as_bytes()).ok()?)?).ok()
    }
}
