//! Every package that is published can be made, and compiles from its archive.

use crate::{
    shell::{cargo, output, run},
    spec::Outcome,
};
use serde_json::Value;
use std::path::Path;

/// A package of ours that is published.
pub struct Package {
    pub name: String,
    /// Those of ours that it needs, development aside.
    pub needs: Vec<String>,
}

/// Those that are published, each behind those that it needs.
pub fn published(root: &Path) -> Outcome<Vec<Package>> {
    let said = output(&mut cargo(root, ["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&said).map_err(|error| format!("cargo metadata: {error}"))?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut left: Vec<Package> = list(&metadata["packages"])
        .iter()
        .filter(|package| package["publish"] != serde_json::json!([]))
        .map(|package| {
            let needed = list(&package["dependencies"]);
            let needed = needed.iter().filter(|one| one["kind"].is_null() && !one["path"].is_null());
            let needs = needed.map(|one| text(&one["name"])).collect();
            Package { name: text(&package["name"]), needs }
        })
        .collect();
    let mut ordered: Vec<Package> = Vec::new();
    while !left.is_empty() {
        let ready = |package: &Package| package.needs.iter().all(|name| ordered.iter().any(|done| done.name == *name));
        let Some(next) = left.iter().position(ready) else {
            let names: Vec<&str> = left.iter().map(|package| package.name.as_str()).collect();
            return Err(format!("these packages need each other or one that is not published: {}", names.join(", ")));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

/// Makes them all in one go: cargo then finds those of ours among each other that no registry has yet.
pub fn gate(root: &Path) -> Outcome<()> {
    let packages = published(root)?;
    println!("{}", packages.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(", "));
    let mut command = cargo(root, ["package", "--quiet", "--locked", "--allow-dirty"]);
    command.args(packages.iter().flat_map(|package| ["-p", &package.name]));
    run(&mut command)
}
