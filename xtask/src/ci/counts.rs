//! What may never cost more: counts, which are the same on every machine, and never times.

use crate::{
    bench::{Bench, number},
    shell::{run, skip, works},
    spec::Outcome,
};
use serde_json::Value;
use std::{path::Path, process::Command};

/// The instructions of one call as they were measured last; `ASIN_BLESS=1` writes them.
const FIGURES: &str = "benches/counts.json";
/// Another compiler or another processor counts a little otherwise.
const SLACK: f64 = 1.06;

/// What our layer adds to reqwest and the decode of the same answer, of which every field of every attribute is an allocation.
const ALLOCATIONS: f64 = 35.0;
/// Of one call whole, reqwest and the decode included: its answer of 2 KB has 25 attributes, each a tree of JSON.
const ALL_ALLOCATIONS: f64 = 195.0;
const PEAK_MEGABYTES: f64 = 16.0;
/// A gigabyte of rows of a kilobyte.
const ROWS: usize = 976_563;

/// Measures, prints and compares.
pub fn gate(root: &Path) -> Outcome<()> {
    let bench = Bench::start(root)?;
    let mut wrong = Vec::new();
    let mut count = |what: &str, is: f64, most: f64| {
        println!("{is:>10.1}, at most {most:>10.1}: {what}");
        if is > most {
            wrong.push(format!("{what}: {is:.1}, more than {most:.1}"));
        }
    };

    let refreshes = bench.refreshes()?;
    if refreshes < 1.0 {
        return Err("1,000 callers who have no token have fetched none: nothing was counted".into());
    }
    count("fetches of a token by 1,000 callers who have none", refreshes, 1.0);

    for (rate, callers) in [(100, 64), (5, 16)] {
        let said = bench.client("limiter-paused", rate, callers)?;
        count(&format!("refusals of a strict bucket of {rate} a second, burst 10"), number(&said, "rejected")?, 0.0);
        count("share of that quota not used", 1.0 - number(&said, "utilisation")?, if rate == 5 { 0.10 } else { 0.01 });
    }

    let said = bench.count()?;
    let (ours, reqwest) = (number(&said, "allocations")?, number(&said, "of_reqwest_and_decode")?);
    println!("{reqwest:>10.1} allocations of reqwest + the same decode");
    count("allocations of a typed call", ours, ALL_ALLOCATIONS);
    count("allocations that our layer adds", ours - reqwest, ALLOCATIONS);
    let said = bench.client("records", ROWS, 1)?;
    count("MB of memory at the peak of a streamed gigabyte", number(&said, "peak_kb")? / 1024.0, PEAK_MEGABYTES);

    let has_valgrind = works(Command::new("valgrind").arg("--version"))
        || run(Command::new("apt-get").args(["install", "--yes", "--quiet", "valgrind"])).is_ok();
    if has_valgrind {
        let instructions = bench.instructions()? as f64;
        let path = root.join(FIGURES);
        let failed = |error: std::io::Error| format!("{FIGURES}: {error}");
        if std::env::var_os("ASIN_BLESS").is_some() {
            std::fs::write(&path, format!("{{\"instructions_of_a_typed_call\": {instructions:.0}}}\n"))
                .map_err(failed)?;
        }
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let known: Value = serde_json::from_str(&text).map_err(|error| format!("{FIGURES}: {error}"))?;
        let known = number(&known, "instructions_of_a_typed_call")?;
        count("instructions of a typed call", instructions, known * SLACK);
        // A figure that is too high lets the next change be as dear as the last one was.
        count("instructions that a call should cost at least: ASIN_BLESS=1 writes fewer", known / SLACK, instructions);
    } else {
        skip("instructions of a typed call, for there is no valgrind")?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
