//! Ctrl-C and SIGTERM: every command says what it may have done and how to go on, and ends at once when asked twice.

use crate::asin::{Served, asin};
use crate::sync::Shop;
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/catalogue.csv");

/// A command whose call hangs, once it is under way.
struct Hung {
    child: Child,
}

impl Hung {
    /// Runs it on a sandbox that holds the answers of this route back.
    fn on(sandbox: &Served, method: &str, path: &str, arguments: &[&str]) -> Self {
        let fault = json!({"method": method, "path": path, "action": {"delay": {"ms": 600_000}}});
        sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
        let served = format!("--sandbox={}", sandbox.url);
        let mut command = asin(&[arguments, &["-v", &served]].concat());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child }
    }

    /// Waits until it says this, sends these signals one after the other, and gives what it says in the end.
    fn stop(mut self, once: &str, signals: &[&str]) -> (Option<i32>, String) {
        let mut lines = BufReader::new(self.child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.by_ref().any(|line| line.contains(once)), "it never says {once}");
        for signal in signals {
            let id = self.child.id().to_string();
            assert!(Command::new("kill").args([*signal, &id]).status().unwrap().success());
        }
        let told = lines.collect::<Vec<_>>().join("\n");
        (self.child.wait().unwrap().code(), told)
    }
}

#[test]
fn what_only_reads_says_that_nothing_was_done() {
    let sandbox = Served::example();
    for (method, path, once, arguments) in [
        ("GET", "/v3/appendix/user_data", "UserData: attempt 1", &["balance"][..]),
        (
            "GET",
            "*/listings/*",
            "getListingsItem: attempt 1",
            &["listing", "get", "S", "-m", "DE", "--account", "europe"],
        ),
        ("GET", "/v3/merchant/tasks_ready", "attempt 1", &["tasks", "ready"]),
        ("POST", "*/users/credits/", "users.credits: attempt 1", &["collections", "run", "101", "--yes"]),
        ("GET", "*/listings/*", "getListingsItem: attempt 1", &["sync", CATALOGUE, "--dry-run"]),
    ] {
        for signal in ["-INT", "-TERM"] {
            let (code, told) = Hung::on(&sandbox, method, path, arguments).stop(once, &[signal]);
            assert_eq!(code, Some(1), "{arguments:?}: {told}");
            assert!(told.contains("stopped: nothing was sent that costs or changes anything"), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn what_may_have_changed_something_says_how_to_find_out() {
    let (sandbox, folder) = (Served::example(), tempfile::tempdir().unwrap());
    let stopped = "stopped; what was under way may have been done: ";
    for (method, path, once, arguments, go_on) in [
        (
            "POST",
            "*/add_schedule/",
            "collections.create: attempt 1",
            &["collections", "create", "new", "--email", "me@example.com", "--yes"][..],
            "MultiCart's web pages",
        ),
        (
            "POST",
            "*/create-zipcode/",
            "zipcodes.create: attempt 1",
            &["postcodes", "add", "4999", "-m", "AU", "--yes"],
            "`asin postcodes list --marketplace AU`",
        ),
        (
            "POST",
            "*/create-zipcode/",
            "zipcodes.create: attempt 1",
            &["call", "zipcodes.create", "--json", r#"{"zipcode":"4999","domain":2}"#, "--yes"],
            "before it is sent again",
        ),
        (
            "DELETE",
            "*/listings/*",
            "deleteListingsItem: attempt 1",
            &["listing", "delete", "SHOES", "-m", "TR", "--account", "europe", "--yes"],
            "1 of 1 were sent; the same command looks which are still there, and deletes those",
        ),
        (
            "POST",
            "*/sellers/task_post",
            "AmazonSellersTaskPost: attempt 1",
            &["sync", CATALOGUE, "--yes", "--state", folder.path().to_str().unwrap()],
            "the same command goes on from what is on disk",
        ),
        (
            "PATCH",
            "*/listings/*",
            "patchListingsItem: attempt 1",
            &["sync", CATALOGUE, "--yes", "--state", folder.path().join("2").to_str().unwrap()],
            "the same command goes on from what is on disk",
        ),
        (
            "POST",
            "*/run/result/",
            "runs.start: attempt 1",
            &["collections", "run", "101", "--yes"],
            "`asin outputs list 101` shows",
        ),
    ] {
        let (code, told) = Hung::on(&sandbox, method, path, arguments).stop(once, &["-INT"]);
        assert_eq!(code, Some(1), "{arguments:?}: {told}");
        assert!(told.contains(stopped) && told.contains(go_on), "{arguments:?}: {told}");
    }
}

#[test]
fn what_was_sent_is_told_row_by_row() {
    let shop = Shop::open();
    let sandbox = shop.serve();
    // The first is the preview of the price, the second one sends it.
    let fault = json!({"method": "PATCH", "path": "*/listings/*", "call": 2, "action": {"delay": {"ms": 600_000}}});
    sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let state = shop.file("state");
    let place = [format!("--sandbox={}", sandbox.url), format!("--state={}", state.display())];
    let mut command = shop.sync(&["--yes", &place[0], &place[1]]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let audited = || {
        let files = std::fs::read_dir(&state).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut logs = files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("audit-"));
        logs.any(|log| std::fs::read_to_string(log).is_ok_and(|text| text.contains("sending")))
    };
    while !audited() {
        std::thread::yield_now();
    }
    let mut hung = Hung { child };
    let told = {
        let id = hung.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let lines = BufReader::new(hung.child.stderr.take().unwrap()).lines().map(Result::unwrap);
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(hung.child.wait().unwrap().code(), Some(1), "{told}");
    for part in ["sent or about to be:\n", "LAMP ö/1", "10.00 EUR → 9.00 EUR", "1 write to listings", "`asin undo "]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn the_rows_of_what_was_sent_are_written_when_the_rest_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.csv");
    std::fs::write(&file, "sku,price\nYNG-WTR-3,75.50\nSHOES,890.90\n").unwrap();
    let prices = ["listing", "price", "--file", file.to_str().unwrap(), "-m", "TR", "--account", "europe", "--yes"];
    for (format, sent, open) in [
        ("json", r#""new":"75.50","currency":"TRY","outcome":"submitted""#, r#""sku":"SHOES""#),
        ("csv", "YNG-WTR-3,TR,79.90,75.50,TRY,submitted,", "SHOES,TR,"),
        ("table", "YNG-WTR-3", "SHOES"),
    ] {
        let sandbox = Served::example();
        // Two previews, the price that is sent, and the one whose answer does not come.
        let fault = json!({"method": "PATCH", "path": "*/listings/*", "call": 4, "action": {"delay": {"ms": 600_000}}});
        sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
        let place = ["-v", "--output", format, "--sandbox", &sandbox.url];
        let mut command = asin(&[&prices[..], &place].concat());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut hung = Hung { child };
        let mut lines = BufReader::new(hung.child.stderr.take().unwrap()).lines().map(Result::unwrap);
        for _ in 0..4 {
            assert!(lines.by_ref().any(|line| line.contains("patchListingsItem: attempt 1")));
        }
        let id = hung.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let told = lines.collect::<Vec<_>>().join("\n");
        let mut out = String::new();
        hung.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(hung.child.wait().unwrap().code(), Some(1), "{told}");
        assert!(told.contains("2 of 2 were sent; `asin listing get` shows"), "{told}");
        let lines: Vec<&str> = out.lines().filter(|line| line.contains(sent) || line.contains(open)).collect();
        assert!(lines.len() == 2 && lines[0].contains("submitted") && lines[1].contains("unknown"), "{format}: {out}");
    }
}
