//! Blobs: streamed in and out, stored once under one id, and nothing visible of what was cut off.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use blindtally_server::{Config, StartError, serve};
use data_encoding::HEXLOWER;
use reqwest::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::api::{Account, Answer, DELETE, Device, GET, HEAD, POST, PUT, Service, random, random_id, sha256};
use crate::crash::Program;
use crate::database::{Database, on_both_databases, on_sqlite};

/// Header, salt and commitment.
const BEFORE_CHUNKS: usize = 47 + 56;

/// A blob as an agent seals it, but for what only a key could tell; `chunks` bytes come after the commitment.
pub(crate) fn sealed(device_id: &str, blob_id: &str, class: u8, seq: u64, chunks: usize) -> Vec<u8> {
    let mut bytes = b"BTB\x31".to_vec();
    bytes.extend([class, 0, 1]);
    bytes.extend(HEXLOWER.decode(device_id.as_bytes()).unwrap());
    bytes.extend(HEXLOWER.decode(blob_id.as_bytes()).unwrap());
    bytes.extend(seq.to_be_bytes());
    let random: [u8; 56] = random();
    bytes.extend(random);
    // Different everywhere, so that a piece in the wrong place shows.
    bytes.extend((0..chunks as u64).map(|i| (i * i / 251) as u8));
    bytes
}

fn path_of(blob: &[u8]) -> String {
    format!("/api/v1/blobs/{}", HEXLOWER.encode(&blob[23..39]))
}

/// Sends a blob to where its header says.
pub(crate) async fn send(device: &Device, blob: Vec<u8>) -> Answer {
    device.call(PUT, &path_of(&blob)).bytes(blob).await
}

async fn list(account: &Account, query: &str) -> Vec<Value> {
    account.get(&format!("/api/v1/blobs?{query}")).await["blobs"].as_array().unwrap().clone()
}

async fn a_device(database: &Database) -> (Service, Account, Device) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    (service, account, device)
}

/// A body that the test sends piece by piece; it breaks off when the sender sends an error.
fn by_hand() -> (mpsc::Sender<std::io::Result<Vec<u8>>>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        let piece: std::io::Result<Vec<u8>> = receiver.recv().await?;
        Some((piece, receiver))
    });
    (sender, Body::wrap_stream(pieces))
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

async fn a_blob_comes_back_as_it_was(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let id = random_id();
    let blob = sealed(&device.device_id, &id, 32, 1_700_000_000_123, 3 * 16_400 + 100);
    assert_eq!(send(&device, blob.clone()).await.ok(201), json!({"duplicate": false}));
    assert_eq!(send(&device, blob.clone()).await.ok(200), json!({"duplicate": true}));
    let entry = json!({
        "id": id, "device": device.device_id, "class": 32, "epoch": 1, "seq": 1_700_000_000_123_u64, "size": blob.len(),
    });
    assert_eq!(list(&account, "").await, [entry]);
    let whole = account.call(GET, &path_of(&blob)).send().await;
    assert_eq!((whole.status, &whole.body), (200, &blob));
    let head = account.call(HEAD, &path_of(&blob)).header("range", "bytes=0-1").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for answer in [&whole, &head] {
        assert_eq!(answer.headers["content-type"], "application/octet-stream");
        assert_eq!(answer.headers["content-length"], blob.len().to_string());
        assert_eq!(answer.headers["accept-ranges"], "bytes");
        assert_eq!(answer.headers["etag"], format!("\"{}\"", HEXLOWER.encode(&sha256(&blob))));
    }
    assert_eq!(database.blob_files().len(), 1);
    account.call(DELETE, &path_of(&blob)).send().await.ok(204);
    account.call(DELETE, &path_of(&blob)).send().await.refused(404, "blob.unknown");
    account.call(GET, &path_of(&blob)).send().await.refused(404, "blob.unknown");
    assert_eq!(account.call(HEAD, &path_of(&blob)).send().await.status, 404);
    assert!(database.blob_files().is_empty());
    // Its id is free again.
    send(&device, blob).await.ok(201);
}

async fn other_bytes_under_the_same_id_are_refused_and_what_is_stored_stays(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let id = random_id();
    let blob = sealed(&device.device_id, &id, 32, 1, 100);
    send(&device, blob.clone()).await.ok(201);
    send(&device, sealed(&device.device_id, &id, 32, 1, 100)).await.refused(409, "blob.exists");
    send(&device, sealed(&device.device_id, &id, 33, 2, 16_400 + 16)).await.refused(409, "blob.exists");
    let other = account.device().await;
    send(&other, sealed(&other.device_id, &id, 32, 1, 100)).await.refused(409, "blob.exists");
    assert_eq!(account.call(GET, &path_of(&blob)).send().await.body, blob);
    assert_eq!(database.blob_files().len(), 1);
}

