//! What an object of another language holds until it is wiped or used up, whoever still refers to the object.

use std::sync::{Mutex, PoisonError, RwLock, TryLockError};

use crate::error::Misuse;

/// Something of the core's, or nothing any more. Readers run beside each other, on as many threads as there are.
pub(crate) struct Held<T>(RwLock<Option<T>>);

impl<T> Held<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(RwLock::new(Some(inner)))
    }

    /// Looks at it. `look` must not call the other language.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, Misuse> {
        let inner = self.0.read().map_err(|_| Misuse::Closed)?;
        inner.as_ref().map(look).ok_or(Misuse::Closed)
    }

    /// Changes it; other threads wait if they need it.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Misuse> {
        let mut inner = self.0.write().map_err(|_| Misuse::Closed)?;
        inner.as_mut().map(change).ok_or(Misuse::Closed)
    }

    /// Takes it out: it is used up.
    pub(crate) fn take(&self) -> Result<T, Misuse> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take().ok_or(Misuse::Closed)
    }

    /// Uses it up, unless that fails and hands it back.
    pub(crate) fn spend<R, E>(&self, spend: impl FnOnce(T) -> Result<R, (E, T)>) -> Result<Result<R, E>, Misuse> {
        let mut inner = self.0.write().map_err(|_| Misuse::Closed)?;
        match spend(inner.take().ok_or(Misuse::Closed)?) {
            Ok(made) => Ok(Ok(made)),
            Err((error, back)) => {
                *inner = Some(back);
                Ok(Err(error))
            }
        }
    }

    /// Wipes it, once whoever works with it is done.
    pub(crate) fn wipe(&self) {
        drop(self.0.write().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Something that one call at a time uses, which may call the other language meanwhile: a second call fails instead of
/// waiting for a first one that led to it.
pub(crate) struct Single<T>(Mutex<Option<T>>);

impl<T> Single<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(Mutex::new(Some(inner)))
    }

    pub(crate) fn work<R>(&self, work: impl FnOnce(&mut T) -> R) -> Result<R, Misuse> {
        self.with(|inner| inner.as_mut().map(work).ok_or(Misuse::Closed))?
    }

    /// Works with it, and wipes it if that fails, before any other call can use it.
    pub(crate) fn work_or_wipe<R, E>(&self, work: impl FnOnce(&mut T) -> Result<R, E>) -> Result<Result<R, E>, Misuse> {
        self.with(|inner| {
            let worked = work(inner.as_mut().ok_or(Misuse::Closed)?);
            if worked.is_err() {
                *inner = None;
            }
            Ok(worked)
        })?
    }

    pub(crate) fn take(&self) -> Result<T, Misuse> {
        self.with(|inner| inner.take().ok_or(Misuse::Closed))?
    }

    /// Wipes it.
    pub(crate) fn wipe(&self) -> Result<(), Misuse> {
        self.with(|inner| drop(inner.take()))
    }

    fn with<R>(&self, work: impl FnOnce(&mut Option<T>) -> R) -> Result<R, Misuse> {
        match self.0.try_lock() {
            Ok(mut inner) => Ok(work(&mut inner)),
            Err(TryLockError::WouldBlock) => Err(Misuse::Busy),
            // A call that ended in the middle: nobody knows how far it came.
            Err(TryLockError::Poisoned(_)) => Err(Misuse::Closed),
        }
    }
}
