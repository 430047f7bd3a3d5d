//! Archives: files in, the same files out, whatever happens to some of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{self, Cursor};

use blindtally::*;
use support::*;

fn code(error: &io::Error) -> &'static str {
    Error::from_io(error).unwrap().code()
}

fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed).collect()
}

fn archive(owner: &Owner, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = owner.archive_writer(Vec::new(), NOW).unwrap();
    for (path, content) in files {
        writer.add(path, NOW, content.len() as u64, &content[..]).unwrap();
    }
    writer.finish(owner).unwrap()
}

fn some_files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("devices.json", content(1, 100)),
        ("log/a/000001.jsonl", content(2, 50_000)),
        ("screenshot/a/1.png", content(3, 200_000)),
        ("screenshot/a/2.png", Vec::new()),
        ("voice/a/1.ogg", content(4, 512)),
    ]
}

#[test]
fn every_file_comes_out_as_it_went_in_and_the_manifest_lists_them_all() {
    let (owner, ..) = running();
    let files = some_files();
    let sealed = archive(&owner, &files);
    let mut archive = owner.opening_keys().archive(Cursor::new(&sealed)).unwrap();
    assert_eq!(archive.listing(), Listing::Signed { made: NOW });
    assert_eq!(archive.files().len(), files.len());
    for (number, (path, content)) in files.iter().enumerate() {
        let mut out = Vec::new();
        archive.copy(number, &mut out).unwrap();
        assert_eq!((archive.files()[number].path(), out), (*path, content.clone()));
    }
}
