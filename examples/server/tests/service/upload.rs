//! How batches travel: compressed, and never larger than allowed.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::api::{Answer, Device, POST, PUT, event};
use crate::database::{Database, on_both_databases};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

async fn send(device: &Device, encoding: &str, body: Vec<u8>) -> Answer {
    device
        .call(POST, "/api/v1/events")
        .header("content-encoding", encoding)
        .bytes(body)
        .await
}

async fn batches_may_be_compressed(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let batch = |seq: u64| {
        json!({"events": [event(seq, "a")]})
            .to_string()
            .into_bytes()
    };
    assert_eq!(
        send(&device, "identity", batch(1)).await.ok(200)["stored"],
        1
    );
    assert_eq!(
        send(&device, "gzip", gzip(&batch(2))).await.ok(200)["stored"],
        1
    );
    assert_eq!(
        send(&device, "zstd", zstd(&batch(3))).await.ok(200)["stored"],
        1
    );
    for encoding in ["br", "deflate", "gzip, gzip", "x"] {
        send(&device, encoding, batch(4))
            .await
            .refused(415, "request.encoding");
    }
    for (encoding, mut body) in [("gzip", gzip(&batch(4))), ("zstd", zstd(&batch(4)))] {
        send(&device, encoding, batch(4))
            .await
            .refused(400, "request.malformed");
        body.truncate(body.len() / 2);
        send(&device, encoding, body)
            .await
            .refused(400, "request.malformed");
    }
    // Only batches may be compressed.
    let answer = account
        .call(PUT, "/api/v1/policy")
        .header("content-encoding", "gzip");
    answer
        .bytes(gzip(b"policy"))
        .await
        .refused(415, "request.encoding");
}

async fn the_limit_is_on_what_a_body_decompresses_to(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let padded = |length: usize| {
        let mut body = json!({"events": [event(1, "a")]}).to_string().into_bytes();
        body.resize(length, b' ');
        body
    };
    let limit = 16 * 1024 * 1024;
    send(&device, "gzip", gzip(&padded(limit))).await.ok(200);
    send(&device, "gzip", gzip(&padded(limit + 1)))
        .await
        .refused(413, "request.too-large");
    send(&device, "zstd", zstd(&padded(limit + 1)))
        .await
        .refused(413, "request.too-large");
    let bomb = gzip(&vec![b' '; 300 * 1024 * 1024]);
    assert!(bomb.len() < 2 * 1024 * 1024);
    send(&device, "gzip", bomb)
        .await
        .refused(413, "request.too-large");
}

async fn a_batch_has_at_most_5000_events(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let events = |count: u64| {
        (0..count)
            .map(|seq| event(seq, "a"))
            .collect::<Vec<Value>>()
    };
    let answer = device.upload(json!({"events": events(5_001)})).await;
    answer.refused(413, "event.too-many");
    let receipt = device
        .upload(json!({"events": events(5_000)}))
        .await
        .ok(200);
    assert_eq!(receipt["stored"], 5_000);
    let enrich = vec![json!({"seq": 0, "values": {"app": "a"}}); 5_001];
    device
        .upload(json!({ "enrich": enrich }))
        .await
        .refused(413, "event.too-many");
}

/// Written by hand: a client library would not begin to send what it has been told is too large.
async fn a_body_of_300_mb_is_refused_before_it_is_sent(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let address = service.address();
    let bearer = device.bearer.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {bearer}\r\n\
             content-length: {}\r\n\r\n",
            300 * 1024 * 1024
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut first = [0; 512];
        let length = socket.read(&mut first).unwrap();
        String::from_utf8_lossy(&first[..length]).into_owned()
    })
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

on_both_databases![
    batches_may_be_compressed,
    the_limit_is_on_what_a_body_decompresses_to,
    a_batch_has_at_most_5000_events,
    a_body_of_300_mb_is_refused_before_it_is_sent,
];
