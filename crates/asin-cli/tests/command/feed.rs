//! `asin listing feed`: an outcome for each message, and gone on with only by whose it is.

use crate::asin::Served;
use crate::listing::{listing, writes};
use serde_json::{Value, json};

#[test]
fn a_feed_names_what_does_not_come_back() {
    let sandbox = Served::example();
    let lines = "{\"sku\":\"SHOES\",\"operationType\":\"DELETE\"}\n{\"sku\":\"S-1\",\"operationType\":\"DELETE\"}";
    let feed = ["listing", "feed", "-", "-m", "TR", "--account", "europe"];
    sandbox.asin_with(&feed, lines).says(2, &["2 DELETE", "deleted for good: SHOES", "deleted for good: S-1"]);
    assert_eq!(writes(&sandbox), 0);
}

#[test]
fn a_feed_has_an_outcome_for_each_message() {
    let sandbox = Served::example();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changes.jsonl");
    let state = folder.path().join("state");
    let patch = |sku: &str, quantity: u32| {
        json!({"sku": sku, "operationType": "PATCH", "productType": "PRODUCT", "patches": [{
            "op": "replace", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}],
        }]})
    };
    let lines = format!("{}\n\n{}\n", patch("SÜET 41/42", 7), patch("NOWHERE", 1));
    let feed = |text: &str, flags: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let (file, state) = (file.to_str().unwrap(), state.to_str().unwrap());
        let fixed = ["feed", file, "-m", "DE", "--state", state, "--every", "200ms"];
        listing(&sandbox, &[&fixed[..], flags].concat())
    };
    feed(r#"{"sku":"S","operationType":"UPSERT"}"#, &["--yes"]).says(2, &["changes.jsonl: line 1", "UPSERT"]);
    feed(&lines, &[]).says(2, &["2 messages: 2 PATCH", "nothing was sent"]);
    let ran = feed(&lines, &["--yes"]);
    assert_eq!(ran.code, Some(1), "{} {}", ran.out, ran.err);
    let statuses: Vec<_> = ran.lines().iter().map(|outcome| outcome["status"].clone()).collect();
    assert_eq!(statuses, ["accepted", "invalid"], "{}", ran.out);
    feed(&lines, &["--yes"]).says(2, &["holds a submission already"]);
    let again = feed(&lines, &["--resume"]);
    assert_eq!((again.code, again.lines().len()), (Some(1), 2), "{}", again.err);
    // What was sent is told of the file that was sent, and of no other.
    let changed = lines.replace("7", "8");
    feed(&changed, &["--resume"]).says(2, &["changes.jsonl is not what was sent from ", "--state DIR"]);
    std::fs::remove_file(&file).unwrap();
    let resume = ["feed", file.to_str().unwrap(), "-m", "DE", "--state", state.to_str().unwrap(), "--resume"];
    let again = listing(&sandbox, &resume);
    assert_eq!((again.code, again.lines().len()), (Some(1), 2), "{}", again.err);
    let nothing = folder.path().join("nothing");
    std::fs::create_dir(&nothing).unwrap();
    let nowhere = listing(&sandbox, &[&resume[..5], &[nothing.to_str().unwrap(), "--resume"]].concat());
    nowhere.says(2, &["holds no submission"]);
    assert!(!nowhere.err.contains("`--resume` goes on"), "{}", nowhere.err);
}

