//! The symbolic models of the protocol (verification/), checked by Verifpal.
//!
//! Each model says in comments what is expected of each of its queries. A query that is broken where it should hold is a flaw;
//! one that holds where an attack is expected means that the model has lost its power to find one: both fail.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::process;
use crate::project::Project;
use crate::system;
use crate::table::{Align, Table};

/// A tool under the GPL: run as a program, and linked with nothing.
const VERSION: &str = "1.6.7";
const WIDTH: usize = 140;

/// Runs every model and prints a row for each query.
///
/// # Errors
/// If a result is not the expected one.
pub(crate) fn run(project: &Project) -> Result<()> {
    let tool = tool(project)?;
    let left = Align::Left;
    let columns = [("model", left), ("expected", left), ("found", left), ("seconds", Align::Right), ("query", left)];
    let mut table = Table::new(&columns);
    let mut differences = Vec::new();
    for model in models(&project.root.join("verification"))? {
        let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let expected = expectations(&fs::read_to_string(&model)?).with_context(|| name.clone())?;
        eprintln!("  {name}");
        let mut verify = Command::new(&tool);
        verify.arg("verify").arg(&model).args(["--format", "json"]);
        let output = process::output(&mut verify, "")?;
        let found = results(&output.stdout).with_context(|| format!("cannot tell what Verifpal says of {name}"))?;
        let compared = compare(&expected, &found.verdicts);
        differences.extend(compared.iter().filter(|row| !row.holds()).map(|row| format!("{name}: {row}")));
        for (at, row) in compared.iter().enumerate() {
            let (model, seconds) =
                if at == 0 { (&*name, format!("{:.1}", found.seconds)) } else { ("", String::new()) };
            let cells = [model, &or_none(row.expected), &or_none(row.found), &seconds, &row.query];
            table.row(cells.map(str::to_owned).to_vec());
        }
    }
    print!("{}", table.render(WIDTH));
    ensure!(differences.is_empty(), "not as expected:\n  {}", differences.join("\n  "));
    println!("  every query as expected");
    Ok(())
}

/// Verifpal under target/, installed if it is not there: that takes minutes.
fn tool(project: &Project) -> Result<PathBuf> {
    let root = project.target.join("verifpal");
    let tool = root.join("bin/verifpal");
    if tool.is_file() {
        let version = process::output(Command::new(&tool).arg("--version"), "")?;
        if String::from_utf8_lossy(&version.stdout).trim().ends_with(VERSION) {
            return Ok(tool);
        }
    }
    eprintln!("Installing Verifpal {VERSION} into {} (some minutes)", root.display());
    let mut install = Command::new("cargo");
    // It asks for Rust 1.98: an older stable may have a nightly beside it that knows what it needs.
    let nightly = system::find_on_path("rustup").is_some()
        && process::output(Command::new("rustup").args(["toolchain", "list"]), "")
            .is_ok_and(|list| String::from_utf8_lossy(&list.stdout).contains("nightly"));
    if nightly {
        install.args(["+nightly", "install", "--ignore-rust-version"]);
    } else {
        install.arg("install");
    }
    install.args(["verifpal", "--locked", "--quiet", "--version", VERSION, "--root"]).arg(&root);
    process::run(install.env_remove("CARGO_TARGET_DIR"))
        .context("Verifpal needs Rust 1.98, or a nightly of its time")?;
    Ok(tool)
}

fn models(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut models = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "vp") {
            models.push(path);
        }
    }
    ensure!(!models.is_empty(), "no models in {}", folder.display());
    models.sort();
    Ok(models)
}

/// What the search found, or should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    /// What was sent once is accepted twice; nothing is forged.
    Replay,
    Attack,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::Replay => "replay",
            Self::Attack => "attack",
        })
    }
}

fn or_none(verdict: Option<Verdict>) -> String {
    verdict.map_or_else(|| "-".to_owned(), |verdict| verdict.to_string())
}

/// The lines `// expect: QUERY: VERDICT`.
fn expectations(model: &str) -> Result<BTreeMap<String, Verdict>> {
    let mut expected = BTreeMap::new();
    for line in model.lines().filter_map(|line| line.strip_prefix("// expect: ")) {
        let (query, verdict) = line.rsplit_once(": ").with_context(|| format!("no verdict in {line:?}"))?;
        let verdict = match verdict {
            "holds" => Verdict::Holds,
            "replay" => Verdict::Replay,
            "attack" => Verdict::Attack,
            other => bail!("{other:?} is no verdict"),
        };
        ensure!(expected.insert(query.to_owned(), verdict).is_none(), "two expectations of {query}");
    }
    Ok(expected)
}

struct Results {
    seconds: f64,
    /// In the order of the model.
    verdicts: Vec<(String, Verdict)>,
}

