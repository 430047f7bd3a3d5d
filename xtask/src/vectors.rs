//! The test vectors, checked by every implementation there is.
//!
//! An implementation prints `vectors: FILE IMPLEMENTATION PASSED` for each file of cases and fails if a case fails. The
//! Rust one is the core's test `vectors`, and the same code as WebAssembly in each JavaScript engine; beside that runs the
//! TypeScript of the npm package, for blobs and archives; then C, as far as agents go, the Python package and the Ruby gem,
//! by what they let programs do; any other is a program `test-vectors/NAME/run`. Those that make artefacts then exchange
//! what they make.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::exchange::Extent;
use crate::kotlin::Kotlin;
use crate::npm::Npm;
use crate::project::Project;
use crate::ruby::Gem;
use crate::table::{Align, Table};
use crate::wheel::Wheels;
use crate::{cargo, clib, exchange, process, python};

/// Cases passed, by artefact, or who made them, and by the implementation that opened them.
pub(crate) type Passed = BTreeMap<(String, String), u64>;

/// The folder of the implementation that damages what others made.
const PYTHON: &str = "verify_python";

/// An implementation of its own, not one more binding of the core.
pub(crate) struct Independent {
    pub(crate) name: String,
    /// Checks the committed files; `DIR NAME`: those of a folder; `make DIR SEED`: makes a folder.
    pub(crate) program: PathBuf,
}

/// Runs them all and prints the tables.
pub(crate) fn run(project: &Project) -> Result<()> {
    let mut passed = Passed::new();
    collect_rust(&mut passed, project)?;
    clib::require_tools()?;
    let mut c = cargo::in_project(project);
    c.args(["test", "--package", "blindtally-c", "--test", "vectors", "--quiet", "--", "--nocapture"]);
    collect(&mut passed, &mut c, "the check in C")?;
    let npm = Npm::new(project)?;
    collect(&mut passed, &mut npm.vectors(project)?, "the check in JavaScript engines")?;
    python::require("the Python implementation of the vectors")?;
    let wheel = Wheels::find_or_build(project)?;
    collect(&mut passed, &mut wheel.vectors(project)?, "the check of the Python package")?;
    let gem = Gem::find_or_build(project)?;
    collect(&mut passed, &mut gem.vectors(project)?, "the check of the Ruby gem")?;
    collect(&mut passed, &mut Kotlin::find_or_build(project)?.vectors(project)?, "the check of the Kotlin package")?;
    let programs = others(&project.root.join("test-vectors"))?.into_iter();
    let independent: Vec<_> =
        programs.map(|program| collect_independent(&mut passed, project, program)).collect::<Result<_>>()?;
    print!("{}", table(&passed));
    check_counts(&passed)?;
    exchange::run(project, Some(&npm), &independent, Extent::Whole)
}

/// Runs the implementation in test-vectors/NAME, which may check and make some files only, beside the core and the one in
/// Python.
pub(crate) fn run_one(project: &Project, name: &str) -> Result<()> {
    let mut passed = Passed::new();
    python::require("the Python implementation of the vectors")?;
    let program = |name: &str| project.root.join("test-vectors").join(name).join("run");
    ensure!(program(name).is_file(), "there is no {}", program(name).display());
    collect_rust(&mut passed, project)?;
    let one = collect_independent(&mut passed, project, program(name))?;
    let mut independent = vec![one];
    if name != PYTHON {
        independent.push(collect_independent(&mut passed, project, program(PYTHON))?);
    }
    print!("{}", table(&passed));
    check_counts(&passed)?;
    exchange::run(project, None, &independent, Extent::PartOf(&independent[0].name))
}

fn collect_rust(passed: &mut Passed, project: &Project) -> Result<()> {
    let mut rust = cargo::in_project(project);
    rust.args(["test", "--package", "blindtally", "--test", "vectors", "--quiet", "--", "--nocapture"]);
    collect(passed, &mut rust, "the Rust check").map(drop)
}

fn collect_independent(passed: &mut Passed, project: &Project, program: PathBuf) -> Result<Independent> {
    let shown = program.display().to_string();
    let name = collect(passed, Command::new(&program).current_dir(&project.root), &shown)?;
    Ok(Independent { name, program })
}

