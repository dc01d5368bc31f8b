//! What the vendor posts by itself, into the store of its run.

use crate::runs::{PATIENCE, check, client, new, sandbox, tasks};
use asin_runs::{Postbacks, RunId, Runs, Sqlite, SqliteLedger};
use asin_sandbox::{Fault, Sandbox};
use dataforseo_merchant::{
    Budget, DfsClient, Language, Location, NewTask, Priority, SellersTask, TaskId, TaskRequest, Tasks, WebhookUrl,
    testing::entry,
    webhook::{Delivery, Expectation, Expects, Receiver, Token},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};

const LEASE: Duration = Duration::from_secs(60);

async fn open(folder: &Path, client: &DfsClient) -> SqliteLedger {
    Sqlite::open(folder.join("runs.db")).await.unwrap().ledger(&client.base(), "login").await.unwrap()
}

/// A run of so many tasks, whose results are posted to this address if there is one.
async fn run_of(store: &SqliteLedger, name: &str, count: u32, to: impl FnOnce(RunId) -> Option<WebhookUrl>) -> RunId {
    let run = store.begin(&new(name, "5")).await.unwrap();
    let to = to(run);
    let asked = |task: TaskRequest| match &to {
        Some(to) => task.postback(to.clone()).with_priority(Priority::High),
        None => task,
    };
    store.add(run, 0, &tasks(count).into_iter().map(asked).collect::<Vec<_>>()).await.unwrap();
    store.agree(run, count.into()).await.unwrap();
    run
}

/// Posted by one who collects nothing.
async fn post(client: &DfsClient, store: &SqliteLedger, run: RunId) {
    let claimed = store.claim(run, "me", 100, LEASE).await.unwrap();
    let task = |(number, request)| NewTask::new(request).label(format!("{run}/{number}"));
    let tasks = Tasks::new(client.clone(), store.working(run, "me"), Budget::unlimited());
    let outcomes = tasks.post(claimed.into_iter().map(task).collect()).await;
    assert!(outcomes.iter().all(|outcome| outcome.tag().is_some()), "{outcomes:?}");
}

/// Waits until something is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let come = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, come).await.unwrap();
}

/// Each delivery is stored once and told to be stored only then; one that was refused is asked for again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_vendor_posts_is_stored_once_in_its_run() {
    // The vendor waits for ten seconds, which are a third of one here.
    let sandbox = Sandbox::builder().seed(12).speed(30.0).start().await.unwrap();
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let token = Token::random();
    let receiver = Receiver::of(token.clone(), Postbacks::new(client.clone(), Arc::new(store.clone())))
        .with(|settings| settings.private_address = true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(receiver.clone().serve(listener, std::future::pending()));
    let address = |token: &Token| Some(token.postback_url(&public, true).unwrap());

    sandbox.fault(Fault::on("POSTBACK", "*").call(3).deliver_twice());
    let run = run_of(&store, "posted", 40, |run| address(&token.for_part(run.part()))).await;
    post(&client, &store, run).await;
    // Not by the receiver's counts: on a busy machine the vendor may have hung up before it was told.
    until(async || store.status(run).await.unwrap().is_done()).await;
    check(&sandbox, &store, run, 40).await;

    // Tasks of one run with the address of another: the vendor is told that nobody here wants them.
    let astray = run_of(&store, "astray", 3, |_| address(&token.for_part(run.part()))).await;
    post(&client, &store, astray).await;
    until(async || receiver.counts().unknown > 0 && sandbox.ledger().deliveries.len() >= 44).await;
    assert_eq!(store.status(astray).await.unwrap().done, 0);
    let shown = format!("{receiver:?}{:?}", Postbacks::new(client.clone(), Arc::new(store.clone())));
    assert!(!shown.contains(token.expose()), "{shown}");
}

/// A pingback says only that a result is there: it is fetched, and stored before the vendor is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_vendor_says_is_ready_is_fetched_and_stored_in_its_run() {
    let sandbox = Sandbox::builder().seed(12).speed(30.0).start().await.unwrap();
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let receiver = Receiver::of(Token::random(), Postbacks::new(client.clone(), Arc::new(store.clone())))
        .with(|settings| settings.private_address = true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(receiver.clone().serve(listener, std::future::pending()));
    let to = receiver.pingback_url(&public).unwrap();
    let run = store.begin(&new("pinged", "5")).await.unwrap();
    let task = |number: u32| {
        let asin = format!("B{number:09}").parse().unwrap();
        let task = SellersTask::new(asin, Location::code(2840), Language::code("en_US")).priority(Priority::High);
        TaskRequest::from(task.pingback(to.clone()))
    };
    store.add(run, 0, &(0..5).map(task).collect::<Vec<_>>()).await.unwrap();
    store.agree(run, 5).await.unwrap();
    post(&client, &store, run).await;
    until(async || store.status(run).await.unwrap().is_done()).await;
    check(&sandbox, &store, run, 5).await;
}

/// Row S3: whoever learns the address of one run has no say about another's results.
#[tokio::test]
async fn s3_a_result_comes_to_the_address_of_its_own_run() {
    let sandbox = sandbox(11).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &client).await;
    let postbacks = Postbacks::new(client, Arc::new(store.clone()));
    let mut expected = Vec::new();
    for name in ["spring", "autumn"] {
        let run = run_of(&store, name, 1, |_| None).await;
        store.claim(run, "me", 1, LEASE).await.unwrap();
        let intent = entry(&format!("{run}/0"));
        store.working(run, "me").intend(std::slice::from_ref(&intent)).await.unwrap();
        expected.push((run, intent.tag));
    }
    let id = TaskId::new("10051020-2523-0209-0000-64b1acabfbeb");
    for (run, tag) in &expected {
        let delivery = Delivery::new(&id, Some(tag.as_str()));
        for (address, _) in &expected {
            let says = postbacks.expects(delivery.within(address.part())).await.unwrap();
            let right = if address == run { Expectation::Expected } else { Expectation::Unknown };
            assert_eq!(says, right, "a task of {run} at the address of {address}");
        }
        let whole = postbacks.expects(delivery).await.unwrap();
        assert_eq!(whole, Expectation::Expected, "the secret that all are made from");
    }
    let unknown = Delivery::new(&id, Some("asin-00000000000000000000000000000000"));
    assert_eq!(postbacks.expects(unknown.within(expected[0].0.part())).await.unwrap(), Expectation::Unknown);
}
