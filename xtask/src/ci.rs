//! `cargo xtask ci`: the one list of what must be green. `.ci/run` calls README's test command and this.

mod counts;
mod coverage;
mod mutants;
pub mod packages;
mod readme;
mod specs;
mod trees;

use crate::{
    codegen,
    shell::{self, cargo, run},
    spec::Outcome,
    tidy, tools,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// What users depend on; each compiles without its features.
pub const LIBRARIES: [&str; 6] =
    ["core-http", "sp-listings", "dataforseo-merchant", "multicart", "asin-facade", "asin-runs"];
/// What others may build on, so that its interface is kept.
pub const LISTED: [&str; 7] =
    ["core-http", "sp-listings", "dataforseo-merchant", "multicart", "asin-facade", "asin-runs", "asin-sandbox"];
pub const VENDORS: [&str; 3] = ["sp-listings", "dataforseo-merchant", "multicart"];

/// One thing that must be so.
struct Gate {
    name: &'static str,
    /// What it proves, in words for `--list`.
    proves: &'static str,
    when: When,
    run: fn(&Path) -> Outcome<()>,
}

/// When a gate runs that nobody has named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Once a week and before a release: what takes long and seldom changes.
    Release,
    Never,
}

type Run = fn(&Path) -> Outcome<()>;

const fn gate(name: &'static str, proves: &'static str, run: Run) -> Gate {
    Gate { name, proves, when: When::Always, run }
}

const fn weekly(name: &'static str, proves: &'static str, run: Run) -> Gate {
    Gate { name, proves, when: When::Release, run }
}

const fn on_request(name: &'static str, proves: &'static str, run: Run) -> Gate {
    Gate { name, proves, when: When::Never, run }
}

/// In the order in which they share most of what is built; quick ones first where it makes no difference.
const GATES: &[Gate] = &[
    gate("fmt", "the code is formatted", |root| run(&mut cargo(root, ["fmt", "--all", "--check"]))),
    gate("codegen", "generated code is what `specs/` says", codegen_check),
    gate("tidy", "the house's own rules", tidy_check),
    gate("specs", "`specs/` says what the vendors' files say, where there are any", specs::gate),
    gate("tests", "tests and doc tests, README's command", tests),
    gate("examples", "every example runs against the sandbox", examples),
    gate("clippy", "no warning with all features", clippy),
    gate("lean", "no warning without default features, with any one vendor, and with what writes", lean),
    gate("no-provider", "the built-in transport without a TLS provider is an error, not a panic", no_provider),
    gate("documentation", "the documentation has no warning", documentation),
    gate("book", "the guide in `docs/` becomes a book", book),
    gate("deny", "licences, sources and the walls of deny.toml", deny),
    gate("advisories", "no dependency has a known hole, where the advisory database can be had", advisories),
    gate("trees", "who brings whom, and how many crates at most", trees::gate),
    gate("readme", "README's first command prints what README shows", readme::gate),
    gate("fuzz", "damaged answers, files and names, 4,000 of each kind", fuzz),
    weekly("powerset", "every pair of features compiles", powerset),
    weekly("minimum", "each Rust that is declared as the oldest compiles what declares it", minimum),
    weekly("packages", "every package of ours can be made and compiles from its archive", packages::gate),
    weekly(
        "counts",
        "allocations, instructions, memory, refreshes and refusals stay below their ceilings",
        counts::gate,
    ),
    weekly("coverage", "at least 90 % of the lines of each library are run by tests", coverage::gate),
    on_request("mutants", "mistakes put into money, limits and resending are noticed; takes hours", mutants::gate),
];

