//! Blobs: sealed by an agent, opened by the owner whole, as a stream and at any place; nothing else opens.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use blindtally::*;
use proptest::prelude::*;
use support::*;

const CHUNK: usize = 16 * 1024;
const SEALED_CHUNK: usize = CHUNK + 16;
const SEQ: u64 = 1_790_000_000_123;

/// Lengths around everything that has an edge: blocks, the steps of the padding, chunks.
const LENGTHS: [usize; 17] =
    [0, 1, 15, 16, 63, 64, 65, 1000, 16_255, 16_256, 16_383, 16_384, 16_385, 32_767, 32_768, 100_000, 1_000_000];

fn content(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn code(error: &io::Error) -> &'static str {
    Error::from_io(error).unwrap().code()
}

#[test]
fn whatever_an_agent_seals_the_owner_opens_whole_as_a_stream_and_at_any_place() {
    let (owner, agent, _) = running();
    for length in LENGTHS {
        let content = content(length);
        let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
        assert_eq!(blob.len() as u64, BlobStart::blob_len(length as u64));
        assert_eq!(*owner.open_blob(&blob).unwrap(), content);

        let mut read = Vec::new();
        let mut reader = owner.opening_keys().blob_reader(&blob[..]).unwrap();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, content);
        let header = reader.header();
        assert_eq!((header.class, header.device, header.seq), (BlobClass::SCREENSHOT, agent.device_id(), SEQ));

        let mut file = owner.opening_keys().blob_file(Cursor::new(&blob)).unwrap();
        assert_eq!(file.len(), length as u64);
        for at in [0, length / 3, length.saturating_sub(1), length] {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            read.clear();
            file.read_to_end(&mut read).unwrap();
            assert_eq!(read, content[at..]);
        }
    }
}

#[test]
fn a_stream_that_is_written_in_any_pieces_is_one_blob() {
    let (owner, agent, _) = running();
    for piece in [1, 7, 16_383, 16_384, 16_385, 1 << 20] {
        let content = content(40_000);
        let mut writer = agent.blob_writer(BlobClass::VOICE, SEQ, Vec::new()).unwrap();
        content.chunks(piece).for_each(|piece| writer.write_all(piece).unwrap());
        writer.flush().unwrap();
        let blob = writer.finish().unwrap();
        assert_eq!(*owner.open_blob(&blob).unwrap(), content);

        let (start, rest) = BlobStart::split(&blob).unwrap();
        let mut opener = owner.opening_keys().blob_opener(&start).unwrap();
        let mut opened = Vec::new();
        let mut put = |content: &[u8]| {
            opened.extend_from_slice(content);
            Ok::<_, BlobError>(())
        };
        rest.chunks(piece).for_each(|piece| opener.update(piece, &mut put).unwrap());
        opener.finish(put).unwrap();
        assert_eq!(opened, content);
    }
}

/// What a reader gives before it fails, and the code it fails with; all ways of reading must agree.
fn failure(owner: &Owner, blob: &[u8]) -> (Vec<u8>, &'static str) {
    let keys = owner.opening_keys();
    let mut released = Vec::new();
    let by_reading = match keys.blob_reader(blob) {
        Ok(mut reader) => {
            let error = reader.read_to_end(&mut released).unwrap_err();
            assert_eq!(code(&reader.read(&mut [0]).unwrap_err()), code(&error), "it goes on failing");
            code(&error)
        }
        Err(error) => code(&error),
    };
    assert_eq!(owner.open_blob(blob).map(|_| ()).unwrap_err().code(), by_reading);
    assert!(keys.blob_file(Cursor::new(blob)).is_err() || by_reading == "blob.tampered");
    if let Ok((start, sealed)) = BlobStart::split(blob)
        && let Some(opener) = keys.blob_keys(start.header()).find_map(|key| key.opener(&start).ok())
    {
        assert_eq!(failure_in_pieces(opener, sealed), (released.clone(), by_reading));
    }
    (released, by_reading)
}

