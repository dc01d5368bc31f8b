//! Who brings whom, and how many crates at most: one table, proved with `cargo tree`.

use crate::{
    ci::LISTED,
    shell::{cargo, output},
    spec::Outcome,
};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

/// What a user of a package with these features compiles.
struct Tree {
    package: &'static str,
    /// `default` and what is more, or the features that stand in its place.
    features: &'static str,
    /// The most crates, the package itself and what is needed to build it included.
    most: usize,
    has: &'static [&'static str],
    lacks: &'static [&'static str],
}

const NETWORK: &[&str] = &["reqwest", "rustls", "hyper"];
/// Who brings its own implementation of TLS's ciphers gets no other.
const PROVIDERS: &[&str] = &["aws-lc-rs", "ring"];
const OTHERS_OF_SP: &[&str] = &["dataforseo-merchant", "multicart"];
const OTHERS_OF_DFS: &[&str] = &["sp-listings", "multicart"];
const OTHERS_OF_MC: &[&str] = &["sp-listings", "dataforseo-merchant"];
/// The sandbox speaks the wire, not our types: it would otherwise share their mistakes.
const OURS: &[&str] = &["reqwest", "core-http", "asin-facade", "sp-listings", "dataforseo-merchant", "multicart"];

#[rustfmt::skip]
const TREES: &[Tree] = &[
    Tree { package: "core-http", features: "", most: 71, has: &[], lacks: NETWORK },
    Tree { package: "core-http", features: "default", most: 126, has: NETWORK, lacks: &[] },
    Tree { package: "core-http", features: "rustls-no-provider", most: 118, has: NETWORK, lacks: PROVIDERS },
    Tree { package: "core-http", features: "testing", most: 73, has: &[], lacks: NETWORK },
    Tree { package: "sp-listings", features: "", most: 74, has: &[], lacks: NETWORK },
    Tree { package: "sp-listings", features: "default", most: 140, has: NETWORK, lacks: OTHERS_OF_SP },
    Tree { package: "sp-listings", features: "feeds", most: 81, has: &[], lacks: NETWORK },
    Tree { package: "sp-listings", features: "sigv4", most: 113, has: &[], lacks: NETWORK },
    Tree { package: "sp-listings", features: "validate", most: 127, has: &["jsonschema"], lacks: NETWORK },
    Tree { package: "sp-listings", features: "rustls-no-provider", most: 120, has: NETWORK, lacks: PROVIDERS },
    Tree { package: "dataforseo-merchant", features: "", most: 80, has: &[], lacks: NETWORK },
    Tree { package: "dataforseo-merchant", features: "webhook", most: 112, has: &["axum"], lacks: &["reqwest", "rustls"] },
    Tree { package: "dataforseo-merchant", features: "default", most: 134, has: NETWORK, lacks: OTHERS_OF_DFS },
    Tree { package: "dataforseo-merchant", features: "rustls-no-provider", most: 124, has: NETWORK, lacks: PROVIDERS },
    Tree { package: "dataforseo-merchant", features: "testing", most: 80, has: &[], lacks: NETWORK },
    Tree { package: "multicart", features: "default", most: 132, has: NETWORK, lacks: OTHERS_OF_MC },
    Tree { package: "multicart", features: "", most: 76, has: &[], lacks: NETWORK },
    Tree { package: "multicart", features: "rustls-no-provider", most: 122, has: NETWORK, lacks: PROVIDERS },
    Tree { package: "asin-facade", features: "", most: 72, has: &[], lacks: NETWORK },
    Tree { package: "asin-facade", features: "sp-listings", most: 80, has: &["sp-listings"], lacks: NETWORK },
    Tree { package: "asin-facade", features: "rustls-no-provider", most: 119, has: NETWORK, lacks: PROVIDERS },
    Tree { package: "asin-facade", features: "sp-listings,feeds", most: 82, has: &["sp-listings"], lacks: NETWORK },
    Tree { package: "asin-facade", features: "sp-listings,schemas", most: 83, has: &["sp-listings"], lacks: NETWORK },
    Tree { package: "asin-facade", features: "sp-listings,validate", most: 128, has: &["jsonschema"], lacks: NETWORK },
    Tree { package: "asin-facade", features: "dataforseo-merchant", most: 80, has: &["dataforseo-merchant"], lacks: NETWORK },
    Tree { package: "asin-facade", features: "multicart", most: 80, has: &["multicart"], lacks: NETWORK },
    Tree { package: "asin-facade", features: "default,sp-listings", most: 132, has: &["sp-listings", "reqwest"], lacks: OTHERS_OF_SP },
    Tree { package: "asin-facade", features: "default,dataforseo-merchant", most: 136, has: &["dataforseo-merchant", "reqwest"], lacks: OTHERS_OF_DFS },
    Tree { package: "asin-facade", features: "default,multicart", most: 134, has: &["multicart", "reqwest"], lacks: OTHERS_OF_MC },
    Tree { package: "asin-facade", features: "default,full", most: 148, has: &["sp-listings", "dataforseo-merchant", "multicart"], lacks: &["axum", "clap"] },
    Tree { package: "asin-facade", features: "default,runs", most: 172, has: &["asin-runs", "sqlx"], lacks: &["sp-listings", "multicart", "axum"] },
    Tree { package: "asin-facade", features: "default,publish", most: 135, has: &["sp-listings"], lacks: &["dataforseo-merchant", "multicart", "axum"] },
    Tree { package: "asin-facade", features: "default,sync", most: 142, has: &["sp-listings", "dataforseo-merchant", "multicart"], lacks: &["axum", "sqlx"] },
    Tree { package: "asin-facade", features: "default,webhook,dataforseo-merchant", most: 160, has: &["axum"], lacks: &["sqlx"] },
    Tree { package: "asin-facade", features: "default,runs-postgres", most: 198, has: &["asin-runs", "sqlx"], lacks: &["sp-listings", "multicart", "axum"] },
    Tree { package: "asin-runs", features: "", most: 116, has: &["dataforseo-merchant"], lacks: NETWORK },
    Tree { package: "asin-runs", features: "sqlite", most: 128, has: &["dataforseo-merchant", "sqlx"], lacks: &["reqwest", "rustls"] },
    Tree { package: "asin-runs", features: "postgres", most: 159, has: &["dataforseo-merchant", "sqlx"], lacks: &["reqwest"] },
    Tree { package: "asin-runs", features: "default,webhook", most: 156, has: &["axum", "sqlx"], lacks: &["reqwest", "rustls"] },
    Tree { package: "asin-sandbox", features: "default", most: 114, has: &["axum"], lacks: OURS },
    Tree { package: "asin-cli", features: "default", most: 250, has: &["asin-sandbox", "clap"], lacks: &["sqlx"] },
    Tree { package: "asin-cli", features: "default,runs", most: 299, has: &["asin-runs", "sqlx"], lacks: &[] },
];

