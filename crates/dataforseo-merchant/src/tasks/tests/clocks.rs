//! Row K6: machines that were suspended, clocks that were set. Nothing begins to be sent after its lease has ended, what
//! left late because the machine slept while it was being sent counts from when that was learnt, and nothing is taken for
//! absent too early.

use super::{
    by_the_wall,
    hooked::Hooked,
    pending,
    posting::{answers, asins, created, ready, short},
    settling::{counts, lost},
    task, tasks,
    vendor::Vendor,
};
use crate::{Budget, Builder, Ledger, MemoryLedger, Stage, TaskResult, Tasks};
use async_trait::async_trait;
use core_http::{
    Caller, Late, Lesson, Limit, Permit, RateLimit, Request, Response, Transport, TransportError, testing::Script,
};
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// A wall clock that goes on with the paused time, and further while the machine is suspended.
#[derive(Debug, Clone, Default)]
struct Wall(Arc<AtomicI64>);

impl Wall {
    /// For longer than a POST may be sent.
    fn suspend(&self) {
        self.0.fetch_add(190, Ordering::SeqCst);
    }

    fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let (wall, first, start) = (self.0.clone(), Timestamp::now(), Instant::now());
        move || first + start.elapsed() + SignedDuration::from_secs(wall.load(Ordering::SeqCst))
    }
}

/// Where the machine is suspended, the first time that it passes there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    InTheLedger,
    UnderTheLimits,
}

/// No limits, under which something happens to the second call: the first is the one that hears the clock.
#[derive(Debug)]
struct Waiting(Option<Wall>, AtomicUsize);

#[async_trait]
impl RateLimit for Waiting {
    async fn acquire(&self, _: &Caller, _: &[Limit], _: Instant) -> Result<Permit, Late> {
        if self.1.fetch_add(1, Ordering::SeqCst) == 1 {
            self.0.iter().for_each(Wall::suspend);
        }
        Ok(Permit::free())
    }
    fn learn(&self, _: &Caller, _: &Lesson) {}
}

fn all_made() -> Arc<Script> {
    let script = Arc::new(Script::new());
    script.then(|_| Ok(ready()));
    script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    script
}

