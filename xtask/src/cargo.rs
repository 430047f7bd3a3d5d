//! Cargo, called from cargo.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// The three programs of the examples.
pub(crate) const PROGRAMS: [&str; 3] = ["blindtally-server", "blindtally-agent", "blindtally-owner"];

/// The cargo that runs us.
pub(crate) fn command() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Cargo in the project's root, with the same target folder as ours wherever it is called from.
pub(crate) fn in_project(project: &Project) -> Command {
    let mut cargo = command();
    prepare(&mut cargo, project);
    cargo.current_dir(&project.root);
    cargo
}

/// Gives cargo, or a program that starts it, our target folder, and nothing that belongs to xtask.
pub(crate) fn prepare(command: &mut Command, project: &Project) {
    command.env("CARGO_TARGET_DIR", &project.target);
    // `cargo run` describes xtask in these; a build script elsewhere in the workspace must not read them.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
}

/// Builds packages in release (progress on stderr) and returns the folder that holds their programs.
pub(crate) fn build_release(project: &Project, packages: &[&str]) -> Result<PathBuf> {
    let mut build = in_project(project);
    build.args(["build", "--release", "--quiet"]).stdout(std::io::stderr());
    for package in packages {
        build.args(["--package", package]);
    }
    process::run(&mut build)?;
    Ok(project.target.join("release"))
}
