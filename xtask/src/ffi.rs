//! The library behind the Kotlin, Swift and Ruby packages, and the sources that UniFFI generates for them.
//!
//! The sources are committed, since each ecosystem builds its packages from them; a test sees that they are those that the
//! library would generate now.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

use crate::project::Project;
use crate::{cargo, process};

/// The package that is compiled, and what its libraries are called.
const PACKAGE: &str = "blindtally-ffi";
pub(crate) const LIBRARY: &str = "blindtally_ffi";

/// The generated files of each language, as UniFFI names them, and where they are committed.
const GENERATED: [(TargetLanguage, &[(&str, &str)]); 3] = [
    (TargetLanguage::Kotlin, &[("io/blindtally/blindtally.kt", "kotlin/src/main/kotlin/io/blindtally/blindtally.kt")]),
    (TargetLanguage::Ruby, &[("blindtally.rb", "ruby/lib/blindtally/native.rb")]),
    (
        TargetLanguage::Swift,
        &[
            ("Blindtally.swift", "swift/Sources/Blindtally/Blindtally.swift"),
            ("BlindtallyFFI.h", "swift/Sources/BlindtallyFFI/BlindtallyFFI.h"),
            ("BlindtallyFFI.modulemap", "swift/Sources/BlindtallyFFI/module.modulemap"),
        ],
    ),
];

/// Compiles the library (release) and returns the folder that it lies in.
pub(crate) fn build(project: &Project) -> Result<PathBuf> {
    cargo::build_release(project, &[PACKAGE])
}

/// The file name of the shared library on this kind of machine.
pub(crate) fn shared_library() -> String {
    format!("{}{LIBRARY}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Compares the committed sources with what the library generates, or writes them if BLINDTALLY_GENERATE is set.
pub(crate) fn check_generated(project: &Project) -> Result<()> {
    for (text, committed) in generated(project)? {
        if std::env::var_os("BLINDTALLY_GENERATE").is_some() {
            fs::create_dir_all(committed.parent().context("a file without a folder")?)?;
            fs::write(&committed, &text).with_context(|| format!("cannot write {}", committed.display()))?;
        }
        let found = fs::read_to_string(&committed).unwrap_or_default();
        ensure!(found == text, "{} is stale: BLINDTALLY_GENERATE=1 writes it anew", committed.display());
    }
    Ok(())
}

/// The sources of every language, each with the place where it is committed.
fn generated(project: &Project) -> Result<Vec<(String, PathBuf)>> {
    let mut build = cargo::in_project(project);
    // What it exports does not depend on the profile.
    process::run(build.args(["build", "--quiet", "--package", PACKAGE]))?;
    let library = path(project.target.join("debug").join(shared_library()))?;
    let folder = project.target.join("generated");
    let mut files = Vec::new();
    for (language, names) in GENERATED {
        let options = GenerateOptions {
            languages: vec![language.clone()],
            source: library.clone().into(),
            out_dir: path(folder.clone())?.into(),
            metadata_no_deps: true,
            ..GenerateOptions::default()
        };
        generate(options)?;
        for (name, place) in names {
            let made = folder.join(name);
            let text = fs::read_to_string(&made).with_context(|| format!("UniFFI made no {}", made.display()))?;
            let text = if matches!(language, TargetLanguage::Ruby) { within_native(&text) } else { text };
            files.push((tidy(&text), project.root.join("bindings/ffi").join(place)));
        }
    }
    Ok(files)
}

fn path(path: PathBuf) -> Result<String> {
    path.into_os_string().into_string().ok().context("the path of the target folder is not UTF-8")
}

/// In Ruby, people call what is written by hand around the generated module: that one lies a level deeper.
fn within_native(ruby: &str) -> String {
    let deeper =
        ruby.replace("::Blindtally.", "::Blindtally::Native.").replace("::Blindtally::", "::Blindtally::Native::");
    let deeper = deeper.replace("::Native::Native", "::Native");
    deeper.replacen("\nmodule Blindtally\n", "\nmodule Blindtally; end\n\nmodule Blindtally::Native\n", 1)
}

/// Without white space at the ends of lines, of which UniFFI leaves some.
fn tidy(text: &str) -> String {
    let mut tidy: String = text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    tidy.truncate(tidy.trim_end().len());
    tidy + "\n"
}
