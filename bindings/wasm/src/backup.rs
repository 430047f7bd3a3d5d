//! Backup files.

use blindtally::BackupLock;
use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::change::Draft;
use crate::error::{self, BlindtallyError};
use crate::owner::{Owner, time};
use crate::password::{Kdf, NewPassword, Stretch, Stretched};
use crate::{batch, secret};

/// A backup file, still sealed.
#[wasm_bindgen]
pub struct Backup(pub(crate) blindtally::Backup);

#[wasm_bindgen]
impl Backup {
    pub fn parse(text: &str) -> Result<Backup, BlindtallyError> {
        blindtally::Backup::parse(text).map(Self).map_err(error::of)
    }

    pub fn text(&self) -> String {
        self.0.to_text()
    }

    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    /// Whether it opens with a recovery key, not with a passphrase.
    pub fn needs_recovery_key(&self) -> bool {
        self.0.lock() == BackupLock::RecoveryKey
    }

    pub fn stretch(&self) -> Result<Stretch, BlindtallyError> {
        self.0.stretch().map(Stretch).map_err(error::of)
    }

    pub fn open_stretched(&self, stretched: Stretched) -> Result<Restored, BlindtallyError> {
        self.0.open_stretched(stretched.0).map(Restored).map_err(error::of)
    }

    pub fn open_with_recovery_key(&self, key: &Uint8Array) -> Result<Restored, BlindtallyError> {
        let key = blindtally::RecoveryKey::parse(&secret::text(key)).map_err(error::of)?;
        self.0.open_with_recovery_key(&key).map(Restored).map_err(error::of)
    }
}

/// A backup and the recovery key that opens it.
#[wasm_bindgen]
pub struct RecoverableBackup {
    pub(crate) backup: blindtally::Backup,
    pub(crate) key: blindtally::RecoveryKey,
}

#[wasm_bindgen]
impl RecoverableBackup {
    pub fn text(&self) -> String {
        self.backup.to_text()
    }

    /// The 28 characters, in ASCII.
    pub fn key(&self) -> JsValue {
        secret::give(self.key.to_text().as_bytes())
    }
}

/// An opened backup.
#[wasm_bindgen]
pub struct Restored(pub(crate) blindtally::Restored);

#[wasm_bindgen]
impl Restored {
    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    pub fn account_code(&self) -> String {
        self.0.fingerprint().code()
    }

    pub fn recovery_proof(&self) -> JsValue {
        secret::give(self.0.recovery_proof().expose())
    }

    pub fn open_many(&self, suite: u8, texts: &[u8], lengths: &mut [i32], errors: &Array) -> Option<JsString> {
        batch::open(self.0.opening_keys(), suite, texts, lengths, errors)
    }

    /// An owner again, once the draft is done.
    pub fn draft(
        &self,
        new: NewPassword,
        stretched: Stretched,
        generation: u64,
        policy: Option<Vec<u8>>,
        now: f64,
    ) -> Result<RestoredOwner, BlindtallyError> {
        let head = blindtally::ServiceHead { generation, policy: policy.as_deref() };
        let drafted = blindtally::Owner::draft_restore(&self.0, new.0, stretched.0, head, time(now));
        let (owner, draft) = drafted.map_err(error::of)?;
        Ok(RestoredOwner { owner: Some(Owner(owner)), draft: Some(Draft(draft)) })
    }
}

/// A restored account and what it has to sign.
#[wasm_bindgen]
pub struct RestoredOwner {
    owner: Option<Owner>,
    draft: Option<Draft>,
}

#[wasm_bindgen]
impl RestoredOwner {
    pub fn take_owner(&mut self) -> Option<Owner> {
        self.owner.take()
    }

    pub fn take_draft(&mut self) -> Option<Draft> {
        self.draft.take()
    }
}

/// A passphrase being set for a backup.
#[wasm_bindgen]
pub struct NewPassphrase(pub(crate) blindtally::NewPassphrase);

#[wasm_bindgen]
impl NewPassphrase {
    #[wasm_bindgen(constructor)]
    pub fn new(owner: &Owner, kdf: &Kdf) -> Result<NewPassphrase, BlindtallyError> {
        owner.0.new_passphrase(kdf.0).map(Self).map_err(error::of)
    }

    pub fn stretch(&self) -> Stretch {
        Stretch(*self.0.stretch())
    }

    pub fn finish(self, owner: &Owner, stretched: Stretched) -> Result<Backup, BlindtallyError> {
        owner.0.backup_stretched(self.0, stretched.0).map(Backup).map_err(error::of)
    }
}
