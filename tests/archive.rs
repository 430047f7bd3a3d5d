//! Archives: files in, the same files out, whatever happens to some of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{self, Cursor, Read, Seek, Write};

use blindtally::*;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pss, RsaPrivateKey};
use sha2::{Digest, Sha256};
use support::*;

const CHUNK: usize = 16 * 1024;
const SEALED_CHUNK: usize = CHUNK + 16;
const BLOCK: usize = 512;

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

/// A file's path with its content, or the code of what is wrong with it.
type Found = (String, Result<Vec<u8>, &'static str>);

/// Opens an archive: how it is listed, and each file.
fn opened(owner: &Owner, sealed: &[u8]) -> (Listing, Vec<Found>) {
    let mut archive = owner.opening_keys().archive(Cursor::new(sealed)).unwrap();
    let files = archive.files().to_vec();
    let mut read = |(number, file): (usize, &ArchivedFile)| {
        let mut out = Vec::new();
        let result = archive.copy(number, &mut out).map(|()| out).map_err(|error| code(&error));
        (file.path().to_owned(), result)
    };
    let files = files.iter().enumerate().map(&mut read).collect();
    (archive.listing(), files)
}

fn refusal(owner: &Owner, sealed: &[u8]) -> &'static str {
    code(&owner.opening_keys().archive(Cursor::new(sealed)).unwrap_err())
}

#[test]
fn an_archive_without_files_is_one() {
    let (owner, ..) = running();
    assert_eq!(opened(&owner, &archive(&owner, &[])), (Listing::Signed { made: NOW }, Vec::new()));
    let mut none = owner.opening_keys().archive(Cursor::new(archive(&owner, &[]))).unwrap();
    assert_eq!(code(&none.check(0).unwrap_err()), "archive.no-file");
}

#[test]
fn a_damaged_chunk_costs_the_files_in_it_and_no_others() {
    let (owner, ..) = running();
    let files = some_files();
    let sealed = archive(&owner, &files);
    let chunks = (sealed.len() - BlobStart::LEN).div_ceil(SEALED_CHUNK);
    let mut damaged_in_all = 0;
    for chunk in 0..chunks - 1 {
        let mut changed = sealed.clone();
        changed[BlobStart::LEN + chunk * SEALED_CHUNK + 77] ^= 0x40;
        let (listing, found) = opened(&owner, &changed);
        assert_eq!(listing, Listing::Signed { made: NOW });
        let mut at = 0;
        for ((path, content), (found, result)) in files.iter().zip(&found) {
            let end = at + BLOCK + content.len().next_multiple_of(BLOCK);
            assert_eq!(path, found);
            if at / CHUNK <= chunk && chunk <= (end - 1) / CHUNK {
                assert_eq!(*result, Err("archive.damaged"), "{path} in chunk {chunk}");
                damaged_in_all += 1;
            } else {
                assert_eq!(result.as_ref(), Ok(content), "{path} beside chunk {chunk}");
            }
            at = end;
        }
    }
    assert!(damaged_in_all >= chunks);
}

#[test]
fn an_archive_that_was_cut_off_gives_every_file_before_the_cut() {
    let (owner, ..) = running();
    let files = some_files();
    let sealed = archive(&owner, &files);
    for length in (BlobStart::LEN..sealed.len()).step_by(SEALED_CHUNK / 2) {
        let (listing, found) = opened(&owner, &sealed[..length]);
        assert_eq!(listing, Listing::Unlisted);
        let whole = (length - BlobStart::LEN) / SEALED_CHUNK * CHUNK;
        let mut at = 0;
        let mut expected = Vec::new();
        for (path, content) in &files {
            let end = at + BLOCK + content.len().next_multiple_of(BLOCK);
            if at + BLOCK <= whole {
                let result = if end <= whole { Ok(content.clone()) } else { Err("archive.damaged") };
                expected.push((path.to_string(), result));
            }
            at = end;
        }
        assert!(found == expected, "{length}");
    }
    assert_eq!(refusal(&owner, &sealed[..50]), "malformed.truncated");
    assert_eq!(refusal(&owner, b""), "malformed.truncated");
}

