//! Where sealed uploads go: to the service, or from its first silence on into the spool.

use blindtally_client::Failure;

use crate::folder::Folder;
use crate::journal::Journal;
use crate::link::{Link, Receipt};
use crate::queue::Queue;
use crate::seal::Sealed;
use crate::time;

/// Uploads of one command.
pub(crate) struct Outbox<'a> {
    folder: &'a Folder,
    link: &'a mut Link,
    queue: Option<Queue>,
    spool: Option<Journal>,
    /// Why uploads go to the spool.
    pub(crate) silence: Option<Failure>,
    pub(crate) receipt: Receipt,
}

impl<'a> Outbox<'a> {
    pub(crate) fn new(folder: &'a Folder, link: &'a mut Link, silence: Option<Failure>) -> Self {
        Self { folder, link, queue: None, spool: None, silence, receipt: Receipt::default() }
    }

    /// Uploads what the spool holds.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let mut spool = self.folder.spool()?;
        if spool.is_empty() {
            return Ok(());
        }
        let mut frames = spool.frames()?;
        loop {
            let done = frames.offset();
            let Some(body) = frames.next()? else { break };
            match self.link.upload(&body) {
                Ok(receipt) => self.receipt.add(receipt),
                Err(failure) => {
                    spool.forget_until(done)?;
                    return Err(failure);
                }
            }
        }
        spool.clear()?;
        self.folder.save_last_upload(time::now_us())
    }

    /// Uploads or spools; values that wait for keys are queued first, so that no event is ever known without them.
    pub(crate) fn send(&mut self, sealed: &Sealed) -> Result<(), Failure> {
        self.queue(sealed)?;
        if self.silence.is_none() {
            match self.link.upload(&sealed.body) {
                Ok(receipt) => {
                    self.receipt.add(receipt);
                    return Ok(());
                }
                Err(failure @ (Failure::Unreachable { .. } | Failure::WaitingForKeys)) => self.silence = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        self.spool(sealed)
    }

    /// Keeps an upload for [`Outbox::flush`]: when this returns, a crash does not lose it.
    pub(crate) fn accept(&mut self, sealed: &Sealed) -> Result<(), Failure> {
        self.queue(sealed)?;
        self.spool(sealed)
    }

    fn queue(&mut self, sealed: &Sealed) -> Result<(), Failure> {
        if sealed.waiting.is_empty() {
            return Ok(());
        }
        let queue = match self.queue.take() {
            Some(queue) => queue,
            None => Queue::open(self.folder)?,
        };
        self.queue.insert(queue).add(&sealed.waiting)
    }

    fn spool(&mut self, sealed: &Sealed) -> Result<(), Failure> {
        let spool = match self.spool.take() {
            Some(spool) => spool,
            None => self.folder.spool()?,
        };
        self.spool.insert(spool).append(&sealed.body)
    }
}
