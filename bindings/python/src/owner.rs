//! The account owner's end.

use pyo3::prelude::*;

use crate::opening::{OpeningKeys, Source};

/// The owner of an account, unlocked.
///
/// What changes the account gives a Change: store its vault at the service, then call `committed()` and send the outbox.
#[pyclass(module = "blindtally", extends = OpeningKeys, frozen)]
pub(crate) struct Owner {}

impl Owner {
    pub(crate) fn make(py: Python<'_>, owner: blindtally::Owner) -> PyResult<Bound<'_, Self>> {
        let keys = OpeningKeys::new(Source::Owner(owner));
        Bound::new(py, PyClassInitializer::from(keys).add_subclass(Self {}))
    }
}
