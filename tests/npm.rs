//! What the core seals, the npm package opens, and the other way round: files in `bindings/wasm/tests/api/core`.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use blindtally::*;
use support::*;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bindings/wasm/tests/api/core").join(name)
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Run by hand, once, with an empty folder; what npm seals is made by `bindings/wasm/tests/api/core.test.mjs` after it.
#[test]
#[ignore = "makes the files that the other tests read"]
fn make_what_the_core_seals() {
    let (owner, agent, _) = running();
    let (backup, key) = owner.backup_with_recovery_key().unwrap();
    fs::create_dir_all(file("")).unwrap();
    fs::write(file("backup.txt"), format!("{}\n{}", key.to_text().as_str(), backup.to_text())).unwrap();
    for length in [0, 1, 15, 16, 16_383, 16_384, 16_385, 40_000] {
        let blob = agent.seal_blob(BlobClass::SCREENSHOT, 7, &content(length)).unwrap();
        fs::write(file(&format!("{length}.blob")), blob).unwrap();
    }
    let mut archive = owner.archive_writer(Vec::new(), NOW).unwrap();
    for length in [0, 512, 20_000] {
        archive.add(&format!("files/{length}"), NOW, length as u64, &content(length)[..]).unwrap();
    }
    fs::write(file("core.archive"), archive.finish(&owner).unwrap()).unwrap();
}

#[test]
fn what_the_npm_package_seals_opens() {
    let text = fs::read_to_string(file("backup.txt")).unwrap();
    let (key, backup) = text.split_once('\n').unwrap();
    let restored = Backup::parse(backup).unwrap().open_with_recovery_key(&RecoveryKey::parse(key).unwrap()).unwrap();
    for name in ["core.archive", "npm.archive"] {
        let mut archive = restored.opening_keys().archive(Cursor::new(fs::read(file(name)).unwrap())).unwrap();
        assert!(matches!(archive.listing(), Listing::Signed { .. }), "{name}");
        assert_eq!(archive.files().len(), 3, "{name}");
        for (number, length) in [0, 512, 20_000].into_iter().enumerate() {
            let mut out = Vec::new();
            archive.copy(number, &mut out).unwrap();
            assert_eq!(out, content(length), "{name}");
        }
    }
}
