//! README's first command prints what README says that it prints.

use crate::{
    shell::{cargo, output},
    spec::Outcome,
};
use serde_json::{Value, json};
use std::path::Path;

const COMMAND: &[&str] = &["sync", "examples/catalogue.csv", "--sandbox", "--discover", "--watch", "--yes"];

/// The text, then the same as JSON: one object for each row, then the totals.
pub fn gate(root: &Path) -> Outcome<()> {
    let said = |more: &[&str]| output(cargo(root, ["run", "--release", "--quiet", "--"]).args(COMMAND).args(more));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"));
    let readme = read("README.md")?;
    let shown: Vec<&str> = readme.lines().collect();
    let command = format!("cargo run --release -- {}", COMMAND.join(" "));
    if !shown.contains(&command.as_str()) {
        return Err(format!("README.md does not show `{command}`"));
    }
    let text = said(&[])?;
    print!("{text}");
    // How often a vendor is asked while paid work is in its queue depends on the moment.
    let is_sure = |line: &&str| !line.starts_with("vendor calls: ");
    let printed: Vec<&str> = text.lines().filter(is_sure).collect();
    let is_shown = |block: &[&str]| block.iter().copied().filter(is_sure).eq(printed.iter().copied());
    if !shown.split(|line| line.starts_with("```")).any(is_shown) {
        return Err("README.md has no block with these lines, in this order and no others".into());
    }

    let objects: Vec<Value> = said(&["--json"])?
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}")))
        .collect::<Outcome<_>>()?;
    let rows = objects.iter().filter(|object| object.get("line").is_some()).count();
    let wanted = read("examples/catalogue.csv")?.lines().filter(|line| !line.is_empty()).count() - 1;
    if rows != wanted {
        return Err(format!("{rows} objects for {wanted} rows"));
    }
    let totals = &objects.last().ok_or("no totals")?["totals"];
    let outcomes = &totals["outcomes"];
    if outcomes["failed"] != json!(0) || outcomes["unknown"] != json!(0) || totals["usd"] != json!("0.0340") {
        return Err(format!("not the totals of a run that goes well: {totals}"));
    }
    Ok(())
}
