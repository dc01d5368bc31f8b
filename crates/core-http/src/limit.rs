//! Rate limits: what an operation counts against, and the seam to whoever does the counting.
//!
//! A [`Limit`] carries its own default, so that a bucket nobody registered never means "no limit".
//! [`TokenBuckets`](crate::TokenBuckets) counts inside the process; a quota shared by many machines is another
//! implementation of [`RateLimit`].

use crate::{ErrorKind, Fault, Head};
use async_trait::async_trait;
use std::{fmt::Debug, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Who shares a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One account (a seller, a login).
    Account,
    /// One application over all its accounts.
    Application,
}

/// How many calls are allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Calls a second that come back.
    pub per_second: f64,
    /// Calls that may go out at once after a rest.
    pub burst: u32,
}

impl Quota {
    /// The vendor documents this rate and burst. Half of the burst is used: the server's clock is not ours.
    pub const fn documented(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst: if burst < 2 { 1 } else { burst / 2 } }
    }

    /// The vendor allows so many calls in a window of so many seconds, wherever the window starts.
    ///
    /// Becomes an even rate with `rate × window + burst ≤ calls`.
    pub const fn per_window(calls: u32, seconds: u32) -> Self {
        let burst = if calls < 50 { 1 } else { calls / 25 };
        let per_second = (calls - burst) as f64 / seconds as f64;
        Self { per_second: if calls > burst { per_second } else { 1.0 / seconds as f64 }, burst }
    }
}

/// One bucket that an operation counts against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Who shares it.
    pub scope: Scope,
    /// Its name, unique within the vendor.
    pub name: &'static str,
    /// What is allowed until settings or answers say otherwise.
    pub quota: Quota,
    /// How many calls may be under way at once, if that is limited.
    pub in_flight: Option<u32>,
}

impl Limit {
    /// A bucket of each account.
    pub const fn account(name: &'static str, quota: Quota) -> Self {
        Self { scope: Scope::Account, name, quota, in_flight: None }
    }

    /// A bucket of the whole application.
    pub const fn application(name: &'static str, quota: Quota) -> Self {
        Self { scope: Scope::Application, name, quota, in_flight: None }
    }

    /// With a cap on calls under way at once.
    pub const fn in_flight(mut self, most: u32) -> Self {
        self.in_flight = Some(most);
        self
    }
}

/// The buckets that one call counts against: all are taken, or none.
pub type Limits = Vec<Limit>;

/// Whose calls are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Names the application.
    pub application: Arc<str>,
    /// Names the account.
    pub account: Arc<str>,
}

impl Caller {
    /// An application and one of its accounts; the names are keys and must not be secrets.
    pub fn new(application: impl Into<Arc<str>>, account: impl Into<Arc<str>>) -> Self {
        Self { application: application.into(), account: account.into() }
    }
}

/// Counts calls and holds them back.
#[async_trait]
pub trait RateLimit: Debug + Send + Sync + 'static {
    /// Waits until every bucket has room and takes from all at once. Dropping the future spends nothing.
    ///
    /// # Errors
    /// [`Late`], at once where that can be known, when the turn would come after the deadline; nothing is spent.
    async fn acquire(&self, caller: &Caller, limits: &[Limit], deadline: Instant) -> Result<Permit, Late>;

    /// Takes in what an answer taught about one of the buckets.
    fn learn(&self, caller: &Caller, lesson: &Lesson);
}

/// A call's place under the limits, given back when it is dropped: hold it until the answer's body has ended.
#[must_use = "a permit that is dropped no longer counts as in flight"]
pub struct Permit(#[allow(dead_code, reason = "held for its drop")] Option<Box<dyn Send + Sync>>);

impl Permit {
    /// A permit that drops `guard` when the call has ended.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// A permit that holds nothing.
    pub fn free() -> Self {
        Self(None)
    }
}

impl Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}

/// A turn that would come too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("our own rate limit `{limit}` would hold it back past the deadline")]
pub struct Late {
    /// The bucket that it would wait for.
    pub limit: &'static str,
}

/// What an answer teaches about a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// The bucket.
    pub limit: Limit,
    /// What was learnt.
    pub what: Learnt,
}

/// What was learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Learnt {
    /// The vendor announced its rate, in calls a second: in force at once, up and down.
    Rate(f64),
    /// The vendor refused a call: everyone waits this long (or one call's time), and the rate goes down at once and
    /// comes back slowly.
    Refused(Option<Duration>),
    /// The vendor refused a call because too many were under way: everyone waits this long, and a quarter fewer may be
    /// under way from now on than were; one more again every half minute, up to what is allowed.
    Crowded(Duration),
}

/// What every vendor's refusal by a limit teaches: a pause of all its buckets.
pub fn pause_when_throttled(_: &Head<'_>, fault: Option<&Fault>, limits: &[Limit]) -> Vec<Lesson> {
    match fault {
        Some(fault) if fault.kind == ErrorKind::Throttled => {
            limits.iter().map(|&limit| Lesson { limit, what: Learnt::Refused(fault.retry_after) }).collect()
        }
        _ => Vec::new(),
    }
}