/// The same without I/O, where the caller could go on after a failure.
fn failure_in_pieces(mut opener: BlobOpener, sealed: &[u8]) -> (Vec<u8>, &'static str) {
    let mut released = Vec::new();
    let mut put = |piece: &[u8]| -> Result<(), BlobError> {
        released.extend_from_slice(piece);
        Ok(())
    };
    let mut failed = None;
    for piece in sealed.chunks(10_000) {
        let result = opener.update(piece, &mut put);
        assert!(failed.is_none() || result.err() == failed, "it goes on failing");
        failed = failed.or(result.err());
    }
    let error = opener.finish(&mut put).unwrap_err();
    assert!(failed.is_none_or(|failed| failed == error), "it goes on failing");
    (released, error.code())
}

/// SPEC.md#blob-stop
#[test]
fn a_blob_cut_off_anywhere_releases_whole_chunks_and_fails() {
    let (owner, agent, _) = running();
    let content = content(40_000);
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
    for length in [0, 1, 2, 3, 4, 5, 6, 7, 46, 47, 70, 102, 103, 118, 119, 5000, 103 + SEALED_CHUNK - 1] {
        let (released, code) = failure(&owner, &blob[..length]);
        assert!(released.is_empty());
        let expected = if length < 103 { "malformed.truncated" } else { "blob.truncated" };
        let expected = if length >= 119 { "blob.tampered" } else { expected };
        assert_eq!(code, expected, "{length}");
    }
    for (length, expected) in [
        (103 + SEALED_CHUNK, "blob.truncated"),
        (103 + SEALED_CHUNK + 15, "blob.truncated"),
        (103 + SEALED_CHUNK + 16, "blob.tampered"),
        (103 + 2 * SEALED_CHUNK - 1, "blob.tampered"),
    ] {
        assert_eq!(failure(&owner, &blob[..length]), (content[..CHUNK].to_vec(), expected), "{length}");
    }
    assert_eq!(failure(&owner, &blob[..blob.len() - 1]), (content[..2 * CHUNK].to_vec(), "blob.tampered"));
}

/// SPEC.md#blob-tampered, SPEC.md#blob-stop
#[test]
fn a_blob_that_goes_on_behind_its_end_or_has_its_chunks_elsewhere_fails() {
    let (owner, agent, _) = running();
    let content = content(40_000);
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
    let (start, chunks) = blob.split_at(BlobStart::LEN);
    let chunks: Vec<&[u8]> = chunks.chunks(SEALED_CHUNK).collect();
    let with = |chunks: &[&[u8]]| [start, &chunks.concat()].concat();
    assert_eq!(failure(&owner, &[&blob[..], b"x"].concat()), (content[..2 * CHUNK].to_vec(), "blob.tampered"));
    assert_eq!(failure(&owner, &with(&[chunks[1], chunks[0], chunks[2]])), (Vec::new(), "blob.tampered"));
    assert_eq!(failure(&owner, &with(&[chunks[0], chunks[2]])), (content[..CHUNK].to_vec(), "blob.tampered"));
    assert_eq!(
        failure(&owner, &with(&[chunks[0], chunks[0], chunks[2]])),
        (content[..CHUNK].to_vec(), "blob.tampered")
    );

    let other = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
    let foreign = &other[BlobStart::LEN..][..SEALED_CHUNK];
    assert_eq!(failure(&owner, &with(&[foreign, chunks[1], chunks[2]])), (Vec::new(), "blob.tampered"));
}

/// SPEC.md#early-plaintext, SPEC.md#blob-commitment
#[test]
fn no_bit_of_a_blob_can_be_changed() {
    let (owner, agent, _) = running();
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, b"a picture").unwrap();
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        let (released, code) = failure(&owner, &changed);
        assert!(released.is_empty());
        let expected: &[&str] = match at {
            0 | 1 => &["malformed.magic"],
            2 => &["malformed.kind"],
            3 => &["malformed.suite"],
            4..=6 => &["malformed.value", "blob.no-key"],
            7..103 => &["blob.no-key"],
            _ => &["blob.tampered"],
        };
        assert!(expected.contains(&code), "{at}: {code}");
    }
}

