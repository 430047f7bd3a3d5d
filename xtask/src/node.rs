//! Node: the one of the machine if it is recent enough, otherwise one of our own under `target/`. And folders with a
//! package.json, whose tools, tests and benchmarks run on it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::project::Project;
use crate::{process, system};

/// The oldest that the package supports and the tests run on.
const OLDEST: u32 = 20;

/// A Node that is recent enough, and its npm.
pub(crate) struct Node {
    /// PATH for every program of Node's.
    path: OsString,
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

    /// PATH for programs that start Node themselves.
    pub(crate) fn path(&self) -> &OsStr {
        &self.path
    }

    fn major(&self) -> Result<u32> {
        let output = process::output(self.command("node").arg("--version"), "")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = text.trim().strip_prefix('v').and_then(|version| version.split('.').next()?.parse().ok());
        major.with_context(|| format!("node --version says {text:?}"))
    }
}

/// A folder with a package.json, and the tools that it is built and tested with at the versions of its lock file.
pub(crate) struct Package {
    node: Node,
    pub(crate) folder: PathBuf,
    target: PathBuf,
}

impl Package {
    /// Gets the tools, if the lock file is newer than what is installed.
    pub(crate) fn install(project: &Project, folder: &str) -> Result<Self> {
        let folder = project.root.join(folder);
        let package = Self { node: Node::find(project)?, folder, target: project.target.clone() };
        // npm writes this file last.
        let installed = package.folder.join("node_modules/.package-lock.json");
        if !is_current(&installed, &[package.folder.join("package-lock.json")]) {
            process::run(package.npm("ci").args(["--no-audit", "--no-fund", "--loglevel=error"]).stdout(stderr()))?;
        }
        Ok(package)
    }

    pub(crate) fn npm(&self, command: &str) -> Command {
        let mut npm = self.node.command("npm");
        npm.arg(command).current_dir(&self.folder);
        npm
    }

    /// Node with what every test and benchmark asks for.
    pub(crate) fn node(&self) -> Command {
        let mut node = self.node.command("node");
        node.current_dir(&self.folder).env("BLINDTALLY_TARGET", &self.target);
        node
    }

    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut tool = self.node.command(self.folder.join("node_modules/.bin").join(name));
        tool.current_dir(&self.folder);
        tool
    }
}

/// Runs files of tests by a [`Package::node`].
pub(crate) fn run_tests(mut node: Command, files: &[PathBuf]) -> Result<()> {
    require_browsers()?;
    // By itself, Node leaves one core to others.
    let files_at_once = format!("--test-concurrency={}", thread::available_parallelism()?);
    process::run(node.args(["--test", "--test-reporter=spec", &files_at_once]).args(files))
}

/// Runs `bench/run.mjs` by a [`Package::node`]; a list of figures.
pub(crate) fn run_benches(mut node: Command, only: Option<&str>) -> Result<Vec<Value>> {
    require_browsers()?;
    node.arg("bench/run.mjs").args(only.into_iter().flat_map(|only| ["--only", only]));
    let output = process::output(&mut node, "")?;
    ensure!(output.status.success(), "the benchmarks in Node and browsers failed ({})", output.status);
    serde_json::from_slice(&output.stdout).context("the benchmarks in Node and browsers give no list in JSON")
}

/// The two browsers that the tests drive.
pub(crate) fn require_browsers() -> Result<()> {
    let missing: Vec<_> =
        ["chromium", "firefox-esr"].into_iter().filter(|name| system::find_on_path(name).is_none()).collect();
    if missing.is_empty() { Ok(()) } else { system::install(&missing, "the tests in browsers") }
}

/// The files of tests in a folder.
pub(crate) fn tests_in(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(list(folder)?.into_iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect())
}

/// What a folder holds, in order.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Whether a file is there, and none of what it was made from (folders: with all they hold) is newer.
pub(crate) fn is_current(made: &Path, from: &[PathBuf]) -> bool {
    let modified = |path: &Path| fs::metadata(path).ok()?.modified().ok();
    let Some(time) = modified(made) else { return false };
    from.iter().all(|path| {
        let inside = if path.is_dir() { list(path).unwrap_or_default() } else { Vec::new() };
        modified(path).is_some_and(|changed| changed <= time) && is_current(made, &inside)
    })
}
