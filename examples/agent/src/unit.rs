//! What `collect` has sealed: units that wait for the service, and the memory of those that it has.
//!
//! A unit is a sealed blob or a batch of sealed records. While it waits it is one file, whose name says what it was made
//! from: so the rename that puts it in its place both keeps it and marks its source as done, and no crash can leave the
//! one without the other. Once the service has confirmed it, its name goes into the journal `delivered`, and the file
//! goes after that. The names hold keyed hashes: they tell nobody what a screenshot was called.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use blindtally_client::{Failure, create_private_dir};

use crate::folder::Folder;
use crate::journal::{Journal, failed, private};
use crate::link::Link;

/// The code of a unit that this computer cannot read now.
pub(crate) const UNREADABLE: &str = "state.unreadable";
/// A file that is being written. What a crash leaves of it is removed.
const UNFINISHED: &str = "new";
/// What the service will never take is set aside under this extension.
const REFUSED: &str = "refused";
/// The journal is written anew when it has this many names that nobody needs, and more of them than others.
const STALE_MAX: usize = 1_000;
/// Before the name of a unit in the journal: its file is gone, and one like it would be another.
const GONE: char = '!';
/// So many names of files that are gone are noted at once.
const GONE_AT_ONCE: usize = 1_000;

/// What a unit was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    /// A file in a folder: its name, times, length and inode.
    File { folder: u128, file: u128 },
    /// Lines of a file, up to `end`: where it is, and which file that was.
    Lines { path: u128, identity: u128, end: u64 },
}

/// One sealed thing. Its number says when it was sealed, among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Unit {
    number: u64,
    pub(crate) source: Source,
}

impl Unit {
    fn name(&self) -> String {
        match self.source {
            Source::File { folder, file } => format!("{:016x}-b-{folder:032x}-{file:032x}", self.number),
            Source::Lines { path, identity, end } => {
                format!("{:016x}-r-{path:032x}-{identity:032x}-{end:016x}", self.number)
            }
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let hex = |text| u128::from_str_radix(text, 16).ok();
        let parts: Vec<_> = name.split('-').collect();
        let source = match parts[1..] {
            ["b", folder, file] => Source::File { folder: hex(folder)?, file: hex(file)? },
            ["r", path, identity, end] => {
                Source::Lines { path: hex(path)?, identity: hex(identity)?, end: u64::try_from(hex(end)?).ok()? }
            }
            _ => return None,
        };
        let unit = Self { number: u64::from_str_radix(parts[0], 16).ok()?, source };
        (unit.name() == name).then_some(unit)
    }
}

/// All units of an agent's folder.
pub(crate) struct Units {
    folder: PathBuf,
    journal: Journal,
    /// How many names the journal has.
    noted: usize,
    next: u64,
    /// With their sizes.
    waiting: BTreeMap<Unit, u64>,
    /// Of what waits and what was refused.
    bytes: u64,
    /// Every file that is done, and those of them that the service has confirmed.
    sealed: HashSet<Source>,
    delivered: HashSet<Source>,
    /// For each path of a file of lines, and each file that was there: the newest unit's number, and how far.
    positions: HashMap<(u128, u128), (u64, u64)>,
}

/// How much of what waits, for `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) blobs: u64,
    pub(crate) batches: u64,
    pub(crate) refused: u64,
    pub(crate) bytes: u64,
}

/// What became of units at the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) blobs: u64,
    pub(crate) records: u64,
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
}

/// What waits, as it is this moment: without the folder's lock, and without changing anything.
pub(crate) fn waiting(folder: &Folder) -> Result<Waiting, Failure> {
    let mut waiting = Waiting::default();
    for (name, size) in files(&folder.units())? {
        let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
        let count = match (Unit::parse(stem), extension) {
            (Some(_), REFUSED) => &mut waiting.refused,
            (Some(Unit { source: Source::File { .. }, .. }), "") => &mut waiting.blobs,
            (Some(_), "") => &mut waiting.batches,
            _ => continue,
        };
        *count += 1;
        waiting.bytes += size;
    }
    Ok(waiting)
}

fn files(folder: &Path) -> Result<Vec<(String, u64)>, Failure> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(folder, &error))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(folder, &error))?;
        match entry.metadata() {
            Ok(metadata) => files.push((entry.file_name().to_string_lossy().into_owned(), metadata.len())),
            // Another command has just delivered it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(folder, &error)),
        }
    }
    Ok(files)
}

