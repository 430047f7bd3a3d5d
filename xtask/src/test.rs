//! Every test there is, one step after the other.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::dashboard::Dashboard;
use crate::kotlin::Kotlin;
use crate::node::Node;
use crate::npm::Npm;
use crate::oracle::Expected;
use crate::postgres::{self, Postgres};
use crate::project::Project;
use crate::ruby::Gem;
use crate::wheel::Wheels;
use crate::{
    aw_server, cargo, clib, demo, export, ffi, process, recordings, spec, swift, system, tokens, vectors, verify,
};

type Step = (&'static str, fn(&Project) -> Result<()>);

/// Crates that have no tests in Rust, and more to compile than all others: clippy has looked at them.
const WITHOUT_RUST_TESTS: [&str; 6] =
    ["--exclude", "blindtally-python", "--exclude", "blindtally-python-echo", "--exclude", "blindtally-benches"];

const STEPS: [Step; 33] = [
    ("format", |project| cargo(project, &["fmt", "--all", "--check"])),
    ("SPEC coverage", spec::run),
    // Before cargo compiles the server, which holds the dashboard.
    ("npm package", npm_package),
    ("npm package: size", |project| Npm::new(project)?.size()),
    ("dashboard", |project| Dashboard::new(project)?.check()),
    ("dashboard: size", |project| Dashboard::new(project)?.size()),
    ("clippy", |project| {
        cargo(project, &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    }),
    ("documentation", documentation),
    ("features of the core", features),
    ("npm package: tests in Node and browsers", |project| Npm::new(project)?.test()),
    ("npm package: installed into new projects", |project| Npm::new(project)?.smoke()),
    ("unit, integration and property tests", tests),
    ("import of older deployments: tests with OpenSSL and WebCrypto", legacy),
    ("documentation tests", |project| {
        cargo(project, &[&["test", "--workspace", "--doc", "--quiet"], &WITHOUT_RUST_TESTS[..]].concat())
    }),
    ("Python package", |project| Wheels::find_or_build(project).map(drop)),
    ("Python package: tests", |project| Wheels::find_or_build(project)?.test(project)),
    ("Python package: tests on Spark", |project| Wheels::find_or_build(project)?.test_spark(project)),
    ("Python package: types", |project| Wheels::find_or_build(project)?.types(project)),
    ("Python package: examples of the READMEs", |project| Wheels::find_or_build(project)?.examples(project)),
    ("Python package: installed into new environments", |project| Wheels::find_or_build(project)?.smoke(project)),
    ("Kotlin, Swift, Ruby: generated sources", ffi::check_generated),
    ("Kotlin package", |project| Kotlin::find_or_build(project).map(drop)),
    ("Kotlin package: tests", |project| Kotlin::find_or_build(project)?.test()),
    ("Kotlin package: examples of the README", |project| Kotlin::find_or_build(project)?.examples()),
    ("Ruby package", |project| Gem::find_or_build(project).map(drop)),
    ("Ruby package: tests", |project| Gem::find_or_build(project)?.test(project)),
    ("Swift package: header and library", swift::check_header),
    ("one value, one token in every language", tokens::check),
    ("test vectors", vectors::run),
    ("symbolic models", verify::run),
    ("dashboard: tests in a browser", |project| Dashboard::new(project)?.test(project)),
    ("demo on SQLite", |project| demo(project, &[])),
    ("demo on PostgreSQL", |project| demo(project, &["--postgres"])),
];

/// Runs the steps (with `only`, those whose name contains it) and stops at the first that fails. The last line is the
/// count.
pub(crate) fn run(project: &Project, only: Option<&str>) -> ExitCode {
    let steps: Vec<_> = STEPS.iter().filter(|(name, _)| name.contains(only.unwrap_or_default())).collect();
    if steps.is_empty() {
        eprintln!("error: no step has that name");
        return ExitCode::FAILURE;
    }
    let begin = Instant::now();
    for (number, (name, step)) in steps.iter().enumerate() {
        println!("\n[{}/{}] {name}", number + 1, steps.len());
        let start = Instant::now();
        let result = step(project);
        let seconds = start.elapsed().as_secs_f64();
        if let Err(error) = result {
            eprintln!("error: {error:#}");
            println!(
                "[{}/{}] {name}: FAILED after {seconds:.1} s; the steps after it did not run",
                number + 1,
                steps.len()
            );
            println!("{number} passed, 1 failed");
            return ExitCode::FAILURE;
        }
        println!("[{}/{}] {name}: passed in {seconds:.1} s", number + 1, steps.len());
    }
    println!("\nAll in {:.1} s", begin.elapsed().as_secs_f64());
    println!("{} passed, 0 failed", steps.len());
    ExitCode::SUCCESS
}

fn cargo(project: &Project, arguments: &[&str]) -> Result<()> {
    process::run(cargo::in_project(project).args(arguments))
}

fn documentation(project: &Project) -> Result<()> {
    let mut doc = cargo::in_project(project);
    process::run(doc.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The core without features, and with each alone.
fn features(project: &Project) -> Result<()> {
    let check = ["check", "--package", "blindtally", "--quiet", "--no-default-features"];
    cargo(project, &check)?;
    for feature in &project.core_features {
        println!("  {feature}");
        cargo(project, &[&check[..], &["--features", feature]].concat())?;
    }
    Ok(())
}

/// The package as it would be published, and its types.
fn npm_package(project: &Project) -> Result<()> {
    let npm = Npm::new(project)?;
    npm.build(project)?;
    npm.types(&npm.pack(project)?)
}

fn tests(project: &Project) -> Result<()> {
    clib::require_tools()?;
    let postgres = Postgres::start(project)?;
    let mut test = cargo::in_project(project);
    test.args(["test", "--workspace", "--lib", "--bins", "--tests"]).env(postgres::VARIABLE, postgres.url());
    test.args(WITHOUT_RUST_TESTS);
    process::run(&mut test)
}

/// The core with its feature `legacy`, which nothing else in the workspace turns on.
fn legacy(project: &Project) -> Result<()> {
    if system::find_on_path("openssl").is_none() {
        system::install(&["openssl"], "the tests of the import")?;
    }
    let core = ["--package", "blindtally", "--features", "legacy", "--quiet"];
    cargo(project, &[&["clippy", "--all-targets"], &core[..], &["--", "-D", "warnings"]].concat())?;
    let mut doc = cargo::in_project(project);
    process::run(doc.args(["doc", "--no-deps"]).args(core).env("RUSTDOCFLAGS", "-D warnings"))?;
    let node = Node::find(project)?;
    let mut test = cargo::in_project(project);
    process::run(
        test.args(["test", "--test", "legacy", "--test", "spec_example"]).args(core).env("PATH", node.path()),
    )?;
    cargo(project, &[&["test", "--doc"], &core[..], &["legacy"]].concat())
}

/// Runs the demo as a person would and compares what it prints with what the export adds up to.
fn demo(project: &Project, arguments: &[&str]) -> Result<()> {
    let mut demo = cargo::in_project(project);
    demo.args(["run", "--quiet", "--package", "xtask", "--", "demo", "--once", "--json"]).args(arguments);
    let output = process::output(&mut demo, "")?;
    ensure!(output.status.success(), "the demo failed ({})", output.status);
    let seen: Value = serde_json::from_slice(&output.stdout).context("the demo's stdout is not one JSON object")?;
    let export = export::read(&aw_server::export(project)?)?;
    let expected = Expected::of(&export, |hostname| demo::person_of(hostname).unwrap_or_default().to_owned())?;
    expected.check(&seen)?;
    let archive = &seen["archive"];
    let is_whole = archive["events"] == seen["service"]["events"]
        && archive["records"] == recordings::RECORDS.len() * 2
        && archive["blobs"] == recordings::BLOBS * 2
        && archive["left_out"] == 0
        && archive["intact"] == archive["files"];
    ensure!(is_whole, "not everything is in the archive, or not intact: {archive}");
    println!("  {} rows and {} events are as the export adds up", expected.rows.len(), expected.events);
    Ok(())
}
