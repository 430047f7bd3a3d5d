//! One run of the agent: its folder locked, its keys loaded, the service at hand.

use blindtally::{Agent, AgentStatus, Outcome, PendingAgent, RestoredAgent, TokenizeError};
use blindtally_client::Failure;

use crate::folder::{Folder, Lock, Profile, Stamp};
use crate::link::{Link, Receipt};
use crate::outbox::Outbox;
use crate::queue;
use crate::seal::Sealer;

/// What a command works with.
pub(crate) struct Session {
    pub(crate) folder: Folder,
    pub(crate) link: Link,
    pub(crate) keys: Keys,
    profile: Profile,
    lock: Option<Lock>,
    /// What the folder was like when it was released.
    released: Option<Stamp>,
}

/// Whether the owner has delivered.
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub(crate) enum Keys {
    Pending(PendingAgent),
    Given(Agent),
}

impl Keys {
    /// How values are sealed now.
    pub(crate) fn sealer(&self) -> Sealer<'_> {
        match self {
            Self::Pending(pending) => Sealer::Timing(pending),
            Self::Given(agent) => Sealer::Tokens(agent),
        }
    }
}

impl Session {
    /// Of a folder in which a device was enrolled.
    pub(crate) fn open(folder: &Folder) -> Result<Self, Failure> {
        let enrolled = || Failure::refused("agent.not-enrolled", "this device is not enrolled: use `enroll` first");
        if !folder.path().is_dir() {
            return Err(enrolled());
        }
        let lock = folder.lock()?;
        Self::with(folder, lock)?.ok_or_else(enrolled)
    }

    pub(crate) fn with(folder: &Folder, lock: Lock) -> Result<Option<Self>, Failure> {
        let (Some(profile), Some(agent)) = (folder.profile()?, folder.agent()?) else { return Ok(None) };
        let (link, keys) = match agent {
            RestoredAgent::Pending(pending) => (Link::new(folder, &profile, pending.claim())?, Keys::Pending(pending)),
            RestoredAgent::Agent(agent) => (Link::new(folder, &profile, agent.claim())?, Keys::Given(agent)),
        };
        Ok(Some(Self { folder: folder.clone(), link, keys, profile, lock: Some(lock), released: None }))
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.keys, Keys::Pending(_))
    }

    /// That values can be sealed, or queued.
    ///
    /// # Errors
    /// `agent.revoked`, `agent.needs-upgrade`.
    pub(crate) fn check_sealing(&self) -> Result<(), Failure> {
        match &self.keys {
            Keys::Pending(_) => Ok(()),
            Keys::Given(agent) => match agent.status() {
                AgentStatus::Encrypted { .. } => Ok(()),
                AgentStatus::NeedsUpgrade => Err(TokenizeError::NeedsUpgrade.into()),
                AgentStatus::Revoked => Err(TokenizeError::Revoked.into()),
            },
        }
    }

    /// Opens a folder for one command.
    pub(crate) fn run<T>(folder: &Folder, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        Self::open(folder)?.work(work)
    }

    /// Runs a command to its end. Should the service say that this device is revoked, the owner's signature is asked
    /// for, and the keys go.
    pub(crate) fn work<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        work(self).map_err(|failure| match failure.code() {
            "device.revoked" => self.learn_of_revocation().err().unwrap_or(failure),
            _ => failure,
        })
    }

    /// Lets other commands work with the folder until [`Session::retake`].
    pub(crate) fn release(&mut self) {
        self.released = Some(self.folder.stamp());
        self.lock = None;
    }

    /// Takes the folder again; `None` if another command has changed it, so that it has to be opened anew.
    pub(crate) fn retake(mut self) -> Result<Option<Self>, Failure> {
        self.lock = Some(self.folder.lock()?);
        let same = self.released == Some(self.folder.stamp());
        Ok(same.then_some(self))
    }

    /// Makes sure of a bearer and of the newest delivery and policy.
    ///
    /// # Errors
    /// [`Failure::Unreachable`]: the caller may go on without. `agent.revoked`, `agent.needs-upgrade`: it may not.
    pub(crate) fn contact(&mut self) -> Result<(), Failure> {
        if self.is_pending() {
            if !self.link.has_bearer() && self.profile.ticket.is_some() {
                self.link.claim()?;
            }
            if !self.profile.requested {
                self.request()?;
            }
        }
        if let Keys::Pending(pending) = &self.keys {
            let Some(delivery) = self.link.delivery()? else { return Ok(()) };
            let agent = pending.accept(delivery.bytes())?;
            self.folder.save_agent(&agent.save())?;
            self.keys = Keys::Given(agent);
        }
        self.follow_policy()
    }

    /// Sends the enrollment request, which says the same however often it is sent.
    pub(crate) fn request(&mut self) -> Result<(), Failure> {
        self.link.request(&self.profile)?;
        self.profile.requested = true;
        self.folder.save_profile(&self.profile)
    }

    /// Goes on at another address of the service: the first one may have been mistyped.
    pub(crate) fn move_to(&mut self, server: &str) -> Result<(), Failure> {
        if self.profile.server != server {
            server.clone_into(&mut self.profile.server);
            self.folder.save_profile(&self.profile)?;
            self.link.move_to(server)?;
        }
        Ok(())
    }

    /// Whether the service has ever heard of this device.
    pub(crate) fn is_known(&self) -> bool {
        self.profile.requested || self.link.has_bearer()
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    fn follow_policy(&mut self) -> Result<(), Failure> {
        let Keys::Given(agent) = &mut self.keys else { return Ok(()) };
        if agent.status() == AgentStatus::Revoked {
            return Err(TokenizeError::Revoked.into());
        }
        if let Some(policy) = self.link.policy()? {
            let outcome = match agent.apply_policy(policy.bytes()) {
                Ok(Outcome::DeliveryNeeded) => match self.link.delivery()? {
                    Some(delivery) => agent.accept(delivery.bytes()),
                    None => Ok(Outcome::DeliveryNeeded),
                },
                outcome => outcome,
            };
            match outcome {
                Ok(Outcome::Updated) => self.folder.save_agent(&agent.save())?,
                Ok(Outcome::Revoked) => {
                    self.folder.save_agent(&agent.save())?;
                    self.folder.forget_backlog()?;
                    return Err(TokenizeError::Revoked.into());
                }
                Ok(Outcome::Unchanged | Outcome::DeliveryNeeded) => {}
                // What the owner did not sign, or signed long ago, changes nothing.
                Err(error) => eprintln!("the service sent something that was not accepted: {error} ({})", error.code()),
            }
        }
        self.check_sealing()
    }

    fn learn_of_revocation(&mut self) -> Result<(), Failure> {
        match self.follow_policy() {
            Err(failure) if failure.code() == "agent.revoked" => Err(failure),
            _ => Ok(()),
        }
    }

    /// Uploads what is spooled, and completes events that were sent before the keys came.
    pub(crate) fn catch_up(&mut self) -> Result<Receipt, Failure> {
        let mut outbox = Outbox::new(&self.folder, &mut self.link, None);
        outbox.flush()?;
        let mut receipt = outbox.receipt;
        if let Keys::Given(agent) = &self.keys {
            receipt.add(queue::complete(&self.folder, agent, &mut self.link)?);
        }
        Ok(receipt)
    }
}
