//! Whether code enforces and tests prove every requirement of SPEC.md, by its anchor, and every error code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::project::Project;
use crate::table::{Align, Table};
use crate::{cargo, process};

/// How other files cite an anchor; the anchor follows.
const CITATION: &str = "SPEC.md#";
/// Names codes for the types of TypeScript, and proves nothing of when they come.
const LIST_OF_CODES: &str = "bindings/wasm/tests/generated.rs";
const KEYWORDS: [&str; 4] = ["MUST NOT", "MUST", "SHOULD NOT", "SHOULD"];

/// Prints the table of requirements, and fails naming what has no anchor, no code or no test; then compares the grammar
/// with the vectors.
pub(crate) fn run(project: &Project) -> Result<()> {
    let spec = fs::read_to_string(project.root.join("SPEC.md")).context("cannot read SPEC.md")?;
    let report = Report::new(&spec, &tracked(project)?);
    print!("{}", report.table().render(170));
    println!("{}", report.summary());
    for gap in &report.gaps {
        println!("  {gap}");
    }
    ensure!(report.gaps.is_empty(), "SPEC.md: {} gaps", report.gaps.len());
    let mut grammar = cargo::in_project(project);
    process::run(grammar.args(["test", "--package", "blindtally", "--test", "grammar", "--quiet"]))
}

/// A file of the repository.
struct Source {
    path: String,
    text: String,
}

/// What git has of the project, as far as it is text.
fn tracked(project: &Project) -> Result<Vec<Source>> {
    let mut git = Command::new("git");
    let output = process::output(git.args(["ls-files", "-z"]).current_dir(&project.root), "")?;
    ensure!(output.status.success(), "git ls-files failed ({})", output.status);
    let paths = String::from_utf8(output.stdout).context("a path is not UTF-8")?;
    let read = |path: &str| {
        let text = String::from_utf8(fs::read(project.root.join(path)).ok()?).ok()?;
        Some(Source { path: path.to_owned(), text })
    };
    let sources: Vec<_> = paths.split('\0').filter_map(read).collect();
    if sources.is_empty() { bail!("git lists no files") } else { Ok(sources) }
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Part of the library, of a binding or of an example.
    Code,
    /// Checks them, or makes cases to check them with.
    Test,
}

impl Source {
    /// What the file as a whole is for; `None` for documents, tools and the implementation that only checks.
    fn role(&self) -> Option<Role> {
        let parts: Vec<&str> = self.path.split('/').collect();
        let (folders, file) = parts.split_at(parts.len() - 1);
        let (top, file) = (folders.first()?, file.first()?);
        let below = |names: &[&str]| folders.iter().any(|folder| names.contains(folder));
        match *top {
            "xtask" | "docs" => None,
            "test-vectors" => {
                let checks = file.starts_with("cases_") || file.starts_with("test_") || file.starts_with("verify.");
                (file.ends_with(".json") || checks).then_some(Role::Test)
            }
            _ if file.ends_with(".md") => None,
            _ if below(&["test", "tests", "vectors"]) => Some(Role::Test),
            "attacks" => Some(Role::Test),
            "src" => Some(Role::Code),
            "bindings" | "examples" => below(&["src", "ts", "python", "lib"]).then_some(Role::Code),
            _ => None,
        }
    }

    /// The parts of it that are code and tests.
    fn parts(&self) -> Vec<(Role, &str)> {
        let Some(role) = self.role() else { return Vec::new() };
        match self.text.split_once("\nmod tests {") {
            Some((code, tests)) if role == Role::Code => vec![(Role::Code, code), (Role::Test, tests)],
            _ => vec![(role, &self.text)],
        }
    }
}

/// A sentence or clause with words of BCP 14.
#[derive(Debug, PartialEq)]
struct Requirement {
    anchor: String,
    keywords: Vec<&'static str>,
    section: String,
}

/// What SPEC.md asks for, what answers it, and what does not.
struct Report {
    requirements: Vec<Requirement>,
    /// By anchor, the files that cite it.
    code: BTreeMap<String, BTreeSet<String>>,
    tests: BTreeMap<String, BTreeSet<String>>,
    codes: usize,
    gaps: Vec<String>,
}

impl Report {
    fn new(spec: &str, sources: &[Source]) -> Self {
        let mut report = Self {
            requirements: Vec::new(),
            code: BTreeMap::new(),
            tests: BTreeMap::new(),
            codes: 0,
            gaps: Vec::new(),
        };
        let anchors = report.read_spec(spec);
        report.read_sources(&anchors, sources);
        for Requirement { anchor, keywords, .. } in &report.requirements {
            for (cited, role) in [(&report.code, "code"), (&report.tests, "test")] {
                if !cited.contains_key(anchor) {
                    report.gaps.push(format!("#{anchor} ({}) is cited by no {role}", keywords.join(", ")));
                }
            }
        }
        report.read_codes(spec, sources);
        report
    }

