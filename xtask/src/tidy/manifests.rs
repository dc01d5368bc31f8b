//! Our packages say the same of themselves.

use super::{Finding, House, finding};
use crate::spec::Outcome;
use toml::{Table, Value};

/// Every manifest, and what others say about it.
pub fn check(house: &House) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    let workspace = parse(house, "Cargo.toml")?;
    let package = &workspace["workspace"]["package"];
    let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
    let (version, minimum, licence) = (text("version"), text("rust-version"), text("license"));

    for (name, dependency) in workspace["workspace"]["dependencies"].as_table().into_iter().flatten() {
        if dependency.get("path").is_some() && dependency.get("version").and_then(Value::as_str) != Some(version) {
            findings.push(finding("Cargo.toml", format!("{name} is asked for in another version than {version}")));
        }
    }
    for file in house.ending("Cargo.toml").filter(|file| *file != "Cargo.toml") {
        let manifest = parse(house, file)?;
        findings.extend(member(file, &manifest));
        findings.extend(unused(house, file, &manifest)?);
        let shows_features = manifest.get("package").and_then(|package| package.get("metadata")).is_some();
        let library = file.replace("Cargo.toml", "src/lib.rs");
        if shows_features && !house.read(&library)?.contains("#![cfg_attr(docsrs, feature(doc_cfg))]") {
            findings.push(finding(&library, "is shown with `--cfg docsrs` and does not name `doc_cfg`"));
        }
        if let Some(folder) = file.strip_prefix("crates/").and_then(|file| file.strip_suffix("/Cargo.toml")) {
            let missing = LICENCES.iter().filter(|name| !house.files.contains(&format!("crates/{folder}/{name}")));
            findings.extend(missing.map(|name| finding(file, format!("its package is without {name}: link it"))));
        }
    }

    if licence != "MIT OR Apache-2.0" {
        findings.push(finding("Cargo.toml", format!("the licence is `{licence}`")));
    }
    let readme = house.read("README.md")?;
    for licence in LICENCES {
        if !house.files.iter().any(|file| file == licence) || !readme.contains(&format!("]({licence})")) {
            findings.push(finding("README.md", format!("{licence} is not there, or README does not lead to it")));
        }
    }
    if !readme.contains(&format!("declared minimum {minimum}")) {
        findings.push(finding("README.md", format!("does not say `declared minimum {minimum}`")));
    }
    if !house.read("CHANGELOG.md")?.contains(&format!("## [{version}]")) {
        findings.push(finding("CHANGELOG.md", format!("has no section `## [{version}]`")));
    }
    Ok(findings)
}

const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// What a member asks for and names nowhere in its code.
fn unused(house: &House, file: &str, manifest: &Table) -> Outcome<Vec<Finding>> {
    let folder = file.trim_end_matches("Cargo.toml");
    let mut code = String::new();
    for source in house.ending(".rs").filter(|source| source.starts_with(folder)) {
        code += &house.read(source)?;
    }
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let names = tables.iter().filter_map(|table| manifest.get(*table)?.as_table()).flat_map(Table::keys);
    // Its library has another name than its package.
    let library = |name: &str| if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
    let unused = names.filter(|name| !names_it(&code, &library(name)));
    Ok(unused.map(|name| finding(file, format!("asks for `{name}` and uses it nowhere"))).collect())
}

/// Whether code names a library: as the beginning of a path, or in `use`.
fn names_it(code: &str, library: &str) -> bool {
    let is_of_a_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(library).any(|(at, _)| {
        let (before, behind) = (&code[..at], &code[at + library.len()..]);
        let is_used = before.ends_with("use ") && !behind.starts_with(is_of_a_name);
        !before.ends_with(is_of_a_name) && behind.starts_with("::") || is_used
    })
}

fn parse(house: &House, file: &str) -> Outcome<Table> {
    house.read(file)?.parse().map_err(|error| format!("{file}: {error}"))
}

/// Those that may ask for a newer compiler than the others: nobody has them who does not ask for a database, or measures.
pub const NEWER_RUST: [&str; 2] = ["asin-runs", "benches"];

/// What every member takes from the workspace, and says for itself.
fn member(file: &str, manifest: &Table) -> Vec<Finding> {
    let mut findings = Vec::new();
    let package = manifest.get("package").and_then(Value::as_table).cloned().unwrap_or_default();
    for key in ["version", "edition", "rust-version", "license"] {
        let shared = package.get(key).and_then(|value| value.get("workspace")).and_then(Value::as_bool);
        let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
        let may_differ = key == "rust-version" && NEWER_RUST.contains(&name);
        if shared != Some(true) && !may_differ {
            findings.push(finding(file, format!("`{key}` is not the workspace's")));
        }
    }
    if package.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(finding(file, "has no description"));
    }
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if lints != Some(true) {
        findings.push(finding(file, "does not take the workspace's lints"));
    }
    findings
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_library_is_named_by_what_uses_it() {
        let cases = [
            ("use tracing::debug", true),
            ("use tracing;", true),
            ("use tracing_subscriber", false),
            ("my_tracing::", false),
            ("// no tracing", false),
        ];
        for (text, found) in cases {
            assert_eq!(super::names_it(text, "tracing"), found, "{text}");
        }
    }

    #[test]
    fn a_member_takes_what_is_the_workspaces() {
        let right = "[package]\nname = \"a\"\ndescription = \"A.\"\nversion.workspace = true\nedition.workspace = true\n\
                     rust-version.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true";
        assert_eq!(super::member("a", &right.parse().unwrap()), []);
        let wrong =
            right.replace("version.workspace = true\ned", "version = \"2.0.0\"\ned").replace("[lints]", "[other]");
        let said: Vec<String> = super::member("a", &wrong.parse().unwrap()).iter().map(ToString::to_string).collect();
        assert_eq!(said, ["a: `version` is not the workspace's", "a: does not take the workspace's lints"]);
    }
}
