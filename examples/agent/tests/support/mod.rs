//! A real service, the owner of an account at it, and the real agent's program.
#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::panic)]

mod aw_stub;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use blindtally::*;
use blindtally_client::{Service, b64, from_b64};
use blindtally_server::{Config, Running};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) use aw_stub::AwStub;

/// The cheapest parameters that are within bounds.
const KDF: Kdf = Kdf::Argon2id { m_kib: 19 * 1024, t: 2, p: 1 };

/// A service that can be stopped and started again at the same address.
pub(crate) struct Server {
    runtime: Runtime,
    config: Config,
    running: Option<Running>,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut config = Config::sqlite(&folder.join("service.db"));
        let running = runtime.block_on(blindtally_server::serve(config.clone())).unwrap();
        config.listen = running.address();
        Self { runtime, config, running: Some(running) }
    }

    pub(crate) fn stop(&mut self) {
        self.runtime.block_on(self.running.take().unwrap().shutdown()).unwrap();
    }

    pub(crate) fn resume(&mut self) {
        self.running = Some(self.runtime.block_on(blindtally_server::serve(self.config.clone())).unwrap());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.config.listen)
    }
}

/// An account, a service, and a folder for an agent.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) owner: Owner,
    session: Service,
    pub(crate) folder: TempDir,
}

pub(crate) fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_secs(now.as_secs())
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let identity = Identity::from_pkcs8(
            include_bytes!("../../../../tests/keys/account-encryption.pkcs8"),
            include_bytes!("../../../../tests/keys/account-signing.pkcs8"),
        );
        let options = OwnerOptions { kdf: KDF, identity: Some(identity.unwrap()), ..OwnerOptions::default() };
        let password = Password::new("correct horse battery staple").unwrap();
        let (owner, change) = Owner::create("anna@example.com", &password, options, now()).unwrap();
        let service = Service::new(&server.url());
        let created = service.post(
            "/api/v1/accounts",
            &json!({
                "login": "anna@example.com",
                "account_id": owner.account().to_string(),
                "kdf": {"id": "argon2id", "m_kib": 19 * 1024, "t": 2, "p": 1},
                "salt": b64(&owner.prelogin().salt),
                "login_proof": b64(owner.login_proof().expose()),
                "recovery_proof": b64(owner.recovery_proof().expose()),
                "vault": b64(change.vault()),
                "generation": change.generation(),
                "policy": b64(owner.policy().as_bytes()),
            }),
        );
        let created: Value = created.unwrap().json().unwrap();
        let session = service.with_bearer(created["session"].as_str().unwrap());
        Self { server, owner, session, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Issues a ticket and registers it.
    pub(crate) fn ticket(&self) -> String {
        let ticket = self.owner.issue_ticket(TicketUses::ONE, Lifetime::days(1), now()).unwrap();
        let body = json!({
            "ticket_id": ticket.id().to_string(),
            "authenticator_hash": b64(&ticket.authenticator_hash()),
            "expires_at_us": ticket.expiry().unix_secs() * 1_000_000,
            "uses": 1,
        });
        self.session.post("/api/v1/tickets", &body).unwrap();
        ticket.to_text().to_string()
    }

    fn publish(&self, change: Change) {
        let (expected, generation) = (change.expected(), change.generation());
        let headers = [("If-Match", format!("\"{expected}\"")), ("X-Vault-Generation", generation.to_string())];
        self.session.put_bytes("/api/v1/vault", change.vault(), &headers).unwrap();
        let outbox = change.committed();
        if let Some(policy) = outbox.policy() {
            self.session.put_bytes("/api/v1/policy", policy, &[]).unwrap();
        }
        for (device, delivery) in outbox.deliveries() {
            self.session.put_bytes(&format!("/api/v1/devices/{device}/delivery"), delivery, &[]).unwrap();
        }
        for device in outbox.revoked() {
            self.session.post(&format!("/api/v1/devices/{device}/revoke"), &json!({})).unwrap();
        }
    }

    /// Confirms every device that waits; `code` is what a device without a ticket shows.
    pub(crate) fn approve(&mut self, code: Option<&str>) -> usize {
        let waiting: Value = self.session.get("/api/v1/enrollments").unwrap().json().unwrap();
        let waiting = waiting["enrollments"].as_array().unwrap().clone();
        for enrollment in &waiting {
            let request = from_b64(enrollment["request"].as_str().unwrap()).unwrap();
            let request = EnrollmentRequest::from_bytes(&request).unwrap();
            let verified = match self.owner.inspect(&request, now()).unwrap() {
                Inspection::Verified(verified) => verified,
                Inspection::NeedsComparison(comparison) => comparison.confirm(code.unwrap(), "laptop").unwrap(),
            };
            let change = self.owner.approve(verified, now()).unwrap();
            self.publish(change);
        }
        waiting.len()
    }

    pub(crate) fn rotate(&mut self) {
        let change = self.owner.rotate(now()).unwrap();
        self.publish(change);
    }

    pub(crate) fn revoke(&mut self) {
        let (device, _) = self.owner.devices().next().unwrap();
        let change = self.owner.revoke(device, AfterRevoking::KeepEpoch, now()).unwrap();
        self.publish(change);
    }

    /// An agent in a folder of its own.
    pub(crate) fn agent(&self) -> Agent {
        Agent { state: self.path("agent") }
    }

    /// Enrolled and confirmed.
    pub(crate) fn running_agent(&mut self) -> Agent {
        let agent = self.agent();
        agent.ok(&["enroll", "--ticket", &self.ticket(), "--server", &self.server.url(), "--name", "test"]);
        assert_eq!(self.approve(None), 1);
        agent.ok(&["sync"]);
        agent
    }

    /// Sums of a class by revealed value: duration, active time, events.
    pub(crate) fn totals(&self, class: &str) -> BTreeMap<String, (i64, i64, i64)> {
        let query = format!("/api/v1/totals?class={class}&by=value&limit=10000");
        let totals: Value = self.session.get(&query).unwrap().json().unwrap();
        let mut sums = BTreeMap::new();
        for row in totals["rows"].as_array().unwrap() {
            let token: Token = row["value"].as_str().unwrap().parse().unwrap();
            let sum: &mut (i64, i64, i64) = sums.entry(self.owner.reveal(&token).unwrap()).or_default();
            sum.0 += row["duration_us"].as_i64().unwrap();
            sum.1 += row["active_us"].as_i64().unwrap();
            sum.2 += row["events"].as_i64().unwrap();
        }
        sums
    }

    /// Blobs stored, opened: class, time and content, in the order of time.
    pub(crate) fn blobs(&self) -> Vec<(u8, u64, Vec<u8>)> {
        let list: Value = self.session.get("/api/v1/blobs?limit=1000").unwrap().json().unwrap();
        let open = |entry: &Value| {
            let blob = self.session.get(&format!("/api/v1/blobs/{}", entry["id"].as_str().unwrap())).unwrap();
            let (start, _) = BlobStart::split(blob.bytes()).unwrap();
            let content = self.owner.open_blob(blob.bytes()).unwrap();
            (start.header().class.id(), start.header().seq, content.to_vec())
        };
        list["blobs"].as_array().unwrap().iter().map(open).collect()
    }

    /// How many blobs are stored.
    pub(crate) fn blob_count(&self) -> usize {
        let list: Value = self.session.get("/api/v1/blobs?limit=1000").unwrap().json().unwrap();
        list["blobs"].as_array().unwrap().len()
    }

    /// Records stored, opened: class, time and value, in the order of time.
    pub(crate) fn records(&self) -> Vec<(u8, u64, String)> {
        let mut records = Vec::new();
        let mut after = String::new();
        loop {
            let page: Value = self.session.get(&format!("/api/v1/records?limit=1000{after}")).unwrap().json().unwrap();
            for text in page["records"].as_array().unwrap() {
                let record = Record::parse(text.as_str().unwrap()).unwrap();
                let value = self.owner.open_record(&record).unwrap();
                records.push((record.class().id(), record.seq(), value.to_string()));
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return records,
            }
        }
    }

    /// Events stored.
    pub(crate) fn events(&self) -> i64 {
        let devices: Value = self.session.get("/api/v1/devices").unwrap().json().unwrap();
        devices["devices"].as_array().unwrap().iter().map(|device| device["events"].as_i64().unwrap()).sum()
    }
}