    /// Takes the requirements, and returns all anchors.
    fn read_spec(&mut self, spec: &str) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for (anchor, _) in anchors_in(spec) {
            if !anchors.insert(anchor.to_owned()) {
                self.gaps.push(format!("#{anchor} is in SPEC.md twice"));
            }
        }
        let links = spec.split("](#").skip(1).filter_map(|rest| rest.split_once(')'));
        for (anchor, _) in links.filter(|(anchor, _)| !anchors.contains(*anchor)) {
            self.gaps.push(format!("SPEC.md cites #{anchor}, which it does not have"));
        }
        let mut section = None;
        for paragraph in paragraphs(spec) {
            if let Some(heading) = paragraph.strip_prefix("##") {
                let words = heading.rsplit("</a>").next().unwrap_or_default();
                section = words.split_whitespace().next().map(|number| number.trim_end_matches('.').to_owned());
            } else if let Some(section) = &section {
                self.read_paragraph(section, &paragraph);
            }
        }
        anchors
    }

    fn read_paragraph(&mut self, section: &str, paragraph: &str) {
        let anchors: Vec<_> = anchors_in(paragraph).collect();
        let mut last_end = 0;
        for (at, keyword) in keywords_in(paragraph) {
            let Some((anchor, _)) = anchors.iter().rfind(|(_, end)| *end <= at) else {
                let words: String = paragraph[at..].chars().take(50).collect();
                self.gaps.push(format!("section {section} has no anchor before: {words}"));
                continue;
            };
            match self.requirements.last_mut() {
                Some(requirement) if requirement.anchor == *anchor => {
                    if ends_sentence(&paragraph[last_end..at]) {
                        self.gaps.push(format!("#{anchor} is the anchor of two sentences"));
                    }
                    requirement.keywords.push(keyword);
                }
                _ => self.requirements.push(Requirement {
                    anchor: (*anchor).to_owned(),
                    keywords: vec![keyword],
                    section: section.to_owned(),
                }),
            }
            last_end = at + keyword.len();
        }
    }

    fn read_sources(&mut self, anchors: &BTreeSet<String>, sources: &[Source]) {
        for source in sources {
            for anchor in citations_in(&source.text).filter(|anchor| !anchors.contains(*anchor)) {
                self.gaps.push(format!("{} cites #{anchor}, which SPEC.md does not have", source.path));
            }
            for (role, text) in source.parts() {
                let cited = if role == Role::Code { &mut self.code } else { &mut self.tests };
                for anchor in citations_in(text) {
                    cited.entry(anchor.to_owned()).or_default().insert(source.path.clone());
                }
            }
        }
    }

    /// A code is tested where a vector expects it or a test names it, as text or as a variant of the core's errors.
    fn read_codes(&mut self, spec: &str, sources: &[Source]) {
        let variants: Vec<(String, &str)> = sources
            .iter()
            .filter(|source| source.path == "src/error.rs")
            .flat_map(|source| variants_in(&source.text))
            .collect();
        let tests: Vec<&str> = sources
            .iter()
            .filter(|source| source.path != LIST_OF_CODES)
            .flat_map(Source::parts)
            .filter(|(role, _)| *role == Role::Test)
            .map(|(_, text)| text)
            .collect();
        for code in codes_in(spec) {
            self.codes += 1;
            let quoted = [format!("\"{code}\""), format!("'{code}'"), format!("`{code}`")];
            let named = variants.iter().filter(|(_, other)| *other == code).map(|(variant, _)| variant);
            let names: Vec<&String> = quoted.iter().chain(named).collect();
            if !tests.iter().any(|text| names.iter().any(|name| has_word(text, name))) {
                self.gaps.push(format!("error code {code} is tested by nothing"));
            }
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["anchor", "keyword", "section", "code", "test"].map(|title| (title, Align::Left)));
        for requirement in &self.requirements {
            let files = |cited: &BTreeMap<String, BTreeSet<String>>| match cited.get(&requirement.anchor) {
                None => "-".to_owned(),
                Some(files) => {
                    let others = if files.len() > 1 { format!(" +{}", files.len() - 1) } else { String::new() };
                    files.first().cloned().unwrap_or_default() + &others
                }
            };
            table.row(vec![
                requirement.anchor.clone(),
                requirement.keywords.join(", "),
                requirement.section.clone(),
                files(&self.code),
                files(&self.tests),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let covered = |cited: &BTreeMap<String, BTreeSet<String>>| {
            self.requirements.iter().filter(|requirement| cited.contains_key(&requirement.anchor)).count()
        };
        format!(
            "{} requirements: {} cited by code, {} by tests; {} error codes; {} gaps",
            self.requirements.len(),
            covered(&self.code),
            covered(&self.tests),
            self.codes,
            self.gaps.len()
        )
    }
}

/// Each anchor, and where it ends.
fn anchors_in(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.match_indices("<a id=\"").filter_map(|(at, start)| {
        let anchor = text[at + start.len()..].split_once("\"></a>")?.0;
        Some((anchor, at + start.len() + anchor.len() + "\"></a>".len()))
    })
}

fn citations_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(CITATION).filter_map(|(at, citation)| {
        let rest = &text[at + citation.len()..];
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let anchor = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        (!anchor.is_empty()).then_some(anchor)
    })
}

/// The words in capitals, the longer of two that begin alike.
fn keywords_in(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let found = KEYWORDS.iter().filter_map(|word| Some((at + text[at..].find(word)?, *word)));
            let (start, word) = found.min_by_key(|(start, word)| (*start, usize::MAX - word.len()))?;
            at = start + word.len();
            if is_word(text, start, at) {
                return Some((start, word));
            }
        }
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| is_word(text, at, at + word.len()))
}

