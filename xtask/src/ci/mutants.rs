//! Mistakes put into the code on purpose: each is noticed by a test, or docs/mutants.md says why it is harmless.

use crate::{shell, spec::Outcome, tools};
use std::path::Path;

/// What decides about resending, limits and money.
const FILES: &[(&str, &[&str])] = &[
    ("core-http", &["retry", "client", "limit", "bucket", "buckets", "auth"]),
    ("sp-listings", &["vendor"]),
    ("dataforseo-merchant", &["vendor"]),
    ("multicart", &["vendor"]),
];

const REASONS: &str = "docs/mutants.md";

/// Takes hours; `ASIN_MUTANTS_SHARD=1/8` takes an eighth.
pub fn gate(root: &Path) -> Outcome<()> {
    let reasons = std::fs::read_to_string(root.join(REASONS)).map_err(|error| format!("{REASONS}: {error}"))?;
    let mut survivors = Vec::new();
    for (package, files) in FILES {
        let out = shell::target(root).join("mutants").join(package);
        let mut command = tools::MUTANTS.command(root)?;
        command.args(["--package", package, "--all-features", "--timeout", "120", "--output"]).arg(&out);
        command.args(files.iter().flat_map(|file| ["-f".to_owned(), format!("crates/{package}/src/{file}.rs")]));
        if let Ok(shard) = std::env::var("ASIN_MUTANTS_SHARD") {
            command.args(["--shard", &shard]);
        }
        // It ends badly when a mutant survives; what counts is which.
        let ended = shell::run(command.env("CARGO_PROFILE_DEV_DEBUG", "0"));
        let missed = out.join("mutants.out/missed.txt");
        let Ok(missed) = std::fs::read_to_string(&missed) else {
            return ended.and(Err(format!("{}: not written", missed.display())));
        };
        survivors.extend(missed.lines().filter(|line| !reasons.contains(&without_place(line))).map(str::to_owned));
    }
    if survivors.is_empty() { Ok(()) } else { Err(format!("no test notices:\n{}", survivors.join("\n"))) }
}

/// `src/a.rs:81:30: replace + with *` → `src/a.rs: replace + with *`: lines move, mistakes stay what they are.
fn without_place(line: &str) -> String {
    let (path, rest) = line.split_once(':').unwrap_or((line, ""));
    let what = rest.split_once(": ").map_or(rest, |(_, what)| what);
    format!("{path}: {what}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_mutant_is_known_by_file_and_change() {
        let line = "crates/a/src/b.rs:81:30: replace < with <= in C::d";
        assert_eq!(super::without_place(line), "crates/a/src/b.rs: replace < with <= in C::d");
    }
}
