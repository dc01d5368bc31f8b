//! `asin call`: any operation, with consent where it does more than read.

use crate::asin::{Served, asin, run};

const LISTING: &str = r#"{"sellerId":"AO0WPKWDI17JQ","sku":"YNG-WTR-3","marketplaceIds":["A33AVAJ2PDY3EV"]}"#;
const TASK: &str = r#"{"tasks":[{"asin":"B085RFFC9Q","location_code":2276,"language_code":"de_DE"}]}"#;

#[test]
fn an_operation_of_each_vendor_answers_as_json() {
    let sandbox = Served::example();
    let listing = sandbox.asin(&["call", "getListingsItem", "--account", "europe", "--json", LISTING]);
    assert_eq!((listing.code, &listing.lines()[0]["sku"]), (Some(0), &"YNG-WTR-3".into()), "{}", listing.err);
    let credits = sandbox.asin_with(&["call", "users.credits", "--json", "-"], "{}");
    assert_eq!((credits.code, &credits.lines()[0]["code"]), (Some(0), &200.into()), "{}", credits.err);
    let user = sandbox.asin(&["call", "UserData", "--meta"]);
    assert_eq!(user.code, Some(0), "{}", user.err);
    let meta = &user.lines()[0]["meta"];
    assert_eq!((&meta["vendor"], &meta["status"], &meta["attempts"]), (&"dataforseo".into(), &200.into(), &1.into()));
    assert!(meta["elapsed_ms"].is_u64() && meta["cost"].is_number(), "{meta}");
    assert_eq!(user.lines()[0]["answer"]["status_code"], 20000);
}

#[test]
fn what_is_charged_needs_consent_and_is_sent_once() {
    let sandbox = Served::example();
    let post = ["call", "AmazonAsinTaskPost", "--json", TASK];
    let tasks = || sandbox.get("/_sandbox/ledger")["requests"].to_string().matches("AmazonAsinTaskPost").count();
    sandbox.asin(&post).says(2, &["once", "B085RFFC9Q", "without --yes", "nothing was sent"]);
    let dry = sandbox.asin(&[&post[..], &["--dry-run", "--yes"]].concat());
    dry.says(0, &["nothing was sent"]);
    let request = &dry.lines()[0];
    assert_eq!((&request["method"], &request["safety"]), (&"POST".into(), &"once".into()));
    assert_eq!(request["body"][0]["asin"], "B085RFFC9Q");
    assert!(request["url"].as_str().unwrap().ends_with("/v3/merchant/amazon/asin/task_post"), "{request}");
    assert_eq!(tasks(), 0, "nothing has been sent so far");
    let sent = sandbox.asin(&[&post[..], &["--yes", "--meta"]].concat());
    assert_eq!((sent.code, &sent.lines()[0]["meta"]["attempts"]), (Some(0), &1.into()), "{}", sent.err);
    assert!(tasks() > 0);

    // An answer that is lost leaves it open whether it was applied, and it is not sent again.
    sandbox.send(
        "POST",
        "/_sandbox/faults",
        r#"{"method":"POST","path":"*/task_post","action":{"html_error":{"status":502}}}"#,
    );
    let calls = || sandbox.get("/_sandbox/ledger")["calls"].to_string();
    let lost = sandbox.asin(&[&post[..], &["--yes"]].concat());
    lost.says(1, &["AmazonAsinTaskPost: vendor unavailable", "the vendor may have acted on it", "next: find out"]);
    assert!(!lost.err.contains("attempts"), "{} {}", lost.err, calls());
}