fn is_word(text: &str, start: usize, end: usize) -> bool {
    let goes_on = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (first, last) = (text[start..].chars().next(), text[..end].chars().next_back());
    let is_glued_before = goes_on(first) && goes_on(text[..start].chars().next_back());
    let is_glued_behind = goes_on(last) && goes_on(text[end..].chars().next());
    !is_glued_before && !is_glued_behind
}

/// Whether a sentence ends in `text`: a full stop, then white space and a new beginning.
fn ends_sentence(text: &str) -> bool {
    text.match_indices(['.', '?', '!']).any(|(at, _)| {
        let rest = &text[at + 1..];
        let begin = rest.trim_start();
        begin.len() < rest.len() && !begin.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit())
    })
}

/// Headings alone, and other lines up to an empty one; without what stands in fences.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut is_fenced = false;
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        is_fenced ^= is_fence;
        if is_fenced || is_fence || line.trim().is_empty() {
            paragraphs.push(String::new());
        } else if line.starts_with('#') {
            paragraphs.extend([line.to_owned(), String::new()]);
        } else if let Some(last) = paragraphs.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// The codes of the tables of errors.
fn codes_in(spec: &str) -> impl Iterator<Item = &str> {
    let tables = spec.split("| code | meaning |\n").skip(1).map(|rest| rest.split("\n\n").next().unwrap_or_default());
    tables.flat_map(str::lines).filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0))
}

