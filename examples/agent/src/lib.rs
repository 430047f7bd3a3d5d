//! The agent of Blindtally: reads ActivityWatch, seals what it reads, and uploads it to a service that cannot read it.
//!
//! [`enroll()`] asks the owner for keys, [`import()`] takes an export, [`watch()`] follows a running aw-server,
//! [`collect()`] takes screenshots, recordings and records, [`sync()`] brings both sides up to date. Reading
//! order: `export` reads a file, `event` maps what it finds to classes of values, `presence` knows when somebody was
//! there, `seq` numbers events so that sending one twice is harmless, `seal` turns values into tokens, `outbox` uploads
//! or spools; `blob_folder` and `record_file` find what `collect` seals, `unit` keeps and delivers it; `session` is what every command works with.

mod aw_server;
mod blob_folder;
mod collect;
mod enroll;
mod event;
mod export;
mod folder;
mod import;
mod journal;
mod link;
mod outbox;
mod presence;
mod queue;
mod record_file;
mod seal;
mod seq;
mod session;
mod status;
mod sync;
mod tame;
mod time;
mod unit;
mod watch;

pub use collect::{Afterwards, Collect, Collected, collect};
pub use enroll::{Enrolled, Invitation, enroll};
pub use export::Export;
pub use folder::Folder;
pub use import::{Imported, Read, Source, import, read};
pub use link::Receipt;
pub use seal::{Sealed, Sealer};
pub use seq::SeqKey;
pub use status::{Status, status};
pub use sync::{Refused, Synced, sync};
pub use time::iso as describe_time;
pub use watch::{Watch, Watched, watch};
