//! The program itself, against the real service and real agents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod account;
mod archive;
mod backup;
mod conflict;
mod device;
mod devices;
mod gate;
mod liar;
mod person;
mod report;
mod reveal;
mod sealed;
mod world;
