//! `enroll`: asks the account's owner for keys.

use blindtally::{AccountCode, Agent, AgentStatus, EnrollmentRequest, PendingAgent, RestoredAgent, Ticket};
use blindtally_client::{Failure, b64};

use crate::folder::{Folder, Profile};
use crate::session::{Keys, Session};

/// What a device is enrolled with.
pub enum Invitation {
    /// The owner's side confirms by itself.
    Ticket(Ticket),
    /// The owner types this device's code.
    Code(AccountCode),
}

/// How far an enrollment has come.
#[derive(Debug, serde::Serialize)]
pub struct Enrolled {
    /// What the service knows the device by.
    pub device_id: String,
    /// The account.
    pub account: String,
    /// What the owner has to compare, if there was no ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_code: Option<String>,
    /// Whether the owner still has to confirm.
    pub pending_keys: bool,
}

/// Enrols this device, or goes on with an enrollment by the same invitation that was interrupted.
///
/// # Errors
/// `agent.enrolled`, `agent.pending`, `agent.revoked`; the service's refusals, `claim.refused` among them.
pub fn enroll(folder: &Folder, server: &str, invitation: &Invitation, name: &str) -> Result<Enrolled, Failure> {
    let lock = folder.lock()?;
    match folder.agent()? {
        Some(RestoredAgent::Agent(agent)) if agent.status() == AgentStatus::Revoked => {
            let message = "this device was revoked: remove its folder to enrol it as another device";
            return Err(Failure::refused("agent.revoked", message));
        }
        Some(RestoredAgent::Agent(_)) => {
            return Err(Failure::refused("agent.enrolled", "this device is enrolled already"));
        }
        Some(RestoredAgent::Pending(_)) => {}
        None => create(folder, server, invitation, name)?,
    }
    let opened = Session::with(folder, lock)?;
    let mut session = opened.ok_or_else(|| Failure::refused("state.damaged", "the agent's folder is damaged"))?;
    if !invitation.is_of(session.profile()) {
        if session.is_known() || folder.backlog() != (0, 0) {
            let message =
                "this device waits for the owner's answer to another invitation: remove its folder to start over";
            return Err(Failure::refused("agent.pending", message));
        }
        // The earlier invitation came to nothing, and nobody has heard of the earlier keys.
        create(folder, server, invitation, name)?;
        drop(session);
        return enroll(folder, server, invitation, name);
    }
    session.move_to(server)?;
    if session.profile().ticket.is_some() && !session.link.has_bearer() {
        session.link.claim()?;
    }
    session.request()?;
    match session.contact() {
        Err(Failure::WaitingForKeys) => {}
        contacted => contacted?,
    }
    let device_code = match (&session.keys, invitation) {
        (Keys::Pending(pending), Invitation::Code(_)) => Some(pending.device_code()),
        _ => None,
    };
    let Profile { device, account, .. } = session.profile().clone();
    Ok(Enrolled { device_id: device, account, device_code, pending_keys: session.is_pending() })
}

/// Makes the keys and saves them. Nothing is sent before that, so whatever happens next can be gone on with.
fn create(folder: &Folder, server: &str, invitation: &Invitation, name: &str) -> Result<(), Failure> {
    let (pending, request) = invitation.accept(name)?;
    let profile = Profile {
        server: server.to_owned(),
        account: pending.account().to_string(),
        device: pending.device_id().to_string(),
        ticket: invitation.ticket(),
        request: b64(request.as_bytes()),
        claim_hash: request.claim_hash().map(|hash| b64(&hash[..])),
        requested: false,
    };
    folder.create_seq_key()?;
    folder.save_profile(&profile)?;
    folder.save_agent(&pending.save())
}

impl Invitation {
    fn accept(&self, name: &str) -> Result<(PendingAgent, EnrollmentRequest), Failure> {
        Ok(match self {
            Self::Ticket(ticket) => Agent::enroll(ticket, name)?,
            Self::Code(code) => Agent::enroll_by_code(code)?,
        })
    }

    fn ticket(&self) -> Option<String> {
        match self {
            Self::Ticket(ticket) => Some(ticket.id().to_string()),
            Self::Code(_) => None,
        }
    }

    fn is_of(&self, profile: &Profile) -> bool {
        let account = match self {
            Self::Ticket(ticket) => ticket.account(),
            Self::Code(code) => code.account(),
        };
        account.to_string() == profile.account && self.ticket() == profile.ticket
    }
}
