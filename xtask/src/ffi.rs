//! The library behind the Kotlin, Swift and Ruby packages, and the sources that UniFFI generates for them.
//!
//! The sources are committed, since each ecosystem builds its packages from them; a test sees that they are those that the
//! library would generate now.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

use crate::cargo;
use crate::project::Project;

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
    // The one that is packaged: another profile would be compiled for this alone.
    let library = path(build(project)?.join(shared_library()))?;
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
            let text = if matches!(language, TargetLanguage::Ruby) { in_ruby(&tidy(&text))? } else { text };
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

/// The functions that take long, or wait for one that does, and call nothing of Ruby's meanwhile.
const SLOW: [&str; 34] = [
    "func_create_account",
    "func_enroll",
    "func_enroll_by_code",
    "func_restore_account",
    "constructor_identity_generate",
    "constructor_login_start",
    "method_agent_accept",
    "method_agent_apply_policy",
    "method_agent_seal_blob",
    "method_agent_tokenize_packed",
    "method_agent_wipe",
    "method_backup_open_with_passphrase",
    "method_identity_wipe",
    "method_login_unlock",
    "method_login_wipe",
    "method_openingkeys_open_blob",
    "method_openingkeys_open_records",
    "method_openingkeys_reveal_packed",
    "method_openingkeys_reveal_text",
    "method_owner_approve",
    "method_owner_backup_with_passphrase",
    "method_owner_backup_with_recovery_key",
    "method_owner_cancel_ticket",
    "method_owner_change_password",
    "method_owner_inspect",
    "method_owner_redeliver",
    "method_owner_revoke",
    "method_owner_rotate",
    "method_owner_set_canonical_form",
    "method_owner_sync",
    "method_owner_wipe",
    "method_pendingagent_accept",
    "method_pendingagent_wipe",
    "method_restored_wipe",
];

/// What UniFFI writes for Ruby, where it belongs and mended.
fn in_ruby(ruby: &str) -> Result<String> {
    let mut ruby = within_native(ruby);
    for (found, better) in [
        // Strings cross in one piece, not as an array with an object for each byte, and never more than there is room for.
        (
            "    reserve(value.bytes.size) do\n      @rust_buf.data.put_array_of_char @rust_buf.len, value.bytes\n",
            "    size = value.bytesize\n    reserve(size) do\n      @rust_buf.data.put_bytes @rust_buf.len, value, 0, size\n",
        ),
        (
            "put_array_of_char @rust_buf.len, [value].pack(format).bytes",
            "put_bytes @rust_buf.len, [value].pack(format)",
        ),
        ("v.bytes.size", "v.bytesize"),
        // Called by finalizers too, where Ruby lets nobody wait for a lock; taking one entry out needs none.
        (
            "  def remove(handle)\n    @lock.synchronize do\n      obj = @map.delete(handle)\n",
            "  def remove(handle)\n    begin\n      obj = @map.delete(handle)\n",
        ),
    ] {
        ensure!(ruby.contains(found), "UniFFI does not write `{found}` any more");
        ruby = ruby.replace(found, better);
    }
    // Other threads of Ruby run while one of these does.
    for name in SLOW {
        let start = format!("  attach_function :uniffi_blindtally_ffi_fn_{name},\n");
        let at = ruby.find(&start).with_context(|| format!("the library exports no {name}"))? + start.len();
        let length = ruby.get(at..).and_then(|rest| rest.find("\n\n")).context("a declaration without an end")?;
        ruby.insert_str(at + length, ",\n    blocking: true");
    }
    Ok(ruby)
}

/// Without white space at the ends of lines, of which UniFFI leaves some.
fn tidy(text: &str) -> String {
    let mut tidy: String = text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    tidy.truncate(tidy.trim_end().len());
    tidy + "\n"
}
