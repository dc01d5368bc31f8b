//! One token bucket: how much is in it, and when there will be more.

use crate::{Caller, Learnt, Limit, Quota, Scope, retry::LONGEST_RETRY_AFTER};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// A bucket of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) scope: Scope,
    pub(crate) owner: Arc<str>,
    pub(crate) name: &'static str,
}

impl Key {
    pub(crate) fn of(caller: &Caller, limit: &Limit) -> Self {
        let owner = match limit.scope {
            Scope::Account => &caller.account,
            Scope::Application => &caller.application,
        };
        Self { scope: limit.scope, owner: owner.clone(), name: limit.name }
    }
}

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Who came earlier has the lower number.
    pub(crate) ticket: u64,
    pub(crate) wake: Notify,
    status: Mutex<Status>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Status {
    /// Looks again at this time, or when it is told to.
    Waits(Option<Instant>),
    Granted,
}

impl Turn {
    pub(crate) fn new(ticket: u64) -> Arc<Self> {
        Arc::new(Self { ticket, wake: Notify::new(), status: Mutex::new(Status::Waits(None)) })
    }

    pub(crate) fn status(&self) -> Status {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, status: Status) {
        let before = std::mem::replace(&mut *self.status.lock().unwrap_or_else(PoisonError::into_inner), status);
        if before != status {
            self.wake.notify_one();
        }
    }
}

/// A rate that was refused is at least this share of the allowed one, …
const LOWEST_FACTOR: f64 = 0.1;
/// … and comes back by this share a second.
const RECOVERY_PER_SECOND: f64 = 0.005;
/// How many places come back a second after too many calls were under way.
const PLACES_PER_SECOND: f64 = 1.0 / 30.0;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) quota: Quota,
    pub(crate) most_in_flight: Option<u32>,
    pub(crate) in_flight: u32,
    pub(crate) tokens: f64,
    /// The first of every line that wants something from this bucket, by ticket.
    pub(crate) heads: BTreeMap<u64, (Arc<[Key]>, Arc<Turn>)>,
    /// Lowered by refusals, recovering slowly.
    factor: f64,
    /// How many of the places for calls under way are not to be used, for refusals; recovering slowly.
    fewer: f64,
    at: Instant,
    closed_until: Instant,
    taught: bool,
}

impl Bucket {
    pub(crate) fn new(quota: Quota, most_in_flight: Option<u32>, now: Instant) -> Self {
        let tokens = quota.burst.max(1).into();
        let (factor, fewer, heads) = (1.0, 0.0, BTreeMap::new());
        let (at, closed_until, in_flight, taught) = (now, now, 0, false);
        Self { quota, most_in_flight, in_flight, tokens, heads, factor, fewer, at, closed_until, taught }
    }

    fn rate(&self) -> f64 {
        (self.quota.per_second * self.factor).max(1e-6)
    }

