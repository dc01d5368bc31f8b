//! `asin listing`: read, searched, checked, and changed only as it was said.

use crate::asin::{Ran, Served, asin, run};
use serde_json::{Value, json};

/// A command on listings of the account in Europe.
pub fn listing(sandbox: &Served, arguments: &[&str]) -> Ran {
    sandbox.asin(&[&["listing"], arguments, &["--account", "europe"]].concat())
}

pub fn writes(sandbox: &Served) -> usize {
    sandbox.get("/_sandbox/ledger")["writes"].as_array().unwrap().len()
}

fn price(sandbox: &Served, sku: &str, store: &str) -> Value {
    let read = listing(sandbox, &["get", sku, "-m", store, "--output", "json"]);
    read.lines()[0]["attributes"]["purchasable_offer"][0]["our_price"][0]["schedule"][0]["value_with_tax"].clone()
}

#[test]
fn listings_are_read_as_rows_and_whole() {
    let sandbox = Served::example();
    let ran = listing(&sandbox, &["get", "YNG-WTR-3", "NOWHERE", "SHOES", "-m", "TR"]);
    ran.says(1, &["NOWHERE: getListingsItem: not found", "NOT_FOUND"]);
    let skus: Vec<Value> = ran.lines().iter().map(|item| item["sku"].clone()).collect();
    assert_eq!(skus, ["YNG-WTR-3", "SHOES"]);
    assert!(ran.lines()[0]["attributes"].is_object(), "{}", ran.out);
    let csv = sandbox.asin_with(
        &["listing", "get", "-", "-m", "A33AVAJ2PDY3EV", "--account", "europe", "--output", "csv"],
        "YNG-WTR-3\n\nYNG-WTR-3\n",
    );
    let lines: Vec<&str> = csv.out.lines().collect();
    assert_eq!(lines[0], "sku,asin,store,status,price,currency,quantity,issues,title");
    assert!(lines[1].starts_with("YNG-WTR-3,B09VK5YVH6,TR,") && lines[1].contains("79.90,TRY,20,"), "{}", csv.out);
    assert_eq!(lines.len(), 2, "a name that comes twice is read once");
    listing(&sandbox, &["get", "NOWHERE", "-m", "TR"]).says(1, &["not found"]);
    listing(&sandbox, &["get", "YNG-WTR-3"]).says(2, &["--marketplace"]);
    listing(&sandbox, &["get", "-m", "TR"]).says(2, &["no SKU", "--file"]);
    listing(&sandbox, &["get", "X", "-m", "ATLANTIS"]).says(2, &["ATLANTIS"]);
    // A store of another region is refused before anything is sent.
    listing(&sandbox, &["get", "WTR-US-1", "-m", "US"]).says(2, &["applied: nothing: it was not sent"]);
}

#[test]
fn listings_are_found() {
    let sandbox = Served::example();
    let all = listing(&sandbox, &["search", "-m", "TR"]);
    assert_eq!((all.code, all.lines().len()), (Some(0), 2), "{} {}", all.out, all.err);
    let one = listing(&sandbox, &["search", "-m", "DE", "--by", "asin", "B085RFFC9Q"]);
    assert_eq!(one.lines()[0]["sku"], "SÜET 41/42", "{}", one.err);
    let none = listing(&sandbox, &["search", "-m", "DE", "--updated-after", "2199-01-01T00:00:00Z"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""), "{}", none.err);
    listing(&sandbox, &["search", "-m", "DE", "--by", "colour", "red"]).says(2, &["colour"]);
}

