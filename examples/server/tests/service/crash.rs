//! The real program, killed while it stores: nothing that was acknowledged is lost, and sending
//! everything again doubles nothing.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::api::{Client, Device, event};
use crate::database::{Database, on_both_databases};

pub(crate) struct Program {
    child: Child,
    pub(crate) client: Client,
}

impl Program {
    pub(crate) fn start(database: &Database) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_blindtally-server"))
            .args(["--listen", "127.0.0.1:0", "--database", &database.url])
            .arg("--blobs")
            .arg(database.blobs())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, client: Client::new(base) }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

const BATCHES: u64 = 60;
const EVENTS: u64 = 200;

fn batch(number: u64) -> serde_json::Value {
    let seqs = number * EVENTS..(number + 1) * EVENTS;
    let events: Vec<_> = seqs.map(|seq| event(seq, &format!("value {}", seq % 97))).collect();
    json!({ "events": events })
}

async fn a_kill_loses_nothing_and_doubles_nothing(database: Database) {
    let program = Program::start(&database);
    let account = program.client.sign_up("ada").await;
    let device = account.device().await;
    let (session, bearer) = (account.session.clone(), device.bearer.clone());

    // Uploads until the program is gone; tells the killer how far it has come.
    let (progress, mut acknowledged) = tokio::sync::watch::channel(0);
    let uploads = tokio::spawn({
        let device = device.clone();
        async move {
            for number in 0..BATCHES {
                let request = device.clone();
                let sent = tokio::spawn(async move { request.upload(batch(number)).await.ok(200) });
                match sent.await {
                    Ok(receipt) => assert_eq!(receipt["stored"], EVENTS),
                    // The connection broke: this batch was not acknowledged.
                    Err(_) => return,
                }
                progress.send(number + 1).unwrap();
            }
        }
    });
    acknowledged.wait_for(|batches| *batches >= 10).await.unwrap();
    program.kill();
    uploads.await.unwrap();
    let acknowledged = *acknowledged.borrow();
    assert!((10..BATCHES).contains(&acknowledged), "{acknowledged}");

    let program = Program::start(&database);
    let device = Device { client: program.client.clone(), device_id: device.device_id, bearer };
    // At least what was acknowledged, and whole batches only: the one under way is there or is not.
    let count = device.head().await["count"].as_u64().unwrap();
    assert!(count == acknowledged * EVENTS || count == (acknowledged + 1) * EVENTS, "{count}");
    for number in 0..BATCHES {
        device.upload(batch(number)).await.ok(200);
    }
    let path = "/api/v1/totals?class=app&by=value";
    let totals = program.client.call(crate::api::GET, path).bearer(&session).send().await.ok(200);
    assert_eq!(totals["total_events"], BATCHES * EVENTS);
    assert_eq!(totals["total_duration_us"], BATCHES * EVENTS * 1_000_000);
    assert_eq!(totals["total_active_us"], BATCHES * EVENTS * 250_000);
    assert_eq!(totals["total_rows"], 97);
    assert_eq!(device.head().await["count"], BATCHES * EVENTS);
    program.kill();
}

on_both_databases![a_kill_loses_nothing_and_doubles_nothing];