async fn blobs_of_two_accounts_never_meet(database: Database) {
    let (service, account, device) = a_device(&database).await;
    let eve = service.sign_up("eve").await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 100);
    send(&device, blob.clone()).await.ok(201);
    let path = path_of(&blob);
    assert!(list(&eve, "").await.is_empty());
    for method in [GET, DELETE] {
        eve.call(method, &path).send().await.refused(404, "blob.unknown");
    }
    let query = format!("/api/v1/blobs?device={}", device.device_id);
    assert_eq!(eve.call(DELETE, &query).send().await.ok(200), json!({"deleted": 0}));
    // The same id, and nothing that would tell that another account has it.
    let theirs = eve.device().await;
    let other = sealed(&theirs.device_id, &HEXLOWER.encode(&blob[23..39]), 32, 1, 100);
    send(&theirs, other.clone()).await.ok(201);
    assert_eq!(eve.call(GET, &path).send().await.body, other);
    assert_eq!(account.call(GET, &path).send().await.body, blob);
    eve.call(DELETE, &path).send().await.ok(204);
    assert_eq!(account.call(GET, &path).send().await.body, blob);
}

async fn one_range_of_a_blob_is_read(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 2 * 16_400 + 100);
    send(&device, blob.clone()).await.ok(201);
    let size = blob.len();
    let ask = async |range: &str| account.call(GET, &path_of(&blob)).header("range", range).send().await;
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-46", 0..47),
        ("bytes=47-", 47..size),
        ("Bytes= 100-20000", 100..20_001),
        ("bytes=-1", size - 1..size),
        ("bytes=-999999", 0..size),
        ("bytes=5-999999999999999999999999", 5..size),
        (",bytes=0-1", 0..0),
    ] {
        let answer = ask(range).await;
        if expected.is_empty() {
            // A unit that nobody knows.
            assert_eq!((answer.status, &answer.body), (200, &blob), "{range}");
            continue;
        }
        assert_eq!(answer.status, 206, "{range}");
        let content_range = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(answer.headers["content-range"], content_range, "{range}");
        assert_eq!(answer.headers["content-length"], expected.len().to_string());
        assert_eq!(answer.body, blob[expected], "{range}");
    }
    let beyond = format!("bytes={size}-");
    for range in [&beyond, "bytes=-0", "bytes=2-1", "bytes=", "bytes=,", "bytes=x-y", "bytes=1", "bytes=--1", "bytes"] {
        let answer = ask(range).await;
        assert_eq!(answer.headers["content-range"], format!("bytes */{size}"), "{range}");
        answer.refused(416, "request.range");
    }
    for range in ["bytes=0-1,5-6", "items=0-1"] {
        let answer = ask(range).await;
        assert_eq!((answer.status, &answer.body), (200, &blob), "{range}");
    }
    let etag = format!("\"{}\"", HEXLOWER.encode(&sha256(&blob)));
    for (condition, status) in [(etag.as_str(), 206), ("\"another\"", 200), ("Sun, 22 Nov 2026 00:00:00 GMT", 200)] {
        let call = account.call(GET, &path_of(&blob)).header("range", "bytes=0-1").header("if-range", condition);
        assert_eq!(call.send().await.status, status, "{condition}");
    }
}

