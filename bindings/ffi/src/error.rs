//! The core's errors as one enum with a variant for each operation, each with the core's stable code.

use blindtally::{BlobError, Error, OwnerError, UnlockError};

/// Why something was refused. `code` is stable, and the same in every language (SPEC.md lists them all); `detail` is a
/// sentence for people. Neither ever holds a value, a token or a key.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Error)]
pub enum BlindtallyError {
    /// Bytes or text are not what they should be (`malformed.`).
    Malformed {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// The operating system gives no randomness (`entropy.`).
    Entropy {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// A value was not tokenized.
    Tokenize {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// A token was not revealed.
    Reveal {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// A record was not sealed or opened.
    Record {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// A blob was not sealed or opened.
    Blob {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// An archive, or a file in it, was not written or read.
    Archive {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// A password, login name, account secret or recovery key is unusable.
    Credential {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// A vault or backup did not open.
    Unlock {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// An operation of the owner's was refused.
    Owner {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// An enrollment request was refused, or could not be made.
    Enrollment {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// An agent did not accept a delivery or a policy; nothing of its state has changed.
    Accept {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// The state of an agent could not be restored.
    State {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// The call itself was wrong (`binding.`). Any call can give `binding.value` (a number out of range), `binding.closed` (an
    /// object that was wiped or used up) and, if it uses a stream, `binding.busy` (another call is using it).
    Misuse {
        /// The stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
}

impl std::fmt::Display for BlindtallyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (code, detail) = self.parts();
        write!(f, "{code}: {detail}")
    }
}

impl std::error::Error for BlindtallyError {}

impl BlindtallyError {
    fn parts(&self) -> (&str, &str) {
        match self {
            Self::Malformed { code, detail }
            | Self::Entropy { code, detail }
            | Self::Tokenize { code, detail }
            | Self::Reveal { code, detail }
            | Self::Record { code, detail }
            | Self::Blob { code, detail }
            | Self::Archive { code, detail }
            | Self::Credential { code, detail }
            | Self::Unlock { code, detail }
            | Self::Owner { code, detail }
            | Self::Enrollment { code, detail }
            | Self::Accept { code, detail }
            | Self::State { code, detail }
            | Self::Misuse { code, detail } => (code, detail),
        }
    }

    /// What a reader or writer of the core reports: an error of the core's, or one of a stream of the caller's.
    pub(crate) fn of_io(error: std::io::Error) -> Self {
        match Error::from_io(&error) {
            Some(error) => error.into(),
            // A stream that became shorter while it was read.
            None if error.kind() == std::io::ErrorKind::UnexpectedEof => BlobError::Truncated.into(),
            None => Self::Misuse { code: Misuse::Stream.code().to_owned(), detail: error.to_string() },
        }
    }
}

impl<E: Into<Error>> From<E> for BlindtallyError {
    fn from(error: E) -> Self {
        let error = error.into();
        let (code, detail) = (error.code().to_owned(), error.to_string());
        match error {
            // Whichever operation met them.
            Error::Unlock(UnlockError::Credential(_)) | Error::Owner(OwnerError::Credential(_)) => {
                Self::Credential { code, detail }
            }
            Error::Owner(OwnerError::Unlock(_)) => Self::Unlock { code, detail },
            Error::Entropy(_) => Self::Entropy { code, detail },
            Error::Tokenize(_) => Self::Tokenize { code, detail },
            Error::Reveal(_) => Self::Reveal { code, detail },
            Error::Record(_) => Self::Record { code, detail },
            Error::Blob(_) => Self::Blob { code, detail },
            Error::Archive(_) => Self::Archive { code, detail },
            Error::Credential(_) => Self::Credential { code, detail },
            Error::Unlock(_) => Self::Unlock { code, detail },
            Error::Owner(_) => Self::Owner { code, detail },
            Error::Inspect(_) | Error::Enroll(_) => Self::Enrollment { code, detail },
            Error::Accept(_) => Self::Accept { code, detail },
            Error::Restore(_) => Self::State { code, detail },
            _ => Self::Malformed { code, detail },
        }
    }
}

/// What only these bindings refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    Value,
    Utf8,
    Closed,
    Busy,
    Stream,
}

impl Misuse {
    const ALL: [Self; 5] = [Self::Value, Self::Utf8, Self::Closed, Self::Busy, Self::Stream];

    fn code(self) -> &'static str {
        match self {
            Self::Value => "binding.value",
            Self::Utf8 => "binding.utf8",
            Self::Closed => "binding.closed",
            Self::Busy => "binding.busy",
            Self::Stream => "binding.stream",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Value => "an argument is out of range",
            Self::Utf8 => "a text is not UTF-8",
            Self::Closed => "it was wiped, or used up by an earlier call",
            Self::Busy => "another call is using it, perhaps one that led to this call",
            Self::Stream => "a stream failed, or did not do what streams do",
        }
    }
}

impl From<Misuse> for BlindtallyError {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse { code: misuse.code().to_owned(), detail: misuse.detail().to_owned() }
    }
}

/// A code, and the sentence that goes with it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ErrorCode {
    /// The stable code.
    pub code: String,
    /// One sentence.
    pub detail: String,
}

/// Every code that an error can have, in order.
#[uniffi::export]
pub fn error_codes() -> Vec<ErrorCode> {
    let core = Error::all_codes().into_iter();
    let all = core.chain(Misuse::ALL.map(|misuse| (misuse.code(), misuse.detail())));
    let mut codes: Vec<_> =
        all.map(|(code, detail)| ErrorCode { code: code.to_owned(), detail: detail.to_owned() }).collect();
    codes.sort_by(|a, b| a.code.cmp(&b.code));
    codes
}
