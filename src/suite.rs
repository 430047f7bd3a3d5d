//! Closed enums of everything that has an id on the wire (SPEC.md#registries).

/// What an artefact is: the third byte of everything that starts with `"BT"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Manifest of an archive; never seen outside one.
    ArchiveManifest = b'A',
    /// Sealed file or stream.
    Blob = b'B',
    /// Delivery of keys and policy to one device.
    Delivery = b'D',
    /// Enrollment request of one device.
    Enrollment = b'E',
    /// Backup file of a keyring.
    Backup = b'K',
    /// Login that was kept to unlock again without the password.
    KeptLogin = b'L',
    /// Signed policy of an account.
    Policy = b'P',
    /// The keyring inside a vault or backup; never seen outside one.
    Keyring = b'R',
    /// State of an agent.
    AgentState = b'S',
    /// Enrollment ticket.
    Ticket = b'T',
    /// Password vault of a keyring.
    Vault = b'V',
}

/// Which algorithms made an artefact: one id per fixed combination, never negotiated apart.
///
/// The high nibble is the family; within a family a higher id is newer. Policies set floors by family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Suite {
    /// Token: AES-256-GCM-SIV (RFC 8452) under a constant nonce.
    Token = 0x11,
    /// Record: AES-256-GCM-SIV under a random nonce.
    Record = 0x21,
    /// Blob: C2SP chunked encryption with AES-256-GCM and SHA-512.
    Blob = 0x31,
    /// Vault, backup and keyring: KDF by id, HKDF-SHA-256, AES-256-GCM-SIV.
    Wrap = 0x41,
    /// Ticket and enrollment: HKDF-SHA-256, HMAC-SHA-256, AES-256-GCM-SIV, RSASSA-PSS-SHA-256.
    Enrollment = 0x51,
    /// Delivery: RSA-OAEP-SHA-256, HKDF-SHA-256, AES-256-GCM-SIV, RSASSA-PSS-SHA-256.
    Delivery = 0x61,
    /// Policy: RSASSA-PSS-SHA-256.
    Policy = 0x71,
    /// Agent state or kept login in the clear: protected by nothing but the place it lies in.
    State = 0x81,
    /// Agent state under a 256-bit key of the caller's: AES-256-GCM-SIV.
    WrappedState = 0x82,
    /// Archive manifest: SHA-256, RSASSA-PSS-SHA-256.
    Archive = 0x91,
}

impl Suite {
    /// The floors of a new account's policy, ascending: the suites of what agents seal.
    pub(crate) const FLOORS: [Suite; 3] = [Suite::Token, Suite::Record, Suite::Blob];

    /// Every suite that a floor may name: no agent seals with [`Suite::Archive`].
    const ALL: [Suite; 9] = [
        Suite::Token,
        Suite::Record,
        Suite::Blob,
        Suite::Wrap,
        Suite::Enrollment,
        Suite::Delivery,
        Suite::Policy,
        Suite::State,
        Suite::WrappedState,
    ];

    /// Whether this version knows the suite of that id, and so meets a floor of it: it seals with the newest of each family
    /// (SPEC.md#policy-floor).
    pub(crate) fn is_registered(id: u8) -> bool {
        Self::ALL.iter().any(|suite| *suite as u8 == id)
    }
}
