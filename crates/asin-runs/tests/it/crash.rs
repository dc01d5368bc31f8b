//! Rows of the fault matrix that kill, starve or cut off a worker, and then ask the vendor's bill: charges = intents =
//! results, none twice. Of the others K4 is in `sqlite.rs` and `postgres.rs`, K5 in `postgres.rs` and `chaos.rs`, K7
//! and K8 in `runs.rs`, K10 in `chaos.rs` and `limits.rs`; K11 is a test of the command. Elsewhere are K6 (`clocks.rs` of
//! `dataforseo-merchant`; a run's deadlines and leases are by the store's clock) and K9 (`crowd.rs` of `core-http`).
//!
//! A worker is this test program in a process of its own. `cargo xtask crash --seeds 100` takes a hundred seeds instead of a
//! few, by `ASIN_RUNS_SEEDS`; `ASIN_RUNS_FROM` begins later.

use crate::{
    mortal::{Death, Mortal},
    runs::{PATIENCE, check, client, new, sandbox, tasks},
};
use asin_runs::{RunId, Runs, Sqlite, StoreError, Worker};
use asin_sandbox::{Demo, Sandbox};
use dataforseo_merchant::{Cadence, Ledger, Stage, Tag, testing::entry};
use futures_util::{StreamExt, stream};
use std::{
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// What tells a child what to do: the database, the run, the sandbox's accounts, and when to die.
const CHILD: &str = "ASIN_RUNS_TEST_WORKER";

const COUNT: u32 = 230;

/// Does nothing unless a parent asks for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_process() {
    let Ok(wanted) = std::env::var(CHILD) else { return };
    let (database, run, demo, death): (String, i64, Demo, Option<Death>) = serde_json::from_str(&wanted).unwrap();
    let client = client(demo.dataforseo.clone());
    let store = open(&database, &demo).await;
    let store: Arc<dyn Runs> = match death {
        Some(death) => Arc::new(Mortal::new(store, death)),
        None => store,
    };
    let soon = Cadence { first: Duration::from_millis(50), longest: Duration::from_millis(200) };
    let worker = Worker::new(client, store, RunId(run)).lease(Duration::from_secs(2)).with(|settings| {
        (settings.cadence, settings.calls) = (Some(soon), 2);
        // A minute of sending and ten of the vendor's list at the sandbox's speed, and more: this machine may be busy.
        (settings.life, settings.absence) = (Duration::from_secs(2), Duration::from_secs(5));
    });
    let status = worker.work(PATIENCE).await.unwrap();
    assert!(status.is_done(), "{status:?}");
}

