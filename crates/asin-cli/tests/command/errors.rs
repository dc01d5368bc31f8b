//! Failures in words: what was tried, what the vendor said, what was or may have been applied, what to do next.

use crate::asin::{Ran, Served};
use serde_json::{Value, json};

/// A sandbox that fails a call.
struct Failing(Served);

impl Failing {
    /// A new one, on which the n-th call of this route fails.
    fn on(method: &str, path: &str, call: u64, action: Value) -> Self {
        let sandbox = Served::example();
        let fault = json!({"method": method, "path": path, "call": call, "action": action});
        sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
        Self(sandbox)
    }

    fn listing(&self, arguments: &[&str]) -> Ran {
        self.0.asin(&[&["listing"], arguments, &["--account", "europe"]].concat())
    }
}

const NOT_KNOWN: &str = "applied: not known: the vendor may have acted on it";

fn outcome(ran: &Ran) -> Value {
    ran.lines()[0]["outcome"].clone()
}

#[test]
fn a_price_without_an_answer_says_how_to_look() {
    let sandbox = Failing::on("PATCH", "*/listings/*", 2, json!("cut_after_work"));
    let price = ["price", "YNG-WTR-3", "75.50", "-m", "TR", "--yes"];
    let ran = sandbox.listing(&price);
    let next = "next: `asin listing get` shows whether it was made; the same command sends what still differs";
    ran.says(1, &["YNG-WTR-3: patchListingsItem: connection lost", NOT_KNOWN, next]);
    assert_eq!(outcome(&ran), "unknown", "{}", ran.out);
    assert_eq!(outcome(&sandbox.listing(&price)), "unchanged");
}

#[test]
fn a_listing_without_an_answer_is_not_sent_again_unseen() {
    let sandbox = Failing::on("PATCH", "*/listings/*", 2, json!({"html_error": {"status": 502}}));
    let name = r#"{"productType":"PRODUCT","patches":[{"op":"replace","path":"/attributes/item_name","value":[{"value":"x","language_tag":"tr_TR","marketplace_id":"A33AVAJ2PDY3EV"}]}]}"#;
    let ran = sandbox.listing(&["patch", "YNG-WTR-3", "-m", "TR", "--json", name, "--yes"]);
    let next = "next: `asin listing get` shows whether it was made; look before it is sent again";
    ran.says(1, &["patchListingsItem: vendor unavailable", "the vendor said: HTTP 502", NOT_KNOWN, next]);
    assert_eq!(outcome(&ran), "unknown", "{}", ran.out);
}

#[test]
fn a_preview_that_refuses_says_that_nothing_was_sent() {
    let sandbox = Served::example();
    let price = ["listing", "price", "B09VK5YVH6", "17.49", "-m", "DE", "--yes", "--account", "europe"];
    let ran = sandbox.asin(&price);
    ran.says(1, &["asin: nothing was sent"]);
    assert_eq!(outcome(&ran), "refused");
    let sandbox = Failing::on("PATCH", "*/listings/*", 1, json!("garbage"));
    let ran = sandbox.listing(&["price", "YNG-WTR-3", "75.50", "-m", "TR", "--yes"]);
    ran.says(1, &["YNG-WTR-3: patchListingsItem: ", "applied: nothing", "asin: nothing was sent"]);
    assert_eq!(outcome(&ran), "failed");
}

#[test]
fn a_deletion_without_an_answer_is_looked_for() {
    let sandbox = Failing::on("DELETE", "*/listings/*", 1, json!("cut_after_work"));
    let delete = ["delete", "SHOES", "YNG-WTR-3", "-m", "TR", "--yes"];
    let ran = sandbox.listing(&delete);
    let next = "next: the same command looks which are still there, and deletes those";
    ran.says(1, &["SHOES: deleteListingsItem: connection lost", NOT_KNOWN, next]);
    let outcomes: Vec<Value> = ran.lines().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["unknown", "submitted"], "{}", ran.out);
    sandbox.listing(&delete).says(1, &["SHOES: getListingsItem: not found", "NOT_FOUND", "applied: nothing"]);
}

