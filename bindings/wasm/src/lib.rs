//! The core for JavaScript: types translated, nothing decided. The TypeScript beside this crate is the API.
//!
//! Names, arguments and results are those of the core; see there. What is slow or belongs to the platform crosses in the
//! core's steps: passwords are stretched, keys generated, messages signed and content keys decrypted by WebCrypto.

mod agent;
mod backup;
mod batch;
mod blob;
mod change;
mod check;
mod enrollment;
mod error;
mod identity;
mod owner;
mod password;
mod secret;
mod ticket;
