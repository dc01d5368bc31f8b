//! Time in the sandbox: one monotonic clock that can be sped up, and the quotas that are measured on it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
// That of a paused runtime moves by itself: a test lets days pass.
use tokio::{sync::watch, time::Instant};

/// A monotonic clock that runs `speed` times faster than the wall.
///
/// Only waits are shortened: every date on the wire is the real one, so that clients can compare it with their own clock.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    start: Instant,
    speed: f64,
    /// How far it was set forward, for those who wait by it.
    jumped: watch::Sender<Duration>,
}

/// No clock jumps further than a century in all.
const FURTHEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Clock {
    pub(crate) fn new(speed: f64) -> Self {
        Self { start: Instant::now(), speed, jumped: watch::Sender::new(Duration::ZERO) }
    }

    /// Sandbox time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed().mul_f64(self.speed) + *self.jumped.borrow()
    }

    /// Lets time pass at once.
    pub(crate) fn jump(&mut self, time: Duration) {
        self.jumped.send_modify(|jumped| *jumped = jumped.saturating_add(time).min(FURTHEST));
    }

    /// Changes when it is set forward.
    pub(crate) fn jumps(&self) -> watch::Receiver<Duration> {
        self.jumped.subscribe()
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// How long a sandbox duration takes on the wall.
    pub(crate) fn wall(&self, sandbox: Duration) -> Duration {
        sandbox.div_f64(self.speed)
    }
}

/// The present moment, to the whole second, as all three vendors write it.
pub(crate) fn today() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("the present is a valid time")
}

/// A moment some minutes ago.
pub(crate) fn minutes_ago(minutes: u32) -> Timestamp {
    today()
        .saturating_sub(SignedDuration::from_mins(i64::from(minutes)))
        .expect("a duration never fails to be subtracted")
}

/// The way in which DataForSEO writes a time: `2026-07-20 09:37:13 +00:00`.
pub(crate) fn spaced(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

/// A bucket that refills evenly: SP-API's usage plans.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    rate: f64,
    burst: f64,
    level: f64,
    seen: Duration,
}

impl TokenBucket {
    pub(crate) fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, level: burst, seen: Duration::ZERO }
    }

    /// The tokens that are there, and the most that there can be.
    pub(crate) fn left(&self, now: Duration) -> (f64, f64) {
        let gained = now.saturating_sub(self.seen).as_secs_f64() * self.rate;
        ((self.level + gained).min(self.burst), self.burst)
    }

    /// Takes one token, if one is there.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        self.level = self.left(now).0;
        self.seen = now;
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

/// So many calls in any sixty seconds: DataForSEO's limits.
#[derive(Debug, Clone)]
pub(crate) struct MinuteWindow {
    calls: usize,
    seen: VecDeque<Duration>,
    lifted: bool,
}

impl MinuteWindow {
    pub(crate) fn new(calls: usize) -> Self {
        Self { calls, seen: VecDeque::new(), lifted: false }
    }

    /// Counts no more.
    pub(crate) fn lift(&mut self) {
        self.lifted = true;
    }

    /// Whether a call was ever counted.
    pub(crate) fn is_used(&self) -> bool {
        !self.seen.is_empty()
    }

    /// The calls that are left in this minute, and the most of any minute.
    pub(crate) fn left(&self, now: Duration) -> (f64, f64) {
        let past = |at: &&Duration| now.saturating_sub(**at) < Duration::from_secs(60);
        let used = self.seen.iter().filter(past).count();
        let number = |calls: usize| u32::try_from(calls).map_or(f64::MAX, f64::from);
        (number(self.calls.saturating_sub(used)), number(self.calls))
    }

    /// Counts one call; false when the minute is full.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        if self.lifted {
            return true;
        }
        while self.seen.front().is_some_and(|first| now.saturating_sub(*first) >= Duration::from_secs(60)) {
            self.seen.pop_front();
        }
        let free = self.seen.len() < self.calls;
        if free {
            self.seen.push_back(now);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = TokenBucket::new(5.0, 10.0);
        let start = Duration::from_secs(1);
        assert_eq!((0..20).filter(|_| bucket.take(start)).count(), 10);
        assert!(!bucket.take(start + Duration::from_millis(199)));
        assert_eq!((0..20).filter(|_| bucket.take(start + Duration::from_secs(1))).count(), 5);
    }

    #[test]
    fn a_window_counts_any_sixty_seconds() {
        let mut window = MinuteWindow::new(2);
        assert!(window.take(Duration::from_secs(0)));
        assert!(window.take(Duration::from_secs(59)));
        assert!(!window.take(Duration::from_millis(59_999)));
        assert!(window.take(Duration::from_secs(60)));
        assert!(!window.take(Duration::from_secs(61)));
    }

    #[test]
    fn a_fast_clock_shortens_waits() {
        let clock = Clock::new(60.0);
        assert_eq!(clock.wall(Duration::from_secs(60)), Duration::from_secs(1));
    }
}
