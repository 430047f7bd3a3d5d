//! What every request shares.

use std::sync::Arc;

use crate::config::Config;
use crate::dictionary::DictionaryCache;
use crate::limiter::Limiters;
use crate::object::Objects;
use crate::store::Store;

/// What every request shares; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) store: Store,
    /// `None`: no place for blobs was configured.
    pub(crate) objects: Option<Arc<Objects>>,
    pub(crate) dictionary: DictionaryCache,
    pub(crate) limiters: Limiters,
    /// Keys the invented answers of prelogin.
    pub(crate) prelogin_secret: [u8; 32],
}

impl App {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
