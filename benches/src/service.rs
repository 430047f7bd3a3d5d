//! A service of our own in this process, with accounts that seal and accounts that do not.

use std::error::Error;
use std::time::SystemTime;

use blindtally::{Agent, Identity, Kdf, Lifetime, Owner, OwnerOptions, Password, RsaSize, TicketUses, Timestamp};
use blindtally_client::{Service, b64};
use blindtally_server::{Config, Running, serve};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A running service.
pub(crate) struct Host {
    runtime: Runtime,
    running: Option<Running>,
}

impl Host {
    pub(crate) fn start(config: Config) -> Result<Self> {
        let runtime = Runtime::new()?;
        let running = Some(runtime.block_on(serve(config))?);
        Ok(Self { runtime, running })
    }

    fn service(&self) -> Service {
        Service::new(&self.running.as_ref().map(Running::base_url).unwrap_or_default())
    }

    /// Signs up an account with one device that has its keys.
    pub(crate) fn account(&self, identity: Identity) -> Result<Account> {
        let now = Timestamp::from(SystemTime::now());
        let kdf = Kdf::Argon2id { m_kib: 19 * 1024, t: 2, p: 1 };
        let options = OwnerOptions { kdf, identity: Some(identity), ..OwnerOptions::default() };
        let password = Password::new("a password for benchmarks")?;
        let login = format!("bench-{}@example.com", b64(blindtally::Secret::<9>::random()?.expose()));
        let (mut owner, change) = Owner::create(&login, &password, options, now)?;
        let prelogin = owner.prelogin();
        let session: Value = self
            .service()
            .post(
                "/api/v1/accounts",
                &json!({
                    "login": owner.login().as_str(), "account_id": owner.account().to_string(),
                    "kdf": { "id": "argon2id", "m_kib": 19 * 1024, "t": 2, "p": 1 }, "salt": b64(&prelogin.salt),
                    "login_proof": b64(owner.login_proof().expose()), "vault": b64(change.vault()),
                    "generation": change.generation(), "policy": b64(owner.policy().as_bytes()),
                }),
            )?
            .json()?;
        let of_owner = self.service().with_bearer(session["session"].as_str().unwrap_or_default());

        let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::hours(1), now)?;
        of_owner.post(
            "/api/v1/tickets",
            &json!({
                "ticket_id": ticket.id().to_string(), "authenticator_hash": b64(&ticket.authenticator_hash()),
                "expires_at_us": ticket.expiry().unix_millis() * 1000, "uses": 1,
            }),
        )?;
        let (pending, request) = Agent::enroll_with(&ticket, "bench", Identity::generate(RsaSize::Bits2048)?)?;
        let verified = owner.inspect(&request, now)?.verified()?;
        let outbox = owner.approve(verified, now)?.committed();
        let agent = pending.accept(outbox.delivery())?;
        let device = agent.device_id().to_string();
        let granted: Value = self
            .service()
            .post(
                "/api/v1/devices/claim",
                &json!({
                    "account_id": owner.account().to_string(), "device_id": device,
                    "ticket_id": ticket.id().to_string(), "authenticator": b64(pending.claim().expose()),
                }),
            )?
            .json()?;
        of_owner.put_bytes(&format!("/api/v1/devices/{device}/delivery"), outbox.delivery(), &[])?;
        let of_device = self.service().with_bearer(granted["bearer"].as_str().unwrap_or_default());
        Ok(Account { owner, agent, of_owner, of_device })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // The database is thrown away: how the service ended does not matter.
            let _ = self.runtime.block_on(running.shutdown());
        }
    }
}

/// An account at a service, from both of its ends.
pub(crate) struct Account {
    pub(crate) owner: Owner,
    pub(crate) agent: Agent,
    pub(crate) of_owner: Service,
    pub(crate) of_device: Service,
}

impl Account {
    /// Every row of the totals of a class.
    pub(crate) fn totals(&self, class: &str) -> Result<Vec<String>> {
        const PAGE: usize = 10_000;
        let mut values = Vec::new();
        loop {
            let path = format!("/api/v1/totals?class={class}&by=value&limit={PAGE}&offset={}", values.len());
            let page: Value = self.of_owner.get(&path)?.json()?;
            let rows = page["rows"].as_array().ok_or("no rows")?;
            values.extend(rows.iter().filter_map(|row| row["value"].as_str().map(str::to_owned)));
            if rows.len() < PAGE {
                return Ok(values);
            }
        }
    }
}
