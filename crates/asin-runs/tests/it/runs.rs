//! Runs against the sandbox: each task is paid for once, each result stored once, whoever stops and goes on.

use asin_runs::{NewRun, Refusal, RunId, Runs, Sqlite, SqliteLedger, StoreError, Worker};
use asin_sandbox::{DataForSeoDemo, Fault, Sandbox};
use core_http::{Limit, Operation, Quota, Request, Response, TokenBuckets, Transport, TransportError};
use dataforseo_merchant::{
    Builder, Cadence, DfsClient, GoogleProduct, GoogleProductInfoTask, IdList, IdListQuery, Language, Ledger, Location,
    Mode, SellersTask, State, TaskId, TaskRequest, TasksReady, testing::entry,
};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Hours of the vendor are seconds here.
pub async fn sandbox(seed: u64) -> Sandbox {
    Sandbox::builder().seed(seed).speed(600.0).start().await.unwrap()
}

/// A client with limits that are as much faster.
pub fn client(demo: DataForSeoDemo) -> DfsClient {
    client_over(demo, core_http::built_in().unwrap())
}

fn client_over(demo: DataForSeoDemo, transport: Arc<dyn Transport>) -> DfsClient {
    let buckets = TokenBuckets::new();
    let list = IdList::new(IdListQuery::new("", ""));
    for limit in TasksReady::new().limits().into_iter().chain(list.limits()) {
        buckets.set(Limit { quota: Quota { per_second: 1000.0, burst: 20 }, ..limit });
    }
    let client = Builder::new(demo.login, demo.password).base_url(demo.base_url.parse().unwrap());
    client.transport(transport).limits(Arc::new(buckets)).build().unwrap()
}

/// Panics where the first paid POST has its answer, and with one of the results.
#[derive(Debug)]
struct Panics {
    inner: Arc<dyn Transport>,
    posts: AtomicU32,
    gets: AtomicU32,
}

#[async_trait::async_trait]
impl Transport for Panics {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.uri().path().to_owned();
        let answer = self.inner.send(request).await;
        let nth = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!(path.ends_with("/task_post") && nth(&self.posts) == 1), "a bug after a POST");
        assert!(!(path.contains("/task_get/") && nth(&self.gets) == 5), "a bug with one result");
        answer
    }
}

/// Row K8: one call is judged by the vendor's list, one result is marked, and the run goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k8_what_panics_ends_neither_the_run_nor_what_was_paid_for() {
    let sandbox = sandbox(9).await;
    let folder = tempfile::tempdir().unwrap();
    let panics = Panics { inner: core_http::built_in().unwrap(), posts: AtomicU32::new(0), gets: AtomicU32::new(0) };
    let client = client_over(sandbox.demo().dataforseo, Arc::new(panics));
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("panics", "5")).await.unwrap();
    store.add(run, 0, &tasks(250)).await.unwrap();
    store.agree(run, 250).await.unwrap();
    let soon = worker(&client, store.clone(), run).with(|settings| settings.absence = Duration::from_secs(5));
    let status = soon.work(PATIENCE).await.unwrap();
    assert!(status.is_done() && status.done == 250, "{status:?}");
    check(&sandbox, &store, run, 250).await;
    let results = store.results(run, None, 250).await.unwrap();
    let marked: Vec<_> = results.iter().filter(|result| result.outcome == "unreadable").collect();
    let [marked] = marked[..] else { panic!("{marked:?}") };
    assert!(marked.id.is_some() && marked.error.as_ref().unwrap().contains("a bug with one result"), "{marked:?}");
}

pub fn tasks(count: u32) -> Vec<TaskRequest> {
    let task = |number: u32| {
        let asin = format!("B{number:09}").parse().unwrap();
        SellersTask::new(asin, Location::code(2840), Language::code("en_US")).into()
    };
    (0..count).map(task).collect()
}