    pub(crate) fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate()).min(self.quota.burst.max(1).into());
        self.factor = (self.factor + passed * RECOVERY_PER_SECOND).min(1.0);
        self.fewer = (self.fewer - passed * PLACES_PER_SECOND).max(0.0);
        self.at = self.at.max(now);
    }

    pub(crate) fn has_place(&self) -> bool {
        self.cap().is_none_or(|cap| self.in_flight < cap)
    }

    /// How many calls may be under way now.
    fn cap(&self) -> Option<u32> {
        self.most_in_flight.map(|most| most.max(1).saturating_sub(self.fewer.ceil() as u32).max(1))
    }

    /// Whether one more call may go now, and nobody waits.
    pub(crate) fn is_free(&self, now: Instant) -> bool {
        self.heads.is_empty() && self.has_place() && self.ready(0) <= now
    }

    /// When there will be a token for the one who has `ahead` others before it.
    pub(crate) fn ready(&self, ahead: usize) -> Instant {
        let missing = (1.0 + ahead as f64 - self.tokens).max(0.0);
        let wait = if missing < 1e-9 { 0.0 } else { (missing / self.rate()).min(1e9) };
        // A nanosecond on top: rounding must never let a call out early.
        let wait = if wait > 0.0 { Duration::from_secs_f64(wait) + Duration::from_nanos(1) } else { Duration::ZERO };
        self.closed_until.max(self.at + wait)
    }

    /// Whether one token can be taken now and there are still so many left at that later time.
    pub(crate) fn spares(&self, left: usize, later: Instant) -> bool {
        let passed = later.saturating_duration_since(self.at).as_secs_f64();
        let then = (self.tokens - 1.0 + passed * self.rate()).min(self.quota.burst.max(1).into());
        then + 1e-9 >= left as f64
    }

    /// Nobody would miss it: a full bucket that was never taught is as good as none.
    pub(crate) fn at_rest(&self, now: Instant) -> bool {
        !self.taught
            && self.heads.is_empty()
            && self.in_flight == 0
            && self.closed_until <= now
            && self.ready(self.quota.burst.max(1) as usize - 1) <= now
    }

    /// Takes in a lesson; true if those who wait should look again.
    pub(crate) fn learn(&mut self, what: Learnt, now: Instant) -> bool {
        self.taught = true;
        match what {
            Learnt::Rate(rate) if rate.is_finite() && rate > 0.0 => {
                let changed = (self.quota.per_second, self.factor) != (rate, 1.0);
                (self.quota.per_second, self.factor) = (rate, 1.0);
                changed
            }
            Learnt::Rate(_) => false,
            Learnt::Refused(pause) => {
                // Those already under way when the first refusal came must not push the rate down once each.
                if now >= self.closed_until {
                    self.factor = (self.factor * 0.7).max(LOWEST_FACTOR);
                }
                let pause = pause.unwrap_or_else(|| Duration::from_secs_f64((1.0 / self.rate()).min(60.0)));
                self.tokens = self.tokens.min(1.0);
                self.closed_until = self.closed_until.max(now + pause.min(LONGEST_RETRY_AFTER));
                true
            }
            Learnt::Crowded(pause) => {
                // Those already under way when the first refusal came must not push the cap down once each.
                if let Some((allowed, cap)) = self.most_in_flight.zip(self.cap()).filter(|_| now >= self.closed_until) {
                    // The refused call itself has ended by now.
                    let were = cap.min(self.in_flight + 1);
                    self.fewer = f64::from(allowed.max(1) - (were * 3 / 4).max(1));
                }
                self.closed_until = self.closed_until.max(now + pause.min(LONGEST_RETRY_AFTER));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(now: Instant) -> Bucket {
        Bucket::new(Quota { per_second: 2.0, burst: 2 }, Some(1), now)
    }

    #[test]
    fn whoever_has_others_before_it_waits_for_their_tokens_too() {
        let now = Instant::now();
        let after = |milliseconds| now + Duration::from_millis(milliseconds) + Duration::from_nanos(1);
        let times = [0, 1, 2, 3].map(|ahead| full(now).ready(ahead));
        assert_eq!(times, [now, now, after(500), after(1000)]);
    }

    /// What is forgotten comes back full.
    #[test]
    fn a_bucket_that_says_more_than_a_new_one_is_not_at_rest() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert!(full(now).at_rest(now));
        let changed = |change: fn(&mut Bucket, Instant)| -> Bucket {
            let mut bucket = full(now);
            change(&mut bucket, now);
            bucket
        };
        let used = changed(|bucket, _| bucket.tokens = 1.5);
        assert!(!used.at_rest(now) && used.at_rest(now + second), "until it is full again");
        let closed = changed(|bucket, now| bucket.closed_until = now + Duration::from_secs(1));
        assert!(!closed.at_rest(now) && closed.at_rest(now + second), "until it is open again");
        let waited_for = changed(|bucket, _| drop(bucket.heads.insert(1, (Arc::new([]), Turn::new(1)))));
        let under_way = changed(|bucket, _| bucket.in_flight = 1);
        let taught = changed(|bucket, now| assert!(!bucket.learn(Learnt::Rate(2.0), now)));
        for (what, bucket) in [("waited for", waited_for), ("under way", under_way), ("taught", taught)] {
            assert!(!bucket.at_rest(now + second), "{what}");
        }
    }
}
