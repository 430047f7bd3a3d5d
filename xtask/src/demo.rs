//! The whole system on real input: a service, an owner, two agents, what each side sees in the end, and the dashboard
//! that shows more of it as it comes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::day::Life;
use crate::live::Live;
use crate::postgres::Postgres;
use crate::programs::{self, Agent, Owner, Server};
use crate::project::Project;
use crate::recordings::Recordings;
use crate::table::{Align, Table, show};
use crate::{aw_server, day, export, process, recordings, system};

/// Columns of the terminal that the tables fit.
const WIDTH: usize = 100;
/// Rows of a table.
const TOP: usize = 10;
/// The classes that get a table; `--json` has all.
const TABLES: [&str; 5] = ["app", "title", "host", "person", "document"];

const HOUR_MS: u64 = 3_600_000;
/// How far the pictures of the last hour are apart.
const LIVE_PICTURES_MS: u64 = 420_000;

/// What the owner thinks of some programs of the invented day; the last kind is of the owner's own making.
const CATEGORIES: [(&str, &str); 8] = [
    ("Code.exe", "productive"),
    ("WindowsTerminal.exe", "productive"),
    ("winword.exe", "productive"),
    ("excel.exe", "productive"),
    ("chrome.exe", "neutral"),
    ("firefox.exe", "neutral"),
    ("slack.exe", "communication"),
    ("ms-teams.exe", "communication"),
];

#[derive(Args)]
pub(crate) struct Options {
    /// An ActivityWatch export to import; without it, an invented day, exported by a real aw-server
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// End after the tables instead of going on, with a dashboard to look at, until Ctrl-C
    #[arg(long)]
    once: bool,
    /// Keep the data here; without it, in a new folder under target/demo/
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One JSON object on stdout instead of tables
    #[arg(long)]
    json: bool,
    /// Store in a PostgreSQL of the demo's own instead of SQLite
    #[arg(long)]
    postgres: bool,
}

/// The demo. Progress goes to stderr, the result to stdout.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let file = match &options.from {
        Some(file) => std::path::absolute(file)?,
        None => aw_server::export(project)?,
    };
    eprintln!("Building the dashboard and the three programs (release; minutes at the first time)");
    let programs = programs::build(project)?;
    let name = format!("demo-{}", system::random_text(8)?);
    let folder = match &options.data {
        Some(folder) => std::path::absolute(folder)?,
        None => project.target.join("demo").join(&name),
    };
    // A folder of data may hold earlier demos: each has an account of its own.
    let account = folder.join(&name);
    fs::create_dir_all(&account).with_context(|| format!("cannot make {}", account.display()))?;

    // Dropped in reverse: the service ends before its database.
    let postgres = options.postgres.then(|| Postgres::start(project)).transpose()?;
    let file_database = folder.join("blindtally.db").to_str().context("the folder's name is not UTF-8")?.to_owned();
    let (database, database_url) = match &postgres {
        Some(postgres) => (postgres.url().to_owned(), postgres.url().to_owned()),
        None => (file_database.clone(), sqlite_url(&file_database)),
    };
    let mut server = Server::start(&programs, &database_url, &folder.join("blobs"), &folder.join("server.log"))?;
    eprintln!("The service is at {}, its database is {database}", server.url);

    let password = [(); 4].map(|()| system::random_text(5)).into_iter().collect::<Result<Vec<_>>>()?.join("-");
    let login = format!("{name}@example.org");
    eprintln!("The account is {login}, its password {password}");
    let profile = account.join("owner");
    let owner = Owner::new(&programs, profile.clone(), password.clone());
    let recovery_key = account.join("recovery-key");
    let recovery_key = recovery_key.to_str().context("the folder's name is not UTF-8")?;
    owner.run(&["create", "--server", &server.url, "--login", &login, "--recovery-key-file", recovery_key])?;

    let mut computers = plan(&file, options.from.is_none());
    for (number, computer) in computers.iter_mut().enumerate() {
        let agent = Agent::new(&programs, account.join(format!("agent-{}", number + 1)));
        let ticket = owner.run(&["ticket", "--uses", "1"])?;
        let ticket = ticket["ticket"].as_str().context("the owner's answer has no ticket")?;
        // Joined by `=`, because a hostname may start with a hyphen.
        let name = format!("--name={}", computer.name);
        let enroll = ["enroll", "--ticket-fd", "0", "--server", &server.url, &name];
        agent.run(&enroll, &format!("{ticket}\n"))?;
        eprintln!("Agent {} is enrolled: {}", number + 1, computer.name);
        computer.agent = Some(agent);
    }
    owner.run(&["confirm", "--all"])?;
    eprintln!("The owner has confirmed both agents");
    let mut truncated = 0;
    for (seed, computer) in (1..).zip(&computers) {
        truncated += computer.import(&file)?;
        // In a report of the person's own activity, nothing is invented.
        if options.from.is_none() {
            let folder = account.join(format!("recordings-{seed}"));
            computer.collect(&recordings::make(&folder, seed, day::start_ms() + 9 * HOUR_MS, HOUR_MS)?)?;
        }
    }

    let archive = archive(&owner, &account.join("everything.btar"))?;
    let seen = Seen { database, events: stored_events(&owner)?, truncated, report: report(&owner)?, archive };
    let text = if options.json { format!("{}\n", seen.to_json()) } else { seen.to_text() };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the result")?;
    if options.once {
        return Ok(());
    }
    let mut live = Vec::new();
    if options.from.is_none() {
        categorize(&owner)?;
        live = go_on(project, &computers, &account)?;
    }
    eprintln!("\nThe dashboard:  {}/\n      login:    {login}\n      password: {password}\n", server.url);
    if !live.is_empty() {
        eprintln!("Its numbers move: both people go on working. What was imported is of {}.\n", day::date());
    }
    eprintln!(
        "One computer more, while the dashboard is open (asks for the password):\n  \
        '{}' --profile '{}' ticket | '{}' --state '{}' enroll --ticket-fd 0 --server {} --name visitor\n",
        programs.join("blindtally-owner").display(),
        profile.display(),
        programs.join("blindtally-agent").display(),
        account.join("agent-3").display(),
        server.url,
    );
    eprintln!("Ctrl-C ends everything.");
    process::each_second(|| {
        server.service.require()?;
        // A device that was revoked ends; everything else goes on.
        live.retain_mut(|computer| computer.go_on().map_err(|error| eprintln!("{error:#}")).is_ok());
        Ok(())
    })
}