async fn a_wrong_header_stores_nothing(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let id = random_id();
    let good = sealed(&device.device_id, &id, 32, 1, 100);
    let path = path_of(&good);
    let changed = |place: usize, byte: u8| {
        let mut blob = good.clone();
        blob[place] = byte;
        blob
    };
    let mut wrong = vec![
        // Magic, kind, suite; classes of tokens and records, and those of nothing; epoch 0; a sequence number of 2^63.
        changed(0, b'b'),
        changed(2, b'V'),
        changed(3, 0x21),
        changed(4, 1),
        changed(4, 16),
        changed(4, 35),
        changed(4, 39),
        changed(4, 41),
        changed(4, 223),
        changed(6, 0),
        changed(39, 0x80),
        // Another id than the path's.
        changed(23, good[23] ^ 1),
    ];
    wrong.extend([0, 1, 4, 46, 47, 102, 103, 118].map(|length| good[..length].to_vec()));
    for blob in wrong {
        device.call(PUT, &path).bytes(blob).await.refused(400, "blob.invalid");
    }
    let other = account.device().await;
    for foreign in [&other.device_id, &"0".repeat(32)] {
        let blob = sealed(foreign, &id, 32, 1, 100);
        device.call(PUT, &path).bytes(blob).await.refused(403, "blob.device");
    }
    for path in ["/api/v1/blobs/x", "/api/v1/blobs/ABCDEF00112233445566778899AABBCC"] {
        device.call(PUT, path).bytes(good.clone()).await.refused(400, "request.malformed");
        account.call(GET, path).send().await.refused(400, "request.malformed");
    }
    let encoded = device.call(PUT, &path).header("content-encoding", "gzip").bytes(good.clone());
    encoded.await.refused(415, "request.encoding");
    assert!(list(&account, "").await.is_empty());
    assert!(database.blob_files().is_empty());
    for (class, seq) in [(32, 0), (33, 1), (34, i64::MAX as u64), (40, 1), (224, 1), (255, 1)] {
        send(&device, sealed(&device.device_id, &random_id(), class, seq, 16)).await.ok(201);
    }
}

async fn the_last_chunk_of_a_blob_is_never_full_and_never_without_its_tag(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let blob = |chunks: usize| sealed(&device.device_id, &random_id(), 40, 1, chunks);
    for chunks in [0, 1, 15, 16_400, 16_400 + 15, 8 * 16_400, 8 * 16_400 + 15] {
        send(&device, blob(chunks)).await.refused(400, "blob.invalid");
    }
    assert!(database.blob_files().is_empty());
    for chunks in [16, 17, 16_399, 16_400 + 16, 8 * 16_400 + 16, 8 * 16_400 + 16_399] {
        let blob = blob(chunks);
        send(&device, blob.clone()).await.ok(201);
        assert_eq!(account.call(GET, &path_of(&blob)).send().await.body, blob);
    }
}

async fn a_blob_above_the_limit_is_refused(database: Database) {
    let limit = BEFORE_CHUNKS + 300_000;
    let service = database.start_with(|config| config.max_blob_bytes = limit as u64).await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let blob = |chunks: usize| sealed(&device.device_id, &random_id(), 40, 1, chunks);
    send(&device, blob(300_000)).await.ok(201);
    send(&device, blob(300_001)).await.refused(413, "request.too-large");
    // Without a length that is announced, it shows when it has come.
    let large = blob(300_001);
    let (sender, body) = by_hand();
    let answer = tokio::spawn(device.call(PUT, &path_of(&large)).bytes(body));
    for piece in large.chunks(50_000) {
        // The rest is of no interest after the refusal.
        let _ = sender.send(Ok(piece.to_vec())).await;
    }
    drop(sender);
    answer.await.unwrap().refused(413, "request.too-large");
    assert_eq!(list(&account, "").await.len(), 1);
    assert_eq!(database.blob_files().len(), 1);
}

async fn of_uploads_of_one_id_at_once_one_is_stored(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 100_000);
    let same = vec![blob.clone(); 6];
    let id = random_id();
    let different = (0..6).map(|seq| sealed(&device.device_id, &id, 32, seq, 100_000)).collect();
    for (blobs, other_status) in [(same, 200), (different, 409)] {
        let uploads: Vec<_> = blobs
            .into_iter()
            .map(|blob: Vec<u8>| {
                let device = device.clone();
                tokio::spawn(async move { (send(&device, blob.clone()).await.status, blob) })
            })
            .collect();
        let mut stored = Vec::new();
        for upload in uploads {
            match upload.await.unwrap() {
                (201, blob) => stored.push(blob),
                (status, _) => assert_eq!(status, other_status),
            }
        }
        assert_eq!(stored.len(), 1);
        assert_eq!(account.call(GET, &path_of(&stored[0])).send().await.body, stored[0]);
    }
    assert_eq!(database.blob_files().len(), 2);
}

/// What a test has sent; sorted as the service lists it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    seq: u64,
    id: String,
    class: u8,
    device: String,
}

