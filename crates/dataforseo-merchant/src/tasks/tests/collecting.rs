//! Collecting, one rule at a time. Rows of the fault matrix are named.

use super::{pending, task, tasks, vendor::Vendor};
use crate::{Budget, Cadence, Collected, MemoryLedger, Posted, TaskResult, Tasks};
use core_http::ErrorKind;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

async fn posted(count: usize) -> (Vendor, Tasks) {
    let vendor = Vendor::new(11, 0.0);
    vendor.world().start();
    let tasks = tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
    vendor.world().foreign(7);
    let posted = tasks.post((0..count).map(task).collect()).await;
    assert!(posted.iter().all(|posted| matches!(posted, Posted::Created { .. })));
    (vendor, tasks)
}

async fn collect(tasks: &Tasks, patience: Duration) -> Vec<core_http::Result<Collected>> {
    tasks.collect(pending(tasks).await, patience).collect().await
}

fn calls(vendor: &Vendor, name: &str) -> usize {
    vendor.world().calls.iter().filter(|(_, called)| *called == name).count()
}

fn task_get(code: u32, result: Value) -> (&'static str, u16, Value) {
    let task = json!({"id": "1", "status_code": code, "status_message": "words", "result": result});
    ("task_get", 200, json!({"status_code": 20000, "tasks": [task]}))
}