/// Lets the owner say what some programs of the invented day are for.
fn categorize(owner: &Owner) -> Result<()> {
    eprintln!("The owner says what {} programs are for", CATEGORIES.len());
    CATEGORIES.iter().try_for_each(|(app, category)| owner.run(&["categorize", "app", app, category]).map(drop))
}

/// Has the people of the invented day go on working today.
fn go_on(project: &Project, computers: &[Computer], account: &Path) -> Result<Vec<Live>> {
    let aw_programs = match aw_server::programs(project) {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("Nobody goes on working, because there is no aw-server: {error:#}");
            return Ok(Vec::new());
        }
    };
    eprintln!("Starting an aw-server and an agent for each of the two; the aw-servers know the last days already");
    let mut live = Vec::new();
    for (seed, computer) in (1..).zip(computers) {
        if let (Some(person), Some(life), Some(agent)) =
            (person_of(&computer.name), Life::of(&computer.name, seed), &computer.agent)
        {
            let folder = account.join(format!("live-{seed}"));
            let begin_ms = crate::live::now()? - LIVE_PICTURES_MS * 8;
            computer.collect(&recordings::make(&folder.join("recordings"), 2 + seed, begin_ms, LIVE_PICTURES_MS)?)?;
            live.push(Live::start(&aw_programs, &folder, agent, person, life)?);
        }
    }
    Ok(live)
}