async fn pages_of_blobs_are_in_the_order_of_time_and_then_of_id(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let other = account.device().await;
    let mut blobs = Vec::new();
    for (device, class, seq) in [(&device, 32, 9), (&device, 33, 5), (&other, 32, 5), (&device, 32, 5), (&other, 40, 0)]
    {
        let id = random_id();
        send(device, sealed(&device.device_id, &id, class, seq, 16)).await.ok(201);
        blobs.push(Sent { seq, id, class, device: device.device_id.clone() });
    }
    blobs.sort();
    let ids = |keep: &dyn Fn(&Sent) -> bool| -> Vec<String> {
        blobs.iter().filter(|blob| keep(blob)).map(|blob| blob.id.clone()).collect()
    };
    let read = async |query: &str| -> Vec<String> {
        list(&account, query).await.iter().map(|blob| blob["id"].as_str().unwrap().to_owned()).collect()
    };
    for limit in 1..=6 {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = account.get(&format!("/api/v1/blobs?limit={limit}{after}")).await;
            found.extend(page["blobs"].as_array().unwrap().iter().map(|blob| blob["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(found, ids(&|_| true), "{limit}");
    }
    assert_eq!(read("class=32").await, ids(&|blob| blob.class == 32));
    assert_eq!(read("from_ms=5&to_ms=9").await, ids(&|blob| blob.seq == 5));
    assert_eq!(read(&format!("device={}", other.device_id)).await, ids(&|blob| blob.device == other.device_id));
    for query in ["limit=0", "limit=1001", "after=x", "after=AAAA", "class=-1", "to_ms=1.5"] {
        let answer = account.call(GET, &format!("/api/v1/blobs?{query}")).send().await;
        answer.refused(400, "query.invalid");
    }

    account.call(DELETE, "/api/v1/blobs").send().await.refused(400, "query.invalid");
    let path = format!("/api/v1/blobs?before_ms=9&device={}", device.device_id);
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 2}));
    assert_eq!(account.call(DELETE, "/api/v1/blobs?before_ms=1").send().await.ok(200), json!({"deleted": 1}));
    assert_eq!(read("").await, ids(&|blob| blob.seq == 9 || (blob.seq == 5 && blob.device == other.device_id)));
    assert_eq!(database.blob_files().len(), 2);
}

async fn only_a_device_in_good_standing_sends_and_only_the_owner_reads(database: Database) {
    let (service, account, device) = a_device(&database).await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 16_400 + 16);
    let path = path_of(&blob);
    account.call(PUT, &path).bytes(blob.clone()).await.refused(401, "auth.refused");
    service.call(PUT, &path).bytes(blob.clone()).await.refused(401, "auth.missing");
    send(&device, blob.clone()).await.ok(201);
    for (method, path) in
        [(GET, path.as_str()), (DELETE, &path), (GET, "/api/v1/blobs"), (DELETE, "/api/v1/blobs?before_ms=9")]
    {
        device.call(method, path).send().await.refused(401, "auth.refused");
    }
    // Revoked while it is sending.
    let late = sealed(&device.device_id, &random_id(), 32, 1, 16_400 + 16);
    let (sender, body) = by_hand();
    let answer = tokio::spawn(device.call(PUT, &path_of(&late)).bytes(body));
    sender.send(Ok(late[..1_000].to_vec())).await.unwrap();
    let revoke = format!("/api/v1/devices/{}/revoke", device.device_id);
    account.call(POST, &revoke).send().await.ok(204);
    // Nobody may be reading any more: if the revocation came before the bearer was looked at, that was the refusal.
    let _ = sender.send(Ok(late[1_000..].to_vec())).await;
    drop(sender);
    answer.await.unwrap().refused(403, "device.revoked");
    send(&device, blob).await.refused(403, "device.revoked");
    assert_eq!(list(&account, "").await.len(), 1);
    assert_eq!(database.blob_files().len(), 1);
}

async fn an_upload_that_its_client_breaks_off_leaves_nothing(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 20 * 16_400 + 16);
    let (sender, body) = by_hand();
    let call = device.call(PUT, &path_of(&blob));
    let upload = tokio::spawn(call.bytes(body));
    sender.send(Ok(blob[..200_000].to_vec())).await.unwrap();
    until(|| !database.blob_files().is_empty()).await;
    upload.abort();
    until(|| database.blob_files().is_empty()).await;
    assert!(list(&account, "").await.is_empty());
    account.call(GET, &path_of(&blob)).send().await.refused(404, "blob.unknown");
    send(&device, blob).await.ok(201);
}

