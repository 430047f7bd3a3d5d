//! Python: its interpreters, and programs from PyPI, each in a virtual environment of its own under `target/venv/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::project::Project;
use crate::{process, system};

/// The folder with the programs of a virtual environment that holds exactly these requirements (`name==version`);
/// made when it is not there.
pub(crate) fn environment(project: &Project, name: &str, requirements: &[&str]) -> Result<PathBuf> {
    environment_of(Path::new("python3"), project, name, requirements)
}

/// The programs of an environment for the independent implementation, and for what tests bindings with it.
pub(crate) fn independent(project: &Project) -> Result<PathBuf> {
    environment(project, "independent", &["cryptography==50.0.2"])
}

/// As [`environment`], of another interpreter than the usual one.
pub(crate) fn environment_of(
    interpreter: &Path,
    project: &Project,
    name: &str,
    requirements: &[&str],
) -> Result<PathBuf> {
    let folder = project.target.join("venv").join(name);
    let programs = folder.join("bin");
    // Written last, so that an installation that was cut off is done again.
    let stamp = folder.join("requirements.txt");
    let wanted = requirements.join("\n");
    let works = || succeeds(Command::new(programs.join("python")).arg("--version"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && works() {
        return Ok(programs);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    require(name)?;
    process::run(Command::new(interpreter).args(["-m", "venv"]).arg(&folder).stdout(std::io::stderr()))
        .context("cannot make a virtual environment")?;
    if !requirements.is_empty() {
        let list = requirements.join(" ");
        eprintln!("Installing {list} (PyPI)");
        process::run(pip_install(&programs).args(requirements))
            .with_context(|| format!("cannot install {list} from PyPI"))?;
    }
    fs::write(&stamp, wanted)?;
    Ok(programs)
}

/// Installs this file of a package into a virtual environment, without what it may depend on, unless it is there already.
pub(crate) fn install_wheel(programs: &Path, wheel: &Path) -> Result<()> {
    // Written last, and a byte for byte copy: what is installed is known to be this file.
    let copy = programs.join(wheel.file_name().context("a wheel is a file")?);
    let bytes = fs::read(wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
    if fs::read(&copy).is_ok_and(|installed| installed == bytes) {
        return Ok(());
    }
    process::run(pip_install(programs).args(["--force-reinstall", "--no-deps"]).arg(wheel))?;
    fs::write(&copy, bytes).with_context(|| format!("cannot write {}", copy.display()))
}

/// The version of a virtual environment's interpreter, major and minor.
pub(crate) fn version(programs: &Path) -> Result<(u32, u32)> {
    let mut python = Command::new(programs.join("python"));
    let output = process::output(python.args(["-c", "import sys; print('python%d.%d' % sys.version_info[:2])"]), "")?;
    version_in(String::from_utf8_lossy(&output.stdout).trim()).context("python does not say its version")
}

fn pip_install(programs: &Path) -> Command {
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).stdout(std::io::stderr());
    pip
}

/// Makes sure that virtual environments can be made; `purpose` says in the error what for.
pub(crate) fn require(purpose: &str) -> Result<()> {
    if can_make_environments(Path::new("python3")) {
        Ok(())
    } else {
        system::install(&["python3", "python3-venv"], purpose)
    }
}

/// By version, the interpreters of CPython on PATH and of pyenv which can make virtual environments.
pub(crate) fn interpreters() -> BTreeMap<(u32, u32), PathBuf> {
    let mut folders: Vec<_> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let pyenv = std::env::home_dir().unwrap_or_default().join(".pyenv/versions");
    folders.extend(fs::read_dir(pyenv).into_iter().flatten().flatten().map(|version| version.path().join("bin")));
    let programs = folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut found = BTreeMap::new();
    for program in programs.map(|entry| entry.path()) {
        let version = program.file_name().and_then(|name| name.to_str()).and_then(version_in);
        // A shim of pyenv's is there for versions that are not switched on, too.
        if let Some(version) = version
            && !found.contains_key(&version)
            && can_make_environments(&program)
        {
            found.insert(version, program);
        }
    }
    found
}

/// `python3.9` is (3, 9).
fn version_in(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.strip_prefix("python")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Debian's python3 comes without what `venv` needs; `python3-venv` adds it.
fn can_make_environments(interpreter: &Path) -> bool {
    succeeds(Command::new(interpreter).args(["-c", "import venv, ensurepip"]))
}

fn succeeds(command: &mut Command) -> bool {
    process::run(command.stdout(Stdio::null()).stderr(Stdio::null())).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn only_names_of_interpreters_have_a_version() {
        assert_eq!(version_in("python3.14"), Some((3, 14)));
        for name in ["python3", "python3.14t", "python3.9-config", "python3-config", "pip3.9"] {
            assert_eq!(version_in(name), None, "{name}");
        }
    }
}
