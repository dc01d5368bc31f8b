//! Our limiter against a strict token bucket: what it refuses, and how much of what it grants is used.

use crate::Outcome;
use async_trait::async_trait;
use bytes::Bytes;
use core_http::{Operation, Request, Response, RetryPolicy, TokenBuckets, Transport, TransportError};
use multicart::{GetCredits, McClient};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// What the vendor counted.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// Calls that the bucket had room for.
    pub accepted: u64,
    /// Calls that it refused.
    pub rejected: u64,
    /// Accepted calls as a share of all that the quota could have allowed.
    pub utilisation: f64,
}

/// A vendor who fills its bucket evenly and refuses what it has no room for.
#[derive(Debug)]
struct Strict {
    rate: f64,
    burst: f64,
    state: Mutex<(f64, Instant, u64, u64)>,
}

#[async_trait]
impl Transport for Strict {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, at, ..) = *state;
        let now = Instant::now();
        state.0 = (tokens + now.duration_since(at).as_secs_f64() * self.rate).min(self.burst);
        state.1 = now;
        let mut response = Response::new(Bytes::from_static(br#"{"code":200,"status":1,"data":{"credits":1}}"#));
        if state.0 >= 1.0 {
            state.0 -= 1.0;
            state.2 += 1;
        } else {
            state.3 += 1;
            *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        }
        Ok(response)
    }
}

/// Calls as often as the limiter lets `workers` tasks; time may stand still and be moved on by the runtime.
///
/// # Errors
/// When the client cannot be made.
pub async fn run(rate: f64, burst: u32, workers: usize, length: Duration) -> Outcome<Used> {
    let start = Instant::now();
    let strict = Arc::new(Strict { rate, burst: f64::from(burst), state: Mutex::new((f64::from(burst), start, 0, 0)) });
    let buckets = TokenBuckets::new();
    for limit in GetCredits::new().limits() {
        buckets.set(core_http::Limit { quota: core_http::Quota::documented(rate, burst), in_flight: None, ..limit });
    }
    let client = multicart::Builder::new("k.s").transport(strict.clone()).limits(Arc::new(buckets)).build()?;
    let client = client.with(|options| {
        options.retry = RetryPolicy::never();
        options.deadline = length * 2;
    });
    let work = (0..workers).map(|_| worker(client.clone(), start + length));
    futures_util::future::join_all(work).await;
    let (_, _, accepted, rejected) = *strict.state.lock().unwrap_or_else(PoisonError::into_inner);
    let allowed = f64::from(burst) + rate * start.elapsed().as_secs_f64();
    Ok(Used { accepted, rejected, utilisation: accepted as f64 / allowed })
}

async fn worker(client: McClient, end: Instant) {
    while Instant::now() < end {
        // A refusal is counted where it is made.
        let _counted = client.call(GetCredits::new()).await;
    }
}
