//! Where the project lies and what its workspace holds.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{cargo, process};

/// The project's folders, and the core crate's version and features.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// Cargo's target folder: everything that these commands make is under it.
    pub(crate) target: PathBuf,
    pub(crate) core_version: String,
    pub(crate) core_features: Vec<String>,
}

impl Project {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Path::new(&manifest).parent().context("xtask/ has no parent folder")?.to_owned();
        let mut metadata = cargo::command();
        metadata.args(["metadata", "--no-deps", "--format-version=1"]).stderr(Stdio::inherit());
        metadata.arg("--manifest-path").arg(root.join("Cargo.toml"));
        let output = process::output(&mut metadata, "")?;
        ensure!(output.status.success(), "cargo metadata failed ({})", output.status);
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?.into();
        let core = metadata["packages"]
            .as_array()
            .and_then(|packages| packages.iter().find(|package| package["name"] == "blindtally"))
            .context("the workspace has no package blindtally")?;
        let core_version = core["version"].as_str().context("blindtally has no version")?.to_owned();
        let core_features = core["features"].as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        Ok(Self { root, target, core_version, core_features })
    }
}
