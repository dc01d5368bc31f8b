//! Rate limits: nothing over the quota, nothing lost to those who leave, lessons at once.

use crate::common::{OK, Shop, ask, builder, client, far, limit, read, script, seconds, seller};
use core_http::{
    ErrorKind, Fault, Head, Late, Learnt, Lesson, Limit, Quota, RateLimit, Safety, TokenBuckets, Vendor,
    testing::response,
};
use futures_util::future::join_all;
use proptest::prelude::*;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

#[tokio::test(start_paused = true)]
async fn a_deadline_that_falls_in_the_queue_is_throttled_and_nothing_was_sent() {
    let script = script();
    script.always(|_| Ok(response(200, OK)));
    let client = client(script.clone()).with(|options| options.deadline = seconds(3.0));
    let slow = [limit(0.1, 1)];
    client.call(ask(Safety::Once).limits(slow)).await.expect("the first has a token");
    let start = Instant::now();
    let error = client.call(ask(Safety::Once).limits(slow)).await.expect_err("the next token comes in 10 s");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 1));
    assert!(!error.may_have_been_applied() && error.fault().is_none());
    assert!(error.to_string().contains("`calls`"), "{error}");
    assert_eq!((script.sent(), start.elapsed()), (1, Duration::ZERO), "refused before it is booked");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_falls_while_others_are_in_flight_is_throttled_too() {
    let script = script();
    script.always(|_| Ok(response(200, OK))).delay(seconds(20.0));
    let client = client(script.clone()).with(|options| options.deadline = seconds(15.0));
    let one = [limit(100.0, 10).in_flight(1)];
    let long = client.with(|options| options.deadline = seconds(60.0));
    let under_way = tokio::spawn(async move { long.call(read().limits(one)).await });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let error = client.call(ask(Safety::Once).limits(one)).await.expect_err("no place before the deadline");
    assert_eq!((error.kind(), start.elapsed(), script.sent()), (ErrorKind::Throttled, seconds(15.0), 1));
    under_way.await.expect("no panic").expect("the first call is not harmed");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_named_twice_is_counted_once() {
    let (buckets, me, two) = (TokenBuckets::new(), seller("A"), limit(0.001, 2));
    drop(buckets.acquire(&me, &[two, two], far()).await.expect("one of two"));
    drop(buckets.acquire(&me, &[two], Instant::now()).await.expect("the other one"));
}

#[tokio::test(start_paused = true)]
async fn fifty_waiters_that_leave_cost_nothing() {
    let (buckets, me, slow) = (TokenBuckets::new(), seller("A"), [limit(1.0, 1)]);
    drop(buckets.acquire(&me, &slow, far()).await);
    let start = Instant::now();
    let leaving = (0..50).map(|_| timeout(seconds(0.5), buckets.acquire(&me, &slow, far())));
    assert!(join_all(leaving).await.iter().all(Result::is_err));
    for second in 1..=3 {
        drop(buckets.acquire(&me, &slow, far()).await);
        let at = start.elapsed();
        assert!(at >= seconds(f64::from(second)) && at < seconds(f64::from(second) * 1.002), "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_learnt_rate_applies_at_once_up_and_down() {
    let (buckets, me, slow) = (Arc::new(TokenBuckets::new()), seller("A"), limit(1.0, 1));
    drop(buckets.acquire(&me, &[slow], far()).await);
    let wait = |buckets: Arc<TokenBuckets>| {
        let me = me.clone();
        tokio::spawn(async move {
            let start = Instant::now();
            drop(buckets.acquire(&me, &[slow], far()).await);
            start.elapsed()
        })
    };
    let first = wait(buckets.clone());
    sleep(seconds(0.5)).await;
    // Half a token is there; at 10 a second the other half takes 50 ms.
    buckets.learn(&me, &Lesson { limit: slow, what: Learnt::Rate(10.0) });
    let waited = first.await.expect("no panic");
    assert!(waited >= seconds(0.55) && waited < seconds(0.552), "{waited:?}");
    let second = wait(buckets.clone());
    tokio::task::yield_now().await;
    buckets.learn(&me, &Lesson { limit: slow, what: Learnt::Rate(0.5) });
    let waited = second.await.expect("no panic");
    assert!(waited >= seconds(1.999) && waited < seconds(2.002), "{waited:?}");
    for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        buckets.learn(&me, &Lesson { limit: slow, what: Learnt::Rate(nonsense) });
    }
    let waited = wait(buckets.clone()).await.expect("no panic");
    assert!(waited >= seconds(1.999) && waited < seconds(2.002), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_pauses_everyone_and_lowers_the_rate_for_a_while() {
    let (buckets, me, calls) = (TokenBuckets::new(), seller("A"), limit(10.0, 4));
    let refused = |pause| buckets.learn(&me, &Lesson { limit: calls, what: Learnt::Refused(pause) });
    drop(buckets.acquire(&me, &[calls], far()).await);
    refused(Some(seconds(5.0)));
    refused(Some(seconds(2.0)));
    let start = Instant::now();
    drop(buckets.acquire(&me, &[calls], far()).await);
    assert_eq!(start.elapsed(), seconds(5.0), "the longer of the pauses counts");
    for _ in 0..4 {
        drop(buckets.acquire(&me, &[calls], far()).await);
    }
    let slowed = start.elapsed() - seconds(5.0);
    assert!(slowed > seconds(0.1), "{slowed:?}");
    let elsewhere = Instant::now();
    drop(buckets.acquire(&seller("B"), &[calls], far()).await);
    assert_eq!(elsewhere.elapsed(), Duration::ZERO, "another account is not paused");
    assert_eq!(
        buckets.acquire(&me, &[calls], Instant::now()).await.map(drop),
        Err(Late { limit: "calls" }),
        "a wait that would pass the deadline is refused"
    );
    refused(Some(Duration::MAX));
    let start = Instant::now();
    drop(buckets.acquire(&me, &[calls], far()).await);
    assert_eq!(start.elapsed(), core_http::retry::LONGEST_RETRY_AFTER);
}

#[tokio::test(start_paused = true)]
async fn a_refused_rate_is_a_tenth_at_the_least_and_comes_back_by_half_a_percent_a_second() {
    let (buckets, me, calls) = (TokenBuckets::new(), seller("A"), limit(10.0, 1));
    let refused = || buckets.learn(&me, &Lesson { limit: calls, what: Learnt::Refused(Some(Duration::ZERO)) });
    // The time from a call to the next one; timers go by milliseconds.
    let gap_is = async |milliseconds: u128, what: &str| {
        drop(buckets.acquire(&me, &[calls], far()).await);
        let start = Instant::now();
        drop(buckets.acquire(&me, &[calls], far()).await);
        let gap = start.elapsed().as_millis();
        assert!(gap.abs_diff(milliseconds) <= 1, "{what}: {gap} ms");
        sleep(seconds(1.0)).await;
    };
    gap_is(100, "10 a second").await;
    refused();
    gap_is(143, "7 a second").await;
    sleep(seconds(19.0)).await;
    gap_is(125, "8 a second").await;
    sleep(seconds(60.0)).await;
    gap_is(100, "never more than is allowed").await;
    (0..10).for_each(|_| refused());
    gap_is(1000, "1 a second").await;
}

#[tokio::test(start_paused = true)]
async fn r1_without_a_delay_the_pause_is_the_time_of_one_call() {
    let script = script();
    script.answer(429, "").always(|_| Ok(response(200, OK)));
    let calls = [limit(0.25, 2)];
    let client = client(script);
    let start = Instant::now();
    client.call(read().limits(calls)).await.expect("the second attempt succeeds");
    // The rate went down to 0.7 of a quarter.
    assert!(start.elapsed() >= seconds(4.0 / 0.7), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_answer_pauses_the_others_that_wait() {
    let script = script();
    script.then(|_| {
        let mut answer = response(429, "");
        answer.headers_mut().insert("retry-after", 30.into());
        Ok(answer)
    });
    script.always(|_| Ok(response(200, OK)));
    let client = client(script);
    let start = Instant::now();
    let all = (0..5).map(|_| client.call(read().limits([limit(100.0, 1)])));
    assert!(join_all(all).await.iter().all(Result::is_ok));
    assert!(start.elapsed() >= seconds(30.0), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn all_buckets_are_taken_or_none() {
    let (buckets, me) = (TokenBuckets::new(), seller("A"));
    let fast = Limit::application("fast", Quota { per_second: 0.001, burst: 2 });
    let slow = limit(0.001, 1);
    drop(buckets.acquire(&me, &[fast, slow], far()).await.expect("there is room in both"));
    let late = buckets.acquire(&me, &[slow, fast], Instant::now() + seconds(1.0)).await;
    assert_eq!(late.map(drop), Err(Late { limit: "calls" }));
    drop(buckets.acquire(&me, &[fast], Instant::now()).await.expect("nothing was taken from the other bucket"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_class_does_not_hold_up_the_fast_bucket_that_it_shares() {
    let (buckets, me) = (TokenBuckets::new(), seller("A"));
    let shared = Limit::application("shared", Quota { per_second: 100.0, burst: 1 });
    let slow = Limit::application("slow", Quota { per_second: 1.0, burst: 1 });
    let (start, both, one) = (Instant::now(), [shared, slow], [shared]);
    let slow_calls = join_all((0..5).map(|_| buckets.acquire(&me, &both, far())));
    let fast_calls = join_all((0..100).map(|_| buckets.acquire(&me, &one, far())));
    let (_, fast) = tokio::join!(
        async {
            slow_calls.await;
            start.elapsed()
        },
        async {
            fast_calls.await;
            start.elapsed()
        }
    );
    assert!(fast < seconds(1.2), "{fast:?}");
    assert!(start.elapsed() >= seconds(4.0));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_paused_holds_up_nobody_at_a_bucket_that_it_shares() {
    let (buckets, paused, other) = (TokenBuckets::new(), seller("A"), seller("B"));
    let shared = Limit::application("shared", Quota { per_second: 10.0, burst: 1 });
    let both = [shared, limit(1000.0, 10)];
    drop(buckets.acquire(&other, &[shared], far()).await);
    let start = Instant::now();
    let wait = async |caller| {
        drop(buckets.acquire(caller, &both, far()).await);
        start.elapsed()
    };
    let pause = Lesson { limit: both[1], what: Learnt::Refused(Some(seconds(20.0))) };
    let (first, second, ()) = tokio::join!(wait(&paused), wait(&other), async { buckets.learn(&paused, &pause) });
    assert_eq!(first, seconds(20.0));
    assert!(second < seconds(0.2), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_two_buckets_is_not_starved_by_those_who_want_one() {
    let buckets = Arc::new(TokenBuckets::new());
    let limits = [("x", 0.0), ("y", 0.5)]
        .map(|(name, offset)| (Limit::account(name, Quota { per_second: 1.0, burst: 1 }), offset));
    for (limit, offset) in limits {
        let buckets = buckets.clone();
        tokio::spawn(async move {
            sleep(seconds(offset)).await;
            // Two in turn, so that one always waits already when a token comes.
            let busy = || async {
                loop {
                    drop(buckets.acquire(&seller("A"), &[limit], far()).await);
                }
            };
            tokio::join!(busy(), busy())
        });
    }
    sleep(seconds(3.2)).await;
    let start = Instant::now();
    drop(buckets.acquire(&seller("A"), &limits.map(|(limit, _)| limit), far()).await);
    assert!(start.elapsed() < seconds(3.0), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_capped_until_their_bodies_end() {
    let (buckets, me, two) = (TokenBuckets::new(), seller("A"), [limit(1000.0, 100).in_flight(2)]);
    let first = buckets.acquire(&me, &two, far()).await.expect("a place");
    let second = buckets.acquire(&me, &two, far()).await.expect("a place");
    assert!(timeout(seconds(60.0), buckets.acquire(&me, &two, far())).await.is_err());
    drop(second);
    let third = timeout(seconds(1.0), buckets.acquire(&me, &two, far())).await.expect("a place is free");
    drop((first, third));
}

/// How many calls can be under way now.
async fn places(buckets: &TokenBuckets, limit: &[Limit]) -> usize {
    let mut held = Vec::new();
    while let Ok(permit) = timeout(seconds(0.5), buckets.acquire(&seller("A"), limit, far())).await {
        held.push(permit.expect("in time"));
    }
    held.len()
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_too_many_at_once_takes_a_quarter_of_the_places_and_they_come_back_one_by_one() {
    let (buckets, me, limit) = (TokenBuckets::new(), seller("A"), [limit(1000.0, 100).in_flight(30)]);
    let crowded = Lesson { limit: limit[0], what: Learnt::Crowded(seconds(1.0)) };
    assert_eq!(places(&buckets, &limit).await, 30);
    for left in [22, 16, 12, 9, 6, 4, 3, 2, 1, 1] {
        let mut held = Vec::new();
        while let Ok(permit) = timeout(seconds(0.1), buckets.acquire(&me, &limit, far())).await {
            held.push(permit.expect("in time"));
        }
        held.pop();
        // All that were under way are refused together: one step.
        (0..5).for_each(|_| buckets.learn(&me, &crowded));
        drop(held);
        assert!(timeout(seconds(0.9), buckets.acquire(&me, &limit, far())).await.is_err(), "a pause for everyone");
        sleep(seconds(0.2)).await;
        assert_eq!(places(&buckets, &limit).await, left);
    }
    sleep(seconds(31.0)).await;
    assert_eq!(places(&buckets, &limit).await, 2);
    sleep(seconds(300.0)).await;
    assert!((10..=13).contains(&places(&buckets, &limit).await), "slowly");
    sleep(seconds(3000.0)).await;
    assert_eq!(places(&buckets, &limit).await, 30, "never more than is allowed");
}

#[tokio::test(start_paused = true)]
async fn settings_win_over_an_operations_default_also_for_those_who_wait() {
    let (buckets, me, slow) = (TokenBuckets::new(), seller("A"), limit(0.01, 1));
    drop(buckets.acquire(&me, &[slow], far()).await);
    let start = Instant::now();
    let waits = async { drop(buckets.acquire(&me, &[slow], far()).await) };
    let sets = async {
        sleep(seconds(1.0)).await;
        buckets.set(limit(1.0, 5));
    };
    tokio::join!(waits, sets);
    assert!(start.elapsed() < seconds(2.01), "{:?}", start.elapsed());
    let (start, other, slow) = (Instant::now(), seller("B"), [slow]);
    join_all((0..5).map(|_| buckets.acquire(&other, &slow, far()))).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "a new bucket has the burst that was set");
}

#[test]
fn quotas_stay_within_what_is_documented() {
    let documented = Quota::documented(5.0, 10);
    assert_eq!((documented.per_second, documented.burst), (5.0, 5), "half of the burst");
    assert_eq!(Quota::documented(1.0, 1).burst, 1);
    for (calls, window) in [(2000, 60), (20, 60), (10, 60), (1, 60), (50, 1), (100, 86_400)] {
        let Quota { per_second, burst } = Quota::per_window(calls, window);
        assert!(per_second > 0.0 && burst >= 1);
        let most = per_second * f64::from(window) + f64::from(burst);
        assert!(most <= f64::from(calls.max(2)) + 1e-9, "{calls} in {window} s became {most}");
    }
    let window =
        |calls, seconds| (Quota::per_window(calls, seconds).per_second, Quota::per_window(calls, seconds).burst);
    assert_eq!([window(2000, 60), window(50, 24), window(49, 24)], [(32.0, 80), (2.0, 2), (2.0, 1)]);
    assert_eq!(window(1, 60), (1.0 / 60.0, 1), "one at a time");
}

/// What a bucket let through, in seconds since the start.
async fn let_through(quota: Quota, pauses: Vec<u64>, callers: usize) -> Vec<f64> {
    let (buckets, me, start) = (TokenBuckets::new(), seller("A"), Instant::now());
    let limits = [Limit::account("calls", quota)];
    let times = Mutex::new(Vec::new());
    let call = |number: usize| {
        let (buckets, me, times, pauses) = (&buckets, &me, &times, &pauses);
        async move {
            for pause in pauses.iter().skip(number) {
                sleep(Duration::from_millis(*pause)).await;
                drop(buckets.acquire(me, &limits, far()).await);
                times.lock().expect("no panic").push(start.elapsed().as_secs_f64());
            }
        }
    };
    join_all((0..callers).map(call)).await;
    times.into_inner().expect("no panic")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In no window, wherever it starts, more than rate × time + burst.
    #[test]
    fn n_calls_never_exceed_rate_times_time_plus_burst(
        per_second in 0.1..200.0_f64,
        burst in 1..20_u32,
        pauses in prop::collection::vec(0..500_u64, 1..40),
        callers in 1..6_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let mut times = runtime.block_on(let_through(Quota { per_second, burst }, pauses, callers));
        times.sort_by(f64::total_cmp);
        for (i, from) in times.iter().enumerate() {
            for (j, until) in times.iter().enumerate().skip(i) {
                let calls = (j - i + 1) as f64;
                let most = per_second * (until - from) + f64::from(burst);
                prop_assert!(calls <= most + 1e-6, "{calls} calls from {from} to {until}, at most {most}");
            }
        }
    }
}

#[test]
fn an_answer_that_throttles_teaches_every_bucket_of_the_call() {
    let answer = http::Response::new(());
    let mut fault = Fault::new(ErrorKind::Throttled, "429", "");
    fault.retry_after = Some(seconds(7.0));
    let limits = [limit(1.0, 1), Limit::application("all", Quota::documented(1.0, 1))];
    let lessons = Shop::lessons(&Head::from(&answer), Some(&fault), &limits);
    assert_eq!(lessons.iter().map(|lesson| lesson.limit).collect::<Vec<_>>(), limits);
    assert!(lessons.iter().all(|lesson| lesson.what == Learnt::Refused(Some(seconds(7.0)))));
    assert!(Shop::lessons(&Head::from(&answer), None, &limits).is_empty());
}

#[tokio::test(start_paused = true)]
async fn clients_with_the_same_limits_share_them() {
    let limits: Arc<TokenBuckets> = Arc::default();
    let script = script();
    script.always(|_| Ok(response(200, OK)));
    let [first, second] = [1, 2].map(|_| {
        let both = builder(script.clone()).caller(seller("A")).limits(limits.clone());
        both.build().expect("a client")
    });
    let start = Instant::now();
    first.call(read().limits([limit(1.0, 1)])).await.expect("a token is there");
    second.call(read().limits([limit(1.0, 1)])).await.expect("the next one comes");
    assert!(start.elapsed() >= seconds(1.0));
}