/// Written by hand: a client library reads no answer before it has sent everything.
async fn an_upload_that_stalls_is_given_up(database: Database) {
    let service = database.start_with(|config| config.request_timeout = Duration::from_secs(2)).await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 20 * 16_400 + 16);
    let address = service.address();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        path_of(&blob),
        device.bearer,
        blob.len()
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&blob[..200_000]).unwrap();
        let mut first = [0; 512];
        let length = socket.read(&mut first).unwrap();
        String::from_utf8_lossy(&first[..length]).into_owned()
    })
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(list(&account, "").await.is_empty());
    assert!(database.blob_files().is_empty());
}

async fn an_upload_that_moves_may_take_longer_than_a_request(database: Database) {
    let limit = Duration::from_secs(3);
    let service = database.start_with(|config| config.request_timeout = limit).await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 40 * 16_400 + 16);
    let (sender, body) = by_hand();
    let upload = tokio::spawn(device.call(PUT, &path_of(&blob)).bytes(body));
    // A piece of 64 KiB and more every 400 ms: each is in time, and all of them together are not.
    let pause = Duration::from_millis(400);
    let pieces = blob.chunks(70_000);
    assert!(pause * pieces.len() as u32 > limit);
    for piece in pieces {
        sender.send(Ok(piece.to_vec())).await.unwrap();
        tokio::time::sleep(pause).await;
    }
    drop(sender);
    upload.await.unwrap().ok(201);
    assert_eq!(account.call(GET, &path_of(&blob)).send().await.body, blob);
}

async fn what_a_kill_leaves_over_is_removed_at_the_next_start(database: Database) {
    let program = Program::start(&database);
    let account = program.client.sign_up("ada").await;
    let device = account.device().await;
    let kept = sealed(&device.device_id, &random_id(), 32, 1, 100);
    send(&device, kept.clone()).await.ok(201);
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 20 * 16_400 + 16);
    let (sender, body) = by_hand();
    let upload = tokio::spawn(device.call(PUT, &path_of(&blob)).bytes(body));
    sender.send(Ok(blob[..200_000].to_vec())).await.unwrap();
    until(|| database.blob_files().len() == 2).await;
    program.kill();
    // It broke, so that the client knows that nothing was stored.
    assert!(upload.await.is_err());
    assert_eq!(database.blob_files().len(), 2);

    let program = Program::start(&database);
    until(|| database.blob_files().len() == 1).await;
    let client = program.client.clone();
    let account = Account { client: client.clone(), ..account };
    let device = Device { client, ..device };
    assert_eq!(list(&account, "").await.len(), 1);
    assert_eq!(account.call(GET, &path_of(&kept)).send().await.body, kept);
    send(&device, blob.clone()).await.ok(201);
    program.kill();
    let program = Program::start(&database);
    let account = Account { client: program.client.clone(), ..account };
    assert_eq!(account.call(GET, &path_of(&blob)).send().await.body, blob);
    program.kill();
}

async fn maintenance_removes_leftovers_and_no_upload_that_is_under_way(database: Database) {
    let service = database.start_with(|config| config.maintenance_period = Duration::from_millis(10)).await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let stored = sealed(&device.device_id, &random_id(), 32, 1, 100);
    send(&device, stored.clone()).await.ok(201);
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 20 * 16_400 + 16);
    let (sender, body) = by_hand();
    let upload = tokio::spawn(device.call(PUT, &path_of(&blob)).bytes(body));
    sender.send(Ok(blob[..200_000].to_vec())).await.unwrap();
    until(|| database.blob_files().len() == 2).await;
    let strangers = [database.blobs().join("ab/not of ours"), database.blobs().join("readme")];
    for round in 0..3 {
        let folder = database.blobs().join("ab");
        std::fs::create_dir_all(&folder).unwrap();
        let name = format!("ab{round:030}");
        let left = [folder.join(&name), folder.join(format!("{name}#1"))];
        for file in left.iter().chain(&strangers) {
            std::fs::write(file, "left over").unwrap();
        }
        until(|| left.iter().all(|file| !file.exists())).await;
    }
    assert!(strangers.iter().all(|file| file.exists()));
    sender.send(Ok(blob[200_000..].to_vec())).await.unwrap();
    drop(sender);
    upload.await.unwrap().ok(201);
    for blob in [stored, blob] {
        assert_eq!(account.call(GET, &path_of(&blob)).send().await.body, blob);
    }
}

