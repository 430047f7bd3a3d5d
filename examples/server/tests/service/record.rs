//! Records: stored once, read in pages, and nothing of a batch that is wrong.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::api::{Account, Answer, DELETE, Device, GET, POST, b64, random};
use crate::database::{Database, on_both_databases};

/// A record as an agent seals it, but for what only a key could tell.
pub(crate) fn sealed(device_id: &str, class: u8, seq: u64) -> Vec<u8> {
    of_length(device_id, class, seq, 16)
}

/// One whose padded value has this length.
fn of_length(device_id: &str, class: u8, seq: u64, padded: usize) -> Vec<u8> {
    let mut bytes = vec![0x21, class, 0, 1];
    bytes.extend(HEXLOWER.decode(device_id.as_bytes()).unwrap());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(random::<28>());
    bytes.resize(bytes.len() + padded, 7);
    bytes
}

pub(crate) fn text(record: &[u8]) -> String {
    format!("br1_{}", b64(record))
}

fn batch(records: &[Vec<u8>]) -> Value {
    json!({ "records": records.iter().map(|record| text(record)).collect::<Vec<_>>() })
}

pub(crate) async fn send(device: &Device, records: &[Vec<u8>]) -> Answer {
    device.call(POST, "/api/v1/records").json(batch(records)).await
}

async fn send_texts(device: &Device, records: Value) -> Answer {
    device.call(POST, "/api/v1/records").json(json!({ "records": records })).await
}

async fn read(account: &Account, query: &str) -> Vec<String> {
    let page = account.get(&format!("/api/v1/records?{query}")).await;
    page["records"].as_array().unwrap().iter().map(|record| record.as_str().unwrap().to_owned()).collect()
}

fn texts(records: &[&Vec<u8>]) -> Vec<String> {
    records.iter().map(|record| text(record)).collect()
}

async fn a_record_sent_again_changes_nothing(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let [a, b, c] = [1, 1, 2].map(|seq| sealed(&device.device_id, 16, seq));
    let receipt = send(&device, &[a.clone(), b.clone(), a.clone()]).await.ok(200);
    assert_eq!(receipt, json!({"stored": 2, "duplicates": 1}));
    let receipt = send(&device, &[b.clone(), c.clone()]).await.ok(200);
    assert_eq!(receipt, json!({"stored": 1, "duplicates": 1}));
    // One byte more or less is another record.
    let mut d = c.clone();
    d[30] ^= 1;
    assert_eq!(send(&device, std::slice::from_ref(&d)).await.ok(200)["stored"], 1);
    assert_eq!(read(&account, "").await, texts(&[&a, &b, &c, &d]));
}

async fn batches_of_records_may_be_compressed(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let body = batch(&[sealed(&device.device_id, 17, 1)]).to_string().into_bytes();
    let post = |encoding: &str| device.call(POST, "/api/v1/records").header("content-encoding", encoding);
    let receipt = post("zstd").bytes(::zstd::encode_all(&body[..], 1).unwrap()).await.ok(200);
    assert_eq!(receipt["stored"], 1);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &body).unwrap();
    assert_eq!(post("gzip").bytes(gzip.finish().unwrap()).await.ok(200)["duplicates"], 1);
    post("br").bytes(body).await.refused(415, "request.encoding");
    let bomb = ::zstd::encode_all(&vec![b' '; 32 * 1024 * 1024 + 1][..], 1).unwrap();
    post("zstd").bytes(bomb).await.refused(413, "request.too-large");
}

