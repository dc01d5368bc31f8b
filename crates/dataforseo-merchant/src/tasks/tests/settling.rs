//! Settling, one rule at a time.

use super::{
    hooked::Hooked,
    pending,
    posting::{asins, short},
    task, tasks,
    vendor::Vendor,
};
use crate::{Budget, Entry, Ledger, MemoryLedger, Settlement, State, Tag, TaskId, Tasks, WriteOff};
use core_http::ErrorKind;
use futures_util::FutureExt;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Posts a task whose answer is lost; returns the vendor, which made it or not.
pub async fn lost(made: bool) -> (Vendor, Tasks, Budget) {
    lost_in(made, Arc::new(MemoryLedger::new())).await
}

async fn lost_in(made: bool, ledger: Arc<dyn Ledger>) -> (Vendor, Tasks, Budget) {
    let (vendor, budget) = (Vendor::new(7, 0.0), Budget::unlimited());
    vendor.world().start();
    let tasks = tasks(&vendor, ledger, &budget);
    if made {
        vendor.world().lose_answers = 1;
    } else {
        vendor.world().scripted.push(("task_post", 502, Value::Null));
    }
    assert_eq!(short(&tasks.post(asins(1)).await), ["unknown"]);
    (vendor, tasks, budget)
}

pub async fn counts(tasks: &Tasks) -> (usize, usize, usize) {
    let Settlement { created, absent, unknown } = tasks.settle().await.unwrap();
    (created.len(), absent.len(), unknown.len())
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_made_is_found_as_soon_as_it_is_listed() {
    let (vendor, tasks, budget) = lost(true).await;
    tokio::time::sleep(Duration::from_secs(130)).await;
    assert_eq!(counts(&tasks).await, (1, 0, 0));
    assert_eq!((budget.reserved(), budget.spent()), (Decimal::ZERO, Decimal::new(1, 3)), "what the list says it cost");
    let calls = vendor.world().calls.len();
    assert_eq!(counts(&tasks).await, (0, 0, 0));
    assert_eq!(vendor.world().calls.len(), calls, "nothing unknown, no call");
}

#[tokio::test(start_paused = true)]
async fn absence_needs_ten_minutes_and_a_known_task_that_was_sent_no_earlier() {
    let (vendor, tasks, budget) = lost(false).await;
    vendor.world().foreign(20);
    tokio::time::sleep(Duration::from_secs(1200)).await;
    assert_eq!(counts(&tasks).await, (0, 0, 1), "nothing of ours is in the list: it may be lagging");
    assert_eq!(short(&tasks.post(vec![task(1)]).await), ["created"]);
    assert_eq!(counts(&tasks).await, (0, 0, 1), "the known task is not listed yet");
    tokio::time::sleep(Duration::from_secs(130)).await;
    assert_eq!(counts(&tasks).await, (0, 1, 0));
    assert!(budget.reserved().is_zero());
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_task_is_not_absent_before_ten_minutes_have_passed() {
    let (_vendor, tasks, _) = lost(false).await;
    tasks.post(vec![task(1)]).await;
    tokio::time::sleep(Duration::from_secs(500)).await;
    assert_eq!(counts(&tasks).await, (0, 0, 1));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(counts(&tasks).await, (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_later_known_task_an_earlier_one_must_do_after_an_hour() {
    let (vendor, budget) = (Vendor::new(7, 0.0), Budget::unlimited());
    vendor.world().start();
    let tasks = tasks(&vendor, Arc::new(MemoryLedger::new()), &budget);
    assert_eq!(short(&tasks.post(vec![task(1)]).await), ["created"]);
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    vendor.world().scripted.push(("task_post", 502, Value::Null));
    assert_eq!(short(&tasks.post(asins(1)).await), ["unknown"]);
    tokio::time::sleep(Duration::from_secs(3500)).await;
    assert_eq!(counts(&tasks).await, (0, 0, 1));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(counts(&tasks).await, (0, 1, 0));
}

/// 3,000 rows that move from page to page while they are read.
#[tokio::test(start_paused = true)]
async fn a_list_of_many_pages_is_read_to_its_end() {
    let (vendor, tasks, _) = lost(true).await;
    vendor.world().foreign(3000);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(counts(&tasks).await, (1, 0, 0));
    let (vendor, tasks, _) = lost(false).await;
    vendor.world().foreign(3000);
    tasks.post(vec![task(1)]).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    vendor.world().foreign(1000);
    assert_eq!(counts(&tasks).await, (0, 1, 0));
    let world = vendor.world();
    let looks: Vec<Timestamp> = world.calls.iter().filter(|(_, name)| *name == "id_list").map(|(at, _)| *at).collect();
    assert!(looks.len() >= 8, "two looks of four pages");
    assert!(looks.windows(11).all(|calls| calls[10].duration_since(calls[0]).as_secs() >= 60), "10 calls a minute");
}

/// What was posted since need not be read where our own tasks of that time tell enough.
#[tokio::test(start_paused = true)]
async fn a_day_later_only_the_list_of_that_time_is_read() {
    let (vendor, tasks, _) = lost(false).await;
    tasks.post(vec![task(1)]).await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    vendor.world().foreign(3000);
    tokio::time::sleep(Duration::from_secs(200)).await;
    let calls = vendor.world().calls.len();
    assert_eq!(counts(&tasks).await, (0, 1, 0));
    assert_eq!(vendor.world().calls.len() - calls, 2, "two looks of a page");
    assert_eq!(vendor.world().violations, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_not_complete_proves_nothing() {
    let row = |metadata: Value| json!({"id": "foreign", "metadata": metadata});
    let answer = |rows: Value| json!({"status_code": 20000, "tasks": [{"status_code": 20000, "result": rows}]});
    for unreadable in [row(Value::Null), json!({"metadata": {}})] {
        let (vendor, tasks, _) = lost(false).await;
        tasks.post(vec![task(1)]).await;
        tokio::time::sleep(Duration::from_secs(700)).await;
        let known = vendor.world().made[0].clone();
        let ours = json!({"id": known.id, "metadata": known.data});
        // Of what was posted at about that time, and of what was until now.
        for _ in 0..2 {
            vendor.world().scripted.push(("id_list", 200, answer(json!([ours, unreadable]))));
        }
        assert_eq!(counts(&tasks).await, (0, 0, 1));
        // Pages that share no row: something may have slipped through between them.
        let page: Vec<Value> = (0..1000).map(|at| json!({"id": format!("row-{at}"), "metadata": {}})).collect();
        for rows in [json!(page), json!([ours]), json!(page), json!([ours])] {
            vendor.world().scripted.push(("id_list", 200, answer(rows)));
        }
        assert_eq!(counts(&tasks).await, (0, 0, 1));
        assert_eq!(counts(&tasks).await, (0, 1, 0));
    }
}

/// The first look proves absence; the second one shows the task, or proves nothing.
#[tokio::test(start_paused = true)]
async fn the_second_look_decides() {
    let answer = |rows: Value| json!({"status_code": 20000, "tasks": [{"status_code": 20000, "result": rows}]});
    let row = |made: &super::vendor::Made| json!({"id": made.id, "metadata": made.data, "cost": 0.001});
    let foreign = json!({"id": "foreign", "metadata": {}});
    for made in [true, false] {
        let (vendor, tasks, _) = lost(made).await;
        tasks.post(vec![task(1)]).await;
        tokio::time::sleep(Duration::from_secs(700)).await;
        let witness = row(vendor.world().made.last().unwrap());
        let second = match made {
            true => json!([witness, row(&vendor.world().made[0])]),
            false => json!([foreign]),
        };
        // What was posted at about that time does not prove it: what was until now does not either.
        let pairs = if made { 1 } else { 2 };
        for _ in 0..pairs {
            vendor.world().scripted.push(("id_list", 200, answer(json!([witness, foreign]))));
            vendor.world().scripted.push(("id_list", 200, answer(second.clone())));
        }
        let calls = vendor.world().calls.len();
        assert_eq!(counts(&tasks).await, if made { (1, 0, 0) } else { (0, 0, 1) }, "made: {made}");
        assert_eq!(vendor.world().calls.len() - calls, 2 * pairs, "two looks");
    }
}

/// It may be in the hands of another process.
#[tokio::test(start_paused = true)]
async fn an_intent_cannot_be_written_off_before_its_lease_has_ended() {
    let (vendor, budget) = (Vendor::new(7, 0.0), Budget::unlimited());
    vendor.world().start();
    let ledger = Arc::new(MemoryLedger::new());
    let tasks = tasks(&vendor, ledger.clone(), &budget);
    tasks.post(asins(1)).await;
    let made = pending(&tasks).await.remove(0);
    let now = vendor.world().wall();
    let not_after = now + Duration::from_secs(60);
    let tag = Tag::unique();
    let intent = Entry { tag: tag.clone(), sent: now, not_after, state: State::Intended, ..made };
    ledger.intend(&[intent]).await.unwrap();
    let error = tasks.write_off(&tag, WriteOff::NotMade, "nobody sends it").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.to_string().ends_with("may still be sent or be under way: write it off in 11m"), "{error}");
    assert_eq!(tasks.unsettled().await.unwrap().len(), 1);
    tokio::time::sleep(Duration::from_secs(60 + 599)).await;
    let error = tasks.write_off(&tag, WriteOff::NotMade, "nobody sends it").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request, "it may be under way");
    tokio::time::sleep(Duration::from_secs(1)).await;
    tasks.write_off(&tag, WriteOff::NotMade, "nobody sent it").await.unwrap();
    assert!(tasks.unsettled().await.unwrap().is_empty());
}

/// Somebody else, such as the receiver of webhooks, learns that the task was made before it is called absent.
#[tokio::test(start_paused = true)]
async fn a_task_that_turned_out_to_be_made_meanwhile_is_not_called_absent() {
    let overtaken = Hooked::new().recording(|memory, changes| {
        for (tag, _) in changes.iter().filter(|(_, state)| *state == State::Absent) {
            let created = State::Created { id: TaskId::new("posted-back"), cost: Decimal::new(2, 3) };
            memory.record(&[(tag.clone(), created)]).now_or_never().unwrap()?;
        }
        Ok(())
    });
    let (_vendor, tasks, budget) = lost_in(false, Arc::new(overtaken)).await;
    tasks.post(vec![task(1)]).await;
    let spent = budget.spent();
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert_eq!(counts(&tasks).await, (0, 0, 0));
    assert_eq!((budget.spent() - spent, budget.reserved()), (Decimal::new(2, 3), Decimal::ZERO), "at what it cost");
    assert!(pending(&tasks).await.iter().any(|entry| entry.state.id() == Some(&TaskId::new("posted-back"))));
}
