//! Equal values are equal tokens, whichever language made them: random values through every binding, compared byte by byte.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::kotlin::Kotlin;
use crate::npm::Npm;
use crate::project::Project;
use crate::ruby::Gem;
use crate::wheel::Wheels;
use crate::{cargo, clib, process, python};

/// How many values, and what they are made from: the same on every machine.
const VALUES: [&str; 2] = ["10000", "20261122"];

/// Makes the values, has every language print their tokens, and compares them with those of the independent implementation.
pub(crate) fn check(project: &Project) -> Result<()> {
    let folder = project.target.join("tokens");
    fs::create_dir_all(&folder)?;
    let python = python::independent(project)?;
    let make = |name: &str, form: &[&str]| {
        let mut make = Command::new(python.join("python"));
        make.arg(project.root.join("bindings/vectors/tokens.py")).args(VALUES).args(form);
        let output = process::output(make.env("PYTHONDONTWRITEBYTECODE", "1"), "")?;
        ensure!(output.status.success(), "the values could not be made ({})", output.status);
        let file = folder.join(name);
        fs::write(&file, &output.stdout).with_context(|| format!("cannot write {}", file.display()))?;
        anyhow::Ok((file, output.stdout))
    };
    let (values, _) = make("values.json", &[])?;
    let (lines, _) = make("values.txt", &["--lines"])?;
    let (_, expected) = make("expected.txt", &["--expected"])?;
    let count = expected.iter().filter(|byte| **byte == b'\n').count();
    ensure!(count.to_string() == VALUES[0], "there are {count} tokens");
    let mut rust = cargo::in_project(project);
    rust.args(["run", "--quiet", "--package", "blindtally", "--example", "tokens", "--"]).arg(&lines);
    let mut javascript = Npm::new(project)?.tokens(project)?;
    javascript.arg(&values);
    let mut python = Wheels::find_or_build(project)?.tokens(project)?;
    python.arg(&values);
    let mut c = clib::tokens(project)?;
    c.arg(&lines);
    let mut ruby = Gem::find_or_build(project)?.tokens(project)?;
    ruby.arg(&values);
    let mut kotlin = Kotlin::find_or_build(project)?.tokens()?;
    kotlin.arg(&values);
    let programs =
        [("Rust", rust), ("JavaScript", javascript), ("Python", python), ("C", c), ("Kotlin", kotlin), ("Ruby", ruby)];
    for (language, mut program) in programs {
        let output = process::output(&mut program, "")?;
        ensure!(output.status.success(), "{language}: no tokens ({})", output.status);
        if output.stdout != expected {
            let differs = |(_, (a, b)): &(usize, (&[u8], &[u8]))| a != b;
            let lines = output.stdout.split(|byte| *byte == b'\n').zip(expected.split(|byte| *byte == b'\n'));
            let line = lines.enumerate().find(differs).map_or(count, |(line, _)| line);
            anyhow::bail!("{language}: the token of value {line} is another, or there are not as many");
        }
        println!("  {language}: {count} tokens, byte for byte");
    }
    Ok(())
}
