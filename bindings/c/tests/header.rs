//! The header that is committed is the one that the functions and their documentation make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::env;
use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};

#[test]
fn the_header_is_what_the_functions_make_it() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::from_file(crate_dir.join("cbindgen.toml")).unwrap();
    let mut made = Vec::new();
    Builder::new().with_crate(crate_dir).with_config(config).generate().unwrap().write(&mut made);
    let path = crate_dir.join("include/blindtally.h");
    if env::var_os("BLINDTALLY_GENERATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read(&path).unwrap_or_default();
    assert!(
        committed == made,
        "include/blindtally.h is stale: BLINDTALLY_GENERATE=1 cargo test -p blindtally-c --test header"
    );
}
