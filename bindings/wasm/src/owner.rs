//! The owner's end.

use blindtally::{
    AfterRevoking, CanonicalForm, DeviceId, DeviceStatus, Error, Lifetime, Operation, ParseError, TicketUses,
    Timestamp, Token, TokenClass,
};
use js_sys::{Array, JsString, Promise};
use wasm_bindgen::prelude::*;

use crate::backup::RecoverableBackup;
use crate::change::{self, Change, Draft, Step, Synced};
use crate::enrollment::{Inspection, VerifiedRequest};
use crate::error::{self, BlindtallyError};
use crate::identity::{self, Identity};
use crate::password::{Kdf, NewPassword, PasswordChange, Stretched, Unlocking};
use crate::ticket::Ticket;
use crate::{batch, secret};

/// An account that still has to sign its first policy.
#[wasm_bindgen]
pub struct UnsignedAccount(blindtally::UnsignedAccount);

#[wasm_bindgen]
impl UnsignedAccount {
    #[wasm_bindgen(constructor)]
    pub fn new(
        new: NewPassword,
        stretched: Stretched,
        identity: Identity,
        now: f64,
    ) -> Result<UnsignedAccount, BlindtallyError> {
        blindtally::UnsignedAccount::new(new.0, stretched.0, identity.0, time(now)).map(Self).map_err(error::of)
    }

    pub fn signing_key(&self) -> Result<Promise, BlindtallyError> {
        identity::signing_key(self.0.identity())
    }

    pub fn message(&self) -> Vec<u8> {
        self.0.message()
    }

    pub fn finish(self, signature: &[u8]) -> Result<CreatedOwner, BlindtallyError> {
        let (owner, change) = self.0.finish(signature).map_err(error::of)?;
        Ok(CreatedOwner { owner: Some(Owner(owner)), change: Some(change.into()) })
    }
}

/// A new account and its first vault.
#[wasm_bindgen]
pub struct CreatedOwner {
    owner: Option<Owner>,
    change: Option<Change>,
}

#[wasm_bindgen]
impl CreatedOwner {
    pub fn take_owner(&mut self) -> Option<Owner> {
        self.owner.take()
    }

    pub fn take_change(&mut self) -> Option<Change> {
        self.change.take()
    }
}

/// The owner of an account, unlocked.
#[wasm_bindgen]
pub struct Owner(pub(crate) blindtally::Owner);

#[wasm_bindgen]
impl Owner {
    pub fn unlock(unlocking: Unlocking, vault: &[u8], seen: u64) -> Result<Owner, BlindtallyError> {
        blindtally::Owner::unlock(unlocking.0, vault, seen).map(Self).map_err(error::of)
    }

    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    pub fn fingerprint_code(&self) -> String {
        self.0.fingerprint().code()
    }

    pub fn account_code(&self) -> String {
        self.0.account_code().to_text()
    }

    pub fn login(&self) -> String {
        self.0.login().as_str().to_owned()
    }

    pub fn kdf(&self) -> Kdf {
        Kdf(self.0.prelogin().kdf)
    }

    pub fn salt(&self) -> Vec<u8> {
        self.0.prelogin().salt.to_vec()
    }

    pub fn login_proof(&self) -> JsValue {
        secret::give(self.0.login_proof().expose())
    }

    /// A kept login, sealed by WebCrypto.
    pub fn keep_unlocked(&self, key: &JsValue, iv: &JsValue) -> Promise {
        secret::seal(key, iv, self.0.keep_unlocked().expose())
    }

    pub fn recovery_proof(&self) -> JsValue {
        secret::give(self.0.recovery_proof().expose())
    }

    pub fn generation(&self) -> u64 {
        self.0.generation()
    }

    pub fn policy(&self) -> Policy {
        Policy { bytes: self.0.policy().as_bytes().to_vec(), policy: self.0.policy().policy().clone() }
    }

    pub fn devices(&self) -> Vec<Device> {
        self.0.devices().map(|(id, device)| Device { id, device: device.clone() }).collect()
    }

    pub fn issue_ticket(&self, uses: u16, lifetime_seconds: f64, now: f64) -> Result<Ticket, BlindtallyError> {
        let uses = TicketUses::several(uses).map_err(|_| error::of(blindtally::OwnerError::Lifetime))?;
        let lifetime = Lifetime::seconds(lifetime_seconds as u64);
        self.0.issue_ticket(uses, lifetime, time(now)).map(Ticket).map_err(error::of)
    }

    pub fn inspect(&self, request: &[u8], now: f64) -> Result<Inspection, BlindtallyError> {
        let request = blindtally::EnrollmentRequest::from_bytes(request).map_err(error::of)?;
        self.0.inspect(&request, time(now)).map(Inspection).map_err(error::of)
    }

    pub fn draft_approve(&self, request: VerifiedRequest, now: f64) -> Result<Draft, BlindtallyError> {
        self.draft(Operation::Approve(request.0), now)
    }

    pub fn draft_redeliver(&self, device: &str, now: f64) -> Result<Draft, BlindtallyError> {
        self.draft(Operation::Redeliver(parse_device(device)?), now)
    }

    pub fn draft_revoke(&self, device: &str, rotate: bool, now: f64) -> Result<Draft, BlindtallyError> {
        let after = if rotate { AfterRevoking::Rotate } else { AfterRevoking::KeepEpoch };
        self.draft(Operation::Revoke(parse_device(device)?, after), now)
    }

