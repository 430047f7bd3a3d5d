//! What a Python object holds that calls Python itself while it works, such as a file object.

use std::sync::{Mutex, TryLockError};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use crate::error::Refused;
use crate::file::Handle;

/// Fewer bytes are worked on faster than other threads are let in.
const DETACHED: usize = 2048;

/// Something that one call at a time uses. A second one, of another thread or one that the first led to, is refused at
/// once: it might wait for itself.
pub(crate) struct Single<T>(Mutex<Option<Inner<T>>>);

struct Inner<T> {
    value: T,
    /// The file objects that it uses, for the garbage collector to find.
    file: Handle,
}

impl<T: Send> Single<T> {
    pub(crate) fn new(value: T, file: Handle) -> Self {
        Self(Mutex::new(Some(Inner { value, file })))
    }

    /// Works with it on so many bytes: while other Python threads run, if they are enough to be worth it.
    pub(crate) fn work<R: Send>(
        &self,
        py: Python<'_>,
        bytes: usize,
        work: impl FnOnce(&mut T) -> R + Send,
    ) -> PyResult<R> {
        let work = || {
            let mut inner = self.0.try_lock().map_err(refused)?;
            inner.as_mut().map(|inner| work(&mut inner.value)).ok_or(Refused::Closed)
        };
        let result = if bytes < DETACHED { work() } else { py.detach(work) };
        result.map_err(PyErr::from)
    }

    /// Whether it was neither used up nor closed.
    pub(crate) fn is_open(&self) -> PyResult<bool> {
        Ok(self.0.try_lock().map_err(refused)?.is_some())
    }

    /// Takes it out: it is used up.
    pub(crate) fn take(&self) -> PyResult<T> {
        let inner = self.0.try_lock().map_err(refused)?.take();
        Ok(inner.ok_or(Refused::Closed)?.value)
    }

    /// Wipes it. It may have been closed before.
    pub(crate) fn close(&self) -> PyResult<()> {
        let inner = match self.0.try_lock() {
            Ok(mut inner) => inner.take(),
            Err(TryLockError::Poisoned(inner)) => inner.into_inner().take(),
            Err(TryLockError::WouldBlock) => return Err(Refused::Busy.into()),
        };
        // Only now: a file object that goes with it may do anything.
        drop(inner);
        Ok(())
    }

    /// What is in use is not visited, and so not collected.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(inner) => inner.as_ref().map_or(Ok(()), |inner| visit.call(inner.file.object())),
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn clear(&self) {
        drop(self.0.try_lock().ok().and_then(|mut inner| inner.take()));
    }
}

fn refused<T>(error: TryLockError<T>) -> Refused {
    match error {
        TryLockError::WouldBlock => Refused::Busy,
        TryLockError::Poisoned(_) => Refused::Closed,
    }
}
