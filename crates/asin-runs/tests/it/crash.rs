//! Row K1: workers are killed (SIGKILL) at random moments, again and again, and the vendor's bill is asked.
//!
//! A worker is this test program in a process of its own. `ASIN_RUNS_SEEDS=100` takes a hundred seeds instead of a few.

use crate::runs::{PATIENCE, check, client, new, sandbox, tasks};
use asin_runs::{RunId, Runs, Sqlite, SqliteLedger, Worker};
use asin_sandbox::Demo;
use dataforseo_merchant::Cadence;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// What tells a child what to do: the file, the run, and the sandbox's accounts.
const CHILD: &str = "ASIN_RUNS_TEST_WORKER";

const COUNT: u32 = 230;

/// Does nothing unless a parent asks for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_process() {
    let Ok(wanted) = std::env::var(CHILD) else { return };
    let (path, run, demo): (String, i64, Demo) = serde_json::from_str(&wanted).unwrap();
    let client = client(demo.dataforseo);
    // The one that was killed may not be gone yet.
    let store = loop {
        match Sqlite::open(&path).await {
            Ok(store) => break store,
            Err(asin_runs::StoreError::Taken(_)) => sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    };
    let store = store.ledger(&client.base(), "login").await.unwrap();
    let soon = Cadence { first: Duration::from_millis(50), longest: Duration::from_millis(200) };
    let worker = Worker::new(client, Arc::new(store), RunId(run)).with(|settings| {
        (settings.cadence, settings.calls) = (Some(soon), 2);
        // A minute of sending and ten of the vendor's list at the sandbox's speed, and more: this machine may be busy.
        (settings.life, settings.absence) = (Duration::from_secs(2), Duration::from_secs(5));
    });
    let status = worker.work(PATIENCE).await.unwrap();
    assert!(status.is_done(), "{status:?}");
}

/// The ledger; the file itself is open as long as that is.
async fn open(path: &Path, demo: &Demo) -> SqliteLedger {
    Sqlite::open(path).await.unwrap().ledger(&demo.dataforseo.base_url, "login").await.unwrap()
}

fn start(path: &Path, run: RunId, demo: &Demo) -> Child {
    let wanted = serde_json::to_string(&(path, run.0, demo)).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::worker_process", "--nocapture"]).env(CHILD, wanted);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k1_workers_that_are_killed_at_any_moment_pay_for_each_task_once_and_lose_no_result() {
    let seeds = std::env::var("ASIN_RUNS_SEEDS").map_or(3, |seeds| seeds.parse().unwrap());
    let from: u64 = std::env::var("ASIN_RUNS_FROM").map_or(0, |seed| seed.parse().unwrap());
    for seed in from..seeds {
        let mut random = fastrand::Rng::with_seed(seed);
        let sandbox = sandbox(seed).await;
        let folder = tempfile::tempdir().unwrap();
        let (path, demo) = (folder.path().join("runs.db"), sandbox.demo());
        let store = open(&path, &demo).await;
        let run = store.begin(&new("killed", "5")).await.unwrap();
        store.add(run, 0, &tasks(COUNT)).await.unwrap();
        drop(store);
        for _ in 0..6 {
            let mut child = start(&path, run, &demo);
            sleep(Duration::from_millis(random.u64(10..900))).await;
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let mut child = start(&path, run, &demo);
        let ended = timeout(PATIENCE, async {
            loop {
                if let Some(ended) = child.try_wait().unwrap() {
                    break ended;
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        let ended = ended.await;
        child.kill().unwrap();
        let said = child.wait_with_output().unwrap();
        let store = open(&path, &demo).await;
        let status = store.status(run).await.unwrap();
        assert!(
            ended.is_ok_and(|ended| ended.success()),
            "seed {seed}: {status:?} {}",
            String::from_utf8_lossy(&said.stderr)
        );
        check(&sandbox, &store, run, COUNT.into()).await;
        let status = store.status(run).await.unwrap();
        let billed = sandbox.ledger().charges.values().map(|charge| charge.usd).sum();
        assert_eq!(status.committed(), billed, "seed {seed}");
    }
}
