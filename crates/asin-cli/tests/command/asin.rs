//! The built command, and a sandbox that it serves.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// The command in an empty environment.
pub fn asin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_asin"));
    command.args(arguments).env_clear();
    // Where the counters of `cargo xtask ci coverage` go.
    command.envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)));
    command
}

/// Runs it to its end with this standard input; nothing is a terminal.
pub fn run(mut command: Command, input: &str) -> Ran {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    // A command that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Ran {
    /// The JSON lines of standard output.
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts the exit code, and that standard error says all of this.
    pub fn says(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part} in {}", self.err);
        }
    }
}

/// A sandbox in a process of its own; dropped, it is gone.
pub struct Served {
    child: Child,
    pub url: String,
    /// The variables that it prints.
    pub environment: Vec<(String, String)>,
}

impl Served {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = asin(&[&["sandbox"], arguments].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        let url = first.split_whitespace().find(|word| word.starts_with("http")).unwrap();
        let url = url.trim_end_matches(';').to_owned();
        let environment = lines
            .take_while(|line| line != "# asin.toml:")
            .filter_map(|line| Some(line.strip_prefix("export ")?.replace('\'', "")))
            .map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
            .collect();
        Self { child, url, environment }
    }

    /// The sandbox of `examples/`.
    pub fn example() -> Self {
        let market = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/market.json");
        Self::start(&["--market", market, "--no-limits"])
    }

    /// The same, as slow as the vendors are.
    pub fn slow() -> Self {
        let market = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/market.json");
        Self::start(&["--market", market, "--no-limits", "--speed", "1"])
    }

    /// The same, where ten minutes are a second.
    pub fn fast() -> Self {
        let market = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/market.json");
        Self::start(&["--market", market, "--no-limits", "--speed", "600"])
    }

    /// Runs a command on this sandbox; nothing is a terminal.
    pub fn asin(&self, arguments: &[&str]) -> Ran {
        self.asin_with(arguments, "")
    }

    /// The same with a standard input.
    pub fn asin_with(&self, arguments: &[&str], input: &str) -> Ran {
        run(asin(&[arguments, &["--sandbox", &self.url]].concat()), input)
    }

    pub fn get(&self, path: &str) -> Value {
        self.send("GET", path, "")
    }

    pub fn send(&self, method: &str, path: &str, body: &str) -> Value {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        write!(connection, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
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