fn minimum(root: &Path) -> Outcome<()> {
    let declared = |file: &str, keys: &[&str]| -> Outcome<String> {
        let text = std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let table: toml::Value = toml::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
        let found = keys.iter().try_fold(&table, |table, key| table.get(key)).and_then(toml::Value::as_str);
        found.map(str::to_owned).ok_or_else(|| format!("{file}: no rust-version"))
    };
    let check = |compiler: &str, what: &[&str]| {
        run(Command::new("rustup").args(["toolchain", "install", compiler, "--profile", "minimal"]).current_dir(root))?;
        let mut check = Command::new("rustup");
        check.current_dir(root).args(["run", compiler, "cargo", "check", "--locked"]).args(what);
        // Which compiler it is started by says nothing of the one that it starts.
        check.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").env_remove("CARGO");
        // Beside what the others build, which another compiler would build anew.
        run(check.env("CARGO_TARGET_DIR", shell::target(root).join("minimum")))
    };
    let oldest = declared("Cargo.toml", &["workspace", "package", "rust-version"])?;
    let excluded = tidy::NEWER_RUST.iter().flat_map(|newer| ["--exclude", newer]);
    check(&oldest, &["--workspace"].into_iter().chain(excluded).collect::<Vec<_>>())?;
    // The facade has a feature for asin-runs, which asks for more.
    let whole = ["core-http"].iter().chain(&VENDORS).flat_map(|name| ["-p", name]);
    check(&oldest, &["--all-features"].into_iter().chain(whole).collect::<Vec<_>>())?;
    check(&declared("crates/asin-runs/Cargo.toml", &["package", "rust-version"])?, &["--workspace", "--all-features"])
}

/// The choice of gates that the command line makes.
#[derive(clap::Args, Default)]
pub struct Choice {
    /// Only these gates; every gate that needs no request otherwise.
    gates: Vec<String>,
    /// Leaves a gate out.
    #[arg(long, value_name = "GATE")]
    without: Vec<String>,
    /// Runs the others too when one is red.
    #[arg(long)]
    keep_going: bool,
    /// Those that a release needs beside the others: they take long, and run once a week.
    #[arg(long)]
    weekly: bool,
    /// Only lists the gates.
    #[arg(long)]
    list: bool,
}

/// Runs what a release needs beside `.ci/run`.
pub fn before_release(root: &Path) -> Outcome<()> {
    // It makes the packages itself, with their new version.
    run(cargo(root, ["xtask", "ci", "--weekly", "--without", "packages"]).env(shell::COMPLETE, "1"))
}

/// Runs gates, each with its time; `false` if one is red.
pub fn command(root: &Path, choice: &Choice) -> Outcome<bool> {
    if choice.list {
        for gate in GATES {
            let when = match gate.when {
                When::Always => "",
                When::Release => " (weekly)",
                When::Never => " (on request)",
            };
            println!("{:<14} {}{when}", gate.name, gate.proves);
        }
        return Ok(true);
    }
    for name in choice.gates.iter().chain(&choice.without) {
        if !GATES.iter().any(|gate| gate.name == name) {
            return Err(format!("there is no gate `{name}`; `cargo xtask ci --list` names them"));
        }
    }
    let chosen = |gate: &&Gate| {
        let named = choice.gates.iter().any(|name| name == gate.name);
        let now = if choice.weekly { When::Release } else { When::Always };
        (named || choice.gates.is_empty() && gate.when == now) && !choice.without.iter().any(|name| name == gate.name)
    };
    if !GATES.iter().any(|gate| chosen(&gate)) {
        return Err("no gate is left to run".into());
    }
    let begun = Instant::now();
    let (mut times, mut red) = (Vec::new(), Vec::new());
    for gate in GATES.iter().filter(chosen) {
        println!("\n== {}: {}", gate.name, gate.proves);
        let start = Instant::now();
        let result = (gate.run)(root);
        let word = if result.is_ok() { "ok " } else { "RED" };
        let line = format!("{word} {:>6.1} s  {}", start.elapsed().as_secs_f64(), gate.name);
        println!("{line}");
        times.push(line);
        if let Err(error) = result {
            eprintln!("{error}");
            red.push(gate.name);
            if !choice.keep_going {
                break;
            }
        }
    }
    println!("\n{}", times.join("\n"));
    let seconds = begun.elapsed().as_secs_f64();
    match red.as_slice() {
        [] => println!("green in {seconds:.0} s"),
        red => println!("RED in gate: {}", red.join(", ")),
    }
    Ok(red.is_empty())
}

