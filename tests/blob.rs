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
        rest.chunks(piece).for_each(|piece| opener.update(piece, &mut opened).unwrap());
        opener.finish(&mut opened).unwrap();
        assert_eq!(opened, content);
    }
}
