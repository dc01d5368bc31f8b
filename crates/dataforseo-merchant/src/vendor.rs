//! How DataForSEO's answers are read: nearly all come with HTTP 200, and `status_code` decides, at the top and again in
//! every task. Its codes, what each means, and what it teaches about the limits stand here and nowhere else.
//!
//! Messages vary and are never parsed. Sources: the vendor's error page of 2026-05-29 and its documentation.

use core_http::{ErrorKind, Fault, Head, Learnt, Lesson, Limit, Response, Vendor, lenient};
use http::StatusCode;
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;

/// The vendor's dialect.
#[derive(Debug)]
pub enum DataForSeo {}

/// What the vendor wraps around every answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(bound = "W: Deserialize<'de>")]
#[non_exhaustive]
pub struct Envelope<W> {
    /// The version of the API.
    #[serde(default, deserialize_with = "lenient::option_string")]
    pub version: Option<String>,
    /// The verdict on the call as a whole.
    #[serde(default, deserialize_with = "lenient::option_i64")]
    pub status_code: Option<i64>,
    /// Words to the verdict.
    #[serde(default, deserialize_with = "lenient::option_string")]
    pub status_message: Option<String>,
    /// The verdict under the name that a help page shows.
    #[serde(default, deserialize_with = "lenient::option_i64")]
    code: Option<i64>,
    #[serde(default, deserialize_with = "lenient::option_string")]
    message: Option<String>,
    /// The cost of all tasks, USD.
    #[serde(default, deserialize_with = "lenient::option_decimal")]
    pub cost: Option<Decimal>,
    /// How many tasks the answer is about.
    #[serde(default, deserialize_with = "lenient::option_i64")]
    pub tasks_count: Option<i64>,
    /// How many of them failed.
    #[serde(default, deserialize_with = "lenient::option_i64")]
    pub tasks_error: Option<i64>,
    /// The tasks; `null` when the call was refused as a whole.
    pub tasks: Option<W>,
}

/// What a status code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// Done.
    Done,
    /// A task was made and billed.
    Created,
    /// The task ran and found nothing: a result, not an error.
    Empty,
    /// The task waits or runs: ask again.
    Pending,
    /// The task has failed for good; only a new one, which is billed again, could help.
    Failed(ErrorKind),
    /// The call or the task was refused.
    Refused(ErrorKind),
}

use ErrorKind::{Auth, Decode, Funds, NotFound, Rejected, Throttled, Unavailable};
use Meaning::{Created, Done, Empty, Failed, Pending, Refused};

/// Every documented code.
const CODES: [(i64, Meaning); 48] = [
    (20000, Done),
    (20100, Created),
    (40000, Refused(Rejected)),
    (40001, Refused(Rejected)),
    (40002, Refused(Rejected)),
    (40003, Refused(Rejected)),
    (40004, Refused(Rejected)),
    (OVER_A_HUNDRED, Refused(Rejected)),
    (40100, Refused(Auth)),
    (40101, Failed(Rejected)),
    (40102, Empty),
    (40103, Failed(Rejected)),
    (40104, Refused(Auth)),
    (40200, Refused(Funds)),
    (40201, Refused(Auth)),
    (RATE, Refused(Throttled)),
    (DAILY_COST, Refused(Funds)),
    (40204, Refused(Auth)),
    (40205, Refused(Rejected)),
    (40206, Refused(Rejected)),
    (40207, Refused(Auth)),
    (CONCURRENCY, Refused(Throttled)),
    (40210, Refused(Funds)),
    (40400, Refused(NotFound)),
    (UNKNOWN_TASK, Refused(NotFound)),
    (40402, Refused(NotFound)),
    (40403, Failed(NotFound)),
    (40404, Failed(NotFound)),
    (40405, Refused(Rejected)),
    (40406, Refused(Rejected)),
    (40407, Refused(Rejected)),
    (40408, Refused(Rejected)),
    (40501, Refused(Rejected)),
    (40502, Refused(Rejected)),
    (40503, Refused(Rejected)),
    (40504, Refused(Rejected)),
    (40505, Refused(Rejected)),
    (40506, Refused(Rejected)),
    (40601, Pending),
    (40602, Pending),
    // Every 5xxxx may come after the work was done, so none of them says that nothing was billed.
    (50000, Refused(Unavailable)),
    (50001, Refused(Unavailable)),
    (50100, Refused(Rejected)),
    (50301, Refused(Unavailable)),
    (50303, Refused(Unavailable)),
    (50304, Refused(Unavailable)),
    (50401, Failed(Unavailable)),
    (50402, Failed(Unavailable)),
];

/// A task beyond the hundredth of one POST: not made.
pub(crate) const OVER_A_HUNDRED: i64 = 40006;
/// More calls than the minute allows.
const RATE: i64 = 40202;
/// The account's own limit of cost a day; it clears at 00:00 UTC.
pub(crate) const DAILY_COST: i64 = 40203;
/// More calls at once than the account may have.
const CONCURRENCY: i64 = 40209;
/// No task has this id, or not yet.
pub(crate) const UNKNOWN_TASK: i64 = 40401;

