//! The core for Python: types translated, nothing decided. The package around it is in `python/blindtally`.
//!
//! Names, arguments and results are those of the core; see there. Whatever holds keys can be closed, which wipes it, and is
//! neither printed nor pickled. The interpreter is free while the core works.

mod agent;
mod archive;
mod backup;
mod batch;
mod blob;
mod change;
mod class;
mod column;
mod enrollment;
mod error;
mod file;
mod given;
mod held;
mod identity;
mod opening;
mod owner;
mod password;
mod policy;
mod single;
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

/// Free-threaded interpreters may use it: every object is frozen around locks of its own.
#[pymodule(gil_used = false)]
mod _blindtally {
    #[pymodule_export]
    use super::agent::{Agent, AgentStatus, PendingAgent, load_agent};
    #[pymodule_export]
    use super::archive::{Archive, ArchiveWriter, ArchivedFile};
    #[pymodule_export]
    use super::backup::{Backup, RecoveryKey, Restored};
    #[pymodule_export]
    use super::blob::{BlobHeader, RawBlobFile, RawBlobReader, RawBlobWriter};
    #[pymodule_export]
    use super::change::{Change, Outbox, PasswordChange};
    #[pymodule_export]
    use super::class::{BlobClass, RecordClass, TokenClass};
    #[pymodule_export]
    use super::column::Column;
    #[pymodule_export]
    use super::enrollment::{ComparisonRequest, VerifiedRequest};
    #[pymodule_export]
    use super::error_codes;
    #[pymodule_export]
    use super::identity::Identity;
    #[pymodule_export]
    use super::opening::{OpenedRecord, OpeningKeys, find_tokens, token_index};
    #[pymodule_export]
    use super::owner::{Device, Owner};
    #[pymodule_export]
    use super::password::{AccountSecret, Kdf, Login, Prelogin, normal_login_name};
    #[pymodule_export]
    use super::policy::Policy;
    #[pymodule_export]
    use super::ticket::Ticket;
}