#[test]
fn a_price_is_shown_previewed_and_sent_once() {
    let sandbox = Served::example();
    let set = ["price", "SÜET 41/42", "59.90", "-m", "DE"];
    listing(&sandbox, &set).says(2, &["64.90 EUR → 59.90 EUR", "without --yes", "nothing was sent"]);
    let dry = listing(&sandbox, &[&set[..], &["--dry-run"]].concat());
    assert_eq!((dry.code, &dry.lines()[0]["outcome"]), (Some(0), &json!("valid")), "{}", dry.err);
    assert_eq!((writes(&sandbox), price(&sandbox, "SÜET 41/42", "DE")), (0, json!(64.9)));
    let sent = listing(&sandbox, &[&set[..], &["--yes", "--wait", "30s"]].concat());
    assert_eq!((sent.code, &sent.lines()[0]["outcome"]), (Some(0), &json!("applied")), "{} {}", sent.out, sent.err);
    assert_eq!((writes(&sandbox), price(&sandbox, "SÜET 41/42", "DE")), (1, json!(59.9)));
    // The sale and the offer to businesses are still there.
    let item = listing(&sandbox, &["get", "SÜET 41/42", "-m", "DE"]).out;
    assert!(item.contains("discounted_price") && item.contains("B2B"), "{item}");
    let again = listing(&sandbox, &[&set[..], &["--yes"]].concat());
    assert_eq!((again.code, &again.lines()[0]["outcome"]), (Some(0), &json!("unchanged")), "{}", again.err);
    assert_eq!(writes(&sandbox), 1);
    listing(&sandbox, &["price", "SHOES", "-5", "-m", "TR"]).says(2, &["-5"]);
    listing(&sandbox, &["price", "SHOES", "5"]).says(2, &["--marketplace"]);
    let ambiguous = listing(&sandbox, &["price", "SHOES", "1.500", "-m", "TR", "--yes"]);
    ambiguous.says(2, &["price: `1.500` may mean 1.5 or 1500"]);
    let whole = sandbox.asin(&["listing", "price", "S", "10.5", "-m", "JP", "--account", "pacific", "--yes"]);
    whole.says(2, &["price: `10.5` has more decimals than JPY has (0)"]);
    assert_eq!(writes(&sandbox), 1);
}