#[test]
fn headers_that_the_format_forbids_are_refused() {
    let (owner, agent, _) = running();
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, b"").unwrap();
    for (at, value) in [(4, 1), (4, 16), (4, 35), (4, 223), (6, 0)] {
        let mut changed = blob.clone();
        changed[at] = value;
        assert_eq!(failure(&owner, &changed).1, "malformed.value");
    }
    assert_eq!(failure(&owner, b"BX").1, "malformed.magic");
    assert_eq!(
        failure(&owner, &agent.seal_record(RecordClass::CHAT, "x", SEQ).unwrap().as_bytes()[..40]).1,
        "malformed.magic"
    );
}

/// SPEC.md#blob-commitment
#[test]
fn one_device_can_neither_read_nor_forge_what_another_seals() {
    let (mut owner, agent, _) = running();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), NOW).unwrap();
    let (pending, request) = Agent::enroll_with(&ticket, "ben-laptop", other_identity()).unwrap();
    let verified = owner.inspect(&request, NOW).unwrap().verified().unwrap();
    let other = pending.accept(owner.approve(verified, NOW).unwrap().committed().delivery()).unwrap();
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, b"a picture").unwrap();
    let (start, _) = BlobStart::split(&blob).unwrap();
    assert_eq!(other.blob_key(BlobClass::SCREENSHOT).unwrap().opener(&start).unwrap_err(), BlobError::NoKey);

    // With the header of the one and the key of the other, the commitment is another.
    let key = other.blob_key(BlobClass::SCREENSHOT).unwrap();
    let forged = sealed_by_hand(key, agent.account(), start.header(), b"a picture\x80\0\0\0\0\0\0");
    assert_eq!(failure(&owner, &forged), (Vec::new(), "blob.no-key"));
    assert_eq!(agent.blob_key(BlobClass::CAMERA).unwrap().opener(&start).unwrap_err(), BlobError::NoKey);
}

/// A blob of exactly this plaintext, made by the other implementation.
fn sealed_by_hand(key: &BlobKey, account: AccountId, header: &BlobHeader, plain: &[u8]) -> Vec<u8> {
    let input_key = cobblestone::Key256::from_bytes(key.input_key().expose());
    let message = cobblestone::encrypt(&input_key, &BlobKey::context(account, header), plain).unwrap();
    [&header.to_bytes()[..], &message].concat()
}

#[test]
fn the_other_implementation_of_chunked_encryption_makes_the_same_blobs() {
    let (owner, agent, _) = running();
    let key = agent.blob_key(BlobClass::SCREENSHOT).unwrap();
    for length in LENGTHS {
        let content = content(length);
        let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
        let (start, _) = BlobStart::split(&blob).unwrap();
        let input_key = cobblestone::Key256::from_bytes(key.input_key().expose());
        let context = BlobKey::context(agent.account(), start.header());
        let padded = cobblestone::decrypt(&input_key, &context, &blob[BlobHeader::LEN..]).unwrap();
        assert_eq!(padded[..length], content);
        assert_eq!(*owner.open_blob(&sealed_by_hand(key, agent.account(), start.header(), &padded)).unwrap(), content);
    }
}

/// SPEC.md#padding-refused, SPEC.md#blob-padding
#[test]
fn padding_that_is_not_minimal_is_refused_after_everything_opened() {
    let (owner, agent, _) = running();
    let key = agent.blob_key(BlobClass::SCREENSHOT).unwrap();
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, b"").unwrap();
    let (start, _) = BlobStart::split(&blob).unwrap();
    let long = [&[0x80][..], &[0; 2 * CHUNK]].concat();
    for plain in [&b""[..], &[0; 16], b"no marker at all", &long, b"\x80", b"abc\x80\0\0"] {
        let blob = sealed_by_hand(key, agent.account(), start.header(), plain);
        assert_eq!(owner.open_blob(&blob).unwrap_err(), BlobError::Plaintext);
        let error = owner.opening_keys().blob_file(Cursor::new(&blob)).unwrap_err();
        assert_eq!(code(&error), "blob.plaintext");
    }
}

