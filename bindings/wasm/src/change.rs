//! Changes of an account: drafts to sign, vaults to store, messages to send.

use blindtally::{Progress, Sync};
use wasm_bindgen::prelude::*;

/// A state of the account to be stored.
#[wasm_bindgen]
pub struct Change {
    change: Option<blindtally::Change>,
    outbox: blindtally::Outbox,
}

impl From<blindtally::Change> for Change {
    fn from(change: blindtally::Change) -> Self {
        Self { change: Some(change), outbox: blindtally::Outbox::default() }
    }
}

#[wasm_bindgen]
impl Change {
    pub fn vault(&self) -> Vec<u8> {
        self.change.as_ref().map(|change| change.vault().to_vec()).unwrap_or_default()
    }

    pub fn expected(&self) -> u64 {
        self.change.as_ref().map(blindtally::Change::expected).unwrap_or_default()
    }

    pub fn generation(&self) -> u64 {
        self.change.as_ref().map(blindtally::Change::generation).unwrap_or_default()
    }

    /// Opens the outbox.
    pub fn committed(&mut self) {
        if let Some(change) = self.change.take() {
            self.outbox = change.committed();
        }
    }

    /// Who gets a delivery, in order.
    pub fn recipients(&self) -> Vec<String> {
        self.outbox.deliveries().iter().map(|(device, _)| device.to_string()).collect()
    }

    /// The delivery at `index` of the recipients.
    pub fn delivery(&self, index: usize) -> Vec<u8> {
        self.outbox.deliveries().get(index).map(|(_, delivery)| delivery.clone()).unwrap_or_default()
    }

    pub fn policy(&self) -> Option<Vec<u8>> {
        self.outbox.policy().map(<[u8]>::to_vec)
    }

    pub fn revoked(&self) -> Vec<String> {
        self.outbox.revoked().iter().map(ToString::to_string).collect()
    }
}

/// What is to be signed before there is a change.
#[wasm_bindgen]
pub struct Draft(pub(crate) blindtally::Draft);

#[wasm_bindgen]
impl Draft {
    /// How many messages are to be signed.
    pub fn count(&self) -> usize {
        self.0.messages().len()
    }

    /// The messages, one after the other, each behind its length in four bytes, big-endian.
    pub fn messages(&self) -> Vec<u8> {
        framed(&self.0.messages())
    }
}

/// Where an operation stands: one of the two is there.
#[wasm_bindgen]
pub struct Step {
    draft: Option<Draft>,
    change: Option<Change>,
}

#[wasm_bindgen]
impl Step {
    pub fn take_draft(&mut self) -> Option<Draft> {
        self.draft.take()
    }

    pub fn take_change(&mut self) -> Option<Change> {
        self.change.take()
    }
}

impl From<Progress> for Step {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Sign(draft) => Self { draft: Some(Draft(*draft)), change: None },
            Progress::Done(change) => Self { draft: None, change: Some(change.into()) },
        }
    }
}

/// What became of a vault that the service showed.
#[wasm_bindgen]
pub struct Synced {
    adopted: bool,
    draft: Option<Draft>,
}

#[wasm_bindgen]
impl Synced {
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// The union to be stored, if there is one.
    pub fn take_draft(&mut self) -> Option<Draft> {
        self.draft.take()
    }
}

impl From<Sync<blindtally::Draft>> for Synced {
    fn from(sync: Sync<blindtally::Draft>) -> Self {
        match sync {
            Sync::Same => Self { adopted: false, draft: None },
            Sync::Adopted => Self { adopted: true, draft: None },
            Sync::Store(draft) => Self { adopted: false, draft: Some(Draft(*draft)) },
        }
    }
}

/// Byte strings in one.
pub(crate) fn framed(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&(part.len() as u32).to_be_bytes()[..], part].concat()).collect()
}

/// What [`framed`] put together.
pub(crate) fn parts(mut framed: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = framed.split_first_chunk::<4>() {
        let (part, rest) = rest.split_at(rest.len().min(u32::from_be_bytes(*length) as usize));
        parts.push(part.to_vec());
        framed = rest;
    }
    parts
}
