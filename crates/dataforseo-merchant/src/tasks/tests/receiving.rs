//! Webhooks, one rule at a time. Rows of the fault matrix are named.

use super::{
    pending, task, tasks,
    vendor::{Made, Vendor},
};
use crate::{
    AsinTask, Budget, Collected, Language, Location, MemoryLedger, NewTask, PostbackData, Posted, State, Tag, TaskId,
    TaskResult, Tasks, WriteOff,
    webhook::{Caps, Delivery, Expectation, Expects, Intake, Keep, Pingback, Postback, Store, StoreError},
};
use async_trait::async_trait;
use core_http::ErrorKind;
use futures_util::StreamExt;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3600);

fn start() -> (Vendor, Tasks, Budget) {
    let vendor = Vendor::new(21, 0.0);
    vendor.world().start();
    let budget = Budget::new(Decimal::ONE);
    let tasks = tasks(&vendor, Arc::new(MemoryLedger::new()), &budget);
    (vendor, tasks, budget)
}

fn postback(made: &Made) -> Postback {
    let result = json!([{"asin": made.data["asin"], "type": made.kind, "items": []}]);
    posted(made, json!(20000), result)
}

fn posted(made: &Made, code: Value, result: Value) -> Postback {
    let task = json!({"id": made.id, "status_code": code, "cost": 0, "data": made.data, "result": result});
    let body = json!({"status_code": 20000, "tasks": [task]});
    Postback::read(body.to_string().as_bytes(), &Caps::default()).unwrap()
}

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<Collected>>>);

#[async_trait]
impl Keep for Shelf {
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(collected.clone());
        Ok(())
    }
}

fn made(vendor: &Vendor) -> Vec<Made> {
    vendor.world().made.clone()
}

/// The number of the task, as its label says; its result must be of the same product.
fn number(collected: &Collected) -> String {
    let asin = match &collected.result {
        TaskResult::Asin(result) => result.asin,
        TaskResult::Sellers(result) => result.asin,
        other => panic!("{other:?}"),
    };
    assert_eq!(asin, collected.entry.request.asin());
    collected.entry.label.clone()
}

#[tokio::test(start_paused = true)]
async fn d12_a_result_that_comes_twice_or_both_ways_is_given_once() {
    let (vendor, tasks, _) = start();
    tasks.post((0..3).map(task).collect()).await;
    let handles = pending(&tasks).await;
    let of_the_second = made(&vendor).into_iter().find(|made| made.tag().ends_with(":task-1")).unwrap();
    let received = tasks.receive(&postback(&of_the_second)).await.unwrap().unwrap();
    assert_eq!(number(&received), "task-1");
    let again = tasks.receive(&postback(&of_the_second)).await.unwrap().unwrap();
    assert_eq!(number(&again), "task-1", "until somebody says that it is stored");
    let collecting = tasks.collect(handles.clone(), HOUR);
    tasks.acknowledge(&received.entry.tag).await.unwrap();
    assert!(tasks.receive(&postback(&of_the_second)).await.unwrap().is_none());
    let mut collected: Vec<String> = collecting.map(|item| number(&item.unwrap())).collect().await;
    collected.sort();
    assert_eq!(collected, ["task-0", "task-2"], "the one that was received meanwhile is not given again");
    let on_purpose = tasks.ledger().entry(&received.entry.tag).await.unwrap().unwrap();
    assert_eq!(tasks.collect([on_purpose], HOUR).count().await, 1, "who asks for a stored one gets it");
}

#[tokio::test(start_paused = true)]
async fn d13_a_result_may_come_before_the_answer_to_the_post() {
    let (vendor, tasks, budget) = start();
    let posting = tokio::spawn({
        let tasks = tasks.clone();
        async move { tasks.post(vec![task(0)]).await }
    });
    while made(&vendor).is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    let price = Decimal::new(15, 4);
    assert_eq!((budget.spent(), budget.reserved()), (Decimal::ZERO, price), "it is under way");
    let collected = tasks.receive(&postback(&made(&vendor)[0])).await.unwrap().unwrap();
    assert_eq!(number(&collected), "task-0");
    assert!(!posting.is_finished());
    tasks.acknowledge(&collected.entry.tag).await.unwrap();
    let posted = posting.await.unwrap().remove(0);
    assert!(matches!(posted, Posted::Created { id, .. } if id.as_str() == made(&vendor)[0].id));
    assert_eq!((budget.spent(), budget.reserved()), (price, Decimal::ZERO), "counted once");
    let entry = tasks.ledger().entry(&collected.entry.tag).await.unwrap().unwrap();
    assert!(matches!(entry.state, State::Collected { .. }), "the later answer takes nothing back");
}

