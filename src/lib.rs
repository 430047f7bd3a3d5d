//! Blindtally.

mod class;
mod error;
mod id;
mod master_key;
mod secret;
mod suite;
mod time;
mod wire;

pub use class::*;
pub use error::*;
pub use id::*;
pub use master_key::*;
pub use secret::*;
pub use suite::*;
pub use time::*;
