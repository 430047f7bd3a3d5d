//! One small error enum per operation, and the stable codes that every binding reports.
//!
//! No error carries data: a message can never contain plaintext, a key or a token.

/// Declares an error enum whose variants each have one stable code and one sentence.
/// Variants after `from` wrap the error of a part and pass its code and sentence on.
macro_rules! error_enum {
    (
        $(#[$meta:meta])*
        $name:ident { $($variant:ident = $code:literal, $text:literal;)* } $(from { $($wrap:ident($inner:ty);)* })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!($text, " (`", $code, "`)")] $variant,)*
            $($(#[doc = concat!("See [`", stringify!($inner), "`].")] $wrap($inner),)*)?
        }

        impl $name {
            /// Every code of this enum's own variants with its sentence, for documentation and for tests.
            pub const CODES: &'static [(&'static str, &'static str)] = &[$(($code, $text)),*];

            /// The stable code of this error, the same in every binding.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    $($(Self::$wrap(inner) => inner.code(),)*)?
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($text),)*
                    $($(Self::$wrap(inner) => inner.fmt(f),)*)?
                }
            }
        }

        impl core::error::Error for $name {}

        $($(impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self::$wrap(inner)
            }
        })*)?
    };
}

error_enum! {
    /// Why bytes or text are not an artefact of this library.
    ParseError {
        Truncated = "malformed.truncated", "it ends too early";
        Trailing = "malformed.trailing", "there is more after its end";
        TooLong = "malformed.too-long", "it, or a part of it, is longer than the format allows";
        Magic = "malformed.magic", "it is not a Blindtally artefact";
        Kind = "malformed.kind", "it is another kind of artefact than the one expected";
        Suite = "malformed.suite", "its suite is not supported here";
        Encoding = "malformed.encoding", "its text is not in the canonical encoding";
        Checksum = "malformed.checksum", "its checksum is wrong: it was mistyped or damaged";
        Value = "malformed.value", "a field holds a value that the format forbids";
        Order = "malformed.order", "a list is not in strictly ascending order";
        PublicKey = "malformed.public-key", "a public key is not strict RSA SPKI of 2048, 3072 or 4096 bits with exponent 65537";
        PrivateKey = "malformed.private-key", "a private key is not PKCS#8 RSA of 2048, 3072 or 4096 bits with exponent 65537";
    }
}

error_enum! {
    /// The operating system gave no randomness.
    EntropyError {
        Unavailable = "entropy.unavailable", "the operating system gives no randomness";
    }
}

error_enum! {
    /// Why a value was not tokenized.
    TokenizeError {
        TooLong = "tokenize.too-long", "the value is longer than 4096 bytes of UTF-8";
        NoKey = "tokenize.no-key", "there is no key for this class";
        NeedsUpgrade = "agent.needs-upgrade", "the policy asks for something this version does not know: nothing is sealed until it is upgraded";
        Revoked = "agent.revoked", "this device was revoked: its keys are erased";
    }
}

error_enum! {
    /// Why a token was not revealed.
    RevealError {
        NoKey = "reveal.no-key", "there is no key for this token's class and epoch";
        Tampered = "reveal.tampered", "the token is damaged, or belongs to another account";
        Plaintext = "reveal.plaintext", "the token is authentic but its content is not minimally padded UTF-8";
    } from { Malformed(ParseError); }
}

error_enum! {
    /// Why a record was not sealed or opened.
    RecordError {
        TooLong = "record.too-long", "the value is longer than a record may be";
        NoKey = "record.no-key", "there is no key for this record";
        Tampered = "record.tampered", "the record is damaged, or belongs elsewhere";
        Plaintext = "record.plaintext", "the record is authentic but its content is not minimally padded UTF-8";
        NeedsUpgrade = "agent.needs-upgrade", "the policy asks for something this version does not know: nothing is sealed until it is upgraded";
        Revoked = "agent.revoked", "this device was revoked: its keys are erased";
    } from { Malformed(ParseError); Entropy(EntropyError); }
}

