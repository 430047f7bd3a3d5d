//! How a command ends: exit code 0, or a failure with a code for machines and a sentence for people.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command ended without doing what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Refused or failed: exit code 1.
    Refused {
        /// The stable code, of the library, the service or this program.
        code: String,
        /// A sentence for people.
        message: String,
    },
    /// Done as far as it could be, and what was done has been told to people: exit code 1.
    Partly {
        /// The stable code of what is missing.
        code: String,
        /// A sentence for people.
        message: String,
        /// What was done, for machines.
        outcome: serde_json::Map<String, serde_json::Value>,
    },
    /// The service cannot be reached: exit code 3.
    Unreachable {
        /// What the connection said.
        message: String,
    },
    /// The owner has not delivered keys yet: exit code 4.
    WaitingForKeys,
    /// The command line leaves open what to do: exit code 2.
    Usage {
        /// A sentence for people.
        message: String,
    },
}

impl Failure {
    /// A refusal of this program's own.
    pub fn refused(code: &str, message: impl fmt::Display) -> Self {
        Self::Refused { code: code.to_owned(), message: message.to_string() }
    }

    /// A command line that cannot be carried out as it stands.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::Usage { message: message.to_string() }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Partly { code, .. } => code,
            Self::Unreachable { .. } => "service.unreachable",
            Self::WaitingForKeys => "agent.waiting-for-keys",
            Self::Usage { .. } => "usage",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Partly { .. } => 1,
            Self::Unreachable { .. } => 3,
            Self::WaitingForKeys => 4,
            Self::Usage { .. } => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { message, .. } | Self::Partly { message, .. } | Self::Usage { message } => {
                f.write_str(message)
            }
            Self::Unreachable { message } => write!(f, "the service cannot be reached: {message}"),
            Self::WaitingForKeys => f.write_str("the account owner has not confirmed this device yet"),
        }
    }
}

impl std::error::Error for Failure {}

/// Every error of the library, by its own code.
impl<E: Into<blindtally::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        Self::refused(error.code(), error)
    }
}

/// Tells a person (stderr) or, with `--json`, a machine (stdout) how the command ended.
pub fn report(result: Result<(), Failure>, format: Format) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    match format {
        // Whether anybody reads it or not, the exit code says it too.
        Format::Text => _ = writeln!(io::stderr(), "error: {failure} ({})", failure.code()),
        Format::Json => {
            let error = serde_json::json!({ "code": failure.code(), "message": failure.to_string() });
            let mut object = match &failure {
                Failure::Partly { outcome, .. } => outcome.clone(),
                _ => serde_json::Map::new(),
            };
            object.insert("error".to_owned(), error);
            let _ = writeln!(io::stdout(), "{}", serde_json::Value::Object(object));
        }
    }
    ExitCode::from(failure.exit_code())
}

/// For whom a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// People.
    Text,
    /// Machines: one JSON object on stdout and nothing else there.
    Json,
}
