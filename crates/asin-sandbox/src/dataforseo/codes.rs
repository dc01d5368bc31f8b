//! The vendor's codes: its words for each, and where each stands.
//!
//! All can be had from a fault, `Fault::on(…).code(40203)`. These come by themselves, too:
//!
//! | code | comes when |
//! | --- | --- |
//! | 20000, 20100 | all is well; a task was made |
//! | 40000 | a live call has more than one task |
//! | 40002, 40004 | a result is asked for under another engine's or another function's path |
//! | 40006 | each task of a POST past the hundredth |
//! | 40100 | the credentials are wrong |
//! | 40102 | nobody sells the article in this store |
//! | 40200, 40210 | the balance is used up; it is too small for this task |
//! | 40202, 40209 | too many calls a minute; too many at once |
//! | 40205, 40206 | a task equal in everything, its tag included, more than a hundred times an hour; a thousand times a day |
//! | 40400, 40402 | no such address; a call of a function that it does not have |
//! | 40401, 40403 | no such task; its result is older than thirty days |
//! | 40501, 40502, 40503, 40506 | a field is wrong; no body; no array of objects; an unknown field |
//! | 40601, 40602 | the task was handed over; it waits in the queue |
//!
//! Codes and messages: the vendor's error table of 2026-05-29.

use http::StatusCode;
use serde_json::Map;

use super::tasks::task_id;
use super::{TaskAnswer, envelope, posted, refusal};
use crate::call::{Call, Reply};
use crate::clock::today;

/// Where a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// At the top, without tasks, and with this HTTP status.
    Call(u16),
    /// In a task of an answer that is fine in itself.
    Task,
}
use Level::{Call as Whole, Task};

/// Every refusal: code, words, level.
#[rustfmt::skip]
const REFUSALS: [(i64, &str, Level); 46] = [
    (40000, "You can set only one task at a time.", Task),
    (40001, "This id is used by another client, check the id.", Task),
    (40002, "This id is used by another search engine, check the path.", Task),
    (40003, "This id is used by another search type, check the path.", Task),
    (40004, "This id is used by another function, check the id.", Task),
    (40006, "You can set no more than 100 tasks at a time.", Task),
    (40100, "You are not authorized to access this resource.", Whole(401)),
    (40101, "Internal SE Server Error.", Task),
    (40102, "No Search Results.", Task),
    (40103, "Task execution failed, please try to resubmit the task.", Task),
    (40104, "Please verify your account before using the API.", Whole(200)),
    (40200, "Payment Required.", Whole(402)),
    (40201, "We noticed some unusual activity ... temporarily paused access.", Whole(200)),
    (40202, "The rate-limit per minute has been exceeded.", Whole(200)),
    (40203, "The cost limit has been exceeded.", Whole(200)),
    (40204, "Access Denied. Visit Plans and Subscriptions ...", Whole(200)),
    (40205, "The duplicate task limit per hour has been exceeded.", Task),
    (40206, "The duplicate task limit per day has been exceeded.", Task),
    (40207, "Access denied. Your IP is not whitelisted.", Whole(200)),
    (40209, "Too many simultaneous queries.", Whole(200)),
    (40210, "Insufficient Funds.", Task),
    (40400, "Not Found.", Whole(404)),
    (40401, "Task Not Found.", Task),
    (40402, "Invalid Path.", Whole(404)),
    (40403, "Results Expired.", Task),
    (40404, "No Prepared Data Found.", Task),
    (40405, "Textual content on the target page is insufficient.", Task),
    (40406, "Requested page was not submitted for crawling.", Task),
    (40407, "Duplicate host.", Task),
    (40408, "Target URL is invalid.", Task),
    (40501, "Invalid Field.", Task),
    (40502, "POST Data Is Empty.", Whole(200)),
    (40503, "POST Data Is Invalid.", Whole(200)),
    (40504, "The number of intersecting keywords ... exceeds 10 million.", Task),
    (40505, "You are using old data.", Task),
    (40506, "Unknown Fields in POST Data.", Task),
    (40601, "Task Handed.", Task),
    (40602, "Task In Queue.", Task),
    (50000, "Internal Error.", Whole(500)),
    (50001, "Error while checking the balance.", Whole(200)),
    (50100, "Not Implemented.", Whole(200)),
    (50301, "3rd Party API Service Unavailable.", Whole(200)),
    (50303, "Update is in progress. Please try after a few minutes.", Whole(200)),
    (50304, "This function is temporarily unavailable.", Whole(200)),
    (50401, "Internal Error - Timeout.", Task),
    (50402, "Target page took too long to respond.", Task),
];

/// Every code with the vendor's words for it.
pub(super) fn all() -> impl Iterator<Item = (i64, &'static str)> {
    [20000, 20100]
        .map(|code| (code, message(code)))
        .into_iter()
        .chain(REFUSALS.map(|(code, message, _)| (code, message)))
}

/// The vendor's words for a code.
pub(super) fn message(code: i64) -> &'static str {
    match code {
        20000 => "Ok.",
        20100 => "Task Created.",
        _ => REFUSALS.iter().find(|(known, ..)| *known == code).map_or("Internal Error.", |(_, message, _)| message),
    }
}

/// The refusal of a call with this code: at the top, or of each of its tasks.
pub(crate) fn coded(call: &Call, code: i64) -> Reply {
    let level = REFUSALS.iter().find(|(known, ..)| *known == code).map_or(Whole(200), |(_, _, level)| *level);
    match level {
        Whole(status) => refusal(StatusCode::from_u16(status).unwrap_or_default(), code),
        Task => {
            let asked = posted(call).unwrap_or_else(|_| vec![Map::new()]);
            let id = call.segments().pop().filter(|id| id.len() == 36);
            let id = || id.clone().unwrap_or_else(|| task_id(today(), &mut fastrand::Rng::with_seed(call.number)));
            let tasks: Vec<TaskAnswer> = asked.into_iter().map(|data| TaskAnswer::new(id(), code, data)).collect();
            envelope(call, "", &tasks)
        }
    }
}
