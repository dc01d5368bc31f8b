//! A thousand seeded schedules: answers are lost, work is done late, the process is killed at random moments and started
//! again. Each task is billed exactly once and each result delivered.

use super::{pending, task, tasks, vendor::Vendor};
use crate::{Budget, FileLedger, TaskResult};
use futures_util::{StreamExt, pin_mut};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What the application has stored, by label: the vendor's ids. It survives crashes.
type Delivered = Mutex<BTreeMap<String, HashSet<String>>>;

/// One life of the process: goes on where the last one was killed.
async fn life(vendor: &Vendor, dir: &Path, wanted: usize, delivered: &Delivered) {
    let ledger = Arc::new(FileLedger::open(dir, "https://api.dataforseo.com", "login").unwrap());
    let tasks = tasks(vendor, ledger, &Budget::unlimited());
    for round in 0.. {
        if tasks.settle().await.is_err() {
            continue;
        }
        let unsettled = tasks.unsettled().await.unwrap();
        let under_way: HashSet<String> =
            pending(&tasks).await.into_iter().chain(unsettled.clone()).map(|entry| entry.label).collect();
        let is_missing = |number: &usize| {
            let label = format!("task-{number}");
            !delivered.lock().unwrap().contains_key(&label) && !under_way.contains(&label)
        };
        let mut missing: Vec<_> = (0..wanted).filter(is_missing).map(task).collect();
        if !unsettled.is_empty() {
            // Something known must be posted later than what is sought, or its absence can never be proved.
            missing.push(task(100_000 + vendor.world().calls.len()));
        }
        tasks.post(missing).await;
        let results = tasks.collect(pending(&tasks).await, Duration::from_secs(400));
        pin_mut!(results);
        while let Some(collected) = results.next().await {
            let Ok(collected) = collected else { continue };
            let asin = match &collected.result {
                TaskResult::Asin(result) => result.asin,
                TaskResult::Sellers(result) => result.asin,
                other => panic!("{other:?}"),
            };
            assert_eq!(asin, collected.entry.request.asin());
            let id = collected.entry.state.id().unwrap().to_string();
            delivered.lock().unwrap().entry(collected.entry.label.clone()).or_default().insert(id);
            tasks.acknowledge(&collected.entry.tag).await.unwrap();
        }
        let done = (0..wanted).all(|number| delivered.lock().unwrap().contains_key(&format!("task-{number}")));
        if done && tasks.unsettled().await.unwrap().is_empty() {
            return;
        }
        assert!(round < 500, "no end");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

fn schedule(seed: u64) {
    fastrand::seed(seed);
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let vendor = Vendor::new(seed, [0.0, 0.2, 0.5, 0.8][rng.usize(..4)]);
    let wanted = if seed.is_multiple_of(50) { rng.usize(101..230) } else { rng.usize(1..9) };
    let dir = tempfile::tempdir().unwrap();
    let delivered = Delivered::default();
    vendor.world().foreign(rng.usize(..5));
    let mut lives = 0;
    loop {
        lives += 1;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let ended = runtime.block_on(async {
            vendor.world().start();
            // The first lives are short: killed within the first calls.
            let longest = if lives < 8 { 20_000 } else { u64::MAX };
            let killed_after = Duration::from_millis(rng.u64(1..longest).min(36_000_000));
            let ended = tokio::time::timeout(killed_after, life(&vendor, dir.path(), wanted, &delivered)).await.is_ok();
            vendor.world().pass(Duration::from_secs(if rng.bool() { 1 } else { rng.u64(1..1500) }));
            ended
        });
        // All that the process had under way ends with it.
        drop(runtime);
        if ended {
            break;
        }
        assert!(lives < 100, "seed {seed}: no end");
        if rng.u8(..3) == 0 {
            vendor.world().foreign(1);
        }
    }
    let world = vendor.world();
    assert_eq!(world.violations, Vec::<String>::new(), "seed {seed}");
    let mut billed: BTreeMap<&str, usize> = BTreeMap::new();
    for made in world.made.iter().filter(|made| !made.tag().starts_with("other/")) {
        let (tag, own) = made.tag().split_once(':').expect("our tag, then the caller's");
        assert_eq!(tag.len(), 37);
        *billed.entry(own).or_default() += 1;
    }
    let delivered = delivered.into_inner().unwrap();
    for number in 0..wanted {
        let label = format!("task-{number}");
        assert_eq!(billed.get(label.as_str()), Some(&1), "seed {seed}: {label} was billed so often");
        assert_eq!(delivered[&label].len(), 1, "seed {seed}: {label}");
    }
    assert!(billed.values().all(|times| *times == 1), "seed {seed}: {billed:?}");
    let ids: HashSet<_> = delivered.values().flatten().collect();
    assert!(ids.iter().all(|id| world.made.iter().any(|made| made.id == ***id)), "seed {seed}");
}

/// Rows R3, N7, N8, N10, R5, R6, K7 of the fault matrix, mixed with crashes.
#[test]
fn a_thousand_schedules_bill_each_task_once_and_deliver_each_result() {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || (0..1000).filter(|seed| seed % 2 == half).for_each(schedule));
        }
    });
}

/// In one process without crashes the budget says what the vendor billed.
#[test]
fn the_budget_adds_up() {
    for seed in 5000..5200 {
        fastrand::seed(seed);
        let vendor = Vendor::new(seed, 0.5);
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            vendor.world().start();
            let ledger = Arc::new(FileLedger::open(dir.path(), "https://api.dataforseo.com", "login").unwrap());
            let price = Decimal::new(25, 4);
            let budget = Budget::new(price * Decimal::from(3));
            let tasks = tasks(&vendor, ledger, &budget);
            tasks.post((0..10).map(task).collect()).await;
            let billed = |vendor: &Vendor| {
                let cost = |kind: &str| if kind == "asin" { Decimal::new(15, 4) } else { Decimal::new(1, 3) };
                vendor.world().made.iter().map(|made| cost(made.kind)).sum::<Decimal>()
            };
            assert!(billed(&vendor) <= price * Decimal::from(3), "seed {seed}: more was billed than allowed");
            assert!(budget.spent() <= billed(&vendor) && billed(&vendor) <= budget.spent() + budget.reserved());
            assert!(budget.reserved() >= Decimal::ZERO);
            assert_eq!(budget.reserved().is_zero(), tasks.unsettled().await.unwrap().is_empty());
        });
    }
}
