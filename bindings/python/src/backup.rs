//! Backups, which open without the service and after a lost password.

use pyo3::prelude::*;

use crate::opening::{OpeningKeys, Source};

/// An opened backup: opens everything offline, and becomes an Owner again by `Owner.restore`.
#[pyclass(module = "blindtally", extends = OpeningKeys, frozen)]
pub(crate) struct Restored {}

impl Restored {
    fn make(py: Python<'_>, restored: blindtally::Restored) -> PyResult<Bound<'_, Self>> {
        let keys = OpeningKeys::new(Source::Restored(restored));
        Bound::new(py, PyClassInitializer::from(keys).add_subclass(Self {}))
    }
}
