//! Mistakes put into the code on purpose: each is noticed by a test, or docs/mutants.md says why it is harmless.

use crate::{shell, spec::Outcome, tools};
use std::{collections::BTreeSet, path::Path};

/// What decides about resending, limits and money.
const FILES: &[(&str, &[&str])] = &[
    (
        "core-http",
        &[
            "retry",
            "lenient",
            "encode",
            "builder",
            "client",
            "error",
            "plan",
            "exclusive",
            "limit",
            "bucket",
            "buckets",
            "auth",
            "answer",
            "reqwest",
            "transfer",
            "transport",
            "job",
            "page",
        ],
    ),
    ("sp-listings", &["vendor"]),
    ("dataforseo-merchant", &["vendor"]),
    ("multicart", &["vendor"]),
];

const REASONS: &str = "docs/mutants.md";

/// Takes hours; `ASIN_MUTANTS_SHARD=1/8` takes an eighth.
pub fn gate(root: &Path) -> Outcome<()> {
    let reasons = std::fs::read_to_string(root.join(REASONS)).map_err(|error| format!("{REASONS}: {error}"))?;
    let shard = std::env::var("ASIN_MUTANTS_SHARD").ok();
    let (mut survivors, mut known, mut tried) = (Vec::new(), BTreeSet::new(), 0);
    for (package, files) in FILES {
        let files: Vec<String> = files.iter().map(|file| format!("crates/{package}/src/{file}.rs")).collect();
        if let Some(gone) = files.iter().find(|file| !root.join(file).is_file()) {
            return Err(format!("there is no {gone}"));
        }
        let out = shell::target(root).join("mutants").join(package);
        let failed = |error| format!("{}: {error}", out.display());
        if out.exists() {
            // What an earlier run missed says nothing about this one.
            std::fs::remove_dir_all(&out).map_err(failed)?;
        }
        std::fs::create_dir_all(&out).map_err(failed)?;
        let mut command = tools::MUTANTS.command(root)?;
        command.args(["--package", package, "--all-features", "--timeout", "120", "--output"]).arg(&out);
        command.args(files.iter().flat_map(|file| ["-f", file]));
        command.args(shard.iter().flat_map(|shard| ["--shard", shard]));
        // 2: some survive, 3: some ran until the time was up. Anything else, such as tests that fail without a mutant, is no
        // result (its book, "Exit codes").
        shell::run_to(command.env("CARGO_PROFILE_DEV_DEBUG", "0"), &[0, 2, 3])?;
        let listed = |name: &str| {
            let path = out.join("mutants.out").join(name);
            std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        // One that hangs is noticed by who waits for it; a test that is only slow notices nothing.
        listed("timeout.txt")?.lines().for_each(|line| println!("ran until the time was up: {line}"));
        tried += listed("caught.txt")?.lines().count();
        for line in listed("missed.txt")?.lines() {
            let mutant = without_place(line);
            match is_known(&reasons, &mutant) {
                true => drop(known.insert(mutant)),
                false => survivors.push(line.to_owned()),
            }
        }
    }
    if tried == 0 {
        return Err("no mutant was tried".into());
    }
    if !survivors.is_empty() {
        return Err(format!("no test notices:\n{}", survivors.join("\n")));
    }
    let rows = reasons.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let stale: Vec<&str> = rows.map(|(row, _)| row).filter(|row| !known.contains(&row.replace("\\|", "|"))).collect();
    match shard.is_some() || stale.is_empty() {
        true => Ok(()),
        false => Err(format!("{REASONS} excuses what a test notices, or what is gone:\n{}", stale.join("\n"))),
    }
}

/// `src/a.rs:81:30: replace + with *` → `src/a.rs: replace + with *`: lines move, mistakes stay what they are.
fn without_place(line: &str) -> String {
    let (path, rest) = line.split_once(':').unwrap_or((line, ""));
    let what = rest.split_once(": ").map_or(rest, |(_, what)| what);
    format!("{path}: {what}")
}

/// Whether a row of the table is about this mutant and says why it is harmless.
fn is_known(reasons: &str, mutant: &str) -> bool {
    let row = format!("| `{}` | ", mutant.replace('|', "\\|"));
    reasons.lines().any(|line| line.strip_prefix(&row).is_some_and(|why| !why.trim_matches([' ', '|']).is_empty()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_mutant_is_harmless_only_where_a_row_of_its_own_says_why() {
        let reasons = "| mutant | why it is harmless |\n| `a.rs: replace < with <= in f` | the same |\n| `b.rs: c` |  |\n| `d.rs: \\|\\| e` | so |";
        assert!(super::is_known(reasons, "a.rs: replace < with <= in f"));
        assert!(super::is_known(reasons, "d.rs: || e"), "a table of Markdown holds no bare stroke");
        for unknown in ["a.rs: replace < with <= in", "a.rs: replace < with", "b.rs: c", "c.rs: c"] {
            assert!(!super::is_known(reasons, unknown), "{unknown}");
        }
    }

    #[test]
    fn a_mutant_is_known_by_file_and_change() {
        let line = "crates/a/src/b.rs:81:30: replace < with <= in C::d";
        assert_eq!(super::without_place(line), "crates/a/src/b.rs: replace < with <= in C::d");
    }
}
