//! What a file is by its first bytes, whatever its name says.

/// The types that screenshots, camera shots and recordings come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// GIF.
    Gif,
    /// Ogg.
    Ogg,
    /// WAVE.
    Wav,
    /// MPEG audio.
    Mp3,
    /// MPEG-4.
    M4a,
    /// WebM, or any Matroska.
    WebM,
}

impl ContentType {
    /// How many bytes at the start tell.
    pub const START: usize = 12;

    /// From the first [`ContentType::START`] bytes, or all of a shorter file.
    pub fn of(start: &[u8]) -> Option<Self> {
        let at = |place: usize, bytes: &[u8]| start.get(place..).is_some_and(|rest| rest.starts_with(bytes));
        if at(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if at(0, b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
            Some(Self::Gif)
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            Some(Self::WebP)
        } else if at(0, b"RIFF") && at(8, b"WAVE") {
            Some(Self::Wav)
        } else if at(0, b"OggS") {
            Some(Self::Ogg)
        } else if at(0, b"ID3") || is_mpeg_frame(start) {
            Some(Self::Mp3)
        } else if at(4, b"ftyp") {
            Some(Self::M4a)
        } else if at(0, b"\x1a\x45\xdf\xa3") {
            Some(Self::WebM)
        } else {
            None
        }
    }

    /// Whether it is a picture; it is a recording otherwise.
    pub fn is_image(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::WebP | Self::Gif)
    }

    /// The extension of such a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Ogg => "ogg",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::M4a => "m4a",
            Self::WebM => "webm",
        }
    }
}

/// The header of a frame of layer III (ISO 11172-3): its eleven bits of sync, its layer, and a bit rate and a sampling rate
/// that exist.
fn is_mpeg_frame(start: &[u8]) -> bool {
    let [0xff, second, third, ..] = *start else { return false };
    second & 0xe0 == 0xe0
        && second & 0x18 != 0x08
        && second & 0x06 == 0x02
        && third & 0xf0 != 0xf0
        && third & 0x0c != 0x0c
}

#[cfg(test)]
mod tests {
    use super::ContentType::{self, *};

    #[test]
    fn every_type_is_known_by_its_first_bytes() {
        for (start, expected) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some(Png)),
            (b"\xff\xd8\xff\xe0", Some(Jpeg)),
            (b"GIF89a", Some(Gif)),
            (b"RIFF\x10\0\0\0WEBP", Some(WebP)),
            (b"RIFF\x10\0\0\0WAVE", Some(Wav)),
            (b"RIFF\x10\0\0\0AVI ", None),
            (b"OggS", Some(Ogg)),
            (b"ID3\x04", Some(Mp3)),
            (b"\xff\xfb\x90\x64", Some(Mp3)),
            (b"\xff\xff\xff\xff", None),
            (b"\0\0\0\x20ftypM4A ", Some(M4a)),
            (b"\x1a\x45\xdf\xa3", Some(WebM)),
            (b"MZ\x90", None),
            (b"\x89PN", None),
            (b"", None),
        ] {
            assert_eq!(ContentType::of(start), expected, "{start:?}");
        }
    }
}
