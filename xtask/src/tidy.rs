//! `cargo xtask tidy`: the rules of the house that no other tool checks.

mod guide;
mod manifests;
mod markdown;
mod operations;
mod sources;
mod words;

use crate::{shell, spec::Outcome};
pub use manifests::NEWER_RUST;
use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

/// The files of the project, ignored ones left out.
pub struct House {
    root: PathBuf,
    files: Vec<String>,
}

/// What is not as it should be, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    place: String,
    says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.says)
    }
}

fn finding(place: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { place: place.into(), says: says.into() }
}

impl House {
    /// The files that git knows or would add.
    pub fn open(root: &Path) -> Outcome<Self> {
        let listed = ["ls-files", "--cached", "--others", "--exclude-standard"];
        let said = shell::output(Command::new("git").current_dir(root).args(listed))?;
        let files = said.lines().filter(|file| root.join(file).is_file()).map(str::to_owned).collect();
        Ok(Self { root: root.to_owned(), files })
    }

    fn read(&self, file: &str) -> Outcome<String> {
        std::fs::read_to_string(self.root.join(file)).map_err(|error| format!("{file}: {error}"))
    }

    /// The files whose name ends so.
    fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.iter().map(String::as_str).filter(move |file| file.ends_with(end))
    }
}

/// Prints what is wrong; `false` if anything is.
pub fn run(root: &Path) -> Outcome<bool> {
    let house = House::open(root)?;
    let mut findings = Vec::new();
    for check in [guide::check, manifests::check, markdown::check, operations::check, sources::check, words::check] {
        findings.extend(check(&house)?);
    }
    findings.sort();
    findings.iter().for_each(|finding| eprintln!("{finding}"));
    println!("{} files, {} findings", house.files.len(), findings.len());
    Ok(findings.is_empty())
}
