//! The npm package: the WebAssembly module, the JavaScript around it, and the tests of both.

use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use crate::node::{self, Package, is_current, list, tests_in};
use crate::project::Project;
use crate::{process, wasm};

/// Under the target folder: modules with their names, and the JavaScript around them.
const BRIDGE: &str = "wasm/bridge";
/// What the browsers and runtimes of the last years have; wasm-opt writes nothing else.
const WASM_FEATURES: [&str; 6] =
    ["bulk-memory", "nontrapping-float-to-int", "sign-ext", "mutable-globals", "reference-types", "multivalue"];

/// What the module and the JavaScript around it are made from; of the folders, all.
const SOURCES: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "src",
    "bindings/wasm/Cargo.toml",
    "bindings/wasm/build.mjs",
    "bindings/wasm/package-lock.json",
    "bindings/wasm/package.json",
    "bindings/wasm/src",
    "bindings/wasm/ts",
    "bindings/wasm/tsconfig.json",
];

/// The package's folder, with its tools.
pub(crate) struct Npm {
    package: Package,
    target: PathBuf,
}

impl Npm {
    /// Gets the tools.
    pub(crate) fn new(project: &Project) -> Result<Self> {
        Ok(Self { package: Package::install(project, "bindings/wasm")?, target: project.target.clone() })
    }

    /// Builds `bindings/wasm/dist`, if anything that it is made from has changed.
    pub(crate) fn build_if_changed(&self, project: &Project) -> Result<()> {
        // The build writes this file last.
        let last = self.package.folder.join("dist/cjs/package.json");
        if is_current(&last, &SOURCES.map(|path| project.root.join(path))) { Ok(()) } else { self.build(project) }
    }

    /// Builds `bindings/wasm/dist`: what the package consists of.
    pub(crate) fn build(&self, project: &Project) -> Result<()> {
        let dist = self.package.folder.join("dist");
        if dist.exists() {
            fs::remove_dir_all(&dist).with_context(|| format!("cannot remove {}", dist.display()))?;
        }
        self.bridge(project, &dist)?;
        process::run(self.package.npm("run").args(["--silent", "build"]).stdout(stderr()))
    }

    /// The module, made small and fast, and its generated JavaScript.
    fn bridge(&self, project: &Project, dist: &Path) -> Result<()> {
        let made = generate(project, "blindtally-wasm")?;
        fs::create_dir_all(dist)?;
        for file in ["bridge.js", "bridge.d.ts"] {
            fs::copy(made.join(file), dist.join(file)).with_context(|| format!("cannot copy {file}"))?;
        }
        let mut optimize = self.package.tool("wasm-opt");
        optimize.args(["-O3", "--strip-debug", "--mvp-features"]);
        // What is called in one place only has been inlined by LLVM, where that is faster; again, it only compresses worse.
        optimize.arg("--one-caller-inline-max-function-size=40");
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
        ["package.json", "dist", "README.md"].iter().try_for_each(|name| copy(self.package.folder.join(name)))?;
        ["LICENSE-MIT", "LICENSE-APACHE"].iter().try_for_each(|name| copy(project.root.join(name)))?;
        let packages = self.target.join("package");
        fs::create_dir_all(&packages)?;
        let mut pack = self.package.npm("pack");
        process::run(pack.args(["--silent", "--pack-destination"]).args([&packages, &stage]).stdout(Stdio::null()))?;
        Ok(packages.join(format!("blindtally-{}.tgz", project.core_version)))
    }

    /// The size of what a browser loads, against its budget, and what it consists of.
    pub(crate) fn size(&self) -> Result<()> {
        process::run(
            self.package.node().arg("size.mjs").arg(self.target.join(BRIDGE).join("blindtally-wasm/bridge_bg.wasm")),
        )
    }

    /// Compiles the tests of the types, and looks at the packed types as every kind of consumer does.
    pub(crate) fn types(&self, tarball: &Path) -> Result<()> {
        process::run(self.package.tool("tsc").args(["--project", "tests/types"]))?;
        process::run(self.package.tool("attw").args(["--config-path", "tests/types/attw.json"]).arg(tarball))
    }

    /// Runs what is tested in Node and in browsers on `dist`: every `*.test.mjs` of the folders in `tests`.
    pub(crate) fn test(&self) -> Result<()> {
        let tests = self.package.folder.join("tests");
        let mut files = Vec::new();
        for folder in list(&tests)?.into_iter().filter(|path| path.is_dir() && !path.ends_with("smoke")) {
            files.extend(tests_in(&folder)?);
        }
        ensure!(!files.is_empty(), "{} holds no test", tests.display());
        node::run_tests(self.package.node(), &files)
    }

    /// Installs the tarball into a new project of every kind, builds and runs that.
    pub(crate) fn smoke(&self) -> Result<()> {
        node::run_tests(self.package.node(), &[self.package.folder.join("tests/smoke/smoke.test.mjs")])
    }

    /// Measures the package beside its peers in Node and in Chromium; a list of figures.
    pub(crate) fn bench(&self, project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
        self.build(project)?;
        node::run_benches(self.package.node(), only)
    }

    /// The check of the test vectors as a program, which prints what the core passed in Node and in each browser, and what
    /// the TypeScript of the package did.
    pub(crate) fn vectors(&self, project: &Project) -> Result<Command> {
        node::require_browsers()?;
        self.build_if_changed(project)?;
        let mut check = self.script("tests/vectors.mjs");
        check.arg(self.compiled_check(project)?);
        Ok(check)
    }

    /// The folder of the core's check of the test vectors, compiled.
    pub(crate) fn compiled_check(&self, project: &Project) -> Result<PathBuf> {
        generate(project, "blindtally-wasm-vectors")
    }

    /// A script of the package's folder, in Node.
    pub(crate) fn script(&self, path: &str) -> Command {
        let mut node = self.package.node();
        node.arg(path);
        node
    }

    /// What prints the tokens of a file of values.
    pub(crate) fn tokens(&self, project: &Project) -> Result<Command> {
        self.build_if_changed(project)?;
        let mut tokens = self.package.node();
        tokens.arg("tests/tokens.mjs");
        Ok(tokens)
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
