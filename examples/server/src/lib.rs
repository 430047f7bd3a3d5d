//! The blind service of Blindtally: it stores sealed activity, counts it, groups it and sorts it,
//! and can read none of it.
//!
//! Every value arrives as opaque text. Nothing here parses a token, holds a key or depends on the
//! crate that seals; a text in the clear would be counted just the same. Of records and blobs the
//! header is checked, which is public; the rest is kept as it came. What the service does see
//! is written down in this folder's README.
//!
//! Reading order: [`serve`] starts everything, `router` says which function answers what,
//! `store` is the database, `object` the folder of blobs, and each other file is one noun of the HTTP API with its SQL.

mod account;
mod app;
mod auth;
mod base64;
mod batch;
mod blob;
mod body;
mod category;
mod claim;
mod class;
mod clock;
mod config;
mod dashboard;
mod delivery;
mod device;
mod dictionary;
mod enrollment;
mod error;
mod event;
mod health;
mod id;
mod kdf;
mod limiter;
mod linger;
pub mod log;
mod object;
mod openapi;
mod page;
mod peer;
mod policy;
mod precondition;
mod query;
mod range;
mod record;
mod restore;
mod retention;
mod router;
mod sealed;
mod secret;
mod serve;
mod session;
mod store;
mod ticket;
mod totals;
mod vault;

pub use config::{Config, Limits, PeerAddress, Rate};
pub use error::StartError;
pub use openapi::document as openapi_document;
pub use serve::{Running, serve};