#[test]
fn a_feed_that_is_held_says_how_to_go_on() {
    let (sandbox, folder) = (Served::example(), tempfile::tempdir().unwrap());
    let (file, state) = (folder.path().join("feed.jsonl"), folder.path().join("state"));
    std::fs::write(&file, "# one\n{\"operationType\":\"DELETE\",\"sku\":\"SHOES\"}\n").unwrap();
    let feed = ["listing", "feed", file.to_str().unwrap(), "-m", "TR", "--state", state.to_str().unwrap()];
    let feed = |flags: &[&str]| sandbox.asin(&[&feed[..], &["--account", "europe", "--every", "1s"], flags].concat());
    feed(&["--yes"]).says(0, &["1 message: 1 DELETE"]);
    feed(&["--yes"]).says(2, &["holds a submission already", "it was not sent", "next: `--resume` goes on with it"]);
}

#[test]
fn credentials_limits_and_funds_have_their_own_words() {
    let refused = Failing::on("POST", "*/users/credits/", 1, json!("expired_token"));
    let next = "next: mend the credentials; `asin doctor` tells which";
    refused.0.asin(&["credits"]).says(3, &["users.credits: credentials refused", "the vendor said: 401", next]);
    let limited = Failing::on("GET", "/v3/appendix/user_data", 1, json!("too_many_requests"));
    let ran = limited.0.asin(&["balance"]);
    ran.says(4, &["UserData: throttled", "the vendor said: 40202", "applied: nothing\n", "next: wait 60 s"]);
    let poor = Failing::on("POST", "/v3/*/task_post", 1, json!({"code": {"code": 40210}}));
    let folder = tempfile::tempdir().unwrap();
    let ran = poor.0.asin(&["sellers", "B085RFFC9Q", "-m", "DE", "--yes", "--state", folder.path().to_str().unwrap()]);
    ran.says(5, &["B085RFFC9Q: not enough funds", "40210: Insufficient Funds", "applied: nothing\n", "`asin balance`"]);
}

#[test]
fn a_task_without_an_answer_is_reconciled() {
    let lost = Failing::on("POST", "/v3/*/task_post", 1, json!("half_body"));
    let folder = tempfile::tempdir().unwrap();
    let ran = lost.0.asin(&["sellers", "B085RFFC9Q", "-m", "DE", "--yes", "--state", folder.path().to_str().unwrap()]);
    let next = "next: `asin tasks reconcile` finds out whether it was made; it is not sent again before";
    ran.says(1, &["B085RFFC9Q: AmazonSellersTaskPost: connection lost", NOT_KNOWN, next, "0.001 USD reserved"]);
}

#[test]
fn a_collection_without_an_answer_is_looked_for() {
    let lost = Failing::on("POST", "*/add_schedule/", 1, json!("cut_after_work"));
    let ran = lost.0.asin(&["collections", "create", "n", "--email", "me@example.com", "--yes"]);
    ran.says(1, &["collections.create: connection lost", NOT_KNOWN, "next: MultiCart's web pages show whether"]);
}

#[test]
fn an_answer_that_is_none_and_a_vendor_that_is_not_there() {
    let garbled = Failing::on("POST", "*/users/credits/", 1, json!("garbage"));
    garbled.0.asin(&["credits"]).says(1, &["users.credits: answer not understood: not JSON", "`asin inspect`"]);
    let gone = ["balance", "--sandbox", "http://127.0.0.1:1"];
    crate::asin::run(crate::asin::asin(&gone), "").says(2, &["no sandbox at http://127.0.0.1:1/", "was not sent"]);
}

#[test]
fn a_run_without_an_answer_is_looked_for() {
    let lost = Failing::on("POST", "*/run/result/", 1, json!("cut_after_work"));
    let ran = lost.0.asin(&["collections", "run", "101", "--yes"]);
    let next = "next: `asin outputs list 101` shows what runs bring; look before another is started";
    ran.says(1, &["a new run is there", "runs.start: connection lost", NOT_KNOWN, next]);
    assert_eq!(ran.lines()[0]["started"], "unknown");
}
