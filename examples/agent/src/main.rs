//! `blindtally-agent`: the agent as a program.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use blindtally::{AccountCode, BlobClass, Ticket};
use blindtally_agent::{
    Afterwards, Collect, Collected, Enrolled, Export, Folder, Imported, Invitation, Refused, Status, Synced, Watch,
    Watched, collect, enroll, import, status, sync, watch,
};
use blindtally_client::{Failure, Format, report};
use clap::{ArgGroup, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use zeroize::Zeroizing;

/// A ticket is shorter; what is longer is something else.
const TICKET_MAX: u64 = 4096;

/// Reads ActivityWatch, seals what it reads, and uploads it to a service that cannot read it.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The agent's folder. By default it lies where the platform keeps settings.
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// Print one JSON object and nothing else.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ask the account's owner for keys. Run again, it goes on where it was interrupted.
    #[command(group = ArgGroup::new("invitation").required(true))]
    Enroll {
        /// The ticket. It is a secret: other users of this computer may see arguments.
        #[arg(long, group = "invitation")]
        ticket: Option<String>,
        /// A file with the ticket.
        #[arg(long, group = "invitation", value_name = "FILE")]
        ticket_file: Option<PathBuf>,
        /// A file descriptor to read the ticket from; 0 is standard input.
        #[arg(long, group = "invitation", value_name = "N")]
        ticket_fd: Option<u32>,
        /// The account's code, where there is no ticket: the owner then types the code that this prints.
        #[arg(long, group = "invitation", value_name = "CODE")]
        account_code: Option<String>,
        /// Base URL of the service.
        #[arg(long, value_name = "URL")]
        server: String,
        /// What the owner shall see. By default the name of this computer.
        #[arg(long)]
        name: Option<String>,
    },
    /// Import an ActivityWatch export, as it is or compressed with gzip. Importing it again changes nothing.
    Import {
        /// The export.
        file: PathBuf,
        /// Who sat at the computer. By default the user who runs this.
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
        /// Take only buckets of this hostname; may be repeated.
        #[arg(long, value_name = "HOSTNAME")]
        host: Vec<String>,
    },
    /// Follow a running aw-server until Ctrl-C.
    Watch {
        /// Base URL of aw-server.
        #[arg(long, value_name = "URL", default_value = "http://localhost:5600")]
        aw_server: String,
        /// Who sits at the computer. By default the user who runs this.
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
        /// Take what is there, and end.
        #[arg(long)]
        once: bool,
        /// The pause between two looks.
        #[arg(long, value_name = "SECONDS", default_value_t = 5)]
        every: u64,
    },
    /// Seal and upload screenshots, camera shots and recordings from folders, and records from files of lines, until Ctrl-C.
    #[command(group = ArgGroup::new("sources").required(true).multiple(true))]
    Collect {
        /// What the files of a folder are: screenshot, camera, voice, or a number from 224 to 255, and the folder; may be
        /// repeated. The time of each is when it was changed last.
        #[arg(long, group = "sources", value_name = "CLASS=DIR", value_parser = parse_blobs)]
        blobs: Vec<(BlobClass, PathBuf)>,
        /// A file with one JSON object a line: {"time": RFC 3339 or Unix milliseconds, "class": keystrokes, clipboard,
        /// chat, or a number from 192 to 223, "value": text}; may be repeated. What is appended later is taken too.
        #[arg(long, group = "sources", value_name = "FILE")]
        records: Vec<PathBuf>,
        /// Take what is there, and end.
        #[arg(long)]
        once: bool,
        /// The pause between two looks.
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        every: u64,
        /// Remove each file of the folders once the service has confirmed it. Files of lines stay.
        #[arg(long)]
        remove: bool,
        /// How much may wait for the service at most, sealed. What is beyond that is left where it lies.
        #[arg(long, value_name = "MIB", default_value_t = 4096)]
        spool_max: u64,
    },
    /// Fetch delivery and policy, upload what is spooled, complete earlier events.
    Sync {
        /// Send once more what the service has refused before.
        #[arg(long)]
        retry: bool,
    },
    /// Say where this device stands.
    Status,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let format = if options.json { Format::Json } else { Format::Text };
    report(run(options, format), format)
}

