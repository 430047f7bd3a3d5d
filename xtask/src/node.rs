//! Node: the one of the machine if it is recent enough, otherwise one of our own under `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::project::Project;
use crate::{process, system};

/// The oldest that the package supports and the tests run on.
const OLDEST: u32 = 20;

/// A Node that is recent enough, and its npm.
pub(crate) struct Node {
    /// PATH for every program of Node's.
    path: std::ffi::OsString,
}

impl Node {
    /// Finds it, or gets it: Debian's where there is none, npm's where that is too old.
    pub(crate) fn find(project: &Project) -> Result<Self> {
        let path = std::env::var_os("PATH").context("there is no PATH")?;
        if system::find_on_path("npm").is_none() {
            system::install(&["nodejs", "npm"], "the npm package")?;
        }
        let installed = Self { path: path.clone() };
        if installed.major()? >= OLDEST {
            return Ok(installed);
        }
        let folder = project.target.join("node");
        let own = folder.join("node_modules/node/bin");
        let paths = [own.clone()].into_iter().chain(std::env::split_paths(&path));
        let node = Self { path: std::env::join_paths(paths).context("PATH cannot be extended")? };
        if !own.join("node").is_file() {
            eprintln!("Installing Node {OLDEST} (npm) under {}: the one of this machine is older", folder.display());
            let package = format!("node@{OLDEST}");
            let install = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"];
            process::run(installed.command("npm").args(install).arg(&folder).arg(package))?;
        }
        ensure!(node.major()? >= OLDEST, "the Node under {} is too old: delete that folder", folder.display());
        Ok(node)
    }

    /// `node`, `npm`, or a tool that npm has installed.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        // Looked up here: the lookup that starts a program goes by our own PATH, not by the one it is given.
        let found = std::env::split_paths(&self.path).map(|folder| folder.join(&program)).find(|path| path.is_file());
        let mut command = Command::new(found.unwrap_or_else(|| PathBuf::from(program.as_ref())));
        command.env("PATH", &self.path);
        command
    }

    fn major(&self) -> Result<u32> {
        let output = process::output(self.command("node").arg("--version"), "")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = text.trim().strip_prefix('v').and_then(|version| version.split('.').next()?.parse().ok());
        major.with_context(|| format!("node --version says {text:?}"))
    }
}
