//! Python programs from PyPI, each in a virtual environment of its own under `target/venv/`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::project::Project;
use crate::{process, system};

/// The folder with the programs of a virtual environment that holds exactly these requirements (`name==version`);
/// made when it is not there.
pub(crate) fn environment(project: &Project, name: &str, requirements: &[&str]) -> Result<PathBuf> {
    let folder = project.target.join("venv").join(name);
    let programs = folder.join("bin");
    // Written last, so that an installation that was cut off is done again.
    let stamp = folder.join("requirements.txt");
    let wanted = requirements.join("\n");
    let works = || {
        let mut python = Command::new(programs.join("python"));
        python.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        process::run(&mut python).is_ok()
    };
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && works() {
        return Ok(programs);
    }
    eprintln!("Installing {} (PyPI)", requirements.join(" "));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    require(name)?;
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&folder).stdout(std::io::stderr()))
        .context("cannot make a virtual environment")?;
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements);
    process::run(pip.stdout(std::io::stderr()))
        .with_context(|| format!("cannot install {} from PyPI", requirements.join(" ")))?;
    fs::write(&stamp, wanted)?;
    Ok(programs)
}

/// Makes sure that virtual environments can be made; `purpose` says in the error what for.
pub(crate) fn require(purpose: &str) -> Result<()> {
    if can_make_environments() { Ok(()) } else { system::install(&["python3", "python3-venv"], purpose) }
}

/// Debian's python3 comes without what `venv` needs; `python3-venv` adds it.
fn can_make_environments() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import venv, ensurepip"]).stdout(Stdio::null()).stderr(Stdio::null());
    process::run(&mut python).is_ok()
}