/// The folder of the vendors' own files, which is no part of the project.
pub fn upstream(root: &Path) -> Option<PathBuf> {
    root.join("../shared/upstream").canonicalize().ok()
}

fn codegen_check(root: &Path) -> Outcome<()> {
    if codegen::run(root, true)? { Ok(()) } else { Err("generated code differs".into()) }
}

fn tidy_check(root: &Path) -> Outcome<()> {
    if tidy::run(root)? { Ok(()) } else { Err("the house is untidy".into()) }
}

fn tests(root: &Path) -> Outcome<()> {
    let mut command = cargo(root, ["test", "--workspace", "--all-features"]);
    if let Some(folder) = upstream(root) {
        command.env("ASIN_UPSTREAM", folder);
    }
    run(&mut command)
}

fn examples(root: &Path) -> Outcome<()> {
    run(&mut cargo(root, ["build", "--quiet", "--workspace", "--examples", "--all-features"]))?;
    let mut names: Vec<String> = std::fs::read_dir(root.join("examples"))
        .map_err(|error| format!("examples: {error}"))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    for name in names {
        run(std::process::Command::new(shell::target(root).join("debug/examples").join(name)).current_dir(root))?;
    }
    Ok(())
}

fn clippy(root: &Path) -> Outcome<()> {
    let what = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    run(&mut cargo(root, what))
}

fn lean(root: &Path) -> Outcome<()> {
    let clippy = |package: &str, features: &str| {
        let what = ["clippy", "--quiet", "-p", package, "--no-default-features", "--features", features];
        run(cargo(root, what).args(["--", "-D", "warnings"]))
    };
    LIBRARIES.iter().try_for_each(|name| clippy(name, ""))?;
    VENDORS.iter().chain(&["publish"]).try_for_each(|with| clippy("asin-facade", with))
}

fn no_provider(root: &Path) -> Outcome<()> {
    let features = ["--no-default-features", "--features", "rustls-no-provider"];
    run(cargo(root, ["test", "--quiet", "-p", "core-http"]).args(features).args(["--test", "provider"]))
}

/// The tests gate runs 256 cases of each property.
fn fuzz(root: &Path) -> Outcome<()> {
    run(cargo(root, ["test", "--quiet", "-p", "fuzz", "--tests"]).env("PROPTEST_CASES", "4000"))?;
    // The CSV of `asin listing` is read by the command alone; built as the tests gate builds it.
    let input = ["test", "--quiet", "--workspace", "--all-features", "--bin", "asin", "input::"];
    run(cargo(root, input).env("PROPTEST_CASES", "4000"))
}

/// The transports exclude nobody, and a library has few features: all pairs are checked.
fn powerset(root: &Path) -> Outcome<()> {
    let mut command = tools::HACK.command(root)?;
    command.args(["check", "--quiet", "--feature-powerset", "--depth", "2", "--lib"]);
    command.args(LIBRARIES.iter().flat_map(|name| ["-p", name]));
    run(&mut command)
}

fn documentation(root: &Path) -> Outcome<()> {
    let what = ["doc", "--quiet", "--no-deps", "--workspace", "--all-features"];
    run(cargo(root, what).env("RUSTDOCFLAGS", "-Dwarnings"))
}

/// Its Rust is compiled and run by the tests, its links and its commands are checked there, too.
fn book(root: &Path) -> Outcome<()> {
    run(tools::MDBOOK.command(root)?.args(["build", "docs", "--dest-dir"]).arg(shell::target(root).join("book")))
}

fn deny(root: &Path) -> Outcome<()> {
    run(&mut cargo(root, ["fetch", "--locked"]))?;
    run(tools::DENY.command(root)?.args(["--offline", "check", "bans", "licenses", "sources"]))
}

fn advisories(root: &Path) -> Outcome<()> {
    if run(tools::DENY.command(root)?.args(["fetch", "db"])).is_err() {
        return shell::skip("the advisory database cannot be had");
    }
    run(tools::DENY.command(root)?.args(["check", "--disable-fetch", "advisories"]))
}
