//! The command line.

use std::path::PathBuf;

use blindtally::Kdf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::period::Moment;

/// The account owner's end of Blindtally: accounts, devices, reports, backup.
///
/// Passwords come from a prompt without echo, or from a file descriptor; never from the command line or the
/// environment. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 the service cannot be reached.
#[derive(Parser)]
#[command(version, name = "blindtally-owner")]
pub(crate) struct Cli {
    /// Folder that remembers service, login and the newest vault seen; never a secret.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// Read the password, or what opens a backup, from this file descriptor: one line. 0 is standard input.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) password_fd: Option<u32>,
    /// Read a password or passphrase that is being set from this file descriptor. May be the same one: the next line.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) new_password_fd: Option<u32>,
    /// Read the account secret from this file descriptor. May be the same one: the next line.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) account_secret_fd: Option<u32>,
    /// Print one JSON object and nothing else.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an account, a first backup and its recovery key.
    Create(Create),
    /// Check the password and refresh the profile; with --server and --login, on a new machine.
    Login(LoginArgs),
    /// Make a ticket that enrols a device.
    Ticket(TicketArgs),
    /// List the devices.
    Devices,
    /// Confirm devices that wait: those with a ticket by themselves, others by their code.
    Confirm(Confirm),
    /// Take a device's keys away, for ever.
    Revoke(Revoke),
    /// Give every device new keys.
    Rotate,
    /// Show what was used for how long.
    Report(Report),
    /// Say that a value is productive, neutral, unproductive, or of a category of your own.
    Categorize(Categorize),
    /// List which value has which category.
    Categories,
    /// Show what agents are told, or set the form of a class: `policy app lowercase`.
    Policy(PolicyArgs),
    /// Change the password.
    Passwd(Passwd),
    /// Write a backup that opens with a passphrase, or with a recovery key.
    Backup(BackupArgs),
    /// Get the account back from a backup, under a new password.
    Restore(Restore),
    /// Copy standard input to standard output with every token revealed.
    Reveal(Reveal),
    /// Show records, opened: keystrokes, clipboard, chat.
    Records(Records),
    /// List blobs: screenshots, camera shots, recordings.
    Blobs(Blobs),
    /// Fetch one blob and open it into a file.
    Blob(GetBlob),
    /// Write everything of some devices or all into one archive, which opens without the service.
    Export(Export),
    /// Open an archive, or a blob that was saved as it is, without the service or with it.
    Open(Open),
}

/// From when to when.
#[derive(Args)]
pub(crate) struct PeriodArgs {
    /// From this day or moment on: 2026-11-01, 2026-11-01T12:00:00 or 2026-11-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    pub(crate) from: Option<Moment>,
    /// Up to this moment, or the end of this day.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    pub(crate) to: Option<Moment>,
    /// Times are those of UTC, not of here.
    #[arg(long)]
    pub(crate) utc: bool,
}

#[derive(Args)]
pub(crate) struct Records {
    /// Only of this device: its id or its name.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Only of this class: keystrokes, clipboard, chat, or a number from 192 to 223.
    #[arg(long, value_name = "CLASS", value_parser = parse_record_class)]
    pub(crate) class: Option<blindtally::RecordClass>,
    #[command(flatten)]
    pub(crate) period: PeriodArgs,
}

#[derive(Args)]
pub(crate) struct Blobs {
    /// Only of this device: its id or its name.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Only of this class: screenshot, camera, voice, archive, or a number from 224 to 255.
    #[arg(long, value_name = "CLASS", value_parser = parse_blob_class)]
    pub(crate) class: Option<blindtally::BlobClass>,
    #[command(flatten)]
    pub(crate) period: PeriodArgs,
}

#[derive(Args)]
pub(crate) struct GetBlob {
    /// Its id: see `blobs`.
    #[arg(value_parser = parse_blob_id)]
    pub(crate) id: blindtally::BlobId,
    #[command(flatten)]
    pub(crate) output: OutputFile,
}

/// A file that is written.
#[derive(Args)]
pub(crate) struct OutputFile {
    /// The file to write. It appears when it is complete.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) output: OutputFile,
    /// Only of this device, by its id or its name; may be repeated.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Vec<String>,
    #[command(flatten)]
    pub(crate) period: PeriodArgs,
}