impl Units {
    /// Opens the units, and tidies up after a crash.
    pub(crate) fn open(folder: &Folder) -> Result<Self, Failure> {
        let mut units = Self {
            folder: folder.units(),
            journal: folder.delivered()?,
            noted: 0,
            next: 0,
            waiting: BTreeMap::new(),
            bytes: 0,
            sealed: HashSet::new(),
            delivered: HashSet::new(),
            positions: HashMap::new(),
        };
        let mut frames = units.journal.frames()?;
        let mut noted = HashSet::new();
        while let Some(frame) = frames.next()? {
            for name in str::from_utf8(&frame).unwrap_or_default().lines() {
                units.noted += 1;
                if let Some(unit) = name.strip_prefix(GONE).and_then(Unit::parse) {
                    units.forget(&unit.source);
                } else if let Some(unit) = Unit::parse(name) {
                    units.remember(&unit);
                    units.delivered.insert(unit.source);
                    noted.insert(unit);
                }
            }
        }
        for (name, size) in files(&units.folder)? {
            let path = units.folder.join(&name);
            let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
            match (Unit::parse(stem), extension) {
                // Delivered: only the file was left to be removed.
                (Some(unit), "") if noted.contains(&unit) => remove(&path)?,
                (Some(unit), "") => {
                    units.remember(&unit);
                    units.waiting.insert(unit, size);
                    units.bytes += size;
                }
                (Some(unit), REFUSED) => {
                    units.remember(&unit);
                    units.bytes += size;
                }
                (_, UNFINISHED) => remove(&path)?,
                _ => {}
            }
        }
        Ok(units)
    }

    fn remember(&mut self, unit: &Unit) {
        self.next = self.next.max(unit.number + 1);
        self.sealed.insert(unit.source);
        if let Source::Lines { path, identity, end } = unit.source {
            let newest = self.positions.entry((path, identity)).or_default();
            *newest = (*newest).max((unit.number, end));
        }
    }

    /// Whether there is nothing left to do about a file but perhaps to deliver it.
    pub(crate) fn is_sealed(&self, source: &Source) -> bool {
        self.sealed.contains(source)
    }

    /// Whether the service has confirmed it.
    pub(crate) fn is_delivered(&self, source: &Source) -> bool {
        self.delivered.contains(source)
    }

    /// How far that file at `path` was taken: not at all if it has become shorter.
    pub(crate) fn position(&self, path: u128, identity: u128, length: u64) -> u64 {
        self.positions.get(&(path, identity)).map(|&(_, end)| end).filter(|end| *end <= length).unwrap_or_default()
    }