#[test]
fn content_that_looks_like_padding_comes_out_whole() {
    let (owner, agent, _) = running();
    let marker_then_zeros = [&[0x80][..], &[0; 3 * CHUNK]].concat();
    let cases = [
        vec![0x80],
        vec![0x80; 100],
        vec![0; 100],
        marker_then_zeros.clone(),
        [marker_then_zeros.clone(), marker_then_zeros.clone(), vec![1]].concat(),
        [vec![7; CHUNK - 1], vec![0x80], vec![0; CHUNK], vec![0x80]].concat(),
    ];
    for content in cases {
        let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
        assert_eq!(*owner.open_blob(&blob).unwrap(), content);
        let mut read = Vec::new();
        let mut reader = owner.opening_keys().blob_reader(&blob[..]).unwrap();
        // In small pieces, so that what is held back comes in several.
        let mut piece = [0; 1000];
        while let some @ 1.. = reader.read(&mut piece).unwrap() {
            read.extend_from_slice(&piece[..some]);
        }
        assert!(read == content);
        let mut file = owner.opening_keys().blob_file(Cursor::new(&blob)).unwrap();
        read.clear();
        file.read_to_end(&mut read).unwrap();
        assert!(read == content);
    }
}

#[test]
fn what_was_held_back_comes_in_pieces_and_a_failure_of_whoever_takes_them_is_the_end() {
    let (owner, agent, _) = running();
    let content = [&[0x80][..], &[0; 10 * CHUNK], &[1]].concat();
    let blob = agent.seal_blob(BlobClass::SCREENSHOT, SEQ, &content).unwrap();
    let (start, chunks) = BlobStart::split(&blob).unwrap();
    let mut opener = owner.opening_keys().blob_opener(&start).unwrap();
    let mut opened = Vec::new();
    let mut put = |piece: &[u8]| {
        assert!(piece.len() <= CHUNK);
        opened.extend_from_slice(piece);
        Ok::<_, BlobError>(())
    };
    opener.update(chunks, &mut put).unwrap();
    opener.finish(put).unwrap();
    assert!(opened == content);

    let mut opener = owner.opening_keys().blob_opener(&start).unwrap();
    let mut pieces = 0;
    let full = opener.update(chunks, |_| {
        pieces += 1;
        if pieces < 5 { Ok(()) } else { Err(io::Error::from(io::ErrorKind::StorageFull)) }
    });
    assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(opener.update(&[], |_| Ok::<_, BlobError>(())).unwrap_err(), BlobError::Truncated);
    assert_eq!(opener.finish(|_| Ok::<_, BlobError>(())).unwrap_err(), BlobError::Truncated);
}

#[test]
fn an_agent_seals_only_classes_of_its_policy_and_nothing_once_it_is_revoked() {
    let (mut owner, mut agent, _) = running();
    let own = BlobClass::from_id(224).unwrap();
    assert_eq!(agent.seal_blob(own, SEQ, b"").unwrap_err(), BlobError::NoKey);
    let change = owner.revoke(agent.device_id(), AfterRevoking::KeepEpoch, NOW).unwrap();
    assert_eq!(agent.apply_policy(change.committed().policy().unwrap()).unwrap(), Outcome::Revoked);
    assert_eq!(agent.seal_blob(BlobClass::SCREENSHOT, SEQ, b"").unwrap_err(), BlobError::Revoked);
}

#[test]
fn blobs_and_records_of_earlier_epochs_and_from_backups_open() {
    let (mut owner, agent, _) = running();
    let blob = agent.seal_blob(BlobClass::CAMERA, SEQ, b"a face").unwrap();
    let record = agent.seal_record(RecordClass::CHAT, "hello", SEQ).unwrap();
    let _ = owner.rotate(NOW).unwrap();
    assert_eq!(*owner.open_blob(&blob).unwrap(), b"a face");
    assert_eq!(*owner.open_record(&record).unwrap(), "hello");
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    let restored = backup.open_with_recovery_key(&key).unwrap();
    assert_eq!(*restored.opening_keys().open_blob(&blob).unwrap(), b"a face");
    assert_eq!(*restored.opening_keys().open_record(&record).unwrap(), "hello");

    let (stranger, _) = self::owner();
    assert_eq!(stranger.open_blob(&blob).unwrap_err(), BlobError::NoKey);
    assert_eq!(stranger.open_record(&record).unwrap_err(), RecordError::Tampered);
}

