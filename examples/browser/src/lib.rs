//! The built dashboard, inside the program that serves it.
//!
//! What `vite build` put into `dist/` when this was compiled. Where it had put nothing, there is one page that says so.
//!
//! ```
//! let page = blindtally_dashboard::file("index.html").ok_or("no page")?;
//! assert_eq!(page.content_type, "text/html; charset=utf-8");
//! # Ok::<(), &str>(())
//! ```

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// The page that stands in for a dashboard that was not built.
const NOT_BUILT: &[u8] = include_bytes!("not_built.html");

#[derive(RustEmbed)]
#[folder = "dist"]
#[allow_missing = true]
struct Dist;

/// A file that the browser may ask for.
#[derive(Debug, Clone)]
pub struct File {
    /// What it is, for `Content-Type`.
    pub content_type: &'static str,
    /// Whether its name changes with its contents, so that it can be kept for ever.
    pub is_immutable: bool,
    /// The file as it is.
    pub plain: Form,
    /// The same compressed, where that is smaller by enough to have been done.
    pub gzip: Option<Form>,
}

/// One form in which a file can be sent.
#[derive(Debug, Clone)]
pub struct Form {
    /// What is sent.
    pub bytes: Cow<'static, [u8]>,
    /// An entity tag of these bytes, in its quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

/// The paths of all files, relative to the page's folder; `index.html` is always one of them.
pub fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    let built = Dist::iter().filter(|path| !path.ends_with(".gz") && path != "index.html");
    built.chain([Cow::Borrowed("index.html")])
}

/// The file at a path that is relative to the page's folder.
pub fn file(path: &str) -> Option<File> {
    let plain = match Dist::get(path) {
        _ if path.ends_with(".gz") => None,
        None if path == "index.html" => Some(Form { bytes: NOT_BUILT.into(), etag: "\"not-built\"".to_owned() }),
        embedded => embedded.map(Form::from),
    }?;
    Some(File {
        content_type: content_type(path),
        is_immutable: path.starts_with("assets/"),
        plain,
        gzip: Dist::get(&format!("{path}.gz")).map(Form::from),
    })
}

/// Whether the dashboard was built before this was compiled.
pub fn is_built() -> bool {
    Dist::get("index.html").is_some()
}

impl From<EmbeddedFile> for Form {
    fn from(file: EmbeddedFile) -> Self {
        let hash = file.metadata.sha256_hash();
        let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: file.data, etag: format!("\"{hash}\"") }
    }
}

/// What the build writes, and what it may write one day. Browsers compile WebAssembly of the right type only.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn every_path_has_a_file_of_a_known_type() {
        for path in paths() {
            let file = file(&path).unwrap();
            assert_ne!(file.content_type, "application/octet-stream", "{path}");
            assert!(!file.plain.bytes.is_empty(), "{path}");
        }
    }

    #[test]
    fn there_is_always_one_page_and_nothing_above_it() {
        assert_eq!(paths().filter(|path| path == "index.html").count(), 1);
        assert!(file("index.html").is_some());
        for path in ["", "/", "index.html.gz", "/index.html", "../Cargo.toml", "assets", "assets/"] {
            assert!(file(path).is_none(), "{path}");
        }
    }

    #[test]
    fn each_form_has_a_tag_of_its_own() {
        for file in paths().map(|path| file(&path).unwrap()) {
            assert!(file.gzip.is_none_or(|gzip| gzip.etag != file.plain.etag));
        }
    }

    #[test]
    fn the_page_says_how_to_build_what_is_missing() {
        let page = std::str::from_utf8(NOT_BUILT).unwrap();
        assert!(page.contains("cargo xtask package --only dashboard"), "{page}");
    }
}
