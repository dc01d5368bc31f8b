//! Webhooks, one rule at a time. Rows of the fault matrix are named.

use super::{
    pending, task, tasks,
    vendor::{Made, Vendor},
};
use crate::{
    Budget, Collected, MemoryLedger, Posted, State, Tag, TaskId, TaskResult, Tasks,
    webhook::{Caps, Expectation, Expects, Pingback, Postback},
};
use core_http::ErrorKind;
use futures_util::StreamExt;
use rust_decimal::Decimal;
use serde_json::json;
use std::{sync::Arc, time::Duration};
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
    let task = json!({"id": made.id, "status_code": 20000, "cost": 0, "data": made.data, "result": result});
    let body = json!({"status_code": 20000, "tasks": [task]});
    Postback::read(body.to_string().as_bytes(), &Caps::default()).unwrap()
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
    let (vendor, tasks, budget) = start();
    vendor.world().lose_answers = 1;
    tasks.post(vec![task(0)]).await;
    let tag = tasks.unsettled().await.unwrap().remove(0).tag;
    tasks.write_off(&tag).await.unwrap();
    assert_eq!((budget.spent(), budget.reserved()), (Decimal::ZERO, Decimal::ZERO));
    let collected = tasks.receive(&postback(&made(&vendor)[0])).await.unwrap();
    assert_eq!(number(&collected.unwrap()), "task-0");
    assert_eq!((budget.spent(), budget.reserved()), (Decimal::new(15, 4), Decimal::ZERO));
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
        let expected = tasks.ledger().expects(&TaskId::new(&*other.id), other.data["tag"].as_str()).await.unwrap();
        assert_eq!(expected, Expectation::Unknown, "{other:?}");
    }
    assert_eq!((pending(&tasks).await, budget.spent()), before);
    let expected = tasks.ledger().expects(&TaskId::new(&*ours.id), Some(ours.tag())).await.unwrap();
    assert_eq!(expected, Expectation::Expected);
    tasks.acknowledge(&before.0[0].tag).await.unwrap();
    let stored = tasks.ledger().expects(&TaskId::new(&*ours.id), Some(ours.tag())).await.unwrap();
    assert_eq!(stored, Expectation::Stored);
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
async fn a_result_that_does_not_fit_is_given_as_such() {
    let (vendor, tasks, _) = start();
    tasks.post(vec![task(0)]).await;
    let made = made(&vendor).remove(0);
    let task = json!({"id": made.id, "status_code": 20000, "data": made.data, "result": "none"});
    let body = json!({"status_code": 20000, "tasks": [task]}).to_string();
    let postback = Postback::read(body.as_bytes(), &Caps::default()).unwrap();
    let collected = tasks.receive(&postback).await.unwrap().unwrap();
    assert!(matches!(collected.result, TaskResult::Unreadable(_)), "{collected:?}");
}
