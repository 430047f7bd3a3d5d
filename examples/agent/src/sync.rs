//! `sync`: fetches delivery and policy, uploads what is spooled, and completes earlier events.

use blindtally_client::Failure;
use serde::Serialize;

use crate::folder::Folder;
use crate::session::Session;

/// What a sync came to.
#[derive(Debug, Serialize)]
pub struct Synced {
    /// Spooled events that are new to the service.
    pub events: u64,
    /// Events and enrichments that changed nothing.
    pub duplicates: u64,
    /// Earlier events that got their values.
    pub enriched: u64,
    /// Always false: while keys are missing a sync ends with [`Failure::WaitingForKeys`].
    pub pending_keys: bool,
}

/// Brings this device and the service up to date with each other.
///
/// # Errors
/// [`Failure::WaitingForKeys`] while the owner has not confirmed; what was spooled is uploaded nonetheless.
pub fn sync(folder: &Folder) -> Result<Synced, Failure> {
    Session::run(folder, |session| {
        session.contact()?;
        let receipt = session.catch_up()?;
        if session.is_pending() {
            return Err(Failure::WaitingForKeys);
        }
        let (events, duplicates, enriched) = (receipt.stored, receipt.duplicates, receipt.enriched);
        Ok(Synced { events, duplicates, enriched, pending_keys: false })
    })
}