    pub fn draft_rotate(&self, now: f64) -> Result<Draft, BlindtallyError> {
        self.draft(Operation::Rotate, now)
    }

    pub fn draft_cancel_ticket(&self, ticket: &str, now: f64) -> Result<Draft, BlindtallyError> {
        let ticket = ticket.parse().map_err(|error: ParseError| error::of(error))?;
        self.draft(Operation::CancelTicket(ticket), now)
    }

    /// `form`: its id on the wire.
    pub fn draft_set_canonical_form(&self, class: u8, form: u8, now: f64) -> Result<Draft, BlindtallyError> {
        let forms = [CanonicalForm::Exact, CanonicalForm::AsciiLowercase, CanonicalForm::Host];
        let form = forms.into_iter().find(|known| *known as u8 == form).ok_or_else(|| error::of(ParseError::Value))?;
        self.draft(Operation::SetCanonicalForm(token_class(class)?, form), now)
    }

    /// With the signatures, each behind its length.
    pub fn advance(&mut self, draft: Draft, signatures: &[u8]) -> Result<Step, BlindtallyError> {
        self.0.advance(draft.0, change::parts(signatures)).map(Step::from).map_err(error::of)
    }

    pub fn draft_sync(&mut self, vault: &[u8], now: f64) -> Result<Synced, BlindtallyError> {
        self.0.draft_sync(vault, time(now)).map(Synced::from).map_err(error::of)
    }

    pub fn signing_key(&self) -> Result<Promise, BlindtallyError> {
        identity::signing_key(self.0.identity())
    }

    pub fn new_password(&self, kdf: &Kdf) -> Result<NewPassword, BlindtallyError> {
        self.0.new_password(kdf.0).map(NewPassword).map_err(error::of)
    }

    pub fn change_password(
        &mut self,
        new: NewPassword,
        stretched: Stretched,
    ) -> Result<PasswordChange, BlindtallyError> {
        let changed = self.0.change_password_stretched(new.0, stretched.0).map_err(error::of)?;
        let blindtally::PasswordChange { old_proof, new_proof, prelogin, change } = changed;
        Ok(PasswordChange { old_proof, new_proof, prelogin, change: Some(change.into()) })
    }

    pub fn backup_with_recovery_key(&self) -> Result<RecoverableBackup, BlindtallyError> {
        let (backup, key) = self.0.backup_with_recovery_key().map_err(error::of)?;
        Ok(RecoverableBackup { backup, key })
    }

    /// Opens tokens or records; see [`batch::open`].
    pub fn open_many(&self, suite: u8, texts: &[u8], lengths: &mut [i32], errors: &Array) -> Option<JsString> {
        batch::open(self.0.opening_keys(), suite, texts, lengths, errors)
    }

    pub fn tokenize_typed(&self, class: u8, typed: &str) -> Result<String, BlindtallyError> {
        let token = self.0.tokenize_typed(token_class(class)?, typed).map_err(error::of)?;
        Ok(token.to_string())
    }

    pub fn retokenize(&self, token: &str) -> Result<String, BlindtallyError> {
        let token: Token = token.parse().map_err(|error: ParseError| error::of(error))?;
        self.0.retokenize(&token).map(|token| token.to_string()).map_err(error::of)
    }
}

impl Owner {
    fn draft(&self, operation: Operation, now: f64) -> Result<Draft, BlindtallyError> {
        self.0.draft(operation, time(now)).map(Draft).map_err(error::of)
    }
}

/// A signed policy.
#[wasm_bindgen]
pub struct Policy {
    pub(crate) bytes: Vec<u8>,
    pub(crate) policy: blindtally::Policy,
}

#[wasm_bindgen]
impl Policy {
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    pub fn version(&self) -> u64 {
        self.policy.version()
    }

    /// In milliseconds since the Unix epoch.
    pub fn issued_at(&self) -> f64 {
        self.policy.issued_at() as f64 * 1000.0
    }

    pub fn epoch(&self) -> u16 {
        self.policy.epoch().get()
    }

    pub fn revoked(&self) -> Vec<String> {
        self.policy.revoked().iter().map(ToString::to_string).collect()
    }

    /// Pairs of a class's id and its form's.
    pub fn classes(&self) -> Vec<u8> {
        self.policy.classes().iter().flat_map(|(class, form)| [class.id(), *form as u8]).collect()
    }
}

/// A device in the owner's table.
#[wasm_bindgen]
pub struct Device {
    id: DeviceId,
    device: blindtally::Device,
}

#[wasm_bindgen]
impl Device {
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    pub fn name(&self) -> String {
        self.device.name().to_owned()
    }

    pub fn revoked(&self) -> bool {
        self.device.status() == DeviceStatus::Revoked
    }

    /// In milliseconds since the Unix epoch.
    pub fn confirmed_at(&self) -> f64 {
        self.device.confirmed_at().unix_millis() as f64
    }

    pub fn code(&self) -> String {
        self.device.identity().fingerprint().code()
    }
}

/// From milliseconds since the Unix epoch, which TypeScript has found to be those of a date.
pub(crate) fn time(millis: f64) -> Timestamp {
    Timestamp::from_unix_millis(millis as u64)
}

pub(crate) fn token_class(id: u8) -> Result<TokenClass, BlindtallyError> {
    TokenClass::from_id(id).map_err(|error| error::of(Error::from(error)))
}

pub(crate) fn parse_device(id: &str) -> Result<DeviceId, BlindtallyError> {
    id.parse().map_err(|error: ParseError| error::of(error))
}