/// A writer that takes a few bytes at a time and fails every other time.
#[derive(Default)]
struct Faltering {
    bytes: Vec<u8>,
    calls: usize,
}

impl Write for Faltering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        match self.calls % 3 {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            1 => Err(io::ErrorKind::Interrupted.into()),
            _ => {
                let some = &bytes[..bytes.len().min(1000)];
                self.bytes.extend_from_slice(some);
                Ok(some.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_write_that_failed_can_be_made_again_without_harm() {
    let (owner, agent, _) = running();
    let content = content(100_000);
    let mut inner = Faltering { calls: 1, ..Faltering::default() };
    let mut writer = agent.blob_writer(BlobClass::VOICE, SEQ, &mut inner).unwrap();
    let mut rest = &content[..];
    while !rest.is_empty() {
        match writer.write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    while writer.flush().is_err() {}
    drop(writer);
    // Everything but the end, which was never asked for.
    let written = inner.bytes.len() - BlobStart::LEN;
    assert_eq!(written, content.len() / CHUNK * SEALED_CHUNK);
    let mut released = Vec::new();
    let mut reader = owner.opening_keys().blob_reader(&inner.bytes[..]).unwrap();
    assert_eq!(code(&reader.read_to_end(&mut released).unwrap_err()), "blob.truncated");
    assert_eq!(released, content[..written / SEALED_CHUNK * CHUNK]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_content_comes_out_as_it_went_in(
        parts in proptest::collection::vec((any::<u8>(), 0usize..20_000), 0..5), piece in 1usize..40_000, at in 0usize..100_000,
    ) {
        SHARED.with(|(owner, agent)| {
            let content: Vec<u8> = parts.iter().flat_map(|(byte, length)| std::iter::repeat_n(*byte, *length)).collect();
            let mut writer = agent.blob_writer(BlobClass::SCREENSHOT, SEQ, Vec::new()).unwrap();
            content.chunks(piece).for_each(|piece| writer.write_all(piece).unwrap());
            let blob = writer.finish().unwrap();
            assert!(*owner.open_blob(&blob).unwrap() == content);
            let mut file = owner.opening_keys().blob_file(Cursor::new(&blob)).unwrap();
            let at = at.min(content.len());
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            assert!(read == content[at..]);
        });
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        SHARED.with(|(owner, _)| {
            assert!(owner.open_blob(&bytes).is_err());
            assert!(owner.opening_keys().blob_file(Cursor::new(&bytes)).is_err());
            assert!(owner.opening_keys().archive(Cursor::new(&bytes)).is_err());
        });
    }
}

thread_local! {
    static SHARED: (Owner, Agent) = {
        let (owner, agent, _) = running();
        (owner, agent)
    };
}

#[test]
fn what_opens_one_blob_needs_no_keys_any_more_and_opens_no_other() {
    let (owner, agent, _) = running();
    let content = content(40_000);
    let blob = agent.seal_blob(BlobClass::CAMERA, SEQ, &content).unwrap();
    let (start, chunks) = BlobStart::split(&blob).unwrap();
    let (one, two) =
        (owner.opening_keys().blob_access(&start).unwrap(), owner.opening_keys().blob_access(&start).unwrap());
    drop(owner);
    assert_eq!(one.header(), start.header());
    let mut read = Vec::new();
    one.reader(chunks).read_to_end(&mut read).unwrap();
    assert_eq!(read, content);

    let other = agent.seal_blob(BlobClass::CAMERA, SEQ, &content).unwrap();
    assert_eq!(code(&two.file(Cursor::new(&other[BlobStart::LEN..])).unwrap_err()), "blob.tampered");
}
