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
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| failed(&error))
}

/// A reader that has seen enough is no failure: then this program ends at once.
pub(crate) fn failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::refused("output.failed", format_args!("the output cannot be written: {error}"))
}
