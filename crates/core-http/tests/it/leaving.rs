//! Whoever leaves a queue at a limit takes nothing away from those who stay.

use crate::common::{far, limit, seconds, seller};
use core_http::{RateLimit, TokenBuckets};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn one_that_leaves_from_the_middle_leaves_the_others_their_turns() {
    let (buckets, me, slow) = (TokenBuckets::new(), seller("A"), [limit(1.0, 1)]);
    drop(buckets.acquire(&me, &slow, far()).await);
    let start = Instant::now();
    let wait = || Box::pin(buckets.acquire(&me, &slow, far()));
    let (mut first, mut second, mut third) = (wait(), wait(), wait());
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(waiting.now_or_never().is_none());
    }
    drop(second);
    drop(first.await.expect("a turn"));
    drop(third.await.expect("a turn"));
    let at = start.elapsed();
    assert!(at >= seconds(2.0) && at < seconds(2.1), "{at:?}");
}

/// Its turn comes in the very moment in which it is given up: the token and the place go back.
#[tokio::test(start_paused = true)]
async fn a_turn_that_nobody_takes_goes_back() {
    let (buckets, me, two) = (TokenBuckets::new(), seller("A"), [limit(0.001, 2).in_flight(1)]);
    let under_way = buckets.acquire(&me, &two, far()).await.expect("the first token");
    let mut given_up = Box::pin(buckets.acquire(&me, &two, far()));
    assert!((&mut given_up).now_or_never().is_none(), "there is no place");
    drop(under_way);
    drop(given_up);
    let soon = Instant::now() + seconds(1.0);
    let permit = buckets.acquire(&me, &two, soon).await.expect("the second token is there still");
    drop(permit);
    sleep(seconds(1.0)).await;
    assert!(buckets.acquire(&me, &two, Instant::now() + seconds(1.0)).await.is_err(), "there was no third");
}
