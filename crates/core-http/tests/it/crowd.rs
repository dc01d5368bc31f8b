//! Rate limits under many callers: fair, bounded, and nothing leaks when they leave.

use crate::common::{OK, client, far, limit, read, script, seconds, seller};
use core_http::{Limit, Quota, RateLimit, TokenBuckets, testing::response};
use futures_util::future::join_all;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, advance, sleep, timeout};

#[tokio::test(start_paused = true)]
async fn k6_a_clock_that_jumps_gives_no_more_than_the_burst() {
    let (buckets, me, calls) = (TokenBuckets::new(), seller("A"), [limit(10.0, 5)]);
    drop(buckets.acquire(&me, &calls, far()).await);
    advance(seconds(3600.0)).await;
    let start = Instant::now();
    join_all((0..20).map(|_| buckets.acquire(&me, &calls, far()))).await;
    assert!(start.elapsed() >= seconds(1.5), "15 of 20 had to wait: {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn k7_a_call_dropped_at_any_await_leaks_neither_place_nor_lock() {
    let (script, down) = (script(), Arc::new(AtomicBool::new(true)));
    let is_down = down.clone();
    script.always(move |_| Ok(if is_down.load(Ordering::Relaxed) { response(503, "") } else { response(200, OK) }));
    script.delay(seconds(1.0));
    let client = client(script.clone());
    let one = [limit(1000.0, 1000).in_flight(1)];
    let mut cut = 0;
    // Each round drops the call a little later: in the queue, under way, between two attempts.
    for step in 0..60 {
        let call = client.call(read().limits(one));
        cut += usize::from(timeout(seconds(0.1 * f64::from(step)), call).await.is_err());
    }
    assert!(cut >= 30, "{cut}");
    down.store(false, Ordering::Relaxed);
    let start = Instant::now();
    client.call(read().limits(one)).await.expect("the place is free");
    assert_eq!(start.elapsed(), seconds(1.0), "nothing had to be waited for");
}

#[tokio::test(start_paused = true)]
async fn k7_a_waiter_dropped_just_when_it_is_let_go_gives_everything_back() {
    for nanoseconds in 0..4 {
        let (buckets, me, calls) = (TokenBuckets::new(), seller("A"), [limit(1.0, 1).in_flight(1)]);
        let held = buckets.acquire(&me, &calls, far()).await.expect("a place");
        sleep(seconds(5.0)).await;
        let leaving = timeout(seconds(1.0) + Duration::from_nanos(nanoseconds), buckets.acquire(&me, &calls, far()));
        let frees = async {
            sleep(seconds(1.0)).await;
            drop(held);
        };
        let start = Instant::now();
        let (left, ()) = tokio::join!(leaving, frees);
        drop(left);
        let next = timeout(seconds(2.0), buckets.acquire(&me, &calls, far())).await.expect("place and token are there");
        assert!(next.is_ok() && start.elapsed() < seconds(3.0));
    }
}

#[tokio::test(start_paused = true)]
async fn k9_ten_thousand_callers_are_served_in_order() {
    let (buckets, me, calls) = (Arc::new(TokenBuckets::new()), seller("A"), [limit(100.0, 10)]);
    let order = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for number in 0..10_000 {
        let (buckets, me, order) = (buckets.clone(), me.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            drop(buckets.acquire(&me, &calls, far()).await);
            order.lock().expect("no panic").push(number);
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let order = order.lock().expect("no panic");
    assert!(order.is_sorted(), "first come, first served");
    let all = start.elapsed();
    assert!(all >= seconds(99.9) && all < seconds(100.1), "the whole quota is used: {all:?}");
}

#[tokio::test(start_paused = true)]
async fn k9_the_queue_is_bounded_by_the_deadlines() {
    let (buckets, me, calls) = (TokenBuckets::new(), seller("A"), [limit(10.0, 1)]);
    let all = (0..1_000).map(|_| buckets.acquire(&me, &calls, Instant::now() + seconds(5.0)));
    let let_in = join_all(all).await.iter().filter(|permit| permit.is_ok()).count();
    assert!((50..=51).contains(&let_in), "{let_in}");
}

#[tokio::test(start_paused = true)]
async fn k9_a_hundred_thousand_owners_are_cheap_and_forgotten_when_at_rest() {
    let buckets = TokenBuckets::new();
    let both = [limit(5.0, 5), Limit::application("all", Quota { per_second: 1e9, burst: 1_000_000 })];
    for number in 0..100_000 {
        let permit = buckets.acquire(&seller(&number.to_string()), &both, far()).await;
        drop(permit.expect("everyone has a bucket of its own"));
        if number % 1_000 == 0 {
            sleep(seconds(1.0)).await;
        }
    }
    let known = format!("{buckets:?}").matches("owner").count();
    assert!(known < 20_000, "{known} owners are still remembered");
}

#[tokio::test(start_paused = true)]
async fn k9_a_thousand_accounts_share_an_application_fairly() {
    let buckets = Arc::new(TokenBuckets::new());
    let both = [limit(1.0, 1), Limit::application("all", Quota { per_second: 100.0, burst: 5 })];
    let start = Instant::now();
    let calls = (0..1_000).map(|number| {
        let (buckets, me) = (buckets.clone(), seller(&number.to_string()));
        async move {
            drop(buckets.acquire(&me, &both, far()).await);
            // By now all the others stand in the queue.
            sleep(seconds(0.001)).await;
            drop(buckets.acquire(&me, &both, far()).await);
            start.elapsed()
        }
    });
    let times = join_all(calls).await;
    let last = times.iter().max().expect("a thousand").as_secs_f64();
    assert!(last < 20.1, "2,000 calls at 100 a second: {last}");
    let first = times.iter().min().expect("a thousand").as_secs_f64();
    assert!(first >= 9.9, "nobody has a second call before everyone had a first one: {first}");
}
