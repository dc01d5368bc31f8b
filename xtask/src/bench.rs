//! `cargo xtask bench`: what a call costs beside what others cost, side by side on one machine.
//!
//! The sandbox runs on one core, the client on another; the ways of calling take turns, and what counts is the median of
//! the ratios of each round. Processor time per call comes first: how long a call takes on loopback is the time that the
//! machine takes to wake up. One row is the same way twice (A/A): a ratio nearer to 1 than that says nothing.

mod peers;
mod sandbox;

use crate::{
    shell::{self, cargo, run},
    spec::Outcome,
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What the command line asks for.
#[derive(clap::Args)]
pub struct Arguments {
    /// How often each way takes its turn.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Calls in each turn.
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// Also Python's requests and npm's axios, which are installed under `target/tools` if they can be.
    #[arg(long)]
    peers: bool,
    /// Something else in place of the clients.
    #[command(subcommand)]
    what: Option<What>,
}

/// What else is measured.
#[derive(clap::Subcommand)]
enum What {
    /// Small answers a second of `asin sandbox` on one core, asked for by `wrk` on another.
    Sandbox {
        /// How long each kind of answer is asked for, in seconds.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
    },
    /// Durable runs: tasks posted and collected, results taken in, a quota that processes share. Needs PostgreSQL.
    Runs {
        /// How many tasks the runs in SQLite have, one after the other.
        #[arg(long, default_value = "100000,300000")]
        sqlite: String,
        /// How many those in PostgreSQL have.
        #[arg(long, default_value = "100000")]
        postgres: String,
        /// How many results are posted.
        #[arg(long, default_value = "50000")]
        postbacks: String,
    },
}

/// The server, and the programs beside it.
pub struct Bench {
    programs: PathBuf,
    demo: String,
    server: Child,
}

impl Bench {
    /// Builds the programs and starts the server on the second core.
    pub fn start(root: &Path) -> Outcome<Self> {
        run(&mut cargo(root, ["build", "--quiet", "--release", "--package", "benches", "--bins"]))?;
        let programs = shell::target(root).join("release");
        let mut server = pinned(1, &programs.join("bench-server"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("bench-server: {error}"))?;
        let mut demo = String::new();
        let said = server.stdout.take().ok_or("bench-server has no output")?;
        BufReader::new(said).read_line(&mut demo).map_err(|error| format!("bench-server: {error}"))?;
        Ok(Self { programs, demo, server })
    }

    /// Runs the client in a fresh process on the first core.
    pub fn client(&self, what: &str, number: usize, at_once: usize) -> Outcome<Value> {
        let mut command = pinned(0, &self.programs.join("bench-client"));
        command.args([what, &number.to_string(), &at_once.to_string()]);
        self.read(&mut command)
    }

    /// Runs the program that counts allocations.
    pub fn count(&self) -> Outcome<Value> {
        self.read(&mut pinned(0, &self.programs.join("bench-count")))
    }

    /// The instructions of one call: the difference of two lengths, so that start and end do not count.
    pub fn instructions(&self) -> Outcome<u64> {
        let counted = |calls: usize| -> Outcome<u64> {
            let mut command = Command::new("valgrind");
            command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
            command.arg(self.programs.join("bench-client")).args(["ours", &calls.to_string(), "1"]);
            let said = command
                .env("BENCH_DEMO", &self.demo)
                .stdin(Stdio::null())
                .output()
                .map_err(|error| format!("valgrind: {error}"))?;
            let text = String::from_utf8_lossy(&said.stderr).into_owned();
            if !said.status.success() {
                return Err(format!("{text}\nbench-client under valgrind: {}", said.status));
            }
            // Valgrind 3.19 writes `I   refs:`, later ones `I refs:`; it is the only such line without the simulation of caches.
            let line = text.lines().find_map(|line| line.split_once("refs:")).ok_or_else(|| text.clone())?;
            line.1.trim().replace(',', "").parse().map_err(|error| format!("{}: {error}", line.1))
        };
        let (many, few) = (counted(1_500)?, counted(500)?);
        many.checked_sub(few)
            .map(|more| more / 1_000)
            .ok_or_else(|| format!("{many} instructions for more calls than {few}"))
    }

    /// How many tokens are fetched for 1,000 callers who come at once and have none.
    pub fn refreshes(&self) -> Outcome<f64> {
        let fetched = || self.operations().map(|done| done["token"].as_f64().unwrap_or_default());
        let before = fetched()?;
        self.client("waiters", 1000, 1)?;
        Ok(fetched()? - before)
    }

    /// What the server did, by operation.
    fn operations(&self) -> Outcome<Value> {
        let demo: Value = serde_json::from_str(&self.demo).map_err(|error| error.to_string())?;
        let base = demo["sp_api"]["base_url"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
        let ledger = get(&base, "/_sandbox/ledger")?;
        Ok(ledger["operations"].clone())
    }

    fn read(&self, command: &mut Command) -> Outcome<Value> {
        let text = shell::output(command.env("BENCH_DEMO", &self.demo))?;
        serde_json::from_str(text.trim()).map_err(|error| format!("{text}: {error}"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // It stops when its input ends; a server that is gone already is stopped too.
        drop(self.server.stdin.take());
        let _gone = self.server.wait();
    }
}

/// One GET over a plain connection.
fn get(base: &str, path: &str) -> Outcome<Value> {
    use std::io::{Read, Write};
    let host = base.trim_start_matches("http://");
    let failed = |error: std::io::Error| format!("{host}: {error}");
    let mut stream = std::net::TcpStream::connect(host).map_err(failed)?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {host}\r\n\r\n").map_err(failed)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(failed)?;
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).map_err(|error| format!("{path}: {error}"))
}

/// A program on one core, where the machine lets us say so.
fn pinned(core: usize, program: &Path) -> Command {
    if shell::works(Command::new("taskset").args(["-c", &core.to_string(), "true"])) {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string()]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Prints the tables that README shows.
pub fn command(root: &Path, arguments: &Arguments) -> Outcome<bool> {
    match &arguments.what {
        Some(What::Sandbox { seconds }) => return sandbox::command(root, *seconds),
        Some(What::Runs { sqlite, postgres, postbacks }) => {
            run(&mut cargo(root, ["build", "--quiet", "--release", "--package", "benches", "--bins"]))?;
            let program = shell::target(root).join("release/bench-runs");
            return run(Command::new(program).args([sqlite, postgres, postbacks])).map(|()| true);
        }
        None => {}
    }
    let bench = Bench::start(root)?;
    calls(&bench, arguments)?;
    if arguments.peers {
        peers::table(root, &bench.demo, arguments.calls / 20)?;
    }
    decoding(&bench, arguments.rounds)?;
    println!("\n| streamed record by record | seconds of processor | peak memory |\n| --- | ---: | ---: |");
    for (size, rows) in [("200 MB", 195_313), ("1 GB", 976_563)] {
        let said = bench.client("records", rows, 1)?;
        let seconds = number(&said, "cpu_us")? * rows as f64 / 1e6;
        println!("| {size} | {seconds:.2} | {:.1} MB |", number(&said, "peak_kb")? / 1024.0);
    }
    println!("\n| limiter, 100 a second, burst 10, 10 s, 64 callers | |\n| --- | ---: |");
    let said = bench.client("limiter", 100, 64)?;
    println!("| share of the quota used | {:.3} |\n| refused | {} |", number(&said, "utilisation")?, said["rejected"]);
    println!("\n| tokens fetched for 1,000 callers who have none | {} |\n| --- | ---: |", bench.refreshes()?);
    Ok(true)
}

/// Our client beside the others.
fn calls(bench: &Bench, arguments: &Arguments) -> Outcome<()> {
    const WAYS: [(&str, &str); 5] = [
        ("hyper", "hyper, bytes dropped"),
        ("hyper-util", "hyper-util + the same decode"),
        ("reqwest", "reqwest + the same decode"),
        ("ours", "this client: limiter, credentials, resends, typed decode"),
        ("reqwest", "A/A: reqwest again"),
    ];
    let mut turns: Vec<Vec<Value>> = vec![Vec::new(); WAYS.len()];
    for _ in 0..arguments.rounds {
        for (index, (way, _)) in WAYS.iter().enumerate() {
            turns[index].push(bench.client(way, arguments.calls, 64)?);
        }
    }
    println!(
        "| one call, 64 at once | µs of processor | × reqwest + decode (least–most) | calls a second |\n| --- | ---: | ---: | ---: |"
    );
    let yardstick = numbers(&turns[2], "cpu_us")?;
    let noise = noise(&ratios(&numbers(&turns[WAYS.len() - 1], "cpu_us")?, &yardstick));
    for (index, (way, words)) in WAYS.iter().enumerate() {
        let mut costs = numbers(&turns[index], "cpu_us")?;
        let mut ratios = ratios(&costs, &yardstick);
        let (cost, speed) = (median(&mut costs), median(&mut numbers(&turns[index], "per_second")?));
        let middle = if *way == "reqwest" { format!("{:.2}", median(&mut ratios)) } else { told(&mut ratios, noise) };
        let (least, most) = (ratios.first().unwrap_or(&0.0), ratios.last().unwrap_or(&0.0));
        println!("| {words} | {cost:.1} | {middle} ({least:.2}–{most:.2}) | {speed:.0} |");
    }
    Ok(())
}

/// What each round cost beside the same round of the yardstick.
fn ratios(costs: &[f64], yardstick: &[f64]) -> Vec<f64> {
    costs.iter().zip(yardstick).map(|(cost, measure)| cost / measure).collect()
}

/// How far the yardstick is from itself (A/A): in half of the rounds it is farther from 1.
fn noise(again: &[f64]) -> f64 {
    median(&mut again.iter().map(|ratio| (ratio - 1.0).abs()).collect::<Vec<f64>>())
}

/// The median of the ratios, where it says more than noise.
fn told(ratios: &mut [f64], noise: f64) -> String {
    let ratio = median(ratios);
    if (ratio - 1.0).abs() > noise { format!("{ratio:.2}") } else { format!("no difference (± {noise:.2})") }
}

/// Decoding through the client beside the parser alone.
fn decoding(bench: &Bench, rounds: usize) -> Outcome<()> {
    let speed = |way| number(&bench.client(way, 10_000_000, 1)?, "megabytes_per_second");
    let (mut ours, mut bare, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(speed("decode")?);
        bare.push(speed("decode-bare")?);
        again.push(speed("decode-bare")?);
    }
    let beside = told(&mut ratios(&ours, &bare), noise(&ratios(&again, &bare)));
    println!("\n| an answer of 10 MB of DataForSEO, typed | MB a second |\n| --- | ---: |");
    println!("| serde_json alone | {:.0} |", median(&mut bare));
    println!("| through the client | {:.0} |\n| × serde_json alone | {beside} |", median(&mut ours));
    Ok(())
}

fn numbers(turns: &[Value], key: &str) -> Outcome<Vec<f64>> {
    turns.iter().map(|turn| number(turn, key)).collect()
}

/// A number of what a program said.
pub fn number(said: &Value, key: &str) -> Outcome<f64> {
    said[key].as_f64().ok_or_else(|| format!("no {key} in {said}"))
}

/// Sorts, and takes the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_ratio_is_told_only_where_it_is_farther_from_1_than_the_yardstick_from_itself() {
        assert_eq!(super::ratios(&[2.0, 9.0], &[1.0, 3.0]), [2.0, 3.0]);
        let noise = super::noise(&[0.75, 1.0, 1.25, 1.125, 0.875]);
        assert_eq!(noise, 0.125, "its median is 1, and it is noisy all the same");
        for (ratio, words) in [(1.2, "1.20"), (0.8, "0.80"), (1.1, "no difference (± 0.12)")] {
            assert_eq!(super::told(&mut [ratio], noise), words);
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(super::median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(super::median(&mut []), 0.0);
    }
}
