//! What a user would install, under `target/package/`. A further kind of package is one more function in `KINDS`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::dashboard::Dashboard;
use crate::kotlin::Kotlin;
use crate::npm::Npm;
use crate::project::Project;
use crate::ruby::Gem;
use crate::wheel::Wheels;
use crate::{cargo, clib, process, programs};

#[derive(Args)]
pub(crate) struct Options {
    /// Build this kind only
    #[arg(long, value_name = "KIND")]
    only: Option<String>,
    /// Origin of the service, for a dashboard that is hosted elsewhere
    #[arg(long, value_name = "ORIGIN")]
    service: Option<String>,
}

/// Makes the files of one kind and returns them.
type Kind = (&'static str, fn(&Project, &Options) -> Result<Vec<PathBuf>>);

const KINDS: [Kind; 8] = [
    ("crate", core_crate),
    ("npm", npm_package),
    ("wheel", wheel),
    ("gem", gem),
    ("jar", jar),
    ("c", |project, _| clib::package(project)),
    ("dashboard", dashboard),
    ("programs", programs),
];

/// Makes them all (one kind of them with `--only`) and lists them.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let only = options.only.as_deref();
    let known = |only| KINDS.iter().any(|(name, _)| *name == only);
    ensure!(only.is_none_or(known), "the kinds of packages are {}", KINDS.map(|(name, _)| name).join(", "));
    let makes_dashboard = only.is_none_or(|only| only == "dashboard");
    ensure!(options.service.is_none() || makes_dashboard, "--service is for the dashboard");
    for (name, make) in KINDS.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        eprintln!("Packaging: {name}");
        for file in make(project, options)? {
            let bytes = fs::metadata(&file).with_context(|| format!("{} was not made", file.display()))?.len();
            println!("{}  {} KiB", file.display(), bytes.div_ceil(1024));
        }
    }
    Ok(())
}

/// The core as cargo publishes it. `cargo xtask test` has built and tested the same source.
fn core_crate(project: &Project, _: &Options) -> Result<Vec<PathBuf>> {
    let mut package = cargo::in_project(project);
    package.args(["package", "--package", "blindtally", "--no-verify", "--allow-dirty", "--quiet"]);
    process::run(&mut package)?;
    Ok(vec![project.target.join("package").join(format!("blindtally-{}.crate", project.core_version))])
}

fn npm_package(project: &Project, _: &Options) -> Result<Vec<PathBuf>> {
    let npm = Npm::new(project)?;
    npm.build(project)?;
    Ok(vec![npm.pack(project)?])
}

fn wheel(project: &Project, _: &Options) -> Result<Vec<PathBuf>> {
    Ok(Wheels::build(project)?.files)
}

fn gem(project: &Project, _: &Options) -> Result<Vec<PathBuf>> {
    Ok(vec![Gem::build(project)?.file])
}

fn jar(project: &Project, _: &Options) -> Result<Vec<PathBuf>> {
    Ok(Kotlin::find_or_build(project)?.files())
}

fn dashboard(project: &Project, options: &Options) -> Result<Vec<PathBuf>> {
    Dashboard::new(project)?.pack(project, options.service.as_deref())
}

/// The three programs for this kind of machine.
fn programs(project: &Project, _: &Options) -> Result<Vec<PathBuf>> {
    let built = programs::build(project)?;
    let folder = project.target.join("package").join("bin");
    fs::create_dir_all(&folder)?;
    let copy = |program: &str| {
        let file = folder.join(program);
        let bytes = fs::copy(built.join(program), &file).with_context(|| format!("cannot copy {program}"))?;
        ensure!(bytes > 0, "{program} is empty");
        Ok(file)
    };
    cargo::PROGRAMS.iter().map(|program| copy(program)).collect()
}
