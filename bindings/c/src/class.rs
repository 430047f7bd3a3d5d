//! What a value is: the ids of SPEC.md#registries.

use blindtally::{BlobClass, RecordClass, TokenClass};

use crate::error::Refused;

/// Token class: name of an application or executable.
pub const BLINDTALLY_CLASS_APP: u32 = 1;
/// Token class: title of a window or page.
pub const BLINDTALLY_CLASS_TITLE: u32 = 2;
/// Token class: host of a URL.
pub const BLINDTALLY_CLASS_HOST: u32 = 3;
/// Token class: whole URL.
pub const BLINDTALLY_CLASS_URL: u32 = 4;
/// Token class: document or file.
pub const BLINDTALLY_CLASS_DOCUMENT: u32 = 5;
/// Token class: person at the device.
pub const BLINDTALLY_CLASS_PERSON: u32 = 6;
/// Token class: label of the owner's, such as a category's name.
pub const BLINDTALLY_CLASS_LABEL: u32 = 7;
/// The first of the token classes that an application defines; BLINDTALLY_CLASS_TOKEN_LAST is the last.
pub const BLINDTALLY_CLASS_TOKEN_FIRST: u32 = 128;
/// The last of the token classes that an application defines.
pub const BLINDTALLY_CLASS_TOKEN_LAST: u32 = 191;
/// Record class: keystrokes.
pub const BLINDTALLY_CLASS_KEYSTROKES: u32 = 16;
/// Record class: clipboard content.
pub const BLINDTALLY_CLASS_CLIPBOARD: u32 = 17;
/// Record class: chat messages.
pub const BLINDTALLY_CLASS_CHAT: u32 = 18;
/// The first of the record classes that an application defines; BLINDTALLY_CLASS_RECORD_LAST is the last.
pub const BLINDTALLY_CLASS_RECORD_FIRST: u32 = 192;
/// The last of the record classes that an application defines.
pub const BLINDTALLY_CLASS_RECORD_LAST: u32 = 223;
/// Blob class: screenshots.
pub const BLINDTALLY_CLASS_SCREENSHOT: u32 = 32;
/// Blob class: camera shots.
pub const BLINDTALLY_CLASS_CAMERA: u32 = 33;
/// Blob class: voice.
pub const BLINDTALLY_CLASS_VOICE: u32 = 34;
/// Blob class: archives.
pub const BLINDTALLY_CLASS_ARCHIVE: u32 = 40;
/// The first of the blob classes that an application defines; BLINDTALLY_CLASS_BLOB_LAST is the last.
pub const BLINDTALLY_CLASS_BLOB_FIRST: u32 = 224;
/// The last of the blob classes that an application defines.
pub const BLINDTALLY_CLASS_BLOB_LAST: u32 = 255;

const _: () = assert!(
    BLINDTALLY_CLASS_APP == TokenClass::APP.id() as u32
        && BLINDTALLY_CLASS_TITLE == TokenClass::TITLE.id() as u32
        && BLINDTALLY_CLASS_HOST == TokenClass::HOST.id() as u32
        && BLINDTALLY_CLASS_URL == TokenClass::URL.id() as u32
        && BLINDTALLY_CLASS_DOCUMENT == TokenClass::DOCUMENT.id() as u32
        && BLINDTALLY_CLASS_PERSON == TokenClass::PERSON.id() as u32
        && BLINDTALLY_CLASS_LABEL == TokenClass::LABEL.id() as u32
        && BLINDTALLY_CLASS_KEYSTROKES == RecordClass::KEYSTROKES.id() as u32
        && BLINDTALLY_CLASS_CLIPBOARD == RecordClass::CLIPBOARD.id() as u32
        && BLINDTALLY_CLASS_CHAT == RecordClass::CHAT.id() as u32
        && BLINDTALLY_CLASS_SCREENSHOT == BlobClass::SCREENSHOT.id() as u32
        && BLINDTALLY_CLASS_CAMERA == BlobClass::CAMERA.id() as u32
        && BLINDTALLY_CLASS_VOICE == BlobClass::VOICE.id() as u32
        && BLINDTALLY_CLASS_ARCHIVE == BlobClass::ARCHIVE.id() as u32
);

/// A class by its id, one of those a function takes.
pub(crate) fn class<C>(id: u32, from_id: impl FnOnce(u8) -> Result<C, blindtally::ParseError>) -> Result<C, Refused> {
    u8::try_from(id).ok().and_then(|id| from_id(id).ok()).ok_or(Refused::VALUE)
}

/// Unix milliseconds, as the formats have them.
pub(crate) fn millis(when: i64) -> Result<u64, Refused> {
    u64::try_from(when).map_err(|_| Refused::VALUE)
}