pub fn worker(client: &DfsClient, store: impl Runs, run: RunId) -> Worker {
    let soon = Cadence { first: Duration::from_millis(100), longest: Duration::from_millis(500) };
    let worker = Worker::new(client.clone(), Arc::new(store), run).lease(Duration::from_secs(2));
    worker.with(|settings| settings.cadence = Some(soon))
}

pub fn new(name: &str, budget: &str) -> NewRun {
    NewRun { name: name.to_owned(), budget: budget.parse().unwrap(), lifetime: None }
}

/// Each of so many tasks was paid for once and has one result.
pub async fn check(sandbox: &Sandbox, store: &dyn Runs, run: RunId, count: u64) {
    let ledger = sandbox.ledger();
    assert!(ledger.charges.values().all(|charge| charge.times == 1), "nothing is paid twice");
    assert_eq!(ledger.charges.len() as u64, count, "charges");
    let (mut seen, mut after) = (BTreeSet::new(), None);
    loop {
        let page = store.results(run, after, 70).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        for result in &page {
            assert!(seen.insert(result.number), "{}: twice", result.number);
            let asin = format!("B{:09}", result.number);
            assert_eq!(result.request.asin().unwrap().to_string(), asin, "its own result");
        }
    }
    assert_eq!(seen.len() as u64, count, "results");
}

