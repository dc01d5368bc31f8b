//! What Amazon changed in the Listings model from 2021 to 2026, told from its own files.

use super::{here, is_golden, lines, upstream};
use crate::read;
use std::path::PathBuf;

#[test]
fn every_version_tells_what_it_changed_and_nothing_else() {
    let Some(folder) = upstream("sp-api/history") else { return };
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.push(upstream("sp-api/listingsItems_2021-08-01.json").unwrap());
    assert_eq!(files.len(), 13);
    let mut told = String::new();
    for pair in files.windows(2) {
        let (old, new) = (read::file(&pair[0]).unwrap(), read::file(&pair[1]).unwrap());
        told.push_str(&format!("{}\n", pair[1].file_name().unwrap().to_string_lossy()));
        for operation in &new.internal {
            told.push_str(&format!("  internal: {}\n", operation.name()));
        }
        for line in lines(&old, new) {
            told.push_str(&format!("  {line}\n"));
        }
    }
    is_golden("history.txt", &told);
}

#[test]
fn our_specifications_say_what_the_vendors_files_say() {
    for (file, name) in [
        ("sp-api/listingsItems_2021-08-01.json", "sp-listings"),
        ("sp-api/definitionsProductTypes_2020-09-01.json", "sp-listings.product_types"),
        ("sp-api/listingsRestrictions_2021-08-01.json", "sp-listings.restrictions"),
        ("sp-api/feeds_2021-06-30.json", "sp-listings.feeds"),
        ("dataforseo/merchant-openapi-merged.json", "dataforseo-merchant"),
    ] {
        let Some(file) = upstream(file) else { return };
        let theirs = read::file(&file).unwrap();
        let ours = crate::import::kin(&here("../specs"), &theirs).unwrap();
        assert_eq!(ours.name(), name);
        assert_eq!(lines(&ours.spec, theirs), Vec::<String>::new());
        assert_eq!(crate::diff_of(&here("../specs"), &file, None).unwrap(), (Vec::new(), true), "{name} has changed");
        let digest = crate::sha256::hex(&std::fs::read(&file).unwrap());
        assert_eq!(ours.tree["x-source"]["sha256"], digest, "{name} names another file as its source");
    }
}

/// A file that is another API belongs to none of ours, though its schemas have names that ours have.
#[test]
fn a_foreign_file_has_no_kin() {
    let foreign = r##"{"swagger": "2.0", "info": {"version": "1"}, "paths": {"/orders/v0/orders": {"get": {"operationId": "getOrders",
      "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/ErrorList"}}}}}},
      "definitions": {"ErrorList": {"type": "object", "properties": {"errors": {"type": "array", "items": {"$ref": "#/definitions/Error"}}}},
        "Error": {"type": "object", "properties": {"code": {"type": "string"}}}}}"##;
    let foreign = read::text_of_either_format(foreign).unwrap();
    let error = crate::import::kin(&here("../specs"), &foreign).err().unwrap();
    assert!(error.contains("shares an operation"), "{error}");
}
