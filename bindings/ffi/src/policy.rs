//! The account's signed policy: what agents seal, in which epoch, and who was revoked.

use std::time::SystemTime;

use blindtally::{SignedPolicy, Timestamp};

use crate::class::SealedClass;
use crate::given::{signed, system_time};

/// How values of a class are brought into one form before they are tokenized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum CanonicalForm {
    /// As they are.
    Exact,
    /// ASCII letters in lower case.
    AsciiLowercase,
    /// The host of a URL, in lower case.
    Host,
}

impl From<CanonicalForm> for blindtally::CanonicalForm {
    fn from(form: CanonicalForm) -> Self {
        match form {
            CanonicalForm::Exact => Self::Exact,
            CanonicalForm::AsciiLowercase => Self::AsciiLowercase,
            CanonicalForm::Host => Self::Host,
        }
    }
}

impl From<blindtally::CanonicalForm> for CanonicalForm {
    fn from(form: blindtally::CanonicalForm) -> Self {
        match form {
            blindtally::CanonicalForm::Exact => Self::Exact,
            blindtally::CanonicalForm::AsciiLowercase => Self::AsciiLowercase,
            blindtally::CanonicalForm::Host => Self::Host,
        }
    }
}

/// A class that agents seal, and the form its values are brought into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PolicyClass {
    /// The class.
    pub sealed_class: SealedClass,
    /// The form.
    pub form: CanonicalForm,
}

/// What agents may seal and how, signed by the account.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Policy {
    /// Counts up with every change; agents refuse lower ones.
    pub version: i64,
    /// When it was signed, by the owner's clock.
    pub issued_at: SystemTime,
    /// The number of the epoch that agents seal in.
    pub epoch: i32,
    /// Names the epoch's key: 32 hexadecimal digits.
    pub key_id: String,
    /// The ids of revoked devices, in order.
    pub revoked: Vec<String>,
    /// The classes that agents seal, in order of id.
    pub classes: Vec<PolicyClass>,
    /// The bytes that are signed, with the signature: what the service hands to agents.
    pub signed: Vec<u8>,
}

impl From<&SignedPolicy> for Policy {
    fn from(signed_policy: &SignedPolicy) -> Self {
        let policy = signed_policy.policy();
        let class = |(class, form): &(blindtally::AnyClass, blindtally::CanonicalForm)| PolicyClass {
            sealed_class: (*class).into(),
            form: (*form).into(),
        };
        Self {
            version: signed(policy.version()),
            issued_at: system_time(Timestamp::from_unix_secs(policy.issued_at())),
            epoch: policy.epoch().get().into(),
            key_id: policy.key_id().to_string(),
            revoked: policy.revoked().iter().map(ToString::to_string).collect(),
            classes: policy.classes().iter().map(class).collect(),
            signed: signed_policy.as_bytes().to_vec(),
        }
    }
}