async fn open(folder: &Path, client: &DfsClient) -> SqliteLedger {
    Sqlite::open(folder.join("runs.db")).await.unwrap().ledger(&client.base(), "login").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_pays_for_each_task_once_and_streams_each_result_once() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("spring", "5")).await.unwrap();
    store.add(run, 0, &tasks(250)).await.unwrap();
    // Who only looks, from another process say, sees it meanwhile, and writes nothing.
    let look = Sqlite::look(folder.path().join("runs.db")).await.unwrap();
    let look = look.ledger(&client.base(), "login").await.unwrap();
    assert_eq!(look.status(run).await.unwrap().waiting, 250);
    assert!(look.cancel(run).await.unwrap_err().to_string().contains("readonly"));
    let mut other = tasks(251);
    other.remove(1);
    let differs = store.add(run, 0, &other).await.unwrap_err();
    assert!(matches!(differs, StoreError::Differs { number: 1, .. }), "{differs}");
    // Nobody knows yet that this is all: nothing is posted.
    let half = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert_eq!((half.waiting, half.is_done()), (250, false), "{half:?}");
    // Filled again, as after a crash.
    assert_eq!(store.begin(&new("spring", "5")).await.unwrap(), run);
    store.add(run, 0, &tasks(250)).await.unwrap();
    store.agree(run, 250).await.unwrap();
    let before = store.status(run).await.unwrap();
    assert_eq!((before.tasks, before.waiting, before.is_done()), (250, 250, false));
    let status = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert!(status.is_done(), "{status:?}");
    assert_eq!((status.tasks, status.done, status.pending, status.unknown), (250, 250, 0, 0));
    let billed = sandbox.ledger().charges.values().map(|charge| charge.usd).sum();
    assert_eq!(status.committed(), billed, "what was taken from the budget is the bill");
    check(&sandbox, &store, run, 250).await;
    assert_eq!(store.runs().await.unwrap(), [(run, "spring".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k7_a_worker_that_is_stopped_anywhere_is_gone_on_from() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("spring", "5")).await.unwrap();
    store.add(run, 0, &tasks(300)).await.unwrap();
    store.agree(run, 300).await.unwrap();
    for stop in [1, 20, 60, 150, 400] {
        let worker = worker(&client, store.clone(), run);
        let _stopped = tokio::time::timeout(Duration::from_millis(stop), worker.work(PATIENCE)).await;
    }
    let status = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert!(status.is_done(), "{status:?}");
    check(&sandbox, &store, run, 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_run_that_becomes_larger_only_what_was_agreed_to_is_posted() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("spring", "5")).await.unwrap();
    store.add(run, 0, &tasks(20)).await.unwrap();
    store.agree(run, 20).await.unwrap();
    store.add(run, 0, &tasks(30)).await.unwrap();
    let status = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert_eq!((status.done, status.waiting, status.to_post(), status.is_done()), (20, 10, 0, false), "{status:?}");
    assert_eq!(sandbox.ledger().charges.len(), 20);
    store.agree(run, 30).await.unwrap();
    worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    check(&sandbox, &store, run, 30).await;
}

/// Waits until the vendor has charged for so many tasks.
pub async fn charged(sandbox: &Sandbox, count: usize) {
    while sandbox.ledger().charges.len() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The vendor keeps no live answer: what a stopped worker was being told is stored before it goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k7_what_is_answered_at_once_is_stored_by_a_worker_that_is_stopped() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("live", "5")).await.unwrap();
    store.add(run, 0, &tasks(60)).await.unwrap();
    store.agree(run, 60).await.unwrap();
    let live = || worker(&client, store.clone(), run).with(|settings| settings.mode = Some(Mode::Live));
    for count in [1, 7, 20, 40] {
        let worker = live();
        tokio::select! {
            ended = worker.work(PATIENCE) => panic!("{ended:?}"),
            () = charged(&sandbox, count) => {}
        }
        let status = worker.wind_up().await.unwrap();
        let open = store.unknown(run).await.unwrap();
        assert_eq!((status.pending, status.done), (0, sandbox.ledger().charges.len() as u64), "{status:?} {open:?}");
    }
    assert!(live().work(PATIENCE).await.unwrap().is_done());
    check(&sandbox, &store, run, 60).await;
    let results = store.results(run, None, 60).await.unwrap();
    let lost: Vec<_> = results.iter().filter(|result| result.outcome == "failed").collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_budget_is_the_runs_and_a_cancelled_run_pays_for_nothing_more() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("small", "0.16")).await.unwrap();
    store.add(run, 0, &tasks(250)).await.unwrap();
    store.agree(run, 250).await.unwrap();
    let stopped = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap_err();
    assert_eq!(stopped.refusal(), Some(Refusal::Budget), "{stopped}");
    let status = store.status(run).await.unwrap();
    assert!(status.committed() <= status.budget() && status.done > 0, "{status:?}");
    // Not by whole batches: what is left is less than a task may cost by the price page.
    assert!(status.committed() + "0.0015".parse::<rust_decimal::Decimal>().unwrap() >= status.budget(), "{status:?}");
    assert_eq!(status.done + status.waiting, 250, "{status:?}");
    assert_eq!(status.expected(), Some("0.25".parse().unwrap()), "0.001 USD each");
    check(&sandbox, &store, run, status.done).await;
    store.amend(run, Some("1".parse().unwrap()), Some(Duration::ZERO)).await.unwrap();
    let status = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert!(status.late && status.waiting > 0 && status.expected() == Some(status.committed()), "{status:?}");
    store.amend(run, None, Some(Duration::from_secs(3600))).await.unwrap();
    let status = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert!(status.is_done() && status.budget() == "1".parse().unwrap(), "{status:?}");
    check(&sandbox, &store, run, 250).await;

    let other = store.begin(&new("other", "5")).await.unwrap();
    store.add(other, 0, &tasks(10)).await.unwrap();
    store.agree(other, 10).await.unwrap();
    store.cancel(other).await.unwrap();
    let status = worker(&client, store.clone(), other).work(PATIENCE).await.unwrap();
    assert!(status.cancelled && status.waiting == 10 && status.committed().is_zero(), "{status:?}");
}

