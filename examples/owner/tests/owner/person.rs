//! A person at the command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use blindtally::{AccountSecret, Login, LoginName, Owner, Password};
use blindtally_client::Service;
use serde_json::Value;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) profile: PathBuf,
    pub(crate) url: String,
    pub(crate) login: String,
    pub(crate) password: String,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Person {
    pub(crate) fn new(profile: PathBuf, url: &str, login: &str) -> Self {
        Self { profile, url: url.to_owned(), login: login.to_owned(), password: PASSWORD.to_owned() }
    }

    /// Runs a command with the password on standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// Runs a command with the password and more on standard input.
    pub(crate) fn run_with(&self, args: &[&str], more: &str) -> Done {
        let child = self.start(args, more);
        child.wait_with_output().unwrap().into()
    }

    /// Runs a command that prints JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.run(&[&["--json"], args].concat()).json()
    }

    /// Starts a command.
    pub(crate) fn start(&self, args: &[&str], more: &str) -> Child {
        let mut child = self.command(args).spawn().unwrap();
        let input = format!("{}\n{more}", self.password);
        // A program that fails before it reads closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blindtally-owner"));
        command.arg("--profile").arg(&self.profile).args(["--password-fd", "0", "--new-password-fd", "0"]).args(args);
        command.env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same person at another computer.
    pub(crate) fn elsewhere(&self, profile: PathBuf, url: &str) -> Self {
        let other = Self { profile, url: url.to_owned(), ..self.clone() };
        other.run(&["login", "--server", url, "--login", &self.login]).ok();
        other
    }

    /// A ticket, and its text.
    pub(crate) fn ticket(&self) -> String {
        self.json(&["ticket"])["ticket"].as_str().unwrap().to_owned()
    }

    /// What a page in a browser would hold: a session and the unlocked account.
    pub(crate) fn open(&self, secret: Option<&AccountSecret>) -> (Service, Owner) {
        let service = Service::new(&self.url);
        let body = serde_json::json!({ "login": self.login });
        let prelogin: Value = service.post("/api/v1/prelogin", &body).unwrap().json().unwrap();
        let salt = blindtally_client::from_b64(prelogin["salt"].as_str().unwrap()).unwrap().try_into().unwrap();
        let kdf = blindtally::Kdf::Argon2id { m_kib: 19_456, t: 2, p: 1 };
        let account = prelogin["account_id"].as_str().unwrap().parse().unwrap();
        let prelogin = blindtally::Prelogin { kdf, salt, account };
        let login = Login::start(LoginName::new(&self.login).unwrap(), prelogin).unwrap();
        let stretched = login.stretch().run(&Password::new(&self.password).unwrap()).unwrap();
        let unlocking = login.finish(stretched, secret);
        let proof = blindtally_client::b64(unlocking.proof().expose());
        let body = serde_json::json!({ "login": self.login, "login_proof": proof });
        let answer: Value = service.post("/api/v1/login", &body).unwrap().json().unwrap();
        let vault = blindtally_client::from_b64(answer["vault"].as_str().unwrap()).unwrap();
        (service.with_bearer(answer["session"].as_str().unwrap()), Owner::unlock(unlocking, &vault, 0).unwrap())
    }

    /// The rows of `report --by BY`, as value, seconds and events.
    pub(crate) fn report(&self, by: &str) -> Vec<(String, f64, u64)> {
        let report = self.json(&["report", "--by", by]);
        let row = |row: &Value| {
            let value = row["value"].as_str().unwrap_or("(none)").to_owned();
            (value, row["seconds"].as_f64().unwrap(), row["events"].as_u64().unwrap())
        };
        report["report"].as_array().unwrap().iter().map(row).collect()
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Asserts how it failed, for people and with nothing on standard output.
    #[track_caller]
    pub(crate) fn failed(&self, exit: i32, code: &str) {
        assert_eq!(self.code, Some(exit), "{self:?}");
        assert!(self.stderr.contains("error: ") && self.stderr.contains(&format!("({code})")), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
    }
}
