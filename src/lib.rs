//! Blindtally.

mod aead;
mod agent;
mod agent_state;
mod backup;
mod change;
mod class;
mod crockford;
mod delivery;
mod enrollment;
mod error;
mod id;
mod identity;
mod keyring;
mod master_key;
mod owner;
mod password;
mod policy;
mod record;
mod scan;
mod secret;
mod siv;
mod suite;
mod ticket;
mod time;
mod token;
mod token_ring;
mod wire;

pub use agent::{Agent, AgentStatus, Claim, Outcome, PendingAgent};
pub use agent_state::{RestoredAgent, SavedAgent};
pub use backup::{Backup, BackupLock, RecoveryKey, Restored};
pub use change::{Change, Draft, Outbox, Progress};
pub use class::*;
pub use enrollment::{ComparisonRequest, EnrollmentRequest, Inspection, VerifiedRequest};
pub use error::*;
pub use id::*;
pub use identity::{Fingerprint, Identity, PublicIdentity, RsaSize};
pub use keyring::{Device, DeviceStatus};
pub use master_key::*;
pub use owner::{AfterRevoking, NewPassword, Operation, Owner, OwnerOptions, PasswordChange, ServiceHead, Sync};
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
pub use token::{MAX_TOKEN_VALUE, RevealBatch, Token, TokenBatch, TokenKey};