/// What became of tasks can be learnt in any order: the budget counts what was paid, and nobody posts what was made.
#[tokio::test]
async fn what_is_learnt_late_is_paid_from_the_budget_and_not_posted_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("runs.db")).await.unwrap();
    let ledger = store.ledger("https://api.dataforseo.com", "login").await.unwrap();
    let other = store.ledger("https://api.dataforseo.com", "other").await.unwrap();
    let run = ledger.begin(&new("late", "0.0060")).await.unwrap();
    ledger.add(run, 0, &tasks(5)).await.unwrap();
    ledger.agree(run, 5).await.unwrap();
    let lease = Duration::from_secs(60);
    let claimed = ledger.claim(run, "me", 10, lease).await.unwrap();
    assert_eq!(claimed.len(), 5);
    let mine = ledger.working(run, "me");
    let intents: Vec<_> = (0..5).map(|number| entry(&format!("{run}/{number}"))).collect();
    assert!(other.working(run, "me").intend(&intents[..1]).await.is_err(), "another account's run");
    assert!(mine.intend(&intents).await.unwrap_err().to_string().contains("budget"), "5 × 0.0015 USD");
    mine.intend(&intents[..4]).await.unwrap();
    let id = TaskId::new("10051020-2523-0209-0000-64b1acabfbeb");
    let made = |cost: &str| State::Created { id: id.clone(), cost: cost.parse().unwrap() };
    let lost = State::WrittenOff { reason: "a test".to_owned(), cost: "0.0015".parse().unwrap() };
    let not_made = State::WrittenOff { reason: "a test".to_owned(), cost: "0".parse().unwrap() };
    let states = [State::Absent, made("0.0030"), lost, not_made];
    let changes: Vec<_> = intents.iter().map(|entry| entry.tag.clone()).zip(states).collect();
    ledger.record(&changes).await.unwrap();
    let status = ledger.status(run).await.unwrap();
    assert_eq!(status.committed(), "0.0045".parse().unwrap(), "what was made, and what is lost");
    let counts = |status: asin_runs::RunStatus| (status.held, status.waiting, status.pending, status.refused);
    assert_eq!(counts(status), (1, 2, 1, 1), "what was not made is for anybody, and not for me alone");
    // It was made after all, before anybody posted it again.
    ledger.record(&[(intents[0].tag.clone(), made("0.0015"))]).await.unwrap();
    let status = ledger.status(run).await.unwrap();
    assert_eq!(status.committed(), "0.0060".parse().unwrap());
    assert_eq!(counts(status), (1, 1, 2, 1), "{status:?}");
    let again = entry(&format!("{run}/0"));
    assert!(mine.intend(&[again]).await.is_err(), "it is bound again");

    let wrong =
        GoogleProductInfoTask::new(GoogleProduct::product_id(""), Location::code(2840), Language::code("en_US"));
    let refused = ledger.add(run, 5, &[wrong.into()]).await.unwrap_err().to_string();
    assert!(refused.contains("task 5") && refused.contains("product_id"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_come_at_once_are_stored_and_an_account_without_money_ends_no_task() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let run = store.begin(&new("live", "5")).await.unwrap();
    store.add(run, 0, &tasks(3)).await.unwrap();
    store.agree(run, 3).await.unwrap();
    let live = worker(&client, store.clone(), run).with(|settings| settings.mode = Some(Mode::Live));
    let status = live.work(PATIENCE).await.unwrap();
    assert!(status.is_done() && status.done == 3, "{status:?}");
    check(&sandbox, &store, run, 3).await;

    let poor = store.begin(&new("poor", "5")).await.unwrap();
    store.add(poor, 0, &tasks(3)).await.unwrap();
    store.agree(poor, 3).await.unwrap();
    sandbox.fault(Fault::on("POST", "/v3/merchant/amazon/sellers/task_post").code(40200));
    let stopped = worker(&client, store.clone(), poor).work(PATIENCE).await.unwrap_err();
    let status = store.status(poor).await.unwrap();
    assert!(matches!(stopped, asin_runs::RunError::NotPosted(_)), "{stopped}");
    assert_eq!((status.refused, status.waiting), (0, 3), "{status:?}");
}
