//! `sync` over random worlds, each run held against an oracle that knows nothing but the catalogue, the sandbox's market and
//! the rules: every row's outcome, every write and every bill.
//!
//! A failure names its seed; `ASIN_ORACLE_SEED=7` plays that one world again.

#![cfg(all(feature = "sp-listings", feature = "dataforseo-merchant", feature = "multicart", feature = "rustls"))]

mod bench;
mod disturbed;
mod goods;
mod oracle;
mod paper;
mod sight;
mod stores;
mod story;
mod world;

use bench::{Bench, Record};
use fastrand::Rng;
use std::{env, ops::Range, sync::Arc, time::Duration};
use story::Story;
use tokio::{sync::Semaphore, task::JoinSet};
use world::{Pass, World};

/// No run takes longer.
const LIFE: Duration = Duration::from_secs(120);

/// Plays the worlds of these seeds, some at once, and fails with all that any of them brought to light.
async fn play<F: Future<Output = Vec<String>> + Send + 'static>(seeds: Range<u64>, at_once: usize, game: fn(u64) -> F) {
    let chosen = env::var("ASIN_ORACLE_SEED").ok().map(|seed| seed.parse::<u64>().expect("a seed is a number"));
    let seeds = chosen.map_or(seeds, |seed| seed..seed + 1);
    let places = Arc::new(Semaphore::new(at_once));
    let mut games = JoinSet::new();
    for seed in seeds {
        let places = places.clone();
        games.spawn(async move {
            let _place = places.acquire_owned().await;
            (seed, game(seed).await)
        });
    }
    let mut told = Vec::new();
    while let Some(played) = games.join_next().await {
        let (seed, faults) = played.expect("a world that can be played");
        told.extend(faults.into_iter().map(|fault| format!("seed {seed}: {fault}")));
    }
    assert!(told.is_empty(), "{} faults:\n{}", told.len(), told.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_worlds_come_out_as_the_oracle_says() {
    play(0..25, 12, |seed| async move {
        let bench = Bench::new(World::new(seed)).await;
        let mut story = Story::default();
        for (number, pass) in (1..).zip(bench.world.passes.clone()) {
            story.next(&bench, &format!("run {number}"), pass, Story::check).await;
        }
        story.faults
    })
    .await;
}

/// Networks that break and vendors that fail, and the runs that come after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_lose_nothing_and_pay_nothing_twice() {
    play(100..121, 12, |seed| async move {
        let bench = Bench::new(World::eager(seed)).await;
        let mut story = Story { was_disturbed: true, ..Story::default() };
        disturbed::disturb(&bench, &mut Rng::with_seed(seed));
        story.next(&bench, "the run with faults", Pass::FREE, Story::check_truth).await;
        bench.sandbox.clear_faults();
        bench.arrived().await;
        story.recover(&bench, true).await;
        story.faults
    })
    .await;
}

/// Processes that end at any moment, and the runs that come after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_is_taken_up_where_it_ended() {
    play(200..212, 12, |seed| async move {
        let bench = Bench::new(World::eager(seed)).await;
        let mut story = Story { was_disturbed: true, ..Story::default() };
        let mut rng = Rng::with_seed(seed);
        for _ in 0..3 {
            if let Some(Ok(record)) = bench.run(Pass::FREE, Duration::from_millis(rng.u64(20..3_000))).await {
                story.check_truth(&bench, &record);
            }
            bench.arrived().await;
            story.check_safety(&bench);
        }
        story.recover(&bench, false).await;
        story.faults
    })
    .await;
}

impl Story {
    /// Makes one run, unless an earlier one came out wrong, and holds it against this.
    async fn next(&mut self, bench: &Bench, name: &str, pass: Pass, check: fn(&mut Self, &Bench, &Record)) {
        if !self.faults.is_empty() {
            return;
        }
        match bench.run(pass, LIFE).await {
            Some(Ok(record)) => check(self, bench, &record),
            Some(Err(error)) => self.faults.push(error.to_string()),
            None => self.faults.push("it did not end".to_owned()),
        }
        self.faults.iter_mut().for_each(|fault| *fault = format!("{name}: {fault}"));
    }

    /// Runs without faults: the first looks up what was paid for, the second does what was left undone, and the third finds
    /// nothing to do. What a killed run has written down and never sent, only its own state knows: `exact` is for the others.
    async fn recover(&mut self, bench: &Bench, exact: bool) {
        let check = if exact { Self::check } else { Self::check_truth };
        self.next(bench, "the dry run after", Pass { dry_run: true, ..Pass::FREE }, Self::check_truth).await;
        self.next(bench, "the run after", Pass::FREE, check).await;
        self.next(bench, "the last run", Pass::FREE, check).await;
        self.check_safety(bench);
    }
}
