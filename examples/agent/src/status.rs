//! `status`: what the agent's folder says, without asking the service.

use blindtally::{AgentStatus, RestoredAgent};
use blindtally_client::Failure;
use serde::Serialize;

use crate::folder::Folder;
use crate::unit::{Waiting, waiting};

/// Where this device stands.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// `unenrolled`, `pending`, `encrypted`, `needs-upgrade` or `revoked`.
    pub state: &'static str,
    /// Base URL of the service.
    pub server: Option<String>,
    /// What the service knows the device by.
    pub device_id: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The epoch that values are sealed in.
    pub epoch: Option<u16>,
    /// Version of the policy in force.
    pub policy_version: Option<u64>,
    /// Sealed uploads that the service has not acknowledged, in bytes.
    pub spool_bytes: u64,
    /// Values that wait for keys, in bytes.
    pub queue_bytes: u64,
    /// Sealed blobs that wait for the service.
    pub blobs_waiting: u64,
    /// Batches of sealed records that wait for it.
    pub record_batches_waiting: u64,
    /// Blobs and batches that it refused, and that are set aside.
    pub refused: u64,
    /// All of these, in bytes.
    pub unit_bytes: u64,
    /// When the service last acknowledged an upload, in microseconds since 1970.
    pub last_upload_us: Option<i64>,
}

/// Reads the status.
///
/// # Errors
/// `state.damaged` and what the file system says.
pub fn status(folder: &Folder) -> Result<Status, Failure> {
    let (Some(profile), Some(agent)) = (folder.profile()?, folder.agent()?) else {
        return Ok(Status { state: "unenrolled", ..Status::default() });
    };
    let (spool_bytes, queue_bytes) = folder.backlog();
    let Waiting { blobs, batches, refused, bytes } = waiting(folder)?;
    let mut status = Status {
        state: "pending",
        server: Some(profile.server),
        device_id: Some(profile.device),
        account: Some(profile.account),
        spool_bytes,
        queue_bytes,
        blobs_waiting: blobs,
        record_batches_waiting: batches,
        refused,
        unit_bytes: bytes,
        last_upload_us: folder.last_upload_us(),
        ..Status::default()
    };
    if let RestoredAgent::Agent(agent) = agent {
        status.policy_version = Some(agent.policy().version());
        status.state = match agent.status() {
            AgentStatus::Encrypted { epoch, .. } => {
                status.epoch = Some(epoch.get());
                "encrypted"
            }
            AgentStatus::NeedsUpgrade => "needs-upgrade",
            AgentStatus::Revoked => "revoked",
        };
    }
    Ok(status)
}
