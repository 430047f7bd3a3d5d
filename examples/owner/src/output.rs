//! What a command prints: lines for people, or one JSON object for machines; notes and alarms always on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use blindtally_client::{Failure, Format};

#[derive(Clone, Copy)]
pub(crate) struct Output(pub(crate) Format);

impl Output {
    /// For people only.
    pub(crate) fn line(self, text: impl Display) -> Result<(), Failure> {
        match self.0 {
            Format::Text => print(text),
            Format::Json => Ok(()),
        }
    }

    /// An entry of a list that is all there is to do, for people only. A reader that has seen enough ends the program.
    pub(crate) fn entry(self, text: impl Display) -> Result<(), Failure> {
        match self.0 {
            Format::Text => write(text).map_err(|error| failed(&error)),
            Format::Json => Ok(()),
        }
    }

    /// For machines only: once a command.
    pub(crate) fn object(self, value: &serde_json::Value) -> Result<(), Failure> {
        match self.0 {
            Format::Text => Ok(()),
            Format::Json => print(value),
        }
    }

    /// Whether anything but the object is for nobody.
    pub(crate) fn is_for_machines(self) -> bool {
        self.0 == Format::Json
    }

    /// On the side, for whoever watches.
    pub(crate) fn note(self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn print(text: impl Display) -> Result<(), Failure> {
    match write(text) {
        // Nobody reads any more, but the work goes on, and how it ends still counts.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| failed(&error)),
    }
}

fn write(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Of a command that does nothing but print: a reader that has seen enough is no failure, and it ends at once.
pub(crate) fn failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::refused("output.failed", format_args!("the output cannot be written: {error}"))
}