/// The program with which the core makes cases and checks them.
pub(crate) fn rust_exchange(project: &Project) -> Result<PathBuf> {
    let mut build = cargo::in_project(project);
    process::run(build.args(["build", "--quiet", "--package", "blindtally", "--example", "exchange"]))?;
    Ok(project.target.join("debug/examples/exchange"))
}

/// What checks the vectors with the binding of that name, whose driver (bindings/vectors) this command starts.
pub(crate) fn driven(project: &Project, name: &str, driver: &Command) -> Result<Command> {
    let mut check = Command::new(python::independent(project)?.join("python"));
    check.arg(project.root.join("bindings/vectors/run.py")).arg(name).arg(driver.get_program()).args(driver.get_args());
    for (name, value) in driver.get_envs() {
        match value {
            Some(value) => check.env(name, value),
            None => check.env_remove(name),
        };
    }
    if let Some(folder) = driver.get_current_dir() {
        check.current_dir(folder);
    }
    check.env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(check)
}

/// Whoever checks a file checks all of it.
fn check_counts(passed: &Passed) -> Result<()> {
    let mut counts = BTreeMap::new();
    for ((file, implementation), count) in passed {
        let (first, other) = counts.entry(file).or_insert((implementation, count));
        ensure!(other == &count, "{file}: {first} passed {other} cases, {implementation} {count}");
    }
    Ok(())
}

fn others(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut programs: Vec<_> = entries.flatten().map(|entry| entry.path().join("run")).collect();
    programs.retain(|program| program.is_file());
    programs.sort();
    Ok(programs)
}

/// Adds what it printed to what passed; the name under which that was, or the last of several.
fn collect(passed: &mut Passed, command: &mut Command, name: &str) -> Result<String> {
    let output = process::output(command, "")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{name} failed ({})\n{text}", output.status);
    let found: Passed = text.lines().filter_map(parse).collect();
    let last = found.keys().next_back().with_context(|| format!("{name} checked nothing:\n{text}"))?.1.clone();
    passed.extend(found);
    Ok(last)
}

/// The test harness may have written its own words before ours on a line.
pub(crate) fn parse(line: &str) -> Option<((String, String), u64)> {
    let mut words = line.split_once("vectors: ")?.1.split_whitespace();
    let (file, implementation, passed) = (words.next()?, words.next()?, words.next()?);
    Some(((file.to_owned(), implementation.to_owned()), passed.parse().ok()?))
}

fn table(passed: &Passed) -> String {
    let files: BTreeSet<_> = passed.keys().map(|(file, _)| file).collect();
    matrix("artefact", files, passed)
}

/// A line for each of the rows, a column for each implementation.
pub(crate) fn matrix<'a>(title: &str, rows: impl IntoIterator<Item = &'a String>, passed: &Passed) -> String {
    let implementations: BTreeSet<_> = passed.keys().map(|(_, implementation)| implementation).collect();
    let columns = implementations.iter().map(|implementation| (implementation.as_str(), Align::Right));
    let mut table = Table::new(&[(title, Align::Left)].into_iter().chain(columns).collect::<Vec<_>>());
    for row in rows {
        let cell = |implementation: &&String| {
            passed.get(&(row.clone(), (*implementation).clone())).map_or_else(|| "-".to_owned(), u64::to_string)
        };
        table.row([row.clone()].into_iter().chain(implementations.iter().map(cell)).collect());
    }
    table.render(160)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn lines_of_the_check_become_a_table() {
        let lines = "running 2 tests\nvectors: token.json rust 41\ntest x ... vectors: blob.json rust 7\n\
                     vectors: token.json noble 41\nvectors: broken\n";
        let passed: Passed = lines.lines().filter_map(parse).collect();
        check_counts(&passed).unwrap();
        assert_eq!(table(&passed), "  artefact    noble  rust\n  blob.json       -     7\n  token.json     41    41\n");
    }

    #[test]
    fn an_implementation_that_skips_a_case_is_named() {
        let passed: Passed =
            ["vectors: a.json rust 7", "vectors: a.json wasm-node 6"].into_iter().filter_map(parse).collect();
        let error = check_counts(&passed).unwrap_err().to_string();
        assert_eq!(error, "a.json: rust passed 7 cases, wasm-node 6");
    }
}
