//! When a request may be sent again, and after how long.
//!
//! The table, and nothing else, decides:
//!
//! | kind | read-only, idempotent | once |
//! | --- | --- | --- |
//! | `Connect`, `Throttled`, `Busy` | again | again |
//! | `Unavailable`, `Timeout`, `Interrupted` | again | never |
//! | `Auth` | once more, after a refresh | once more, after a refresh |
//! | every other | never | never |
//!
//! Resending is bounded four ways: by attempts, by the deadline, by the budget, and by the table.

use crate::{ErrorKind, Safety};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// No wait that a server asks for is taken longer than this.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Whether a request that failed this way may be sent again.
pub fn may_resend(kind: ErrorKind, safety: Safety) -> bool {
    match kind {
        ErrorKind::Connect | ErrorKind::Throttled | ErrorKind::Busy => true,
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Interrupted => safety != Safety::Once,
        _ => false,
    }
}

/// How often and how fast failed requests are sent again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all, the first included; 1 switches resending off.
    pub max_attempts: u32,
    /// The longest first wait; each later one may be twice as long.
    pub first_delay: Duration,
    /// No wait is longer, unless the server asks for more.
    pub max_delay: Duration,
    /// What resends cost, shared by all calls of a client.
    pub budget: RetryBudget,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let (first_delay, max_delay) = (Duration::from_millis(200), Duration::from_secs(20));
        Self { max_attempts: 4, first_delay, max_delay, budget: RetryBudget::default() }
    }
}

impl RetryPolicy {
    /// Never sends anything twice.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// How long to wait before the next attempt; `None` when there must not be one.
    ///
    /// The server's delay is a minimum, jitter comes on top of it.
    pub(crate) fn next(
        &self,
        kind: ErrorKind,
        safety: Safety,
        attempt: u32,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        if !may_resend(kind, safety) || attempt >= self.max_attempts {
            return None;
        }
        if kind != ErrorKind::Throttled && !self.budget.spend() {
            return None;
        }
        let longest = self.first_delay.saturating_mul(1 << (attempt - 1).min(16)).min(self.max_delay);
        let jitter = longest.mul_f64(fastrand::f64());
        Some(match asked {
            Some(asked) => asked.min(LONGEST_RETRY_AFTER) + jitter.min(self.first_delay),
            None => jitter,
        })
    }
}

/// Tokens shared by all calls of a client, so that an outage costs a bounded number of resends.
///
/// A resend costs 10, a success earns 1: in the long run at most one resend per ten successes.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    tokens: Arc<AtomicU32>,
    most: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(500)
    }
}

impl RetryBudget {
    const COST: u32 = 10;

    /// A full budget of this many tokens.
    pub fn new(tokens: u32) -> Self {
        Self { tokens: Arc::new(AtomicU32::new(tokens)), most: tokens }
    }

    /// The tokens left.
    pub fn left(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed)
    }

    fn spend(&self) -> bool {
        let spend = |tokens: u32| tokens.checked_sub(Self::COST);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    pub(crate) fn earn(&self) {
        let earn = |tokens: u32| (tokens < self.most).then(|| tokens + 1);
        let _full = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earn);
    }
}

/// Reads `Retry-After` as seconds or as an HTTP date, clamped to 0 s … 5 min.
pub fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        let clamped = seconds.clamp(0.0, LONGEST_RETRY_AFTER.as_secs_f64());
        return (!clamped.is_nan()).then(|| Duration::from_secs_f64(clamped));
    }
    let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = Duration::try_from(until.duration_since(jiff::Timestamp::now())).unwrap_or_default();
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_may_be_twice_as_long_as_the_one_before_up_to_the_longest() {
        let policy = RetryPolicy { max_attempts: 100, budget: RetryBudget::new(u32::MAX), ..RetryPolicy::default() };
        let (first, longest) = (policy.first_delay, policy.max_delay);
        for attempt in 1..=40 {
            let next = |_| policy.next(ErrorKind::Unavailable, Safety::ReadOnly, attempt, None).expect("another one");
            let greatest = (0..2000).map(next).max().expect("two thousand waits");
            let most = first.saturating_mul(1 << (attempt - 1).min(16)).min(longest);
            // That 2,000 of them all stay below nine tenths happens once in 10 to the 91st.
            assert!(greatest <= most && greatest > most.mul_f64(0.9), "{attempt}: {greatest:?} of {most:?}");
        }
    }

    #[test]
    fn a_budget_is_never_fuller_than_full() {
        let budget = RetryBudget::new(12);
        budget.earn();
        assert_eq!(budget.left(), 12);
        assert!(budget.spend() && !budget.spend());
        budget.earn();
        assert_eq!(budget.left(), 3);
    }
}
