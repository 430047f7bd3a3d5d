//! The agent's end for C and C++ (include/blindtally.h): creates and restores agents, seals, and never reveals.
//!
//! Every function is `unsafe extern "C"`: its safety is the contract in the header, which cbindgen writes from the
//! documentation here. What a caller can get wrong that can be told from the arguments, such as a NULL pointer or a short
//! buffer, is an error with a code. `pointer.rs` is where pointers become references.

// What the header says once: pointers are valid for what they are said to hold, and handles are those of this library.
#![allow(clippy::missing_safety_doc, reason = "the contract is the header's, and the same for every function")]

// In the order of the header.
mod version;

mod error;

mod bytes;

mod class;

mod enroll;

mod pending;

mod state;

mod agent;

mod token;

mod record;

mod blob;

mod held;
mod pointer;

pub use agent::*;
pub use blob::*;
pub use bytes::*;
pub use class::*;
pub use enroll::*;
pub use error::{Error, blindtally_error_at, blindtally_error_code, blindtally_error_message};
pub use pending::*;
pub use record::*;
pub use state::*;
pub use token::*;
pub use version::*;