#[derive(Args)]
pub(crate) struct Open {
    /// The archive, or the blob.
    pub(crate) file: PathBuf,
    /// Write what is intact into this folder, which must be new or empty.
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Open with the keys of this backup, without any service.
    #[arg(long, value_name = "FILE")]
    pub(crate) backup: Option<PathBuf>,
    /// List the files, each with whether it is intact.
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Args)]
pub(crate) struct Create {
    /// Base URL of the service.
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The name to log in by.
    #[arg(long, value_name = "NAME")]
    pub(crate) login: String,
    #[command(flatten)]
    pub(crate) account_secret: AccountSecretArg,
    /// Write the recovery key into this file instead of showing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) recovery_key_file: Option<PathBuf>,
    /// Where the first backup goes, instead of into the profile's folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) backup_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kdf: KdfArg,
}

/// Whether there shall be an account secret.
#[derive(Args)]
pub(crate) struct AccountSecretArg {
    /// Make an account secret too, which is needed beside the password from then on. With --account-secret-fd, one that
    /// exists is taken instead.
    #[arg(long)]
    pub(crate) account_secret: bool,
}

/// How a password is stretched.
#[derive(Args)]
pub(crate) struct KdfArg {
    /// `pbkdf2`, `pbkdf2:ITERATIONS`, `argon2id` or `argon2id:KIB,PASSES,LANES`.
    #[arg(long, value_name = "KDF", value_parser = parse_kdf)]
    pub(crate) kdf: Option<Kdf>,
}

#[derive(Args)]
pub(crate) struct LoginArgs {
    /// Base URL of the service.
    #[arg(long, value_name = "URL", requires = "login")]
    pub(crate) server: Option<String>,
    /// The name to log in by.
    #[arg(long, value_name = "NAME", requires = "server")]
    pub(crate) login: Option<String>,
    /// There is an account secret beside the password; the profile remembers that there is one.
    #[arg(long, requires = "server")]
    pub(crate) account_secret: bool,
}

#[derive(Args)]
pub(crate) struct TicketArgs {
    /// How many devices may enrol with it: 1 to 50; several only within 24 hours.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) uses: u16,
    /// How many days it is good for: 7 for one device, if nothing is said, and at most 30.
    #[arg(long, value_name = "D", conflicts_with = "hours")]
    pub(crate) days: Option<u64>,
    /// How many hours it is good for.
    #[arg(long, value_name = "H")]
    pub(crate) hours: Option<u64>,
    /// Show its link as a QR code too.
    #[arg(long, conflicts_with = "json")]
    pub(crate) qr: bool,
}

#[derive(Args)]
pub(crate) struct Confirm {
    /// Do not ask about each device of a ticket that is good for several.
    #[arg(long)]
    pub(crate) all: bool,
    /// Look every second until Ctrl-C.
    #[arg(long, conflicts_with_all = ["code", "dismiss", "json"])]
    pub(crate) watch: bool,
    /// Confirm the device that shows this code.
    #[arg(long, value_name = "CODE", requires = "name")]
    pub(crate) code: Option<String>,
    /// The name to give that device.
    #[arg(long, value_name = "NAME", requires = "code")]
    pub(crate) name: Option<String>,
    /// Throw away the request of this device.
    #[arg(long, value_name = "DEVICE", conflicts_with = "code")]
    pub(crate) dismiss: Option<String>,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// Its id, or its name.
    pub(crate) device: String,
    /// Start a new epoch too, so that its keys are worth nothing from then on.
    #[arg(long, conflicts_with = "no_rotate")]
    pub(crate) rotate: bool,
    /// Keep the epoch: the service takes nothing from the device any more, but the device could still read tokens.
    #[arg(long)]
    pub(crate) no_rotate: bool,
}

#[derive(Args)]
pub(crate) struct Categorize {
    /// app, title, host, url, document, person or label.
    #[arg(value_parser = parse_class)]
    pub(crate) class: blindtally::TokenClass,
    /// The value, as agents see it.
    pub(crate) value: String,
    /// productive, neutral, unproductive, or a name of your own, which the service sees as a token.
    pub(crate) category: String,
}

#[derive(Args)]
pub(crate) struct PolicyArgs {
    /// app, title, host, url, document, person or label.
    #[arg(value_parser = parse_class, requires = "form")]
    pub(crate) class: Option<blindtally::TokenClass>,
    /// How agents write its values before they seal them, so that they group.
    #[arg(value_enum)]
    pub(crate) form: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// As they are.
    Exact,
    /// In lower case.
    Lowercase,
    /// Only the host of an address, in lower case.
    Host,
}

#[derive(Args)]
pub(crate) struct Passwd {
    #[command(flatten)]
    pub(crate) kdf: KdfArg,
}

