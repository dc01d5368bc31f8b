//! How much of each library its tests run, without what is generated.

use super::LISTED;
use crate::{shell, spec::Outcome, tools};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, process::Command};

/// Each library has at least this much of its lines run.
const LEAST: f64 = 90.0;

/// Runs the tests of all packages with counters in the code.
pub fn gate(root: &Path) -> Outcome<()> {
    // The compiler's own readers of what its counters write; where there is no rustup, cargo-llvm-cov says what it misses.
    let _component = shell::run(Command::new("rustup").args(["component", "add", "llvm-tools"]).current_dir(root));
    let report = shell::target(root).join("coverage.json");
    let mut command = tools::LLVM_COV.command(root)?;
    command.args(["--workspace", "--all-features", "--exclude", "xtask", "--json", "--summary-only"]);
    // A process that is killed on purpose leaves its counters cut short.
    command.args(["--failure-mode", "all", "--output-path"]).arg(&report);
    shell::run(&mut command)?;
    let text = std::fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| format!("coverage.json: {error}"))?;
    let mut crates: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for file in report["data"][0]["files"].as_array().into_iter().flatten() {
        let path = file["filename"].as_str().unwrap_or_default();
        let Some((name, inside)) = path.split_once("/crates/").and_then(|(_, inside)| inside.split_once('/')) else {
            continue;
        };
        if inside.starts_with("src/generated/") || !inside.starts_with("src/") {
            continue;
        }
        let count = |key: &str| file["summary"]["lines"][key].as_u64().unwrap_or_default();
        let sum = crates.entry(name.to_owned()).or_default();
        *sum = (sum.0 + count("covered"), sum.1 + count("count"));
    }
    let mut low = Vec::new();
    for (name, (covered, lines)) in &crates {
        let share = 100.0 * *covered as f64 / (*lines).max(1) as f64;
        println!("{share:>6.1} % of {lines:>5} lines: {name}");
        if LISTED.contains(&name.as_str()) && share < LEAST {
            low.push(format!("{name}: {share:.1} %, less than {LEAST} %"));
        }
    }
    match LISTED.iter().find(|name| !crates.contains_key(**name)) {
        Some(name) => Err(format!("the report says nothing of {name}")),
        None if low.is_empty() => Ok(()),
        None => Err(low.join("\n")),
    }
}
