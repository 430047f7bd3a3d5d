//! The C interface: its archive for those who link it, its programs for the tests, and its figures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project::Project;
use crate::{bench, cargo, process, system};

const PACKAGE: &str = "blindtally-c";

/// What its tests compile and run programs with.
pub(crate) fn require_tools() -> Result<()> {
    let tools = [("cc", "gcc"), ("c++", "g++"), ("valgrind", "valgrind")];
    let missing: Vec<_> = tools.iter().filter(|(program, _)| system::find_on_path(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).chain(["libc6-dev"]).collect();
    system::install(&packages, "the tests of the C interface")
}

/// Makes the archive with the header, both libraries and the file for pkg-config.
pub(crate) fn package(project: &Project) -> Result<Vec<PathBuf>> {
    let built = build(project, "staticlib")?;
    build(project, "cdylib")?;
    let name = format!("blindtally-c-{}-{}-{}", project.core_version, std::env::consts::ARCH, std::env::consts::OS);
    let packages = project.target.join("package");
    let folder = packages.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let source = project.root.join("bindings/c");
    let put = |from: &Path, to: &str| {
        let to = folder.join(to);
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        anyhow::Ok(())
    };
    put(&source.join("include/blindtally.h"), "include/blindtally.h")?;
    put(&source.join("README.md"), "README.md")?;
    put(&built.join("libblindtally_c.a"), "lib/libblindtally_c.a")?;
    let shared = format!("{}blindtally_c{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    put(&built.join(&shared), &format!("lib/{shared}"))?;
    let template = fs::read_to_string(source.join("blindtally.pc.in"))?;
    // Found beside itself, wherever it is unpacked.
    let pc = template.replace("@PREFIX@", "${pcfiledir}/../..").replace("@VERSION@", &project.core_version);
    fs::create_dir_all(folder.join("lib/pkgconfig"))?;
    fs::write(folder.join("lib/pkgconfig/blindtally.pc"), pc)?;
    let archive = packages.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    process::run(tar.arg("-czf").arg(&archive).arg("-C").arg(&packages).arg(&name))?;
    Ok(vec![archive])
}

/// Compiles a library of one kind as it is shipped, and returns its folder. With other kinds beside it cargo would leave out
/// the optimisation across crates.
fn build(project: &Project, kind: &str) -> Result<PathBuf> {
    let mut build = cargo::in_project(project);
    build.args(["rustc", "--release", "--quiet", "--package", PACKAGE, "--lib", "--crate-type", kind]);
    process::run(build.stdout(std::io::stderr()))?;
    Ok(project.target.join("release"))
}

/// What prints the tokens of a file of values.
pub(crate) fn tokens(project: &Project) -> Result<Command> {
    require_tools()?;
    let libraries = build(project, "cdylib")?;
    let folder = project.root.join("bindings/c");
    let program = project.target.join("c-tokens");
    let mut compile = Command::new("cc");
    compile
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wno-unused-function", "-Werror", "-I"])
        .arg(folder.join("include"));
    compile.arg(folder.join("tests/tokens.c")).arg("-o").arg(&program);
    compile.arg("-L").arg(&libraries).arg("-lblindtally_c").arg(format!("-Wl,-rpath,{}", libraries.display()));
    process::run(&mut compile)?;
    let mut tokens = Command::new(program);
    tokens.env_remove("LD_LIBRARY_PATH");
    Ok(tokens)
}

/// Measures calls from C beside the same work in Rust; a list of figures.
pub(crate) fn bench(project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
    require_tools()?;
    let mut build_bench = cargo::in_project(project);
    build_bench.args(["build", "--release", "--quiet", "--package", PACKAGE, "--example", "bench"]);
    process::run(build_bench.stdout(std::io::stderr()))?;
    let mut bench = Command::new(build(project, "cdylib")?.join("examples/bench"));
    // Cargo's own leads to a library that is not the one that is shipped.
    bench::figures(bench.args(only).env_remove("LD_LIBRARY_PATH"), "C")
}
