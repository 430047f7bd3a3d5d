//! The service over real HTTP, on every database.
//!
//! Every test runs on SQLite, and on PostgreSQL when `BLINDTALLY_TEST_POSTGRES` holds the URL of a
//! server where databases may be created.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod account;
mod api;
mod blob;
mod crash;
mod dashboard;
mod database;
mod dependencies;
mod device;
mod documentation;
mod enrollment;
mod event;
mod page;
mod record;
mod restore;
mod retention;
mod storage;
mod surroundings;
mod totals;
mod upload;
mod vault;
