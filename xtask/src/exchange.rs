//! What every implementation makes at random, opened by every other.
//!
//! A maker writes a thousand valid cases, in files of the shape of test-vectors/README.md; then all of them check the files
//! of all, and a thousand cases that were damaged at random, of which all must say the same.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::npm::Npm;
use crate::process;
use crate::project::Project;
use crate::vectors::{self, Independent, Passed};

/// Repeats a run: the number that it printed.
const SEED: &str = "BLINDTALLY_SEED";
/// What damages valid cases, and says what each must lead to.
const DAMAGE: &str = "test-vectors/verify_python/run";
/// The folder, and the row of the table, of what was damaged.
const DAMAGED: &str = "damaged";
/// How many cases each folder has.
const CASES: u64 = 1000;

/// One implementation: what makes a folder of cases by a seed, and what checks one, under the name of its engine.
struct Implementation<'a> {
    name: &'a str,
    engine: &'a str,
    make: Box<Maker<'a>>,
    check: Box<Checker<'a>>,
}

type Maker<'a> = dyn Fn(&Path, &str) -> Command + Sync + 'a;
type Checker<'a> = dyn Fn(&Path) -> Command + Sync + 'a;

/// Whether all of them have to make and check every file of the thousand cases.
#[derive(Clone, Copy)]
pub(crate) enum Extent<'a> {
    Whole,
    /// This one makes and checks the files that it can.
    PartOf(&'a str),
}

impl Extent<'_> {
    fn is_part(self, name: &str) -> bool {
        matches!(self, Self::PartOf(part) if part == name)
    }
}

/// Has all of them make cases, check those of all, and prints the table.
pub(crate) fn run(project: &Project, npm: Option<&Npm>, independent: &[Independent], extent: Extent<'_>) -> Result<()> {
    let seed = std::env::var(SEED).or_else(|_| clock())?;
    println!("exchange: {SEED}={seed} makes the same choices again");
    let folder = project.target.join("vectors/exchange");
    let _alone = alone(&project.target.join("vectors"))?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let implementations = implementations(project, npm, independent)?;
    let folder_of = |name: &str| folder.join(name);
    at_once(implementations.iter().map(|maker| {
        let folder = folder_of(maker.name);
        let seed = &seed;
        move || {
            let output = process::output(&mut (maker.make)(&folder, seed), "")?;
            if extent.is_part(maker.name) {
                // It may make nothing at all.
                return Ok(fs::create_dir_all(&folder)?);
            }
            ensure!(output.status.success(), "{} made nothing ({}, seed {seed})", maker.name, output.status);
            require_all(&folder)
        }
    }))?;
    let mut damage = Command::new(project.root.join(DAMAGE));
    damage.arg("damage").arg(folder_of(DAMAGED)).arg(&seed);
    damage.args(implementations.iter().map(|maker| folder_of(maker.name)));
    let output = process::output(&mut damage, "")?;
    ensure!(output.status.success(), "nothing was damaged ({}, seed {seed})", output.status);
    require_all(&folder_of(DAMAGED))?;

    let makers = implementations.iter().map(|maker| maker.name).chain([DAMAGED]);
    let pairs = makers.flat_map(|maker| implementations.iter().map(move |opener| (maker, opener)));
    let opened = at_once(pairs.map(|(maker, opener)| {
        let folder = folder_of(maker);
        let seed = &seed;
        move || {
            let result = open(&folder, opener, extent).with_context(|| {
                format!("{} does not open what {maker} made (seed {seed}, kept in {})", opener.engine, folder.display())
            });
            // One that fails keeps no other from being looked at.
            Ok(((maker.to_owned(), opener.engine.to_owned()), result))
        }
    }))?;
    let (mut passed, mut failed) = (Passed::new(), Vec::new());
    for (pair, result) in opened {
        match result {
            Ok(count) => _ = passed.insert(pair, count),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    print!("{}", table(&passed));
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// Waits until no other run uses the folder, and keeps others waiting as long as the file is open.
fn alone(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let file = File::create(folder.join("exchange.lock"))?;
    file.lock().context("cannot keep another run away")?;
    Ok(file)
}

fn clock() -> Result<String> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs().to_string())
}

fn implementations<'a>(
    project: &'a Project,
    npm: Option<&'a Npm>,
    independent: &'a [Independent],
) -> Result<Vec<Implementation<'a>>> {
    let rust = vectors::rust_exchange(project)?;
    let mut all = vec![Implementation {
        name: "rust",
        engine: "rust",
        make: Box::new({
            let rust = rust.clone();
            move |folder, seed| with(Command::new(&rust), ["make".as_ref(), folder, seed.as_ref()])
        }),
        check: Box::new(move |folder| with(Command::new(&rust), ["check".as_ref(), folder, "rust".as_ref()])),
    }];
    if let Some(npm) = npm {
        let compiled = npm.compiled_check(project)?;
        all.push(Implementation {
            name: "wasm",
            engine: "wasm-node",
            make: Box::new(|folder, seed| with(npm.script("tests/make.mjs"), [folder, seed.as_ref()])),
            check: Box::new(move |folder| {
                with(npm.script("tests/check.mjs"), [compiled.as_path(), folder, "wasm-node".as_ref()])
            }),
        });
    }
    all.extend(independent.iter().map(|Independent { name, program }| Implementation {
        name,
        engine: name,
        make: Box::new(move |folder, seed| with(Command::new(program), ["make".as_ref(), folder, seed.as_ref()])),
        check: Box::new(move |folder| with(Command::new(program), [folder, name.as_ref()])),
    }));
    Ok(all)
}

