//! `asin receive`: results that are posted, each written once.

use crate::asin::{Ran, Served, asin};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

const TASKS: &str = r#"{"sellers": {"asin": "B085RFFC9Q", "location_code": 2276, "language_code": "de_DE", "priority": 2}}
{"asin": {"asin": "B0756FCPPN", "location_code": 2840, "language_code": "en_US", "priority": 2}}
"#;

struct Shop {
    sandbox: Served,
    folder: tempfile::TempDir,
}

/// A receiver that listens, and what it has said.
struct Listening {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: String,
    address: String,
}

impl Shop {
    fn open() -> Self {
        Self { sandbox: Served::example(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn asin(&self, arguments: &[&str]) -> Ran {
        self.sandbox.asin(&[arguments, &["--state", self.path("state").to_str().unwrap()]].concat())
    }

    fn post(&self, postback: &str) {
        std::fs::write(self.path("tasks.jsonl"), TASKS).unwrap();
        let file = self.path("tasks.jsonl");
        let posted = self.asin(&["tasks", "post", file.to_str().unwrap(), "--postback", postback, "--yes"]);
        posted.says(0, &["2 tasks pending"]);
    }

    fn receive(&self, arguments: &[&str]) -> Listening {
        self.receive_to(Stdio::null(), arguments)
    }

    fn receive_to(&self, out: Stdio, arguments: &[&str]) -> Listening {
        let state = self.path("state");
        let flags = ["--state", state.to_str().unwrap(), "--sandbox", &self.sandbox.url];
        let mut command = asin(&[&["receive"], arguments, &flags].concat());
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut said, mut address) = (String::new(), None);
        while address.is_none() {
            let line = lines.next().expect("it listens").unwrap();
            let here = line.strip_prefix("asin: listening on ").and_then(|rest| rest.split(',').next());
            address = here.map(str::to_owned);
            said += &(line + "\n");
        }
        Listening { child, lines, said, address: address.unwrap() }
    }
}

impl Listening {
    fn signal(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    fn stop(mut self) -> (Option<i32>, String) {
        self.signal();
        let said = self.lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
        (self.child.wait().unwrap().code(), said)
    }
}

fn results(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn wait_for(count: usize, file: &Path) -> Vec<Value> {
    while results(file).len() < count {
        std::thread::yield_now();
    }
    results(file)
}

#[test]
fn a_result_that_comes_twice_is_written_once() {
    let shop = Shop::open();
    let out = shop.path("results.jsonl");
    // A crash in the middle of a line: it was not acknowledged.
    std::fs::write(&out, "{\"tag\":\"asin-").unwrap();
    let twice = json!({"method": "POSTBACK", "path": "*", "action": "deliver_twice"});
    shop.sandbox.send("POST", "/_sandbox/faults", &twice.to_string());
    let receive = ["--listen", "127.0.0.1:0", "--out", out.to_str().unwrap()];
    let receiver = shop.receive(&receive);
    let token = std::fs::read_to_string(shop.path("state/webhook-token")).unwrap();
    let said = &receiver.said;
    assert!(said.contains("webhook-token") && !said.contains(token.trim()), "it may go into a log: {said}");
    shop.post(&format!("http://{}", receiver.address));
    let written = wait_for(2, &out);
    let mut got: Vec<_> = written.iter().map(|line| (line["outcome"].as_str(), line["subject"].as_str())).collect();
    got.sort_unstable();
    assert_eq!(got, [(Some("done"), Some("B0756FCPPN")), (Some("done"), Some("B085RFFC9Q"))]);

    let mut stranger = TcpStream::connect(&receiver.address).unwrap();
    stranger
        .write_all(b"POST /secret/postback HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stranger.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    let deliveries = || shop.sandbox.get("/_sandbox/ledger")["deliveries"].as_array().unwrap().len();
    while deliveries() < 4 {
        std::thread::yield_now();
    }
    let (code, said) = receiver.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 results written; 2 came again; 1 without the secret"), "{said}");
    assert!(shop.asin(&["tasks", "pending"]).out.is_empty());
    let (code, said) = shop.receive(&receive).stop();
    assert_eq!((code, results(&out).len()), (Some(0), 2), "{said}");
}

#[test]
fn a_file_that_others_wrote_keeps_what_is_in_it() {
    let shop = Shop::open();
    let out = shop.path("results.jsonl");
    let receive = ["receive", "--listen", "127.0.0.1:0", "--out", out.to_str().unwrap()];
    for (text, line) in [("{\"a\":1}", 1), ("{\"tag\":\"asin-1\"}\nnotes", 2), ("{\"tag\":\"\"}", 1), ("\n\n[]", 3)] {
        std::fs::write(&out, text).unwrap();
        let says = format!("line {line} is no result");
        shop.asin(&receive).says(2, &["results.jsonl", &says]);
        assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
    }
    // An editor took the end of the last line away: it is a result all the same.
    std::fs::write(&out, "{\"tag\":\"asin-1\"}\n{\"tag\":\"asin-2\"}").unwrap();
    let receiver = shop.receive(&receive[1..]);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "{\"tag\":\"asin-1\"}\n{\"tag\":\"asin-2\"}\n");
    shop.asin(&receive).says(2, &["results.jsonl", "another `asin receive` is writing into it"]);
    assert_eq!(receiver.stop().0, Some(0));
    shop.receive(&receive[1..]).stop();
    assert_eq!(results(&out).len(), 2);
}

#[test]
fn what_was_missed_is_sent_again() {
    let shop = Shop::open();
    let out = shop.path("results.jsonl");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    shop.post(&format!("http://{free}"));
    let missed = || shop.sandbox.get("/_sandbox/ledger")["deliveries"].as_array().unwrap().len();
    while missed() < 2 {
        std::thread::yield_now();
    }
    let receiver = shop.receive(&["--listen", &free, "--out", out.to_str().unwrap(), "--resend"]);
    assert!(receiver.said.contains("2 results expected"), "{}", receiver.said);
    assert!(!receiver.said.contains("secret"), "it was made before: {}", receiver.said);
    let tags: Vec<Value> = wait_for(2, &out).iter().map(|line| line["tag"].clone()).collect();
    assert_ne!(tags[0], tags[1]);
    let (code, said) = receiver.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 results asked for once more") && said.contains("2 results written"), "{said}");
}

#[test]
fn the_second_signal_ends_what_winds_up() {
    let shop = Shop::open();
    let mut receiver = shop.receive(&["--listen", "127.0.0.1:0"]);
    let mut slow = TcpStream::connect(&receiver.address).unwrap();
    slow.write_all(b"POST /x HTTP/1.1\r\n").unwrap();
    receiver.signal();
    let stopped = receiver.lines.next().unwrap().unwrap();
    assert!(stopped.contains("what is being delivered is taken in first"), "{stopped}");
    let (code, said) = receiver.stop();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ended at once"), "{said}");
}

#[test]
fn an_address_that_gives_the_secret_away_is_refused() {
    let shop = Shop::open();
    std::fs::write(shop.path("tasks.jsonl"), TASKS).unwrap();
    let file = shop.path("tasks.jsonl");
    let post = ["tasks", "post", file.to_str().unwrap(), "--yes", "--postback"];
    shop.asin(&[&post[..], &["http://shop.example"]].concat()).says(2, &["--postback", "must be https"]);
    std::fs::write(shop.path("state/webhook-token"), "short").unwrap();
    shop.asin(&[&post[..], &["https://shop.example"]].concat()).says(2, &["webhook-token", "at least 32"]);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(shop.path("state/webhook-token"), open).unwrap();
    shop.asin(&[&post[..], &["https://shop.example"]].concat()).says(2, &["webhook-token", "chmod 600"]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_told_and_stays_pending() {
    let shop = Shop::open();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut receiver = shop.receive_to(full.into(), &["--listen", "127.0.0.1:0"]);
    shop.post(&format!("http://{}", receiver.address));
    let told = receiver.lines.next().unwrap().unwrap();
    assert!(told.contains("is not taken in, the vendor keeps it: standard output: No space left"), "{told}");
    let (code, said) = receiver.stop();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("0 results written") && said.contains("could not be written"), "{said}");
    assert!(said.contains("2 tasks pending: `asin tasks collect --state"), "{said}");
}
