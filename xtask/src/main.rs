//! Chores of the workspace; `cargo xtask help` names them.

mod api;
mod bench;
mod ci;
mod codegen;
mod conformance;
mod corpus;
mod diff;
mod emit;
mod import;
mod read;
mod release;
mod sha256;
mod shell;
mod spec;
mod tables;
#[cfg(test)]
mod tests;
mod tidy;
mod tools;
mod write;
mod yaml;

use clap::{Parser, Subcommand};
use spec::Outcome;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the workspace")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What must be green: the one list of gates, each with its time.
    Ci(ci::Choice),
    /// The rules of the house that no other tool checks.
    Tidy,
    /// Writes an answer with every field for each operation that has none in `fuzz/corpus/answers`.
    Corpus,
    /// What a call costs beside what others cost.
    Bench(bench::Arguments),
    /// Writes the public interface of each library into `api/`, and shows what changed.
    Api {
        /// Only compares, and fails if anything differs.
        #[arg(long)]
        check: bool,
    },
    /// Goes through a release step by step; changes nothing without `--execute`, never pushes or publishes.
    Release {
        /// Such as 0.2.0.
        version: String,
        /// Does it.
        #[arg(long)]
        execute: bool,
    },
    /// Writes `crates/*/src/generated` and the tables in README and the guide from `specs/*.yaml`.
    Codegen {
        /// Only compares, and fails if anything differs.
        #[arg(long)]
        check: bool,
    },
    /// Kills workers of durable runs at seeded moments and at each commit, and where there is PostgreSQL their database,
    /// then asks the vendor's bill.
    Crash {
        /// How many seeds; a tenth as many for those whose database is killed, too.
        #[arg(long, default_value_t = 100)]
        seeds: u64,
        /// The first one.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Installs other people's clients in a temporary folder and drives them against `asin sandbox`.
    Conformance(conformance::Arguments),
    /// Specifications: takes a vendor's facts, says what a vendor changed.
    Spec {
        #[command(subcommand)]
        command: SpecCommand,
    },
}

#[derive(Subcommand)]
enum SpecCommand {
    /// Takes facts, never prose, from a vendor's Swagger 2.0 or OpenAPI 3 file into `specs/`.
    Import {
        /// The vendor's file, JSON or YAML.
        file: PathBuf,
        /// The specification by name, such as `sp-listings`; found by content where it is not said.
        #[arg(long)]
        into: Option<String>,
        /// Takes only these operations, beside those that the specification has already.
        #[arg(long = "operation", num_args = 1.., value_name = "NAME")]
        operations: Vec<String>,
        /// When the vendor published the file, such as 2026-07-30.
        #[arg(long)]
        date: Option<String>,
    },
    /// Says in words what a vendor's file added, removed or changed; exits 1 if anything did, else says nothing.
    Diff {
        /// The vendor's new file, JSON or YAML.
        file: PathBuf,
        /// What it is compared with: a specification by name, or an older file; found by content where it is not said.
        #[arg(long)]
        against: Option<String>,
    },
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match run(Arguments::parse().command, root) {
        Ok(clean) => ExitCode::from(u8::from(!clean)),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// `false` if a comparison found something.
fn run(command: Command, root: &Path) -> Outcome<bool> {
    let specs = root.join("specs");
    match command {
        Command::Ci(choice) => ci::command(root, &choice),
        Command::Tidy => tidy::run(root),
        Command::Corpus => corpus::run(root),
        Command::Bench(arguments) => bench::command(root, &arguments),
        Command::Api { check } => api::command(root, check),
        Command::Release { version, execute } => release::command(root, &version, execute),
        Command::Codegen { check } => codegen::run(root, check),
        Command::Crash { seeds, from } => crash(root, from, seeds),
        Command::Conformance(arguments) => conformance::run(root, &arguments),
        Command::Spec { command: SpecCommand::Import { file, into, operations, date } } => {
            let import = import::Import {
                file: &file,
                specs: &specs,
                into: into.as_deref(),
                operations: &operations,
                date: date.as_deref(),
            };
            let done = import.run()?;
            println!("wrote {}", done.path.display());
            done.changes.iter().for_each(|change| println!("{change}"));
            if !done.left_out.is_empty() {
                println!("left out: {}", done.left_out.join(", "));
            }
            Ok(true)
        }
        Command::Spec { command: SpecCommand::Diff { file, against } } => {
            let (told, clean) = diff_of(&specs, &file, against.as_deref())?;
            told.iter().for_each(|line| println!("{line}"));
            Ok(clean)
        }
    }
}

/// The rows K1 and K10 of the fault matrix.
fn crash(root: &Path, from: u64, seeds: u64) -> Outcome<bool> {
    let tests = ["test", "-p", "asin-runs", "--all-features", "--test", "it", "--", "--nocapture", "k1_", "k10_"];
    let mut command = shell::cargo(root, tests);
    command.env("ASIN_RUNS_FROM", from.to_string()).env("ASIN_RUNS_SEEDS", from.saturating_add(seeds).to_string());
    shell::run(&mut command).map(|()| true)
}

/// What there is to say of a vendor's file, nothing where it is as known, and whether it is.
fn diff_of(specs: &Path, file: &Path, against: Option<&str>) -> Outcome<(Vec<String>, bool)> {
    let new = read::file(file)?;
    let skipped = |operation: &spec::Operation| {
        format!("skipped, the vendor marks it internal: {} ({})", operation.name(), operation.at)
    };
    let mut told: Vec<String> = new.internal.iter().map(skipped).collect();
    let old = match against {
        None => import::kin(specs, &new)?.spec,
        Some(name) if specs.join(format!("{name}.yaml")).exists() => read::file(&specs.join(format!("{name}.yaml")))?,
        Some(older) => read::file(Path::new(older))?,
    };
    let changes = import::compare(&old, new);
    told.extend(changes.iter().map(ToString::to_string));
    Ok((told, changes.is_empty()))
}
