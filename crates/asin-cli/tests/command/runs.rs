//! `asin run`: filled piece by piece, paid for once, gone on with, read out once.

use crate::asin::{Ran, Served, asin, run};
use crate::server::Server;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

struct Shop {
    sandbox: Served,
    folder: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        Self { sandbox: Served::example(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of so many ASINs.
    fn asins(&self, count: u32) -> String {
        let file = self.path("spring.txt");
        let lines: String = (0..count).map(|number| format!("B{number:09}\n")).collect();
        std::fs::write(&file, format!("\u{feff}# spring\n\n{lines}")).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let database = self.path("runs.db");
        let all = [&["run"], arguments, &["--database", database.to_str().unwrap()]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let arguments = self.arguments(arguments);
        self.sandbox.asin(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// How often each tag was charged.
    fn charges(&self) -> Vec<u64> {
        let ledger = self.sandbox.get("/_sandbox/ledger");
        let charges = ledger["charges"].as_object().unwrap();
        charges.values().map(|charge| charge["times"].as_u64().unwrap()).collect()
    }

    fn status(&self) -> Value {
        self.run(&["status", "spring"]).lines()[0].clone()
    }
}

#[test]
fn a_run_says_what_it_costs_and_writes_each_result_once() {
    let shop = Shop::open();
    let file = shop.asins(130);
    let start = ["start", &file, "-m", "US", "--budget", "1"];
    let with = |flags: &[&str]| shop.run(&[&start[..], flags].concat());
    with(&["--dry-run"])
        .says(0, &["run `spring`: 130 paid tasks, at most 0.13 USD, of a budget of 1 USD", "nothing was"]);
    assert!(!shop.path("runs.db").exists(), "nothing is stored");
    shop.run(&["list"]).says(2, &["there is no such file"]);
    with(&[]).says(2, &["at most 0.13 USD", "without --yes"]);
    assert!(shop.charges().is_empty());
    let ran = with(&["--yes"]);
    ran.says(0, &["130 done of 130; 0.13 of 1 USD", "asin run results spring --database", "0 throttled; 0.13"]);
    assert_eq!(shop.charges(), vec![1; 130]);
    // Once more there is nothing to do, and nothing is paid for.
    with(&["--yes"]).says(0, &["So far: 130 done", "130 done of 130"]);
    assert_eq!(shop.charges().len(), 130);

    let results = shop.run(&["results", "spring"]);
    let numbers: Vec<u64> = results.lines().iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..130).collect::<Vec<_>>(), "{}", results.err);
    let first = &results.lines()[0];
    assert_eq!((&first["kind"], &first["subject"]), (&json!("sellers"), &json!("B000000000")));
    let rows = shop.run(&["results", "spring", "--output", "csv", "--after", "126"]).out;
    assert!(rows.starts_with("number,kind,subject,outcome,said,id,result\n127,sellers,B000000127,"), "{rows}");
    assert_eq!(rows.lines().count(), 4);
    let status = shop.status();
    assert_eq!((&status["done"], &status["expected_usd"]), (&json!(130), &json!("0.13")), "{status}");
    assert_eq!(shop.run(&["list"]).lines()[0], status);
    shop.run(&["status", "autumn"]).says(2, &["no run `autumn`", "there is: spring"]);
}

#[test]
fn a_file_that_is_wrong_or_another_pays_for_nothing() {
    let shop = Shop::open();
    let unasked = |input: &str, flags: &[&str]| {
        let arguments = shop.arguments(&[&["start", "-", "--budget", "1"], flags].concat());
        shop.sandbox.asin_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), input)
    };
    let start = |input: &str, flags: &[&str]| unasked(input, &[flags, &["--yes"]].concat());
    start("B000000001\n", &["-m", "US"]).says(2, &["--name"]);
    start("B000000001\nB0\n", &["-m", "US", "--name", "a"]).says(2, &["standard input: line 2: `B0`"]);
    start("B000000001\n", &["--name", "a"]).says(2, &["line 1: no task", "--marketplace"]);
    start(&"x".repeat(2 << 20), &["-m", "US", "--name", "a"]).says(2, &["line 1: it is longer than"]);
    start("\n# none\n", &["-m", "US", "--name", "a"]).says(2, &["standard input: no tasks"]);
    start("B000000001\n", &["-m", "US", "--name", "b", "--mode", "live"]).says(2, &["standard or priority"]);
    assert!(shop.charges().is_empty());
    let task = r#"{"asin": {"asin": "B0756FCPPN", "location_code": 2840, "language_code": "en_US"}}"#;
    start(task, &["--name", "b", "--mode", "priority"]).says(0, &["1 done of 1; 0.003 of 1 USD"]);
    start("B000000001\n", &["--name", "b", "-m", "US"])
        .says(2, &["task number 1 of the run that is there is another one", "another --name"]);
    // More of it is posted by nobody before somebody agrees to it.
    let more = format!("{task}\n{task}");
    unasked(&more, &["--name", "b", "--mode", "priority"]).says(2, &["has become larger", "without --yes"]);
    shop.run(&["resume", "b", "--yes"]).says(1, &["1 done, 1 waiting of 2; 0.003 of 1 USD; 1 not agreed to yet"]);
    assert_eq!(shop.charges().len(), 1);
    start(&more, &["--name", "b", "--mode", "priority"]).says(0, &["2 done of 2"]);
    start(task, &["--name", "b", "--mode", "priority"]).says(2, &["has 2 tasks and not 1"]);
}

#[test]
fn a_budget_and_a_cancellation_hold_and_are_said() {
    let shop = Shop::open();
    let file = shop.asins(130);
    let ran = shop.run(&["start", &file, "-m", "US", "--budget", "0.11", "--yes"]);
    ran.says(5, &["only as many are posted", "the run's budget does not allow more", "--budget USD` raises it"]);
    let paid = shop.charges().len();
    assert!(paid <= 110 && shop.status()["done"] == json!(paid), "{paid}: {}", shop.status());
    // By what the others cost, and as much as the budget has.
    let usd = |tasks: usize| tasks as f64 / 1000.0;
    let most = format!("may cost about {} USD more, {} USD at most", usd(130 - paid), usd(1000 - paid));
    shop.run(&["resume", "spring", "--budget", "1"]).says(2, &[&most, "without --yes"]);
    shop.run(&["resume", "spring", "--budget", "1", "--deadline", "0s", "--yes"]).says(1, &["its deadline has passed"]);
    shop.run(&["cancel", "spring"]).says(2, &["of 130; ", "without --yes"]);
    shop.run(&["cancel", "spring", "--yes"]).says(0, &[]);
    assert_eq!(shop.status()["cancelled"], true);
    shop.run(&["status", "spring", "--follow"]).says(0, &[]);
    shop.run(&["resume", "spring", "--deadline", "1h", "--yes"]).says(1, &["; cancelled"]);
    shop.run(&["start", &file, "-m", "US", "--budget", "1", "--yes"]).says(2, &["was cancelled", "another --name"]);
    assert_eq!(shop.charges().len(), paid);
}

#[cfg(unix)]
#[test]
fn k11_a_run_that_is_stopped_says_what_is_pending_and_is_gone_on_with() {
    let shop = Shop::open();
    let file = shop.asins(130);
    let slow = json!({"method": "POST", "path": "*/sellers/task_post", "call": 2, "action": {"delay": {"ms": 500}}});
    shop.sandbox.send("POST", "/_sandbox/faults", &slow.to_string());
    let mut arguments = shop.arguments(&["start", &file, "-m", "US", "--budget", "1", "--yes", "-v"]);
    arguments.extend(["--sandbox".to_owned(), shop.sandbox.url.clone()]);
    let mut command = asin(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line.contains("TaskPost: attempt 1")));
    // Others look meanwhile; nobody else works.
    let meanwhile = shop.status();
    assert_eq!(meanwhile["tasks"], 130);
    shop.run(&["resume", "spring", "--yes"]).says(2, &["another process has it open", "stop that one"]);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let told = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(1), "{told}");
    let (file, url) = (shop.path("runs.db"), &shop.sandbox.url);
    let go_on = format!("`asin run resume spring --database {} --sandbox {url}", file.display());
    assert!(told.contains("what is being sent is waited for") && told.contains(&go_on), "{told}");
    assert!(!told.contains("without an answer"), "{told}");
    let resumed = shop.run(&["resume", "spring", "--yes"]);
    resumed.says(0, &["130 done of 130"]);
    assert_eq!(shop.charges(), vec![1; 130]);
    let results = shop.run(&["results", "spring"]).lines();
    let numbers: BTreeSet<u64> = results.iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!((numbers.len(), results.len()), (130, 130));
}

