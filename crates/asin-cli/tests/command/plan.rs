//! `asin plan`, `apply` and `undo`, and runs that are recorded and replayed.

use crate::asin::{asin, run};
use crate::sync::{Shop, report, times_billed};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn a_plan_is_a_file_that_is_applied_once_and_taken_back() {
    let shop = Shop::open();
    let served = shop.serve();
    let sandbox = format!("--sandbox={}", served.url);
    let file = |name: &str| shop.file(name).to_str().unwrap().to_owned();
    let (plan, state) = (file("plan.json"), file("state"));
    let place = [sandbox.as_str(), "--state", &state, "--json"];
    let ran = run(
        asin(&[&["plan", &shop.catalogue, "-o", &plan, "--yes", "--pricing", "undercut=0.10"], &place[..]].concat()),
        "",
    );
    ran.says(0, &["1 changes in "]);
    assert_eq!(report(&ran).1["run"], Value::Null);
    let written: Value = serde_json::from_slice(&std::fs::read(&plan).unwrap()).unwrap();
    let price = &written["changes"][0]["price"];
    assert_eq!((&price["from"]["amount"], &price["to"]["amount"]), (&json!("10"), &json!("8.90")), "{price}");

    let apply = [&["apply", plan.as_str()], &place[..]].concat();
    let ran = run(asin(&apply), "");
    ran.says(2, &["nothing is written", "no leave was given"]);
    assert_eq!(report(&ran).0, ["LAMP ö/1 skipped(dry_run)"]);
    let ran = run(asin(&[&apply[..], &["--yes"]].concat()), "");
    let (rows, totals) = report(&ran);
    assert_eq!(rows, ["LAMP ö/1 submitted"]);
    let name = totals["run"].as_str().unwrap();
    ran.says(0, &[&format!("asin undo {name}")]);

    let ran = run(asin(&[&["undo"], &place[..]].concat()), "");
    assert_eq!((ran.lines().len(), &ran.lines()[0]["run"], &ran.lines()[0]["writes"]), (1, &json!(name), &json!(2)));
    run(asin(&[&["undo", "yesterday", "--yes"], &place[..]].concat()), "").says(2, &["no run `yesterday`"]);
    let ran = run(asin(&[&["undo", name, "--yes"], &place[..]].concat()), "");
    assert_eq!(report(&ran).0, ["LAMP ö/1 submitted"], "{}", ran.err);
    let elsewhere = shop.serve();
    let elsewhere = format!("--sandbox={}", elsewhere.url);
    let apply = ["apply", plan.as_str(), &elsewhere, "--yes"];
    run(asin(&apply), "").says(2, &["no state in ", "--state"]);
    run(asin(&[&apply[..], &["--state", &state]].concat()), "").says(2, &["the plan was made at"]);
}

#[test]
fn a_plan_takes_the_place_of_nothing_else_and_is_not_paid_for_where_it_cannot_be_written() {
    let shop = Shop::open();
    let served = shop.serve();
    let sandbox = format!("--sandbox={}", served.url);
    let before = std::fs::read(&shop.catalogue).unwrap();
    let plan = |out: &str| run(asin(&["plan", &shop.catalogue, "-o", out, "--yes", &sandbox]), "");
    plan(&shop.catalogue).says(2, &["it is there and is no plan"]);
    assert_eq!(std::fs::read(&shop.catalogue).unwrap(), before);
    plan(shop.file("no/folder/plan.json").to_str().unwrap()).says(2, &["plan.json: nothing can be written there"]);
    plan(shop.file("").to_str().unwrap()).says(2, &["-o "]);
    assert!(times_billed(&served.get("/_sandbox/ledger")).is_empty());
    run(asin(&["undo", &served.url]), "").says(2, &["a sandbox is named --sandbox=URL"]);
}

