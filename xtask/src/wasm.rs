//! WebAssembly: finds or sets up a toolchain that has the target, and compiles crates with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::project::Project;
use crate::{cargo, process, system};

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's Rust for browsers and its sources, beside which rustup's Rust stays as it is.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"];

/// Compiles a package and returns the module, to which the bindings generator has still to be applied.
pub(crate) fn build(project: &Project, package: &str) -> Result<PathBuf> {
    let mut build = cargo::in_project(project);
    build.args(["build", "--profile", "wasm", "--quiet", "--package", package, "--target", TARGET]);
    // A folder of its own: another compiler would otherwise rebuild everything back and forth.
    let target = project.target.join("wasm");
    build.env("CARGO_TARGET_DIR", &target);
    if let Toolchain::Debian(root) = Toolchain::find(project)? {
        // Debian's rustc has the target but not its standard library: that is built from its sources.
        let library = root.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
        // And while at it, without the texts of panics: here they end in a trap, whatever they say.
        build.args(["-Z", "build-std=std,panic_abort", "-Z", "build-std-features=optimize_for_size"]);
        build.env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort -Cllvm-args=-inline-threshold=10");
        build.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", root.join("usr/bin/rustc")).env("LD_LIBRARY_PATH", library);
        build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
    }
    process::run(&mut build)?;
    Ok(target.join(TARGET).join("wasm").join(package.replace('-', "_") + ".wasm"))
}

enum Toolchain {
    /// The usual one has the target.
    Installed,
    /// Unpacked from Debian's packages into this folder.
    Debian(PathBuf),
}

impl Toolchain {
    fn find(project: &Project) -> Result<Self> {
        if has_target()? {
            return Ok(Self::Installed);
        }
        if system::find_on_path("apt-get").is_some() {
            return debian(project).map(Self::Debian);
        }
        process::run(Command::new("rustup").args(["target", "add", TARGET]))?;
        Ok(Self::Installed)
    }
}

/// Whether rustc has a standard library for the target.
fn has_target() -> Result<bool> {
    let mut rustc = Command::new("rustc");
    let output = process::output(rustc.args(["--print", "target-libdir", "--target", TARGET]), "")?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// The linker that comes with the usual Rust: Debian's is named by its version and would be one package more.
fn linker() -> Result<PathBuf> {
    let output = process::output(Command::new("rustc").args(["--print", "sysroot"]), "")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let found = fs::read_dir(sysroot.join("lib/rustlib"))
        .with_context(|| format!("{} holds no Rust", sysroot.display()))?
        .filter_map(|target| Some(target.ok()?.path().join("bin/rust-lld")))
        .find(|linker| linker.is_file());
    found.context("Rust's own rust-lld is missing")
}

/// Unpacks the packages, without installing them, into a folder that is used again.
fn debian(project: &Project) -> Result<PathBuf> {
    let root = project.target.join("wasm-toolchain");
    // Written last, so that an unpacking that was cut off is done again.
    let stamp = root.join("complete");
    if stamp.exists() {
        return Ok(root);
    }
    eprintln!("Unpacking {} (Debian) under {}", DEBIAN_PACKAGES.join(" "), root.display());
    let debs = root.join("debs");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
    }
    fs::create_dir_all(&debs)?;
    system::update_package_lists()?;
    let mut packages: Vec<String> = DEBIAN_PACKAGES.map(str::to_owned).into();
    // rustc-web stands on libstd-rust-web-<version>, and that on libllvm<version>.
    for prefix in ["libstd-rust-web-", "libllvm"] {
        let needed = dependencies(&packages)?.into_iter().find(|name| is_versioned(name, prefix));
        packages.push(needed.with_context(|| format!("Debian has no {prefix} package that rustc-web needs"))?);
    }
    let mut download = Command::new("apt-get");
    process::run(
        download.arg("download").args(&packages).current_dir(&debs).stdout(Stdio::null()).stderr(Stdio::null()),
    )?;
    for deb in fs::read_dir(&debs)? {
        process::run(Command::new("dpkg").arg("-x").arg(deb?.path()).arg(&root))?;
    }
    fs::remove_dir_all(&debs)?;
    fs::write(stamp, "")?;
    Ok(root)
}

fn dependencies(packages: &[String]) -> Result<Vec<String>> {
    let mut apt = Command::new("apt-cache");
    let output = process::output(apt.arg("depends").args(packages), "")?;
    ensure!(output.status.success(), "apt-cache knows no package {}", packages.join(" "));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| line.trim().strip_prefix("Depends: ")).map(str::to_owned).collect())
}

fn is_versioned(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}
