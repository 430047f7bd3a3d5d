//! A client as small as tests want it, and the accounts and devices that tests begin with.

use blindtally_server::Running;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) const GET: Method = Method::GET;
pub(crate) const POST: Method = Method::POST;
pub(crate) const PUT: Method = Method::PUT;
pub(crate) const DELETE: Method = Method::DELETE;
pub(crate) const HEAD: Method = Method::HEAD;

/// A time at which nothing in these tests has happened yet.
pub(crate) const FUTURE_US: i64 = 4_000_000_000_000_000;

/// What a backup of every account here can prove.
pub(crate) const RECOVERY_PROOF: [u8; 32] = [9; 32];

pub(crate) struct Service {
    pub(crate) client: Client,
    running: Running,
}

impl std::ops::Deref for Service {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Service {
    pub(crate) fn new(running: Running) -> Self {
        Self { client: Client::new(running.base_url()), running }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.running.address()
    }

    pub(crate) async fn stop(self) {
        self.running.shutdown().await.unwrap();
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) base: String,
}

#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) client: Client,
    pub(crate) login: String,
    pub(crate) account_id: String,
    pub(crate) proof: [u8; 32],
    pub(crate) session: String,
}

#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) client: Client,
    pub(crate) device_id: String,
    pub(crate) bearer: String,
}

pub(crate) struct Call {
    request: reqwest::RequestBuilder,
    what: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub(crate) fn random_id() -> String {
    HEXLOWER.encode(&random::<16>())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn sign_up_body(login: &str, account_id: &str, proof: &[u8; 32]) -> Value {
    json!({
        "login": login,
        "account_id": account_id,
        "kdf": {"id": "argon2id", "m_kib": 65536, "t": 3, "p": 1},
        "salt": b64(&[7; 16]),
        "login_proof": b64(proof),
        "recovery_proof": b64(&RECOVERY_PROOF),
        "vault": b64(b"first vault"),
        "generation": 1,
        "policy": b64(b"first policy"),
    })
}

/// An event with one value, which starts `seq` seconds after the first.
pub(crate) fn event(seq: u64, app: &str) -> Value {
    json!({
        "seq": seq,
        "action": "focus",
        "start_us": 1_700_000_000_000_000 + seq * 1_000_000,
        "duration_us": 1_000_000,
        "active_us": 250_000,
        "values": {"app": app},
    })
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        Self { http: reqwest::Client::new(), base }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        Call { what: format!("{method} {path}"), request: self.http.request(method, format!("{}{path}", self.base)) }
    }

    pub(crate) async fn sign_up(&self, login: &str) -> Account {
        let (account_id, proof) = (random_id(), random());
        let answer = self.call(POST, "/api/v1/accounts").json(sign_up_body(login, &account_id, &proof)).await.ok(201);
        Account {
            client: self.clone(),
            login: login.to_owned(),
            account_id,
            proof,
            session: answer["session"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn login(&self, login: &str, proof: &[u8; 32]) -> Answer {
        let body = json!({"login": login, "login_proof": b64(proof)});
        self.call(POST, "/api/v1/login").json(body).await
    }
}

impl Account {
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        self.client.call(method, path).bearer(&self.session)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(GET, path).send().await.ok(200)
    }

    /// Issues a ticket; returns its id and the value that a device shows.
    pub(crate) async fn ticket(&self, uses: i64) -> (String, [u8; 32]) {
        let (ticket_id, authenticator) = (random_id(), random());
        let body = json!({
            "ticket_id": ticket_id,
            "authenticator_hash": b64(&sha256(&authenticator)),
            "expires_at_us": FUTURE_US,
            "uses": uses,
        });
        self.call(POST, "/api/v1/tickets").json(body).await.ok(201);
        (ticket_id, authenticator)
    }

    pub(crate) async fn claim(&self, device_id: &str, ticket_id: &str, authenticator: &[u8; 32]) -> Answer {
        let body = json!({
            "account_id": self.account_id,
            "device_id": device_id,
            "ticket_id": ticket_id,
            "authenticator": b64(authenticator),
        });
        self.client.call(POST, "/api/v1/devices/claim").json(body).await
    }

    /// A device that has claimed its bearer.
    pub(crate) async fn device(&self) -> Device {
        let device_id = random_id();
        let (ticket_id, authenticator) = self.ticket(1).await;
        let answer = self.claim(&device_id, &ticket_id, &authenticator).await.ok(200);
        Device { client: self.client.clone(), device_id, bearer: answer["bearer"].as_str().unwrap().to_owned() }
    }

    pub(crate) async fn totals(&self, query: &str) -> Value {
        self.get(&format!("/api/v1/totals?{query}")).await
    }
}

impl Device {
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        self.client.call(method, path).bearer(&self.bearer)
    }

    pub(crate) async fn upload(&self, batch: Value) -> Answer {
        self.call(POST, "/api/v1/events").json(batch).await
    }

    pub(crate) async fn upload_events(&self, events: impl IntoIterator<Item = Value>) -> Value {
        let events: Vec<Value> = events.into_iter().collect();
        self.upload(json!({ "events": events })).await.ok(200)
    }

    pub(crate) async fn head(&self) -> Value {
        self.call(GET, "/api/v1/events/head").send().await.ok(200)
    }
}

impl Call {
    pub(crate) fn bearer(self, bearer: &str) -> Self {
        self.header("authorization", &format!("Bearer {bearer}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) async fn json(self, body: Value) -> Answer {
        self.header("content-type", "application/json").bytes(body.to_string()).await
    }

    pub(crate) async fn bytes(mut self, body: impl Into<reqwest::Body>) -> Answer {
        self.request = self.request.body(body);
        self.send().await
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.request.send().await.unwrap();
        Answer {
            what: self.what,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }
}

impl Answer {
    /// The JSON of an answer with this status; `null` for one without a body.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{}: {text}", self.what);
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    /// Asserts a refusal, and that it has the form of one.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        let what = self.what.clone();
        let problem = self.ok(status);
        assert_eq!(problem["code"], code, "{what}: {problem}");
        assert!(problem["message"].as_str().is_some_and(|words| !words.is_empty()), "{what}");
        problem
    }
}