#[tokio::test(start_paused = true)]
async fn d13_a_result_settles_a_post_whose_answer_was_lost() {
    let (vendor, tasks, budget) = start();
    vendor.world().lose_answers = 2;
    let posted = tasks.post(vec![task(0), task(1)]).await;
    assert!(posted.iter().all(|posted| matches!(posted, Posted::Unknown { .. })), "{posted:?}");
    for made in made(&vendor) {
        assert!(tasks.receive(&postback(&made)).await.unwrap().is_some());
    }
    assert!(tasks.unsettled().await.unwrap().is_empty());
    assert_eq!((budget.spent(), budget.reserved()), (Decimal::new(25, 4), Decimal::ZERO));
    assert_eq!(tasks.settle().await.unwrap(), crate::Settlement::default());
    assert_eq!((pending(&tasks).await.len(), budget.spent()), (2, Decimal::new(25, 4)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_written_off_was_paid_for_after_all() {
    let price = Decimal::new(15, 4);
    for (how, spent) in [(WriteOff::NotMade, Decimal::ZERO), (WriteOff::Lost, price)] {
        let (vendor, tasks, budget) = start();
        vendor.world().lose_answers = 1;
        tasks.post(vec![task(0)]).await;
        let tag = tasks.unsettled().await.unwrap().remove(0).tag;
        if how == WriteOff::NotMade {
            let soon = tasks.write_off(&tag, how, "nothing in the dashboard").await.unwrap_err();
            assert!(soon.to_string().contains("may still be sent or be under way"), "the list lags: {soon}");
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        tasks.write_off(&tag, how, "nothing in the dashboard").await.unwrap();
        assert_eq!((budget.spent(), budget.reserved()), (spent, Decimal::ZERO), "{how:?}");
        let collected = tasks.receive(&postback(&made(&vendor)[0])).await.unwrap();
        assert_eq!(number(&collected.unwrap()), "task-0");
        assert_eq!((budget.spent(), budget.reserved()), (price, Decimal::ZERO), "{how:?}: once, not twice");
    }
}

#[tokio::test(start_paused = true)]
async fn d14_what_the_ledger_does_not_know_changes_nothing() {
    let (vendor, tasks, budget) = start();
    tasks.post(vec![task(0)]).await;
    vendor.world().foreign(3);
    let ours = made(&vendor)[0].clone();
    let renamed = Made { id: "another".to_owned(), ..ours.clone() };
    let unknown = Made { data: json!({"tag": Tag::unique(), "asin": "B000000000"}), ..ours.clone() };
    let untagged = Made { data: json!({"asin": "B000000000"}), ..ours.clone() };
    let before = (pending(&tasks).await, budget.spent());
    for other in made(&vendor).into_iter().skip(1).chain([renamed, unknown, untagged]) {
        assert!(tasks.receive(&postback(&other)).await.unwrap().is_none(), "{other:?}");
        let id = TaskId::new(&*other.id);
        let expected = tasks.ledger().expects(Delivery::new(&id, other.data["tag"].as_str())).await.unwrap();
        assert_eq!(expected, Expectation::Unknown, "{other:?}");
    }
    assert_eq!((pending(&tasks).await, budget.spent()), before);
    let id = TaskId::new(&*ours.id);
    let delivery = Delivery::new(&id, Some(ours.tag()));
    assert_eq!(tasks.ledger().expects(delivery).await.unwrap(), Expectation::Expected);
    assert_eq!(
        tasks.ledger().expects(delivery.within(1)).await.unwrap(),
        Expectation::Unknown,
        "a ledger has no parts"
    );
    tasks.acknowledge(&before.0[0].tag).await.unwrap();
    assert_eq!(tasks.ledger().expects(delivery).await.unwrap(), Expectation::Stored);
}

#[tokio::test(start_paused = true)]
async fn a_pingback_fetches_the_result() {
    let (vendor, tasks, _) = start();
    tasks.post(vec![task(1)]).await;
    let made = made(&vendor).remove(0);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("id", &made.id)
        .append_pair("tag", made.tag())
        .finish();
    let pingback = Pingback::from_query(&query).unwrap();
    vendor.world().made[0].done = jiff::Timestamp::MAX;
    assert_eq!(tasks.fetch(&pingback).await.unwrap_err().kind(), ErrorKind::Busy, "said too early");
    vendor.world().made[0].done = made.posted;
    assert_eq!(number(&tasks.fetch(&pingback).await.unwrap().unwrap()), "task-1");
}

#[tokio::test(start_paused = true)]
async fn d12_a_result_that_was_stored_while_it_was_fetched_is_nothing_to_store() {
    let (vendor, tasks, _) = start();
    tasks.post(vec![task(1)]).await;
    let made = made(&vendor).remove(0);
    vendor.world().made[0].done = made.posted;
    let pingback = Pingback { id: TaskId::new(&*made.id), tag: Some(made.tag().to_owned()) };
    let calls = vendor.world().calls.len();
    let fetching = tokio::spawn({
        let (tasks, pingback) = (tasks.clone(), pingback.clone());
        async move { tasks.fetch(&pingback).await }
    });
    while vendor.world().calls.len() == calls {
        sleep(Duration::from_millis(1)).await;
    }
    tasks.acknowledge(&pending(&tasks).await[0].tag).await.unwrap();
    assert!(fetching.await.unwrap().unwrap().is_none());
    assert!(tasks.fetch(&pingback).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_result_that_does_not_fit_is_given_as_such() {
    let (vendor, tasks, _) = start();
    tasks.post(vec![task(0)]).await;
    let made = made(&vendor).remove(0);
    let task = json!({"id": made.id, "status_code": 20000, "data": made.data, "result": "none"});
    let body = json!({"status_code": 20000, "tasks": [task]}).to_string();
    let postback = Postback::read(body.as_bytes(), &Caps::default()).unwrap();
    let collected = tasks.receive(&postback).await.unwrap().unwrap();
    assert!(
        matches!(&collected.result, TaskResult::Unreadable { raw: Some(raw), .. } if raw.contains("none")),
        "{collected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_posted_task_is_judged_as_a_collected_one() {
    for (code, expected) in [
        (json!(50000), Err(ErrorKind::Unavailable)),
        (json!(40202), Err(ErrorKind::Throttled)),
        (json!(40999), Err(ErrorKind::Rejected)),
        (json!(40401), Err(ErrorKind::Busy)),
        (json!(40601), Err(ErrorKind::Busy)),
        (json!(40602), Err(ErrorKind::Busy)),
        (Value::Null, Err(ErrorKind::Decode)),
        (json!(40102), Ok("empty")),
        (json!(40103), Ok("failed")),
        (json!(50401), Ok("failed")),
    ] {
        let (vendor, tasks, _) = start();
        tasks.post(vec![task(0)]).await;
        let (shelf, made) = (Shelf::default(), made(&vendor).remove(0));
        let postback = posted(&made, code.clone(), Value::Null);
        let word = tasks.receive(&postback).await.map(|collected| match collected.unwrap().result {
            TaskResult::Empty => "empty",
            TaskResult::Failed(_) => "failed",
            TaskResult::Unreadable { .. } => "unreadable",
            other => panic!("{other:?}"),
        });
        assert_eq!(word.map_err(|error| error.kind()), expected, "{code}");
        let is_stored = Intake::new(tasks.clone(), shelf.clone()).postback(postback).await.is_ok();
        assert_eq!(is_stored, matches!(expected, Ok("empty" | "failed")), "{code}");
        assert_eq!(shelf.0.lock().unwrap().len(), usize::from(is_stored), "{code}");
        assert_eq!(pending(&tasks).await.is_empty(), is_stored, "{code}: what is not stored stays pending");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_was_asked_for_as_a_page_is_given_as_text_and_not_acknowledged() {
    let (vendor, tasks, _) = start();
    let url = crate::WebhookUrl::new("https://shop.example/in?id=$id&tag=$tag").unwrap();
    let asin = "B000000000".parse().unwrap();
    let task = AsinTask::new(asin, Location::code(2840), Language::code("en_US")).postback(url, PostbackData::Html);
    tasks.post(vec![NewTask::new(task)]).await;
    let page = json!([{"asin": "B000000000", "items": [{"page": 1, "html": "<html>the page</html>"}]}]);
    let postback = posted(&made(&vendor)[0], json!(20000), page);
    let collected = tasks.receive(&postback).await.unwrap().unwrap();
    let TaskResult::Unreadable { raw: Some(raw), .. } = collected.result else { panic!("{collected:?}") };
    assert!(raw.contains("<html>the page</html>"));
    let shelf = Shelf::default();
    assert!(Intake::new(tasks.clone(), shelf.clone()).postback(postback).await.is_err());
    assert!(shelf.0.lock().unwrap().is_empty());
    assert_eq!(pending(&tasks).await.len(), 1);
}
