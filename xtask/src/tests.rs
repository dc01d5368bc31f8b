//! Tests that need more than one module.

mod generation;
mod history;
mod imports;
mod mutations;
mod reading;
mod releases;

use crate::{import, spec::Spec};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Says why a test checks nothing, also where it passes: of what a macro prints the harness would show nothing.
fn say(line: &str) {
    let _said = writeln!(std::io::stderr(), "{line}");
}

/// A file of the folder of vendors' files, which is no part of the project; `None`, said aloud, where there is none.
fn upstream(path: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("ASIN_UPSTREAM") else {
        say("skipped: ASIN_UPSTREAM does not name the folder of vendors' files");
        return None;
    };
    let path = Path::new(&folder).join(path);
    assert!(path.exists(), "ASIN_UPSTREAM has no {}", path.display());
    Some(path)
}

/// The changes as lines.
fn lines(old: &Spec, new: Spec) -> Vec<String> {
    import::compare(old, new).iter().map(ToString::to_string).collect()
}

/// Compares with a file of `golden/`; with `ASIN_BLESS` set it is written instead.
fn is_golden(file: &str, text: &str) {
    let path = here("golden").join(file);
    if std::env::var_os("ASIN_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == known, "golden/{file} differs; if this is right, run the test with ASIN_BLESS=1:\n{text}");
}
