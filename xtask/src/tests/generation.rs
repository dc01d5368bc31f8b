//! Generated code: the golden files of a small API that holds every construct, and that nothing is out of date.

use super::{here, is_golden};
use crate::{codegen, emit, read};
use std::path::Path;

fn golden() -> Vec<(&'static str, String)> {
    emit::files(&read::file(&here("golden/shop.yaml")).unwrap(), "shop", Some(&[])).unwrap()
}

#[test]
fn every_construct_becomes_the_known_code() {
    for (file, text) in golden() {
        is_golden(&format!("shop/{file}"), &text);
    }
}

#[test]
fn generated_code_is_what_the_specifications_say() {
    assert_eq!(codegen::run(&here(".."), true), Ok(true));
}

fn house(folder: &Path) {
    std::fs::create_dir_all(folder.join("specs")).unwrap();
    std::fs::copy(here("golden/shop.yaml"), folder.join("specs/shop.yaml")).unwrap();
    std::fs::create_dir_all(folder.join("docs/src")).unwrap();
    for (file, table) in [("README.md", "operations"), ("docs/src/limits.md", "limits")] {
        let marks = format!("<!-- {table}: by a test -->\n<!-- end of {table} -->\n");
        std::fs::write(folder.join(file), marks).unwrap();
    }
}

#[test]
fn a_check_sees_what_is_missing_changed_or_stray() {
    let folder = tempfile::tempdir().unwrap();
    house(folder.path());
    let generated = folder.path().join("crates/shop/src/generated");
    assert_eq!(codegen::run(folder.path(), true), Ok(false), "nothing is there yet");
    assert!(!generated.exists(), "a check writes nothing");

    assert_eq!(codegen::run(folder.path(), false), Ok(true));
    assert_eq!(codegen::run(folder.path(), true), Ok(true));
    let first: Vec<String> =
        golden().iter().map(|(file, _)| std::fs::read_to_string(generated.join(file)).unwrap()).collect();

    std::fs::remove_dir_all(&generated).unwrap();
    assert_eq!(codegen::run(folder.path(), false), Ok(true));
    for ((file, _), text) in golden().iter().zip(first) {
        assert_eq!(std::fs::read_to_string(generated.join(file)).unwrap(), text, "{file}");
    }

    std::fs::write(generated.join("models.rs"), "changed").unwrap();
    assert_eq!(codegen::run(folder.path(), true), Ok(false));
    assert_eq!(codegen::run(folder.path(), false), Ok(true));
    std::fs::write(generated.join("old.rs"), "").unwrap();
    assert_eq!(codegen::run(folder.path(), true), Ok(false));
    assert_eq!(codegen::run(folder.path(), false), Ok(true));
    assert!(!generated.join("old.rs").exists());
}

#[test]
fn another_api_of_a_crate_is_a_module_of_it() {
    let folder = tempfile::tempdir().unwrap();
    house(folder.path());
    let reports = r#"{"openapi": "3.1.0", "info": {"title": "Reports", "version": "1"}, "x-vendor": "Shop",
        "x-limits": {"reports": {"scope": "account", "calls": 5, "seconds": 60}},
        "paths": {"/reports": {"get": {"operationId": "getReports", "x-limits": ["reports"],
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "integer"}}}}}}}}}"#;
    std::fs::write(folder.path().join("specs/shop.reports.yaml"), reports).unwrap();
    assert_eq!(codegen::run(folder.path(), false), Ok(true));
    let generated = folder.path().join("crates/shop/src/generated");
    let read = |file: &str| std::fs::read_to_string(generated.join(file)).unwrap();
    assert!(read("mod.rs").contains("pub(crate) mod reports;"));
    assert!(read("reports/mod.rs").contains("GetReports"));
    assert!(!read("reports/operations.rs").contains("OPERATIONS"), "a crate has one table of its operations");
    assert!(read("operations.rs").contains(r#""getReports" => inspect_as::<super::reports::GetReports>(body)"#));
    assert_eq!(codegen::run(folder.path(), true), Ok(true));

    let readme = || std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    let row = "\n| shop | `GetReports` | `getReports` | GET `/reports` | read-only |\n";
    assert!(readme().contains(row), "{}", readme());
    let limits = std::fs::read_to_string(folder.path().join("docs/src/limits.md")).unwrap();
    assert!(limits.contains("\n| shop | `reports` | 5 a minute, per account |  |\n"), "{limits}");
    std::fs::write(folder.path().join("README.md"), readme().replace("read-only", "safe")).unwrap();
    assert_eq!(codegen::run(folder.path(), true), Ok(false), "a table is changed");

    std::fs::remove_file(folder.path().join("specs/shop.reports.yaml")).unwrap();
    assert_eq!(codegen::run(folder.path(), true), Ok(false));
    assert_eq!(codegen::run(folder.path(), false), Ok(true));
    assert!(!generated.join("reports").exists());
    assert!(!readme().contains("GetReports"));
}

/// What a specification must say is asked for by name.
#[test]
fn what_is_missing_is_named() {
    let text = std::fs::read_to_string(here("golden/shop.yaml")).unwrap();
    let refusal = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        emit::files(&read::text_of_either_format(&text.replacen(from, to, 1)).unwrap(), "shop", Some(&[])).unwrap_err()
    };
    assert_eq!(
        refusal("x-safety: once", "x-safety: maybe"),
        "jobs.post: x-safety must say read-only, idempotent or once"
    );
    assert_eq!(refusal("x-limits: [reads, shared]", "x-seen: 1"), "getItem: x-limits is missing");
    assert_eq!(refusal("x-limits: [reads, shared]", "x-limits: [nothing]"), "getItem: no limit `nothing`");
    assert_eq!(
        refusal("explode: false", "explode: true"),
        "getItem: no way to send stores, Vec<crate::Store> in query"
    );
    assert_eq!(refusal("within: data", "within: content"), "getItem: no `content` in the answer");
    assert_eq!(refusal("items: items,", "items: rows,"), "`rows`: no `rows`");
    let twice = refusal("JobRow: {type: object", "JobRow: {x-name: Row, type: object");
    assert_eq!(twice, "two different schemas are called `Row`; give one of them an `x-name`");
}
