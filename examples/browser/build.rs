//! Has cargo look at `dist/`, so that a dashboard that is built later gets into the program.

fn main() {
    // Cargo runs this again at every call for a folder that is not there, and does not notice files in one that it was
    // not told of: so there is always one. Where the sources are read-only, that costs time and nothing else.
    drop(std::fs::create_dir_all("dist"));
    println!("cargo::rerun-if-changed=dist");
    println!("cargo::rerun-if-changed=build.rs");
}