error_enum! {
    /// Why a blob was not sealed or opened. What reads or writes hands it on inside an [`std::io::Error`]: see
    /// [`Error::from_io`].
    BlobError {
        NoKey = "blob.no-key", "there is no key for this blob, or its beginning was changed";
        Tampered = "blob.tampered", "a part of the blob is damaged, replaced, or not in its place";
        Truncated = "blob.truncated", "the blob ends too early";
        Plaintext = "blob.plaintext", "the blob is authentic but its content is not minimally padded";
        TooLong = "blob.too-long", "the content is longer than a blob may be";
        NeedsUpgrade = "agent.needs-upgrade", "the policy asks for something this version does not know: nothing is sealed until it is upgraded";
        Revoked = "agent.revoked", "this device was revoked: its keys are erased";
    } from { Malformed(ParseError); Entropy(EntropyError); }
}

error_enum! {
    /// Why an archive, or a file in it, was not written or read.
    ArchiveError {
        OtherAccount = "archive.other-account", "the archive is of another account";
        Signature = "archive.signature", "the account did not sign this archive's manifest";
        Layout = "archive.layout", "the archive is not laid out as its manifest says";
        Path = "archive.path", "a path in the archive is not one that every system takes, or comes twice";
        TooMany = "archive.too-many", "the archive has more files than the format allows";
        TooLong = "archive.too-long", "a file is longer than the format allows, or was not as long as announced";
        Damaged = "archive.damaged", "the file is damaged";
        NoFile = "archive.no-file", "the archive has no file of that number";
        Rsa = "rsa.failed", "an RSA operation failed";
    } from { Malformed(ParseError); Blob(BlobError); }
}

error_enum! {
    /// Why a password, login name, account secret or recovery key was refused before use.
    CredentialError {
        Login = "login.invalid", "a login name has 1 to 320 bytes after normalisation, no control characters and no white space at its ends";
        Password = "password.invalid", "a password has 1 to 1024 bytes after normalisation";
        KdfFloor = "kdf.below-floor", "the key derivation parameters are weaker than this library accepts";
        KdfCeiling = "kdf.above-ceiling", "the key derivation parameters cost more than this library accepts";
        Memory = "kdf.memory", "there is not enough memory for the key derivation";
        RecoveryKey = "recovery-key.invalid", "the recovery key or account secret is mistyped";
    } from { Malformed(ParseError); }
}

error_enum! {
    /// Why a vault or backup did not open.
    UnlockError {
        Wrong = "unlock.wrong", "wrong password, account secret or recovery key, or a damaged vault";
        Header = "unlock.header", "the vault's parameters are not those the login was made with";
        OtherAccount = "unlock.other-account", "this vault or backup is for another account";
        RolledBack = "unlock.rolled-back", "the service returned an older vault than this client has seen";
        KeptLogin = "unlock.kept-login", "the kept login is damaged, or was made for another login name, account or password";
        NeedsPassphrase = "unlock.needs-passphrase", "this backup opens with its passphrase, not with a recovery key";
        NeedsRecoveryKey = "unlock.needs-recovery-key", "this backup opens with its recovery key, not with a passphrase";
    } from { Malformed(ParseError); Credential(CredentialError); Entropy(EntropyError); }
}

error_enum! {
    /// Why an owner's operation was refused.
    OwnerError {
        UnknownDevice = "owner.unknown-device", "no such device in this account";
        DeviceRevoked = "owner.device-revoked", "the device is revoked";
        Epochs = "owner.epochs-exhausted", "the account has used all its epochs";
        Full = "owner.full", "the account has reached a limit of the keyring format";
        Lifetime = "ticket.lifetime", "a ticket lives at most 30 days, one of several uses at most 24 hours and 50 uses";
        Stale = "owner.stale-draft", "the account changed since this draft was made";
        Signature = "owner.signature", "a signature made by the caller does not verify";
        TicketCancelled = "ticket.cancelled", "the ticket was cancelled";
        TicketSpent = "ticket.spent", "the ticket is spent";
        Rsa = "rsa.failed", "an RSA operation failed";
    } from {
        Entropy(EntropyError); Credential(CredentialError); Unlock(UnlockError); Malformed(ParseError);
        Tokenize(TokenizeError);
    }
}

