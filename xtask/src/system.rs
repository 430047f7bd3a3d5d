//! The machine: its packages, its free ports, its randomness.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::geteuid;

use crate::process;

/// Installs Debian packages; `purpose` says in the error what they were wanted for.
///
/// # Errors
/// If there is no apt-get, if we are not root, or if apt-get fails; the message names the packages.
pub(crate) fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let list = packages.join(" ");
    ensure!(
        find_on_path("apt-get").is_some() && geteuid().is_root(),
        "{purpose} needs {list}, which is not installed: install it by your system's package manager"
    );
    eprintln!("Installing {list} (apt-get), which {purpose} needs");
    update_package_lists()
        .and_then(|()| apt_get(&[&["install", "-y", "--no-install-recommends"], packages].concat()))
        .with_context(|| format!("cannot install {list}, which {purpose} needs"))
}

/// Fetches Debian's lists of packages, which a new machine may not have.
///
/// # Errors
/// If apt-get fails.
pub(crate) fn update_package_lists() -> Result<()> {
    apt_get(&["update"])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stderr(Stdio::piped());
    let output = process::output(&mut apt, "")?;
    ensure!(output.status.success(), "apt-get failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The program's path, if it is on PATH.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A port on 127.0.0.1 that was free a moment ago; the caller tries again if it is taken by then.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).context("no free port")?.port())
}

/// `length` random characters of an alphabet of 32 without look-alikes: five bits each.
pub(crate) fn random_text(length: usize) -> Result<String> {
    let mut bytes = vec![0; length];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("cannot read /dev/urandom")?;
    let alphabet = b"abcdefghjkmnpqrstuvwxyz023456789";
    Ok(bytes.iter().filter_map(|byte| alphabet.get(usize::from(byte % 32))).map(|&byte| char::from(byte)).collect())
}

/// The person's name on this computer, as the environment tells it.
pub(crate) fn user_name() -> String {
    std::env::var_os("USER")
        .as_deref()
        .and_then(OsStr::to_str)
        .filter(|name| !name.is_empty())
        .unwrap_or("user")
        .to_owned()
}
