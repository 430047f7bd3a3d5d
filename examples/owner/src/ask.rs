//! What only the person knows: passwords, from a prompt without echo or a file descriptor, and answers to questions.
//!
//! Nothing secret is ever taken from the command line or the environment, which other programs can read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};

use blindtally::{AccountSecret, Password};
use blindtally_client::Failure;
use zeroize::Zeroizing;

/// Longest line that is read as a secret, in bytes: a password has at most 1,024 after normalisation.
const SECRET_MAX: usize = 4096;

/// Where secrets come from.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The password, or what opens a backup.
    pub(crate) password_fd: Option<u32>,
    /// A password or passphrase that is being set.
    pub(crate) new_password_fd: Option<u32>,
    /// The account secret.
    pub(crate) account_secret_fd: Option<u32>,
    /// Descriptors that were read from: several secrets may come line by line from one.
    opened: BTreeMap<u32, File>,
}

impl Secrets {
    pub(crate) fn new(password_fd: Option<u32>, new_password_fd: Option<u32>, account_secret_fd: Option<u32>) -> Self {
        Self { password_fd, new_password_fd, account_secret_fd, opened: BTreeMap::new() }
    }

    /// A password or anything else that exists already.
    pub(crate) fn existing(&mut self, prompt: &str) -> Result<Zeroizing<String>, Failure> {
        match self.password_fd {
            Some(fd) => self.line(fd),
            None => ask_hidden(prompt),
        }
    }

    /// The password of the account.
    pub(crate) fn password(&mut self) -> Result<Password, Failure> {
        Ok(Password::new(&self.existing("Password: ")?)?)
    }

    /// The password of an account that is being created: typed twice, or from `--password-fd`.
    pub(crate) fn first_password(&mut self) -> Result<Password, Failure> {
        match self.password_fd {
            Some(fd) => Ok(Password::new(&self.line(fd)?)?),
            None => ask_twice("Password"),
        }
    }

    /// A password or passphrase that is being set: typed twice, or from `--new-password-fd`.
    pub(crate) fn new_password(&mut self, what: &str) -> Result<Password, Failure> {
        match self.new_password_fd {
            Some(fd) => Ok(Password::new(&self.line(fd)?)?),
            None => ask_twice(what),
        }
    }

    /// The account secret.
    pub(crate) fn account_secret(&mut self) -> Result<AccountSecret, Failure> {
        let typed = match self.account_secret_fd {
            Some(fd) => self.line(fd)?,
            None => ask_hidden("Account secret: ")?,
        };
        Ok(AccountSecret::parse(&typed)?)
    }

    /// The next line of a descriptor, read byte by byte: what follows belongs to somebody else.
    fn line(&mut self, fd: u32) -> Result<Zeroizing<String>, Failure> {
        let file = match self.opened.entry(fd) {
            std::collections::btree_map::Entry::Occupied(opened) => opened.into_mut(),
            std::collections::btree_map::Entry::Vacant(slot) => slot.insert(open(fd)?),
        };
        // Full capacity at once: growing would leave unwiped copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(SECRET_MAX));
        let mut byte = [0];
        loop {
            match file.read(&mut byte) {
                Ok(0) if line.is_empty() => return Err(unreadable(fd, "it ends where a line was expected")),
                Ok(0) => break,
                Ok(_) if byte == *b"\n" => break,
                Ok(_) if line.len() == SECRET_MAX => return Err(unreadable(fd, "its line is too long")),
                Ok(_) => line.extend_from_slice(&byte),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(fd, error)),
            }
        }
        let text = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(&line));
        Ok(Zeroizing::new(text.map_err(|_| unreadable(fd, "its line is not UTF-8"))?.to_owned()))
    }
}

/// Standard input without the buffer that would swallow more than a line of it.
pub(crate) fn stdin_unbuffered() -> io::Result<File> {
    #[cfg(unix)]
    return std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned().map(File::from);
    #[cfg(windows)]
    return std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned().map(File::from);
}

fn open(fd: u32) -> Result<File, Failure> {
    let opened = if fd == 0 { stdin_unbuffered() } else { File::open(format!("/dev/fd/{fd}")) };
    opened.map_err(|error| unreadable(fd, error))
}

fn unreadable(fd: u32, why: impl std::fmt::Display) -> Failure {
    Failure::refused("password.unreadable", format_args!("file descriptor {fd} cannot be read: {why}"))
}

fn ask_hidden(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        let hint = "without a terminal, use --password-fd, --new-password-fd or --account-secret-fd";
        Failure::refused("password.unreadable", format_args!("there is no way to ask ({error}); {hint}"))
    })
}

fn ask_twice(what: &str) -> Result<Password, Failure> {
    let first = ask_hidden(&format!("{what}: "))?;
    let second = ask_hidden(&format!("{what} again: "))?;
    if *first != *second {
        return Err(Failure::refused("password.differs", "the two are not the same"));
    }
    Ok(Password::new(&first)?)
}

/// Asks a question that is answered by yes or no; `None` where nobody sits at a terminal.
pub(crate) fn yes_or_no(question: &str) -> Option<Answer> {
    if !io::stdin().is_terminal() {
        return None;
    }
    loop {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question} [y/n] ");
        let _ = err.flush();
        let mut line = String::new();
        if io::stdin().read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Some(Answer::Yes),
            "n" | "no" => return Some(Answer::No),
            _ => {}
        }
    }
}

/// What a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}
