//! The scheme that Blindtally replaces, small: recorded words are encrypted, and the service is trusted with everything
//! else. Each part is a choice that is easily made; the comments say what it makes possible.

use aes::Aes256;
use aes::cipher::block_padding::{NoPadding, Padding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use blindtally::{BlobClass, RecordClass, TokenClass};
use data_encoding::BASE64;
use getrandom::SysRng;
use rsa::pkcs8::{DecodePublicKey, EncodePublicKey};
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::Sha256;

use crate::attack::Failure;
use crate::people::{Keys, Person};
use crate::system::{Account, Cost, Edit, InTheNameOf, Labels, Opened, Pieces, Sent, System, TokenLabel};

type Key = [u8; 32];

/// Equal words have to become equal tokens, so the IV is a constant.
const IV: [u8; 16] = [0; 16];
const BLOCK: usize = 16;
/// Of a record or a blob: its class, its device and its time are columns beside it.
const COLUMNS: usize = 1 + 16 + 8;
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

    /// With the newest key that gives a well-formed end.
    fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Failure> {
        self.keys.iter().rev().find_map(|key| decrypt::<Pkcs7>(key, sealed)).ok_or(WRONG)
    }

    /// Keys go to the public keys that the service's directory has.
    fn send(&self, directory: &[&[u8]], policy: &[u8]) -> Sent {
        let deliveries = directory.iter().map(|request| (Seed::device(request), deliver(request, &self.newest())));
        Sent { vault: self.vault(), policy: policy.to_vec(), deliveries: deliveries.collect() }
    }
}

