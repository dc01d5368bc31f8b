//! Both clocks by which tasks are judged: this machine's, and the vendor's, read off its answers, for what is said about
//! times there is said in its time, not ours.

use jiff::{SignedDuration, Timestamp};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

/// This machine's wall clock, and the vendor's time as last heard.
pub(crate) struct Clock {
    wall: Box<dyn Fn() -> Timestamp + Send + Sync>,
    heard: Mutex<Option<Heard>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::by(Timestamp::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("heard", &self.heard).finish_non_exhaustive()
    }
}

/// The vendor's time, and when it was heard by both of this machine's clocks.
#[derive(Debug, Clone, Copy)]
struct Heard {
    time: Timestamp,
    at: Instant,
    by_the_wall: Timestamp,
}

/// By how much more the wall clock may have gone on than the monotonic one. More means that this machine slept, which
/// the monotonic clock does not count, or that its clock was set: then what was heard says nothing about now.
const SLEPT: SignedDuration = SignedDuration::from_secs(30);

impl Clock {
    /// A clock by another wall clock than the machine's.
    pub fn by(wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { wall: Box::new(wall), heard: Mutex::default() }
    }

    /// This machine's time. It can be set, and goes on while the machine sleeps.
    pub fn wall(&self) -> Timestamp {
        (self.wall)()
    }

    /// Takes in the `Date` of an answer, which was made a little before now: the clock is never ahead of the vendor's.
    pub fn learn(&self, date: Option<&http::HeaderValue>) {
        let date = date.and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(time) = time {
            let heard = Heard { time, at: Instant::now(), by_the_wall: self.wall() };
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        }
    }

    /// The vendor's time now, if it has been heard since this machine last slept: never ahead of it.
    pub fn vendors(&self) -> Option<Timestamp> {
        let Heard { time, at, by_the_wall } = (*self.heard.lock().unwrap_or_else(PoisonError::into_inner))?;
        let passed = SignedDuration::try_from(at.elapsed()).ok()?;
        let slept = self.wall().duration_since(by_the_wall).saturating_sub(passed) > SLEPT;
        time.checked_add(passed).ok().filter(|_| !slept)
    }
}

/// A moment as the vendor writes it: `2026-07-20 09:37:13 +00:00`.
pub(crate) fn vendor_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Row K6: a suspended machine, a clock that was set.
    #[tokio::test(start_paused = true)]
    async fn k6_what_was_heard_before_the_machine_slept_says_nothing() {
        let wall = Arc::new(Mutex::new(Timestamp::now()));
        let (shown, before) = (wall.clone(), *wall.lock().unwrap());
        let clock = Clock::by(move || *shown.lock().unwrap());
        let set = |passed: SignedDuration| *wall.lock().unwrap() = before + passed;
        assert_eq!(clock.vendors(), None);
        let date = http::HeaderValue::from_static("Mon, 20 Jul 2026 09:37:13 GMT");
        clock.learn(Some(&date));
        let heard: Timestamp = "2026-07-20T09:37:13Z".parse().unwrap();
        assert_eq!(clock.vendors(), Some(heard));
        tokio::time::advance(std::time::Duration::from_secs(3600)).await;
        let hour = SignedDuration::from_hours(1);
        set(hour);
        assert_eq!(clock.vendors(), Some(heard + hour));
        set(-hour);
        assert_eq!(clock.vendors(), Some(heard + hour), "set back: the monotonic clock knows");
        set(hour + SLEPT + hour);
        assert_eq!(clock.vendors(), None, "slept, or set forward");
        clock.learn(Some(&date));
        assert_eq!(clock.vendors(), Some(heard), "heard again");
    }

    #[test]
    fn the_vendors_form_reads_back() {
        let time: Timestamp = "2026-07-20T09:37:13Z".parse().unwrap();
        assert_eq!(vendor_text(time), "2026-07-20 09:37:13 +00:00");
        assert_eq!(core_http::lenient::timestamp(&vendor_text(time)), Some(time));
    }
}
