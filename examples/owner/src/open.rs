//! `open`: an archive, or a single blob, with the keys of a backup or of the account. Of a damaged archive, whatever is
//! intact.
//!
//! What an archive says is text of strangers until it is verified, and its paths stay below the folder that was given:
//! the folder is new or empty, every folder in it is made here, no link is followed and no file replaced
//! (SPEC.md#archive-outside, SPEC.md#archive-links, SPEC.md#archive-replace).

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use blindtally::{Archive, ArchiveError, BlobClass, BlobStart, Error, Listing, OpeningKeys};
use blindtally_client::{ContentType, CopyError, Failure, copy, create_private_dir};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::backup;
use crate::cli::Open;
use crate::layout;
use crate::output::Output;
use crate::part::{Existing, PartFile, clean_up_when_told_to_end, unwritable};
use crate::period::show;
use crate::session::{Context, Session};

pub(crate) fn run(args: &Open, context: &mut Context) -> Result<(), Failure> {
    let output = context.output;
    clean_up_when_told_to_end()?;
    if let Some(backup) = &args.backup {
        return open(args, output, backup::open(backup, context)?.opening_keys());
    }
    let session = Session::open(context)?;
    let opened = open(args, output, session.owner.opening_keys());
    session.close();
    opened
}

fn open(args: &Open, output: Output, keys: &OpeningKeys) -> Result<(), Failure> {
    let unreadable = |error: io::Error| reading(&args.file, &error);
    let mut file = File::open(&args.file).map_err(unreadable)?;
    let start = BlobStart::read(&mut file).map_err(unreadable)?;
    io::Seek::rewind(&mut file).map_err(unreadable)?;
    if start.header().class != BlobClass::ARCHIVE {
        return open_blob(args, output, keys, file);
    }
    let mut archive = keys.archive(file).map_err(unreadable)?;
    let mut folder = args.folder.as_deref().map(Folder::create).transpose()?;
    let signed = match archive.listing() {
        Listing::Signed { made } => Some(made.unix_millis()),
        Listing::Unlisted => None,
    };
    let count = archive.files().len();
    match signed {
        Some(made) => {
            let made = show(made, &TimeZone::system());
            output.line(format_args!("{count} files, as the account has signed it, {made}"))?;
        }
        // SPEC.md#archive-unlisted
        None => output.note(
            "THE LIST OF FILES IS LOST: the archive was cut off, or is damaged at its end. Files may be missing, and next \
             to damage the inside of one file may show as another.",
        ),
    }
    let (mut files, mut damaged, mut written) = (Vec::new(), Vec::new(), 0u64);
    for number in 0..count {
        let is_intact = match &mut folder {
            Some(folder) => folder.take(&mut archive, number)?,
            None => is_intact(archive.check(number))?,
        };
        written += u64::from(is_intact && folder.is_some());
        let file = &archive.files()[number];
        let (path, modified) = (file.path(), file.modified().unix_millis());
        let state = if is_intact { "intact" } else { "damaged" };
        if args.list {
            let time = show(modified, &TimeZone::system());
            output.line(format_args!("{state:7}  {time}  {:>12}  {path}", file.length()))?;
            files.push(json!({ "path": path, "length": file.length(), "modified_ms": modified, "state": state }));
        } else if !is_intact {
            output.line(format_args!("damaged  {path}"))?;
        }
        if !is_intact {
            damaged.push(path.to_owned());
        }
    }
    if let Some(folder) = &args.folder {
        output.line(format_args!("{written} files written to {}", folder.display()))?;
    }
    let mut outcome = Map::new();
    let mut put = |name: &str, value: Value| outcome.insert(name.to_owned(), value);
    put("listing", if signed.is_some() { "signed" } else { "unsigned" }.into());
    put("made_ms", signed.into());
    put("intact", (count - damaged.len()).into());
    put("damaged", damaged.clone().into());
    put("folder", args.folder.as_ref().map(|folder| folder.display().to_string()).into());
    put("written", written.into());
    if args.list {
        put("files", files.into());
    }
    if damaged.is_empty() && signed.is_some() {
        return output.object(&outcome.into());
    }
    let code = ArchiveError::Damaged.code().to_owned();
    let message = match (damaged.len(), signed) {
        (0, _) => "the list of files is lost: what is intact may not be all".to_owned(),
        (count, Some(_)) => format!("{count} file(s) are damaged; the others are intact"),
        (count, None) => format!("{count} file(s) are damaged, and the list of files is lost"),
    };
    Err(Failure::Partly { code, message, outcome })
}