/// The ledger; a file is open as long as that is.
pub async fn open(database: &str, demo: &Demo) -> Arc<dyn Runs> {
    #[cfg(feature = "postgres")]
    if database.starts_with("postgres://") {
        let store = asin_runs::Postgres::connect(database, 3).await.unwrap();
        return Arc::new(store.ledger(&demo.dataforseo.base_url, "login").await.unwrap());
    }
    // The one that was killed may not be gone yet.
    let store = loop {
        match Sqlite::open(database).await {
            Ok(store) => break store,
            Err(StoreError::Taken(_)) => sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    };
    Arc::new(store.ledger(&demo.dataforseo.base_url, "login").await.unwrap())
}

/// A worker's process.
pub fn worker(database: &str, run: RunId, demo: &Demo) -> Command {
    dying(database, run, demo, None)
}

/// A worker's process that ends itself.
fn dying(database: &str, run: RunId, demo: &Demo, death: Option<Death>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::worker_process", "--nocapture"]);
    command.env(CHILD, serde_json::to_string(&(database, run.0, demo, death)).unwrap());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Waits for the end of a worker; one that never ends is killed.
pub async fn end(mut child: Child) -> ExitStatus {
    let ended = timeout(PATIENCE, async {
        loop {
            if let Some(ended) = child.try_wait().unwrap() {
                return ended;
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    match ended.await {
        Ok(ended) => ended,
        Err(_) => {
            child.kill().unwrap();
            child.wait().unwrap()
        }
    }
}

/// The seeds that are wanted, of which so many are taken if nobody says so.
pub fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().map(|number| number.parse().unwrap());
    number("ASIN_RUNS_FROM").unwrap_or(0)..number("ASIN_RUNS_SEEDS").unwrap_or(usual)
}

/// A run of so many tasks in a database, and the sandbox that it is about.
pub async fn filled(database: &str, seed: u64, name: &str, count: u32) -> (Sandbox, RunId) {
    let sandbox = sandbox(seed).await;
    let store = open(database, &sandbox.demo()).await;
    let run = store.begin(&new(name, "5")).await.unwrap();
    store.add(run, 0, &tasks(count)).await.unwrap();
    store.agree(run, count.into()).await.unwrap();
    (sandbox, run)
}

/// Everything was paid for once, is there once, and is what the budget says.
pub async fn right(sandbox: &Sandbox, database: &str, run: RunId, count: u32, seed: u64) {
    let store = open(database, &sandbox.demo()).await;
    let status = store.status(run).await.unwrap();
    assert!(status.is_done(), "seed {seed}: {status:?}");
    check(sandbox, &*store, run, count.into()).await;
    let billed = sandbox.ledger().charges.values().map(|charge| charge.usd).sum();
    assert_eq!(status.committed(), billed, "seed {seed}");
    let counts = store.counts().await.unwrap();
    assert_eq!(
        counts.get(&Stage::Collected),
        Some(&u64::from(count)),
        "seed {seed}: an intent for each charge: {counts:?}"
    );
    let open = Stage::OPEN.iter().chain(&Stage::PENDING).find_map(|stage| counts.get(stage));
    assert_eq!(open, None, "seed {seed}: {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k1_workers_that_are_killed_at_any_moment_pay_for_each_task_once_and_lose_no_result() {
    // Most of the time they wait for the vendor.
    stream::iter(seeds(4)).map(killed).buffer_unordered(6).collect::<()>().await;
}

async fn killed(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    let (sandbox, run) = filled(&path, seed, "killed", COUNT).await;
    let demo = sandbox.demo();
    for _ in 0..6 {
        let mut child = worker(&path, run, &demo).spawn().unwrap();
        sleep(Duration::from_millis(random.u64(10..900))).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let ended = end(worker(&path, run, &demo).spawn().unwrap()).await;
    assert!(ended.success(), "seed {seed}: {ended}");
    right(&sandbox, &path, run, COUNT, seed).await;
}

/// How many commits a worker of the next test makes at the least: what it inherits, two claims, two intents, what became of
/// them, results.
#[cfg(unix)]
const LEAST: u64 = 8;
/// After which commit it is not tried any more; few workers make so many.
#[cfg(unix)]
const MOST: u64 = 32;

/// Seed by seed before and after each commit that a worker makes, if it makes so many.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k1_workers_that_die_before_and_after_each_commit_pay_once_and_lose_no_result() {
    let seeds = seeds(2 * LEAST + 4);
    let sure = seeds.clone().filter(|seed| seed / 2 % MOST < LEAST).count();
    let deaths = stream::iter(seeds.clone()).map(dying_at_a_commit).buffer_unordered(4);
    let deaths = deaths.filter(|died| std::future::ready(*died)).count().await;
    println!("{deaths} workers of {} seeds died at a commit", seeds.end - seeds.start);
    assert!(deaths >= sure, "{deaths} deaths, at least {sure} expected");
}

/// Whether the first worker died, as it should.
#[cfg(unix)]
async fn dying_at_a_commit(seed: u64) -> bool {
    const COUNT: u32 = 110;
    const SIGABRT: i32 = 6;
    let death = Death { commit: u32::try_from(seed / 2 % MOST).unwrap(), after: seed % 2 == 1 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    let (sandbox, run) = filled(&path, seed, "dying", COUNT).await;
    let demo = sandbox.demo();
    let ended = end(dying(&path, run, &demo, Some(death)).spawn().unwrap()).await;
    let died = std::os::unix::process::ExitStatusExt::signal(&ended) == Some(SIGABRT);
    assert!(died || ended.success(), "{death:?}: {ended}");
    let ended = end(worker(&path, run, &demo).spawn().unwrap()).await;
    assert!(ended.success(), "{death:?}: {ended}");
    right(&sandbox, &path, run, COUNT, seed).await;
    died
}

/// The disk as a power cut leaves it: what was synced is there, of what came after any part, torn anywhere.
#[tokio::test]
async fn k2_after_a_power_cut_what_was_confirmed_is_there_and_nothing_is_there_by_half() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("runs.db"), folder.path().join("runs.db-wal"));
    let url = "https://api.dataforseo.com";
    let store = Sqlite::open(&path).await.unwrap();
    let ledger = store.ledger(url, "login").await.unwrap();
    let batches: Vec<Vec<_>> =
        (0..3).map(|batch| (0..40).map(|number| entry(&format!("{batch}/{number}"))).collect()).collect();
    ledger.intend(&batches[0]).await.unwrap();
    ledger.intend(&batches[1]).await.unwrap();
    let synced = std::fs::metadata(&log).unwrap().len();
    ledger.intend(&batches[2]).await.unwrap();
    let (file, written) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
    let all = written.len() as u64;
    assert!(all > synced + 4096, "{synced} of {all} bytes were synced before the third batch");
    let mut random = fastrand::Rng::with_seed(2);
    for turn in 0..60 {
        let cut = if turn == 0 { all } else { random.u64(synced..all) };
        let mut left = written[..usize::try_from(cut).unwrap()].to_vec();
        if turn % 2 == 1 {
            // Pages are not written in order: behind the cut something older, or nothing, may stand.
            let torn = usize::try_from(random.u64(synced..all)).unwrap();
            left.resize(written.len(), 0);
            left[torn..].fill(0);
        }
        let after = tempfile::tempdir().unwrap();
        std::fs::write(after.path().join("runs.db"), &file).unwrap();
        std::fs::write(after.path().join("runs.db-wal"), &left).unwrap();
        let store = Sqlite::open(after.path().join("runs.db")).await.unwrap();
        let ledger = store.ledger(url, "login").await.unwrap();
        for (number, batch) in batches.iter().enumerate() {
            let mut found = 0;
            for one in batch {
                found += usize::from(ledger.entry(&one.tag).await.unwrap().as_ref() == Some(one));
            }
            let whole = found == batch.len();
            let as_promised = if number < 2 || turn == 0 { whole } else { whole || found == 0 };
            assert!(as_promised, "cut at {cut} of {synced}..{all}: {found} of batch {number}");
        }
    }
}

/// The file may not grow any more, as on a full disk: every further write fails, in the middle of a transaction too.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k3_with_a_full_disk_nothing_is_sent_without_a_record() {
    for (seed, room) in (0..).zip([8_u64, 40, 120, 250]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
        let (sandbox, run) = filled(&path, seed, "full", COUNT).await;
        let demo = sandbox.demo();
        let program = worker(&path, run, &demo);
        let limit = std::fs::metadata(&path).unwrap().len() / 1024 + room;
        let mut limited = Command::new("bash");
        limited.arg("-c").arg("trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"").arg("bash").arg(limit.to_string());
        limited.arg(program.get_program()).args(program.get_args());
        limited.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = end(limited.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()).await;
        let paid: Vec<_> = sandbox.ledger().charges.keys().cloned().collect();
        assert!(!ended.success() && paid.len() < COUNT as usize, "room {room}: {ended}, {} paid", paid.len());
        let look = Sqlite::look(&path).await.unwrap().ledger(&demo.dataforseo.base_url, "login").await.unwrap();
        for tag in paid {
            let known = look.entry(&Tag::new(tag.as_str()).unwrap()).await.unwrap();
            assert!(known.is_some(), "room {room}: {tag} was paid for and is not in the ledger");
        }
        drop(look);
        let ended = end(worker(&path, run, &demo).spawn().unwrap()).await;
        assert!(ended.success(), "room {room}: {ended}");
        right(&sandbox, &path, run, COUNT, seed).await;
    }
}

/// A folder that cannot be written to is told before anything is sent.
#[tokio::test]
async fn k3_a_file_that_cannot_be_written_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Path::new("no such folder").join("runs.db");
    assert!(matches!(Sqlite::open(folder.path().join(missing)).await, Err(StoreError::File { .. })));
}
