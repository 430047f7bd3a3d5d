//! The core for Kotlin, Java, Swift and Ruby: types and calls that UniFFI carries across, and nothing else.
//!
//! What crosses: text as UTF-8, times as the platform's own (what is before 1970 is 1970), 64-bit counters as signed numbers
//! (what is greater is the greatest), ids and fingerprints as hexadecimal digits. Passwords come as bytes, so that the caller
//! can wipe them.

mod agent;
mod archive;
mod backup;
mod batch;
mod blob;
mod change;
mod class;
mod enrollment;
mod error;
mod given;
mod held;
mod identity;
mod opening;
mod owner;
mod password;
mod policy;
mod stream;
mod text;

/// What crosses lies in buffers of UniFFI's, which frees them as they are: here all memory is wiped when it is freed.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

uniffi::setup_scaffolding!("blindtally");