    /// Whether `more` bytes can wait too, within a limit. One unit always can.
    pub(crate) fn has_room(&self, more: u64, limit: u64) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(more) <= limit
    }

    /// Adds a unit: when this returns, a crash does not lose it. `Ok(false)` if `write` has found that there is none.
    pub(crate) fn seal(
        &mut self,
        source: Source,
        write: impl FnOnce(&mut File) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        let unit = Unit { number: self.next, source };
        let path = self.folder.join(unit.name());
        let new = path.with_extension(UNFINISHED);
        create_private_dir(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        let mut file =
            private().write(true).create_new(true).open(&new).map_err(|error| failed(&self.folder, &error))?;
        let written = write(&mut file).and_then(|written| {
            if !written {
                return Ok(None);
            }
            let kept = file.sync_all().and_then(|()| file.metadata());
            let size = kept.map_err(|error| failed(&self.folder, &error))?.len();
            fs::rename(&new, &path).and_then(|()| sync(&self.folder)).map_err(|error| failed(&self.folder, &error))?;
            Ok(Some(size))
        });
        let Ok(Some(size)) = written else {
            drop(fs::remove_file(&new));
            return written.map(|_| false);
        };
        self.remember(&unit);
        self.waiting.insert(unit, size);
        self.bytes += size;
        Ok(true)
    }

    /// Marks lines as done of which nothing has to be delivered.
    pub(crate) fn pass_over(&mut self, source: Source) -> Result<(), Failure> {
        let unit = Unit { number: self.next, source };
        self.note(&unit)?;
        self.remember(&unit);
        Ok(())
    }

    /// Takes again what was set aside.
    pub(crate) fn retry(&mut self) -> Result<(), Failure> {
        for (name, size) in files(&self.folder)? {
            let Some((stem, REFUSED)) = name.split_once('.') else { continue };
            let Some(unit) = Unit::parse(stem) else { continue };
            let path = self.folder.join(&name);
            fs::rename(&path, path.with_extension("")).map_err(|error| failed(&path, &error))?;
            self.waiting.insert(unit, size);
        }
        Ok(())
    }

    fn note(&mut self, unit: &Unit) -> Result<(), Failure> {
        self.journal.append(unit.name().as_bytes())?;
        self.noted += 1;
        Ok(())
    }

    /// Delivers what waits: records first, which are small, then blobs, each kind in the order in which it was sealed.
    ///
    /// # Errors
    /// Those of the service that concern more than one unit, and `state.unreadable` once everything else was sent; what
    /// was not delivered still waits.
    pub(crate) fn deliver(&mut self, link: &mut Link, delivered: &mut Delivered) -> Result<(), Failure> {
        let (batches, blobs): (Vec<_>, Vec<_>) =
            self.waiting.clone().into_iter().partition(|(unit, _)| matches!(unit.source, Source::Lines { .. }));
        let mut unread = None;
        for (unit, size) in batches.into_iter().chain(blobs) {
            let path = self.folder.join(unit.name());
            match send(&unit, &path, link, delivered) {
                Ok(()) => {
                    self.note(&unit)?;
                    self.delivered.insert(unit.source);
                    remove(&path)?;
                    self.waiting.remove(&unit);
                    self.bytes -= size;
                }
                Err(failure) if is_of_the_unit(&failure) => {
                    eprintln!("set aside: {failure} ({})", failure.code());
                    delivered.refused += 1;
                    fs::rename(&path, path.with_extension(REFUSED)).map_err(|error| failed(&path, &error))?;
                    self.waiting.remove(&unit);
                }
                // This computer's fault, which may pass.
                Err(failure) if failure.code() == UNREADABLE => _ = unread.get_or_insert(failure),
                Err(failure) => return Err(failure),
            }
        }
        unread.map_or(Ok(()), Err)
    }

    fn forget(&mut self, source: &Source) {
        self.sealed.remove(source);
        self.delivered.remove(source);
    }

    /// Forgets files that are gone, for good.
    pub(crate) fn forget_gone(&mut self, gone: &[Source]) -> Result<(), Failure> {
        for some in gone.chunks(GONE_AT_ONCE) {
            let name = |source: &Source| format!("{GONE}{}\n", Unit { number: 0, source: *source }.name());
            self.journal.append(some.iter().map(name).collect::<String>().as_bytes())?;
            self.noted += some.len();
            some.iter().for_each(|source| self.forget(source));
        }
        Ok(())
    }

    /// Forgets the files of a folder that are not there any more. That none is there is not believed: a disk may not be
    /// mounted.
    pub(crate) fn forget_others(&mut self, of: u128, there: &HashSet<u128>) -> Result<(), Failure> {
        if there.is_empty() {
            return Ok(());
        }
        let is_gone = |source: &&Source| match source {
            Source::File { folder, file } => *folder == of && !there.contains(file),
            Source::Lines { .. } => false,
        };
        let gone: Vec<_> = self.delivered.iter().filter(is_gone).copied().collect();
        self.forget_gone(&gone)
    }

    /// Writes the journal anew if most of it is of no use any more.
    pub(crate) fn compact(&mut self) -> Result<(), Failure> {
        let files = self.delivered.iter().filter(|source| matches!(source, Source::File { .. }));
        let needed: Vec<Unit> = files
            .map(|source| Unit { number: 0, source: *source })
            .chain(self.positions.iter().map(|(&(path, identity), &(number, end))| Unit {
                number,
                source: Source::Lines { path, identity, end },
            }))
            .collect();
        if self.noted < STALE_MAX + 2 * needed.len() {
            return Ok(());
        }
        self.noted = needed.len();
        self.journal.replace(needed.iter().map(|unit| unit.name().into_bytes()))
    }
}

fn send(unit: &Unit, path: &Path, link: &mut Link, delivered: &mut Delivered) -> Result<(), Failure> {
    let unreadable = |error| Failure::refused(UNREADABLE, format!("{}: {error}", path.display()));
    match unit.source {
        Source::File { .. } => {
            let receipt = link.upload_blob(&File::open(path).map_err(unreadable)?)?;
            if receipt.duplicate {
                delivered.duplicates += 1;
            } else {
                delivered.blobs += 1;
            }
        }
        Source::Lines { .. } => {
            let receipt = link.upload_records(&fs::read(path).map_err(unreadable)?)?;
            delivered.records += receipt.stored;
            delivered.duplicates += receipt.duplicates;
        }
    }
    Ok(())
}

