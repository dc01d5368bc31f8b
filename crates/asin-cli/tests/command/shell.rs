//! What shells, `man` and people who look closely are told: completions, manual pages, `-v`, recordings.

use crate::asin::{Served, asin, run};
use serde_json::json;

#[test]
fn shells_and_man_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run(asin(&["completions", shell]), "");
        assert_eq!(ran.code, Some(0), "{shell}: {}", ran.err);
        assert!(["listing", "reconcile", "marketplace"].iter().all(|word| ran.out.contains(word)), "{shell}");
    }
    assert_eq!(run(asin(&["completions", "tcsh"]), "").code, Some(2));
    let page = run(asin(&["man"]), "");
    assert!(page.out.contains(".TH asin") && page.out.contains("sync"), "{}", page.out);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(asin(&["man", "--to", folder.path().to_str().unwrap()]), "").code, Some(0));
    assert!(folder.path().join("asin-listing-price.1").is_file());
}

#[test]
fn each_attempt_is_told_with_its_wait_and_why() {
    let sandbox = Served::example();
    let fault =
        json!({"method": "GET", "path": "/v3/appendix/*", "call": 1, "action": {"html_error": {"status": 502}}});
    sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let ran = sandbox.asin(&["-v", "call", "UserData"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines[0], "UserData: attempt 1: GET /v3/appendix/user_data");
    assert_eq!(lines[1], "UserData: HTTP 502");
    assert!(lines[2].starts_with("UserData: vendor unavailable; sent again in "), "{}", lines[2]);
    assert_eq!(lines[3..], ["UserData: attempt 2: GET /v3/appendix/user_data", "UserData: HTTP 200"]);
    assert_eq!(sandbox.asin(&["call", "UserData"]).err, "");
}

#[test]
fn what_was_recorded_is_replayed_without_anybody_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let file = file.to_str().unwrap();
    let sandbox = Served::example();
    let get = ["listing", "get", "YNG-WTR-3", "-m", "TR", "--account", "europe"];
    let recorded = sandbox.asin(&[&get[..], &["--record", file]].concat());
    assert_eq!(recorded.code, Some(0), "{}", recorded.err);
    for flags in [["call", "UserData"], ["call", "users.credits"]] {
        assert_eq!(sandbox.asin(&[&flags[..], &["--record", file]].concat()).code, Some(0));
    }
    let text = std::fs::read_to_string(file).unwrap();
    for (name, secret) in &sandbox.environment {
        let is_secret = ["PASSWORD", "KEY", "SECRET", "TOKEN"].iter().any(|word| name.contains(word));
        assert!(!is_secret || !text.contains(secret.as_str()), "{name}");
    }
    let url = sandbox.url.clone();
    drop(sandbox);
    let replayed = run(asin(&[&get[..], &["--sandbox", &url, "--replay", file]].concat()), "");
    assert_eq!((replayed.code, &replayed.out), (Some(0), &recorded.out), "{}", replayed.err);
    let other = run(
        asin(&["listing", "get", "SHOES", "-m", "TR", "--account", "europe", "--sandbox", &url, "--replay", file]),
        "",
    );
    other.says(2, &["the recording has no answer left"]);
    let bare = run(asin(&["call", "UserData", "--replay", file]), "");
    assert_eq!(bare.code, Some(0), "no credentials are needed: {}", bare.err);
    run(asin(&["sellers", "B085RFFC9Q", "-m", "DE", "--yes", "--replay", file]), "").says(2, &["is not replayed"]);
    run(asin(&["call", "UserData", "--replay", "no/such.jsonl"]), "").says(2, &["no/such.jsonl"]);
}

#[test]
fn what_takes_long_says_in_the_end_what_it_took() {
    let sandbox = Served::example();
    let fault = json!({"method": "GET", "path": "*/listings/*", "call": 1, "action": "too_many_requests"});
    sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let ran = sandbox.asin(&["listing", "get", "YNG-WTR-3", "-m", "TR", "--account", "europe"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let line = ran.err.lines().last().unwrap();
    assert!(line.starts_with("asin: 2 calls, 3 attempts, 1 throttled; ") && line.ends_with(" s"), "{}", ran.err);
    assert_eq!(ran.lines().len(), 1, "standard output holds nothing but the rows: {}", ran.out);
}
