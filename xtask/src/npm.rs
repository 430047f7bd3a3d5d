//! The npm package: the WebAssembly module, the JavaScript around it, and the tests of both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::project::Project;
use crate::{process, wasm};

/// What the browsers and runtimes of the last years have; wasm-opt writes nothing else.
const WASM_FEATURES: [&str; 6] =
    ["bulk-memory", "nontrapping-float-to-int", "sign-ext", "mutable-globals", "reference-types", "multivalue"];

/// Builds `bindings/wasm/dist`: what the package consists of, ready to be packed or tested.
pub(crate) fn build(project: &Project) -> Result<PathBuf> {
    let package = folder(project);
    let dist = package.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("cannot remove {}", dist.display()))?;
    }
    install(&package)?;
    bridge(project, &package, &dist)?;
    process::run(npm(&package).args(["run", "--silent", "build"]))?;
    Ok(dist)
}

/// The JavaScript tools that the package is built and tested with, at the versions of its lock file.
pub(crate) fn install(package: &Path) -> Result<()> {
    // npm writes this file last.
    let installed = package.join("node_modules/.package-lock.json");
    let lock = package.join("package-lock.json");
    let is_current =
        || Some(fs::metadata(&installed).ok()?.modified().ok()? >= fs::metadata(&lock).ok()?.modified().ok()?);
    if is_current() == Some(true) {
        return Ok(());
    }
    process::run(npm(package).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// The module and its generated JavaScript.
fn bridge(project: &Project, package: &Path, dist: &Path) -> Result<()> {
    let module = wasm::build(project)?;
    let made = project.target.join("wasm/bridge");
    Bindgen::new()
        .input_path(module)
        .out_name("bridge")
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .generate(&made)?;
    fs::create_dir_all(dist)?;
    for file in ["bridge.js", "bridge.d.ts"] {
        fs::copy(made.join(file), dist.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let mut optimize = Command::new(package.join("node_modules/.bin/wasm-opt"));
    optimize.args(["-O3", "--strip-debug", "--mvp-features"]);
    optimize.args(WASM_FEATURES.map(|feature| format!("--enable-{feature}")));
    process::run(optimize.arg(made.join("bridge_bg.wasm")).arg("-o").arg(dist.join("blindtally.wasm")))
}

fn npm(package: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(package);
    npm
}

fn folder(project: &Project) -> PathBuf {
    project.root.join("bindings/wasm")
}