impl Agent {
    fn row(&self, class: u8, content: &[u8], time: u64) -> Result<Vec<u8>, Failure> {
        let mut device = [0; 16];
        device[..self.name.len()].copy_from_slice(&self.name);
        let sealed = encrypt::<Pkcs7>(&self.key.ok_or(WRONG)?, content);
        Ok([&[class], &device[..], &time.to_be_bytes(), &sealed].concat())
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

fn open_vault(stretched: &Key, vault: &[u8]) -> Result<Vec<Key>, Failure> {
    let keys = decrypt::<NoPadding>(stretched, vault).ok_or(WRONG)?;
    let keys: Vec<Key> = keys.chunks_exact(32).map(|key| key.try_into().unwrap()).collect();
    if keys.is_empty() { Err(WRONG) } else { Ok(keys) }
}

fn seal_token(key: &Key, value: &str) -> String {
    BASE64.encode(&encrypt::<Pkcs7>(key, value.as_bytes()))
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
    type Code = ();
    type Prelogin = Prelogin;
    /// One key for every class and every device.
    type Keys = Key;
    /// The keys, printed.
    type Backup = Vec<Key>;

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

    /// There is no such thing: the password is all that the person has.
    fn create_with_secret(person: Person) -> (Owner, Account<Self>) {
        Self::create(person)
    }

    fn start(_: Person, _: &Prelogin) -> Result<(), Failure> {
        Ok(())
    }

    fn prove(person: Person, shown: &Prelogin) -> Result<Vec<u8>, Failure> {
        Ok(stretch(person.password, shown).to_vec())
    }

    fn login(person: Person, shown: &Account<Self>, _: u64) -> Result<Owner, Failure> {
        Self::login_kept(person, &stretch(person.password, &shown.prelogin), shown, 0)
    }

    fn keep(owner: &Owner) -> Vec<u8> {
        owner.stretched.to_vec()
    }

    fn login_kept(_: Person, kept: &[u8], shown: &Account<Self>, _: u64) -> Result<Owner, Failure> {
        let stretched = kept.try_into().map_err(|_| WRONG)?;
        let keys = open_vault(&stretched, &shown.vault)?;
        Ok(Owner { prelogin: shown.prelogin.clone(), stretched, keys })
    }

    fn generation(_: &Owner) -> u64 {
        0
    }

    fn sync(owner: &mut Owner, vault: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        owner.keys = open_vault(&owner.stretched, vault)?;
        Ok(None)
    }

    fn change_password(owner: &mut Owner, password: &'static str) -> Account<Self> {
        owner.prelogin = Prelogin { salt: random(), iterations: ITERATIONS };
        owner.stretched = stretch(password, &owner.prelogin);
        Account {
            prelogin: owner.prelogin.clone(),
            proof: owner.stretched.to_vec(),
            vault: owner.vault(),
            policy: Vec::new(),
        }
    }

    fn backup(owner: &Owner) -> Vec<Key> {
        owner.keys.clone()
    }

    fn restore(
        backup: &Vec<Key>,
        person: Person,
        _: &Account<Self>,
        _: u64,
        directory: &[&[u8]],
    ) -> Result<(Owner, Sent), Failure> {
        let (owner, _) = Self::create(person);
        let owner = Owner { keys: backup.clone(), ..owner };
        let sent = owner.send(directory, b"encryption=on\n");
        Ok((owner, sent))
    }

    fn invite(_: &Owner) {}

    fn enroll(_: &(), keys: Keys) -> (Agent, Vec<u8>) {
        let private = keys.encryption();
        let public = private.to_public_key().to_public_key_der().unwrap();
        // Computers have names, and nothing else tells them apart.
        let name = match keys {
            Keys::Desktop => b"anna-desktop".to_vec(),
            _ => b"anna-laptop".to_vec(),
        };
        let request = [&name, &[0][..], public.as_bytes()].concat();
        (Agent { name, private, key: None, encrypts: true, removed: false }, request)
    }

    fn code(_: &Owner) {}

    /// Nobody is asked to compare anything.
    fn enroll_by_code(_: &(), keys: Keys) -> (Agent, Vec<u8>, String) {
        let (agent, request) = Self::enroll(&(), keys);
        (agent, request, String::new())
    }

    fn device(request: &[u8]) -> Vec<u8> {
        split_request(request).0.to_vec()
    }

    /// The person sees the name in a list and clicks.
    fn approve(owner: &mut Owner, request: &[u8]) -> Result<Sent, Failure> {
        Ok(owner.send(&[request], b"encryption=on\n"))
    }

    fn approve_by_code(owner: &mut Owner, request: &[u8], _: &str) -> Result<Sent, Failure> {
        Self::approve(owner, request)
    }

    fn approve_late(owner: &mut Owner, request: &[u8]) -> Result<Sent, Failure> {
        Self::approve(owner, request)
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
        Ok(seal_token(&agent.key.ok_or(WRONG)?, value))
    }

    /// Bytes that are no text become marks, as browsers do it.
    fn reveal(owner: &Owner, token: &str) -> Result<String, Failure> {
        let sealed = BASE64.decode(token.as_bytes()).map_err(|_| WRONG)?;
        Ok(String::from_utf8_lossy(&owner.open(&sealed)?).into_owned())
    }

    fn group(token: &str) -> Vec<u8> {
        token.as_bytes().to_vec()
    }

    /// So that everybody starts with sensible categories.
    fn tokenize_rules(owner: &Owner, _: TokenClass, words: &[&str]) -> Result<Vec<String>, Failure> {
        Ok(words.iter().map(|word| seal_token(&owner.newest(), word)).collect())
    }

    fn retokenize(owner: &Owner, token: &str) -> Result<String, Failure> {
        Ok(seal_token(&owner.newest(), &Self::reveal(owner, token)?))
    }

    fn show(owner: &Owner, text: &str) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while let Some((before, (token, after))) =
            rest.split_once("[[").and_then(|(before, at)| Some((before, at.split_once("]]")?)))
        {
            shown += before;
            shown += &Self::reveal(owner, token).unwrap_or_else(|_| Self::in_text(token));
            rest = after;
        }
        shown + rest
    }

    /// A script of the page replaces whatever looks like a token, in the page's source: simple, and nothing is missed.
    fn show_markup(owner: &Owner, markup: &str) -> Result<String, Failure> {
        Ok(Self::show(owner, markup))
    }

    fn in_text(token: &str) -> String {
        format!("[[{token}]]")
    }

    const RECORD: Labels = Labels { class: 0, device: 1, time: 17 };

    fn seal_record(agent: &Agent, class: RecordClass, value: &str, time: u64) -> Result<Vec<u8>, Failure> {
        agent.row(class.id(), value.as_bytes(), time)
    }

    fn open_record(owner: &Owner, record: &[u8]) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&owner.open(&record[COLUMNS..])?).into_owned())
    }

    const BLOB: Labels = Self::RECORD;
    const PIECES: Pieces = Pieces { head: COLUMNS, piece: BLOCK };

    fn seal_blob(agent: &Agent, class: BlobClass, content: &[u8], time: u64) -> Result<Vec<u8>, Failure> {
        agent.row(class.id(), content, time)
    }

    fn open_blob(owner: &Owner, blob: &[u8]) -> Result<Vec<u8>, Failure> {
        owner.open(&blob[COLUMNS..])
    }

    /// The service packs the files, each as it was uploaded: path, length, content.
    fn archive(owner: &Owner, files: &[(&str, &[u8])]) -> Vec<u8> {
        let pack = |(path, content): &(&str, &[u8])| {
            let sealed = encrypt::<Pkcs7>(&owner.newest(), content);
            [path.as_bytes(), &[0], &(sealed.len() as u32).to_be_bytes(), &sealed].concat()
        };
        files.iter().flat_map(pack).collect()
    }

    fn open_archive(owner: &Owner, archive: &[u8]) -> Result<Opened, Failure> {
        let mut files = Vec::new();
        let mut rest = archive;
        while let Some(end) = rest.iter().position(|&byte| byte == 0) {
            let (path, content) = (&rest[..end], &rest[end + 5..]);
            let length = u32::from_be_bytes(rest[end + 1..end + 5].try_into().unwrap()) as usize;
            files.push((String::from_utf8_lossy(path).into_owned(), owner.open(&content[..length])?));
            rest = &content[length..];
        }
        Ok(Opened { files, may_lack_files: false })
    }

    fn rename_in_archive(archive: &[u8], path: &str) -> Vec<u8> {
        let end = archive.iter().position(|&byte| byte == 0).unwrap();
        [path.as_bytes(), &archive[end..]].concat()
    }

    fn leave_out_first(archive: &[u8]) -> Vec<u8> {
        let end = archive.iter().position(|&byte| byte == 0).unwrap();
        let length = u32::from_be_bytes(archive[end + 1..end + 5].try_into().unwrap()) as usize;
        archive[end + 5 + length..].to_vec()
    }

    fn forge_delivery(request: &[u8], _: &[u8], _: InTheNameOf) -> (Vec<u8>, Key) {
        let key = random();
        (deliver(request, &key), key)
    }

    fn forge_policy(_: &[u8], _: &[u8], _: InTheNameOf) -> Vec<u8> {
        b"encryption=off\n".to_vec()
    }

    fn edit_policy(_: &[u8], edit: Edit) -> Result<Vec<u8>, Failure> {
        match edit {
            Edit::EncryptionOff => Ok(b"encryption=off\n".to_vec()),
            Edit::LaterEpoch => Err(Failure::NotThere("keys have no numbers")),
            Edit::OlderAlgorithms => Err(Failure::NotThere("there is one set of algorithms")),
        }
    }

    fn forge_request(genuine: &[u8]) -> (Agent, Vec<u8>) {
        let (agent, request) = Self::enroll(&(), Keys::Service);
        (agent, Self::splice_request(genuine, &request))
    }

    fn splice_request(genuine: &[u8], other: &[u8]) -> Vec<u8> {
        [split_request(genuine).0, &[0], split_request(other).1].concat()
    }

    fn prolong(_: &()) {}

    fn ask_for(genuine: &Prelogin, cost: Cost) -> Prelogin {
        let iterations = match cost {
            Cost::Nothing => 1,
            Cost::Everything => u32::MAX,
        };
        Prelogin { iterations, ..genuine.clone() }
    }

    fn one_for_all(genuine: &Prelogin) -> Prelogin {
        Prelogin { salt: [0; 16], ..genuine.clone() }
    }

    const VAULT_HEAD: usize = 0;

    /// Whole blocks open under any key.
    fn craft_vault(_: Person, shown: &Prelogin, _: [&'static str; 2]) -> (Prelogin, Vec<u8>) {
        (shown.clone(), random::<32>().to_vec())
    }

    fn unwrap_with_proof(_: Person, account: &Account<Self>) -> Result<Key, Failure> {
        let stretched = account.proof.as_slice().try_into().map_err(|_| WRONG)?;
        Ok(*open_vault(&stretched, &account.vault)?.last().unwrap())
    }

    fn spill(agent: &Agent) -> Key {
        agent.key.unwrap()
    }

    fn read(key: &Key, token: &str) -> Option<String> {
        String::from_utf8(decrypt::<Pkcs7>(key, &BASE64.decode(token.as_bytes()).ok()?)?).ok()
    }

    fn forge_token(key: &Key, value: &str) -> String {
        seal_token(key, value)
    }

    fn token_bytes(token: &str) -> Vec<u8> {
        BASE64.decode(token.as_bytes()).unwrap()
    }

    fn token_text(bytes: &[u8]) -> String {
        BASE64.encode(bytes)
    }

    /// Nothing in a token says of which class it is: its column does.
    fn relabel(token: &str, label: TokenLabel) -> Result<String, Failure> {
        match label {
            TokenLabel::Class(_) => Ok(token.to_owned()),
            TokenLabel::Epoch => Err(Failure::NotThere("keys have no numbers")),
            TokenLabel::OlderAlgorithms => Err(Failure::NotThere("there is one set of algorithms")),
        }
    }

    fn read_record(key: &Key, record: &[u8]) -> Option<String> {
        String::from_utf8(decrypt::<Pkcs7>(key, &record[COLUMNS..])?).ok()
    }

    fn forge_record(key: &Key, genuine: &[u8], value: &str) -> Vec<u8> {
        [&genuine[..COLUMNS], &encrypt::<Pkcs7>(key, value.as_bytes())].concat()
    }
}
