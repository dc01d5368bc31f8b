//! `asin sandbox`: starts, says where it is, answers.

mod common;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

/// A running sandbox; dropped, it is gone.
struct Served {
    child: Child,
    url: String,
    environment: Vec<(String, String)>,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = common::asin(&[&["sandbox"], arguments].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        let url =
            first.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(';').to_owned();
        let environment = lines
            .take_while(|line| line != "# asin.toml:")
            .filter_map(|line| Some(line.strip_prefix("export ")?.replace('\'', "")))
            .map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
            .collect();
        Self { child, url, environment }
    }

    fn get(&self, path: &str) -> Value {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn it_prints_what_a_client_needs_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("market.json");
    let market = json!({"accounts": [{"name": "shop \"one\"", "seller_id": "A1SELLER", "region": "eu"}]});
    std::fs::write(&file, market.to_string()).unwrap();
    let sandbox = Served::start(&["--market", file.to_str().unwrap()]);
    let demo = sandbox.get("/_sandbox/demo");
    let variable =
        |name: &str| sandbox.environment.iter().find(|(variable, _)| variable == name).map(|(_, value)| value.as_str());
    for (name, value) in [
        ("DATAFORSEO_BASE_URL", &demo["dataforseo"]["base_url"]),
        ("DATAFORSEO_LOGIN", &demo["dataforseo"]["login"]),
        ("DATAFORSEO_PASSWORD", &demo["dataforseo"]["password"]),
        ("MULTICART_BASE_URL", &demo["multicart"]["base_url"]),
        ("MULTICART_API_KEY", &demo["multicart"]["api_key"]),
        ("SP_API_BASE_URL", &demo["sp_api"]["base_url"]),
        ("SP_API_LWA_URL", &demo["sp_api"]["lwa_url"]),
        ("SP_API_CLIENT_ID", &demo["sp_api"]["client_id"]),
        ("SP_API_CLIENT_SECRET", &demo["sp_api"]["client_secret"]),
        ("REFRESH_TOKEN_1", &demo["accounts"][0]["refresh_token"]),
    ] {
        assert_eq!(variable(name), value.as_str(), "{name}");
    }
    assert_eq!(demo["accounts"][0]["name"], "shop \"one\"");
}

#[test]
fn the_world_comes_from_the_seed() {
    let accounts = |seed: &str| Served::start(&["--seed", seed]).get("/_sandbox/market")["listings"].clone();
    let (first, again, other) = (accounts("7"), accounts("7"), accounts("8"));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn what_it_cannot_serve_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("market.json");
    std::fs::write(&file, r#"{"prodcuts": []}"#).unwrap();
    let ran = common::run(common::asin(&["sandbox", "--market", file.to_str().unwrap()]), "");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("prodcuts"), "{}", ran.err);
    let ran = common::run(common::asin(&["sandbox", "--speed", "0"]), "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
}
