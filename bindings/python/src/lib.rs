//! The core for Python: types translated, nothing decided. The package around it is in `python/blindtally`.
//!
//! Names, arguments and results are those of the core; see there. Whatever holds keys can be closed, which wipes it, and is
//! neither printed nor pickled. The interpreter is free while the core works.

mod agent;
mod backup;
mod batch;
mod class;
mod column;
mod error;
mod given;
mod held;
mod identity;
mod opening;
mod owner;
mod policy;
mod ticket;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Every code that an error may have, with its sentence: those of the core, and those of this package ("python.").
#[pyfunction]
fn error_codes(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let codes = PyDict::new(py);
    for (code, text) in blindtally::Error::all_codes() {
        codes.set_item(code, text)?;
    }
    for refused in error::Refused::ALL {
        codes.set_item(refused.code(), refused.text())?;
    }
    Ok(codes)
}

#[pymodule]
mod _blindtally {
    #[pymodule_export]
    use super::agent::{Agent, AgentStatus, PendingAgent, load_agent};
    #[pymodule_export]
    use super::backup::Restored;
    #[pymodule_export]
    use super::class::{BlobClass, RecordClass, TokenClass};
    #[pymodule_export]
    use super::column::Column;
    #[pymodule_export]
    use super::error_codes;
    #[pymodule_export]
    use super::identity::Identity;
    #[pymodule_export]
    use super::opening::OpeningKeys;
    #[pymodule_export]
    use super::owner::Owner;
    #[pymodule_export]
    use super::policy::Policy;
    #[pymodule_export]
    use super::ticket::Ticket;
}
