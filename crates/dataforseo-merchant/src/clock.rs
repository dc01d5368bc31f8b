//! The vendor's clock, read off its answers: what is said about times there is said in its time, not ours.

use core_http::Answer;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// The vendor's time as last heard, and when that was.
#[derive(Debug, Default)]
pub(crate) struct VendorClock(Mutex<Option<(Timestamp, Instant)>>);

impl VendorClock {
    /// Takes in the `Date` of an answer, which was made a little before now: the clock is never ahead of the vendor's.
    pub fn learn<T>(&self, answer: &Answer<T>) {
        let date = answer.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(time) = time {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, Instant::now()));
        }
    }

    /// The vendor's time now, if it has ever been heard.
    pub fn now(&self) -> Option<Timestamp> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (time, at) = heard?;
        time.checked_add(SignedDuration::try_from(at.elapsed()).ok()?).ok()
    }
}

/// A moment as the vendor writes it: `2026-07-20 09:37:13 +00:00`.
pub(crate) fn vendor_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_form_reads_back() {
        let time: Timestamp = "2026-07-20T09:37:13Z".parse().unwrap();
        assert_eq!(vendor_text(time), "2026-07-20 09:37:13 +00:00");
        assert_eq!(core_http::lenient::timestamp(&vendor_text(time)), Some(time));
    }
}