async fn pages_are_in_the_order_of_time_and_then_of_arrival(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (first, second) = (account.device().await, account.device().await);
    let late = sealed(&first.device_id, 16, i64::MAX as u64);
    let early = sealed(&first.device_id, 16, 0);
    let [same, same_too] = [17, 18].map(|class| sealed(&first.device_id, class, 5));
    let other = sealed(&second.device_id, 223, 5);
    send(&first, &[late.clone(), same.clone()]).await.ok(200);
    send(&second, std::slice::from_ref(&other)).await.ok(200);
    send(&first, &[early.clone(), same_too.clone()]).await.ok(200);

    let whole = texts(&[&early, &same, &other, &same_too, &late]);
    assert_eq!(read(&account, "").await, whole);
    for limit in 1..=6 {
        let (mut read, mut after) = (Vec::new(), String::new());
        loop {
            let page = account.get(&format!("/api/v1/records?limit={limit}{after}")).await;
            let records = page["records"].as_array().unwrap();
            assert!(!records.is_empty() && records.len() <= limit);
            read.extend(records.iter().map(|record| record.as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(read, whole, "{limit}");
    }
    assert_eq!(read(&account, &format!("device={}", second.device_id)).await, texts(&[&other]));
    assert_eq!(read(&account, "class=16").await, texts(&[&early, &late]));
    assert_eq!(read(&account, "class=16&from_ms=1").await, texts(&[&late]));
    assert_eq!(read(&account, "from_ms=5&to_ms=6").await, texts(&[&same, &other, &same_too]));
    assert_eq!(read(&account, "from_ms=0&to_ms=5").await, texts(&[&early]));
    assert!(read(&account, "class=19").await.is_empty());
    for query in ["limit=0", "limit=1001", "limit=x", "after=x", "after=AAAA", "device=x", "class=256", "from_ms=x"] {
        let answer = account.call(GET, &format!("/api/v1/records?{query}")).send().await;
        answer.refused(400, "query.invalid");
    }
}

async fn a_page_ends_at_8_mib_but_has_one_record_at_least(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    // The longest there are, each in a batch of its own and then all but one in one.
    let records: Vec<Vec<u8>> = (0..9).map(|seq| of_length(&device.device_id, 16, seq, 1_081_344)).collect();
    send(&device, &records[..1]).await.ok(200);
    assert_eq!(send(&device, &records).await.ok(200), json!({"stored": 8, "duplicates": 1}));
    let page = account.get("/api/v1/records").await;
    assert_eq!(page["records"].as_array().unwrap().len(), 7);
    let next = page["next"].as_str().unwrap();
    assert_eq!(read(&account, &format!("after={next}")).await, texts(&[&records[7], &records[8]]));
}

async fn a_wrong_record_is_named_and_nothing_of_its_batch_is_stored(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let good = || sealed(&device.device_id, 16, 1);
    let changed = |place: usize, byte: u8| {
        let mut record = good();
        record[place] = byte;
        text(&record)
    };
    let mut wrong = vec![
        json!(""),
        json!("br1_"),
        json!("bt1_AAAA"),
        json!(b64(&good())),
        json!(format!(" {}", text(&good()))),
        json!(format!("{}=", text(&good()))),
        json!(format!("{}\n", text(&good()))),
        json!(text(&good()).replace("br1_", "BR1_")),
        json!(1),
        json!(null),
        json!(["br1_"]),
        // The suite; classes of tokens and blobs, and those of nothing; epoch 0; a sequence number of 2^63.
        json!(changed(0, 0x11)),
        json!(changed(1, 1)),
        json!(changed(1, 32)),
        json!(changed(1, 0)),
        json!(changed(1, 19)),
        json!(changed(1, 191)),
        json!(changed(1, 224)),
        json!(changed(3, 0)),
        json!(changed(20, 0x80)),
    ];
    // Too short to have a header, a nonce, a tag, a padded value.
    for length in [1, 4, 27, 28, 40, 55, 56, 57, 71] {
        wrong.push(json!(text(&good()[..length])));
    }
    // Lengths that nothing is padded to.
    for padded in [0, 17, 31, 1_000, 1_008, 1_024 + 16, 1_081_344 + 16, 2 * 1_024 * 1_024] {
        wrong.push(json!(text(&of_length(&device.device_id, 16, 1, padded))));
    }
    // The same bytes in another spelling: the last character has bits that stand for nothing.
    let one_short = text(&of_length(&device.device_id, 16, 1, 32));
    assert_eq!((one_short.len() - 4) % 4, 2);
    let last = one_short.chars().next_back().unwrap();
    assert!("AQgw".contains(last));
    wrong.push(json!(format!("{}{}", &one_short[..one_short.len() - 1], char::from(last as u8 + 1))));
    for bad in wrong {
        let answer = send_texts(&device, json!([text(&good()), bad, text(&good())])).await;
        let problem = answer.refused(400, "record.invalid");
        assert_eq!(problem["index"], 1, "{problem}");
    }
    assert!(read(&account, "").await.is_empty());
    // Every class and length next to those is taken.
    for class in [16, 17, 18, 192, 223] {
        send(&device, &[sealed(&device.device_id, class, 1)]).await.ok(200);
    }
    for padded in [32, 64, 80, 992, 1_024, 1_088, 1_081_344] {
        send(&device, &[of_length(&device.device_id, 16, 1, padded)]).await.ok(200);
    }
}

async fn a_record_of_another_device_is_refused(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (device, other) = (account.device().await, account.device().await);
    let own = sealed(&device.device_id, 16, 1);
    for foreign in [&other.device_id, &"0".repeat(32)] {
        let answer = send(&device, &[own.clone(), own.clone(), sealed(foreign, 16, 1)]).await;
        assert_eq!(answer.refused(403, "record.device")["index"], 2);
    }
    assert!(read(&account, "").await.is_empty());
}

async fn a_batch_has_1_to_5000_records(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let records: Vec<Vec<u8>> = (0..5_001).map(|seq| sealed(&device.device_id, 16, seq)).collect();
    send(&device, &records).await.refused(413, "record.too-many");
    assert_eq!(send(&device, &records[..5_000]).await.ok(200)["stored"], 5_000);
    assert_eq!(read(&account, "limit=1000").await.len(), 1_000);
    for body in
        ["", "{}", "[]", "{\"records\": []}", "{\"records\": null}", "{\"records\": \"br1_\"}", "{\"records\": ["]
    {
        let answer = device.call(POST, "/api/v1/records").bytes(body).await;
        answer.refused(400, "request.malformed");
    }
}

async fn only_a_device_in_good_standing_sends_and_only_the_owner_reads(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let records = [sealed(&device.device_id, 16, 1)];
    let path = "/api/v1/records";
    account.call(POST, path).json(batch(&records)).await.refused(401, "auth.refused");
    service.call(POST, path).json(batch(&records)).await.refused(401, "auth.missing");
    device.call(GET, path).send().await.refused(401, "auth.refused");
    device.call(DELETE, "/api/v1/records?before_ms=9").send().await.refused(401, "auth.refused");
    let revoke = format!("/api/v1/devices/{}/revoke", device.device_id);
    account.call(POST, &revoke).send().await.ok(204);
    send(&device, &records).await.refused(403, "device.revoked");
    assert!(read(&account, "").await.is_empty());
}

async fn records_of_two_accounts_never_meet(database: Database) {
    let service = database.start().await;
    let (ada, eve) = (service.sign_up("ada").await, service.sign_up("eve").await);
    let device = ada.device().await;
    let record = sealed(&device.device_id, 16, 1);
    send(&device, std::slice::from_ref(&record)).await.ok(200);
    // A device with the same id in another account, and the very same bytes: news to that account.
    let (ticket_id, authenticator) = eve.ticket(1).await;
    let answer = eve.claim(&device.device_id, &ticket_id, &authenticator).await.ok(200);
    let twin = Device { bearer: answer["bearer"].as_str().unwrap().to_owned(), ..device.clone() };
    assert!(read(&eve, "").await.is_empty());
    assert_eq!(send(&twin, std::slice::from_ref(&record)).await.ok(200), json!({"stored": 1, "duplicates": 0}));
    let path = format!("/api/v1/records?device={}", device.device_id);
    assert_eq!(eve.call(DELETE, &path).send().await.ok(200), json!({"deleted": 1}));
    assert_eq!(read(&ada, "").await, texts(&[&record]));
}

async fn the_owner_deletes_records_by_time_and_device(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (first, second) = (account.device().await, account.device().await);
    for device in [&first, &second] {
        let records: Vec<Vec<u8>> = (0..10).map(|seq| sealed(&device.device_id, 16, seq)).collect();
        send(device, &records).await.ok(200);
    }
    account.call(DELETE, "/api/v1/records").send().await.refused(400, "query.invalid");
    let path = format!("/api/v1/records?before_ms=4&device={}", first.device_id);
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 4}));
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 0}));
    let path = format!("/api/v1/records?device={}", second.device_id);
    assert_eq!(account.call(DELETE, &path).send().await.ok(200), json!({"deleted": 10}));
    assert_eq!(read(&account, "").await.len(), 6);
    account.call(DELETE, "/api/v1/records?before_ms=10").send().await.ok(200);
    assert!(read(&account, "").await.is_empty());
}

