//! Blindtally.

mod class;
mod error;
mod id;
mod master_key;
pub mod scan;
mod secret;
mod siv;
mod suite;
mod time;
mod token;
mod token_batch;
mod wire;

pub use class::*;
pub use error::*;
pub use id::*;
pub use master_key::*;
pub use secret::*;
pub use suite::*;
pub use time::*;
pub use token::*;
pub use token_batch::*;
