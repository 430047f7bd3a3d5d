//! What the agent and the owner's command line share: the service over HTTP, files that only their owner can read, and
//! errors that end a program with a code.

mod exit;
mod private_file;
mod service;
mod visible;

pub use exit::{Failure, Format, report};
pub use private_file::{create_private_dir, write_private};
pub use service::{Answer, Service, b64, from_b64};
pub use visible::visible;
