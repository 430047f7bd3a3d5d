//! What a sealed value is about. Each class has its own keys, and a policy allows devices some of them.

use crate::error::ParseError;

/// A class of values, bound into every key derived for it.
pub trait Class: Copy + Eq + core::fmt::Debug + sealed::Sealed {
    /// The class's id on the wire.
    fn id(self) -> u8;
}

/// A class whose keys are derived for each device apart: records and blobs.
pub trait DeviceScoped: Class {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! class {
    (
        $(#[$meta:meta])*
        $name:ident, custom $low:literal..=$high:literal {
            $($(#[$constmeta:meta])* $constant:ident = $id:literal, $text:literal;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u8);

        impl $name {
            $($(#[$constmeta])* pub const $constant: Self = Self($id);)*

            /// The classes with a name, in order of id.
            pub const NAMED: &'static [Self] = &[$(Self::$constant),*];

            #[doc = concat!("From its id: a named one, or an application's own (", $low, " to ", $high, ").")]
            ///
            /// # Errors
            /// [`ParseError::Value`] for any other.
            pub fn from_id(id: u8) -> Result<Self, ParseError> {
                match id {
                    $($id)|* | $low..=$high => Ok(Self(id)),
                    _ => Err(ParseError::Value),
                }
            }

            /// Its id on the wire.
            pub const fn id(self) -> u8 {
                self.0
            }

            /// Its name, if it is not an application's own.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($id => Some($text),)*
                    _ => None,
                }
            }

            /// The class of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::NAMED.iter().copied().find(|class| class.name() == Some(name))
            }
        }

        impl sealed::Sealed for $name {}

        impl Class for $name {
            fn id(self) -> u8 {
                self.0
            }
        }
    };
}

class! {
    /// A class of tokens: values that the service groups and counts.
    TokenClass, custom 128..=191 {
        /// Name of an application or executable.
        APP = 1, "app";
        /// Title of a window or page.
        TITLE = 2, "title";
        /// Host of a URL.
        HOST = 3, "host";
        /// Whole URL.
        URL = 4, "url";
        /// Document or file.
        DOCUMENT = 5, "document";
        /// Person at the device.
        PERSON = 6, "person";
        /// Label of the owner's, such as a category's name.
        LABEL = 7, "label";
    }
}

class! {
    /// A class of records: values that are only kept, each sealed apart.
    RecordClass, custom 192..=223 {
        /// Keystrokes.
        KEYSTROKES = 16, "keystrokes";
        /// Clipboard content.
        CLIPBOARD = 17, "clipboard";
        /// Chat messages.
        CHAT = 18, "chat";
    }
}

class! {
    /// A class of blobs: files and streams.
    BlobClass, custom 224..=255 {
        /// Screenshots.
        SCREENSHOT = 32, "screenshot";
        /// Camera shots.
        CAMERA = 33, "camera";
        /// Voice.
        VOICE = 34, "voice";
        /// Archives.
        ARCHIVE = 40, "archive";
    }
}

impl DeviceScoped for RecordClass {}
impl DeviceScoped for BlobClass {}

/// A class of any of the three kinds, as policies and deliveries list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyClass {
    /// A token class.
    Token(TokenClass),
    /// A record class.
    Record(RecordClass),
    /// A blob class.
    Blob(BlobClass),
}

impl AnyClass {
    /// From its id on the wire.
    ///
    /// # Errors
    /// [`ParseError::Value`] for an id that no registry has.
    pub fn from_id(id: u8) -> Result<Self, ParseError> {
        TokenClass::from_id(id)
            .map(Self::Token)
            .or_else(|_| RecordClass::from_id(id).map(Self::Record))
            .or_else(|_| BlobClass::from_id(id).map(Self::Blob))
    }

    /// Its id on the wire.
    pub const fn id(self) -> u8 {
        match self {
            Self::Token(class) => class.id(),
            Self::Record(class) => class.id(),
            Self::Blob(class) => class.id(),
        }
    }
}
