//! Compiles, links and runs programs in C, and plays the owner they talk to.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use blindtally::*;
use data_encoding::HEXLOWER;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_secs(1_790_000_000);

/// What a program that takes the static library has to link besides: `rustc --print native-static-libs`.
const NATIVE: &[&str] = &["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

/// Which library a program takes.
#[derive(Clone, Copy)]
pub(crate) enum Linked {
    Shared,
    Static,
}

/// How a program is run.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Runner {
    Plain,
    Valgrind,
}

/// A program that was compiled and linked; its file is gone with it.
pub(crate) struct Program {
    executable: PathBuf,
    uses_sanitizer: bool,
}

impl Program {
    /// One of this folder.
    pub(crate) fn of(source: &str, linked: Linked, flags: &[&str]) -> Self {
        let text = fs::read_to_string(folder().join(source)).unwrap();
        Self::build(source, &text, linked, flags)
    }

    /// One whose text is given.
    pub(crate) fn of_text(name: &str, text: &str, linked: Linked) -> Self {
        Self::build(&format!("{name}.c"), text, linked, &[])
    }

    fn build(source: &str, text: &str, linked: Linked, flags: &[&str]) -> Self {
        let (compiler, standard) = if source.ends_with(".cpp") { ("c++", "-std=c++11") } else { ("cc", "-std=c99") };
        let libraries = libraries();
        let in_folder = format!("-L{}", libraries.display());
        let found_at = format!("-Wl,-rpath,{}", libraries.display());
        let archive = libraries.join("libblindtally_c.a");
        let mut args = vec![standard, "-g", "-pthread"];
        args.extend(flags);
        match linked {
            Linked::Shared => args.extend([in_folder.as_str(), found_at.as_str(), "-lblindtally_c"]),
            Linked::Static => args.push(archive.to_str().unwrap()),
        }
        args.extend(NATIVE);
        let executable = compile(compiler, &args, source, text);
        Self { executable, uses_sanitizer: !flags.is_empty() }
    }

    pub(crate) fn start(&self, runner: Runner, args: &[&str]) -> Running {
        let mut command = match runner {
            Runner::Plain => Command::new(&self.executable),
            Runner::Valgrind => {
                assert!(!self.uses_sanitizer);
                let mut command = Command::new("valgrind");
                command.args(["--quiet", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]);
                command.args(["--error-exitcode=9", "--fair-sched=yes"]).arg(&self.executable);
                command
            }
        };
        // Cargo's own search path leads to what was last built without the tests.
        let child =
            command.args(args).env_remove("LD_LIBRARY_PATH").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("the package `valgrind` is needed: {error}"));
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Running { child, to, from }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.executable);
    }
}

/// A program that runs: lines go in and come out.
pub(crate) struct Running {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.to, "{line}").expect("the program reads what it is sent");
    }

    pub(crate) fn send_hex(&mut self, bytes: &[u8]) {
        self.send(&HEXLOWER.encode(bytes));
    }

    /// The next line; the program's own words are on standard error where it gave up.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        if self.from.read_line(&mut line).unwrap() == 0 {
            panic!("the program ended: {}", self.child.wait().unwrap());
        }
        line.truncate(line.trim_end_matches('\n').len());
        line
    }

    /// What the next line says of `name`.
    pub(crate) fn value(&mut self, name: &str) -> String {
        let line = self.line();
        line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    pub(crate) fn hex(&mut self, name: &str) -> Vec<u8> {
        HEXLOWER.decode(self.value(name).as_bytes()).unwrap()
    }

    /// It ends, and all is well.
    pub(crate) fn done(mut self) {
        drop(self.to);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Compiles a text with every warning an error. The executable lies beside the tests, under a name of its own.
pub(crate) fn compile(compiler: &str, args: &[&str], name: &str, text: &str) -> PathBuf {
    let unique = format!("{name}-{}-{:?}", std::process::id(), std::thread::current().id());
    let executable = std::env::temp_dir().join(unique.replace(['(', ')'], "-"));
    let language = if compiler == "cc" { "c" } else { "c++" };
    let mut child = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", language, "-", "-x", "none", "-o"])
        .arg(&executable)
        .arg(format!("-I{}", crate_dir().join("include").display()))
        .arg(format!("-I{}", folder().display()))
        .args(args)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`{compiler}` of the packages `gcc` and `g++` is needed: {error}"));
    write!(child.stdin.take().unwrap(), "#line 1 \"{name}\"\n{text}").unwrap();
    assert!(child.wait().unwrap().success(), "{name} does not compile");
    executable
}

/// Where Cargo puts the libraries of this crate: beside its tests.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    crate_dir().join("tests")
}

fn identity(name: &str) -> Identity {
    let key = |part| fs::read(crate_dir().join(format!("../../tests/keys/{name}-{part}.pkcs8"))).unwrap();
    Identity::from_pkcs8(&key("encryption"), &key("signing")).unwrap()
}

pub(crate) fn device_identity() -> Identity {
    identity("device1")
}

/// An account on key pairs that were made once, since making them takes seconds, and the cheapest password.
pub(crate) fn owner() -> Owner {
    let kdf = Kdf::Argon2id { m_kib: 19 * 1024, t: 2, p: 1 };
    let options = OwnerOptions { kdf, identity: Some(identity("account")), ..OwnerOptions::default() };
    let password = Password::new("correct horse battery staple").unwrap();
    Owner::create("anna@example.com", &password, options, NOW).unwrap().0
}

pub(crate) fn running() -> (Owner, Agent, PendingAgent) {
    let mut owner = owner();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (pending, request) = Agent::enroll_with(&ticket, "pc", device_identity()).unwrap();
    let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
    let agent = pending.accept(owner.approve(verified, NOW).unwrap().committed().delivery()).unwrap();
    (owner, agent, pending)
}