async fn a_folder_of_blobs_belongs_to_one_service_of_one_database(database: Database) {
    let service = database.start().await;
    let mut second = Config::new(&database.url);
    second.blobs = Some(database.blobs());
    assert!(matches!(serve(second.clone()).await, Err(StartError::BlobsInUse)));
    service.stop().await;
    serve(second).await.unwrap().shutdown().await.unwrap();
    // With another database every blob would be a leftover.
    let mut other = Config::sqlite(&database.folder().join("other.db"));
    other.blobs = Some(database.blobs());
    assert!(matches!(serve(other).await, Err(StartError::BlobsOfAnother)));
    let mut nowhere = Config::new(&database.url);
    std::fs::write(database.folder().join("file"), "").unwrap();
    nowhere.blobs = Some(database.folder().join("file/blobs"));
    assert!(matches!(serve(nowhere).await, Err(StartError::Blobs(_))));
}

async fn without_a_folder_for_them_blobs_are_neither_taken_nor_given(database: Database) {
    // SQLite always has one beside it.
    if database.url.starts_with("sqlite") {
        assert!(!database.blobs().exists());
        database.start().await.stop().await;
        assert!(database.blobs().exists());
        return;
    }
    let service = database.start_with(|config| config.blobs = None).await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 100);
    send(&device, blob.clone()).await.refused(501, "blob.store");
    account.call(GET, &path_of(&blob)).send().await.refused(501, "blob.store");
    assert!(list(&account, "").await.is_empty());
    assert_eq!(account.call(DELETE, "/api/v1/blobs?before_ms=9").send().await.ok(200), json!({"deleted": 0}));
}

async fn a_file_that_is_gone_or_cut_off_is_an_error_and_no_blob(database: Database) {
    let (_service, account, device) = a_device(&database).await;
    let blob = sealed(&device.device_id, &random_id(), 32, 1, 20_000);
    send(&device, blob.clone()).await.ok(201);
    let file = database.blob_files().remove(0);
    std::fs::write(&file, &blob[..19_000]).unwrap();
    account.call(GET, &path_of(&blob)).send().await.refused(500, "storage.failed");
    std::fs::remove_file(&file).unwrap();
    account.call(GET, &path_of(&blob)).send().await.refused(500, "storage.failed");
    account.call(DELETE, &path_of(&blob)).send().await.ok(204);
}

/// The program in a process of its own, whose peak the kernel knows.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_streams_in_constant_memory() {
    fn peak_kib(process: u32) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
    on_sqlite(async |database: Database| {
        let program = Program::start(&database);
        let account = program.client.sign_up("ada").await;
        let device = account.device().await;
        let small = sealed(&device.device_id, &random_id(), 40, 1, 300_000);
        send(&device, small.clone()).await.ok(201);
        assert_eq!(account.call(GET, &path_of(&small)).send().await.body, small);
        let before = peak_kib(program.process());

        let blob = sealed(&device.device_id, &random_id(), 40, 1, 96 * 1024 * 1024 + 5_000);
        assert!((blob.len() - BEFORE_CHUNKS) % 16_400 >= 16);
        let blob = Arc::new(blob);
        send(&device, blob.to_vec()).await.ok(201);
        assert!(account.call(GET, &path_of(&blob)).send().await.body == *blob);
        let grown = peak_kib(program.process()) - before;
        assert!(grown < 24 * 1024, "{grown} KiB");
        program.kill();
    })
    .await;
}

on_both_databases![
    a_blob_comes_back_as_it_was,
    other_bytes_under_the_same_id_are_refused_and_what_is_stored_stays,
    blobs_of_two_accounts_never_meet,
    one_range_of_a_blob_is_read,
    a_wrong_header_stores_nothing,
    the_last_chunk_of_a_blob_is_never_full_and_never_without_its_tag,
    a_blob_above_the_limit_is_refused,
    of_uploads_of_one_id_at_once_one_is_stored,
    pages_of_blobs_are_in_the_order_of_time_and_then_of_id,
    only_a_device_in_good_standing_sends_and_only_the_owner_reads,
    an_upload_that_its_client_breaks_off_leaves_nothing,
    an_upload_that_stalls_is_given_up,
    an_upload_that_moves_may_take_longer_than_a_request,
    what_a_kill_leaves_over_is_removed_at_the_next_start,
    maintenance_removes_leftovers_and_no_upload_that_is_under_way,
    a_folder_of_blobs_belongs_to_one_service_of_one_database,
    without_a_folder_for_them_blobs_are_neither_taken_nor_given,
    a_file_that_is_gone_or_cut_off_is_an_error_and_no_blob,
];