error_enum! {
    /// Why an enrollment request was refused by the owner's side.
    InspectError {
        OtherAccount = "enrollment.other-account", "the request is for another account";
        Signature = "enrollment.signature", "the device did not sign this request";
        Mac = "enrollment.mac", "the request was not made with a ticket of this account";
        Expired = "ticket.expired", "the ticket has expired";
        Spent = "ticket.spent", "the ticket is spent: another device used it before";
        Cancelled = "ticket.cancelled", "the ticket was cancelled";
        Revoked = "enrollment.revoked", "the device was revoked before";
        NeedsComparison = "enrollment.needs-comparison", "made without a ticket: a person must compare codes";
        Code = "enrollment.code", "the code does not belong to this device: do not confirm it";
        Name = "enrollment.name", "a device name has 1 to 128 bytes of UTF-8";
    } from { Malformed(ParseError); }
}

error_enum! {
    /// Why a device could not make an enrollment request.
    EnrollError {
        Name = "enrollment.name", "a device name has 1 to 128 bytes of UTF-8";
        Signature = "enrollment.signature", "the device did not sign this request";
        Rsa = "rsa.failed", "an RSA operation failed";
    } from { Entropy(EntropyError); Malformed(ParseError); }
}

error_enum! {
    /// Why an agent did not accept a delivery or a policy. Nothing of its state has changed.
    AcceptError {
        Refused = "accept.refused", "it is not a genuine message from the account owner to this device";
        Stale = "accept.stale", "it is older than what this device has accepted";
        Revoked = "agent.revoked", "this device was revoked: its keys are erased";
    } from { Malformed(ParseError); }
}

error_enum! {
    /// Why the state of an agent could not be restored.
    RestoreError {
        Wrong = "state.wrong-key", "the state is damaged or wrapped under another key";
        Wrapped = "state.wrapped", "the state is wrapped: it opens only with the key it was wrapped under";
        NotWrapped = "state.not-wrapped", "the state is not wrapped";
        Phase = "state.phase", "the state is of an agent in another phase";
    } from { Malformed(ParseError); Entropy(EntropyError); }
}

#[cfg(feature = "legacy")]
error_enum! {
    /// Why something of an older deployment was not read. Apart from [`Error`]: what is imported is no part of the protocol.
    LegacyError {
        Wrong = "legacy.wrong", "wrong key, password or parameters, or it is damaged";
    } from { Malformed(ParseError); Credential(CredentialError); }
}

error_enum! {
    /// Any error of this library, for callers who do not need to tell operations apart.
    Error {
    } from {
        Parse(ParseError); Entropy(EntropyError); Tokenize(TokenizeError); Reveal(RevealError); Record(RecordError);
        Blob(BlobError); Archive(ArchiveError); Credential(CredentialError); Unlock(UnlockError); Owner(OwnerError); Inspect(InspectError);
        Enroll(EnrollError); Accept(AcceptError); Restore(RestoreError);
    }
}

impl Error {
    /// The error of this library that a reader or writer handed on; `None` if it is one of the platform.
    pub fn from_io(error: &std::io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// The codes of every operation with their sentences, for tables that are built when a program is compiled. Several
    /// operations have some codes in common: [`Error::all_codes`] has each once.
    pub const CODES_BY_OPERATION: &'static [&'static [(&'static str, &'static str)]] = &[
        ParseError::CODES,
        EntropyError::CODES,
        TokenizeError::CODES,
        RevealError::CODES,
        RecordError::CODES,
        BlobError::CODES,
        ArchiveError::CODES,
        CredentialError::CODES,
        UnlockError::CODES,
        OwnerError::CODES,
        InspectError::CODES,
        EnrollError::CODES,
        AcceptError::CODES,
        RestoreError::CODES,
    ];

    /// Every code this library reports, sorted, each once, with its sentence. Feature `legacy` has one more of its own.
    pub fn all_codes() -> Vec<(&'static str, &'static str)> {
        let mut codes = Self::CODES_BY_OPERATION.concat();
        codes.sort_unstable();
        codes.dedup_by_key(|(code, _)| *code);
        codes
    }
}

impl From<BlobError> for std::io::Error {
    fn from(error: BlobError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, Error::Blob(error))
    }
}

impl From<ArchiveError> for std::io::Error {
    fn from(error: ArchiveError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, Error::Archive(error))
    }
}