/// Whether sending this unit again would end the same, and others may fare better.
fn is_of_the_unit(failure: &Failure) -> bool {
    let code = failure.code();
    matches!(failure, Failure::Refused { .. })
        && (code.starts_with("blob.")
            || code.starts_with("record.")
            || matches!(code, "request.too-large" | "request.malformed"))
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

/// Makes a rename in a folder last. Elsewhere than on Unix there is no such call.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    const FILE: Source = Source::File { folder: 1, file: 2 };

    fn lines(identity: u128, end: u64) -> Source {
        Source::Lines { path: 7, identity, end }
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(Some(temporary.path())).unwrap();
        (temporary, folder)
    }

    fn seal(units: &mut Units, source: Source) {
        assert!(units.seal(source, |file| Ok(file.write_all(b"sealed").is_ok())).unwrap());
    }

    #[test]
    fn a_name_says_what_a_unit_was_made_from() {
        for source in [FILE, lines(u128::MAX, u64::MAX)] {
            let unit = Unit { number: 9, source };
            assert_eq!(Unit::parse(&unit.name()), Some(unit));
        }
        for name in ["", "-", "0-b-1-2", "lock", "0000000000000009-x-1-2"] {
            assert_eq!(Unit::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_was_sealed_is_known_without_any_other_note() {
        let (_temporary, folder) = folder();
        let mut units = Units::open(&folder).unwrap();
        assert!(!units.is_sealed(&FILE));
        seal(&mut units, FILE);
        seal(&mut units, lines(1, 100));
        assert!(!units.seal(lines(1, 200), |_| Ok(false)).unwrap());
        let units = Units::open(&folder).unwrap();
        assert!(units.is_sealed(&FILE) && !units.is_delivered(&FILE));
        assert_eq!((units.position(7, 1, 100), units.position(7, 1, 99), units.position(7, 2, 100)), (100, 0, 0));
        assert_eq!(waiting(&folder).unwrap(), Waiting { blobs: 1, batches: 1, refused: 0, bytes: 12 });
        assert!(units.has_room(3, 15) && !units.has_room(4, 15));
    }

    #[test]
    fn a_file_that_starts_over_goes_on_from_its_new_place() {
        let (_temporary, folder) = folder();
        let mut units = Units::open(&folder).unwrap();
        seal(&mut units, lines(1, 100));
        seal(&mut units, lines(2, 10));
        units.pass_over(lines(1, 5)).unwrap();
        assert_eq!(Units::open(&folder).unwrap().position(7, 1, 100), 5);
        assert_eq!(Units::open(&folder).unwrap().position(7, 2, 100), 10);
    }

    #[test]
    fn two_units_of_one_number_both_wait() {
        let (_temporary, folder) = folder();
        seal(&mut Units::open(&folder).unwrap(), FILE);
        let other = Unit { number: 0, source: lines(1, 10) };
        fs::write(folder.units().join(other.name()), "sealed").unwrap();
        assert_eq!(Units::open(&folder).unwrap().waiting.len(), 2);
    }

    #[test]
    fn what_a_crash_leaves_is_tidied_up() {
        let (_temporary, folder) = folder();
        let mut units = Units::open(&folder).unwrap();
        seal(&mut units, FILE);
        fs::write(folder.units().join("half.new"), "x").unwrap();
        // It came between the note and the removal of the file.
        let unit = *units.waiting.first_key_value().unwrap().0;
        units.note(&unit).unwrap();
        // A file of the same number is another unit.
        seal(&mut units, lines(1, 10));
        let other = Unit { number: 0, source: Source::File { folder: 1, file: 3 } };
        fs::rename(
            folder.units().join(units.waiting.last_key_value().unwrap().0.name()),
            folder.units().join(other.name()),
        )
        .unwrap();
        let units = Units::open(&folder).unwrap();
        assert!(units.is_delivered(&FILE) && !units.is_delivered(&other.source));
        assert_eq!(waiting(&folder).unwrap(), Waiting { blobs: 1, batches: 0, refused: 0, bytes: 6 });
        assert_eq!(fs::read_dir(folder.units()).unwrap().count(), 1);
    }

    #[test]
    fn what_nobody_needs_leaves_the_journal() {
        let (_temporary, folder) = folder();
        let mut units = Units::open(&folder).unwrap();
        for end in 0..STALE_MAX as u64 + 4 {
            units.pass_over(lines(1, end)).unwrap();
        }
        let gone = Source::File { folder: 1, file: 3 };
        for source in [FILE, gone] {
            units.pass_over(source).unwrap();
            units.delivered.insert(source);
        }
        units.forget_others(1, &HashSet::new()).unwrap();
        assert_eq!(units.delivered.len(), 2);
        units.forget_others(1, &HashSet::from([2])).unwrap();
        let again = Units::open(&folder).unwrap();
        assert!(again.is_delivered(&FILE) && !again.is_delivered(&gone) && !again.is_sealed(&gone));
        units.compact().unwrap();
        let units = Units::open(&folder).unwrap();
        assert_eq!((units.noted, units.delivered.contains(&FILE)), (2, true));
        assert_eq!(units.position(7, 1, u64::MAX), STALE_MAX as u64 + 3);
    }
}