async fn one_device_may_send_the_same_records_twice_at_once(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let records: Vec<Vec<u8>> = (0..300).map(|seq| sealed(&device.device_id, 16, seq)).collect();
    let uploads: Vec<_> = (0..6)
        .map(|_| {
            let (device, records) = (device.clone(), records.clone());
            tokio::spawn(async move { send(&device, &records).await.ok(200) })
        })
        .collect();
    let mut stored = 0;
    for upload in uploads {
        stored += upload.await.unwrap()["stored"].as_u64().unwrap();
    }
    assert_eq!(stored, 300);
    assert_eq!(read(&account, "limit=1000").await.len(), 300);
}

on_both_databases![
    a_record_sent_again_changes_nothing,
    batches_of_records_may_be_compressed,
    pages_are_in_the_order_of_time_and_then_of_arrival,
    a_page_ends_at_8_mib_but_has_one_record_at_least,
    a_wrong_record_is_named_and_nothing_of_its_batch_is_stored,
    a_record_of_another_device_is_refused,
    a_batch_has_1_to_5000_records,
    only_a_device_in_good_standing_sends_and_only_the_owner_reads,
    records_of_two_accounts_never_meet,
    the_owner_deletes_records_by_time_and_device,
    one_device_may_send_the_same_records_twice_at_once,
];
