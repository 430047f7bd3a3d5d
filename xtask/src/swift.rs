//! The Swift package: what of it can be tested where there is no Swift compiler.

use std::process::Command;

use anyhow::Result;

use crate::project::Project;
use crate::{ffi, process, system};

/// Compiles a C program against the generated header, links it with the library, and runs it.
pub(crate) fn check_header(project: &Project) -> Result<()> {
    if system::find_on_path("cc").is_none() {
        system::install(&["gcc", "libc6-dev"], "the test of the header that Swift uses")?;
    }
    let libraries = ffi::build(project)?;
    let folder = project.root.join("bindings/ffi/swift");
    let program = project.target.join("swift-flow");
    let mut compile = Command::new("cc");
    compile.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"]).arg(folder.join("Sources/BlindtallyFFI"));
    compile.arg(folder.join("tests-c/flow.c")).arg("-o").arg(&program);
    compile.arg("-L").arg(&libraries).arg(format!("-l{}", ffi::LIBRARY));
    compile.arg(format!("-Wl,-rpath,{}", libraries.display()));
    process::run(&mut compile)?;
    // Cargo's own leads to a library of the other profile.
    process::run(Command::new(program).env_remove("LD_LIBRARY_PATH"))
}