#[derive(Args)]
pub(crate) struct BackupArgs {
    /// Where it goes. A backup of the same account that is there is replaced.
    pub(crate) file: PathBuf,
    /// Make a recovery key that opens it, and show it, instead of asking for a passphrase.
    #[arg(long)]
    pub(crate) recovery_key: bool,
    #[command(flatten)]
    pub(crate) kdf: KdfArg,
}

#[derive(Args)]
pub(crate) struct Restore {
    /// The backup. --password-fd is what opens it, --new-password-fd the new password.
    pub(crate) file: PathBuf,
    /// Base URL of the service.
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The name to log in by from now on.
    #[arg(long, value_name = "NAME")]
    pub(crate) login: String,
    #[command(flatten)]
    pub(crate) account_secret: AccountSecretArg,
    #[command(flatten)]
    pub(crate) kdf: KdfArg,
}

#[derive(Args)]
pub(crate) struct Reveal {
    /// Read with the keys of this backup, without any service.
    #[arg(long, value_name = "FILE")]
    pub(crate) backup: Option<PathBuf>,
    /// Write values exactly as they are, control characters included: only into files.
    #[arg(long)]
    pub(crate) exact: bool,
}

#[derive(Args)]
pub(crate) struct Report {
    /// What to add up by.
    #[arg(long, value_enum, default_value_t = By::App)]
    pub(crate) by: By,
    /// With --by category, day, hour or device: only time that carries a value of this class.
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    pub(crate) class: Option<blindtally::TokenClass>,
    /// First day, such as 2026-11-01.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// Last day.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<jiff::civil::Date>,
    /// Days and hours are those of UTC, not of here.
    #[arg(long)]
    pub(crate) utc: bool,
    /// Days and hours come in their own order if nothing is said, everything else by time.
    #[arg(long, value_enum)]
    pub(crate) sort: Option<Sort>,
    /// At most so many rows (of each class).
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Only of this device: its id or its name.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Write the rows into this file as CSV too.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    App,
    Title,
    Host,
    Url,
    Document,
    Person,
    Label,
    /// Every class of values.
    All,
    Category,
    Day,
    Hour,
    Device,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    Time,
    Active,
    Events,
    Recent,
    Value,
}

fn parse_kdf(text: &str) -> Result<Kdf, String> {
    let (name, numbers) = text.split_once(':').unwrap_or((text, ""));
    let parse = |number: &str| number.parse().map_err(|_| format!("{number:?} is not a number"));
    let numbers = numbers.split(',').filter(|number| !number.is_empty()).map(parse).collect::<Result<Vec<u32>, _>>()?;
    match (name, numbers.as_slice()) {
        ("pbkdf2", []) => Ok(Kdf::default()),
        ("pbkdf2", &[iterations]) => Ok(Kdf::Pbkdf2 { iterations }),
        ("argon2id", []) => Ok(Kdf::ARGON2ID),
        ("argon2id", &[m_kib, t, p]) => Ok(Kdf::Argon2id { m_kib, t, p }),
        _ => Err("pbkdf2[:ITERATIONS] or argon2id[:KIB,PASSES,LANES]".to_owned()),
    }
}

pub(crate) fn parse_class(name: &str) -> Result<blindtally::TokenClass, String> {
    let names = blindtally::TokenClass::NAMED.iter().filter_map(|class| class.name());
    blindtally::TokenClass::from_name(name).ok_or_else(|| format!("one of {}", names.collect::<Vec<_>>().join(", ")))
}

fn parse_record_class(text: &str) -> Result<blindtally::RecordClass, String> {
    let id = || text.parse().ok().and_then(|id| blindtally::RecordClass::from_id(id).ok());
    let class = blindtally::RecordClass::from_name(text).or_else(id);
    class.ok_or_else(|| "keystrokes, clipboard, chat, or a number from 192 to 223".to_owned())
}

fn parse_blob_class(text: &str) -> Result<blindtally::BlobClass, String> {
    let id = || text.parse().ok().and_then(|id| blindtally::BlobClass::from_id(id).ok());
    let class = blindtally::BlobClass::from_name(text).or_else(id);
    class.ok_or_else(|| "screenshot, camera, voice, archive, or a number from 224 to 255".to_owned())
}

fn parse_blob_id(text: &str) -> Result<blindtally::BlobId, String> {
    text.parse().map_err(|_| "an id has 32 hexadecimal digits".to_owned())
}