#[test]
fn a_line_of_a_feed_that_says_more_than_it_can_do_is_refused() {
    let sandbox = Served::example();
    let feed = |line: &str| sandbox.asin_with(&["listing", "feed", "-", "-m", "TR", "--account", "europe"], line);
    for (line, told) in [
        (
            r#"{"sku":"S-1","operationType":"DELETE","marketplaceId":"A33AVAJ2PDY3EV"}"#,
            "unknown field `marketplaceId`, expected one of `messageId`, `productType`, `sku`",
        ),
        (
            r#"{"sku":"S-1","operationType":"PATCH","productType":"A","patches":[],"attributes":{}}"#,
            "unknown field `attributes`, expected one of `messageId`, `sku`, `productType`, `patches`",
        ),
        (r#"{"sku":"S-1","operationType":"UPDATE","productType":"A","attributes":{},"a":1}"#, "unknown field `a`"),
        (
            r#"{"sku":"S-1","operationType":"PARTIAL_UPDATE","productType":"A","attributes":{},"a":1}"#,
            "unknown field `a`",
        ),
        (
            r#"{"sku":"S-1","operationType":"PATCH","productType":"A","patches":[{"op":"delete","path":"/attributes/a","values":[]}]}"#,
            "unknown field `patches[0].values`; the fields are op, path, value",
        ),
        (r#"{"sku":"S-1","sku":"S-2","operationType":"DELETE"}"#, "`sku` comes twice"),
    ] {
        feed(line).says(2, &["-: line 1: ", told]);
    }
    feed(r#"{"messageId":7,"sku":"S-1","operationType":"DELETE","productType":"A"}"#)
        .says(2, &["1 DELETE", "without --yes"]);
    let whole = r#"{"sku":"S-1","operationType":"UPDATE","productType":"A","requirements":"LISTING","attributes":{}}"#;
    feed(whole).says(2, &["1 UPDATE", "without --yes"]);
    assert_eq!(writes(&sandbox), 0);
}

#[test]
fn a_feed_is_gone_on_with_only_by_whose_it_is() {
    let (sandbox, elsewhere) = (Served::example(), Served::example());
    let folder = tempfile::tempdir().unwrap();
    let (file, state) = (folder.path().join("changes.jsonl"), folder.path().join("state"));
    std::fs::write(&file, r#"{"sku":"SHOES","operationType":"DELETE"}"#).unwrap();
    let feed = |sandbox: &Served, account: &str, store: &str, flag: &str| {
        let (file, state) = (file.to_str().unwrap(), state.to_str().unwrap());
        let fixed = ["listing", "feed", file, "--state", state, "--every", "200ms", flag];
        sandbox.asin(&[&fixed[..], &["--account", account, "-m", store]].concat())
    };
    let ran = feed(&sandbox, "europe", "TR", "--yes");
    assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
    let held = format!("a submission of AO0WPKWDI17JQ for A33AVAJ2PDY3EV at {}; this is ", sandbox.url);
    let strangers = || {
        for (there, account, store, asked) in [
            (&sandbox, "europe", "DE", "AO0WPKWDI17JQ for A1PA6795UKMFR9 at "),
            (&sandbox, "america", "US", "A1DEMOSELLERNA for ATVPDKIKX0DER at "),
            (&elsewhere, "europe", "TR", elsewhere.url.as_str()),
        ] {
            let refused = feed(there, account, store, "--resume");
            refused.says(2, &[&held, asked, "nothing was sent", "`--state DIR` begins another"]);
            assert_eq!(refused.out, "");
        }
    };
    strangers();
    let refused = feed(&sandbox, "europe", "DE", "--yes");
    refused.says(2, &[&held]);
    assert!(!refused.err.contains("--resume"), "{}", refused.err);
    std::fs::remove_file(&file).unwrap();
    strangers();
    assert_eq!(feed(&sandbox, "europe", "TR", "--resume").code, Some(0));
    // A handle that does not say where it was sent is taken as sent here.
    let handle = state.join("part-0001.handle");
    let mut part: Value = serde_json::from_slice(&std::fs::read(&handle).unwrap()).unwrap();
    assert_eq!(part.as_object_mut().unwrap().remove("endpoint"), Some(json!(sandbox.url)));
    std::fs::write(&handle, part.to_string()).unwrap();
    assert_eq!(feed(&sandbox, "europe", "TR", "--resume").code, Some(0));
}