#[test]
fn what_stands_twice_is_told_before_it_is_paid_for() {
    let shop = Shop::open();
    let file = shop.path("spring.txt");
    std::fs::write(&file, "B085RFFC9Q\nB07G82D89J\nB085RFFC9Q\nB085RFFC9Q\n").unwrap();
    let start = ["start", file.to_str().unwrap(), "-m", "DE", "--budget", "1"];
    shop.run(&start).says(2, &["4 paid tasks", "Tasks that ask for just what another one does: 2."]);
    assert!(shop.charges().is_empty());
    shop.run(&[&start[..], &["--yes"]].concat()).says(0, &["4 done of 4"]);
    assert_eq!(shop.charges(), [1; 4]);
}

#[test]
fn tasks_of_which_nobody_knows_are_given_up_and_posted_again() {
    let shop = Shop { sandbox: Served::fast(), ..Shop::open() };
    let file = shop.asins(3);
    let cut = json!({"method": "POST", "path": "/v3/*/task_post", "call": 1, "action": "cut_before_work"});
    shop.sandbox.send("POST", "/_sandbox/faults", &cut.to_string());
    let lost = shop.run(&["start", &file, "-m", "US", "--budget", "1", "--patience", "1s", "--yes"]);
    lost.says(1, &["3 without an answer of 3", "asin run write-off spring --database"]);
    let forsake = |flags: &[&str]| {
        shop.run(&[&["write-off", "spring", "--as", "not-made", "--reason", "not in the list"], flags].concat())
    };
    forsake(&[]).says(2, &["B000000002", "paid for in vain", "nothing was sent"]);
    assert_eq!(shop.status()["unknown"], 3);
    // What nobody could look up is not taken for not made: it may have been.
    let unlisted = json!({"method": "POST", "path": "/v3/merchant/id_list", "action": {"code": {"code": 40100}}});
    shop.sandbox.send("POST", "/_sandbox/faults", &unlisted.to_string());
    forsake(&["--yes"]).says(3, &["nothing is taken for not made"]);
    assert_eq!(shop.status()["unknown"], 3);
    shop.sandbox.send("DELETE", "/_sandbox/faults", "");
    // Nor is it before the vendor's list must show it.
    let given_up = (0..1000).map(|_| forsake(&["--yes"])).find(|ran| ran.code == Some(0));
    given_up.unwrap().says(0, &[]);
    assert_eq!(shop.status()["waiting"], 3);
    forsake(&["--yes"]).says(0, &["every task that was posted has an answer"]);
    shop.run(&["resume", "spring", "--yes"]).says(0, &["3 done of 3"]);
    assert_eq!(shop.charges(), [1; 3]);
}

