//! Makes random artefacts for other implementations to open, and opens theirs, in files of the shape of
//! test-vectors/README.md: `exchange make DIR SEED`, and `exchange check DIR NAME`, which prints under that name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/vectors.rs"]
mod vectors;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use blindtally::*;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use support::{KDF, NOW};

const PBKDF2: Kdf = Kdf::Pbkdf2 { iterations: 600_000 };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", folder, seed] => make(Path::new(folder), seed.parse().expect("a seed is a number")),
        ["check", folder, name] => check(Path::new(folder), name),
        _ => panic!("exchange make DIR SEED, or exchange check DIR NAME"),
    }
}

fn check(folder: &Path, name: &str) -> ExitCode {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut code = ExitCode::SUCCESS;
    for path in files {
        let kind = path.file_stem().unwrap().to_str().unwrap();
        // What a check wants beside its own file are the repository's keys.
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-vectors");
        let load = |other: &str| {
            let path = if other == kind { path.clone() } else { committed.join(other).with_extension("json") };
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
        };
        match vectors::check(kind, &load) {
            Ok(count) => println!("vectors: {kind}.json {name} {count}"),
            Err(wrong) => {
                println!("{wrong}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn make(folder: &Path, seed: u64) -> ExitCode {
    fs::create_dir_all(folder).unwrap();
    let mut maker = Maker { random: Random(seed), keys: keys() };
    let files: [(&str, Make); 14] = [
        ("token", Maker::tokens),
        ("record", Maker::records),
        ("blob", Maker::blobs),
        ("ticket", Maker::tickets),
        ("enrollment", Maker::enrollments),
        ("delivery", Maker::deliveries),
        ("policy", Maker::policies),
        ("agent_state", Maker::agent_states),
        ("crockford", Maker::codes),
        ("identity", Maker::identities),
        ("backup", Maker::backups),
        ("vault", Maker::vaults),
        ("kept_login", Maker::kept_logins),
        ("archive", Maker::archives),
    ];
    let mut count = 0;
    for (name, make) in files {
        let file = make(&mut maker);
        count += file.count;
        fs::write(folder.join(name).with_extension("json"), file.into_json(name).to_string()).unwrap();
    }
    assert_eq!(count, 1000);
    ExitCode::SUCCESS
}

type Make = fn(&mut Maker) -> File;

/// Groups of tests, numbered in one sequence.
#[derive(Default)]
struct File {
    groups: Vec<Value>,
    count: usize,
}

impl File {
    fn group(&mut self, kind: &str, mut inputs: Value) {
        let group = inputs.as_object_mut().unwrap();
        group.insert("type".to_owned(), kind.into());
        group.insert("tests".to_owned(), json!([]));
        self.groups.push(inputs);
    }

    /// Adds a test to the last group.
    fn test(&mut self, fields: Value) {
        self.count += 1;
        let mut test = Map::from_iter([
            ("tcId".to_owned(), self.count.into()),
            ("comment".to_owned(), "random".into()),
            ("result".to_owned(), "valid".into()),
        ]);
        test.extend(fields.as_object().unwrap().clone());
        self.groups.last_mut().unwrap()["tests"].as_array_mut().unwrap().push(test.into());
    }

    fn into_json(self, name: &str) -> Value {
        json!({ "algorithm": name, "header": [], "numberOfTests": self.count, "testGroups": self.groups })
    }
}

struct Maker {
    random: Random,
    keys: Vec<&'static [u8]>,
}

/// The private keys of tests/keys: it takes seconds to make one.
fn keys() -> Vec<&'static [u8]> {
    macro_rules! keys {
        ($($file:literal)*) => { vec![$(include_bytes!(concat!("../keys/", $file, ".pkcs8")).as_slice()),*] };
    }
    keys!("account-encryption" "account-signing" "device1-encryption" "device1-signing" "device2-encryption" "device2-signing")
}

/// A device that waits, a device that runs, and the owner of both.
struct Scene {
    owner: Owner,
    pending: PendingAgent,
    agent: Agent,
    first: Vec<u8>,
    clock: Clock,
}

impl Maker {
    fn tokens(&mut self) -> File {
        let mut file = File::default();
        for _ in 0..20 {
            let key = self.epoch_key(&mut file, "Token");
            for _ in 0..25 {
                let class = self.token_class();
                let (value, key) = (self.text(4096), TokenKey::new(&key.class_key(class)));
                let token = key.tokenize(&value).unwrap();
                let index = hex(token.index().as_bytes());
                file.test(
                    json!({ "class": class.id(), "value": hex(&value), "token": token.to_string(), "index": index }),
                );
            }
        }
        file
    }

    fn records(&mut self) -> File {
        let mut file = File::default();
        for at in 0..10 {
            let key = self.epoch_key(&mut file, "Record");
            for number in 0..15 {
                let (class, device) = (self.record_class(), DeviceId::from_bytes(self.random.array()));
                let value = if at + number == 0 { "é".repeat(1 << 19) } else { self.text(20_000) };
                let key = RecordKey::new(&key.class_key(class).device_key(device));
                let record = key.seal(AnyClass::Record(class), &value, self.seq()).unwrap();
                let mut fields = fields_of(&record, &value);
                fields["deviceId"] = hex(device.as_bytes());
                file.test(fields);
            }
        }
        file
    }

    fn blobs(&mut self) -> File {
        let mut file = File::default();
        for at in 0..6 {
            let key = self.epoch_key(&mut file, "Blob");
            for number in 0..10 {
                let (class, device) = (self.blob_class(), DeviceId::from_bytes(self.random.array()));
                // Some fill their last block, their last chunk, or several chunks.
                let length = match (at, number) {
                    (0, 0) => 16_383,
                    (0, 1) => 32_767,
                    (0, 2) => 100_000,
                    _ => self.length(&[100, 3000, 40_000]),
                };
                let zeros = self.random.below(length + 1);
                let content = [self.random.bytes(length - zeros), vec![0; zeros]].concat();
                let sealer = BlobKey::new(&key.class_key(class).device_key(device)).sealer(self.seq()).unwrap();
                let header = *sealer.start().header();
                let mut writer = BlobWriter::new(sealer, Vec::new()).unwrap();
                std::io::Write::write_all(&mut writer, &content).unwrap();
                let blob = writer.finish().unwrap();
                file.test(json!({
                    "blob": hex(&blob), "class": class.id(), "deviceId": hex(device.as_bytes()), "blobId": hex(header.id.as_bytes()),
                    "seq": header.seq, "salt": hex(&blob[BlobHeader::LEN..][..24]), "length": length, "sha256": sha256(&content),
                }));
            }
        }
        file
    }

    fn tickets(&mut self) -> File {
        let mut file = File::default();
        file.group("Ticket", json!({}));
        let (owner, other) = (self.owner(KDF), self.owner(KDF));
        for number in 0..60 {
            let owner = if number % 2 == 0 { &owner } else { &other };
            let ticket = self.ticket(owner, NOW);
            let text = if self.random.below(2) == 0 { ticket.to_text() } else { ticket.to_link() };
            let device = self.identity();
            let (pending, _) = Agent::enroll_with(&ticket, "name", device).unwrap();
            file.test(json!({
                "text": *text, "accountId": hex(ticket.account().as_bytes()), "ticketId": hex(ticket.id().as_bytes()),
                "fingerprint": hex(owner.fingerprint().as_bytes()), "expiry": ticket.expiry().unix_secs(), "uses": ticket.uses().get(),
                "authKey": hex(pending.claim().expose()), "authenticatorHash": hex(ticket.authenticator_hash()),
            }));
        }
        file
    }

    fn enrollments(&mut self) -> File {
        let mut file = File::default();
        for kdf in [KDF, PBKDF2] {
            let (owner, vault, mut inputs) = self.locked(kdf);
            inputs["vault"] = hex(&vault);
            inputs["now"] = NOW.unix_secs().into();
            file.group("Enrollment", inputs);
            for number in 0..20 {
                let device = self.identity();
                let mut fields =
                    json!({ "deviceId": hex(device.public().fingerprint().device_id(owner.account()).as_bytes()) });
                let request = if number % 3 == 0 {
                    fields["typedCode"] = self.loosely(&device.public().fingerprint().code()).into();
                    fields["needsComparison"] = true.into();
                    Agent::enroll_by_code_with(&owner.account_code(), device).unwrap().1
                } else {
                    let name = self.short(128);
                    fields["name"] = name.as_str().into();
                    fields["needsComparison"] = false.into();
                    Agent::enroll_with(&self.ticket(&owner, NOW), &name, device).unwrap().1
                };
                fields["request"] = hex(request.as_bytes());
                file.test(fields);
            }
        }
        file
    }

    fn deliveries(&mut self) -> File {
        let mut file = File::default();
        for _ in 0..10 {
            let mut scene = self.scene();
            let pending = scene.pending.save();
            file.group("Delivery", json!({ "agentState": hex(pending.expose()) }));
            self.delivered(&mut file, &scene.pending.accept(&scene.first).unwrap(), &scene.first, "accepted");
            let running = scene.agent.save();
            file.group("Delivery", json!({ "agentState": hex(running.expose()) }));
            self.delivered(&mut file, &scene.agent, &scene.first, "unchanged");
            for _ in 0..2 {
                let change = match self.random.below(3) {
                    0 => scene.owner.rotate(scene.clock.later()).unwrap(),
                    1 => {
                        self.change_form(&mut scene);
                        scene.owner.redeliver(scene.agent.device_id(), scene.clock.later()).unwrap()
                    }
                    _ => scene.owner.redeliver(scene.agent.device_id(), scene.clock.later()).unwrap(),
                };
                let delivery = change.committed().delivery().to_vec();
                let mut agent = restored(&running);
                assert_eq!(agent.accept(&delivery).unwrap(), Outcome::Updated);
                self.delivered(&mut file, &agent, &delivery, "accepted");
            }
        }
        file
    }

    fn delivered(&mut self, file: &mut File, agent: &Agent, delivery: &[u8], outcome: &str) {
        let tokens = self.made_by(agent);
        file.test(json!({ "delivery": hex(delivery), "outcome": outcome, "phase": phase(agent), "tokens": tokens }));
    }

    fn policies(&mut self) -> File {
        let mut file = File::default();
        for _ in 0..8 {
            let mut scene = self.scene();
            let running = scene.agent.save();
            file.group("Policy", json!({ "agentState": hex(running.expose()) }));
            for number in 0..5 {
                let policy = match number {
                    0 => scene.agent.signed_policy().as_bytes().to_vec(),
                    1 | 2 => self.change_form(&mut scene),
                    3 if self.random.below(2) == 0 => {
                        scene.owner.rotate(scene.clock.later()).unwrap().committed().policy().unwrap().to_vec()
                    }
                    3 => self.change_form(&mut scene),
                    _ => {
                        let after = [AfterRevoking::Rotate, AfterRevoking::KeepEpoch][self.random.below(2)];
                        let change = scene.owner.revoke(scene.agent.device_id(), after, scene.clock.later()).unwrap();
                        change.committed().policy().unwrap().to_vec()
                    }
                };
                let mut agent = restored(&running);
                let outcome = match agent.apply_policy(&policy).unwrap() {
                    Outcome::Updated => "updated",
                    Outcome::Unchanged => "unchanged",
                    Outcome::DeliveryNeeded => "delivery-needed",
                    Outcome::Revoked => "revoked",
                };
                let tokens = self.made_by(&agent);
                file.test(
                    json!({ "policy": hex(&policy), "outcome": outcome, "phase": phase(&agent), "tokens": tokens }),
                );
            }
        }
        file
    }

    fn change_form(&mut self, scene: &mut Scene) -> Vec<u8> {
        let form = [CanonicalForm::Exact, CanonicalForm::AsciiLowercase, CanonicalForm::Host][self.random.below(3)];
        let change = scene.owner.set_canonical_form(self.token_class(), form, scene.clock.later()).unwrap();
        change.committed().policy().unwrap().to_vec()
    }

    fn agent_states(&mut self) -> File {
        let mut file = File::default();
        file.group("AgentState", json!({}));
        let mut scenes: Vec<Scene> = (0..10).map(|_| self.scene()).collect();
        for scene in &mut scenes {
            let mut gone = restored(&scene.agent.save());
            let change = scene.owner.revoke(gone.device_id(), AfterRevoking::KeepEpoch, scene.clock.later()).unwrap();
            assert_eq!(gone.apply_policy(change.committed().policy().unwrap()).unwrap(), Outcome::Revoked);
            self.saved(&mut file, &scene.pending.save(), scene.pending.device_id(), "pending", json!([]));
            for agent in [&scene.agent, &gone] {
                let tokens = self.made_by(agent);
                self.saved(&mut file, &agent.save(), agent.device_id(), phase(agent), tokens);
            }
        }
        for scene in &scenes[..5] {
            file.group("QueueRecord", json!({ "agentState": hex(scene.agent.save().expose()) }));
            for _ in 0..2 {
                let value = self.text(600);
                let record = scene.pending.queue(TokenClass::NAMED[self.random.below(7)], &value, self.seq()).unwrap();
                file.test(fields_of(&record, &value));
            }
        }
        file
    }

    fn saved(&mut self, file: &mut File, saved: &SavedAgent, device: DeviceId, phase: &str, tokens: Value) {
        let mut fields = json!({ "phase": phase, "deviceId": hex(device.as_bytes()), "tokens": tokens });
        fields["state"] = hex(saved.expose());
        if self.random.below(2) == 0 {
            let key = Secret::random().unwrap();
            fields["state"] = hex(saved.wrap(&key).unwrap());
            fields["wrapKey"] = hex(key.expose());
        }
        file.test(fields);
    }

    fn codes(&mut self) -> File {
        let mut file = File::default();
        file.group("CheckedCode", json!({}));
        for _ in 0..20 {
            let code = AccountSecret::generate().unwrap().to_text();
            file.test(json!({ "typed": self.loosely(&code), "code": *code }));
        }
        file.group("AccountCode", json!({}));
        for _ in 0..4 {
            let owner = self.owner(KDF);
            let code = owner.account_code().to_text();
            for _ in 0..5 {
                let prefix = hex(&owner.fingerprint().as_bytes()[..15]);
                let account = hex(owner.account().as_bytes());
                file.test(json!({ "typed": self.loosely(&code), "code": code, "accountId": account, "fingerprintPrefix": prefix }));
            }
        }
        file
    }

    fn identities(&mut self) -> File {
        let mut file = File::default();
        for _ in 0..10 {
            let (account, identity) = (AccountId::from_bytes(self.random.array()), self.identity());
            let fingerprint = identity.public().fingerprint();
            file.group("Identity", json!({ "accountId": hex(account.as_bytes()) }));
            file.test(json!({
                "encryptionKey": hex(identity.public().encryption_spki()), "signingKey": hex(identity.public().signing_spki()),
                "fingerprint": hex(fingerprint.as_bytes()), "code": fingerprint.code(), "deviceId": hex(fingerprint.device_id(account).as_bytes()),
            }));
        }
        file
    }

    fn backups(&mut self) -> File {
        let mut file = File::default();
        for number in 0..8 {
            let mut scene = self.scene();
            for _ in 0..self.random.below(3) {
                scene.owner.rotate(scene.clock.later()).unwrap().committed();
            }
            let (backup, passphrase, key) = if number < 6 {
                let (backup, key) = scene.owner.backup_with_recovery_key().unwrap();
                (backup, None, Some(self.loosely(&key.to_text())))
            } else {
                let passphrase = self.short(200);
                let kdf = [KDF, PBKDF2][number % 2];
                (
                    scene.owner.backup_with_passphrase(&Password::new(&passphrase).unwrap(), kdf).unwrap(),
                    Some(passphrase),
                    None,
                )
            };
            file.group("Backup", json!({ "passphrase": passphrase, "recoveryKey": key }));
            let (account, generation) = (hex(scene.owner.account().as_bytes()), scene.owner.generation());
            file.test(json!({ "file": backup.to_text(), "accountId": account, "generation": generation }));
        }
        file
    }

    fn vaults(&mut self) -> File {
        let mut file = File::default();
        for kdf in [KDF, PBKDF2] {
            let (mut owner, mut vault, inputs) = self.locked(kdf);
            file.group("Vault", inputs);
            let mut reveals = Vec::new();
            for number in 0..2 {
                let value = self.text(4096);
                // Of a class whose values stay as they are.
                let class = TokenClass::from_id(128 + self.random.below(64) as u8).unwrap();
                let token = owner.tokenize_typed(class, &value).unwrap();
                reveals.push(json!({ "token": token.to_string(), "value": hex(&value) }));
                file.test(json!({
                    "vault": hex(&vault), "seen": self.random.below(owner.generation() as usize + 1), "generation": owner.generation(),
                    "loginProof": hex(owner.login_proof().expose()), "recoveryProof": hex(owner.recovery_proof().expose()), "reveals": reveals,
                }));
                vault = owner.rotate(Timestamp::from_unix_secs(NOW.unix_secs() + number)).unwrap().vault().to_vec();
            }
        }
        file
    }

    fn kept_logins(&mut self) -> File {
        let mut file = File::default();
        for kdf in [KDF, PBKDF2] {
            let (mut owner, mut vault, inputs) = self.locked(kdf);
            for _ in 0..2 {
                let inputs = json!({ "login": inputs["login"], "prelogin": inputs["prelogin"], "vault": hex(&vault) });
                file.group("KeptLogin", inputs.clone());
                let (proof, generation) = (hex(owner.login_proof().expose()), owner.generation());
                file.test(json!({ "kept": hex(owner.keep_unlocked().expose()), "loginProof": proof, "generation": generation }));
                vault = owner.rotate(NOW).unwrap().vault().to_vec();
            }
        }
        file
    }

    fn archives(&mut self) -> File {
        let mut file = File::default();
        for _ in 0..4 {
            let owner = self.owner(KDF);
            let (backup, key) = owner.backup_with_recovery_key().unwrap();
            let made = self.random.below(1 << 45) as u64;
            let mut writer = owner.archive_writer(Vec::new(), Timestamp::from_unix_millis(made)).unwrap();
            let mut files = Vec::new();
            for number in 0..self.random.below(12) {
                let length = [0, 511, 512, 513, self.length(&[2000, 30_000])][self.random.below(5)];
                let content = self.random.bytes(length);
                let path = format!(
                    "{}{number}-az_AZ.{}",
                    ["", "log/", "a.b/c-d/"][self.random.below(3)],
                    self.random.below(99)
                );
                let modified = [0, (1 << 33) - 1, self.random.below(1 << 33) as u64][self.random.below(3)];
                writer.add(&path, Timestamp::from_unix_secs(modified), length as u64, &content[..]).unwrap();
                files.push(json!({ "path": path, "length": length, "modified": modified, "sha256": sha256(&content) }));
            }
            let archive = writer.finish(&owner).unwrap();
            file.group(
                "Archive",
                json!({ "backup": backup.to_text(), "recoveryKey": *key.to_text(), "archive": hex(archive) }),
            );
            file.test(json!({ "edits": [], "listing": "signed", "made": made, "files": files }));
        }
        file
    }

    /// A group of values under a new MasterKey.
    fn epoch_key(&mut self, file: &mut File, kind: &str) -> EpochKey {
        let (account, secret): ([u8; 16], [u8; 32]) = (self.random.array(), self.random.array());
        let epoch = [1, u16::MAX, 1 + self.random.below(0xffff) as u16][self.random.below(3)];
        file.group(kind, json!({ "masterKey": hex(secret), "accountId": hex(account), "epoch": epoch }));
        let scope = Scope { account: AccountId::from_bytes(account), epoch: Epoch::new(epoch).unwrap() };
        MasterKey::from_secret(Secret::copy_of(&secret)).epoch_key(scope)
    }

    fn owner(&mut self, kdf: Kdf) -> Owner {
        self.locked(kdf).0
    }

    /// An owner, its first vault, and what unlocks it.
    fn locked(&mut self, kdf: Kdf) -> (Owner, Vec<u8>, Value) {
        let (login, password) = (format!("Anna{}@example.com", self.random.below(1000)), self.short(200));
        let account_secret = (self.random.below(2) == 0).then(|| AccountSecret::generate().unwrap());
        let secret_text = account_secret.as_ref().map(|secret| secret.to_text().to_string());
        let options = OwnerOptions { kdf, account_secret, identity: Some(self.identity()), ..OwnerOptions::default() };
        let (owner, change) = Owner::create(&login, &Password::new(&password).unwrap(), options, NOW).unwrap();
        let vault = change.vault().to_vec();
        change.committed();
        let (id, params) = match kdf {
            Kdf::Pbkdf2 { iterations } => (1, json!([iterations])),
            Kdf::Argon2id { m_kib, t, p } => (2, json!([m_kib, t, p])),
        };
        let salt = hex(owner.prelogin().salt);
        let prelogin =
            json!({ "kdf": id, "params": params, "salt": salt, "accountId": hex(owner.account().as_bytes()) });
        let inputs =
            json!({ "login": login, "password": password, "accountSecret": secret_text, "prelogin": prelogin });
        (owner, vault, inputs)
    }

    fn scene(&mut self) -> Scene {
        let (mut owner, device) = (self.owner(KDF), self.identity());
        for _ in 0..self.random.below(3) {
            owner.rotate(NOW).unwrap().committed();
        }
        let now = NOW.unix_secs() + self.random.below(1 << 30) as u64;
        let time = Timestamp::from_unix_secs(now);
        let (pending, verified) = if self.random.below(2) == 0 {
            let (pending, request) = Agent::enroll_with(&self.ticket(&owner, time), &self.short(128), device).unwrap();
            (pending, owner.inspect(&request, time).unwrap().verified().unwrap())
        } else {
            let (pending, request) = Agent::enroll_by_code_with(&owner.account_code(), device).unwrap();
            let Inspection::NeedsComparison(comparison) = owner.inspect(&request, time).unwrap() else {
                panic!("compared")
            };
            let verified = comparison.confirm(&pending.device_code(), &self.short(128)).unwrap();
            (pending, verified)
        };
        let first = owner.approve(verified, time).unwrap().committed().delivery().to_vec();
        let agent = pending.accept(&first).unwrap();
        Scene { owner, pending, agent, first, clock: Clock(now) }
    }

    fn ticket(&mut self, owner: &Owner, now: Timestamp) -> Ticket {
        let uses = 1 + self.random.below(50) as u16;
        match self.random.below(2) {
            0 => owner.issue_ticket(TicketUses::ONE, Lifetime::seconds(1 + self.random.below(30 * 86_400) as u64), now),
            _ if uses == 1 => owner.issue_ticket(TicketUses::ONE, Lifetime::days(30), now),
            _ => {
                let lifetime = Lifetime::seconds(1 + self.random.below(86_400) as u64);
                owner.issue_ticket(TicketUses::several(uses).unwrap(), lifetime, now)
            }
        }
        .unwrap()
    }

    /// What an agent makes of values, or how it refuses them.
    fn made_by(&mut self, agent: &Agent) -> Value {
        (0..5)
            .map(|_| {
                let (class, value) = (self.token_class(), self.text(600));
                match agent.tokenize(class, &value) {
                    Ok(token) => json!({ "class": class.id(), "value": value, "token": token.to_string() }),
                    Err(refused) => json!({ "class": class.id(), "value": value, "expect": refused.code() }),
                }
            })
            .collect()
    }

    fn identity(&mut self) -> Identity {
        let encryption = self.random.below(self.keys.len());
        let signing = (encryption + 1 + self.random.below(self.keys.len() - 1)) % self.keys.len();
        Identity::from_pkcs8(self.keys[encryption], self.keys[signing]).unwrap()
    }

    fn token_class(&mut self) -> TokenClass {
        match self.random.below(2) {
            0 => TokenClass::NAMED[self.random.below(TokenClass::NAMED.len())],
            _ => TokenClass::from_id(128 + self.random.below(64) as u8).unwrap(),
        }
    }

    fn record_class(&mut self) -> RecordClass {
        match self.random.below(2) {
            0 => RecordClass::NAMED[self.random.below(RecordClass::NAMED.len())],
            _ => RecordClass::from_id(192 + self.random.below(32) as u8).unwrap(),
        }
    }

    fn blob_class(&mut self) -> BlobClass {
        match self.random.below(2) {
            0 => BlobClass::NAMED[self.random.below(3)],
            _ => BlobClass::from_id(224 + self.random.below(32) as u8).unwrap(),
        }
    }

    fn seq(&mut self) -> u64 {
        [0, (1 << 53) - 1, self.random.next() >> 11][self.random.below(3)]
    }

    fn length(&mut self, limits: &[usize]) -> usize {
        let limit = limits[self.random.below(limits.len())];
        self.random.below(limit + 1)
    }

    /// Text of so many bytes at most; most is short.
    fn text(&mut self, limit: usize) -> String {
        const SCRIPTS: [&str; 8] = [
            "abcdefghijklmnopqrstuvwxyz .-_/\\:",
            "ABCXYZ0189@[`{~!?#",
            "éüßİKＡﬁ",
            "אבש مست",
            "e\u{301}\u{308}\u{327}n\u{303}",
            "👩\u{200d}💻🔒🇸",
            "\0\u{1}\u{1f}\u{7f}\u{80}\u{fffd}\u{ffff}\u{10ffff}",
            "日本語",
        ];
        let length = self.length(&[0, 1, 16, 64, 300, limit]);
        let mixed = self.random.below(5) == 0;
        let mut script = SCRIPTS[self.random.below(SCRIPTS.len())];
        let mut text = String::new();
        loop {
            if mixed {
                script = SCRIPTS[self.random.below(SCRIPTS.len())];
            }
            let next = script.chars().nth(self.random.below(script.chars().count())).unwrap();
            if text.len() + next.len_utf8() > length.min(limit) {
                return text;
            }
            text.push(next);
        }
    }

    /// Text of one byte at least.
    fn short(&mut self, limit: usize) -> String {
        let text = self.text(limit);
        if text.is_empty() { "x".to_owned() } else { text }
    }

    /// A code as a person might type it.
    fn loosely(&mut self, code: &str) -> String {
        let mut typed = String::new();
        for shown in code.chars() {
            let ways: &[&str] = match shown {
                '0' => &["0", "O", "o"],
                '1' => &["1", "I", "i", "L", "l"],
                '-' => &["-", "", " ", "--", "\t", "\u{a0}", "\u{2003}", "\n", "\u{85}", "\u{2028}"],
                _ => &[],
            };
            match self.random.below(ways.len() + 1) {
                0 if shown.is_alphanumeric() => typed.push(shown.to_ascii_lowercase()),
                0 => typed.push(shown),
                way => typed.push_str(ways[way - 1]),
            }
        }
        typed
    }
}

/// Seconds, more at each look.
struct Clock(u64);

impl Clock {
    fn later(&mut self) -> Timestamp {
        self.0 += 1;
        Timestamp::from_unix_secs(self.0)
    }
}

fn restored(saved: &SavedAgent) -> Agent {
    saved.restore().unwrap().agent().unwrap()
}

fn phase(agent: &Agent) -> &'static str {
    if agent.status() == AgentStatus::Revoked { "revoked" } else { "encrypted" }
}

fn fields_of(record: &Record, value: &str) -> Value {
    json!({
        "class": record.class().id(), "seq": record.seq(), "nonce": hex(&record.as_bytes()[28..40]), "value": hex(value),
        "record": record.to_string(),
    })
}

fn sha256(content: &[u8]) -> Value {
    hex(Sha256::digest(content))
}

fn hex(bytes: impl AsRef<[u8]>) -> Value {
    HEXLOWER.encode(bytes.as_ref()).into()
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators): choices that a seed repeats, no keys of
/// anyone's.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes(N).try_into().unwrap()
    }
}
