//! `asin watch`, `outputs`, `collections`, `postcodes`, `credits`.

use crate::asin::{Served, asin, run};
use serde_json::json;

#[test]
fn products_are_enrolled_once_where_they_can_be() {
    let sandbox = Served::example();
    let watch = |asins: &[&str], flags: &[&str]| {
        let fixed = ["--collection", "101", "-m", "AU", "--postcode", "4500"];
        sandbox.asin(&[&["watch"], asins, &fixed[..], flags].concat())
    };
    let both = ["B0DJQQ38TG", "B0XYZ99999"];
    watch(&both, &[])
        .says(2, &["1 product into collection 101", "1 of these", "a credit in every run", "nothing was sent"]);
    let ran = watch(&both, &["--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let rows: Vec<_> = ran.lines().iter().map(|row| (row["asin"].clone(), row["outcome"].clone())).collect();
    assert_eq!(rows[0], (json!("B0DJQQ38TG"), json!("already_there")));
    assert_eq!(rows[1].0, "B0XYZ99999");
    watch(&both, &[]).says(0, &["all 2 are in collection 101 already"]);
    let shown = sandbox.asin(&["collections", "show", "101"]);
    assert_eq!((shown.code, shown.lines().len()), (Some(0), 2), "{} {}", shown.out, shown.err);
    sandbox
        .asin(&["watch", "B0XYZ99999", "--collection", "101", "-m", "AU", "--postcode", "9999"])
        .says(2, &["no postcode 9999 of amazon.com.au", "asin postcodes add 9999 --marketplace AU"]);
}

#[test]
fn stores_and_postcodes_have_collections_of_their_own_that_are_pruned_and_run_when_it_is_said() {
    let sandbox = Served::example();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let watch = |asins: &[&str], flags: &[&str]| {
        let fixed = ["--state", state, "--at", "AU:4500", "--at", "US:10001", "--runs-per-month", "30"];
        sandbox.asin(&[&["watch"], asins, &fixed[..], flags].concat())
    };
    let both = ["B0DJQQ38TG", "B0XYZ99999@AU:4500"];
    let said = ["3 products are not watched yet", "2 collections must be made", "costs 3 credits then, 90 a month"];
    watch(&both, &["--dry-run"]).says(0, &[&said[..], &["can spend 500", "nothing was sent"]].concat());
    let ran = watch(&both, &["--yes", "--email", "me@example.com"]);
    assert_eq!((ran.code, ran.lines().len()), (Some(0), 3), "{} {}", ran.out, ran.err);
    assert!(
        ran.err.contains("`asin amazon.com.au 4500`") && ran.err.contains("`asin amazon.com 10001`"),
        "{}",
        ran.err
    );

    watch(&both[..1], &["--prune"])
        .says(2, &["1 product of 2 in collection", "not wanted there any more: ", both[1], "without --yes"]);
    let ran = watch(&both[..1], &["--prune", "--run", "--yes"]);
    assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
    let removed = ran.lines().into_iter().filter(|row| row["outcome"] == "removed");
    assert_eq!(removed.map(|row| row["asin"].clone()).collect::<Vec<_>>(), [json!("B0XYZ99999")]);
    assert!(ran.err.contains("2 runs, together 2 credits") && ran.err.contains("was started"), "{}", ran.err);
    watch(&["B0DJQQ38TG@AU:9999"], &["--yes"]).says(1, &[]);
    let ran = watch(&["B0DJQQ38TG@AU:9999"], &["--dry-run"]);
    assert_eq!((ran.code, &ran.lines()[0]["outcome"]), (Some(1), &json!("refused")), "{}", ran.err);
    watch(&both[..1], &["--run", "--dry-run"]).says(0, &["2 runs, together 2 credits"]);
    let refused = json!({"method": "*", "path": "/api/v1/*", "action": "expired_token"});
    sandbox.send("POST", "/_sandbox/faults", &refused.to_string());
    watch(&both, &["--yes"])
        .says(3, &["MultiCart", "the vendor said", "applied: nothing", "`asin doctor` tells which"]);
    sandbox.send("DELETE", "/_sandbox/faults", "");
    watch(&["B0DJQQ38TG@AU"], &["--yes"]).says(2, &["AU:4500"]);
}

#[test]
fn a_command_that_could_not_start_all_runs_goes_on_with_the_rest() {
    let (sandbox, folder) = (Served::example(), tempfile::tempdir().unwrap());
    let watch = |flags: &[&str]| {
        let fixed = ["watch", "B0DJQQ38TG", "--at", "AU:4500", "--at", "US:10001", "--state"];
        sandbox.asin(&[&fixed[..], &[folder.path().to_str().unwrap()], flags].concat())
    };
    let starts = || sandbox.get("/_sandbox/ledger")["operations"]["runs.start"].clone();
    watch(&["--email", "me@example.com", "--yes"]).says(0, &[]);
    let refused = json!({"method": "POST", "path": "*/run/result/", "call": 2, "action": "expired_token"});
    sandbox.send("POST", "/_sandbox/faults", &refused.to_string());
    watch(&["--run", "--yes"]).says(1, &["was started", "the vendor said: 401"]);
    sandbox.send("DELETE", "/_sandbox/faults", "");
    watch(&["--run", "--dry-run"]).says(0, &["is not started again", "1 run, together 1 credits", "nothing was sent"]);
    let alone = ["watch", "B0DJQQ38TG", "--at", "AU:4500", "--run", "--yes", "--state"];
    sandbox
        .asin(&[&alone[..], &[folder.path().to_str().unwrap()]].concat())
        .says(1, &["is not started again", "--again starts them anew"]);
    assert_eq!(starts(), 1);
    watch(&["--run", "--again", "--dry-run"]).says(0, &["2 runs, together 2 credits"]);
    watch(&["--run", "--yes"]).says(0, &["is not started again", "1 run, together 1 credits", "was started"]);
    assert_eq!(starts(), 2);
    watch(&["--run", "--yes"]).says(0, &["2 runs, together 2 credits"]);
    assert_eq!(starts(), 4);
    watch(&["--again"]).says(2, &["--run"]);
}

#[test]
fn a_collection_is_forgotten_with_leave_alone() {
    let (sandbox, folder) = (Served::example(), tempfile::tempdir().unwrap());
    let watch = |arguments: &[&str]| {
        sandbox.asin(&[&["watch", "--state", folder.path().to_str().unwrap()], arguments].concat())
    };
    let add = ["B0DJQQ38TG", "--at", "AU:4500", "--email", "me@example.com", "--yes"];
    let made = watch(&add);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let register = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter_map(|file| std::fs::read_to_string(file).ok()).collect::<String>()
    };
    let before = register();
    let word = made.err.split("asin: collection ").nth(1).unwrap().split(' ').next().unwrap();
    watch(&["--forget", word]).says(2, &["is not used any more", "nothing was sent"]);
    watch(&["--forget", word, "--dry-run"]).says(0, &["is not used any more"]);
    assert_eq!(register(), before);
    watch(&["--forget", word, "--yes"]).says(0, &[]);
    assert_ne!(register(), before);
    watch(&["B0DJQQ38TG", "--forget", word]).says(2, &["cannot be used with"]);
}

#[test]
fn a_run_says_first_what_it_costs() {
    let sandbox = Served::example();
    let spendable = || sandbox.asin(&["credits"]).lines()[0]["spendable"].clone();
    assert_eq!(spendable(), 500);
    sandbox.asin(&["collections", "run", "101"]).says(2, &["costs 1 of the 500 credits", "nothing was sent"]);
    sandbox.asin(&["collections", "run", "101", "--dry-run"]).says(0, &["costs 1 of the 500 credits"]);
    assert_eq!(spendable(), 500);
    let ran = sandbox.asin(&["collections", "run", "101", "--yes"]);
    assert_eq!((ran.code, &ran.lines()[0]["started"]), (Some(0), &json!(true)), "{}", ran.err);
    assert_ne!(spendable(), 500);
}

#[test]
fn outputs_are_listed_printed_and_saved() {
    let sandbox = Served::example();
    let list = sandbox.asin(&["outputs", "list", "101"]);
    assert_eq!(list.code, Some(0), "{}", list.err);
    let id = list.lines()[0]["id"].to_string();
    let got = sandbox.asin(&["outputs", "get", &id]);
    assert!(got.out.contains("$49.99") || got.out.contains("$31.50"), "{} {}", got.out, got.err);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("output.json");
    sandbox.asin(&["outputs", "save", &id, "--to", file.to_str().unwrap()]).says(0, &["output.json"]);
    assert!(std::fs::read_to_string(&file).unwrap().contains("output_json"));
    sandbox.asin(&["outputs", "get", "999999"]).says(1, &["not found", "next: "]);
}

#[test]
fn postcodes_and_collections_are_made_with_leave() {
    let sandbox = Served::example();
    let add = ["postcodes", "add", "2000", "-m", "AU"];
    sandbox.asin(&add).says(2, &["the postcode 2000 of amazon.com.au", "nothing was sent"]);
    let added = sandbox.asin(&[&add[..], &["--yes", "--wait", "2m"]].concat());
    assert_eq!((added.code, &added.lines()[0]["status"]), (Some(0), &json!("active")), "{} {}", added.out, added.err);
    let known = sandbox.asin(&["postcodes", "list", "-m", "AU"]);
    let codes: Vec<_> = known.lines().iter().map(|row| row["zipcode"].clone()).collect();
    assert_eq!(codes, ["4500", "2000"], "{}", known.err);
    sandbox.asin(&["postcodes", "list", "-m", "TR"]).says(0, &[]);
    sandbox.asin(&["postcodes", "list", "-m", "SE"]).says(2, &["does not have amazon.se", "amazon.com.au"]);
    let make = ["collections", "create", "new ones", "--email", "me@example.com"];
    sandbox.asin(&make).says(2, &["a new collection `new ones`", "nothing was sent"]);
    let made = sandbox.asin(&[&make[..], &["--yes"]].concat());
    assert_eq!((made.code, &made.lines()[0]["name"]), (Some(0), &json!("new ones")), "{}", made.err);
}

#[test]
fn sync_enrols_in_what_watch_has_made_and_says_what_is_missing() {
    let (sandbox, folder) = (Served::example(), tempfile::tempdir().unwrap());
    let state = folder.path().to_str().unwrap();
    let register = folder.path().join("watch");
    let made = ["watch", "B0DJQQ38TG", "--at", "AU:4500", "--email", "me@example.com", "--yes", "--state"];
    sandbox.asin(&[&made[..], &[register.to_str().unwrap()]].concat()).says(0, &["was made"]);
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/catalogue.csv");
    let served = format!("--sandbox={}", sandbox.url);
    let ran = run(asin(&["sync", catalogue, &served, "--watch", "--dry-run", "--json", "--state", state]), "");
    ran.says(0, &["no collection is known for DE:10115; ", "`asin watch ASIN --at STORE:POSTCODE", "--collection ID"]);
    let watched = |sku: &str| ran.lines().into_iter().find(|row| row["sku"] == sku).unwrap()["watch"].take();
    assert_eq!(watched("ref-001"), json!({"outcome": "unchanged"}));
    assert_eq!(watched("ref-002")["reason"], "not_enrolled", "a dry run enrols nothing");
    assert_eq!(watched("WTR-NO-3")["reason"], "no_collection");
}