#[test]
fn where_the_manifest_is_damaged_too_the_files_are_found_by_their_headers() {
    let (owner, ..) = running();
    let mut files = some_files();
    // The last file takes the last chunk for itself and the manifest.
    files.push(("voice/a/2.ogg", content(5, 41_000)));
    let sealed = archive(&owner, &files);
    let without_chunk = |chunk: usize| {
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        changed[BlobStart::LEN + chunk * SEALED_CHUNK] ^= 1;
        let (listing, found) = opened(&owner, &changed);
        assert_eq!(listing, Listing::Unlisted);
        found
    };
    let expected = |lost: &[usize], damaged: &[usize]| -> Vec<_> {
        let kept = files.iter().enumerate().filter(|(number, _)| !lost.contains(number));
        let result = |(number, (path, content)): (usize, &(&str, Vec<u8>))| {
            let result = if damaged.contains(&number) { Err("archive.damaged") } else { Ok(content.clone()) };
            (path.to_string(), result)
        };
        kept.map(result).collect()
    };
    // In the middle of a file.
    assert!(without_chunk(8) == expected(&[], &[2, 5]));
    // With the headers of two: the walk goes on at the next one.
    assert!(without_chunk(0) == expected(&[0, 1], &[5]));
}

/// SPEC.md#archive-order
#[test]
fn an_archive_of_another_account_or_by_a_device_or_of_another_class_is_refused() {
    let (owner, agent, _) = running();
    let (stranger, _) = self::owner();
    assert_eq!(refusal(&stranger, &archive(&owner, &some_files())), "archive.other-account");
    let by_device = agent.seal_blob(BlobClass::ARCHIVE, 1, b"").unwrap();
    assert_eq!(refusal(&owner, &by_device), "archive.other-account");
    let screenshot = agent.seal_blob(BlobClass::SCREENSHOT, 1, b"").unwrap();
    assert_eq!(refusal(&owner, &screenshot), "malformed.value");
}

#[test]
fn a_writer_takes_only_paths_that_every_system_takes_and_each_once() {
    let (owner, ..) = running();
    let mut writer = owner.archive_writer(Vec::new(), NOW).unwrap();
    let long = "x".repeat(101);
    for path in [
        "",
        "/",
        "/etc/passwd",
        "../x",
        "a/../x",
        "a/./x",
        ".",
        "..",
        ".ssh/x",
        "a//x",
        "a/",
        "x.",
        "a./x",
        "C:x",
        "a\\x",
        "a b",
        "\u{e4}",
        "\u{202e}x",
        "x\0y",
        "x\n",
        "con",
        "CON.txt",
        "a/nul",
        "Lpt1.tar.gz",
        "com0",
        "a/AUX/x",
        &long,
        "blindtally.manifest",
        "Blindtally.Manifest",
        "blindtally.manifest/x",
    ] {
        let error = writer.add(path, NOW, 0, io::empty()).unwrap_err();
        assert_eq!(code(&error), "archive.path", "{path:?}");
    }
    for path in ["a/b", "A1/_-.x", "console", "com10", "x..y", &long[1..]] {
        writer.add(path, NOW, 0, io::empty()).unwrap();
    }
    for path in ["a/b", "A/B", "a", "A", "a/b/c", "a1", "CONSOLE"] {
        assert_eq!(code(&writer.add(path, NOW, 0, io::empty()).unwrap_err()), "archive.path", "{path:?}");
    }
    // What was refused has left nothing behind.
    let found = opened(&owner, &writer.finish(&owner).unwrap()).1;
    assert_eq!(found.len(), 6);
}

