//! The grammars of SPEC.md, read from it and compared with the vectors and with the library's parsers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::LazyLock;

use abnf::types::{Kind, Node, TerminalValues};
use blindtally::*;
use proptest::prelude::*;
use serde_json::Value;
use support::*;

/// The core rules of RFC 5234 (appendix B.1) that SPEC.md uses.
const CORE: &str = "ALPHA = %x41-5A / %x61-7A\nCR = %x0D\nDIGIT = %x30-39\nLF = %x0A\n";

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(Grammar::of_the_spec);
static OWNER: LazyLock<Owner> = LazyLock::new(|| owner().0);

/// All rules of SPEC.md together: one grammar, in which every rule has one definition (SPEC.md#grammar).
struct Grammar(BTreeMap<String, Node>);

impl Grammar {
    fn of_the_spec() -> Self {
        let spec = include_str!("../SPEC.md");
        let blocks = spec.split("```abnf\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let text: String = blocks.chain([CORE]).collect();
        let mut rules = BTreeMap::new();
        for rule in abnf::rulelist(&text).unwrap_or_else(|error| panic!("{error}")) {
            assert_eq!(rule.kind(), Kind::Basic);
            // Names are the same without regard to case: RFC 5234 §2.1.
            let earlier = rules.insert(rule.name().to_ascii_lowercase(), rule.node().clone());
            assert!(earlier.is_none(), "two rules are called {}", rule.name());
        }
        Self(rules)
    }

    fn matches(&self, rule: &str, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.ends(self.rule(rule), &text, &BTreeSet::from([0])).contains(&text.len())
    }

    fn rule(&self, name: &str) -> &Node {
        self.0.get(&name.to_ascii_lowercase()).unwrap_or_else(|| panic!("no rule is called {name}"))
    }

    /// Where `node` may end in `text` that begins at any of `starts`: all ways at once, so that none
    /// has to be tried again.
    fn ends(&self, node: &Node, text: &[char], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        let after = |length: usize, fits: &dyn Fn(&[char]) -> bool| {
            let end = |start: &usize| text.get(*start..start + length).is_some_and(fits).then_some(start + length);
            starts.iter().filter_map(end).collect()
        };
        match node {
            Node::Alternatives(nodes) => nodes.iter().flat_map(|node| self.ends(node, text, starts)).collect(),
            Node::Concatenation(nodes) => {
                nodes.iter().fold(starts.clone(), |starts, node| self.ends(node, text, &starts))
            }
            Node::Repetition { repeat, node } => {
                let mut at = starts.clone();
                for _ in 0..repeat.min().unwrap_or_default() {
                    at = self.ends(node, text, &at);
                }
                let mut all = at.clone();
                let mut more = repeat.max().map_or(usize::MAX, |max| max - repeat.min().unwrap_or_default());
                while more > 0 && !at.is_empty() {
                    at = &self.ends(node, text, &at) - &all;
                    all.extend(&at);
                    more -= 1;
                }
                all
            }
            Node::Rulename(name) => self.ends(self.rule(name), text, starts),
            Node::Group(node) => self.ends(node, text, starts),
            Node::Optional(node) => starts | &self.ends(node, text, starts),
            Node::String(literal) => {
                let wanted: Vec<char> = literal.value().chars().collect();
                let same = |a: &char, b: &char| a == b || !literal.is_case_sensitive() && a.eq_ignore_ascii_case(b);
                after(wanted.len(), &|found| found.iter().zip(&wanted).all(|(a, b)| same(a, b)))
            }
            Node::TerminalValues(TerminalValues::Range(first, last)) => {
                after(1, &|found| (*first..=*last).contains(&u32::from(found[0])))
            }
            Node::TerminalValues(TerminalValues::Concatenation(values)) => {
                after(values.len(), &|found| found.iter().zip(values).all(|(a, b)| u32::from(*a) == *b))
            }
            Node::Prose(prose) => panic!("<{prose}> cannot be checked"),
        }
    }
}

/// What a kind of text has to match, and what the library says of it.
struct Form {
    file: &'static str,
    group: &'static str,
    name: &'static str,
    is_lexically_right: fn(&str) -> bool,
    read: fn(&str) -> Result<(), Error>,
}

const FORMS: [Form; 6] = [
    Form {
        file: "token",
        group: "Token",
        name: "token",
        is_lexically_right: is_token,
        read: |text| Ok(text.parse::<Token>().map(drop)?),
    },
    Form {
        file: "record",
        group: "Record",
        name: "record",
        is_lexically_right: |text| GRAMMAR.matches("record-text", text),
        read: |text| Ok(Record::parse(text).map(drop)?),
    },
    Form {
        file: "ticket",
        group: "Ticket",
        name: "text",
        is_lexically_right: is_ticket,
        read: |text| Ok(Ticket::parse(text).map(drop)?),
    },
    Form {
        file: "crockford",
        group: "AccountCode",
        name: "typed",
        is_lexically_right: |text| GRAMMAR.matches("account-code", text),
        read: |text| Ok(AccountCode::parse(text).map(drop)?),
    },
    Form {
        file: "crockford",
        group: "CheckedCode",
        name: "typed",
        is_lexically_right: |text| GRAMMAR.matches("code-28", text),
        read: |text| Ok(RecoveryKey::parse(text).map(drop)?),
    },
    Form {
        file: "backup",
        group: "Backup",
        name: "file",
        is_lexically_right: is_backup,
        read: |text| Ok(Backup::parse(text).map(drop)?),
    },
];

fn is_token(text: &str) -> bool {
    GRAMMAR.matches("token-text", text) && GRAMMAR.matches("base64url", &text["bt1_".len()..])
}

/// A reader may drop white space around it.
fn is_ticket(text: &str) -> bool {
    ["ticket-text", "ticket-link"].iter().any(|rule| GRAMMAR.matches(rule, text.trim()))
}

/// A file, with what a comment of the grammar and the words after it say of body and Fingerprint.
fn is_backup(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("-----BEGIN BLINDTALLY BACKUP-----") else { return false };
    let Some((inner, _)) = rest.split_once("-----END BLINDTALLY BACKUP-----") else { return false };
    let (fields, lines): (Vec<_>, Vec<_>) = inner.split('\n').partition(|line| line.contains(':'));
    let body: String = lines.concat().split_whitespace().collect();
    let mut codes = fields.iter().filter_map(|line| line.trim().strip_prefix("Fingerprint")?.trim().strip_prefix(':'));
    GRAMMAR.matches("file", text)
        && GRAMMAR.matches("base64url", &body)
        && codes.next_back().is_some_and(|code| GRAMMAR.matches("code-24", code))
}

/// The texts of a form's cases, with the code of each refusal.
fn cases(form: &Form) -> Vec<(String, Option<String>)> {
    let path = format!("{}/test-vectors/{}.json", env!("CARGO_MANIFEST_DIR"), form.file);
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let groups = file["testGroups"].as_array().unwrap().iter().filter(|group| group["type"] == form.group);
    let tests = groups.flat_map(|group| group["tests"].as_array().unwrap());
    let text_of = |test: &Value| {
        let expect = test["expect"].as_str().map(str::to_owned);
        Some((test[form.name].as_str()?.to_owned(), expect))
    };
    tests.filter_map(text_of).collect()
}

/// SPEC.md#which-code: `malformed.encoding` is what is wrong with a text before anything in it is looked at.
fn compare(form: &Form, text: &str, code: Option<&str>) {
    let is_right = (form.is_lexically_right)(text);
    match code {
        None => assert!(is_right, "{} is read, but does not match: {text:?}", form.group),
        Some("malformed.encoding") => assert!(!is_right, "{} is refused, but matches: {text:?}", form.group),
        Some(_) => {}
    }
}

/// SPEC.md#grammar
#[test]
fn texts_of_the_vectors_match_the_grammar_unless_their_encoding_is_refused() {
    for form in FORMS {
        let cases = cases(&form);
        assert!(cases.len() > 5);
        for (text, code) in cases {
            compare(&form, &text, code.as_deref());
        }
    }
}

#[test]
fn an_empty_or_shortened_code_does_not_match_the_grammar() {
    for (rule, length) in [("code-24", 24), ("code-28", 28), ("account-code", 50)] {
        for wrong in [0, length - 1, length + 1] {
            assert!(!GRAMMAR.matches(rule, &"0".repeat(wrong)), "{rule}: {wrong} characters");
        }
        assert!(GRAMMAR.matches(rule, &"0-".repeat(length)));
        assert!(!GRAMMAR.matches(rule, &"u".repeat(length)));
    }
}

/// A character put in place of others, which may be none.
#[derive(Clone, Debug)]
struct Damage {
    at: prop::sample::Index,
    dropped: usize,
    put: Option<char>,
}

impl Damage {
    fn apply(&self, text: &str) -> String {
        let mut text: Vec<char> = text.chars().collect();
        let at = self.at.index(text.len() + 1);
        let end = text.len().min(at + self.dropped);
        text.splice(at..end, self.put);
        text.into_iter().collect()
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let put = prop_oneof![
        prop::char::range('\0', '\u{7f}'),
        prop::char::any(),
        "[A-Za-z0-9_:\n\u{a0}-]".prop_map(|c| c.chars().next().unwrap())
    ];
    (any::<prop::sample::Index>(), 0..3_usize, prop::option::of(put)).prop_map(|(at, dropped, put)| Damage {
        at,
        dropped,
        put,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// SPEC.md#grammar: both directions, wherever the damage is.
    #[test]
    fn damaged_texts_match_the_grammar_unless_their_encoding_is_refused(
        form in 0..FORMS.len(), case in any::<prop::sample::Index>(), damage in prop::collection::vec(damage(), 1..3),
    ) {
        let form = &FORMS[form];
        let short: Vec<_> = cases(form).into_iter().filter(|(text, _)| text.len() < 10_000).collect();
        let text = damage.iter().fold(case.get(&short).0.clone(), |text, damage| damage.apply(&text));
        let code = (form.read)(&text).err().map(|error| error.code());
        compare(form, &text, code);
    }

    #[test]
    fn a_writer_of_archives_takes_no_path_that_the_grammar_does_not_have(
        path in "[a-zA-Z0-9_.-]{1,9}(/[a-zA-Z0-9_.-]{1,9}){0,3}", damage in prop::option::of(damage()),
    ) {
        let path = damage.map_or(path.clone(), |damage| damage.apply(&path));
        let taken = OWNER.archive_writer(Vec::new(), NOW).unwrap().add(&path, NOW, 0, io::empty()).is_ok();
        // What the words below the grammar take away from it: points at the ends, and devices' names.
        let may_be_refused = |segment: &str| {
            let stem = segment.split('.').next().unwrap_or_default();
            segment.starts_with('.') || segment.ends_with('.') || (3..=4).contains(&stem.len())
        };
        let matches = GRAMMAR.matches("path", &path);
        prop_assert!(if path.split('/').any(may_be_refused) { !taken || matches } else { taken == matches }, "{path:?}");
    }
}
