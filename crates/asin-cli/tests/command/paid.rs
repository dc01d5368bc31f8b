//! `asin tasks`, `sellers`, `variants`, `products`, `balance`: paid once, collected later.

use crate::asin::{Ran, Served, asin, run};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

struct Shop {
    sandbox: Served,
    folder: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        Self { sandbox: Served::example(), folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A command with a ledger.
    fn asin(&self, arguments: &[&str]) -> Ran {
        self.sandbox.asin(&[arguments, &["--state", self.state().to_str().unwrap()]].concat())
    }

    fn file(&self, text: &str) -> String {
        let file = self.folder.path().join("tasks.jsonl");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn billed(&self) -> usize {
        let ledger = self.sandbox.get("/_sandbox/ledger");
        let requests = ledger["requests"].as_array().unwrap();
        requests.iter().filter(|request| request["charged_usd"].as_str().is_some_and(|usd| usd != "0")).count()
    }
}

const TASKS: &str = r#"{"sellers": {"asin": "B085RFFC9Q", "location_code": 2276, "language_code": "de_DE"}}
{"asin": {"asin": "B0756FCPPN", "location_code": 2840, "language_code": "en_US"}}
"#;

#[test]
fn who_sells_a_product_for_how_much() {
    let shop = Shop::open();
    let ask = ["sellers", "B085RFFC9Q", "-m", "DE"];
    shop.asin(&ask).says(2, &["1 paid task, at most 0.0", "USD", "without --yes"]);
    shop.asin(&[&ask[..], &["--dry-run"]].concat()).says(0, &["1 paid task,", "nothing was sent"]);
    assert_eq!(shop.billed(), 0);
    let ran = shop.asin(&[&ask[..], &["--yes"]].concat());
    ran.says(0, &["1 result", "0 throttled; 0.0", "USD spent, 0 USD reserved; "]);
    let offers = ran.lines();
    let of = |name: &str| offers.iter().find(|offer| offer["seller_name"] == name).unwrap();
    assert_eq!((&of("Nordlager")["price"], &of("Nordlager")["currency"]), (&json!("59.9"), &json!("EUR")));
    assert!(of("Warehouse Deals")["condition"].as_str().unwrap().contains("Used"), "{}", ran.out);
    assert_eq!(offers[0]["store"], "DE");
    assert_eq!(shop.billed(), 1);
    let cells = shop.asin(&[&ask[..], &["--yes", "--output", "csv"]].concat()).out;
    assert!(cells.starts_with("asin,store,price,currency,condition,seller,"), "{cells}");
    assert!(cells.contains("B085RFFC9Q,DE,59.90,EUR,"), "{cells}");
    assert!(shop.asin(&["tasks", "pending"]).out.is_empty());
}

#[test]
fn variants_come_one_a_line() {
    let shop = Shop::open();
    let ran = shop.asin(&["variants", "B085RFFC9Q", "-m", "DE", "--yes", "--output", "csv"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.out.lines().next(), Some("asin,store,parent,variant"));
    assert_eq!(ran.out.lines().count(), 4, "{}", ran.out);
    let live = shop.asin(&["variants", "B0756FCPPN", "-m", "US", "--mode", "live", "--yes"]);
    assert_eq!((live.code, live.lines().len()), (Some(0), 3), "{} {}", live.out, live.err);
}

#[test]
fn a_search_shows_products() {
    let shop = Shop::open();
    let ran = shop.asin(&["products", "runner", "-m", "US", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let asins: Vec<Value> = ran.lines().iter().map(|product| product["asin"].clone()).collect();
    assert!(asins.contains(&json!("B0756FCPPN")), "{}", ran.out);
}

#[test]
fn tasks_go_step_by_step() {
    let shop = Shop::open();
    let file = shop.file(TASKS);
    let posted = shop.asin(&["tasks", "post", &file, "--yes"]);
    posted.says(0, &["USD spent", "2 tasks pending", "asin tasks collect --state"]);
    let outcomes: Vec<Value> = posted.lines().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["created", "created"], "{}", posted.out);
    let pending = shop.asin(&["tasks", "pending"]);
    assert_eq!(pending.lines().len(), 2, "{}", pending.err);

    let collected = shop.asin(&["tasks", "collect", "--patience", "2m"]);
    collected.says(0, &["2 results"]);
    let results = collected.lines();
    let sellers = results.iter().find(|line| line["kind"] == "sellers").unwrap();
    assert_eq!((&sellers["outcome"], &sellers["subject"]), (&json!("done"), &json!("B085RFFC9Q")));
    assert!(sellers["result"]["items"].as_array().is_some_and(|items| !items.is_empty()), "{sellers}");
    assert!(shop.asin(&["tasks", "pending"]).out.is_empty());
    shop.asin(&["tasks", "collect"]).says(0, &["0 results"]);
    let id = sellers["id"].as_str().unwrap();
    let got = shop.asin(&["tasks", "get", id, "--kind", "sellers"]);
    assert_eq!(got.lines()[0]["tasks"][0]["id"], id, "{}", got.err);
    shop.asin(&["tasks", "get", id, "--kind", "colours"]).says(2, &["sellers, products"]);
}

#[test]
fn results_that_go_into_a_file_are_collected_and_leave_nothing_pending() {
    let shop = Shop::open();
    shop.asin(&["tasks", "post", &shop.file(TASKS), "--yes"]).says(0, &[]);
    let (file, state) = (shop.folder.path().join("results.jsonl"), shop.state());
    for (arguments, lines) in [
        (&["tasks", "collect"][..], 2),
        (&["sellers", "B085RFFC9Q", "-m", "DE", "--yes", "--output", "table"], 3),
        (&["variants", "B0756FCPPN", "-m", "US", "--yes"], 1),
    ] {
        let flags = ["--state", state.to_str().unwrap(), "--sandbox", &shop.sandbox.url];
        let mut command = asin(&[arguments, &flags].concat());
        let out = std::fs::File::create(&file).unwrap();
        assert!(command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null()).status().unwrap().success());
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.lines().count() >= lines, "{text}");
        assert!(shop.asin(&["tasks", "pending"]).out.is_empty());
    }
}

#[test]
fn what_nobody_reads_is_collected_again() {
    let shop = Shop::open();
    let file = shop.file(TASKS);
    assert_eq!(shop.asin(&["tasks", "post", &file, "--yes"]).code, Some(0));
    let state = shop.state();
    let collect = ["tasks", "collect", "--state", state.to_str().unwrap(), "--sandbox", &shop.sandbox.url];
    let mut collect = asin(&collect);
    let mut collect = collect.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(collect.stdout.take());
    assert_eq!(collect.wait().unwrap().code(), Some(1));
    assert_eq!(shop.asin(&["tasks", "pending"]).lines().len(), 2);
    assert_eq!(shop.asin(&["tasks", "collect"]).lines().len(), 2);
}

#[test]
fn what_is_pending_is_not_paid_for_again() {
    let shop = Shop::open();
    let file = shop.file(TASKS);
    assert_eq!(shop.asin(&["tasks", "post", &file, "--yes"]).code, Some(0));
    assert_eq!(shop.billed(), 2);
    let ran = shop.asin(&["sellers", "B085RFFC9Q", "-m", "DE"]);
    ran.says(0, &["1 result; 1 task pending", "0 USD spent"]);
    assert!(ran.out.contains("Nordlager"), "{}", ran.out);
    assert_eq!(shop.billed(), 2);
}

#[test]
fn what_may_have_been_paid_for_is_looked_up_and_not_paid_for_again() {
    let shop = Shop::open();
    let fault = json!({"method": "POST", "path": "/v3/*/task_post", "call": 1, "action": "cut_after_work"});
    shop.sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let ask = ["sellers", "B085RFFC9Q", "-m", "DE", "--yes"];
    shop.asin(&ask).says(1, &["the vendor may have acted on it"]);
    let mut tries = Vec::new();
    // The vendor's list lags.
    while tries.len() < 100 && !tries.iter().any(|ran: &Ran| ran.code == Some(0)) {
        tries.push(shop.asin(&ask));
        assert_eq!(shop.billed(), 1, "{tries:?}");
    }
    let (last, before) = tries.split_last().unwrap();
    before.iter().for_each(|ran| ran.says(1, &["B085RFFC9Q", "may have paid for it", "asin tasks write-off"]));
    assert!(last.out.contains("Nordlager"), "{tries:?}");
}

#[test]
fn a_file_that_is_posted_twice_is_paid_for_once() {
    let shop = Shop::open();
    let file = shop.file(TASKS);
    assert_eq!(shop.asin(&["tasks", "post", &file, "--yes"]).code, Some(0));
    let more = r#"{"sellers": {"asin": "B085RFFC9Q", "location_code": 2276, "language_code": "de_DE", "priority": 2}}"#;
    let ran = shop.asin(&["tasks", "post", &shop.file(&format!("{TASKS}{more}")), "--yes"]);
    ran.says(0, &["3 tasks pending"]);
    let outcomes: Vec<Value> = ran.lines().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["pending", "pending", "created"], "equal lines of one file are two tasks: {}", ran.out);
    assert_eq!(shop.billed(), 3, "three calls with one task each");
    shop.asin(&["tasks", "post", &shop.file(TASKS), "--yes", "--again"]).says(0, &["5 tasks pending"]);
}

#[test]
fn live_answers_are_written_before_the_next_is_waited_for() {
    let shop = Shop::open();
    let slow = json!({"method": "POST", "path": "*/live/advanced", "call": 2, "action": {"delay": {"ms": 600_000}}});
    shop.sandbox.send("POST", "/_sandbox/faults", &slow.to_string());
    let state = shop.state();
    let ask = ["variants", "B085RFFC9Q", "B0756FCPPN", "-m", "DE", "--mode", "live", "--yes"];
    let mut asking = asin(&[&ask[..], &["--state", state.to_str().unwrap(), "--sandbox", &shop.sandbox.url]].concat());
    let asking = asking.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut asking = asking.unwrap();
    let mut line = String::new();
    BufReader::new(asking.stdout.take().unwrap()).read_line(&mut line).unwrap();
    asking.kill().unwrap();
    asking.wait().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["asin"], "B085RFFC9Q");
    let left = shop.asin(&["tasks", "pending"]);
    assert!(left.lines().iter().all(|task| task["outcome"] != "unknown"), "the next has not ended: {}", left.out);
}

