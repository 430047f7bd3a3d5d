//! An import from end to end, sealed and in plaintext: file, agent, HTTP, SQLite, and the report read back.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use blindtally::{Identity, RevealBatch, RsaSize, Secret};
use blindtally_agent::{Export, Sealer, SeqKey, Source, read};
use blindtally_server::Config;

use crate::race::Races;
use crate::service::{Account, Host};

const EVENTS: usize = 100_000;
/// The sealed path may take this many times as long.
const COST: f64 = 1.3;
const ROUNDS: usize = 3;
const CLASSES: [&str; 5] = ["app", "title", "host", "url", "person"];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) fn run(races: &mut Races) -> Result<()> {
    let name = "import of 100,000 events and report, SQLite / plaintext";
    if !races.wants(name) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("export.json");
    std::fs::write(&file, export()?)?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Who goes first changes, so that neither always finds the caches warm.
        let sealed =
            |into: &mut Vec<Duration>| import(&file, folder.path(), Values::Sealed).map(|time| into.push(time));
        let plain = |into: &mut Vec<Duration>| import(&file, folder.path(), Values::Plain).map(|time| into.push(time));
        if round % 2 == 0 {
            sealed(&mut ours)?;
            plain(&mut peer)?;
        } else {
            plain(&mut peer)?;
            sealed(&mut ours)?;
        }
    }
    races.add(name, EVENTS, &ours, &peer, COST.recip());
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    Sealed,
    Plain,
}

/// The time from opening the file to holding every row of the report in words.
fn import(file: &Path, folder: &Path, values: Values) -> Result<Duration> {
    let database = tempfile::Builder::new().prefix("import").tempdir_in(folder)?;
    let host = Host::start(Config::sqlite(&database.path().join("blindtally.db")))?;
    let Account { owner, agent, of_owner, of_device } = host.account(Identity::generate(RsaSize::Bits2048)?)?;
    let start = Instant::now();
    let sealer = match values {
        Values::Sealed => Sealer::Tokens(&agent),
        Values::Plain => Sealer::Plain,
    };
    let source =
        Source { export: &Export::at(file)?, hosts: &[], person: "anna", key: &SeqKey::new(&Secret::random()?) };
    let read = read(&source, sealer, &mut |_| {}, |upload| {
        of_device.post_encoded("/api/v1/events", "zstd", &upload.body).map(drop)
    })?;
    assert_eq!(read.events as usize, EVENTS);
    let account = Account { owner, agent, of_owner, of_device };
    let mut words = RevealBatch::new();
    let mut rows = 0;
    for class in CLASSES {
        let page = account.totals(class)?;
        if values == Values::Sealed {
            account.owner.reveal_batch(&page, &mut words);
            assert!(words.iter().all(|word| word.is_ok()), "the owner reads every row");
        }
        rows += page.len();
    }
    let time = start.elapsed();
    assert!(rows > 3000, "{rows} rows");
    Ok(time)
}

/// An export of one computer: windows and pages, some thousand distinct values.
fn export() -> Result<String> {
    let mut text = String::from(r#"{"buckets":{"#);
    for (bucket, kind) in [("window", "currentwindow"), ("web", "web.tab.current")] {
        let comma = if bucket == "web" { "," } else { "" };
        write!(text, r#"{comma}"{bucket}":{{"id":"{bucket}","type":"{kind}","hostname":"bench","events":["#)?;
        for at in 0..EVENTS / 2 {
            let comma = if at > 0 { "," } else { "" };
            let (minute, second) = (at / 60 % 60, at % 60);
            let (day, hour) = (1 + at / 86_400, at / 3600 % 24);
            write!(text, r#"{comma}{{"timestamp":"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}.123000+00:00","#)?;
            // A number that jumps about, so that neighbours differ as in life.
            let value = at * 7919 % 2000;
            match bucket {
                "window" => write!(
                    text,
                    r#""duration":1.5,"data":{{"app":"app-{}.exe","title":"Quarterly report {value} - draft - Editor"}}}}"#,
                    value % 40
                )?,
                _ => write!(
                    text,
                    r#""duration":2.25,"data":{{"url":"https://host-{}.example.com/projects/{value}/board?view=all","title":"Board {value}"}}}}"#,
                    value % 100
                )?,
            }
        }
        text.push_str("]}");
    }
    text.push_str("}}");
    Ok(text)
}
