//! The npm package: the WebAssembly module, the JavaScript around it, and the tests of both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use crate::node::Node;
use crate::project::Project;
use crate::{process, system, wasm};

/// Under the target folder: modules with their names, and the JavaScript around them.
const BRIDGE: &str = "wasm/bridge";
/// What the browsers and runtimes of the last years have; wasm-opt writes nothing else.
const WASM_FEATURES: [&str; 6] =
    ["bulk-memory", "nontrapping-float-to-int", "sign-ext", "mutable-globals", "reference-types", "multivalue"];

/// The package's folder, with the tools that it is built and tested with at the versions of its lock file.
pub(crate) struct Npm {
    node: Node,
    folder: PathBuf,
    target: PathBuf,
}

impl Npm {
    /// Gets the tools.
    pub(crate) fn new(project: &Project) -> Result<Self> {
        let npm = Self {
            node: Node::find(project)?,
            folder: project.root.join("bindings/wasm"),
            target: project.target.clone(),
        };
        // npm writes this file last.
        let installed = npm.folder.join("node_modules/.package-lock.json");
        let lock = npm.folder.join("package-lock.json");
        let is_current =
            || Some(fs::metadata(&installed).ok()?.modified().ok()? >= fs::metadata(&lock).ok()?.modified().ok()?);
        if is_current() != Some(true) {
            process::run(npm.npm("ci").args(["--no-audit", "--no-fund", "--loglevel=error"]))?;
        }
        Ok(npm)
    }

    /// Builds `bindings/wasm/dist`: what the package consists of.
    pub(crate) fn build(&self, project: &Project) -> Result<()> {
        let dist = self.folder.join("dist");
        if dist.exists() {
            fs::remove_dir_all(&dist).with_context(|| format!("cannot remove {}", dist.display()))?;
        }
        self.bridge(project, &dist)?;
        process::run(self.npm("run").args(["--silent", "build"]))
    }

    /// The module, made small and fast, and its generated JavaScript.
    fn bridge(&self, project: &Project, dist: &Path) -> Result<()> {
        let made = generate(project, "blindtally-wasm")?;
        fs::create_dir_all(dist)?;
        for file in ["bridge.js", "bridge.d.ts"] {
            fs::copy(made.join(file), dist.join(file)).with_context(|| format!("cannot copy {file}"))?;
        }
        let mut optimize = self.tool("wasm-opt");
        optimize.args(["-O3", "--strip-debug", "--mvp-features"]);
        optimize.args(WASM_FEATURES.map(|feature| format!("--enable-{feature}")));
        process::run(optimize.arg(made.join("bridge_bg.wasm")).arg("-o").arg(dist.join("blindtally.wasm")))
    }

    /// Packs what `build` made as `target/package/blindtally-VERSION.tgz`.
    pub(crate) fn pack(&self, project: &Project) -> Result<PathBuf> {
        // Put together elsewhere: npm takes nothing from above its folder, and the licenses are there.
        let stage = self.target.join("npm");
        if stage.exists() {
            fs::remove_dir_all(&stage).with_context(|| format!("cannot remove {}", stage.display()))?;
        }
        fs::create_dir_all(&stage)?;
        let copy = |from: PathBuf| process::run(Command::new("cp").arg("-R").arg(from).arg(&stage));
        ["package.json", "dist", "README.md"].iter().try_for_each(|name| copy(self.folder.join(name)))?;
        ["LICENSE-MIT", "LICENSE-APACHE"].iter().try_for_each(|name| copy(project.root.join(name)))?;
        let packages = self.target.join("package");
        fs::create_dir_all(&packages)?;
        let mut pack = self.npm("pack");
        process::run(pack.args(["--silent", "--pack-destination"]).args([&packages, &stage]).stdout(Stdio::null()))?;
        Ok(packages.join(format!("blindtally-{}.tgz", project.core_version)))
    }