fn open_blob(args: &Open, output: Output, keys: &OpeningKeys, file: File) -> Result<(), Failure> {
    let unreadable = |error: io::Error| reading(&args.file, &error);
    let mut blob = keys.blob_reader(file).map_err(unreadable)?;
    let header = *blob.header();
    let mut part = match &args.folder {
        Some(folder) => Some((folder, Folder::create(folder)?.part()?)),
        None => None,
    };
    let mut first = Zeroizing::new(Vec::new());
    (&mut blob).take(ContentType::START as u64).read_to_end(&mut first).map_err(unreadable)?;
    let mut whole = first.as_slice().chain(blob);
    let copied = match &mut part {
        Some((_, part)) => copy(&mut whole, part),
        None => copy(&mut whole, &mut io::sink()),
    };
    let length = copied.map_err(|error| match error {
        CopyError::Read(error) => unreadable(error),
        CopyError::Write(error) => unwritable(args.folder.as_deref().unwrap_or(Path::new("")), &error),
    })?;
    let name = layout::blob_file(&header, &first);
    let written = part.is_some();
    if let Some((folder, part)) = part {
        part.complete(&folder.join(&name), Existing::Keep)?;
    }
    let (class, time) = (layout::blob_class(header.class), show(header.seq, &TimeZone::system()));
    let verb = if written { "written" } else { "intact" };
    output.line(format_args!("{verb}  {class} of {time}, device {}, {length} bytes: {name}", header.device))?;
    output.object(&json!({
        "id": header.id.to_string(), "device_id": header.device.to_string(), "class": class, "time_ms": header.seq,
        "length": length, "name": name, "written": u64::from(written),
        "folder": args.folder.as_ref().map(|folder| folder.display().to_string()),
    }))
}

/// The folder that is written to.
struct Folder {
    root: PathBuf,
    /// Folders that were made in it, in lower case: not every file system tells them apart by case.
    made: HashSet<String>,
}

impl Folder {
    /// A new folder, for the user alone, or one that is there and empty.
    fn create(root: &Path) -> Result<Self, Failure> {
        match fs::symlink_metadata(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_private_dir(root),
            // A link too is not what was made for this.
            Ok(there) if there.is_dir() && fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none()) => {
                Ok(())
            }
            _ => {
                let words = format_args!("{} is there already, and is no empty folder", root.display());
                return Err(Failure::refused("file.exists", words));
            }
        }
        .map_err(|error| unwritable(root, &error))?;
        Ok(Self { root: root.to_owned(), made: HashSet::new() })
    }

    fn part(&self) -> Result<PartFile, Failure> {
        PartFile::create(&self.root).map_err(|error| unwritable(&self.root, &error))
    }

    /// Writes a file of an archive, if it is intact.
    fn take(&mut self, archive: &mut Archive<File>, number: usize) -> Result<bool, Failure> {
        let file = archive.files()[number].clone();
        let mut part = Noting { inner: self.part()?, failed: None };
        let copied = archive.copy(number, &mut part);
        if let Some(error) = part.failed {
            return Err(unwritable(&self.root, &error));
        }
        let is_intact = is_intact(copied)?;
        if is_intact {
            let target = self.make_way(file.path())?;
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(file.modified().unix_secs());
            // Where a file system does not take it, the file is as good.
            drop(part.inner.file().set_modified(modified));
            part.inner.complete(&target, Existing::Keep)?;
        }
        Ok(is_intact)
    }

    /// Makes the folders above a file.
    fn make_way(&mut self, path: &str) -> Result<PathBuf, Failure> {
        let mut place = self.root.clone();
        let mut segments: Vec<_> = path.split('/').collect();
        let name = segments.pop().unwrap_or_default();
        let mut below = String::new();
        for segment in segments {
            place.push(segment);
            below += &segment.to_ascii_lowercase();
            below.push('/');
            match create_private(&place) {
                Ok(()) => _ = self.made.insert(below.clone()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let is_own = self.made.contains(&below)
                        && fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir());
                    if !is_own {
                        return Err(unwritable(&place, &error));
                    }
                }
                Err(error) => return Err(unwritable(&place, &error)),
            }
        }
        Ok(place.join(name))
    }
}

/// One folder, for the user alone. Unlike `create_private_dir` it takes none that is there.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Tells a writer's errors from those of what is copied to it.
struct Noting<W> {
    inner: W,
    failed: Option<io::Error>,
}

impl<W: Write> Write for Noting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed = Some(error);
            }
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether a file of an archive is intact. One on a part of the disk that cannot be read is damaged as well.
fn is_intact(checked: io::Result<()>) -> Result<bool, Failure> {
    match checked {
        Ok(()) => Ok(true),
        Err(error) => match Error::from_io(&error) {
            Some(Error::Archive(ArchiveError::Damaged)) | None => Ok(false),
            Some(error) => Err(error.into()),
        },
    }
}

fn reading(file: &Path, error: &io::Error) -> Failure {
    match Error::from_io(error) {
        Some(error) => error.into(),
        None => Failure::refused("file.unreadable", format_args!("{} cannot be read: {error}", file.display())),
    }
}
