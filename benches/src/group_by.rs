//! What blindness costs the service: totals of a million events over tokens, and over the same values in plaintext.

use std::error::Error;
use std::time::{Duration, Instant};

use blindtally::{Identity, RsaSize, TokenClass};
use blindtally_server::Config;
use serde_json::json;

use crate::race::Races;
use crate::service::{Account, Host};

const EVENTS: usize = 1_000_000;
const BATCH: usize = 5_000;
const DISTINCT: usize = 2_000;
/// Totals over tokens may take this many times as long.
const COST: f64 = 1.25;
const ROUNDS: usize = 9;
/// The variable in which `cargo xtask bench` names its private PostgreSQL.
const POSTGRES: &str = "BLINDTALLY_TEST_POSTGRES";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) fn run(races: &mut Races) -> Result<()> {
    let name = "GROUP BY over 1,000,000 events, SQLite / plaintext";
    if races.wants(name) {
        let folder = tempfile::tempdir()?;
        race(races, name, Config::sqlite(&folder.path().join("blindtally.db")))?;
    }
    let name = "GROUP BY over 1,000,000 events, PostgreSQL / plaintext";
    if races.wants(name) {
        match std::env::var(POSTGRES) {
            Ok(url) => race(races, name, Config::new(url))?,
            Err(_) => eprintln!("{name}: not run, since {POSTGRES} names no server"),
        }
    }
    Ok(())
}

fn race(races: &mut Races, name: &str, config: Config) -> Result<()> {
    let host = Host::start(config)?;
    let [sealed, plain] = [host.account(identity()?)?, host.account(identity()?)?];
    let titles: Vec<String> = (0..DISTINCT).map(|at| format!("Quarterly report {at} - draft - Editor")).collect();
    let tokens = titles.iter().map(|title| Ok(sealed.agent.tokenize(TokenClass::TITLE, title)?.to_string()));
    fill(&sealed, &tokens.collect::<Result<Vec<_>>>()?)?;
    fill(&plain, &titles)?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(&sealed)?);
        peer.push(timed(&plain)?);
    }
    races.add(name, EVENTS, &ours, &peer, COST.recip());
    Ok(())
}

fn identity() -> Result<Identity> {
    Ok(Identity::generate(RsaSize::Bits2048)?)
}

fn fill(account: &Account, values: &[String]) -> Result<()> {
    for batch in 0..EVENTS / BATCH {
        let events = (batch * BATCH..(batch + 1) * BATCH).map(|at| {
            json!({
                "seq": at, "action": "window", "start_us": 1_770_000_000_000_000_u64 + at as u64 * 1_000_000,
                "duration_us": 1_500_000, "active_us": 1_000_000, "values": { "title": values[at * 7919 % DISTINCT] },
            })
        });
        account.of_device.post("/api/v1/events", &json!({ "events": events.collect::<Vec<_>>(), "enrich": [] }))?;
    }
    Ok(())
}

fn timed(account: &Account) -> Result<Duration> {
    let start = Instant::now();
    let rows = account.totals("title")?;
    let time = start.elapsed();
    assert_eq!(rows.len(), DISTINCT);
    Ok(time)
}
