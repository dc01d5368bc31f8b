//! An import takes facts, never prose, and keeps our words.

use super::{here, upstream};
use crate::import::{Import, Imported, Ours};
use serde_json::Value;
use std::path::Path;

const VENDOR: &str = r##"{"openapi": "3.0.1", "info": {"version": "1", "title": "Vendor prose", "description": "Vendor prose"}, "paths": {
  "/a": {"get": {"operationId": "getA", "summary": "Vendor prose", "description": "Vendor prose", "x-vendor-thing": "Vendor prose",
    "parameters": [{"name": "q", "in": "query", "description": "Vendor prose", "schema": {"type": "string", "example": "Vendor prose"}}],
    "responses": {"200": {"description": "Vendor prose", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}},
  "/b": {"get": {"operationId": "getB", "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}}}}}},
  "components": {"schemas": {
    "A": {"type": "object", "title": "Vendor prose", "properties": {"description": {"type": "string", "description": "Vendor prose"}, "gone": {"type": "string"}}},
    "B": {"type": "object", "properties": {"x": {"type": "integer"}}}}}}"##;

fn import(folder: &Path, text: &str, into: Option<&str>, operations: &[String]) -> Imported {
    let file = folder.join("vendor.json");
    std::fs::write(&file, text).unwrap();
    Import { file: &file, specs: folder, into, operations, date: Some("2026-01-02") }.run().unwrap()
}

#[test]
fn facts_come_and_our_words_stay() {
    let folder = tempfile::tempdir().unwrap();
    let done = import(folder.path(), VENDOR, Some("ours"), &["getA".to_owned()]);
    assert_eq!(done.left_out, ["getB"]);
    let text = std::fs::read_to_string(&done.path).unwrap();
    assert!(!text.contains("Vendor prose") && !text.contains("x-vendor-thing"), "{text}");
    let ours = Ours::open(&done.path).unwrap();
    assert_eq!(ours.tree["x-source"]["sha256"], crate::sha256::hex(VENDOR.as_bytes()));
    assert_eq!(
        ours.tree["components"]["schemas"]["A"]["properties"]["description"]["type"], "string",
        "a name, no prose"
    );
    assert_eq!(ours.tree["components"]["schemas"]["B"], Value::Null, "only what the operation needs");

    let words = text
        .replacen("type: object", "type: object\n      description: Our words.\n      x-name: Ours", 1)
        .replacen("name: q,", "name: q, x-newtype: Query, description: Our query.,", 1)
        .replacen("operationId: getA", "operationId: getA\n      x-safety: once\n      description: Our operation.", 1);
    std::fs::write(&done.path, &words).unwrap();
    let changed = VENDOR.replace(r#", "gone": {"type": "string"}"#, r#", "more": {"type": "boolean"}"#);
    let done = import(folder.path(), &changed, None, &[]);
    let told: Vec<String> = done.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "breaking: property A.gone removed (/components/schemas/A/properties/gone)",
            "additive: property A.more added (boolean) (/components/schemas/A/properties/more)"
        ]
    );
    assert_eq!(done.left_out, ["getB"], "what was left out stays out");
    let tree = Ours::open(&done.path).unwrap().tree;
    let schema = &tree["components"]["schemas"]["A"];
    assert_eq!(schema["description"], "Our words.");
    assert_eq!(schema["x-name"], "Ours");
    assert_eq!(schema["properties"]["more"]["type"], "boolean");
    assert_eq!(schema["properties"]["gone"], Value::Null);
    let operation = &tree["paths"]["/a"]["get"];
    assert_eq!((&operation["x-safety"], &operation["description"]), (&"once".into(), &"Our operation.".into()));
    assert_eq!(operation["parameters"][0]["x-newtype"], "Query");

    let before = std::fs::read_to_string(&done.path).unwrap();
    let again = import(folder.path(), &changed, None, &[]);
    assert!(again.changes.is_empty());
    assert_eq!(std::fs::read_to_string(&again.path).unwrap(), before, "the same file again changes nothing");

    let both = import(folder.path(), &changed, None, &["getB".to_owned()]);
    assert!(both.left_out.is_empty());
    assert_eq!(Ours::open(&both.path).unwrap().spec.operations.len(), 2);
}

#[test]
fn a_file_that_belongs_nowhere_and_an_unknown_operation_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vendor.json");
    std::fs::write(&file, VENDOR).unwrap();
    let run = |into, operations: &[String]| {
        Import { file: &file, specs: folder.path(), into, operations, date: None }.run().err().unwrap()
    };
    assert!(run(None, &[]).contains("name one"));
    assert!(run(Some("ours"), &["getC".to_owned()]).contains("has no operation getC"));
}

/// Importing the vendors' files again changes nothing in our specifications.
#[test]
fn our_specifications_are_as_an_import_leaves_them() {
    for (file, name) in [
        ("sp-api/listingsItems_2021-08-01.json", "sp-listings"),
        ("sp-api/definitionsProductTypes_2020-09-01.json", "sp-listings.product_types"),
        ("sp-api/listingsRestrictions_2021-08-01.json", "sp-listings.restrictions"),
        ("sp-api/feeds_2021-06-30.json", "sp-listings.feeds"),
        ("dataforseo/merchant-openapi-merged.json", "dataforseo-merchant"),
    ] {
        let Some(file) = upstream(file) else { return };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{name}.yaml"));
        std::fs::copy(here("../specs").join(format!("{name}.yaml")), &path).unwrap();
        let before = Ours::open(&path).unwrap().tree;
        let done = Import { file: &file, specs: folder.path(), into: None, operations: &[], date: None }.run().unwrap();
        assert!(done.changes.is_empty());
        assert!(Ours::open(&path).unwrap().tree == before, "{name}");
        assert!(done.left_out.is_empty(), "{name}: {:?}", done.left_out);
    }
}

/// No sentence of a vendor stands in our specifications.
#[test]
fn no_prose_of_a_vendor_is_in_our_specifications() {
    let ours: String = [
        "sp-listings",
        "sp-listings.product_types",
        "sp-listings.restrictions",
        "sp-listings.feeds",
        "dataforseo-merchant",
    ]
    .map(|name| std::fs::read_to_string(here("../specs").join(format!("{name}.yaml"))).unwrap())
    .concat();
    for file in [
        "sp-api/listingsItems_2021-08-01.json",
        "sp-api/definitionsProductTypes_2020-09-01.json",
        "sp-api/listingsRestrictions_2021-08-01.json",
        "sp-api/feeds_2021-06-30.json",
        "dataforseo/merchant-openapi-merged.json",
    ] {
        let Some(file) = upstream(file) else { return };
        let tree = crate::read::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
        let mut prose = Vec::new();
        sentences(&tree, &mut prose);
        assert!(prose.len() > 20);
        for sentence in prose {
            assert!(!ours.contains(&sentence), "{sentence}");
        }
    }
}

fn sentences(tree: &Value, out: &mut Vec<String>) {
    match tree {
        Value::Object(map) => {
            if let Some(text) = map.get("description").and_then(Value::as_str) {
                let parts = text.split(['\n', '.', ';']).map(str::trim);
                out.extend(parts.filter(|part| part.split(' ').count() > 5).map(str::to_owned));
            }
            map.values().for_each(|value| sentences(value, out));
        }
        Value::Array(items) => items.iter().for_each(|value| sentences(value, out)),
        _ => {}
    }
}
