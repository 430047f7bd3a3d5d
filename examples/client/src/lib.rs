//! What the agent and the owner's command line share: the service over HTTP, files that only their owner can read, what
//! a file is by its first bytes, and errors that end a program with a code.

mod content_type;
mod copy;
mod exit;
mod private_file;
mod service;
mod visible;

pub use content_type::ContentType;
pub use copy::{CopyError, copy};
pub use exit::{Failure, Format, report};
pub use private_file::{create_private_dir, write_private};
pub use service::{Answer, Service, b64, from_b64};
pub use visible::visible;
