//! What a Python object holds until it is closed. Closing wipes it, whoever still refers to the object.

use std::sync::{PoisonError, RwLock};

use pyo3::marker::Ungil;
use pyo3::prelude::*;
use pyo3::sync::RwLockExt;

use crate::error::Refused;

/// From so many bytes on, other Python threads run meanwhile.
const DETACHED: usize = 2048;

/// Something of the core's, or nothing any more. Readers run beside each other, on as many threads as there are.
pub(crate) struct Held<T>(RwLock<Option<T>>);

impl<T: Send + Sync> Held<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(RwLock::new(Some(inner)))
    }

    /// Looks at it. `look` must neither call Python nor take long: see [`Held::work`].
    pub(crate) fn look<R>(&self, py: Python<'_>, look: impl FnOnce(&T) -> R) -> PyResult<R> {
        let inner = self.0.read_py_attached(py).map_err(|_| closed())?;
        inner.as_ref().map(look).ok_or_else(closed)
    }

    /// Works with it while other Python threads run.
    pub(crate) fn work<R: Ungil + Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&T) -> R + Ungil + Send,
    ) -> PyResult<R> {
        py.detach(|| {
            let inner = self.0.read().map_err(|_| Refused::Closed)?;
            inner.as_ref().map(work).ok_or(Refused::Closed)
        })
        .map_err(PyErr::from)
    }

    /// Works with it on so many bytes: while other Python threads run, if they are enough to be worth it.
    pub(crate) fn work_on<R: Ungil + Send>(
        &self,
        py: Python<'_>,
        bytes: usize,
        work: impl FnOnce(&T) -> R + Ungil + Send,
    ) -> PyResult<R> {
        if bytes < DETACHED { self.look(py, work) } else { self.work(py, work) }
    }

    /// Changes it while other Python threads run; they wait if they need it.
    pub(crate) fn change<R: Ungil + Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut T) -> R + Ungil + Send,
    ) -> PyResult<R> {
        py.detach(|| {
            let mut inner = self.0.write().map_err(|_| Refused::Closed)?;
            inner.as_mut().map(change).ok_or(Refused::Closed)
        })
        .map_err(PyErr::from)
    }

    /// Takes it out: it is used up.
    pub(crate) fn take(&self, py: Python<'_>) -> PyResult<T> {
        py.detach(|| self.0.write().unwrap_or_else(PoisonError::into_inner).take()).ok_or_else(closed)
    }

    /// Uses it up while other Python threads run, unless that fails and hands it back.
    pub(crate) fn spend<R: Ungil + Send, E: Ungil + Send>(
        &self,
        py: Python<'_>,
        spend: impl FnOnce(T) -> Result<R, (E, T)> + Ungil + Send,
    ) -> PyResult<Result<R, E>> {
        py.detach(|| {
            let mut inner = self.0.write().map_err(|_| Refused::Closed)?;
            match spend(inner.take().ok_or(Refused::Closed)?) {
                Ok(made) => Ok(Ok(made)),
                Err((error, back)) => {
                    *inner = Some(back);
                    Ok(Err(error))
                }
            }
        })
        .map_err(|refused: Refused| refused.into())
    }

    /// Wipes it, once whoever works with it is done.
    pub(crate) fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.0.write().unwrap_or_else(PoisonError::into_inner).take()));
    }
}

fn closed() -> PyErr {
    Refused::Closed.into()
}
