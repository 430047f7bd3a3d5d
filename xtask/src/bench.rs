//! The benchmarks, with peers side by side.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::dashboard::Dashboard;
use crate::kotlin::Kotlin;
use crate::npm::Npm;
use crate::postgres::{self, Postgres};
use crate::project::Project;
use crate::ruby::Gem;
use crate::table::{Align, Table, show};
use crate::wheel::Wheels;
use crate::{cargo, clib, process, system};

const FIELDS: [&str; 6] = ["figure", "ours", "peer", "ratio", "goal", "holds"];

/// What the names of the figures of the npm package, of the dashboard, of the Python package, of Spark with it, of the Ruby
/// gem, of C and of the Kotlin package begin with; all others are those of the Rust benchmarks.
const NPM: [&str; 2] = ["npm", "page reader"];
const DASHBOARD: [&str; 1] = ["dashboard"];
const PYTHON: [&str; 1] = ["python"];
const SPARK: [&str; 1] = ["Spark"];
const RUBY: [&str; 1] = ["ruby"];
const C: [&str; 1] = ["c:"];
const KOTLIN: [&str; 1] = ["kotlin"];

/// Runs them (one of them with `only`), prints the table and writes the figures as JSON.
pub(crate) fn run(project: &Project, json: Option<&Path>, only: Option<&str>) -> Result<()> {
    let is_of = |names: &[&str]| only.is_some_and(|only| names.iter().any(|start| only.starts_with(start)));
    let mut figures = Vec::new();
    if ![&NPM[..], &DASHBOARD, &PYTHON, &SPARK, &RUBY, &C, &KOTLIN].into_iter().any(is_of) {
        figures.extend(rust(project, only)?);
    }
    if only.is_none() || is_of(&NPM) {
        figures.extend(Npm::new(project)?.bench(project, only)?);
    }
    if only.is_none() || is_of(&DASHBOARD) {
        figures.extend(Dashboard::new(project)?.bench(project, only)?);
    }
    if only.is_none() || is_of(&PYTHON) {
        figures.extend(Wheels::build(project)?.bench(project, only)?);
    }
    if only.is_none() || is_of(&C) {
        figures.extend(clib::bench(project, only)?);
    }
    if only.is_none() || is_of(&SPARK) {
        figures.extend(Wheels::build(project)?.bench_spark(project, only)?);
    }
    if only.is_none() || is_of(&RUBY) {
        figures.extend(Gem::build(project)?.bench(project, only)?);
    }
    if only.is_none() || is_of(&KOTLIN) {
        figures.extend(Kotlin::find_or_build(project)?.bench(only)?);
    }
    print!("{}", table(&figures));
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&figures)? + "\n";
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn rust(project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
    eprintln!("Building the benchmarks (release)");
    let programs = cargo::build_release(project, &["blindtally-benches"])?;
    if system::find_on_path("age").is_none() {
        system::install(&["age"], "a peer of the benchmarks")?;
    }
    let postgres = Postgres::start(project)?;
    let result = project.target.join("bench.json");
    let mut benches = Command::new(programs.join("blindtally-benches"));
    benches.arg("--json").arg(&result).current_dir(&project.root).env(postgres::VARIABLE, postgres.url());
    if let Some(only) = only {
        benches.args(["--only", only]);
    }
    // Its report on the way is progress; the result is the table.
    process::run(benches.stdout(std::io::stderr()))?;
    serde_json::from_slice(&fs::read(&result)?).context("the benchmarks give no list in JSON")
}

/// What a program that measures prints; `language` is that it is written in.
pub(crate) fn figures(program: &mut Command, language: &str) -> Result<Vec<Value>> {
    let output = process::output(program, "")?;
    ensure!(output.status.success(), "the benchmarks in {language} failed ({})", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("the benchmarks in {language} give no list in JSON"))
}

fn table(figures: &[Value]) -> String {
    let align = |field| if ["figure", "holds"].contains(&field) { Align::Left } else { Align::Right };
    let mut table = Table::new(&FIELDS.map(|field| (field, align(field))));
    for figure in figures {
        table.row(FIELDS.map(|field| cell(&figure[field])).into());
    }
    table.render(usize::MAX)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => show(text),
        Value::Number(number) if !number.is_i64() => format!("{:.2}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    #[test]
    fn figures_become_a_table() {
        let figures =
            [json!({"figure": "seal", "ours": 38, "peer": 404.5, "ratio": "10.6", "goal": null, "holds": true})];
        let expected = "  figure  ours    peer  ratio  goal  holds\n  seal      38  404.50   10.6     -  yes\n";
        assert_eq!(table(&figures), expected);
    }
}
