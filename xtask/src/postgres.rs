//! A PostgreSQL server of our own: fresh, on a free port of 127.0.0.1, gone when dropped.
//!
//! The machine's own clusters are never touched. Data are throw-away, so nothing is flushed to disk. PostgreSQL
//! refuses to run as root: for root it runs as an ordinary user.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use crate::process::{self, Service};
use crate::project::Project;
use crate::system;

/// The environment variable that tells tests and benchmarks the URL of a superuser.
pub(crate) const VARIABLE: &str = "BLINDTALLY_TEST_POSTGRES";

const READY_WITHIN: Duration = Duration::from_secs(60);
/// A port that was free may be taken before PostgreSQL has it.
const ATTEMPTS: u32 = 3;

/// The running server.
pub(crate) struct Postgres {
    url: String,
    // In this order: the server ends before its data go.
    _service: Service,
    _folder: Folder,
}

impl Postgres {
    /// Makes a cluster and starts it; installs PostgreSQL when the machine has none.
    pub(crate) fn start(project: &Project) -> Result<Self> {
        let programs = programs()?;
        let user = ordinary_user()?;
        let user = user.as_ref();
        let folder = Folder::fresh(project, user)?;
        let password = system::random_text(24)?;
        make_cluster(&programs, user, &folder.0, &password)?;
        let (service, port) = start_on_a_free_port(&programs, user, &folder.0)?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        Ok(Self { url, _service: service, _folder: folder })
    }

    /// A URL for a superuser, with the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn make_cluster(programs: &Path, user: Option<&User>, folder: &Path, password: &str) -> Result<()> {
    let password_file = folder.join("password");
    fs::write(&password_file, password)?;
    if let Some(user) = user {
        chown(&password_file, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    let mut initdb = command(&programs.join("initdb"), user, folder);
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    initdb.arg("--pwfile").arg(&password_file).arg("-D").arg(folder.join("data")).stdout(Stdio::null());
    process::run(&mut initdb)?;
    Ok(fs::remove_file(password_file)?)
}

fn start_on_a_free_port(programs: &Path, user: Option<&User>, folder: &Path) -> Result<(Service, u16)> {
    for _ in 1..ATTEMPTS {
        let port = system::free_port()?;
        if let Ok(service) = start_server(programs, user, folder, port) {
            return Ok((service, port));
        }
    }
    let port = system::free_port()?;
    let service = start_server(programs, user, folder, port).with_context(|| {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        format!("PostgreSQL does not start:\n{log}")
    })?;
    Ok((service, port))
}

fn start_server(programs: &Path, user: Option<&User>, folder: &Path, port: u16) -> Result<Service> {
    let mut postgres = command(&programs.join("postgres"), user, folder);
    postgres.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
    for setting in [
        "unix_socket_directories=",
        "max_connections=300",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ] {
        postgres.args(["-c", setting]);
    }
    let log = File::create(folder.join("log"))?;
    postgres.stdout(log.try_clone()?).stderr(log);
    // INT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    let mut service = Service::start_stopped_by(Signal::SIGINT, &mut postgres)?;
    let status = folder.join("data/postmaster.pid");
    // `pg_ctl start --wait` reads the same line of the same file.
    service.wait_until("accept connections", READY_WITHIN, || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        Ok(status.lines().nth(7).is_some_and(|line| line.trim() == "ready").then_some(()))
    })?;
    Ok(service)
}

fn command(program: &Path, user: Option<&User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// The folder with `initdb` and `postgres`.
fn programs() -> Result<PathBuf> {
    if let Some(programs) = find_programs() {
        return Ok(programs);
    }
    // Debian's package makes a cluster and starts it unless this says otherwise.
    let setting = Path::new("/etc/postgresql-common/createcluster.conf");
    if geteuid().is_root() && Path::new("/etc/debian_version").exists() && !setting.exists() {
        fs::create_dir_all("/etc/postgresql-common")?;
        fs::write(setting, "create_main_cluster = false\n")?;
    }
    system::install(&["postgresql"], "the test on PostgreSQL")?;
    find_programs().context("postgresql is installed, but initdb is neither on PATH nor in /usr/lib/postgresql/*/bin")
}

fn find_programs() -> Option<PathBuf> {
    let on_path = system::find_on_path("initdb")
        .and_then(|initdb| initdb.canonicalize().ok())
        .and_then(|initdb| initdb.parent().map(Path::to_owned));
    let version = |folder: &Path| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))));
    let mut newest_first: Vec<_> = installed.collect();
    newest_first.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    on_path
        .into_iter()
        .chain(newest_first.into_iter().map(|(_, programs)| programs))
        .find(|programs| programs.join("initdb").is_file() && programs.join("postgres").is_file())
}

/// Whom PostgreSQL runs as, if not as ourselves.
fn ordinary_user() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = match User::from_name("postgres")? {
        Some(user) => Some(user),
        None => User::from_name("nobody")?,
    };
    user.map(Some).context("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    /// Under the target folder, or among the temporary files if the user cannot get into the former.
    fn fresh(project: &Project, user: Option<&User>) -> Result<Self> {
        let name = format!("blindtally-postgres-{}", system::random_text(12)?);
        let folder = Self::make(project.target.join("postgres").join(&name), user)?;
        let Some(user) = user else { return Ok(folder) };
        let mut test = Command::new("test");
        test.arg("-w").arg(&folder.0).uid(user.uid.as_raw()).gid(user.gid.as_raw());
        if process::run(&mut test).is_ok() {
            return Ok(folder);
        }
        Self::make(std::env::temp_dir().join(name), Some(user))
    }

    fn make(path: PathBuf, user: Option<&User>) -> Result<Self> {
        let parent = path.parent().context("a folder without a parent")?;
        fs::create_dir_all(parent)?;
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let folder = Self(path);
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700))?;
        if let Some(user) = user {
            chown(&folder.0, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_of_our_own_answers_and_is_gone_after_drop() {
        let postgres = Postgres::start(&Project::find().unwrap()).unwrap();
        let address = postgres.url().split(['@', '/']).nth(3).unwrap().to_owned();
        let folder = postgres._folder.0.clone();
        TcpStream::connect(&address).expect("it listens");
        drop(postgres);
        TcpStream::connect(&address).expect_err("it has ended");
        assert!(!folder.exists());
    }
}
