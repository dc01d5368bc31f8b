//! Tasks that the vendor does not end keep no others from their results, however many they are.

use crate::{
    holding::made,
    runs::{charged, client, new, sandbox, tasks, worker},
};
use asin_runs::{Runs, Sqlite};
use asin_sandbox::Fault;
use dataforseo_merchant::{Entry, Ledger, WebhookUrl, testing::entry};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const LONG: Duration = Duration::from_secs(60);
/// The vendor says of these only that they wait.
const SLOW: &str = "/v3/merchant/amazon/*/task_get/*11251845-7880-0209-0000-*";

/// A run of which the oldest so many tasks, sent so long ago, are never answered, and the others are.
async fn collected(slow: u32, others: u32, age: SignedDuration, to: Option<WebhookUrl>) -> u64 {
    let sandbox = sandbox(9).await;
    sandbox.fault(Fault::on("GET", SLOW).code(40602));
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("runs.db")).await.unwrap();
    let store = store.ledger(&client.base(), "login").await.unwrap();
    let run = store.begin(&new("slow", "50")).await.unwrap();
    store.add(run, 0, &tasks(slow + others)).await.unwrap();
    store.agree(run, u64::from(slow)).await.unwrap();
    store.claim(run, "slow", slow, LONG).await.unwrap();
    let sent = Timestamp::now() - age;
    let old = |number: u32| {
        let mut entry = entry(&format!("{run}/{number}"));
        (entry.sent, entry.vendor_sent) = (sent, Some(sent));
        if let Some(to) = &to {
            entry.request = entry.request.clone().postback(to.clone());
        }
        entry
    };
    let old: Vec<Entry> = (0..slow).map(old).collect();
    store.working(run, "slow").intend(&old).await.unwrap();
    let known = old.iter().enumerate().map(|(number, entry)| (entry.tag.clone(), made(number)));
    store.record(&known.collect::<Vec<_>>()).await.unwrap();

    store.agree(run, u64::from(slow + others)).await.unwrap();
    let first = worker(&client, store.clone(), run);
    tokio::select! {
        ended = first.work(LONG) => panic!("{ended:?}"),
        () = charged(&sandbox, others as usize) => {}
    }
    first.wind_up().await.unwrap();
    let second = worker(&client, store.clone(), run);
    let all = async {
        while store.status(run).await.unwrap().done < u64::from(others) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = timeout(LONG, second.work(LONG * 10)) => assert!(ended.is_err(), "{ended:?}"),
        () = all => {}
    }
    second.wind_up().await.unwrap();
    store.status(run).await.unwrap().done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_left_behind_for_what_has_come() {
    assert_eq!(collected(300, 800, SignedDuration::ZERO, None).await, 800);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overdue_ones_are_passed_by_though_they_are_all_that_is_looked_at() {
    assert_eq!(collected(1000, 50, SignedDuration::from_hours(2), None).await, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_are_posted_and_never_come_are_asked_for_one_by_one_and_passed_by() {
    let to = WebhookUrl::new("https://hooks.shop.example/results").unwrap();
    assert_eq!(collected(120, 40, SignedDuration::from_hours(2), Some(to)).await, 40);
}