/// Prints the table with what was counted.
pub fn gate(root: &Path) -> Outcome<()> {
    let mut wrong = without_row(root)?;
    for tree in TREES {
        let crates = crates(root, tree.package, tree.features)?;
        let shown = if tree.features.is_empty() { "no features" } else { tree.features };
        println!("{:>4} crates, at most {:>3}: {} with {shown}", crates.len(), tree.most, tree.package);
        let brings = |name: &str| crates.iter().any(|[known, _]| known == name);
        let mut complain = |what: String| wrong.push(format!("{} with {shown} {what}", tree.package));
        if crates.len() > tree.most {
            complain(format!("is {} crates, more than {}", crates.len(), tree.most));
        }
        tree.has.iter().filter(|name| !brings(name)).for_each(|name| complain(format!("lacks {name}")));
        tree.lacks.iter().filter(|name| brings(name)).for_each(|name| complain(format!("brings {name}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The features that no row has.
fn without_row(root: &Path) -> Outcome<Vec<String>> {
    let said = output(&mut cargo(root, ["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let said: Value = serde_json::from_str(&said).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut without = Vec::new();
    for package in said["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let rows: BTreeSet<&str> =
            TREES.iter().filter(|tree| tree.package == name).flat_map(|tree| tree.features.split(',')).collect();
        let by_default = package["features"]["default"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let has: BTreeSet<&str> = by_default.chain(rows.iter().copied()).chain(["default"]).collect();
        let features = package["features"].as_object().into_iter().flatten().map(|(feature, _)| feature);
        let counts = !rows.is_empty() || LISTED.contains(&name);
        let missing = features.filter(|feature| counts && !has.contains(feature.as_str()));
        if rows.is_empty() && LISTED.contains(&name) {
            without.push(format!("{name}: the package has no row"));
        }
        without.extend(missing.map(|feature| format!("{name}: the feature {feature} has no row")));
    }
    Ok(without)
}

/// All crates that are compiled for it on this machine, by name and version: two versions are two crates.
fn crates(root: &Path, package: &str, features: &str) -> Outcome<BTreeSet<[String; 2]>> {
    let what = ["tree", "--locked", "--quiet", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let mut command = cargo(root, what);
    match features.strip_prefix("default") {
        Some(more) => command.args(["-p", package, "--features", more.trim_start_matches(',')]),
        None => command.args(["-p", package, "--no-default-features", "--features", features]),
    };
    let said = output(&mut command)?;
    let parts = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some([words.next()?, words.next()?])
    };
    Ok(said.lines().filter_map(parts).collect())
}