/// The agent's program.
pub(crate) struct Agent {
    pub(crate) state: PathBuf,
}

impl Agent {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blindtally-agent"));
        command.arg("--state").arg(&self.state).arg("--json").args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let stdout = String::from_utf8(stdout).unwrap();
        assert_eq!(stdout.lines().count(), 1, "{stdout} {}", String::from_utf8_lossy(&stderr));
        (status.code().unwrap(), serde_json::from_str(&stdout).unwrap())
    }

    /// Succeeds.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Value {
        let (code, answer) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {answer}");
        answer
    }

    /// Fails with an exit code; gives the error's code.
    pub(crate) fn fails(&self, exit_code: i32, arguments: &[&str]) -> String {
        let (code, answer) = self.run(arguments);
        assert_eq!(code, exit_code, "{arguments:?}: {answer}");
        answer["error"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        std::fs::read_dir(&self.state).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

/// An export of `count` window events of two apps, each of a second and half of it active, on one computer.
pub(crate) fn export(path: &Path, count: usize) {
    let at = |index: usize, tenth: usize| {
        let (minutes, seconds) = (index / 60, index % 60);
        format!(
            "2026-03-{:02}T{:02}:{:02}:{seconds:02}.{tenth}00000+00:00",
            1 + minutes / 1440,
            minutes / 60 % 24,
            minutes % 60
        )
    };
    let window = |index: usize| {
        json!({"timestamp": at(index, 0), "duration": 1.0,
            "data": {"app": format!("app {}", index % 2), "title": format!("MARKER {}", index % 1000)}})
    };
    let afk = |index: usize| json!({"timestamp": at(index, 5), "duration": 0.5, "data": {"status": "not-afk"}});
    let export = json!({"buckets": {
        "window_h": {"type": "currentwindow", "client": "c", "hostname": "h",
            "events": (0..count).rev().map(window).collect::<Vec<_>>()},
        "afk_h": {"type": "afkstatus", "client": "c", "hostname": "h",
            "events": (0..count).rev().map(afk).collect::<Vec<_>>()},
    }});
    std::fs::write(path, serde_json::to_vec(&export).unwrap()).unwrap();
}

/// What [`export`] adds up to.
pub(crate) fn assert_complete(world: &World, count: usize) {
    let half = i64::try_from(count / 2).unwrap();
    let expected = (half * 1_000_000, half * 500_000, half);
    let apps = world.totals("app");
    assert_eq!(apps.into_iter().collect::<Vec<_>>(), [("app 0".into(), expected), ("app 1".into(), expected)]);
    assert_eq!(world.events(), 4 * half);
    let titles: i64 = world.totals("title").values().map(|(_, _, events)| events).sum();
    assert_eq!(titles, 2 * half);
}
