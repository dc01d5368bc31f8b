//! Posting a stream: order, laziness, several calls at once, and what stops it.

use super::{
    pending,
    posting::{answers, asins, created, ready, refused, short},
    task,
};
use crate::{Budget, Builder, DfsClient, Ledger, MemoryLedger, NewTask, Outcome, Posted, State, Tag, TaskId, Tasks};
use async_trait::async_trait;
use core_http::{
    Request, Response, Transport, TransportError,
    testing::{Script, response},
};
use futures_util::{StreamExt, pin_mut, stream};
use rust_decimal::Decimal;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Counts the calls that are under way.
#[derive(Debug)]
struct Counting {
    script: Arc<Script>,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let answer = self.script.send(request).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

fn client(script: &Arc<Script>) -> DfsClient {
    Builder::new("login", "password").transport(script.clone()).build().unwrap()
}

/// Tasks over a vendor that makes everything, half a second after it is asked.
fn all_made() -> (Arc<Script>, Tasks) {
    let script = Arc::new(Script::new());
    script.delay(Duration::from_millis(500));
    script.then(|_| Ok(ready()));
    script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    let tasks = Tasks::new(client(&script), Arc::new(MemoryLedger::new()), Budget::unlimited());
    (script, tasks)
}

fn bodies(script: &Script) -> Vec<Vec<Value>> {
    script.seen()[1..].iter().map(|request| serde_json::from_slice(request.body()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn several_calls_are_under_way_and_outcomes_keep_their_order() {
    let (script, tasks) = all_made();
    let counting = Arc::new(Counting { script, now: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let client = Builder::new("login", "password").transport(counting.clone()).build().unwrap();
    let tasks = Tasks::new(client, tasks.ledger, Budget::unlimited()).with(|settings| settings.calls = 4);
    let start = tokio::time::Instant::now();
    let outcomes: Vec<Outcome> = tasks.post_all(stream::iter((0..2000).map(task))).collect().await;
    let labels: Vec<String> = outcomes.iter().map(|outcome| outcome.task.note().to_owned()).collect();
    assert_eq!(labels, (0..2000).map(|number| format!("task-{number}")).collect::<Vec<_>>());
    assert!(outcomes.iter().all(|outcome| matches!(outcome.posted, Posted::Created { .. })));
    assert_eq!(counting.most.load(Ordering::SeqCst), 4, "one call first, then more, never above the setting");
    assert!(start.elapsed() < Duration::from_secs(5), "20 calls of half a second each: {:?}", start.elapsed());
    assert_eq!(counting.script.sent(), 21, "every call is full");
}

#[tokio::test(start_paused = true)]
async fn an_endless_input_is_read_only_as_far_as_the_calls_need() {
    let (_script, tasks) = all_made();
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    let endless = stream::repeat_with(move || task(counter.fetch_add(1, Ordering::SeqCst)));
    let outcomes = tasks.post_all(endless);
    pin_mut!(outcomes);
    assert_eq!(read.load(Ordering::SeqCst), 0, "nothing happens before it is polled");
    for number in 1..5000_usize {
        assert!(matches!(outcomes.next().await.unwrap().posted, Posted::Created { .. }));
        let ahead = read.load(Ordering::SeqCst) - number;
        assert!(ahead <= 2 * 8 * 100, "{ahead} tasks are held after {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_input_is_not_waited_for() {
    let (script, tasks) = all_made();
    let slow = stream::iter(0..10).then(|number| async move {
        let pause = if number % 5 == 0 { 60 } else { 0 };
        tokio::time::sleep(Duration::from_secs(pause)).await;
        task(number * 2)
    });
    let outcomes = tasks.post_all(slow);
    pin_mut!(outcomes);
    let start = tokio::time::Instant::now();
    outcomes.next().await.unwrap();
    assert!((61..=65).contains(&start.elapsed().as_secs()), "a second after the fifth task: {:?}", start.elapsed());
    assert_eq!(outcomes.collect::<Vec<_>>().await.len(), 9);
    assert_eq!(bodies(&script).iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn no_task_waits_for_an_input_that_trickles() {
    let (script, tasks) = all_made();
    let trickle = stream::iter(0..30).then(|number| async move {
        tokio::time::sleep(Duration::from_millis(900)).await;
        task(number * 2)
    });
    let outcomes = tasks.post_all(trickle);
    pin_mut!(outcomes);
    let start = tokio::time::Instant::now();
    outcomes.next().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(4), "a second after the first task: {:?}", start.elapsed());
    assert_eq!(outcomes.collect::<Vec<_>>().await.len(), 29);
    assert!(bodies(&script).iter().all(|body| body.len() <= 3), "{}", script.sent());
}

#[tokio::test(start_paused = true)]
async fn calls_are_bounded_by_their_bytes_too() {
    let (script, tasks) = all_made();
    let tasks = tasks.with(|settings| settings.body = 1000);
    assert!(tasks.post(asins(50)).await.iter().all(|posted| matches!(posted, Posted::Created { .. })));
    let lengths: Vec<usize> = script.seen()[1..].iter().map(|request| request.body().len()).collect();
    let (last, full) = lengths.split_last().unwrap();
    assert!(full.len() > 5 && full.iter().all(|length| (500..=1000).contains(length)) && *last <= 1000, "{lengths:?}");
    // What is longer by itself goes alone.
    let tasks = tasks.with(|settings| settings.body = 10);
    assert_eq!(short(&tasks.post(asins(2)).await), ["created"; 2]);
}

#[tokio::test(start_paused = true)]
async fn after_the_money_has_run_out_the_rest_of_the_input_is_given_back() {
    let script = Arc::new(Script::new());
    script.then(|_| Ok(ready()));
    script.then(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    script.then(|_| Ok(response(200, r#"{"status_code":40203,"status_message":"words","tasks":null}"#)));
    let tasks = Tasks::new(client(&script), Arc::new(MemoryLedger::new()), Budget::unlimited());
    let tasks = tasks.with(|settings| settings.calls = 1);
    let outcomes: Vec<Outcome> = tasks.post_all(stream::iter(asins(5000))).collect().await;
    assert_eq!((outcomes.len(), script.sent()), (5000, 3));
    let made = outcomes.iter().filter(|outcome| matches!(outcome.posted, Posted::Created { .. })).count();
    assert_eq!((made, pending(&tasks).await.len()), (100, 100));
    let Posted::NotSent { error } = &outcomes[4999].posted else { panic!("{:?}", outcomes[4999]) };
    let clears = error.to_string();
    assert!(clears.contains("40203") && clears.contains("clears at 20") && clears.contains("T00:00:00Z"), "{clears}");
    assert_eq!(outcomes[4999].task, asins(5000)[4999], "to be posted later");
}

/// Row K7, with several calls under way.
#[tokio::test(start_paused = true)]
async fn k7_a_dropped_stream_leaves_no_call_without_its_outcome() {
    let (script, tasks) = all_made();
    {
        let outcomes = tasks.post_all(stream::iter(asins(5000)));
        pin_mut!(outcomes);
        for _ in 0..150 {
            outcomes.next().await.unwrap();
        }
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let sent: usize = bodies(&script).iter().map(Vec::len).sum();
    assert!((300..=1500).contains(&sent), "{sent} were sent");
    assert_eq!(pending(&tasks).await.len(), sent);
    assert!(tasks.unsettled().await.unwrap().is_empty());
}

/// Row D13: the receiver of postbacks learns of a task before its POST has an answer.
#[tokio::test(start_paused = true)]
async fn d13_an_outcome_that_is_learnt_twice_counts_once() {
    let script = Arc::new(Script::new());
    let ledger = Arc::new(MemoryLedger::new());
    script.then(|_| Ok(ready()));
    let receiver = ledger.clone();
    script.then(move |request| {
        Ok(answers(request, |at, task| {
            let tag = Tag::new(&task["tag"].as_str().unwrap()[..37]).unwrap();
            let state = State::Collected { id: TaskId::new(format!("id-{at}")), cost: Decimal::new(15, 4) };
            futures_util::FutureExt::now_or_never(receiver.record(&[(tag, state)])).unwrap().unwrap();
            Some(created(at, task))
        }))
    });
    let budget = Budget::unlimited();
    let tasks = Tasks::new(client(&script), ledger, budget.clone());
    assert_eq!(short(&tasks.post(asins(2)).await), ["created"; 2]);
    assert_eq!((budget.spent(), budget.reserved()), (Decimal::new(30, 4), Decimal::ZERO));
    assert!(pending(&tasks).await.is_empty(), "what the receiver has stored is not collected again");
}

/// Row D5: money in a task's own answer; what the call has made is kept, and no other call is made.
#[tokio::test(start_paused = true)]
async fn d5_a_refused_task_stops_the_stream() {
    let script = Arc::new(Script::new());
    script.then(|_| Ok(ready()));
    let poor = |at, task| Some(if at < 99 { created(at, task) } else { refused(40210, task) });
    script.then(move |request| Ok(answers(request, poor)));
    let tasks = Tasks::new(client(&script), Arc::new(MemoryLedger::new()), Budget::unlimited());
    let posted = tasks.post(asins(101)).await;
    assert_eq!(short(&posted[98..]), ["created", "rejected", "not sent"]);
    assert_eq!(script.sent(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_polled_any_more_holds_nobody_up() {
    let (_script, tasks) = all_made();
    let settling = tasks.shared.calls.write().await;
    let outcomes = tasks.post_all(stream::iter(asins(1)));
    pin_mut!(outcomes);
    assert!(tokio::time::timeout(Duration::from_secs(5), outcomes.next()).await.is_err(), "it waits for its turn");
    drop(settling);
    let unsettled = tokio::time::timeout(Duration::from_secs(60), tasks.unsettled()).await;
    assert!(unsettled.expect("its turn ends by itself").unwrap().is_empty());
    assert!(matches!(outcomes.next().await.unwrap().posted, Posted::Created { .. }));
}

#[tokio::test(start_paused = true)]
async fn nothing_to_post_makes_no_call() {
    let (script, tasks) = all_made();
    assert!(tasks.post(Vec::<NewTask>::new()).await.is_empty());
    assert_eq!(script.sent(), 0);
}
