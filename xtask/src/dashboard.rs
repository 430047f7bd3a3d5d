//! The dashboard: its static build, what the server embeds of it, its size, and its tests and benchmarks in a browser.

use std::collections::BTreeMap;
use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::node::{self, Package, list, tests_in};
use crate::npm::Npm;
use crate::project::Project;
use crate::{aw_server, process, programs};

/// The largest that everything a browser loads may be, compressed: 350 KiB.
const BUDGET: usize = 350 * 1024;

/// Contents by path inside a build.
type Files = BTreeMap<String, Vec<u8>>;

/// The dashboard's folder, with its tools, on a built npm package.
pub(crate) struct Dashboard {
    package: Package,
    target: PathBuf,
}

impl Dashboard {
    /// Gets the tools, and builds the npm package if anything in it has changed.
    pub(crate) fn new(project: &Project) -> Result<Self> {
        Npm::new(project)?.build_if_changed(project)?;
        Ok(Self { package: Package::install(project, "examples/browser")?, target: project.target.clone() })
    }

    /// Builds `dist`, which the server embeds. Files that stay as they were are left alone, so that cargo compiles nothing
    /// again for them.
    pub(crate) fn build(&self) -> Result<()> {
        let built = self.build_for(None)?;
        let dist = self.dist();
        let old = if dist.exists() { read(&dist)? } else { Files::new() };
        for path in old.keys().filter(|path| !built.contains_key(*path)) {
            fs::remove_file(dist.join(path))?;
        }
        write(&dist, built.iter().filter(|(path, contents)| old.get(*path) != Some(*contents)))
    }

    /// The build for a service at this origin; without one, for the service that serves the page.
    fn build_for(&self, service: Option<&str>) -> Result<Files> {
        let stage = self.target.join("dashboard");
        if stage.exists() {
            fs::remove_dir_all(&stage).with_context(|| format!("cannot remove {}", stage.display()))?;
        }
        fs::create_dir_all(&self.target)?;
        // Vite's own notion of a folder for its output is relative to the package's.
        let (from, to) = (self.package.folder.canonicalize()?, self.target.canonicalize()?.join("dashboard"));
        let up: PathBuf = from.components().skip(1).map(|_| "..").collect();
        let mut build = self.package.npm("run");
        build
            .args(["--silent", "build", "--", "--logLevel", "warn", "--emptyOutDir", "--outDir"])
            .arg(up.join(to.strip_prefix("/")?));
        process::run(build.env("BLINDTALLY_SERVICE", service.unwrap_or_default()).stdout(stderr()))?;
        let files = read(&stage)?;
        ensure!(files.contains_key("index.html"), "the build of the dashboard has no page");
        Ok(files)
    }

    /// Checks that `dist` is what its sources give, each time.
    pub(crate) fn check(&self) -> Result<()> {
        self.build()?;
        ensure!(read(&self.dist())? == self.build_for(None)?, "two builds of the dashboard differ");
        Ok(())
    }

    /// The size of what a browser loads, against its budget.
    pub(crate) fn size(&self) -> Result<()> {
        let files = read(&self.dist()).context("build the dashboard first")?;
        let mut total = 0;
        for (path, contents) in files.iter().filter(|(path, _)| !path.ends_with(".gz")) {
            let size = files.get(&format!("{path}.gz")).unwrap_or(contents).len();
            println!("  {size:>7}  {path}");
            total += size;
        }
        println!("  {total:>7}  in all, compressed; the budget is {BUDGET}");
        ensure!(total <= BUDGET, "the dashboard is {} bytes above its budget", total - BUDGET);
        Ok(())
    }

    /// Runs its tests in a browser, against the real programs.
    pub(crate) fn test(&self, project: &Project) -> Result<()> {
        let folder = self.package.folder.join("tests");
        let files = tests_in(&folder)?;
        ensure!(!files.is_empty(), "{} holds no test", folder.display());
        node::run_tests(self.node(project)?, &files)
    }

    /// Measures it in a browser; a list of figures.
    pub(crate) fn bench(&self, project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
        node::run_benches(self.node(project)?, only)
    }

    /// Node with the programs, and with the activity that there is to show.
    fn node(&self, project: &Project) -> Result<Command> {
        let mut node = self.package.node();
        node.env("BLINDTALLY_PROGRAMS", programs::build(project)?);
        node.env("BLINDTALLY_EXPORT", aw_server::export(project)?);
        Ok(node)
    }

    /// Makes, under `target/package/`, the folder for a web server, its archive, and the SHA-256 of each file.
    pub(crate) fn pack(&self, project: &Project, service: Option<&str>) -> Result<Vec<PathBuf>> {
        self.build()?;
        let files = self.build_for(service)?;
        let packages = self.target.join("package");
        let name = format!("blindtally-dashboard-{}", project.core_version);
        let folder = packages.join(&name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        write(&folder, &files)?;
        // As `sha256sum --check` reads it in this folder. The page first: it pins every file that it loads.
        let page_first = |(path, _): &(&String, &Vec<u8>)| *path != "index.html";
        let mut sums: Vec<_> = files.iter().collect();
        sums.sort_by_key(page_first);
        let line = |(path, contents): &(&String, &Vec<u8>)| format!("{}  {name}/{path}\n", sha256(contents));
        let sums: String = sums.iter().map(line).collect();
        print!("{sums}");
        let sums_file = packages.join(format!("{name}.sha256"));
        fs::write(&sums_file, sums)?;
        let archive = packages.join(format!("{name}.tar.gz"));
        process::run(Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(&packages).arg(&name))?;
        Ok(vec![folder.join("index.html"), archive, sums_file])
    }

    fn dist(&self) -> PathBuf {
        self.package.folder.join("dist")
    }
}

fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for path in list(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).context("a name is not UTF-8")?.to_owned();
        if path.is_dir() {
            files.extend(read(&path)?.into_iter().map(|(inside, contents)| (format!("{name}/{inside}"), contents)));
        } else {
            files.insert(name, fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
    }
    Ok(files)
}

fn write<'a>(folder: &Path, files: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> Result<()> {
    for (path, contents) in files {
        let file = folder.join(path);
        file.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&file, contents).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn sha256(contents: &[u8]) -> String {
    Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect()
}
