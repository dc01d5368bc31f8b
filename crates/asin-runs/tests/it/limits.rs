//! Limits that processes share. Nobody waits here: what is looked at is which slot each was given.

use crate::server::Server;
use asin_runs::{Postgres, SharedLimits};
use core_http::{Caller, Learnt, Lesson, Limit, Quota, RateLimit};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, timeout};

fn caller() -> Caller {
    Caller::new("application", "account")
}

fn limit(per_second: f64, burst: u32) -> Limit {
    Limit::account("calls", Quota { per_second, burst })
}

/// One of so many processes. This machine may be busy: an answer that is late must not count as none.
async fn process(server: &Server, connections: u32, share: u32) -> SharedLimits {
    let store = Postgres::connect(&server.url(), connections).await.unwrap();
    store.limits(share).patience(Duration::from_secs(60))
}

/// A turn that comes at once, or none.
async fn at_once(limits: &SharedLimits, wanted: &[Limit]) -> Option<core_http::Permit> {
    limits.acquire(&caller(), wanted, Instant::now()).await.ok()
}

async fn count(limits: &[SharedLimits], wanted: &[Limit], calls: usize) -> usize {
    let calls = (0..calls).map(|call| at_once(&limits[call % limits.len()], wanted));
    join_all(calls).await.into_iter().flatten().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_burst_and_are_refused_before_anything_is_booked() {
    let Some(server) = Server::start() else { return };
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(process(&server, 2, 3).await);
    }
    // A call in a thousand seconds: the time that the test takes does not count.
    let slow = limit(0.001, 5);
    assert_eq!(count(&processes, &[slow], 20).await, 5, "all together");
    // Also where several make the bucket at once: many times, for that moment is short.
    let wanted = [limit(0.001, 2)];
    for bucket in 0..200 {
        let owner = Caller::new("application", format!("account {bucket}"));
        let calls = (0..6).map(|call| processes[call % 3].acquire(&owner, &wanted, Instant::now()));
        assert_eq!(join_all(calls).await.iter().flatten().count(), 2, "bucket {bucket}");
    }
    let other = Caller::new("application", "another account");
    assert!(processes[0].acquire(&other, &[slow], Instant::now()).await.is_ok(), "its own bucket");
    // Of two buckets both are taken or none.
    let both = [Limit::application("all", Quota { per_second: 0.001, burst: 3 }), slow];
    assert_eq!(count(&processes, &both, 6).await, 0);
    assert_eq!(count(&processes, &both[..1], 6).await, 3, "nothing was taken of the first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_way_are_counted_over_all_processes_until_they_end() {
    let Some(server) = Server::start() else { return };
    let one = process(&server, 2, 2).await;
    let other = process(&server, 2, 2).await;
    let wanted = [limit(1000.0, 1000).in_flight(2)];
    // A place is kept as long as its call may last.
    let deadline = Instant::now() + Duration::from_secs(60);
    let first = one.acquire(&caller(), &wanted, deadline).await.expect("the first place");
    let _second = other.acquire(&caller(), &wanted, deadline).await.expect("the second place");
    assert!(at_once(&one, &wanted).await.is_none(), "both are taken");
    drop(first);
    let _third = other.acquire(&caller(), &wanted, deadline).await.expect("given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_is_taught_holds_for_all() {
    let Some(server) = Server::start() else { return };
    let one = process(&server, 2, 2).await;
    let other = process(&server, 2, 2).await;
    let wanted = limit(1000.0, 10);
    assert!(at_once(&other, &[wanted]).await.is_some());
    let pause = Duration::from_secs(600);
    one.learn(&caller(), &Lesson { limit: wanted, what: Learnt::Refused(Some(pause)) });
    let closed = async { while at_once(&other, &[wanted]).await.is_some() {} };
    timeout(Duration::from_secs(20), closed).await.expect("the other one has learnt it");
    // One that has its slot already sees the pause when it wakes.
    let soon = Instant::now() + Duration::from_secs(500);
    assert!(other.acquire(&caller(), &[wanted], soon).await.is_err(), "nobody goes before the pause has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_each_keeps_to_its_share() {
    let Some(server) = Server::start() else { return };
    let mut processes = Vec::new();
    for _ in 0..2 {
        processes.push(Postgres::connect(&server.url(), 1).await.unwrap().limits(2));
    }
    let slow = limit(0.001, 10);
    server.stop();
    assert_eq!(count(&processes[..1], &[slow], 20).await, 5, "half of it");
    assert_eq!(count(&processes[1..], &[slow], 20).await, 5, "the other half");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_had_from_the_database_counts_when_that_is_gone() {
    let Some(server) = Server::start() else { return };
    let process = [Postgres::connect(&server.url(), 1).await.unwrap().limits(2)];
    let slow = limit(0.001, 10);
    assert_eq!(count(&process, &[slow], 3).await, 3);
    server.stop();
    assert_eq!(count(&process, &[slow], 20).await, 2, "half of ten, and three of them are used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_sleeps_for_its_slot_does_not_leave_during_a_pause_that_was_learnt_meanwhile() {
    let Some(server) = Server::start() else { return };
    let one = process(&server, 2, 2).await;
    let other = process(&server, 2, 2).await;
    let wanted = limit(0.5, 1);
    assert!(at_once(&one, &[wanted]).await.is_some());
    let sleeper = async { one.acquire(&caller(), &[wanted], Instant::now() + Duration::from_secs(60)).await };
    let lesson = async {
        let lesson = Lesson { limit: wanted, what: Learnt::Refused(Some(Duration::from_secs(600))) };
        other.learn(&caller(), &lesson);
    };
    let (slept, ()) = tokio::join!(sleeper, lesson);
    assert!(slept.is_err(), "its slot came within two seconds, and the pause holds for ten minutes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_slow_bucket_takes_nothing_of_a_fast_one_before_its_time() {
    let Some(server) = Server::start() else { return };
    let limits = process(&server, 2, 1).await;
    let (slow, fast) = (limit(2.0, 1), Limit::application("all", Quota { per_second: 0.001, burst: 2 }));
    let both = [fast, slow];
    assert!(at_once(&limits, &both).await.is_some());
    let far = Instant::now() + Duration::from_secs(60);
    let waits = async { limits.acquire(&caller(), &both, far).await };
    let meanwhile = async { at_once(&limits, &[fast]).await.is_some() };
    let (waited, took) = tokio::join!(waits, meanwhile);
    assert!(took, "half a second later is not now");
    assert!(waited.is_err(), "and then there is none left for the one that waited");
}