#[test]
fn a_file_that_is_not_as_long_as_announced_ends_the_archive() {
    let (owner, ..) = running();
    for length in [2, 4] {
        let mut writer = owner.archive_writer(Vec::new(), NOW).unwrap();
        writer.add("a", NOW, 1, &b"x"[..]).unwrap();
        assert_eq!(code(&writer.add("b", NOW, length, &b"xyz"[..]).unwrap_err()), "archive.too-long");
        assert_eq!(code(&writer.add("c", NOW, 0, io::empty()).unwrap_err()), "archive.too-long");
        assert_eq!(code(&writer.finish(&owner).unwrap_err()), "archive.too-long");
    }
    let mut writer = owner.archive_writer(Vec::new(), NOW).unwrap();
    assert_eq!(code(&writer.add("a", NOW, 1 << 33, io::empty()).unwrap_err()), "archive.too-long");
    let late = Timestamp::from_unix_secs(1 << 33);
    assert_eq!(code(&writer.add("a", late, 0, io::empty()).unwrap_err()), "archive.too-long");
}

#[test]
fn the_decrypted_tar_is_what_tar_reads() {
    let (owner, ..) = running();
    let files = some_files();
    let mut archive = owner.opening_keys().archive(Cursor::new(archive(&owner, &files))).unwrap();
    let mut bytes = Vec::new();
    archive.tar().rewind().unwrap();
    archive.tar().read_to_end(&mut bytes).unwrap();
    let mut tar = tar::Archive::new(&bytes[..]);
    let mut found: Vec<(String, u64, Vec<u8>)> = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let path = entry.path().unwrap().display().to_string();
        found.push((path, entry.header().mtime().unwrap(), content));
    }
    assert_eq!(found.pop().map(|(path, ..)| path).as_deref(), Some("blindtally.manifest"));
    assert!(
        found
            .iter()
            .map(|(path, time, content)| (path.as_str(), *time, content))
            .eq(files.iter().map(|(path, content)| (*path, NOW.unix_secs(), content)))
    );
}

/// A blob of class archive that the account seals, with exactly this content.
fn sealed(owner: &Owner, tar: &[u8]) -> Vec<u8> {
    let keys = owner.opening_keys();
    let header = BlobHeader {
        class: BlobClass::ARCHIVE,
        epoch: Epoch::FIRST,
        device: keys.own_device(),
        id: BlobId::from_bytes([0; 16]),
        seq: 0,
    };
    let mut sealer = keys.blob_keys(&header).next().unwrap().sealer(0).unwrap();
    let mut blob = sealer.start().as_bytes().to_vec();
    sealer.update(tar, &mut blob).unwrap();
    sealer.finish(|piece| blob.write_all(piece)).unwrap();
    blob
}

/// A tar entry as the format wants it, for any path.
fn entry(path: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; BLOCK];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..124].copy_from_slice(b"0000644\x000000000\x000000000\0");
    let (length, time) = (content.len(), NOW.unix_secs());
    header[124..157].copy_from_slice(format!("{length:011o}\0{time:011o}\0        0").as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(BLOCK), 0);
    header
}

/// What a manifest says of one file.
type Line<'a> = (&'a str, u64, u64, [u8; 32]);

fn line<'a>(path: &'a str, content: &[u8]) -> Line<'a> {
    (path, NOW.unix_secs(), content.len() as u64, Sha256::digest(content).into())
}