#[test]
fn what_a_preview_refuses_is_not_sent() {
    let sandbox = Served::example();
    let ran = listing(&sandbox, &["price", "B09VK5YVH6", "17.49", "-m", "DE", "--yes"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let row = &ran.lines()[0];
    assert_eq!((&row["outcome"], &row["issues"][0]["code"]), (&json!("refused"), &json!("90220")), "{row}");
    assert_eq!(writes(&sandbox), 0);
}

#[test]
fn many_prices_come_from_a_file() {
    let sandbox = Served::example();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.csv");
    let send = |text: &str| {
        std::fs::write(&file, text).unwrap();
        listing(&sandbox, &["price", "--file", file.to_str().unwrap(), "-m", "TR", "--yes"])
    };
    send("sku,price\nYNG-WTR-3,ten\n,5\nSHOES,900\nSHOES,901\n")
        .says(2, &["line 2", "line 3", "line 5: `SHOES` once more"]);
    send("sku,price\nYNG-WTR-3,1.500\nSHOES,1.005\nSHOES,0\n").says(
        2,
        &[
            "line 2: price: `1.500` may mean 1.5 or 1500: no three digits after the dot",
            "line 3: price: `1.005` has more decimals than TRY has (2)",
            "line 4: price: `0` is no price",
        ],
    );
    send("sku,amount\nSHOES,900\n").says(2, &["no column `price`"]);
    send("sku,price\n").says(2, &["no lines"]);
    assert_eq!(writes(&sandbox), 0);
    let ran = send("sku,title,price\nYNG-WTR-3,Set,75.50\nSHOES,,890.90\nNOWHERE,,1\n");
    ran.says(1, &["NOWHERE: getListingsItem: not found"]);
    let rows: Vec<_> = ran.lines().iter().map(|row| json!([row["sku"], row["new"], row["currency"]])).collect();
    assert_eq!(rows, [json!(["YNG-WTR-3", "75.50", "TRY"]), json!(["SHOES", "890.90", "TRY"])], "{}", ran.err);
    assert_eq!(writes(&sandbox), 2);
    let cells = listing(&sandbox, &["price", "SHOES", "880", "-m", "TR", "--dry-run", "--output", "csv"]).out;
    let header = "sku,store,old,new,currency,outcome,said\nSHOES,TR,";
    assert!(cells.starts_with(header) && cells.contains(",880.00,TRY,valid,"), "{cells}");
}

#[test]
fn stock_is_set_and_amazons_own_never() {
    let sandbox = Served::example();
    let sent =
        listing(&sandbox, &["stock", "YNG-WTR-3", "100", "-m", "TR", "--handling-days", "3", "--yes", "--wait", "30s"]);
    assert_eq!((sent.code, &sent.lines()[0]["outcome"]), (Some(0), &json!("applied")), "{} {}", sent.out, sent.err);
    sent.says(0, &["this stock counts in all stores of the account's region (eu), not only in TR"]);
    let again = listing(&sandbox, &["stock", "YNG-WTR-3", "100", "-m", "TR", "--handling-days", "3", "--yes"]);
    assert!(!again.err.contains("region"), "nothing is sent: {}", again.err);
    let item = listing(&sandbox, &["get", "YNG-WTR-3", "-m", "TR"]).lines().remove(0);
    assert_eq!(item["fulfillmentAvailability"][0]["quantity"], 100, "{item}");
    let fba = sandbox.asin(&["listing", "stock", "WTR-US-FBA", "5", "-m", "US", "--account", "america", "--yes"]);
    fba.says(1, &["WTR-US-FBA: fulfilled through `AMAZON_NA`"]);
    // A stock takes the place of the other: nothing is added to it.
    let more = |quantity, days| ["stock", "YNG-WTR-3", quantity, "-m", "TR", "--handling-days", days, "--yes"];
    listing(&sandbox, &more("+5", "3")).says(2, &["quantity: `+5` is no whole number from 0 to 4294967295"]);
    listing(&sandbox, &more("5", "+3")).says(2, &["--handling-days", "`+3` is no whole number"]);
    assert_eq!(writes(&sandbox), 1);
}

#[test]
fn a_patch_and_a_put_go_out_as_they_are() {
    let sandbox = Served::example();
    let name = r#"{"productType":"PRODUCT","patches":[{"op":"replace","path":"/attributes/item_name","value":[{"value":"Su Seti","language_tag":"tr_TR","marketplace_id":"A33AVAJ2PDY3EV"}]}]}"#;
    let patch =
        |flags: &[&str]| listing(&sandbox, &[&["patch", "YNG-WTR-3", "-m", "TR", "--json", name], flags].concat());
    let new = r#"→ /attributes/item_name replace [{"value":"Su Seti","#;
    patch(&[]).says(2, &["/attributes/item_name [{", "Yangın Söndürme Suyu Seti", new, "nothing was sent"]);
    let ran = patch(&["--yes"]);
    assert_eq!((ran.code, &ran.lines()[0]["outcome"]), (Some(0), &json!("submitted")), "{} {}", ran.out, ran.err);
    listing(&sandbox, &["patch", "S", "-m", "TR", "--json", r#"{"patches":[]}"#]).says(2, &["--json", "productType"]);
    let put = r#"{"productType":"WATER_FLOTATION_DEVICE"}"#;
    listing(&sandbox, &["put", "S", "-m", "TR", "--json", put]).says(2, &["--json", "attributes"]);
    for (command, body, told) in [
        (
            "put",
            r#"{"productType":"A","attributes":{},"sku":"S"}"#,
            "`sku`; the fields are productType, requirements, attributes",
        ),
        ("patch", r#"{"productType":"A","patches":[],"mode":"X"}"#, "`mode`; the fields are productType, patches"),
        ("put", r#"{"productType":"A","attributes":{"a":[{"b":1,"b":2}]}}"#, "`attributes.a[0].b` comes twice"),
        ("patch", r#"{"productType":"A","patches":[],"productType":"B"}"#, "`productType` comes twice"),
    ] {
        listing(&sandbox, &[command, "YNG-WTR-3", "-m", "TR", "--json", body]).says(2, &["--json: ", told]);
    }
    let store = "A33AVAJ2PDY3EV";
    let name = json!([{"value": "Su", "language_tag": "tr_TR", "marketplace_id": store}]);
    let mut whole = json!({"productType": "PRODUCT", "attributes": {"item_name": name}});
    let put = |body: &Value| {
        listing(&sandbox, &["put", "NEW-1", "-m", "TR", "--json", &body.to_string(), "--yes"]).lines().remove(0)
    };
    let refused = put(&whole);
    assert_eq!((&refused["outcome"], &refused["issues"][0]["code"]), (&json!("refused"), &json!("90220")), "{refused}");
    whole["attributes"]["condition_type"] = json!([{"value": "new_new", "marketplace_id": store}]);
    whole["attributes"]["purchasable_offer"] = json!([{
        "currency": "TRY", "marketplace_id": store, "our_price": [{"schedule": [{"value_with_tax": 50}]}],
    }]);
    assert_eq!(put(&whole)["outcome"], "submitted");
    assert_eq!(price(&sandbox, "NEW-1", "TR"), json!(50));
    whole["attributes"]["item_name"][0]["value"] = json!("Ateş");
    whole["attributes"].as_object_mut().unwrap().remove("condition_type");
    let shown = listing(&sandbox, &["put", "NEW-1", "-m", "TR", "--json", &whole.to_string(), "--dry-run"]);
    let row = &shown.lines()[0];
    let (old, new) = (row["old"].as_str().unwrap(), row["new"].as_str().unwrap());
    assert!(old.contains(r#""value":"Su""#) && old.contains("new_new") && !old.contains("our_price"), "{old}");
    assert!(new.contains(r#""value":"Ateş""#) && new.contains("condition_type (none)"), "{new}");
}

#[test]
fn a_deletion_shows_what_it_is_about() {
    let sandbox = Served::example();
    let delete = |flags: &[&str]| listing(&sandbox, &[&["delete", "YNG-WTR-3", "-m", "TR"], flags].concat());
    delete(&[]).says(2, &["TR", "YNG-WTR-3", "Yangın Söndürme Suyu Seti", "nothing was sent"]);
    delete(&["--dry-run"]).says(0, &["YNG-WTR-3", "nothing was sent"]);
    assert_eq!(writes(&sandbox), 0);
    let ran = delete(&["--yes"]);
    assert_eq!((ran.code, &ran.lines()[0]["outcome"]), (Some(0), &json!("submitted")), "{}", ran.err);
    listing(&sandbox, &["get", "YNG-WTR-3", "-m", "TR"]).says(1, &["not found"]);
}

#[test]
fn a_listing_is_checked_against_its_schema() {
    let sandbox = Served::example();
    let folder = tempfile::tempdir().unwrap();
    let validate = |body: &str| {
        let mut command = asin(&[
            "listing",
            "validate",
            "-m",
            "TR",
            "--json",
            body,
            "--account",
            "europe",
            "--sandbox",
            &sandbox.url,
        ]);
        command.current_dir(folder.path());
        run(command, "")
    };
    let wrong = r#"{"productType":"SHOES","attributes":{"color":[{"value":7}]}}"#;
    let ran = validate(wrong);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let paths: Vec<_> = ran.lines().iter().map(|finding| finding["path"].as_str().unwrap().to_owned()).collect();
    assert!(paths.iter().any(|path| path == "color[0].value"), "{paths:?}");
    assert!(folder.path().join(".asin/schemas").is_dir(), "the schema is kept");
    let patch = r#"{"productType":"SHOES","patches":[{"op":"replace","path":"/attributes/color","value":[{"value":"Mavi","language_tag":"tr_TR"}]}]}"#;
    let ran = validate(patch);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    let both = r#"{"productType":"SHOES","patches":[],"attributes":{}}"#;
    validate(both).says(2, &["--json: unknown field `attributes`; the fields are productType, patches"]);
    let selector = r#"{"productType":"A","patches":[{"op":"delete","path":"/attributes/a","values":[{"b":1}]}]}"#;
    listing(&sandbox, &["patch", "S", "-m", "TR", "--json", selector])
        .says(2, &["--json: unknown field `patches[0].values`; the fields are op, path, value"]);
    validate("{}").says(2, &["productType"]);
    assert_eq!(writes(&sandbox), 0);
}

#[test]
fn restrictions_are_told() {
    let sandbox = Served::example();
    let ran = listing(&sandbox, &["restrictions", "B07G82D89J", "-m", "TR"]);
    assert_eq!((ran.code, &ran.lines()[0]["verdict"]), (Some(0), &json!("allowed")), "{} {}", ran.out, ran.err);
    listing(&sandbox, &["restrictions", "B07", "-m", "TR"]).says(2, &["ASIN `B07`"]);
}

#[test]
fn an_offer_that_has_changed_meanwhile_is_not_sent_back() {
    let sandbox = Served::example();
    let slow = json!({"method": "PATCH", "path": "/listings/*", "action": {"delay": {"ms": 2000}}});
    sandbox.send("POST", "/_sandbox/faults", &slow.to_string());
    let store = "A33AVAJ2PDY3EV";
    let whole = json!({"productType": "PRODUCT", "attributes": {
        "item_name": [{"value": "Su", "language_tag": "tr_TR", "marketplace_id": store}],
        "condition_type": [{"value": "new_new", "marketplace_id": store}],
        "purchasable_offer": [{
            "currency": "TRY", "marketplace_id": store, "our_price": [{"schedule": [{"value_with_tax": 50}]}],
        }],
    }});
    std::thread::scope(|scope| {
        let first = scope.spawn(|| listing(&sandbox, &["price", "YNG-WTR-3", "75.50", "-m", "TR", "--yes"]));
        let has_read = || {
            let ledger = sandbox.get("/_sandbox/ledger");
            ledger["requests"].as_array().unwrap().iter().any(|request| request["operation"] == "getListingsItem")
        };
        // It has read the listing, and its preview takes a while.
        while !has_read() && !first.is_finished() {}
        let put = listing(&sandbox, &["put", "YNG-WTR-3", "-m", "TR", "--json", &whole.to_string(), "--yes"]);
        assert_eq!((put.code, &put.lines()[0]["outcome"]), (Some(0), &json!("submitted")), "{}", put.err);
        first.join().unwrap().says(1, &["YNG-WTR-3: the listing has changed since it was shown: nothing was sent"]);
    });
    assert_eq!((writes(&sandbox), price(&sandbox, "YNG-WTR-3", "TR")), (1, json!(50)));
}

#[test]
fn a_write_whose_answer_is_lost_is_sent_once() {
    let sandbox = Served::example();
    let lost = |method: &str, call: u64| {
        let fault = json!({"method": method, "path": "/listings/*", "call": call, "action": "cut_after_work"});
        sandbox.send("DELETE", "/_sandbox/faults", "");
        sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    };
    // The first PATCH is the preview.
    lost("PATCH", 2);
    let ran = listing(&sandbox, &["price", "SHOES", "890.90", "-m", "TR", "--yes"]);
    ran.says(1, &["SHOES: patchListingsItem: connection lost", "applied: not known", "`asin listing get` shows"]);
    assert_eq!(writes(&sandbox), 1);
    lost("DELETE", 1);
    let ran = listing(&sandbox, &["delete", "YNG-WTR-3", "-m", "TR", "--yes"]);
    ran.says(1, &["YNG-WTR-3: deleteListingsItem: connection lost", "applied: not known"]);
    let deletions = |ledger: &Value| {
        let requests = ledger["requests"].as_array().unwrap();
        requests.iter().filter(|request| request["operation"] == "deleteListingsItem").count()
    };
    assert_eq!(deletions(&sandbox.get("/_sandbox/ledger")), 1);
}
