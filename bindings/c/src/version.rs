//! Which library this is.

use core::ffi::{CStr, c_char};

/// The version of this interface. A program that was compiled with this header works with every library for which
/// blindtally_abi() gives the same number: functions and codes are added, none is changed.
pub const BLINDTALLY_ABI: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The interface of the library that is loaded: to be compared with BLINDTALLY_ABI.
#[unsafe(no_mangle)]
pub extern "C" fn blindtally_abi() -> u32 {
    BLINDTALLY_ABI
}

/// The version of the library that is loaded, such as "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn blindtally_version() -> *const c_char {
    VERSION.as_ptr()
}