#[test]
fn a_plan_is_what_its_schema_says() {
    let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/plan.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&text).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/catalogue.csv");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let flags = ["--sandbox", "--yes", "--max-stock-age", "10000d"];
    let ran = run(asin(&[&["plan", catalogue, "-o", file.to_str().unwrap()], &flags[..]].concat()), "");
    ran.says(0, &[" changes in "]);
    let plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&plan).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?} in {plan}");
    let changes = plan["changes"].as_array().unwrap();
    for part in ["price", "quantity", "observed", "min_price", "stock_at"] {
        assert!(changes.iter().any(|change| change.get(part).is_some()), "no {part} in {plan}");
    }
    for (place, value) in [("/version", json!(2)), ("/made", json!(7)), ("/changes/0/marketplace", json!("Germany"))] {
        let mut other = plan.clone();
        *other.pointer_mut(place).unwrap() = value;
        assert!(!schema.is_valid(&other), "{place}");
    }
    let mut other = plan.clone();
    other["changes"][0]["colour"] = json!("red");
    assert!(!schema.is_valid(&other), "`apply` reads no field that it does not know");
}

/// What a state folder holds, by file.
fn kept(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    files.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_run_is_recorded_without_secrets_and_replayed_without_anybody_and_without_a_trace() {
    let shop = Shop::open();
    let served = shop.serve();
    let sandbox = format!("--sandbox={}", served.url);
    let gone = "--sandbox=http://127.0.0.1:1";
    let file = |name: &str| shop.file(name).to_str().unwrap().to_owned();
    let (plan, state, before) = (file("plan.json"), file("state"), file("before"));
    let ran = run(asin(&["plan", &shop.catalogue, "-o", &plan, "--yes", "--state", &state, &sandbox]), "");
    ran.says(0, &["1 changes in "]);
    std::fs::create_dir(&before).unwrap();
    for (name, content) in kept(Path::new(&state)) {
        std::fs::write(Path::new(&before).join(name), content).unwrap();
    }

    let apply = |state: &str, place: &str, wire: [&str; 2]| {
        run(asin(&[&["apply", &plan, "--yes", "--json", "--state", state, place], &wire[..]].concat()), "")
    };
    let recording = file("apply.jsonl");
    let applied = apply(&state, &sandbox, ["--record", &recording]);
    assert_eq!(report(&applied).0, ["LAMP ö/1 submitted"], "{}", applied.err);
    let written = std::fs::read_to_string(&recording).unwrap();
    assert!(written.contains("/listings/2021-08-01/items/A1SELLER/"), "{written}");
    for (name, secret) in &served.environment {
        let is_secret = ["PASSWORD", "KEY", "SECRET", "TOKEN"].iter().any(|word| name.contains(word));
        assert!(!is_secret || !written.contains(secret.as_str()), "{name}");
    }
    let writes = || served.get("/_sandbox/ledger")["writes"].as_array().unwrap().len();
    let (made, untouched) = (writes(), kept(Path::new(&before)));
    let replayed = apply(&before, gone, ["--replay", &recording]);
    assert_eq!((replayed.code, report(&replayed).0), (applied.code, report(&applied).0), "{}", replayed.err);
    assert!(!replayed.err.contains("asin undo"), "there is nothing to take back: {}", replayed.err);
    assert_eq!((writes(), kept(Path::new(&before))), (made, untouched));

    let recording = file("sync.jsonl");
    let other = file("other");
    let sync = |place: &str, wire: [&str; 2]| {
        run(shop.sync(&[&["--yes", "--json", "--state", &other, place], &wire[..]].concat()), "")
    };
    sync(&sandbox, ["--record", &recording]).says(0, &[]);
    std::fs::remove_dir_all(&other).unwrap();
    let billed = times_billed(&served.get("/_sandbox/ledger"));
    let replayed = sync(gone, ["--replay", &recording]);
    replayed.says(0, &["--replay: a paid task is not replayed"]);
    assert_eq!(report(&replayed).1["usd"], "0");
    assert_eq!(times_billed(&served.get("/_sandbox/ledger")), billed);
    assert!(!Path::new(&other).exists(), "what a recording answers is not kept");
}
