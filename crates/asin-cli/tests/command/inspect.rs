//! `asin inspect` and `asin operations`: exit codes, and what goes where.

use crate::asin::{self, Ran};
use serde_json::Value;

fn asin(arguments: &[&str], input: &str) -> Ran {
    asin::run(asin::asin(arguments), input)
}

const LISTING: &str =
    r#"{"sku": "GM-ZDPI-9B4E", "issues": [{"code": "99022", "message": "Size is missing", "severity": "WARNING"}]}"#;

#[test]
fn a_body_that_the_model_knows_is_printed_again() {
    let output = asin(&["inspect", "getListingsItem"], LISTING);
    let Ran { out, err, .. } = &output;
    assert_eq!(output.code, Some(0), "{err}");
    assert_eq!(err, "");
    let value: Value = serde_json::from_str(out).unwrap();
    assert_eq!(value["sku"], "GM-ZDPI-9B4E");
    assert_eq!(value["issues"][0]["severity"], "WARNING");
}

#[test]
fn a_file_is_read_instead_of_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved.json");
    std::fs::write(&file, LISTING).unwrap();
    let output = asin(&["inspect", "getListingsItem", file.to_str().unwrap()], "not read");
    assert_eq!(output.code, Some(0));
    let output = asin(&["inspect", "getListingsItem", "no/such/file.json"], LISTING);
    let err = &output.err;
    assert_eq!(output.code, Some(2));
    assert!(err.contains("no/such/file.json"), "{err}");
}

#[test]
fn drift_is_told_by_path_one_line_each() {
    let body =
        r#"{"sku": "S", "colour": {"warm": true}, "issues": [{"code": "1", "message": "m", "severity": "FATAL"}]}"#;
    let output = asin(&["inspect", "getListingsItem"], body);
    let Ran { out, err, .. } = &output;
    assert_eq!(output.code, Some(3), "{err}");
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 2, "{err}");
    assert!(lines.iter().any(|line| line.starts_with("colour: ")), "{err}");
    assert!(lines.iter().any(|line| line.starts_with("issues[0].severity: ") && line.contains("FATAL")), "{err}");
    assert_eq!(serde_json::from_str::<Value>(out).unwrap()["sku"], "S");
}

#[test]
fn what_does_not_decode_names_the_path() {
    let output = asin(&["inspect", "getListingsItem"], r#"{"sku": "S", "issues": [{"code": {}, "message": "m"}]}"#);
    let Ran { out, err, .. } = &output;
    assert_eq!(output.code, Some(2), "{err}");
    assert_eq!(out, "");
    assert!(err.contains("issues[0].code"), "{err}");
    let output = asin(&["inspect", "getListingsItem"], "<html>");
    assert_eq!(output.code, Some(2));
}

#[test]
fn a_refusal_of_each_vendor_is_told_as_a_fault() {
    for (operation, body, said) in [
        (
            "getListingsItem",
            r#"{"errors": [{"code": "NOT_FOUND", "message": "SKU 'S' is unknown"}]}"#,
            ["not found", "NOT_FOUND", "is unknown"],
        ),
        (
            "AmazonAsinTaskPost",
            r#"{"version": "0.1", "status_code": 40200, "status_message": "Payment Required.", "time": "0 sec.", "cost": 0, "tasks_count": 0, "tasks_error": 0, "tasks": null}"#,
            ["not enough funds", "40200", "Payment Required."],
        ),
        (
            "amazon.asin.create",
            r#"{"code": 404, "data": "No such collection", "status": 0}"#,
            ["not found", "404", "No such collection"],
        ),
    ] {
        let output = asin(&["inspect", operation], body);
        let Ran { out, err, .. } = &output;
        assert_eq!(output.code, Some(4), "{operation}: {err}");
        assert_eq!(out, "");
        for part in said {
            assert!(err.contains(part), "{operation}: {part} in {err}");
        }
    }
}

#[test]
fn a_refusal_is_never_taken_for_an_answer() {
    for operation in operations() {
        let body = match operation["vendor"].as_str().unwrap() {
            "sp-api" => r#"{"errors": [{"code": "InvalidInput", "message": "no"}]}"#,
            "dataforseo" => r#"{"status_code": 40501, "status_message": "Invalid Field.", "tasks": null}"#,
            _ => r#"{"code": 400, "data": "no", "status": 0}"#,
        };
        let name = operation["name"].as_str().unwrap();
        assert_eq!(asin(&["inspect", name], body).code, Some(4), "{name}");
    }
}

#[test]
fn an_unknown_operation_brings_names_that_come_close() {
    let output = asin(&["inspect", "getListingItem"], LISTING);
    let Ran { out, err, .. } = &output;
    assert_eq!(output.code, Some(2));
    assert_eq!(out, "");
    assert!(err.contains("getListingsItem"), "{err}");
    let output = asin(&["inspect", "zzzzzzzzzzzzzzzz"], "");
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("asin operations"));
}

#[test]
fn vendor_text_cannot_steer_the_terminal() {
    let body = r#"{"errors": [{"code": "InvalidInput", "message": "red \u001b[31m and \r over"}]}"#;
    let err = asin(&["inspect", "getListingsItem"], body).err;
    assert!(err.contains("red \\u{1b}[31m and \\r over"), "{err:?}");
}

fn operations() -> Vec<Value> {
    let output = asin(&["operations"], "");
    assert_eq!(output.code, Some(0));
    output.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_operation_is_listed_with_what_it_risks() {
    let operations = operations();
    let find =
        |name: &str| operations.iter().find(|operation| operation["name"] == name).unwrap_or_else(|| panic!("{name}"));
    let get = find("getListingsItem");
    assert_eq!(get["method"], "GET");
    assert_eq!(get["path"], "/listings/2021-08-01/items/{sellerId}/{sku}");
    assert_eq!(get["safety"], "read-only");
    assert!(!get["limits"].as_array().unwrap().is_empty());
    assert_eq!(find("AmazonAsinTaskPost")["safety"], "once");
    assert_eq!(find("amazon.asin.create")["method"], "POST");
    let table = asin(&["operations", "--output", "table"], "").out;
    for operation in &operations {
        let name = operation["name"].as_str().unwrap();
        assert!(table.lines().any(|line| line.split_whitespace().any(|word| word == name)), "{name} in {table}");
    }
}