impl Meaning {
    /// What this code says. An unknown one is judged by its family, an unknown family leaves everything open.
    pub fn of(code: i64) -> Self {
        match CODES.iter().find(|(known, _)| *known == code) {
            Some((_, meaning)) => *meaning,
            None => match code {
                20_000..30_000 => Done,
                40_000..50_000 => Refused(Rejected),
                50_000..60_000 => Refused(Unavailable),
                _ => Refused(Decode),
            },
        }
    }
}

/// The vendor's refusal in its own words.
pub(crate) fn fault(kind: ErrorKind, code: Option<i64>, message: Option<String>) -> Fault {
    let text = code.map(|code| code.to_string()).unwrap_or_default();
    let mut fault = Fault::new(kind, text, message.unwrap_or_default());
    fault.retry_after = match code {
        // Whether the window is the clock's minute or slides is not documented: a whole minute is right for both.
        Some(RATE) => Some(Duration::from_secs(60)),
        Some(CONCURRENCY) => Some(Duration::from_secs(1)),
        _ => None,
    };
    fault
}

/// Whether the vendor may have acted in spite of this refusal: its 5xxxx come from within, and what has no code was said
/// by something in front of it.
pub(crate) fn may_have_acted(fault: &Fault) -> bool {
    let by_another = fault.code.is_empty() && !matches!(fault.kind, Auth | Throttled);
    fault.kind.may_have_been_applied() || fault.code.starts_with('5') || by_another
}

/// Whether a refusal says of the task that was asked for that it has ended. Only codes that say so do, for a task that was
/// paid for would be given up: what a proxy says in the vendor's place (it has no code), a wrong path, a limit of the
/// account and codes that nobody has seen yet leave it as it is.
pub(crate) fn judges_a_task(fault: &Fault) -> bool {
    let code = fault.code.parse().unwrap_or_default();
    code == UNKNOWN_TASK || matches!(Meaning::of(code), Failed(_))
}

impl<W> Envelope<W> {
    fn code(&self) -> Option<i64> {
        self.status_code.or(self.code)
    }

    /// A refusal that costs something is none: what was done must be found out.
    fn is_billed(&self) -> bool {
        self.cost.is_some_and(|cost| cost > Decimal::ZERO)
    }

    /// The verdict at the top of an answer.
    fn refused(&mut self) -> Option<Fault> {
        let kind = match Meaning::of(self.code()?) {
            Done => return None,
            _ if self.is_billed() => Decode,
            Failed(kind) | Refused(kind) => kind,
            Created | Empty | Pending => Decode,
        };
        Some(fault(kind, self.code(), self.status_message.take().or(self.message.take())))
    }
}

impl Vendor for DataForSeo {
    const NAME: &'static str = "dataforseo";
    type Envelope<W: DeserializeOwned> = Envelope<W>;

    fn unwrap<W: DeserializeOwned>(mut envelope: Envelope<W>) -> Result<W, Fault> {
        if let Some(fault) = envelope.refused() {
            return Err(fault);
        }
        let lacks = |what: &str| Some(format!("an answer without `{what}`"));
        match (envelope.code(), envelope.tasks) {
            (None, _) => Err(fault(Decode, None, lacks("status_code"))),
            (code, None) => Err(fault(Decode, code, lacks("tasks"))),
            (_, Some(tasks)) => Ok(tasks),
        }
    }

    fn refusal(response: &Response) -> Option<Fault> {
        let mut envelope: Envelope<serde::de::IgnoredAny> = serde_json::from_slice(response.body()).ok()?;
        let (code, status) = (envelope.code()?, response.status());
        let said = envelope.refused();
        if status.is_success() {
            return said;
        }
        let kind = match status {
            // Enveloped or not: a server error leaves open what was done.
            _ if status.is_server_error() => Unavailable,
            _ if envelope.is_billed() => Decode,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Auth,
            StatusCode::PAYMENT_REQUIRED => Funds,
            StatusCode::NOT_FOUND => NotFound,
            StatusCode::TOO_MANY_REQUESTS => Throttled,
            _ => said.as_ref().map_or(Rejected, |said| said.kind),
        };
        let mut said = said.unwrap_or_else(|| fault(kind, Some(code), envelope.status_message));
        said.kind = kind;
        Some(said.with_status(status))
    }

    fn lessons(head: &Head<'_>, fault: Option<&Fault>, limits: &[Limit]) -> Vec<Lesson> {
        match fault.filter(|fault| fault.code == CONCURRENCY.to_string()) {
            // The rate is not at fault.
            Some(fault) => {
                let what = Learnt::Crowded(fault.retry_after.unwrap_or_default());
                let capped = limits.iter().filter(|limit| limit.in_flight.is_some());
                capped.map(|limit| Lesson { limit: *limit, what }).collect()
            }
            None => core_http::pause_when_throttled(head, fault, limits),
        }
    }
}

#[cfg(test)]
#[path = "vendor_tests.rs"]
mod tests;