/// Verifpal's report on one model.
///
/// # Errors
/// If it could not read the model, or did not search it to the end.
fn results(json: &[u8]) -> Result<Results> {
    #[derive(Deserialize)]
    struct Report {
        models: Vec<Model>,
    }
    #[derive(Deserialize)]
    struct Model {
        error: Option<String>,
        analysis: Option<Analysis>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Analysis {
        elapsed_ms: u64,
        queries: Vec<Query>,
    }
    #[derive(Deserialize)]
    struct Query {
        query: String,
        /// Whether an attack was found.
        resolved: bool,
        subtype: Option<String>,
        envelope: Envelope,
    }
    #[derive(Deserialize)]
    struct Envelope {
        exhausted: bool,
    }
    let report: Report = serde_json::from_slice(json)?;
    let [model] = &report.models[..] else { bail!("it reports on {} models", report.models.len()) };
    if let Some(error) = &model.error {
        bail!("{error}");
    }
    let analysis = model.analysis.as_ref().context("it has no analysis")?;
    let mut verdicts = Vec::new();
    for Query { query, resolved, subtype, envelope } in &analysis.queries {
        let replay = subtype.as_ref().is_some_and(|subtype| subtype.starts_with("duplicate acceptance"));
        let verdict = match (resolved, replay) {
            (false, _) => Verdict::Holds,
            (true, true) => Verdict::Replay,
            (true, false) => Verdict::Attack,
        };
        ensure!(*resolved || envelope.exhausted, "it did not search {query} to the end");
        verdicts.push((query.clone(), verdict));
    }
    Ok(Results { seconds: analysis.elapsed_ms as f64 / 1000.0, verdicts })
}

struct Compared {
    query: String,
    expected: Option<Verdict>,
    found: Option<Verdict>,
}

impl Compared {
    fn holds(&self) -> bool {
        self.expected.is_some() && self.expected == self.found
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.query, or_none(self.expected), or_none(self.found))
    }
}

/// A row for every query there is, and for every one that is expected and not there.
fn compare(expected: &BTreeMap<String, Verdict>, found: &[(String, Verdict)]) -> Vec<Compared> {
    let row = |query: &String, found| Compared { query: query.clone(), expected: expected.get(query).copied(), found };
    let mut rows: Vec<_> = found.iter().map(|(query, verdict)| row(query, Some(*verdict))).collect();
    let is_missing = |query: &&String| !found.iter().any(|(known, _)| known == *query);
    rows.extend(expected.keys().filter(is_missing).map(|query| row(query, None)));
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const REPORT: &str = r#"{"version":"1.6.7","ok":true,"models":[{"file":"m.vp","ok":true,"analysis":{"code":"c0a1a1",
        "elapsedMs":1500,"queries":[
        {"query":"confidentiality? k","resolved":false,"envelope":{"sessions":2,"exhausted":true}},
        {"query":"authentication? A -> B: c","resolved":true,"envelope":{"exhausted":true},
         "subtype":"duplicate acceptance: no recipient-generated context"},
        {"query":"authentication? B -> A: d","resolved":true,"envelope":{"exhausted":false}}]}}]}"#;

    #[test]
    fn a_report_gives_a_verdict_for_each_query() {
        let found = results(REPORT.as_bytes()).unwrap();
        let verdicts: Vec<_> = found.verdicts.iter().map(|(query, verdict)| (&query[..14], *verdict)).collect();
        let expected = [
            ("confidentialit", Verdict::Holds),
            ("authentication", Verdict::Replay),
            ("authentication", Verdict::Attack),
        ];
        assert_eq!(verdicts, expected);
        assert_eq!(found.seconds, 1.5);
    }

    #[test]
    fn a_model_that_was_not_searched_to_the_end_does_not_hold() {
        let cut = REPORT.replace("\"sessions\":2,\"exhausted\":true", "\"exhausted\":false");
        let error = results(cut.as_bytes()).err().unwrap();
        assert_eq!(error.to_string(), "it did not search confidentiality? k to the end");
        let error = results(br#"{"models":[{"ok":false,"error":"sanity error"}]}"#).err().unwrap();
        assert_eq!(error.to_string(), "sanity error");
        assert!(results(br#"{"models":[]}"#).is_err());
    }

    #[test]
    fn expectations_are_read_from_comments() {
        let model =
            "// expect: authentication? A -> B: c: replay\n// said\n// expect: confidentiality? k: holds\nattacker";
        let expected = expectations(model).unwrap();
        assert_eq!(expected["authentication? A -> B: c"], Verdict::Replay);
        assert_eq!(expected["confidentiality? k"], Verdict::Holds);
        assert!(expectations("// expect: confidentiality? k: perhaps").is_err());
        assert!(expectations("// expect: nothing").is_err());
        assert!(expectations("// expect: q: holds\n// expect: q: holds").is_err());
    }

    #[test]
    fn a_query_that_nobody_expected_or_that_is_not_there_is_a_difference() {
        let expected = expectations("// expect: q: holds\n// expect: r: attack\n// expect: s: attack").unwrap();
        let found = ["q", "r", "t"].map(|query| (query.to_owned(), Verdict::Holds));
        let differences: Vec<_> = compare(&expected, &found).into_iter().filter(|row| !row.holds()).collect();
        let said: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["r: expected attack, found holds", "t: expected -, found holds", "s: expected attack, found -"]
        );
    }
}
