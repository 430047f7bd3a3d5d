//! All token keys of an account, derived when first needed: what an owner reveals with.

use std::sync::OnceLock;

use crate::class::TokenClass;
use crate::error::RevealError;
use crate::id::Epoch;
use crate::keyring::Keyring;
use crate::master_key::{EpochKey, Scope};
use crate::token::{Token, TokenKey};

pub(crate) struct TokenRing {
    epochs: Vec<RingEpoch>,
}

struct RingEpoch {
    epoch: Epoch,
    /// One, or several where histories were merged.
    keys: Vec<EpochKey>,
    classes: [OnceLock<Vec<TokenKey>>; CLASSES],
}

/// The token classes there can be: 7 named ones and 64 of applications.
const CLASSES: usize = 7 + 64;

impl TokenRing {
    pub(crate) fn new(keyring: &Keyring) -> Self {
        let mut epochs: Vec<RingEpoch> = Vec::new();
        for &(epoch, ref key) in &keyring.epochs {
            let key = key.epoch_key(Scope { account: keyring.account, epoch });
            match epochs.last_mut() {
                Some(last) if last.epoch == epoch => last.keys.push(key),
                _ => epochs.push(RingEpoch { epoch, keys: vec![key], classes: [const { OnceLock::new() }; CLASSES] }),
            }
        }
        Self { epochs }
    }

    /// The keys that may have made a token of this class and epoch.
    pub(crate) fn candidates(&self, class: TokenClass, epoch: Epoch) -> &[TokenKey] {
        let slot = match class.id() {
            id @ 128.. => usize::from(id) - 128 + 7,
            id => usize::from(id) - 1,
        };
        let known = self.epochs.binary_search_by_key(&epoch, |known| known.epoch).ok().map(|at| &self.epochs[at]);
        let keys = known.and_then(|known| {
            let derive = || known.keys.iter().map(|key| TokenKey::new(&key.class_key(class))).collect();
            Some(known.classes.get(slot)?.get_or_init(derive))
        });
        keys.map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn reveal(&self, token: &Token) -> Result<String, RevealError> {
        let mut result = Err(RevealError::NoKey);
        for key in self.candidates(token.class(), token.epoch()) {
            result = key.reveal(token);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}
