//! A device with an agent, driven by hand.

use blindtally::{
    AccountCode, Agent, BlobClass, BlobStart, EnrollmentRequest, Identity, PendingAgent, RecordClass, Ticket,
    TokenClass,
};
use blindtally_client::{Failure, Service, b64};
use serde_json::{Value, json};

macro_rules! identity {
    ($name:ident, $file:literal) => {
        pub(crate) fn $name() -> Identity {
            Identity::from_pkcs8(
                include_bytes!(concat!("../../../../tests/keys/", $file, "-encryption.pkcs8")),
                include_bytes!(concat!("../../../../tests/keys/", $file, "-signing.pkcs8")),
            )
            .unwrap()
        }
    };
}

identity!(first_keys, "device1");
identity!(second_keys, "device2");
identity!(third_keys, "account");

/// A device that has asked for keys.
pub(crate) struct Waiting {
    pub(crate) pending: PendingAgent,
    service: Service,
}

/// A device that has keys.
pub(crate) struct Device {
    pub(crate) agent: Agent,
    pub(crate) service: Service,
    seq: u64,
}

/// The time at which the first event begins: 2026-11-22T12:00:00Z.
pub(crate) const NOON_US: u64 = 1_795_348_800_000_000;

impl Waiting {
    /// Asks with a ticket, which lets it upload at once.
    pub(crate) fn with_ticket(url: &str, ticket: &str, name: &str, keys: Identity) -> Self {
        let ticket = Ticket::parse(ticket).unwrap();
        let (pending, request) = Agent::enroll_with(&ticket, name, keys).unwrap();
        let service = Service::new(url);
        let claim = json!({
            "account_id": ticket.account().to_string(),
            "device_id": pending.device_id().to_string(),
            "ticket_id": ticket.id().to_string(),
            "authenticator": b64(pending.claim().expose()),
        });
        let answer: Value = service.post("/api/v1/devices/claim", &claim).unwrap().json().unwrap();
        ask(&service, &request);
        Self { pending, service: service.with_bearer(answer["bearer"].as_str().unwrap()) }
    }

    /// Asks with the account's code.
    pub(crate) fn with_code(url: &str, code: &str, keys: Identity) -> Self {
        let (pending, request) = Agent::enroll_by_code_with(&AccountCode::parse(code).unwrap(), keys).unwrap();
        let service = Service::new(url);
        ask(&service, &request);
        Self { pending, service }
    }

    /// Claims what a person has approved.
    pub(crate) fn claim(self) -> Self {
        let claim = json!({
            "account_id": self.pending.account().to_string(),
            "device_id": self.pending.device_id().to_string(),
            "claim": b64(self.pending.claim().expose()),
        });
        let answer: Value = self.service.post("/api/v1/devices/claim", &claim).unwrap().json().unwrap();
        Self { service: self.service.with_bearer(answer["bearer"].as_str().unwrap()), ..self }
    }

    pub(crate) fn id(&self) -> String {
        self.pending.device_id().to_string()
    }

    pub(crate) fn delivery(&self) -> Result<Vec<u8>, Failure> {
        self.service.get("/api/v1/device/delivery").map(|answer| answer.bytes().to_vec())
    }

    pub(crate) fn accept(self) -> Device {
        let delivery = self.delivery().unwrap();
        Device { agent: self.pending.accept(&delivery).unwrap(), service: self.service, seq: 0 }
    }
}

/// Posts a request as anybody could.
pub(crate) fn ask(service: &Service, request: &EnrollmentRequest) {
    let claim_hash = request.claim_hash().map(|hash| b64(&hash));
    let body = json!({
        "account_id": request.account().to_string(),
        "device_id": request.device_id().to_string(),
        "request": b64(request.as_bytes()),
        "claim_hash": claim_hash,
    });
    service.post("/api/v1/enrollments", &body).unwrap();
}

impl Device {
    pub(crate) fn id(&self) -> String {
        self.agent.device_id().to_string()
    }

    /// Uploads an event of so many seconds; each begins an hour after the one before.
    pub(crate) fn uses(&mut self, seconds: u64, values: &[(TokenClass, &str)]) {
        let sealed = values.iter().map(|(class, value)| {
            (class.name().unwrap().to_owned(), self.agent.tokenize(*class, value).unwrap().to_string().into())
        });
        let sealed: serde_json::Map<String, Value> = sealed.collect();
        self.upload(seconds, sealed.into()).unwrap();
    }

    /// Uploads an event with values as they are.
    pub(crate) fn upload(&mut self, seconds: u64, values: Value) -> Result<(), Failure> {
        self.seq += 1;
        let event = json!({
            "seq": self.seq, "action": "focus", "start_us": NOON_US + (self.seq - 1) * 3_600_000_000,
            "duration_us": seconds * 1_000_000, "active_us": seconds * 500_000, "values": values,
        });
        self.service.post("/api/v1/events", &json!({ "events": [event] })).map(drop)
    }

    /// Uploads a record.
    pub(crate) fn types(&self, class: RecordClass, ms: u64, value: &str) {
        let record = self.agent.seal_record(class, value, ms).unwrap().to_string();
        self.service.post("/api/v1/records", &json!({ "records": [record] })).unwrap();
    }

    /// Uploads a blob; gives its id.
    pub(crate) fn shoots(&self, class: BlobClass, ms: u64, content: &[u8]) -> String {
        let blob = self.agent.seal_blob(class, ms, content).unwrap();
        let id = BlobStart::split(&blob).unwrap().0.header().id.to_string();
        self.service.put_bytes(&format!("/api/v1/blobs/{id}"), &blob, &[]).unwrap();
        id
    }

    /// Takes what the service has for it.
    pub(crate) fn sync(&mut self) {
        let delivery = self.service.get("/api/v1/device/delivery").unwrap();
        let _ = self.agent.accept(delivery.bytes()).unwrap();
        let policy = self.service.get("/api/v1/device/policy").unwrap();
        let _ = self.agent.apply_policy(policy.bytes()).unwrap();
    }
}
