//! The agent's connection to the service: its bearer, which it claims when it has none, and what it asks.

use std::fs::File;
use std::io::{self, Seek};

use blindtally::{BlobStart, Claim};
use blindtally_client::{Answer, Failure, Service, b64};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::folder::{Folder, Profile};
use crate::unit::UNREADABLE;

/// One device at one service.
pub(crate) struct Link {
    folder: Folder,
    server: String,
    claim: ClaimBody,
    /// `None` until a bearer was claimed.
    service: Option<Service>,
}

/// What the service made of an upload.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Receipt {
    /// Events that are new to it.
    pub stored: u64,
    /// Events and enrichments that changed nothing.
    pub duplicates: u64,
    /// Events that got their values.
    pub enriched: u64,
}

/// What the service made of a batch of records.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct RecordReceipt {
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
}

/// What the service made of a blob.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct BlobReceipt {
    /// Whether it had it.
    pub(crate) duplicate: bool,
}

#[derive(Serialize)]
struct ClaimBody {
    account_id: String,
    device_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Zeroizing<String>>,
}

impl Link {
    pub(crate) fn new(folder: &Folder, profile: &Profile, claim: &Claim) -> Result<Self, Failure> {
        let shown = Some(Zeroizing::new(b64(claim.expose())));
        let ticket_id = claim.ticket().map(|ticket| ticket.to_string());
        let (authenticator, claim) = if ticket_id.is_some() { (shown, None) } else { (None, shown) };
        let (account_id, device_id) = (profile.account.clone(), profile.device.clone());
        let claim = ClaimBody { account_id, device_id, ticket_id, authenticator, claim };
        let mut link = Self { folder: folder.clone(), server: String::new(), claim, service: None };
        link.move_to(&profile.server)?;
        Ok(link)
    }

    /// Goes on at another address.
    pub(crate) fn move_to(&mut self, server: &str) -> Result<(), Failure> {
        server.clone_into(&mut self.server);
        self.service = self.folder.bearer()?.map(|bearer| Service::new(server).with_bearer(&bearer));
        Ok(())
    }

    /// Trades the claim for a bearer. Without a ticket that works once the owner has approved.
    pub(crate) fn claim(&mut self) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Granted {
            bearer: Zeroizing<String>,
        }
        let service = Service::new(&self.server);
        let answer = service.post("/api/v1/devices/claim", &self.claim).map_err(|failure| match failure.code() {
            "claim.refused" if self.claim.ticket_id.is_none() => Failure::WaitingForKeys,
            "claim.refused" => Failure::refused(
                "claim.refused",
                "the service does not accept the ticket: it has expired, was used up or cancelled, or is another service's",
            ),
            _ => failure,
        })?;
        let granted: Granted = answer.json()?;
        self.folder.save_bearer(&granted.bearer)?;
        self.service = Some(service.with_bearer(&granted.bearer));
        Ok(())
    }

    pub(crate) fn has_bearer(&self) -> bool {
        self.service.is_some()
    }

    /// Leaves the enrollment request for the owner.
    pub(crate) fn request(&self, profile: &Profile) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Body<'a> {
            account_id: &'a str,
            device_id: &'a str,
            request: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            claim_hash: Option<&'a str>,
        }
        let body = Body {
            account_id: &profile.account,
            device_id: &profile.device,
            request: &profile.request,
            claim_hash: profile.claim_hash.as_deref(),
        };
        Service::new(&self.server).post("/api/v1/enrollments", &body).map(drop)
    }

    /// What the owner has sent, if anything.
    pub(crate) fn delivery(&mut self) -> Result<Option<Answer>, Failure> {
        optional(self.authorized(|service| service.get("/api/v1/device/delivery")), "delivery.none")
    }

    /// The policy, which a revoked device may still read.
    pub(crate) fn policy(&mut self) -> Result<Option<Answer>, Failure> {
        optional(self.authorized(|service| service.get("/api/v1/device/policy")), "policy.none")
    }

    /// Uploads a body that is compressed with zstd.
    pub(crate) fn upload(&mut self, body: &[u8]) -> Result<Receipt, Failure> {
        self.authorized(|service| service.post_encoded("/api/v1/events", "zstd", body))?.json()
    }

    /// Uploads a batch of records that is compressed with zstd.
    pub(crate) fn upload_records(&mut self, body: &[u8]) -> Result<RecordReceipt, Failure> {
        self.authorized(|service| service.post_encoded("/api/v1/records", "zstd", body))?.json()
    }

    /// Uploads a blob from its file.
    pub(crate) fn upload_blob(&mut self, mut file: &File) -> Result<BlobReceipt, Failure> {
        let unreadable = |error: io::Error| match blindtally::Error::from_io(&error) {
            // Not as it was sealed: no other attempt will find it better.
            _ if error.kind() == io::ErrorKind::UnexpectedEof => Failure::refused("blob.damaged", error),
            Some(error) => Failure::refused("blob.damaged", error),
            None => Failure::refused(UNREADABLE, error),
        };
        file.rewind().map_err(unreadable)?;
        let id = BlobStart::read(&mut file).map_err(unreadable)?.header().id;
        let sent = self.authorized(|service| {
            (&*file).rewind().map_err(unreadable)?;
            service.put_file(&format!("/api/v1/blobs/{id}"), file)
        });
        sent?.json()
    }

    fn authorized(&mut self, call: impl Fn(&Service) -> Result<Answer, Failure>) -> Result<Answer, Failure> {
        if let Some(service) = &self.service {
            match call(service) {
                // The bearer is lost: somebody else claimed with this device's claim, or a backup was restored.
                Err(failure) if failure.code() == "auth.refused" => {}
                answered => return answered.map_err(not_now),
            }
        }
        self.claim().map_err(not_now)?;
        match &self.service {
            Some(service) => call(service).map_err(not_now),
            None => Err(Failure::WaitingForKeys),
        }
    }
}

fn optional(answer: Result<Answer, Failure>, none: &str) -> Result<Option<Answer>, Failure> {
    match answer {
        Err(failure) if failure.code() == none => Ok(None),
        answer => answer.map(Some),
    }
}

/// A service that is too busy, or full, or has no place for blobs yet, is one to come back to.
fn not_now(failure: Failure) -> Failure {
    match failure {
        Failure::Refused { code, message }
            if code.starts_with("storage.") || code == "request.timeout" || code == "blob.store" =>
        {
            Failure::Unreachable { message: format!("{message} ({code})") }
        }
        failure => failure,
    }
}

impl Receipt {
    pub(crate) fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.enriched += other.enriched;
    }
}
