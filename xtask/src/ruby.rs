//! The Ruby gem, and what is tested and measured of it, always as `package` ships it.

use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::node::{is_current, list};
use crate::project::Project;
use crate::{bench, ffi, process, system, vectors};

/// Debian's packages of what the gem needs, is tested with and is documented with.
const PACKAGES: [&str; 4] = ["ruby", "ruby-ffi", "ruby-minitest", "yard"];

/// What the gem is made from; of the folders, all.
const SOURCES: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "src",
    "bindings/ffi/Cargo.toml",
    "bindings/ffi/src",
    "bindings/ffi/ruby/README.md",
    "bindings/ffi/ruby/blindtally.gemspec",
    "bindings/ffi/ruby/lib",
];

/// The gem that is there.
pub(crate) struct Gem {
    pub(crate) file: PathBuf,
    /// Where its sources and tests are.
    folder: PathBuf,
}

impl Gem {
    /// Builds `target/package/blindtally-VERSION-PLATFORM.gem`.
    pub(crate) fn build(project: &Project) -> Result<Self> {
        require()?;
        let (folder, staging) = (project.root.join("bindings/ffi/ruby"), project.target.join("ruby/gem"));
        let library = ffi::build(project)?.join(ffi::shared_library());
        if staging.exists() {
            fs::remove_dir_all(&staging).with_context(|| format!("cannot remove {}", staging.display()))?;
        }
        copy(&folder.join("lib"), &staging.join("lib"))?;
        copy(&library, &staging.join("lib/blindtally").join(ffi::shared_library()))?;
        for file in ["README.md", "blindtally.gemspec", ".yardopts"] {
            copy(&folder.join(file), &staging.join(file))?;
        }
        for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
            copy(&project.root.join(license), &staging.join(license))?;
        }
        let mut build = Command::new("gem");
        build.args(["build", "--silent", "blindtally.gemspec"]).current_dir(&staging).stdout(stderr());
        process::run(&mut build)?;
        let made = gems(&staging, project)?.pop().context("gem build made no gem")?;
        let packages = project.target.join("package");
        for old in gems(&packages, project)? {
            fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        let file = packages.join(made.file_name().context("a gem is a file")?);
        copy(&made, &file)?;
        Ok(Self { file, folder })
    }

    /// The gem that is there, or a new one if anything that it is made from has changed.
    pub(crate) fn find_or_build(project: &Project) -> Result<Self> {
        require()?;
        let sources = SOURCES.map(|path| project.root.join(path));
        match gems(&project.target.join("package"), project)?.pop().filter(|file| is_current(file, &sources)) {
            Some(file) => Ok(Self { file, folder: project.root.join("bindings/ffi/ruby") }),
            None => Self::build(project),
        }
    }

    /// Runs the tests on the installed gem, and sees that all of it is documented.
    pub(crate) fn test(&self, project: &Project) -> Result<()> {
        let mut tests = self.ruby(project)?;
        process::run(tests.args(["-e", "Dir['test/test_*.rb'].sort.each { |file| require \"./#{file}\" }"]))?;
        process::run(self.ruby(project)?.arg("test/documented.rb"))
    }

    /// What checks the test vectors with the installed gem.
    pub(crate) fn vectors(&self, project: &Project) -> Result<Command> {
        let mut driver = self.ruby(project)?;
        vectors::driven(project, "ruby", driver.arg("test/driver.rb"))
    }

    /// What prints the tokens of the values in a file that is still to be named.
    pub(crate) fn tokens(&self, project: &Project) -> Result<Command> {
        let mut tokens = self.ruby(project)?;
        tokens.arg("test/tokens.rb");
        Ok(tokens)
    }

    /// Measures one call for all values beside one for each; a list of figures.
    pub(crate) fn bench(&self, project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
        let mut bench = self.ruby(project)?;
        bench.arg("bench/run.rb").args(only.into_iter().flat_map(|only| ["--only", only]));
        bench::figures(&mut bench, "Ruby")
    }

    /// Ruby in the folder of the sources, which finds the installed gem and not them.
    fn ruby(&self, project: &Project) -> Result<Command> {
        let home = project.target.join("ruby/home");
        // Written last, and a byte for byte copy: what is installed is known to be this file.
        let installed = home.join("installed.gem");
        let bytes = fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        if !fs::read(&installed).is_ok_and(|installed| installed == bytes) {
            let mut install = Command::new("gem");
            install.args(["install", "--local", "--quiet", "--ignore-dependencies", "--no-document", "--force"]);
            process::run(install.arg("--install-dir").arg(&home).arg(&self.file).stdout(stderr()))?;
            fs::write(&installed, bytes)?;
        }
        let mut ruby = Command::new("ruby");
        ruby.current_dir(&self.folder).env("GEM_HOME", home);
        ruby.env_remove("RUBYLIB").env_remove("RUBYOPT").env_remove("BLINDTALLY_LIBRARY");
        Ok(ruby)
    }
}

/// Installs Ruby and what the gem needs, unless they are there.
fn require() -> Result<()> {
    let has = |program: &str, arguments: &[&str]| {
        let mut program = Command::new(program);
        program.args(arguments).stdout(stderr());
        process::output(&mut program, "").is_ok_and(|output| output.status.success())
    };
    if has("ruby", &["-e", "require 'ffi'; gem 'minitest'"]) && system::find_on_path("yard").is_some() {
        return Ok(());
    }
    system::install(&PACKAGES, "the Ruby gem")
}

/// The gems of this version in a folder.
fn gems(folder: &Path, project: &Project) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let (prefix, mut files) = (format!("blindtally-{}-", project.core_version), list(folder)?);
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(".gem")
    });
    Ok(files)
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        return list(from)?.iter().try_for_each(|path| copy(path, &to.join(path.file_name().unwrap_or_default())));
    }
    fs::create_dir_all(to.parent().context("a file without a folder")?)?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