/// The URL of a SQLite file, with the characters escaped that end or escape a path.
fn sqlite_url(file: &str) -> String {
    format!("sqlite://{}", file.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

/// One agent and what it imports.
struct Computer {
    name: String,
    agent: Option<Agent>,
    imports: Vec<Import>,
}

/// One call of `import`.
struct Import {
    person: String,
    /// This computer's buckets only; without it, all there are.
    host: Option<String>,
}

impl Computer {
    /// A device of this name, as far as devices can have it.
    fn new(hostname: &str, imports: Vec<Import>) -> Self {
        let shown: String = show(hostname).chars().take(32).collect();
        let name = if shown.is_empty() { "unnamed".to_owned() } else { shown };
        Self { name, agent: None, imports }
    }

    /// Fetches the keys and imports; returns how many values were cut.
    fn import(&self, file: &Path) -> Result<u64> {
        let agent = self.agent.as_ref().context("the agent is not enrolled")?;
        agent.run(&["sync"], "")?;
        let mut truncated = 0;
        for import in &self.imports {
            let file = file.to_str().context("the file's name is not UTF-8")?;
            let person = format!("--person={}", import.person);
            let host = import.host.as_ref().map(|host| format!("--host={host}"));
            let arguments = ["import", file, &person].into_iter().chain(host.as_deref());
            let done = agent.run(&arguments.collect::<Vec<_>>(), "")?;
            eprintln!("{} imported {} events of {}", self.name, done["events"], show(&import.person));
            truncated += done["truncated"].as_u64().unwrap_or(0);
        }
        Ok(truncated)
    }

    /// Has the agent take what else the computer recorded.
    fn collect(&self, made: &Recordings) -> Result<()> {
        let agent = self.agent.as_ref().context("the agent is not enrolled")?;
        let path = |path: &Path| path.to_str().map(str::to_owned).context("the folder's name is not UTF-8");
        let screenshots = format!("--blobs=screenshot={}", path(&made.screenshots)?);
        let voice = format!("--blobs=voice={}", path(&made.voice)?);
        let records = format!("--records={}", path(&made.records)?);
        let done = agent.run(&["collect", "--once", &screenshots, &voice, &records], "")?;
        eprintln!("{} sealed {} pictures and sounds and {} records", self.name, done["blobs"], done["records"]);
        Ok(())
    }
}

/// The first computer of the export goes to the first agent, all others to the second. When the file tells of one
/// computer only (or cannot be read: then the agent says why), the second agent has nothing to do.
fn plan(file: &Path, is_our_day: bool) -> [Computer; 2] {
    let person = |hostname: &str| match person_of(hostname) {
        Some(person) if is_our_day => person.to_owned(),
        _ => format!("{}@{hostname}", system::user_name()),
    };
    let of_host = |host: &String| Import { person: person(host), host: Some(host.clone()) };
    let hosts: Vec<String> = export::hostnames(file).unwrap_or_default().into_iter().collect();
    match hosts.as_slice() {
        [first, second, rest @ ..] => {
            let others = [second].into_iter().chain(rest).map(of_host).collect();
            [Computer::new(first, vec![of_host(first)]), Computer::new(second, others)]
        }
        hosts => {
            let only = hosts.first().map_or("computer", String::as_str);
            let everything = Import { person: person(only), host: None };
            [Computer::new(only, vec![everything]), Computer::new("idle", vec![])]
        }
    }
}

/// Who sits at a computer of the invented day.
pub(crate) fn person_of(hostname: &str) -> Option<&'static str> {
    day::PEOPLE.into_iter().find(|(computer, _)| *computer == hostname).map(|(_, person)| person)
}

fn stored_events(owner: &Owner) -> Result<u64> {
    let answer = owner.run(&["devices"])?;
    let devices = answer["devices"].as_array().context("the owner's answer has no devices")?;
    Ok(devices.iter().filter_map(|device| device["events"].as_u64()).sum())
}

fn report(owner: &Owner) -> Result<Vec<Value>> {
    let answer = owner.run(&["report", "--by", "all"])?;
    let rows = answer["report"].as_array().context("the owner's answer has no report")?;
    let fields = ["class", "value", "token", "seconds", "active_seconds", "events"];
    Ok(rows.iter().map(|row| fields.iter().map(|field| (*field, row[*field].clone())).collect()).collect())
}

/// Has the owner put everything into one archive, and open that.
fn archive(owner: &Owner, file: &Path) -> Result<Value> {
    let path = file.to_str().context("the folder's name is not UTF-8")?;
    let made = owner.run(&["export", "--output", path])?;
    let opened = owner.run(&["open", "--list", path])?;
    let files = opened["files"].as_array().context("the owner's answer has no files")?;
    Ok(json!({
        "file": path, "events": made["events"], "records": made["records"], "blobs": made["blobs"],
        "left_out": made["left_out"], "files": files.len(), "intact": opened["intact"],
    }))
}

/// What there is to see in the end.
struct Seen {
    database: String,
    events: u64,
    truncated: u64,
    report: Vec<Value>,
    archive: Value,
}

impl Seen {
    fn to_json(&self) -> Value {
        json!({
            "service": {"database": self.database, "events": self.events},
            "report": self.report,
            "truncated": self.truncated,
            "archive": self.archive,
        })
    }

    fn to_text(&self) -> String {
        let mut text: String = TABLES.iter().map(|class| self.table(class)).collect();
        let mut classes: Vec<&str> = self.report.iter().filter_map(|row| row["class"].as_str()).collect();
        classes.dedup();
        let count = |class: &&str| format!("{class} {}", self.rows(class).len());
        let counts = classes.iter().map(count).collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\nDistinct values: {counts}\n"));
        text.push_str(&format!("Events that the service stored: {}\n", self.events));
        text.push_str(&format!("Values that were cut because they are longer than 4096 bytes: {}\n", self.truncated));
        let Self { archive, .. } = self;
        text.push_str(&format!(
            "Sealed and signed in one archive: {} events, {} records, {} pictures and sounds, in {} files: {}\n",
            archive["events"],
            archive["records"],
            archive["blobs"],
            archive["files"],
            show_text(&archive["file"]),
        ));
        text
    }

    fn rows(&self, class: &str) -> Vec<&Value> {
        let mut rows: Vec<&Value> = self.report.iter().filter(|row| row["class"] == class).collect();
        rows.sort_by(|a, b| seconds(b).total_cmp(&seconds(a)));
        rows
    }

    /// Both views of one class side by side. The value is last: terminals disagree about the width of some scripts.
    fn table(&self, class: &str) -> String {
        let mut table = Table::new(&[
            ("token", Align::Left),
            ("seconds", Align::Right),
            ("events", Align::Right),
            ("│", Align::Left),
            ("time", Align::Right),
            (class, Align::Left),
        ]);
        let rows = self.rows(class);
        for row in rows.iter().take(TOP) {
            table.row(vec![
                shorten(row["token"].as_str().unwrap_or_default()),
                format!("{:.3}", seconds(row)),
                row["events"].to_string(),
                "│".to_owned(),
                clock(seconds(row)),
                show(row["value"].as_str().unwrap_or_default()),
            ]);
        }
        let table = table.render(WIDTH);
        let bar = table.find('│').unwrap_or_default();
        let more = match rows.len().saturating_sub(TOP) {
            0 => String::new(),
            more => format!("{:bar$}│  … and {more} more\n", ""),
        };
        format!("\n{:bar$}│  what the owner reads\n{table}{more}", "  what the service holds")
    }
}

fn show_text(value: &Value) -> String {
    show(value.as_str().unwrap_or_default())
}

fn seconds(row: &Value) -> f64 {
    row["seconds"].as_f64().unwrap_or_default()
}

/// `bt1_EQEAAb…3fk`
fn shorten(token: &str) -> String {
    let characters: Vec<char> = token.chars().collect();
    match (characters.get(..10), characters.len().checked_sub(3).and_then(|end| characters.get(end..))) {
        (Some(start), Some(end)) if characters.len() > 14 => start.iter().chain(['…'].iter()).chain(end).collect(),
        _ => token.to_owned(),
    }
}

/// `3:25:46`
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn seen(values: &[&str]) -> Seen {
        let row = |value: &&str| {
            json!({"class": "title", "value": value, "token": "bt1_EQEAAbcdefghijkl3fk", "seconds": 12345.678,
                "active_seconds": 1.0, "events": 512})
        };
        let report = values.iter().map(row).collect();
        Seen { database: String::new(), events: 1, truncated: 0, report, archive: Value::Null }
    }

    #[test]
    fn both_views_stand_side_by_side_in_a_hundred_columns() {
        let long = "語".repeat(500);
        let text = seen(&[&long, "a\u{1B}b"]).table("title");
        assert!(text.contains("bt1_EQEAAb…3fk  12345.678     512  │  3:25:46  語語"), "{text}");
        assert!(text.contains("a\\u{1b}b"), "{text}");
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
    }

    #[test]
    fn every_event_of_an_export_goes_to_exactly_one_agent() {
        let folder = std::env::temp_dir().join(format!("blindtally-plan-{}", system::random_text(8).unwrap()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("export.json");
        let imports = |hostnames: &[&str]| {
            let bucket = |host: &&str| (format!("b_{host}"), json!({"type": "t", "hostname": host, "events": [{}]}));
            let buckets: serde_json::Map<_, _> = hostnames.iter().map(bucket).collect();
            fs::write(&file, json!({"buckets": buckets}).to_string()).unwrap();
            plan(&file, true).map(|computer| computer.imports.into_iter().map(|i| i.host).collect::<Vec<_>>())
        };
        let host = |name: &str| Some(name.to_owned());
        assert_eq!(imports(&["c", "a", "b"]), [vec![host("a")], vec![host("b"), host("c")]]);
        assert_eq!(imports(&["a"]), [vec![None], vec![]]);
        fs::write(&file, "{\"buckets\": {").unwrap();
        assert_eq!(plan(&file, false).map(|computer| computer.imports.len()), [1, 0]);
        fs::remove_dir_all(folder).unwrap();
    }
}
