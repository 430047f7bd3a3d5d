//! The project's README shows, in each language, what the binding's own README shows: the examples that the tests run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

const BINDINGS: [(&str, &str); 5] = [
    ("kotlin", "bindings/ffi/kotlin/README.md"),
    ("java", "bindings/ffi/kotlin/README.md"),
    ("ruby", "bindings/ffi/ruby/README.md"),
    ("swift", "bindings/ffi/swift/README.md"),
    ("c", "bindings/c/README.md"),
];

#[test]
fn an_example_is_the_one_that_its_binding_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for (language, path) in BINDINGS {
        let tested = fs::read_to_string(root.join(path)).unwrap();
        let [shown, first] = [&readme, &tested].map(|text| block(text, language).expect(language));
        assert_eq!(shown, first, "{language}");
    }
}

/// The first block of code in a language.
fn block<'t>(text: &'t str, language: &str) -> Option<&'t str> {
    text.split_once(&format!("```{language}\n"))?.1.split_once("```").map(|(block, _)| block)
}
