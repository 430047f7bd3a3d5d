//! The three programs of the examples, run as a person would run them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::cargo;
use crate::dashboard::Dashboard;
use crate::process::{self, Service};
use crate::project::Project;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Builds the three programs (release) and returns their folder. The dashboard comes first: the server embeds it.
pub(crate) fn build(project: &Project) -> Result<PathBuf> {
    Dashboard::new(project)?.build()?;
    cargo::build_release(project, &cargo::PROGRAMS)
}

/// The blind service.
pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) url: String,
}

impl Server {
    /// Starts it on a free port; screenshots and the like go into `blobs`, what it logs into `log`.
    pub(crate) fn start(programs: &Path, database: &str, blobs: &Path, log: &Path) -> Result<Self> {
        let mut command = Command::new(programs.join("blindtally-server"));
        command.args(["--listen", "127.0.0.1:0", "--database", database, "--blobs"]).arg(blobs);
        command.stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut service = Service::start(&mut command)?;
        let url = service
            .wait_for_line("listening on ", READY_WITHIN)
            .with_context(|| format!("the service does not start\n{}", fs::read_to_string(log).unwrap_or_default()))?;
        Ok(Self { service, url })
    }
}

/// The account owner at the command line.
pub(crate) struct Owner {
    program: PathBuf,
    profile: PathBuf,
    password: String,
}

impl Owner {
    pub(crate) fn new(programs: &Path, profile: PathBuf, password: String) -> Self {
        Self { program: programs.join("blindtally-owner"), profile, password }
    }

    /// Runs a command with the password on stdin, never among the arguments, and returns its JSON.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.arg("--profile").arg(&self.profile).args(["--password-fd", "0", "--json"]).args(arguments);
        answer(command, &format!("{}\n", self.password))
    }
}

/// The agent of one computer.
pub(crate) struct Agent {
    program: PathBuf,
    state: PathBuf,
}

impl Agent {
    pub(crate) fn new(programs: &Path, state: PathBuf) -> Self {
        Self { program: programs.join("blindtally-agent"), state }
    }

    /// Runs a command with `input` on stdin and returns its JSON.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.arg("--state").arg(&self.state).arg("--json").args(arguments);
        answer(command, input)
    }

    /// Follows an aw-server until it is dropped; what it says goes into `log`.
    pub(crate) fn watch(&self, aw_server: &str, person: &str, log: &Path) -> Result<Service> {
        let mut command = Command::new(&self.program);
        command.arg("--state").arg(&self.state).args(["watch", "--every", "2", "--aw-server", aw_server]);
        let log = File::create(log)?;
        command.arg(format!("--person={person}")).stdout(log.try_clone()?).stderr(log);
        Service::start(&mut command)
    }
}

/// The one JSON object that a program writes; its error, in its own words, if it fails.
fn answer(mut command: Command, input: &str) -> Result<Value> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    let Output { status, stdout, stderr } = process::output(command.stderr(Stdio::piped()), input)?;
    let json = serde_json::from_slice::<Value>(&stdout);
    if status.success() {
        eprint!("{}", String::from_utf8_lossy(&stderr));
        return json.with_context(|| format!("{name} --json does not answer in JSON"));
    }
    let error = json.unwrap_or_default();
    if let (Some(message), Some(code)) = (error["error"]["message"].as_str(), error["error"]["code"].as_str()) {
        bail!("{name}: {message} ({code})");
    }
    let stderr = String::from_utf8_lossy(&stderr);
    ensure!(!stderr.trim().is_empty(), "{name} failed without a word ({status})");
    bail!("{name}: {} ({status})", stderr.trim());
}
