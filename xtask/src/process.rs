//! Starts other programs and makes sure that none of them outlives this one.
//!
//! Every program runs in a process group of its own, so that stopping it stops what it started too. A tool is
//! something we wait for; an interrupt ends it at once. A service runs beside us and ends when its guard is dropped.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a service may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a condition is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(20);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static TOOLS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
static SERVICES: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// From now on the first Ctrl-C (or TERM, HUP) ends the tool that runs and lets the guards stop the services; the
/// second kills everything.
pub(crate) fn stop_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            lock(&TOOLS).iter().chain(lock(&SERVICES).iter()).for_each(|group| signal(Signal::SIGKILL, *group));
            std::process::exit(130);
        }
        lock(&TOOLS).iter().for_each(|group| signal(Signal::SIGTERM, *group));
    })
    .context("cannot listen for Ctrl-C")
}

/// Does something each second until the person presses Ctrl-C.
///
/// # Errors
/// Those of `work`.
pub(crate) fn each_second(mut work: impl FnMut() -> Result<()>) -> Result<()> {
    while !interrupted() {
        work()?;
        thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// Whether the person pressed Ctrl-C.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Runs a tool to its end; its output goes where the command says.
///
/// # Errors
/// If it cannot be started, fails, or the person pressed Ctrl-C.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    command.stdin(Stdio::null());
    let (name, mut child) = start_tool(command)?;
    let status = child.wait();
    lock(&TOOLS).remove(&child.id());
    judge(&name, status?)
}

/// Runs a tool to its end with `input` on its stdin, and returns what it wrote, whether it succeeded or not.
///
/// # Errors
/// If it cannot be started, or the person pressed Ctrl-C.
pub(crate) fn output(command: &mut Command, input: &str) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let (name, mut child) = start_tool(command)?;
    let id = child.id();
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that does not read its input has its own reasons; what it answers is what counts.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output();
    lock(&TOOLS).remove(&id);
    ensure!(!interrupted(), "interrupted");
    output.with_context(|| format!("cannot read what {name} wrote"))
}

fn start_tool(command: &mut Command) -> Result<(String, Child)> {
    let name = name_of(command);
    let child = command.process_group(0).spawn().with_context(|| format!("cannot start {name}"))?;
    lock(&TOOLS).insert(child.id());
    if interrupted() {
        signal(Signal::SIGTERM, child.id());
    }
    Ok((name, child))
}

fn judge(name: &str, status: ExitStatus) -> Result<()> {
    ensure!(!interrupted(), "interrupted");
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    if name == "cargo"
        && let Some(first) = command.get_args().next()
    {
        name.push(' ');
        name.push_str(&first.to_string_lossy());
    }
    name
}

/// A program that runs beside us until this is dropped.
pub(crate) struct Service {
    name: String,
    child: Child,
    stop_signal: Signal,
}

impl Service {
    /// Starts it; it is asked to end by the signal TERM.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Self::start_stopped_by(Signal::SIGTERM, command)
    }

    /// Starts it; it is asked to end by `stop_signal`.
    pub(crate) fn start_stopped_by(stop_signal: Signal, command: &mut Command) -> Result<Self> {
        ensure!(!interrupted(), "interrupted");
        let name = name_of(command);
        command.stdin(Stdio::null()).process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        lock(&SERVICES).insert(child.id());
        Ok(Self { name, child, stop_signal })
    }

    /// Waits for the first line on its stdout (which must be piped) that starts with `prefix`; returns the rest of it.
    pub(crate) fn wait_for_line(&mut self, prefix: &'static str, limit: Duration) -> Result<String> {
        let stdout = self.child.stdout.take().context("stdout is not piped")?;
        let (sender, lines) = mpsc::channel();
        // The thread reads on after the line was found, so that the service never blocks on a full pipe.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(rest) = line.strip_prefix(prefix) {
                    drop(sender.send(rest.to_owned()));
                }
            }
        });
        self.wait_until(&format!("say {prefix:?}"), limit, || Ok(lines.try_recv().ok()))
    }

    /// Waits until `condition` gives a value; `what` completes the sentence "it did not ...".
    ///
    /// # Errors
    /// If the service ends before that, the time runs out, or the condition itself fails.
    pub(crate) fn wait_until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            let ended = self.child.try_wait()?;
            if let Some(value) = condition()? {
                return Ok(value);
            }
            if let Some(status) = ended {
                bail!("{} ended ({status}) and did not {what}", self.name);
            }
            ensure!(!interrupted(), "interrupted");
            ensure!(Instant::now() < deadline, "{} did not {what} in {} s", self.name, limit.as_secs());
            thread::sleep(POLL);
        }
    }

    /// Makes sure that it is still running.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn require(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended by itself ({status})", self.name),
            None => Ok(()),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let id = self.child.id();
        let deadline = Instant::now() + PATIENCE;
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            signal(self.stop_signal, id);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(POLL);
            }
            if matches!(self.child.try_wait(), Ok(None)) {
                eprintln!("{} did not end when asked to and is killed", self.name);
                signal(Signal::SIGKILL, id);
                drop(self.child.wait());
            }
        }
        lock(&SERVICES).remove(&id);
    }
}

/// Sends a signal to a process group. A group that has already ended is no error.
fn signal(signal: Signal, group: u32) {
    match i32::try_from(group).map(|group| killpg(Pid::from_raw(group), signal)) {
        Ok(Ok(()) | Err(Errno::ESRCH)) => {}
        Ok(Err(error)) => eprintln!("cannot signal process group {group}: {error}"),
        Err(_) => eprintln!("{group} is no process group"),
    }
}

fn lock(groups: &Mutex<BTreeSet<u32>>) -> MutexGuard<'_, BTreeSet<u32>> {
    groups.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_tool_that_fails_is_named() {
        let error = run(&mut Command::new("false")).unwrap_err();
        assert!(error.to_string().starts_with("false failed"), "{error}");
    }

    #[test]
    fn a_tool_reads_its_input_and_its_output_is_kept() {
        let answer = output(&mut Command::new("cat"), "one\ntwo").unwrap();
        assert_eq!(answer.stdout, b"one\ntwo");
    }

    #[test]
    fn a_service_is_waited_for_and_gone_after_drop_with_what_it_started() {
        let script = "sleep 600 & echo ready $!; wait";
        let mut service =
            Service::start(Command::new("sh").args(["-c", script]).stdout(Stdio::piped())).expect("sh starts");
        let grandchild = service.wait_for_line("ready ", Duration::from_secs(30)).expect("it says so");
        drop(service);
        let deadline = Instant::now() + Duration::from_secs(30);
        let grandchild = Pid::from_raw(grandchild.parse().expect("a process id"));
        while nix::sys::signal::kill(grandchild, None).is_ok() {
            assert!(Instant::now() < deadline, "process {grandchild} outlived its service");
            thread::sleep(POLL);
        }
    }

    #[test]
    fn a_service_that_ends_early_is_an_error_at_once() {
        let mut service = Service::start(Command::new("true").stdout(Stdio::piped())).unwrap();
        let error = service.wait_for_line("ready", Duration::from_secs(600)).unwrap_err();
        assert!(error.to_string().contains("true ended"), "{error}");
    }
}