#[tokio::test(start_paused = true)]
async fn d10_a_few_tasks_are_asked_for_until_they_are_done() {
    let (vendor, tasks) = posted(5).await;
    let lists = calls(&vendor, "tasks_ready");
    let collected = collect(&tasks, HOUR).await;
    assert_eq!(collected.len(), 5);
    for collected in collected {
        let collected = collected.unwrap();
        let asin = match &collected.result {
            TaskResult::Asin(result) => result.asin,
            TaskResult::Sellers(result) => result.asin,
            other => panic!("{other:?}"),
        };
        assert_eq!(asin, collected.entry.request.asin());
        tasks.acknowledge(&collected.entry.tag).await.unwrap();
    }
    assert!(pending(&tasks).await.is_empty());
    assert_eq!(calls(&vendor, "tasks_ready"), lists, "the list of 20 calls a minute is left alone");
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn d7_d8_many_are_looked_up_in_the_list_and_foreign_ones_left_alone() {
    let (vendor, tasks) = posted(300).await;
    assert_eq!(collect(&tasks, HOUR).await.iter().filter(|collected| collected.is_ok()).count(), 300);
    let world = vendor.world();
    assert_eq!(world.violations, Vec::<String>::new());
    assert!(world.made.iter().all(|made| made.collected != made.tag().starts_with("other/")));
    let lists: Vec<_> = world.calls.iter().filter(|(_, name)| *name == "tasks_ready").collect();
    assert!(lists.len() > 2);
    assert!(lists.windows(21).all(|calls| calls[20].0.duration_since(calls[0].0).as_secs() >= 60), "20 calls a minute");
}

#[tokio::test(start_paused = true)]
async fn d9_what_has_left_the_list_after_three_days_is_asked_for_by_id() {
    let (vendor, tasks) = posted(60).await;
    tokio::time::sleep(HOUR * 24 * 4).await;
    assert_eq!(collect(&tasks, HOUR).await.iter().filter(|collected| collected.is_ok()).count(), 60);
    assert!(vendor.world().calls.iter().any(|(_, name)| *name == "tasks_ready"), "60 are looked up in the list first");
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn d8_a_thousand_foreign_rows_hide_ours_and_they_are_asked_for_by_id() {
    let vendor = Vendor::new(12, 0.0);
    vendor.world().start();
    vendor.world().foreign(2500);
    let tasks = tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
    tasks.post((0..60).map(task).collect()).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(collect(&tasks, HOUR).await.iter().filter(|collected| collected.is_ok()).count(), 60);
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn when_patience_ends_what_is_pending_can_be_collected_by_another_process() {
    let (_vendor, tasks) = posted(10).await;
    let start = tokio::time::Instant::now();
    let first = collect(&tasks, Duration::from_secs(200)).await;
    assert!(start.elapsed() <= Duration::from_secs(203));
    assert!(!first.is_empty() && first.len() < 10, "{}", first.len());
    let second = collect(&tasks, HOUR).await;
    let ids: HashSet<_> =
        first.iter().chain(&second).map(|collected| collected.as_ref().unwrap().entry.tag.clone()).collect();
    assert_eq!((ids.len(), second.len()), (10, 10), "what nobody acknowledged is given again");
}

#[tokio::test(start_paused = true)]
async fn the_first_look_and_the_pace_are_settings() {
    let (vendor, tasks) = posted(1).await;
    vendor.world().made.last_mut().unwrap().done = jiff::Timestamp::MAX;
    let cadence = Cadence { first: Duration::from_secs(10), longest: Duration::from_secs(20) };
    let tasks = tasks.with(|settings| settings.cadence = Some(cadence));
    assert!(collect(&tasks, Duration::from_secs(120)).await.is_empty());
    let times: Vec<_> =
        vendor.world().calls.iter().filter(|(_, name)| *name == "task_get").map(|(at, _)| *at).collect();
    let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!(pauses.len() >= 4 && pauses.iter().all(|pause| (13..=23).contains(pause)), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn d16_every_end_of_a_task_is_a_value() {
    for (code, result, expected) in [
        (20000, Value::Null, "empty"),
        (20000, json!([]), "empty"),
        (40102, json!([{"items": null}]), "empty"),
        (40103, Value::Null, "failed"),
        (40403, Value::Null, "failed"),
        (50402, Value::Null, "failed"),
        (20000, json!("none"), "unreadable"),
    ] {
        let (vendor, tasks) = posted(1).await;
        vendor.world().scripted.push(task_get(code, result));
        let collected = collect(&tasks, HOUR).await.remove(0).unwrap();
        let word = match &collected.result {
            TaskResult::Empty => "empty",
            TaskResult::Failed(fault) if fault.code == code.to_string() => "failed",
            TaskResult::Unreadable { error, .. } if error.kind() == ErrorKind::Decode => "unreadable",
            other => panic!("{code}: {other:?}"),
        };
        assert_eq!(word, expected, "{code}");
        assert_eq!(pending(&tasks).await.len(), 1, "until its result is acknowledged");
    }
}

/// A proxy's answer, a redirect to its login, a wrong path: the task is still there, and its result is still ours.
#[tokio::test(start_paused = true)]
async fn what_does_not_speak_of_the_task_does_not_end_it() {
    let refusal = |code: u32| json!({"status_code": code, "status_message": "words", "tasks": null});
    for (status, body) in [
        (404, json!("Not Found")),
        (302, json!("Found")),
        (400, json!({"error": "bad gateway request"})),
        (404, refusal(40400)),
        (200, refusal(40402)),
        (200, refusal(40501)),
        (200, refusal(40999)),
        (403, refusal(40777)),
        (200, task_get(40999, Value::Null).2),
    ] {
        let (vendor, tasks) = posted(1).await;
        vendor.world().scripted.push(("task_get", status, body.clone()));
        let collected = collect(&tasks, HOUR).await;
        assert!(matches!(&collected[..], [Err(_)]), "{status}: {collected:?}");
        assert!(matches!(collect(&tasks, HOUR).await[..], [Ok(_)]), "{status}: collected by the next try");
        // It may be about this one task alone: the others have their results.
        let (vendor, tasks) = posted(3).await;
        vendor.world().scripted.push(("task_get", status, body));
        let ended = collect(&tasks, HOUR).await;
        let is_refused_to_all = status == 403;
        assert!(is_refused_to_all || matches!(ended[..], [Ok(_), Ok(_), Ok(_)]), "{status}: {ended:?}");
    }
}

/// A gateway's page, no body, an answer without a task: looked at again, in this very call.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_at_all_is_looked_at_again() {
    let no_task = json!({"status_code": 20000, "tasks": []});
    let odd_code = task_get(10000, Value::Null).2;
    for body in [json!("<html>Please log in</html>"), json!(""), json!([]), no_task, odd_code] {
        let (vendor, tasks) = posted(1).await;
        vendor.world().scripted.push(("task_get", 200, body.clone()));
        let collected = collect(&tasks, HOUR).await;
        assert!(matches!(&collected[..], [Ok(Collected { result: TaskResult::Asin(_), .. })]), "{body}: {collected:?}");
    }
    let (vendor, tasks) = posted(1).await;
    vendor.world().scripted.extend((0..200).map(|_| ("task_get", 200, json!("<html>"))));
    let collected = collect(&tasks, Duration::from_secs(100)).await;
    assert!(matches!(&collected[..], [Err(error)] if error.kind() == ErrorKind::Decode), "{collected:?}");
    assert_eq!(pending(&tasks).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn d11_a_new_task_may_not_be_known_yet() {
    let (vendor, tasks) = posted(1).await;
    vendor.world().scripted.push(task_get(40401, Value::Null));
    let collected = collect(&tasks, HOUR).await.remove(0).unwrap();
    assert!(matches!(collected.result, TaskResult::Asin(_)), "asked again");
    // After ten minutes it is lost, and the money with it.
    let (vendor, tasks) = posted(1).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    vendor.world().scripted.push(task_get(40401, Value::Null));
    let collected = collect(&tasks, HOUR).await.remove(0).unwrap();
    assert!(matches!(collected.result, TaskResult::Failed(fault) if fault.code == "40401"));
}

#[tokio::test(start_paused = true)]
async fn passing_failures_are_waited_out_and_lasting_ones_end_the_stream() {
    let (vendor, tasks) = posted(2).await;
    for _ in 0..6 {
        vendor.world().scripted.push(("task_get", 502, Value::Null));
    }
    assert_eq!(collect(&tasks, HOUR).await.iter().filter(|collected| collected.is_ok()).count(), 2);

    let (vendor, tasks) = posted(2).await;
    let refusal = json!({"status_code": 40100, "status_message": "words", "tasks": null});
    vendor.world().scripted.push(("task_get", 401, refusal));
    let collected = collect(&tasks, HOUR).await;
    let errors: Vec<ErrorKind> = collected.iter().filter_map(|item| item.as_ref().err()).map(|e| e.kind()).collect();
    assert_eq!(errors, [ErrorKind::Auth]);
    assert_eq!(pending(&tasks).await.len(), 2);

    let (vendor, tasks) = posted(1).await;
    for _ in 0..200 {
        vendor.world().scripted.push(("task_get", 502, Value::Null));
    }
    let collected = collect(&tasks, Duration::from_secs(100)).await;
    assert!(matches!(&collected[..], [Err(error)] if error.kind() == ErrorKind::Unavailable), "{collected:?}");
}

/// The handles are text in between, and the other process has a ledger of its own.
#[tokio::test(start_paused = true)]
async fn what_is_pending_at_the_deadline_is_collected_by_another_process_from_its_handles() {
    let (vendor, one) = posted(20).await;
    let mut results = one.collect(pending(&one).await, Duration::from_secs(150));
    let mut first = HashSet::new();
    while let Some(collected) = results.next().await {
        first.insert(collected.unwrap().entry.tag);
    }
    let handles = serde_json::to_string(&results.pending()).unwrap();
    assert!(!first.is_empty() && first.len() < 20, "{}", first.len());

    let other = super::tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
    let handles: Vec<crate::Entry> = serde_json::from_str(&handles).unwrap();
    assert!(handles.windows(2).all(|pair| pair[0].sent <= pair[1].sent), "the oldest first");
    assert_eq!(handles.len(), 20 - first.len());
    let mut results = other.collect(handles, HOUR);
    while let Some(collected) = results.next().await {
        assert!(first.insert(collected.unwrap().entry.tag), "each once");
    }
    assert_eq!((first.len(), results.pending().len()), (20, 0));
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

/// Row D8: another program's rows fill the list, so that it shows none of ours.
#[tokio::test(start_paused = true)]
async fn d8_behind_a_full_list_many_are_asked_for_by_id() {
    let vendor = Vendor::new(13, 0.0);
    vendor.world().start();
    vendor.world().foreign(5000);
    let tasks = tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
    tasks.post((0..600).map(task).collect()).await;
    tokio::time::sleep(HOUR).await;
    let start = tokio::time::Instant::now();
    assert_eq!(collect(&tasks, HOUR).await.iter().filter(|collected| collected.is_ok()).count(), 600);
    assert!(start.elapsed() < Duration::from_secs(900), "200 at a time: {:?}", start.elapsed());
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

/// The list is asked 20 times a minute at most and urgent tasks are waited for: so more of these are asked for by id.
#[tokio::test(start_paused = true)]
async fn urgent_tasks_are_asked_for_by_id_where_others_are_looked_up() {
    for (mode, listed) in [(crate::Mode::Priority, false), (crate::Mode::Standard, true)] {
        let vendor = Vendor::new(14, 0.0);
        vendor.world().start();
        let tasks = tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
        let tasks = tasks.with(|settings| settings.mode = Some(mode));
        tasks.post((0..150).map(task).collect()).await;
        let before = calls(&vendor, "tasks_ready");
        assert_eq!(collect(&tasks, HOUR).await.len(), 150);
        assert_eq!(calls(&vendor, "tasks_ready") > before, listed, "{mode:?}");
    }
}