fn run(options: Options, format: Format) -> Result<(), Failure> {
    let folder = Folder::at(options.state.as_deref())?;
    match options.command {
        Command::Enroll { ticket, ticket_file, ticket_fd, account_code, server, name } => {
            let invitation = match (ticket, ticket_file, ticket_fd, account_code) {
                (Some(ticket), ..) => Invitation::Ticket(Ticket::parse(&Zeroizing::new(ticket))?),
                (_, Some(path), ..) => Invitation::Ticket(parse_ticket(&read_ticket(&path)?)?),
                (_, _, Some(0), _) => Invitation::Ticket(parse_ticket(&read_text(io::stdin())?)?),
                (_, _, Some(number), _) => {
                    let path = PathBuf::from(format!("/dev/fd/{number}"));
                    Invitation::Ticket(parse_ticket(&read_ticket(&path)?)?)
                }
                (.., code) => Invitation::Code(AccountCode::parse(&code.unwrap_or_default())?),
            };
            let name = name.or_else(|| whoami::hostname().ok()).unwrap_or_else(|| "unnamed".to_owned());
            let enrolled = enroll(&folder, &server, &invitation, &name)?;
            tell(format, &enrolled, describe_enrolled)
        }
        Command::Import { file, person, host } => {
            let person = person.unwrap_or_else(user);
            let export = Export::at(&file)?;
            let bar = progress_bar(2 * export.size());
            let imported = import(&folder, &export, &host, &person, &mut |bytes| bar.set_position(bytes));
            bar.finish_and_clear();
            tell(format, &imported?, describe_imported)
        }
        Command::Watch { aw_server, person, once, every } => {
            let person = person.unwrap_or_else(user);
            let every = pause(once, every);
            let stopped = interruption()?;
            let watched = watch(&folder, &Watch { aw_server: &aw_server, person: &person, every }, &stopped)?;
            tell(format, &watched, describe_watched)
        }
        Command::Collect { blobs, records, once, every, remove, spool_max } => {
            let afterwards = if remove { Afterwards::Remove } else { Afterwards::Keep };
            let spool_max = spool_max.saturating_mul(1 << 20);
            let every = pause(once, every);
            let what = Collect { blobs: &blobs, records: &records, every, afterwards, spool_max };
            tell(format, &collect(&folder, &what, &interruption()?)?, describe_collected)
        }
        Command::Sync { retry } => {
            let refused = if retry { Refused::Retry } else { Refused::Leave };
            tell(format, &sync(&folder, refused)?, describe_synced)
        }
        Command::Status => tell(format, &status(&folder)?, describe_status),
    }
}

fn pause(once: bool, seconds: u64) -> Option<Duration> {
    (!once).then(|| Duration::from_secs(seconds.max(1)))
}

/// Says something once this program is told to end.
fn interruption() -> Result<mpsc::Receiver<()>, Failure> {
    let (stop, stopped) = mpsc::channel();
    let handler = ctrlc::set_handler(move || _ = stop.send(()));
    handler.map_err(|error| Failure::refused("agent.signals", format!("cannot wait for signals: {error}")))?;
    Ok(stopped)
}

fn parse_blobs(text: &str) -> Result<(BlobClass, PathBuf), String> {
    let (class, folder) = text.split_once('=').ok_or("give it as CLASS=DIR")?;
    let id = || class.parse().ok().filter(|id| *id >= 224).and_then(|id| BlobClass::from_id(id).ok());
    let class = BlobClass::from_name(class).or_else(id).filter(|class| *class != BlobClass::ARCHIVE);
    let class = class.ok_or("the class is screenshot, camera, voice, or a number from 224 to 255")?;
    Ok((class, folder.into()))
}

fn user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".to_owned())
}

/// Hidden where there is no terminal.
fn progress_bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent}% {binary_bytes_per_sec} {eta}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn read_ticket(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let file = File::open(path);
    read_text(file.map_err(|error| Failure::refused("ticket.read", format!("{}: {error}", path.display())))?)
}

/// A ticket as the owner's tool prints it: on the first line, perhaps with words for people under it.
fn parse_ticket(text: &str) -> Result<Ticket, Failure> {
    Ok(Ticket::parse(text.trim_start().lines().next().unwrap_or_default())?)
}

fn read_text(reader: impl Read) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = reader.take(TICKET_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::refused("ticket.read", format!("the ticket cannot be read: {error}")))?;
    Ok(text)
}