/// `TokenizeError::TooLong` and its code, for every variant that src/error.rs declares.
fn variants_in(errors: &str) -> Vec<(String, &str)> {
    let mut variants = Vec::new();
    let mut name = "";
    for line in errors.lines().map(str::trim) {
        if let Some(opened) = line.strip_suffix("Error {") {
            name = opened;
        } else if let Some((variant, rest)) = line.split_once(" = \"")
            && let Some((code, _)) = rest.split_once('"')
        {
            variants.push((format!("{name}Error::{variant}"), code));
        }
    }
    variants
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    const SPEC: &str = "The words MUST and SHOULD are those of BCP 14.\n\n## <a id=\"keys\"></a>1. Keys\n\n\
        <a id=\"long\"></a>A key MUST be long, and MUST NOT\nbe short. <a id=\"new\"></a>It SHOULD be new: see [keys](#keys).\n";

    /// The files by path, with `@` for a citation: what is made up here must not look like one.
    fn gaps(spec: &str, files: &[(&str, &str)]) -> Vec<String> {
        report(spec, files).gaps
    }

    fn report(spec: &str, files: &[(&str, &str)]) -> Report {
        let source = |(path, text): &(&str, &str)| Source { path: (*path).into(), text: text.replace('@', CITATION) };
        Report::new(spec, &files.iter().map(source).collect::<Vec<_>>())
    }

    const CITED: [(&str, &str); 2] = [("src/key.rs", "// @long, @new"), ("tests/key.rs", "/// @long\n/// @new\n")];

    #[test]
    fn requirements_that_code_and_tests_cite_leave_no_gap() {
        let report = report(SPEC, &CITED);
        assert_eq!(report.gaps, [""; 0]);
        let found: Vec<_> = report.requirements.iter().map(|found| (&*found.anchor, &*found.keywords)).collect();
        assert_eq!(found, [("long", &["MUST", "MUST NOT"][..]), ("new", &["SHOULD"])]);
        assert_eq!(report.summary(), "2 requirements: 2 cited by code, 2 by tests; 0 error codes; 0 gaps");
        let lines = report.table().render(100);
        assert!(lines.contains("  long    MUST, MUST NOT  1        src/key.rs  tests/key.rs\n"), "{lines}");
    }

    #[test]
    fn a_requirement_without_code_or_without_a_test_is_a_gap() {
        assert_eq!(
            gaps(SPEC, &[("src/key.rs", "// @long, @new"), ("tests/key.rs", "@long")]),
            ["#new (SHOULD) is cited by no test"]
        );
        assert_eq!(gaps(SPEC, &[("src/key.rs", "// @new"), CITED[1]]), ["#long (MUST, MUST NOT) is cited by no code"]);
        // A longer anchor that begins alike is another.
        assert_eq!(gaps(SPEC, &[("src/key.rs", "// @long, @new-keys"), CITED[1]]).len(), 2);
    }

    #[test]
    fn a_test_module_in_code_is_a_test_and_other_files_are_neither() {
        let inline = "// @long @new\n#[cfg(test)]\nmod tests {\n// @long @new\n}\n";
        assert_eq!(gaps(SPEC, &[("src/key.rs", inline)]), [""; 0]);
        for path in ["README.md", "xtask/src/key.rs", "test-vectors/verify_python/key.py", "tests/README.md"] {
            assert_eq!(gaps(SPEC, &[CITED[0], (path, "@long @new")]).len(), 2, "{path}");
        }
        for path in [
            "test-vectors/key.json",
            "test-vectors/verify_python/cases_key.py",
            "examples/a/tests/a/key.rs",
            "bindings/vectors/run.py",
        ] {
            assert_eq!(gaps(SPEC, &[CITED[0], (path, "@long @new")]), [""; 0], "{path}");
        }
    }

    #[test]
    fn a_keyword_without_an_anchor_in_its_paragraph_is_a_gap() {
        let spec = SPEC.to_owned() + "\nA door MUST be shut.\n\n```abnf\na = \"MUST\"\n```\nMUSTARD is none.\n";
        assert_eq!(gaps(&spec, &CITED), ["section 1 has no anchor before: MUST be shut.\n"]);
    }

    #[test]
    fn two_sentences_with_one_anchor_are_a_gap() {
        let spec = SPEC.replace("<a id=\"new\"></a>", "");
        assert_eq!(
            gaps(&spec, &[("src/key.rs", "@long"), ("tests/key.rs", "@long")]),
            ["#long is the anchor of two sentences"]
        );
    }

    #[test]
    fn an_anchor_that_is_there_twice_is_a_gap() {
        let spec = SPEC.to_owned() + "\n<a id=\"new\"></a>No requirement.\n";
        assert_eq!(gaps(&spec, &CITED), ["#new is in SPEC.md twice"]);
    }

    #[test]
    fn a_citation_of_no_anchor_is_a_gap_in_every_file() {
        let found = gaps(SPEC, &[CITED[0], CITED[1], ("docs/a.md", "[a](../@gone)"), ("bindings/c/a.h", "@old.")]);
        assert_eq!(
            found,
            [
                "docs/a.md cites #gone, which SPEC.md does not have",
                "bindings/c/a.h cites #old, which SPEC.md does not have"
            ]
        );
        assert_eq!(gaps(&SPEC.replace("(#keys)", "(#key)"), &CITED), ["SPEC.md cites #key, which it does not have"]);
    }

    #[test]
    fn an_error_code_that_no_vector_and_no_test_names_is_a_gap() {
        let spec =
            SPEC.to_owned() + "\n| code | meaning |\n|---|---|\n| `key.old` | it is old |\n| `key.new` | it is new |\n";
        let errors = ("src/error.rs", "    KeyError {\n        Old = \"key.old\", \"it is old\";\n    }\n");
        let test = ("tests/code.rs", "assert_eq!(error, KeyError::Old)");
        assert_eq!(gaps(&spec, &[&CITED[..], &[errors, test]].concat()), ["error code key.new is tested by nothing"]);
        let vector = ("test-vectors/key.json", "\"expect\": \"key.new\"");
        assert_eq!(gaps(&spec, &[&CITED[..], &[errors, test, vector]].concat()), [""; 0]);
        // Another variant that begins alike, and the list of errors itself, test nothing.
        let other = ("tests/code.rs", "KeyError::Older \"key.new\"");
        assert_eq!(gaps(&spec, &[&CITED[..], &[errors, other]].concat()), ["error code key.old is tested by nothing"]);
    }
}
