//! `sync`: fetches delivery and policy, uploads what is spooled, and completes earlier events.

use blindtally_client::Failure;
use serde::Serialize;

use crate::folder::Folder;
use crate::session::Session;
use crate::time;
use crate::unit::{Delivered, Units};

/// What a sync came to.
#[derive(Debug, Serialize)]
pub struct Synced {
    /// Spooled events that are new to the service.
    pub events: u64,
    /// Events, enrichments, blobs and records that changed nothing.
    pub duplicates: u64,
    /// Earlier events that got their values.
    pub enriched: u64,
    /// Blobs that `collect` had sealed and that are new to the service.
    pub blobs: u64,
    /// Records that `collect` had sealed and that are new to it.
    pub records: u64,
    /// Blobs and batches of records that it will never take. They are set aside.
    pub refused: u64,
    /// Always false: while keys are missing a sync ends with [`Failure::WaitingForKeys`].
    pub pending_keys: bool,
}

/// What becomes of blobs and batches that the service has refused before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// They stay aside.
    Leave,
    /// They are sent once more.
    Retry,
}

/// Brings this device and the service up to date with each other.
///
/// # Errors
/// [`Failure::WaitingForKeys`] while the owner has not confirmed; what was spooled is uploaded nonetheless.
pub fn sync(folder: &Folder, refused: Refused) -> Result<Synced, Failure> {
    Session::run(folder, |session| {
        session.contact()?;
        let receipt = session.catch_up()?;
        if session.is_pending() {
            return Err(Failure::WaitingForKeys);
        }
        let mut delivered = Delivered::default();
        let mut units = Units::open(&session.folder)?;
        if refused == Refused::Retry {
            units.retry()?;
        }
        let delivery = units.deliver(&mut session.link, &mut delivered);
        let Delivered { blobs, records, duplicates, refused } = delivered;
        if blobs + records + duplicates > 0 {
            session.folder.save_last_upload(time::now_us())?;
        }
        delivery?;
        let (events, enriched) = (receipt.stored, receipt.enriched);
        let duplicates = receipt.duplicates + duplicates;
        Ok(Synced { events, duplicates, enriched, blobs, records, refused, pending_keys: false })
    })
}