fn with<const N: usize>(mut command: Command, arguments: [&Path; N]) -> Command {
    command.args(arguments);
    command
}

/// Checks a folder; the number of cases, which must be all there are, or all of the files that one checks in part.
fn open(folder: &Path, opener: &Implementation<'_>, extent: Extent<'_>) -> Result<u64> {
    let output = process::output(&mut (opener.check)(folder), "")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}\n{text}", output.status);
    let passed: BTreeMap<String, u64> =
        text.lines().filter_map(vectors::parse).map(|((file, _), count)| (file, count)).collect();
    let mut there = cases_in(folder)?;
    if extent.is_part(opener.engine) {
        there.retain(|file, _| passed.contains_key(file));
    }
    ensure!(passed == there, "it passed {passed:?} of {there:?}");
    Ok(there.values().sum())
}

/// A maker that makes fewer cases than all would be checked less than it seems.
fn require_all(folder: &Path) -> Result<()> {
    let made: u64 = cases_in(folder)?.values().sum();
    ensure!(made == CASES, "{} has {made} cases instead of {CASES}", folder.display());
    Ok(())
}

/// How many cases each file of a folder has.
fn cases_in(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files
        .iter()
        .map(|path| {
            let cases: Value = serde_json::from_slice(&fs::read(path)?)?;
            let count = cases["numberOfTests"].as_u64().context("there is no numberOfTests")?;
            Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), count))
        })
        .collect::<Result<_>>()
        .with_context(|| format!("{} holds something else than cases", folder.display()))
}

/// Does all of it, as many at a time as there are cores; what came out, in order.
fn at_once<T: Send>(work: impl IntoIterator<Item = impl FnOnce() -> Result<T> + Send>) -> Result<Vec<T>> {
    let left: Mutex<Vec<_>> = Mutex::new(work.into_iter().enumerate().collect::<Vec<_>>().into_iter().rev().collect());
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..thread::available_parallelism()?.get())
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop();
                        let Some((number, work)) = next else { return Ok(()) };
                        let result = work()?;
                        done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, result);
                    }
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked")))
    })?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
}

fn table(passed: &Passed) -> String {
    let mut makers: Vec<&String> = passed.keys().map(|(maker, _)| maker).collect();
    makers.dedup();
    // What nobody made comes last.
    makers.sort_by_key(|maker| (maker.as_str() == DAMAGED, *maker));
    vectors::matrix("made by \\ opened by", makers, passed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn what_was_opened_becomes_a_table_with_damage_last() {
        let passed = [("rust", "rust"), ("rust", "python"), ("damaged", "python"), ("python", "rust")]
            .map(|(maker, opener)| ((maker.to_owned(), opener.to_owned()), 1000));
        let lines = [
            "  made by \\ opened by  python  rust\n",
            "  python                    -  1000\n",
            "  rust                   1000  1000\n",
            "  damaged                1000     -\n",
        ];
        assert_eq!(table(&passed.into()), lines.concat());
    }

    #[test]
    fn what_is_done_at_once_comes_back_in_order() {
        let done = at_once((0..100).map(|number| move || Ok(number * 2))).unwrap();
        assert_eq!(done, (0..100).map(|number| number * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_of_one_is_the_failure_of_all() {
        let error = at_once((0..9).map(|number| {
            move || {
                ensure!(number != 5, "five fails");
                Ok(())
            }
        }));
        assert_eq!(error.unwrap_err().to_string(), "five fails");
    }

    #[test]
    fn a_maker_that_leaves_a_case_out_does_not_pass() {
        let folder = std::env::temp_dir().join(format!("blindtally-made-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.json"), r#"{"numberOfTests":700}"#).unwrap();
        let outcome = |others: &str| {
            fs::write(folder.join("b.json"), others).unwrap();
            require_all(&folder).is_ok()
        };
        assert!(outcome(r#"{"numberOfTests":300}"#));
        assert!(!outcome(r#"{"numberOfTests":299}"#));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_checker_that_leaves_a_case_out_does_not_pass() {
        let folder = std::env::temp_dir().join(format!("blindtally-exchange-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.json"), r#"{"numberOfTests":2}"#).unwrap();
        let checker = |lines: &'static str| Implementation {
            name: "x",
            engine: "x",
            make: Box::new(|_, _| Command::new("false")),
            check: Box::new(move |_| with(Command::new("printf"), [Path::new(lines)])),
        };
        fs::write(folder.join("b.json"), r#"{"numberOfTests":1}"#).unwrap();
        let outcome = |lines, extent| open(&folder, &checker(lines), extent).map_err(|error| error.to_string());
        assert_eq!(outcome("vectors: a.json x 2\\nvectors: b.json x 1\\n", Extent::Whole), Ok(3));
        assert!(outcome("vectors: a.json x 2\\n", Extent::Whole).is_err());
        assert!(outcome("nothing\\n", Extent::Whole).is_err());
        // A file may be left out by one that is not whole, a case of a file not.
        assert_eq!(outcome("vectors: a.json x 2\\n", Extent::PartOf("x")), Ok(2));
        assert!(outcome("vectors: a.json x 1\\n", Extent::PartOf("x")).is_err());
        assert!(outcome("vectors: a.json x 2\\n", Extent::PartOf("y")).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