/// A vendor whose results do not fit.
fn misfits() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            for line in reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
                let (name, value) = line.split_once(": ").unwrap();
                length = if name.eq_ignore_ascii_case("content-length") { value.parse().unwrap() } else { length };
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let task = match &first {
                path if path.contains("task_post") => {
                    let posted: Value = serde_json::from_slice(&body).unwrap();
                    json!({"id": "the-id", "status_code": 20100, "cost": 0.001, "data": posted[0]})
                }
                path if path.contains("task_get") => {
                    json!({"id": "the-id", "status_code": 20000, "result": [{"items": "none"}]})
                }
                _ => json!({"id": "another", "status_code": 20000, "result": []}),
            };
            let answer = json!({"status_code": 20000, "tasks": [task]}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", answer.len());
            write!(connection, "{head}\r\nContent-Type: application/json\r\n\r\n{answer}").unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn what_cannot_be_read_is_told_and_stays_to_be_collected() {
    let (vendor, folder) = (misfits(), tempfile::tempdir().unwrap());
    let ask = |arguments: &[&str]| {
        let mut command = asin(&[arguments, &["--state", folder.path().to_str().unwrap()]].concat());
        let known = [("DATAFORSEO_LOGIN", "me"), ("DATAFORSEO_PASSWORD", "secret"), ("DATAFORSEO_BASE_URL", &vendor)];
        command.envs(known).current_dir(folder.path());
        run(command, "")
    };
    let told = ["B085RFFC9Q: the result of asin-", "id the-id cannot be read", "1 task pending"];
    let sellers = ask(&["sellers", "B085RFFC9Q", "-m", "DE", "--yes"]);
    sellers.says(1, &told);
    let collected = ask(&["tasks", "collect"]);
    collected.says(1, &told);
    assert_eq!(collected.lines()[0]["outcome"], "unreadable");
    assert_eq!(ask(&["tasks", "pending"]).lines().len(), 1);
}

#[test]
fn a_budget_is_kept() {
    let shop = Shop::open();
    let file = shop.file(TASKS);
    let ran = shop.asin(&["tasks", "post", &file, "--yes", "--budget", "0.0001"]);
    ran.says(5, &["over budget", "0 USD spent"]);
    assert_eq!((ran.lines()[0]["outcome"].clone(), shop.billed()), (json!("over_budget"), 0));
}

#[test]
fn an_answer_that_is_lost_is_written_off_only_by_who_knows_what_that_means() {
    // The vendor's list does not have it yet.
    let shop = Shop { sandbox: Served::slow(), ..Shop::open() };
    let fault = json!({"method": "POST", "path": "/v3/*/task_post", "call": 1, "action": "cut_after_work"});
    shop.sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let file = shop.file(TASKS.lines().next().unwrap());
    let lost = shop.asin(&["tasks", "post", &file, "--yes"]);
    lost.says(1, &["the vendor may have acted on it", "perhaps 0.0", "asin tasks reconcile"]);
    let tag = lost.lines()[0]["tag"].as_str().unwrap().to_owned();
    shop.asin(&["tasks", "post", &file, "--again"]).says(2, &["nothing was sent"]);
    let forsake = |tag: &str, what: &str, flags: &[&str]| {
        shop.asin(&[&["tasks", "write-off", tag, "--as", what, "--reason", "nobody knows"], flags].concat())
    };
    forsake(&tag, "not-made", &[]).says(2, &[&tag, "paid for in vain", "nothing was sent"]);
    forsake("asin-other", "lost", &["--yes"]).says(2, &["no task without an answer"]);
    shop.asin(&["tasks", "write-off", &tag, "--yes"]).says(2, &["--as", "--reason"]);
    assert_eq!(shop.billed(), 1);
}

#[test]
fn an_answer_that_is_lost_is_found_in_the_vendors_list() {
    let shop = Shop::open();
    let fault = json!({"method": "POST", "path": "/v3/*/task_post", "call": 1, "action": "cut_after_work"});
    shop.sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let lost = shop.asin(&["tasks", "post", &shop.file(TASKS.lines().next().unwrap()), "--yes"]);
    let tag = lost.lines()[0]["tag"].as_str().unwrap().to_owned();
    // The list lags.
    let found = (0..100).map(|_| shop.asin(&["tasks", "reconcile"])).find(|ran| ran.out.contains("created"));
    assert!(found.is_some_and(|ran| ran.lines()[0]["tag"] == tag.as_str()));
    assert_eq!(shop.billed(), 1);
}

#[test]
fn a_task_that_nobody_knows_of_is_given_up() {
    let shop = Shop { sandbox: Served::fast(), ..Shop::open() };
    let fault = json!({"method": "POST", "path": "/v3/*/task_post", "call": 1, "action": "cut_before_work"});
    shop.sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let file = shop.file(TASKS.lines().next().unwrap());
    let lost = shop.asin(&["tasks", "post", &file, "--yes"]);
    let tag = lost.lines()[0]["tag"].as_str().unwrap().to_owned();
    let forsake = || shop.asin(&["tasks", "write-off", &tag, "--as", "not-made", "--reason", "nobody knows", "--yes"]);
    let given_up = (0..1000).map(|_| forsake()).find(|ran| ran.code == Some(0));
    assert!(given_up.is_some());
    assert!(shop.asin(&["tasks", "pending"]).out.is_empty());
}

#[test]
fn lines_that_are_no_tasks_are_told() {
    let shop = Shop::open();
    let file = shop.file("{\"sellers\": {\"asin\": \"B0\"}}\n\n{\"lamps\": {}}\n");
    shop.asin(&["tasks", "post", &file, "--yes"]).says(2, &["line 1", "line 3", "lamps"]);
    shop.asin(&["tasks", "post", &shop.file(""), "--yes"]).says(2, &["no tasks"]);
    assert!(!Path::new(&shop.state()).exists());
}

#[test]
fn the_balance_is_told() {
    let shop = Shop::open();
    let ran = shop.sandbox.asin(&["balance"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.lines()[0]["balance_usd"].is_string() || ran.lines()[0]["balance_usd"].is_number(), "{}", ran.out);
    let ready = shop.asin(&["tasks", "ready"]);
    // Other programs of the account have results there, too.
    assert!(ready.lines().iter().any(|task| task["tag"] == "another-program/600"), "{} {}", ready.out, ready.err);
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_what_is_pending_and_how_to_go_on() {
    use std::process::Command;
    let market = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/market.json");
    let sandbox = Served::start(&["--market", market, "--no-limits", "--speed", "1"]);
    let shop = Shop { sandbox, folder: tempfile::tempdir().unwrap() };
    let state = shop.state();
    let (url, state) = (shop.sandbox.url.as_str(), state.to_str().unwrap());
    let mut asking = asin(&["sellers", "B085RFFC9Q", "-m", "DE", "--yes", "--state", state, "--sandbox", url]);
    let asking = asking.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ledger = || std::fs::read_dir(state).into_iter().flatten().flatten().map(|entry| entry.path());
    let created = || ledger().any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains("created")));
    while !created() {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &asking.id().to_string()]).status().unwrap().success());
    let stopped = asking.wait_with_output().unwrap();
    let told = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(1), "{told}");
    for part in ["stopped", "1 task pending", "asin tasks collect --state"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(shop.asin(&["tasks", "pending"]).lines().len(), 1);
}