fn tell<T: Serialize>(format: Format, outcome: &T, describe: impl Fn(&T) -> String) -> Result<(), Failure> {
    let text = match format {
        Format::Text => describe(outcome),
        Format::Json => serde_json::to_string(outcome)
            .map_err(|error| Failure::refused("agent.encoding", format!("cannot encode: {error}")))?,
    };
    println!("{text}");
    Ok(())
}

fn describe_enrolled(enrolled: &Enrolled) -> String {
    match (&enrolled.device_code, enrolled.pending_keys) {
        (Some(code), true) => format!("device code: {code}\nThe account's owner has to type it; then run `sync`."),
        (None, true) => "Enrolled. The account's owner has to confirm this device; then run `sync`.".to_owned(),
        (_, false) => "Enrolled, and the keys have arrived.".to_owned(),
    }
}

fn describe_imported(imported: &Imported) -> String {
    let Imported { events, duplicates, skipped_buckets, truncated, malformed, pending_keys } = imported;
    let mut lines = vec![format!("{events} events uploaded, {duplicates} were there already")];
    if *pending_keys {
        lines.push("The values follow when the account's owner has confirmed this device.".to_owned());
    }
    if *truncated > 0 {
        lines.push(format!("{truncated} values were cut to 4096 bytes"));
    }
    if *malformed > 0 {
        lines.push(format!("{malformed} events without a possible time or duration were left out"));
    }
    if !skipped_buckets.is_empty() {
        let names: Vec<_> = skipped_buckets.iter().map(|name| name.escape_debug().to_string()).collect();
        lines.push(format!("buckets of unknown types were left out: {}", names.join(", ")));
    }
    lines.join("\n")
}

fn describe_watched(watched: &Watched) -> String {
    let Watched { events, duplicates, skipped_buckets, truncated, malformed, pending_keys } = watched;
    describe_imported(&Imported {
        events: *events,
        duplicates: *duplicates,
        skipped_buckets: skipped_buckets.clone(),
        truncated: *truncated,
        malformed: *malformed,
        pending_keys: *pending_keys,
    })
}

fn describe_collected(collected: &Collected) -> String {
    let Collected { blobs, records, duplicates, .. } = collected;
    let mut lines = vec![format!("{blobs} blobs and {records} records uploaded, {duplicates} were there already")];
    for (count, words) in [
        (collected.removed, "files were removed"),
        (collected.unfinished, "files, or last lines of files, may still be written, and are taken later"),
        (collected.malformed, "lines are no records"),
        (collected.too_long, "values above 1 MiB or files above 1 GiB were left out"),
        (collected.not_wanted, "records are of classes that the account's owner does not want"),
        (collected.not_images, "files are not an image"),
        (collected.not_audio, "files are not audio"),
        (collected.unreadable, "files cannot be read"),
        (collected.refused, "blobs or batches were refused by the service, and are set aside"),
    ] {
        if count > 0 {
            lines.push(format!("{count} {words}"));
        }
    }
    lines.join("\n")
}

fn describe_synced(synced: &Synced) -> String {
    let Synced { events, enriched, blobs, records, refused, .. } = synced;
    let mut text = format!(
        "{events} spooled events, {blobs} blobs and {records} records uploaded, {enriched} earlier events completed"
    );
    if *refused > 0 {
        text += &format!("\n{refused} blobs or batches were refused by the service, and are set aside");
    }
    text
}

fn describe_status(status: &Status) -> String {
    let mut lines = vec![status.state.to_owned()];
    let mut line = |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("{name}: {value}")));
    line("device", status.device_id.clone());
    line("account", status.account.clone());
    line("service", status.server.clone());
    line("epoch", status.epoch.map(|epoch| epoch.to_string()));
    line("policy version", status.policy_version.map(|version| version.to_string()));
    let some = |count: u64| (count > 0).then(|| count.to_string());
    line("spooled bytes", some(status.spool_bytes));
    line("queued bytes", some(status.queue_bytes));
    line("blobs waiting", some(status.blobs_waiting));
    line("batches of records waiting", some(status.record_batches_waiting));
    line("refused by the service", some(status.refused));
    line("bytes of these", some(status.unit_bytes));
    line("last upload", status.last_upload_us.map(blindtally_agent::describe_time));
    lines.join("\n")
}