#[tokio::test(start_paused = true)]
async fn k6_what_a_suspended_machine_would_send_too_late_is_refused_and_intended_anew() {
    for place in [Place::InTheLedger, Place::UnderTheLimits] {
        let (script, wall, budget) = (all_made(), Wall::default(), Budget::unlimited());
        let once = (AtomicUsize::new(0), wall.clone());
        let ledger = Arc::new(Hooked::new().intending(move |_, _| {
            if place == Place::InTheLedger && once.0.fetch_add(1, Ordering::SeqCst) == 0 {
                once.1.suspend();
            }
            Ok(())
        }));
        let limits = Waiting((place == Place::UnderTheLimits).then(|| wall.clone()), AtomicUsize::new(0));
        let client = Builder::new("login", "password").transport(script.clone()).limits(Arc::new(limits));
        let tasks = Tasks::new(client.build().unwrap(), ledger.clone(), budget.clone());
        let tasks = by_the_wall(tasks, wall.clock());
        assert_eq!(short(&tasks.post(asins(2)).await), ["created"; 2], "{place:?}");
        let counts = ledger.counts().await.unwrap();
        assert_eq!((counts[&Stage::Rejected], counts[&Stage::Created]), (2, 2), "{place:?}");
        assert_eq!((script.sent(), budget.reserved().is_zero()), (2, true), "{place:?}: the second intents alone left");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_waited_for_before_the_intent_takes_nothing_from_its_lease() {
    let wall = Wall::default().clock();
    let client = Builder::new("login", "password").transport(all_made()).build().unwrap();
    let tasks = by_the_wall(Tasks::new(client, Arc::new(MemoryLedger::new()), Budget::unlimited()), wall);
    let settling = tasks.shared.calls.write().await;
    let posting = tokio::spawn({
        let tasks = tasks.clone();
        async move { tasks.post(asins(1)).await }
    });
    sleep(Duration::from_secs(3600)).await;
    assert!(tasks.ledger.counts().await.unwrap().is_empty(), "no intent stands while it waits");
    let before = tasks.shared.clock.wall();
    drop(settling);
    assert_eq!(short(&posting.await.unwrap()), ["created"]);
    let entry = pending(&tasks).await.remove(0);
    assert!(entry.sent >= before && entry.not_after == entry.sent + Duration::from_secs(60), "{entry:?}");
}

#[tokio::test(start_paused = true)]
async fn k6_a_clock_that_was_set_forward_does_not_shorten_the_ten_minutes() {
    for ours in [true, false] {
        let (vendor, tasks, _) = lost(false).await;
        tasks.post(vec![task(1)]).await;
        sleep(Duration::from_secs(300)).await;
        let hour = SignedDuration::from_hours(1);
        {
            let mut world = vendor.world();
            if ours {
                world.skew -= hour;
            } else {
                world.pass(Duration::from_secs(3600));
                world.start();
                world.skew += hour;
            }
        }
        assert_eq!(counts(&tasks).await, (0, 0, 1), "ours: {ours}");
        sleep(Duration::from_secs(300)).await;
        assert_eq!(counts(&tasks).await, (0, 1, 0), "ours: {ours}");
    }
}

/// A vendor to which the machine is connecting when it is suspended for two hours: the POST leaves when it wakes.
#[derive(Debug)]
struct Connecting(Vendor, AtomicBool);

#[async_trait]
impl Transport for Connecting {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.uri().path().contains("task_post") && self.1.swap(false, Ordering::SeqCst) {
            let mut world = self.0.world();
            world.pass(Duration::from_secs(7200));
            world.start();
            world.lose_answers = 1;
        }
        self.0.send(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn k6_what_left_when_the_machine_woke_is_gone_since_then_and_not_since_its_lease_ended() {
    let vendor = Vendor::new(7, 0.0);
    vendor.world().start();
    let connecting = Arc::new(Connecting(vendor.clone(), AtomicBool::new(false)));
    let client = Builder::new("login", "password").transport(connecting.clone()).build().unwrap();
    let world = vendor.clone();
    let tasks = Tasks::new(client, Arc::new(MemoryLedger::new()), Budget::unlimited());
    let tasks = by_the_wall(tasks, move || world.world().wall());
    assert_eq!(short(&tasks.post(vec![task(1)]).await), ["created"]);
    sleep(Duration::from_secs(200)).await;
    connecting.1.store(true, Ordering::SeqCst);
    assert_eq!(short(&tasks.post(asins(1)).await), ["unknown"]);
    let listed = {
        let mut world = vendor.world();
        let listed = world.now() + SignedDuration::from_mins(5);
        world.made.last_mut().unwrap().listed = listed;
        listed
    };
    assert_eq!(counts(&tasks).await, (0, 0, 1), "the list lags behind what left a moment ago");
    let lag = listed.duration_since(vendor.world().now());
    sleep(Duration::try_from(lag).unwrap()).await;
    assert_eq!(counts(&tasks).await, (1, 0, 0));
}

/// The second machine's clock is eleven minutes ahead, and the first thing that it hears is that the task is not known.
#[tokio::test(start_paused = true)]
async fn k6_a_task_that_is_not_known_yet_is_awaited_by_the_vendors_clock() {
    let vendor = Vendor::new(7, 0.0);
    vendor.world().start();
    let first = tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
    first.post(asins(1)).await;
    let handle = pending(&first).await.remove(0);
    let not_known = serde_json::json!({
        "status_code": 20000,
        "tasks": [{"id": "x", "status_code": 40401, "status_message": "words", "cost": 0, "result": null}],
    });
    vendor.world().scripted.push(("task_get", 200, not_known));
    let second = tasks(&vendor, Arc::new(MemoryLedger::new()), &Budget::unlimited());
    let world = vendor.clone();
    let second = by_the_wall(second, move || world.world().wall() + SignedDuration::from_mins(11));
    assert_eq!(second.shared.clock.vendors(), None);
    let collected: Vec<_> = second.collect([handle], Duration::from_secs(1800)).try_collect().await.unwrap();
    assert!(matches!(&collected[..], [only] if matches!(only.result, TaskResult::Asin(_))), "{collected:?}");
}