/// The signed part of a manifest.
fn manifest(account: AccountId, identity: &Identity, lines: &[Line<'_>]) -> Vec<u8> {
    let mut out = b"BTA\x91".to_vec();
    out.extend_from_slice(account.as_bytes());
    out.extend_from_slice(&NOW.unix_millis().to_be_bytes());
    let lp = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    lp(&mut out, identity.public().encryption_spki());
    lp(&mut out, identity.public().signing_spki());
    out.extend_from_slice(&(lines.len() as u32).to_be_bytes());
    for (path, modified, length, hash) in lines {
        lp(&mut out, path.as_bytes());
        out.extend_from_slice(&modified.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(hash);
    }
    out
}

fn signed(identity: &Identity, mut manifest: Vec<u8>) -> Vec<u8> {
    let message = [b"blindtally/v1/signature\0\0\x07archive", &manifest[..]].concat();
    let key = RsaPrivateKey::from_pkcs8_der(identity.signing_pkcs8().unwrap().expose()).unwrap();
    let mut rng = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
    let signature = key.sign_with_rng(&mut rng, Pss::<Sha256>::new_with_salt(32), &Sha256::digest(message)).unwrap();
    manifest.extend_from_slice(&(signature.len() as u16).to_be_bytes());
    manifest.extend_from_slice(&signature);
    manifest
}

/// The end of a tar whose files have `before` bytes.
fn tail(mut signed: Vec<u8>, before: usize) -> Vec<u8> {
    signed.resize((signed.len() + 8).next_multiple_of(BLOCK) - 8, 0);
    signed.extend_from_slice(&(before as u64).to_be_bytes());
    [entry("blindtally.manifest", &signed), vec![0; 2 * BLOCK]].concat()
}

/// The archive that an owner could make who does not keep to the format.
fn hostile(owner: &Owner, entries: &[u8], lines: &[Line<'_>]) -> Vec<u8> {
    let identity = account_identity();
    let signed = signed(&identity, manifest(owner.account(), &identity, lines));
    sealed(owner, &[entries, &tail(signed, entries.len())].concat())
}

#[test]
fn what_is_made_by_hand_in_the_right_way_opens() {
    let (owner, ..) = running();
    let blob = hostile(&owner, &entry("a/b", b"abc"), &[line("a/b", b"abc")]);
    let expected = (Listing::Signed { made: NOW }, vec![("a/b".to_owned(), Ok(b"abc".to_vec()))]);
    assert_eq!(opened(&owner, &blob), expected);
}

/// SPEC.md#archive-outside
#[test]
fn hostile_paths_are_refused_whoever_signed_them() {
    let (owner, ..) = running();
    for paths in [
        &["../x"][..],
        &["/etc/passwd"],
        &["a/../../x"],
        &["a", "a"],
        &["a", "A"],
        &["a", "a/b"],
        &["a/b", "a"],
        &["C:x"],
        &["a\\..\\x"],
        &["nul.png"],
        &[""],
        &["blindtally.manifest"],
        &[".x"],
        &["a/.."],
    ] {
        let entries: Vec<u8> = paths.iter().flat_map(|path| entry(path, b"x")).collect();
        let lines: Vec<_> = paths.iter().map(|path| line(path, b"x")).collect();
        assert_eq!(refusal(&owner, &hostile(&owner, &entries, &lines)), "archive.path", "{paths:?}");

        // Nor are they found where the manifest is lost.
        let mut changed = sealed(&owner, &[&entries[..], &vec![0; 40_000]].concat());
        *changed.last_mut().unwrap() ^= 1;
        let (listing, found) = opened(&owner, &changed);
        assert_eq!(listing, Listing::Unlisted);
        assert!(found.len() < paths.len(), "{paths:?}");
    }
}

/// SPEC.md#archive-manifest
#[test]
fn a_manifest_that_is_not_of_this_archive_is_refused() {
    let (owner, ..) = running();
    let (own, other) = (account_identity(), other_identity());
    let entries = entry("a", b"abc");
    let lines = [line("a", b"abc")];
    let with = |signed: Vec<u8>| sealed(&owner, &[&entries[..], &tail(signed, entries.len())].concat());
    let good = signed(&own, manifest(owner.account(), &own, &lines));

    let strange = manifest(AccountId::from_bytes([1; 16]), &own, &lines);
    assert_eq!(refusal(&owner, &with(signed(&own, strange))), "archive.other-account");
    let strange = manifest(owner.account(), &other, &lines);
    assert_eq!(refusal(&owner, &with(signed(&other, strange))), "archive.other-account");
    let unsigned = signed(&other, manifest(owner.account(), &own, &lines));
    assert_eq!(refusal(&owner, &with(unsigned)), "archive.signature");
    let mut changed = good.clone();
    changed[20] ^= 1;
    assert_eq!(refusal(&owner, &with(changed)), "archive.signature");

    // Every path is looked at before any length, and nothing before the signature.
    let too_long_and = |second: &'static str| [("a", 0, 1 << 33, [0; 32]), (second, 0, 0, [0; 32])];
    assert_eq!(refusal(&owner, &hostile(&owner, &[], &too_long_and("../b"))), "archive.path");
    assert_eq!(refusal(&owner, &hostile(&owner, &[], &too_long_and("b"))), "archive.too-long");
    let mut no_text = manifest(owner.account(), &own, &[line("a", b"abc")]);
    let at = no_text.len() - 32 - 16 - 1;
    no_text[at] = 0xff;
    assert_eq!(refusal(&owner, &with(signed(&other, no_text.clone()))), "archive.signature");
    assert_eq!(refusal(&owner, &with(signed(&own, no_text))), "archive.path");

    // Layout: a file too few, too many, zeros too many, another beginning, no room for a manifest at all.
    assert_eq!(refusal(&owner, &hostile(&owner, &[&entries[..], &entry("b", b"")].concat(), &lines)), "archive.layout");
    assert_eq!(refusal(&owner, &hostile(&owner, &[], &lines)), "archive.layout");
    let zeros = [&good[..], &[0; BLOCK]].concat();
    assert_eq!(refusal(&owner, &with(zeros)), "archive.layout");
    let elsewhere = sealed(&owner, &[&entries[..], &tail(good.clone(), 0)].concat());
    assert_eq!(refusal(&owner, &elsewhere), "malformed.magic");
    let beyond = sealed(&owner, &[&entries[..], &tail(good, usize::MAX)].concat());
    assert_eq!(refusal(&owner, &beyond), "archive.layout");
    assert_eq!(refusal(&owner, &sealed(&owner, b"")), "archive.layout");
    assert_eq!(refusal(&owner, &sealed(&owner, &[0; 1024])), "archive.layout");
    assert_eq!(refusal(&owner, &sealed(&owner, &[0; 4096])), "malformed.magic");
}

#[test]
fn a_file_is_damaged_whose_header_content_or_filling_is_not_what_the_manifest_states() {
    let (owner, ..) = running();
    let mut with_filling = entry("a", b"abc");
    *with_filling.last_mut().unwrap() = 1;
    let mut with_owner = entry("a", b"abc");
    with_owner[265] = b'x';
    for wrong in [entry("b", b"abc"), entry("a", b"abd"), entry("a", b"ab"), with_filling, with_owner] {
        let (_, found) = opened(&owner, &hostile(&owner, &wrong, &[line("a", b"abc")]));
        assert_eq!(found, [("a".to_owned(), Err("archive.damaged"))]);
    }
}

#[test]
fn more_files_than_the_format_allows_are_refused_with_and_without_a_manifest() {
    let (owner, ..) = running();
    let identity = account_identity();
    let mut many = manifest(owner.account(), &identity, &[]);
    let count = many.len() - 4;
    many[count..].copy_from_slice(&1_000_000_u32.to_be_bytes());
    let blob = sealed(&owner, &tail(signed(&identity, many), 0));
    assert_eq!(refusal(&owner, &blob), "archive.too-many");

    let one = entry("a", b"");
    let mut blob = sealed(&owner, &one.repeat((1 << 18) + 1));
    *blob.last_mut().unwrap() ^= 1;
    assert_eq!(refusal(&owner, &blob), "archive.too-many");
}

#[test]
fn a_manifest_longer_than_the_format_allows_is_refused_before_it_is_read() {
    let (owner, ..) = running();
    let far = sealed(&owner, &[vec![0; 50 << 20], vec![0; 8 + 2 * BLOCK]].concat());
    assert_eq!(refusal(&owner, &far), "malformed.too-long");
}

#[test]
fn what_opens_one_archive_needs_no_keys_any_more() {
    let (owner, ..) = running();
    let sealed = archive(&owner, &some_files());
    let mut inner = Cursor::new(&sealed);
    let start = BlobStart::read(&mut inner).unwrap();
    let access = owner.opening_keys().archive_access(&start).unwrap();
    drop(owner);
    let mut archive = access.open(inner).unwrap();
    assert_eq!(archive.listing(), Listing::Signed { made: NOW });
    archive.check(2).unwrap();

    let (other, ..) = running();
    assert!(matches!(other.opening_keys().archive_access(&start), Err(ArchiveError::OtherAccount)));
}
