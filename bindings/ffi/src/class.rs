//! What a sealed value is about.

use blindtally::{AnyClass, ParseError};

use crate::error::BlindtallyError;

/// An id as it is on the wire: no class has another.
fn byte(id: i32) -> Result<u8, ParseError> {
    u8::try_from(id).map_err(|_| ParseError::Value)
}

macro_rules! class {
    ($(#[$meta:meta])* $name:ident, $from_id:ident, $(#[$own:meta])* { $($(#[$variantmeta:meta])* $variant:ident = $constant:ident;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
        pub enum $name {
            $($(#[$variantmeta])* $variant,)*
            $(#[$own])*
            Application {
                /// Its id on the wire.
                id: i32,
            },
        }

        impl $name {
            pub(crate) fn core(self) -> Result<blindtally::$name, BlindtallyError> {
                match self {
                    $(Self::$variant => Ok(blindtally::$name::$constant),)*
                    Self::Application { id } => {
                        let class = blindtally::$name::from_id(byte(id)?)?;
                        // One class has one form here, so that they compare.
                        if class.name().is_some() { Err(ParseError::Value.into()) } else { Ok(class) }
                    }
                }
            }
        }

        #[uniffi::export]
        impl $name {
            /// Its id on the wire; of an application's own, the one it was given.
            pub fn id(&self) -> i32 {
                match self {
                    $(Self::$variant => blindtally::$name::$constant.id().into(),)*
                    Self::Application { id } => *id,
                }
            }
        }

        /// The class of that id on the wire.
        ///
        /// # Errors
        /// `malformed.value`: there is none.
        #[uniffi::export]
        pub fn $from_id(id: i32) -> Result<$name, BlindtallyError> {
            Ok(blindtally::$name::from_id(byte(id)?)?.into())
        }

        impl From<blindtally::$name> for $name {
            fn from(class: blindtally::$name) -> Self {
                match class {
                    $(blindtally::$name::$constant => Self::$variant,)*
                    other => Self::Application { id: other.id().into() },
                }
            }
        }
    };
}

class! {
    /// A class of tokens: values that the service groups and counts.
    TokenClass, token_class_of,
    /// An application's own: 128 to 191.
    {
        /// Name of an application or executable.
        App = APP;
        /// Title of a window or page.
        Title = TITLE;
        /// Host of a URL.
        Host = HOST;
        /// Whole URL.
        Url = URL;
        /// Document or file.
        Document = DOCUMENT;
        /// Person at the device.
        Person = PERSON;
        /// Label of the owner's, such as a category's name.
        Label = LABEL;
    }
}

class! {
    /// A class of records: values that are only kept, each sealed apart.
    RecordClass, record_class_of,
    /// An application's own: 192 to 223.
    {
        /// Keystrokes.
        Keystrokes = KEYSTROKES;
        /// Clipboard content.
        Clipboard = CLIPBOARD;
        /// Chat messages.
        Chat = CHAT;
    }
}

class! {
    /// A class of blobs: files and streams.
    BlobClass, blob_class_of,
    /// An application's own: 224 to 255.
    {
        /// Screenshots.
        Screenshot = SCREENSHOT;
        /// Camera shots.
        Camera = CAMERA;
        /// Voice.
        Voice = VOICE;
        /// Archives.
        Archive = ARCHIVE;
    }
}

/// A class of any of the three kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum SealedClass {
    /// Of tokens.
    Token {
        /// Which.
        token_class: TokenClass,
    },
    /// Of records.
    Record {
        /// Which.
        record_class: RecordClass,
    },
    /// Of blobs.
    Blob {
        /// Which.
        blob_class: BlobClass,
    },
}

impl From<AnyClass> for SealedClass {
    fn from(class: AnyClass) -> Self {
        match class {
            AnyClass::Token(class) => Self::Token { token_class: class.into() },
            AnyClass::Record(class) => Self::Record { record_class: class.into() },
            AnyClass::Blob(class) => Self::Blob { blob_class: class.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_class_has_as_its_id_is_malformed_whatever_number_it_is() {
        for id in [i32::MIN, -1, 0, 8, 127, 192, 256, 257, i32::MAX] {
            assert_eq!(token_class_of(id), Err(ParseError::Value.into()), "{id}");
            assert_eq!(TokenClass::Application { id }.core(), Err(ParseError::Value.into()), "{id}");
        }
        assert_eq!(TokenClass::Application { id: 1 }.core(), Err(ParseError::Value.into()));
        assert_eq!(token_class_of(1), Ok(TokenClass::App));
        assert_eq!(token_class_of(191), Ok(TokenClass::Application { id: 191 }));
    }
}