/// Several processes on one PostgreSQL: one posts, another takes in what the vendor sends.
#[cfg(unix)]
#[test]
fn results_that_are_posted_are_stored_in_the_run_by_another_process() {
    let Some(server) = Server::start() else { return };
    let (sandbox, url) = (Served::example(), server.url());
    let token = "0123456789abcdef0123456789abcdef0123456789abcdef";
    let command = |arguments: &[&str]| {
        let mut command = asin(&[arguments, &["--database", &url, "--sandbox", &sandbox.url]].concat());
        command.env("ASIN_WEBHOOK_TOKEN", token);
        command
    };
    let twice = json!({"method": "POSTBACK", "path": "*", "call": 1, "action": "deliver_twice"});
    sandbox.send("POST", "/_sandbox/faults", &twice.to_string());
    let mut receive = command(&["receive", "--listen", "127.0.0.1:0", "--resend"]);
    let mut receiver = receive.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(receiver.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.by_ref().take(2).collect();
    assert!(told[0].contains("`asin run start FILE --postback http"), "{told:?}");
    let address = told[1].strip_prefix("asin: listening on ").unwrap().split(',').next().unwrap().to_owned();

    let asins: String = (0..130).map(|number| format!("B{number:09}\n")).collect();
    let public = format!("http://{address}");
    let start = ["run", "start", "-", "--name", "posted", "-m", "US", "--budget", "1", "--postback", &public, "--yes"];
    run(command(&start), &asins).says(0, &["130 done of 130; 0.13 of 1 USD"]);
    let results = run(command(&["run", "results", "posted"]), "");
    let numbers: Vec<u64> = results.lines().iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..130).collect::<Vec<_>>(), "{}", results.err);
    assert!(Command::new("kill").args(["-INT", &receiver.id().to_string()]).status().unwrap().success());
    let told = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(receiver.wait().unwrap().code(), Some(0), "{told}");
    let last = told.lines().find(|line| line.contains("results written")).unwrap();
    let written: u64 = last.split(' ').nth(1).unwrap().parse().unwrap();
    // The worker asks for results, too: who is first depends on the machine.
    assert!((1..=130).contains(&written) && !last.contains("pending"), "{last}");
    let ledger = sandbox.get("/_sandbox/ledger");
    assert!(ledger["charges"].as_object().unwrap().values().all(|charge| charge["times"] == 1));
    // In the address is a secret of this run, from which no other's can be made.
    for delivery in ledger["deliveries"].as_array().unwrap() {
        let to = delivery["url"].as_str().unwrap();
        let secret = to.strip_prefix(&format!("{public}/1-")).unwrap().split_once("/postback?").unwrap().0;
        assert!(secret.len() == 64 && !to.contains(token), "{to}");
    }
}
