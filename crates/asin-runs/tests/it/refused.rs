//! What the vendor, or the store, refuses: said, and paid for by nobody.

use crate::{
    holding::made,
    runs::{PATIENCE, client, new, sandbox, tasks, worker},
};
use asin_runs::{Ended, NewRun, RunError, RunId, RunResult, Runs, Sqlite, StoreError};
use asin_sandbox::Fault;
use core_http::ErrorKind;
use dataforseo_merchant::{Language, Location, Order, Page, SellersTask, Stage, testing::entry};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
/// Takes a database what the runs are in.
pub const EMPTY: &str = "DROP TABLE results; DROP TABLE items; DROP TABLE entries; DROP TABLE runs";
const POSTS: &str = "/v3/*/task_post";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_money_posts_nothing_and_refuses_no_task() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("runs.db")).await.unwrap();
    let store = store.ledger(&client.base(), "login").await.unwrap();
    let run = store.begin(&new("poor", "5")).await.unwrap();
    store.add(run, 0, &tasks(3)).await.unwrap();
    store.agree(run, 3).await.unwrap();
    sandbox.fault(Fault::on("POST", POSTS).call(1).code(40200));
    let error = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap_err();
    assert!(matches!(&error, RunError::NotPosted(why) if why.kind() == ErrorKind::Funds), "{error:?}");
    let status = store.status(run).await.unwrap();
    assert_eq!((status.waiting, status.refused, status.committed()), (3, 0, "0".parse().unwrap()), "{status:?}");
    assert!(worker(&client, store, run).work(PATIENCE).await.unwrap().is_done(), "with money it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_the_vendor_refuses_ends_with_its_words_and_the_others_have_their_results() {
    let sandbox = sandbox(9).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("runs.db")).await.unwrap();
    let store = store.ledger(&client.base(), "login").await.unwrap();
    let run = store.begin(&new("odd", "5")).await.unwrap();
    let nowhere = SellersTask::new("B000000001".parse().unwrap(), Location::code(1), Language::code("en_US"));
    store.add(run, 0, &[tasks(1), vec![nowhere.into()], tasks(1)].concat()).await.unwrap();
    store.agree(run, 3).await.unwrap();
    let status = worker(&client, store.clone(), run).work(PATIENCE).await.unwrap();
    assert_eq!((status.done, status.refused, status.is_done()), (2, 1, true), "{status:?}");
    let results = store.results(run, None, 10).await.unwrap();
    let refused: Vec<_> = results.iter().filter(|result| result.outcome == "refused").collect();
    let [RunResult { number: 1, id: None, error: Some(why), .. }] = refused[..] else { panic!("{refused:?}") };
    assert!(why.contains("location_code"), "{why}");
    assert_eq!(sandbox.ledger().charges.len(), 2);
}

/// A database that answers nothing sensible any more is told of by everything that asks it: nothing is taken for not there.
pub async fn check(store: &dyn Runs, run: RunId) {
    let entry = entry(&format!("{run}/0"));
    let state = made(0);
    let result = RunResult {
        number: 0,
        request: entry.request.clone(),
        outcome: "done".to_owned(),
        id: None,
        result: serde_json::Value::Null,
        error: None,
    };
    let id = state.id().unwrap().clone();
    let ended = Ended { run, tag: entry.tag.clone(), id, cost: "0.001".parse().unwrap(), result };
    let name = NewRun { name: "more".to_owned(), ..new("", "5") };
    let told = [
        store.begin(&name).await.err(),
        store.add(run, 0, &tasks(1)).await.err(),
        store.agree(run, 1).await.err(),
        store.status(run).await.err(),
        store.cancel(run).await.err(),
        store.amend(run, None, Some(LONG)).await.err(),
        store.repeated(run).await.err(),
        store.unknown(run).await.err(),
        store.results(run, None, 1).await.err(),
        store.runs().await.err(),
        store.claim(run, "me", 1, LONG).await.err(),
        store.claim_pending(run, "me", None, 1, LONG).await.err(),
        store.pends(run).await.err(),
        store.waits(run).await.err(),
        store.hold(run, "me", LONG).await.err(),
        store.refuse(run, "me", 0, "why").await.err(),
        store.keep(&[ended]).await.err(),
        store.entries(std::slice::from_ref(&entry.tag)).await.err(),
    ];
    for (number, told) in told.iter().enumerate() {
        assert!(matches!(told, Some(StoreError::Database { .. })), "{number}: {told:?}");
    }
    let page = Page { stages: &Stage::ALL, order: Order::OldestFirst, after: None, limit: 1 };
    let told = [
        store.intend(std::slice::from_ref(&entry)).await.err(),
        store.working(run, "me").intend(std::slice::from_ref(&entry)).await.err(),
        store.record(&[(entry.tag.clone(), state)]).await.err(),
        store.entry(&entry.tag).await.err(),
        store.page(page).await.err(),
        store.counts().await.err(),
    ];
    for (number, told) in told.iter().enumerate() {
        assert!(told.is_some(), "{number} of the ledger");
    }
}
