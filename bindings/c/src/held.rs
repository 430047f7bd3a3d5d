//! What a handle of C holds until it is closed. Closing wipes it, whoever still has the pointer.

use std::sync::{PoisonError, RwLock};

use crate::error::Refused;

/// Something of the core's, or nothing any more. Readers run beside each other, on as many threads as there are.
pub(crate) struct Held<T>(RwLock<Option<T>>);

impl<T> Held<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(RwLock::new(Some(inner)))
    }

    /// Looks at it, beside others.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, Refused> {
        let inner = self.0.read().map_err(|_| Refused::INTERNAL)?;
        inner.as_ref().map(look).ok_or(Refused::CLOSED)
    }

    /// Changes it, alone.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Refused> {
        let mut inner = self.0.write().map_err(|_| Refused::INTERNAL)?;
        inner.as_mut().map(change).ok_or(Refused::CLOSED)
    }

    /// Takes it out: it is used up.
    pub(crate) fn take(&self) -> Result<T, Refused> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take().ok_or(Refused::CLOSED)
    }

    /// Wipes it, once whoever works with it is done.
    pub(crate) fn close(&self) {
        drop(self.take());
    }
}
