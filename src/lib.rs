//! End-to-end encryption for activity data that a blind service can still count, group and sort.
//!
//! An **agent** on each computer seals every sensitive value before it leaves; equal values of one class become equal
//! tokens, so a **service** without keys can total time per token; only the account **owner** turns tokens back into
//! words. The owner's keys are wrapped by a password and stored at the service as an opaque [vault](Change::vault).
//!
//! ```
//! use blindtally::{Agent, Error, Lifetime, Owner, OwnerOptions, Password, Timestamp, TicketUses, TokenClass};
//!
//! # fn main() -> Result<(), Error> {
//! let now = Timestamp::from(std::time::SystemTime::now());
//! let password = Password::new("correct horse battery staple")?;
//! let (mut owner, change) = Owner::create("anna@example.com", &password, OwnerOptions::default(), now)?;
//! let _vault = change.vault(); // opaque: goes to the service
//!
//! let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), now)?; // goes into the agent's installer
//! let (pending, request) = Agent::enroll(&ticket, "anna-laptop")?; // request: through the service
//! let verified = owner.inspect(&request, now)?.verified()?; // the ticket's MAC holds
//! let change = owner.approve(verified, now)?; // store change.vault(), then send the outbox
//! let agent = pending.accept(change.committed().delivery())?; // delivery: through the service
//!
//! let token = agent.tokenize(TokenClass::APP, "winword.exe")?;
//! assert!(token.to_string().starts_with("bt1_"));
//! assert_eq!(owner.reveal(&token)?, "winword.exe");
//! # Ok(()) }
//! ```
//!
//! # The tour
//!
//! - Tokens: [`TokenClass`] names what a value is, [`Agent::tokenize`] and [`TokenBatch`] seal it, [`Owner::reveal`] and
//!   [`RevealBatch`] open it, [`find_tokens`] and [`replace_tokens`] find it in text.
//! - What is only kept: [`Record`]s are values ([`Agent::seal_record`], [`Owner::open_record`]); blobs are files and streams
//!   ([`Agent::seal_blob`], [`BlobWriter`]; [`Owner::open_blob`], [`BlobReader`], [`BlobFile`]). Each device has keys of its
//!   own for them. An [`Archive`] holds files of an account, signed by it, and opens without the service.
//!   ```
//!   # use blindtally::*;
//!   # use std::io::{self, Read, Write};
//!   # fn example(agent: &Agent, owner: &Owner, mut screenshot: impl Read, taken: Timestamp) -> io::Result<()> {
//!   let mut blob = agent.blob_writer(BlobClass::SCREENSHOT, taken.unix_millis(), Vec::new())?;
//!   io::copy(&mut screenshot, &mut blob)?; // in constant memory, whatever its length
//!   let blob = blob.finish()?; // goes to the service
//!
//!   let mut reader = owner.opening_keys().blob_reader(&blob[..])?;
//!   println!("{} took it at {}", reader.header().device, reader.header().seq);
//!   io::copy(&mut reader, &mut io::sink())?; // fails where the blob is not as it was sealed
//!   # Ok(()) }
//!   ```
//! - Keys: [`MasterKey`] -> [`EpochKey`] -> [`ClassKey`] -> [`DeviceKey`], each made only from its parent.
//! - The owner's end: [`Owner`]; whatever changes its state gives a [`Change`]: store the vault, then send the outbox.
//! - The device's end: [`Agent::enroll`] gives a [`PendingAgent`], a delivery makes it an [`Agent`]. There is no way back.
//! - Passwords: [`Login`] opens vaults, a [`KeptLogin`] spares the person typing again, [`Backup`] works without the service
//!   and after a lost password.
//!
//! # What it does not do
//!
//! No I/O, no clock, no global state: time is an argument ([`Timestamp`]), randomness is the operating system's, and every
//! slow step ([`Stretch`], [`Identity`], [`Draft`]) can be done by the caller instead. `agent.reveal` does not exist, and
//! neither does a plain mode.
//!
//! # Features
//!
//! - `rsa-private` (default): computing with RSA private keys here. Without it a platform does that (WebCrypto, a TPM):
//!   [`UnsignedAccount`], [`UnsignedEnrollment`], [`Draft`] and [`ExaminedDelivery`] say what to sign and to decrypt.
//! - `legacy`: the module `legacy` reads what an older deployment recorded, offline, so that it can be sealed anew.
//! - `wasm_js`: randomness of the browser or of Node on `wasm32-unknown-unknown`.
//!
//! # Speed
//!
//! Tokens cost tens of nanoseconds in a release profile with `codegen-units = 1` and `lto = "fat"`; with Cargo's default
//! of 16 codegen units everything here takes twice as long or more. Tokenize in batches.
//!
//! The formats are in `SPEC.md`, what is claimed of them in `SECURITY.md`.

mod aead;
mod agent;
mod agent_state;
mod archive;
mod backup;
mod blob;
mod change;
mod chunked;
mod class;
mod crockford;
mod delivery;
mod der;
mod enrollment;
mod error;
mod hash;
mod id;
mod identity;
mod kept_login;
mod keyring;
#[cfg(feature = "legacy")]
pub mod legacy;
mod master_key;
mod opening_keys;
mod owner;
mod password;
mod policy;
mod private_key;
mod record;
mod scan;
mod secret;
mod siv;
mod suite;
mod ticket;
mod time;
mod token;
mod token_batch;
mod wire;

pub use agent::{Agent, AgentStatus, Claim, ExaminedDelivery, Outcome, PendingAgent, UnsignedEnrollment};
pub use agent_state::{RestoredAgent, SavedAgent};
pub use archive::{Archive, ArchiveStart, ArchiveWriter, ArchivedFile, Listing, UnsignedArchive};
pub use backup::{Backup, BackupLock, RecoveryKey, Restored};
pub use blob::{BlobFile, BlobHeader, BlobKey, BlobOpener, BlobReader, BlobSealer, BlobStart, BlobWriter};
pub use change::{Change, Draft, Outbox, Progress};
pub use class::*;
pub use enrollment::{ComparisonRequest, EnrollmentRequest, Inspection, VerifiedRequest};
pub use error::*;
pub use id::*;
pub use identity::{Fingerprint, Identity, PublicIdentity, RsaSize};
pub use kept_login::KeptLogin;
pub use keyring::{Device, DeviceStatus};
pub use master_key::*;
pub use opening_keys::{ArchiveAccess, BlobAccess, OpeningKeys};
pub use owner::{
    AfterRevoking, NewPassphrase, NewPassword, Operation, Owner, OwnerOptions, PasswordChange, ServiceHead, Sync,
    UnsignedAccount,
};
pub use password::{
    AccountSecret, Kdf, Login, LoginName, LoginProof, Password, Prelogin, Stretch, Stretched, Unlocking,
};
pub use policy::{CanonicalForm, Policy, SignedPolicy};
pub use record::{Record, RecordKey};
pub use scan::{find_tokens, replace_tokens};
pub use secret::*;
pub use suite::*;
pub use ticket::{AccountCode, Ticket, TicketUses};
pub use time::*;
pub use token::{MAX_TOKEN_VALUE, Token, TokenKey};
pub use token_batch::{RevealBatch, TokenBatch};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