    /// The size of what a browser loads, against its budget, and what it consists of.
    pub(crate) fn size(&self) -> Result<()> {
        process::run(self.node().arg("size.mjs").arg(self.target.join(BRIDGE).join("blindtally-wasm/bridge_bg.wasm")))
    }

    /// Compiles the tests of the types, and looks at the packed types as every kind of consumer does.
    pub(crate) fn types(&self, tarball: &Path) -> Result<()> {
        process::run(self.tool("tsc").args(["--project", "tests/types"]))?;
        process::run(self.tool("attw").args(["--config-path", "tests/types/attw.json"]).arg(tarball))
    }

    /// Runs what is tested in Node and in browsers on `dist`: every `*.test.mjs` of the folders in `tests`.
    pub(crate) fn test(&self) -> Result<()> {
        let tests = self.folder.join("tests");
        let mut files = Vec::new();
        for folder in list(&tests)?.into_iter().filter(|path| path.is_dir() && !path.ends_with("smoke")) {
            files.extend(list(&folder)?.into_iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs")));
        }
        ensure!(!files.is_empty(), "{} holds no test", tests.display());
        self.run_tests(&files)
    }

    /// Installs the tarball into a new project of every kind, builds and runs that.
    pub(crate) fn smoke(&self) -> Result<()> {
        self.run_tests(&[self.folder.join("tests/smoke/smoke.test.mjs")])
    }

    fn run_tests(&self, files: &[PathBuf]) -> Result<()> {
        require_browsers()?;
        // By itself, Node leaves one core to others.
        let files_at_once = format!("--test-concurrency={}", thread::available_parallelism()?);
        process::run(self.node().args(["--test", "--test-reporter=spec", &files_at_once]).args(files))
    }

    /// Measures the package beside its peers in Node and in Chromium; a list of figures.
    pub(crate) fn bench(&self, project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
        require_browsers()?;
        self.build(project)?;
        let mut bench = self.node();
        bench.arg("bench/run.mjs").args(only.into_iter().flat_map(|only| ["--only", only]));
        let output = process::output(&mut bench, "")?;
        ensure!(output.status.success(), "the benchmarks of the npm package failed ({})", output.status);
        serde_json::from_slice(&output.stdout).context("the benchmarks of the npm package give no list in JSON")
    }

    /// The check of the test vectors as a program, which prints what it passed in Node and in each browser.
    pub(crate) fn vectors(&self, project: &Project) -> Result<Command> {
        require_browsers()?;
        let mut check = self.node();
        check.arg("tests/vectors.mjs").arg(generate(project, "blindtally-wasm-vectors")?);
        Ok(check)
    }

    fn npm(&self, command: &str) -> Command {
        let mut npm = self.node.command("npm");
        npm.arg(command).current_dir(&self.folder);
        npm
    }

    /// Node with what the tests ask for.
    fn node(&self) -> Command {
        let mut node = self.node.command("node");
        node.current_dir(&self.folder).env("BLINDTALLY_TARGET", &self.target);
        node
    }

    fn tool(&self, name: &str) -> Command {
        let mut tool = self.node.command(self.folder.join("node_modules/.bin").join(name));
        tool.current_dir(&self.folder);
        tool
    }
}

/// Compiles a crate and returns the folder of its module and of the JavaScript around it, both named `bridge`.
fn generate(project: &Project, package: &str) -> Result<PathBuf> {
    let module = wasm::build(project, package)?;
    let made = project.target.join(BRIDGE).join(package);
    Bindgen::new()
        .input_path(module)
        .out_name("bridge")
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .generate(&made)?;
    Ok(made)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// The two browsers that the tests drive.
fn require_browsers() -> Result<()> {
    let missing: Vec<_> =
        ["chromium", "firefox-esr"].into_iter().filter(|name| system::find_on_path(name).is_none()).collect();
    if missing.is_empty() { Ok(()) } else { system::install(&missing, "the tests in browsers") }
}
