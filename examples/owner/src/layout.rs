//! Where things are in an archive that this program writes (SPEC.md#archive-layout).

use blindtally::{BlobClass, BlobHeader, DeviceId, RecordClass};
use blindtally_client::ContentType;
use jiff::Timestamp;

/// The part of that number of a device's log.
pub(crate) fn log(device: DeviceId, number: usize) -> String {
    format!("log/{device}/{number:06}.jsonl")
}

/// The part of that number of a device's records.
pub(crate) fn records(device: DeviceId, number: usize) -> String {
    format!("records/{device}/{number:06}.jsonl")
}

/// A blob, by its header and the first bytes of its content.
pub(crate) fn blob(header: &BlobHeader, start: &[u8]) -> String {
    format!("{}/{}/{}", blob_class(header.class), header.device, blob_file(header, start))
}

/// The last part of a blob's path.
pub(crate) fn blob_file(header: &BlobHeader, start: &[u8]) -> String {
    let time = i64::try_from(header.seq).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let time = time.map_or_else(|| header.seq.to_string(), |time| time.strftime("%Y%m%dT%H%M%S.%3fZ").to_string());
    let extension = ContentType::of(start).map_or("bin", ContentType::extension);
    format!("{time}-{}.{extension}", &header.id.to_string()[..8])
}

/// A class by its name, or its number if it is an application's own.
pub(crate) fn blob_class(class: BlobClass) -> String {
    class.name().map_or_else(|| class.id().to_string(), str::to_owned)
}

/// A class by its name, or its number if it is an application's own.
pub(crate) fn record_class(class: RecordClass) -> String {
    class.name().map_or_else(|| class.id().to_string(), str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use blindtally::{BlobId, Epoch};

    use super::*;

    #[test]
    fn a_blob_lies_where_its_class_its_device_and_its_time_say() {
        let mut header = BlobHeader {
            class: BlobClass::SCREENSHOT,
            epoch: Epoch::FIRST,
            device: DeviceId::from_bytes([1; 16]),
            id: BlobId::from_bytes([0xab; 16]),
            seq: 1_793_491_200_007,
        };
        let device = "01".repeat(16);
        assert_eq!(
            blob(&header, b"\xff\xd8\xff\xe0"),
            format!("screenshot/{device}/20261101T000000.007Z-abababab.jpg")
        );
        header.class = BlobClass::from_id(230).unwrap();
        header.seq = u64::MAX;
        assert_eq!(blob(&header, b""), format!("230/{device}/{}-abababab.bin", u64::MAX));
        assert_eq!(log(header.device, 7), format!("log/{device}/000007.jsonl"));
    }
}