#[test]
fn arguments_are_named_as_the_vendor_names_them() {
    let sandbox = Served::example();
    let wrong = LISTING.replace("sellerId", "seller");
    let call = |json: &str| sandbox.asin(&["call", "getListingsItem", "--account", "europe", "--json", json]);
    call(&wrong).says(2, &["unknown field `seller`", "applied: nothing: it was not sent"]);
    call("{").says(2, &["--json"]);
    call("@no/such.json").says(2, &["no/such.json"]);
    call(&LISTING.replace("YNG-WTR-3", "NOWHERE")).says(1, &["not found", "NOT_FOUND", "applied: nothing", "next: "]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arguments.json");
    std::fs::write(&file, LISTING).unwrap();
    assert_eq!(call(&format!("@{}", file.display())).code, Some(0));
}

#[test]
fn only_the_credentials_that_are_needed_are_asked_for() {
    run(asin(&["call", "getListingItem"]), "").says(2, &["did you mean getListingsItem"]);
    let ran = run(asin(&["call", "users.credits"]), "");
    ran.says(3, &["MULTICART_API_KEY is not set"]);
    assert!(!ran.err.contains("SP_API") && !ran.err.contains("DATAFORSEO"), "{}", ran.err);
    let ran = run(asin(&["call", "UserData"]), "");
    ran.says(3, &["DATAFORSEO_LOGIN is not set", "DATAFORSEO_PASSWORD is not set"]);
    assert!(!ran.err.contains("MULTICART"), "{}", ran.err);
    // What is only shown needs none.
    let shown = run(asin(&["call", "AmazonAsinTaskPost", "--json", TASK, "--dry-run"]), "");
    assert_eq!(
        shown.lines()[0]["url"],
        "https://api.dataforseo.com/v3/merchant/amazon/asin/task_post",
        "{}",
        shown.err
    );
    let sandbox = Served::example();
    sandbox.asin(&["call", "getListingsItem", "--json", LISTING]).says(2, &["--account", "america, europe, pacific"]);
}

#[test]
fn a_refusal_ends_with_the_code_of_its_class() {
    let sandbox = Served::example();
    let struck = |action: &str| {
        let fault = format!(r#"{{"method":"GET","path":"/v3/appendix/*","call":1,"action":{action}}}"#);
        sandbox.send("DELETE", "/_sandbox/faults", "");
        sandbox.send("POST", "/_sandbox/faults", &fault);
        sandbox.asin(&["call", "UserData"])
    };
    struck(r#"{"code":{"code":40100}}"#).says(3, &["credentials refused", "40100", "next: mend the credentials"]);
    struck(r#"{"code":{"code":40200}}"#).says(5, &["not enough funds", "40200", "next: pay in or raise the limit"]);
    struck(r#"{"code":{"code":40501}}"#).says(1, &["rejected", "40501", "next: mend the arguments"]);
    sandbox.send("POST", "/_sandbox/faults", r#"{"method":"GET","path":"/listings/*","action":"too_many_requests"}"#);
    let refused = sandbox.asin(&["call", "getListingsItem", "--account", "europe", "--json", LISTING]);
    refused.says(4, &["throttled after", "QuotaExceeded", "applied: nothing\n", "next: wait a little"]);
    struck(r#"{"html_error":{"status":404}}"#).says(1, &["not found", "HTTP 404"]);
}

#[test]
fn what_is_shown_holds_no_secret() {
    let login = r#"{"email":"me@example.com","password":"s3cret"}"#;
    let shown = run(asin(&["call", "users.login", "--json", login, "--dry-run"]), "");
    assert_eq!(shown.lines()[0]["body"]["password"], "…", "{}", shown.err);
    let sandbox = Served::example();
    let asked = sandbox.asin(&["call", "users.login", "--json", login]);
    asked.says(2, &["me@example.com"]);
    assert!(!asked.err.contains("s3cret"), "{}", asked.err);
    let run = ["call", "runs.start", "--json", r#"{"collection_id": 101}"#];
    sandbox.asin(&run).says(2, &["`asin collections run` says first how many credits it costs"]);
}

#[test]
fn a_budget_bounds_what_a_call_may_cost() {
    let sandbox = Served::example();
    let post = |flags: &[&str]| sandbox.asin(&[&["call", "AmazonAsinTaskPost", "--json", TASK], flags].concat());
    let tasks = || sandbox.get("/_sandbox/ledger")["requests"].to_string().matches("AmazonAsinTaskPost").count();
    post(&[]).says(2, &["It costs at most 0.0015 USD.", "nothing was sent"]);
    post(&["--yes", "--budget", "0.001"]).says(5, &["it costs up to 0.0015 USD", "0.001 USD: nothing was sent"]);
    assert_eq!(tasks(), 0);
    assert_eq!(post(&["--yes", "--budget", "0.0015"]).code, Some(0));
    let run = ["call", "runs.start", "--json", r#"{"collection_id": 101}"#, "--yes", "--budget", "1"];
    sandbox.asin(&run).says(2, &["--budget: what it costs in US dollars is not known"]);
}

#[test]
fn an_argument_that_comes_twice_is_refused() {
    let sandbox = Served::example();
    let twice = LISTING.replace("}", r#","sku":"SHOES"}"#);
    let ran = sandbox.asin(&["call", "getListingsItem", "--account", "europe", "--json", &twice]);
    ran.says(2, &["--json: `sku` comes twice at line 1"]);
}
