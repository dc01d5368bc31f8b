//! A worker's other half: what came of the tasks, stored as it comes.

use super::{PAUSE, RunError, Worker, passes};
use crate::run::Ended;
use core_http::Error;
use dataforseo_merchant::{Collected, Entry, Tag};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// How many results are waited for at once: memory does not grow with the run.
const WAITED_FOR: u32 = 1000;
/// The same of tasks whose results are posted: the vendor does not list them, so that they are asked for one by one, and of
/// a larger set only some in a look.
const ONE_BY_ONE: u32 = 50;
/// How many results share a transaction at the most.
const AT_ONCE: usize = 100;
/// How long one set of results is waited for, before it is seen which have come otherwise, …
const ROUND: Duration = Duration::from_secs(300);
/// … the same while more is being posted, …
const SHORT_ROUND: Duration = Duration::from_secs(5);
/// … and how long for more of a full set, of which some have come, or which is overdue: others may be ready.
pub(super) const QUIET: Duration = Duration::from_secs(15);
/// The vendor answers all tasks within 45 minutes, by its own word. What is older is overdue.
const TURNAROUND: SignedDuration = SignedDuration::from_hours(1);

/// What came of one set of tasks.
#[derive(Default)]
struct Come {
    results: usize,
    /// Whether a look failed in a way that may pass.
    has_failed: bool,
}

impl Worker {
    /// Stores results as they come, until everything is posted and nothing is pending.
    pub(super) async fn collect(&self, end: Instant, posted: &AtomicBool) -> Result<(), RunError> {
        // Overdue ones of which none came are passed by, until those behind them have been looked at.
        let mut passed_by: Option<Tag> = None;
        let mut most = WAITED_FOR;
        loop {
            let all_posted = posted.load(Ordering::Acquire);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let after = passed_by.as_ref();
            let pending = self.store.claim_pending(self.run, &self.collector, after, most, self.lease).await?;
            if pending.is_empty() && passed_by.take().is_some() {
                continue;
            }
            if pending.is_empty() {
                // What another one holds is waited for too: that one may die.
                if all_posted && !self.store.pends(self.run).await? {
                    return Ok(());
                }
                sleep(PAUSE).await;
                continue;
            }
            let is_hooked = pending.iter().any(is_hooked);
            let fits = if is_hooked { ONE_BY_ONE } else { WAITED_FOR };
            let asked = std::mem::replace(&mut most, fits);
            if pending.len() > fits as usize {
                self.hold(&self.collector, Duration::ZERO).await?;
                continue;
            }
            let is_full = pending.len() == asked as usize;
            // While others are still being posted, a small set is not waited for alone.
            let patience = if all_posted || is_full { ROUND } else { SHORT_ROUND };
            let last = pending.last().filter(|_| is_full);
            let overdue = last.filter(|entry| Timestamp::now().duration_since(entry.sent) > TURNAROUND);
            let overdue = overdue.map(|entry| entry.tag.clone());
            // A look that asks for all of them has told all that there is to know.
            let quiet = if is_hooked { PAUSE } else { self.quiet };
            let quiet = is_full.then_some((quiet, overdue.is_some()));
            let come = self.collect_set(pending, left.min(patience), quiet).await?;
            self.hold(&self.collector, Duration::ZERO).await?;
            match overdue {
                _ if !is_full => passed_by = None,
                Some(last) if come.results == 0 => passed_by = Some(last),
                _ => {}
            }
            if come.results == 0 {
                // What has ended it before its time would do so again at once.
                sleep(if come.has_failed { SHORT_ROUND } else { PAUSE }).await;
            }
        }
    }

    /// Stores what comes of a set, until it has come or patience has run out; of a full one most of it, or as long as
    /// something comes: others may be ready, which what the vendor takes long for, or never ends, would keep.
    async fn collect_set(
        &self,
        pending: Vec<Entry>,
        patience: Duration,
        full: Option<(Duration, bool)>,
    ) -> Result<Come, RunError> {
        let enough = if full.is_some() { pending.len() * 9 / 10 } else { pending.len() };
        // What has come at about the same time is stored in one transaction.
        let mut results = self.tasks.collect(pending, patience).ready_chunks(AT_ONCE);
        let (mut come, mut looks) = (Come::default(), 0);
        loop {
            let has_enough = come.results >= enough;
            let wait = match full {
                // What is being asked for is not left.
                Some(_) if has_enough => PAUSE,
                Some((quiet, is_overdue)) if come.results > 0 || is_overdue => quiet,
                _ => patience,
            };
            match timeout(wait, results.next()).await {
                Ok(Some(some)) => self.store_some(some, &mut come).await?,
                Ok(None) => return Ok(come),
                // A look that waits for its turn has not said yet that there is nothing; that of the last results has ended.
                Err(_) if has_enough || results.get_ref().looks() > looks + u64::from(come.results > 0) => {
                    return Ok(come);
                }
                Err(_) => continue,
            }
            looks = results.get_ref().looks();
        }
    }

    async fn store_some(&self, some: Vec<core_http::Result<Collected>>, come: &mut Come) -> Result<(), RunError> {
        let (mut answers, mut ended, mut failure) = (Vec::new(), Vec::new(), None::<Error>);
        for collected in some {
            match collected {
                Ok(collected) if collected.entry.live => answers.push(collected),
                Ok(collected) => ended.extend(Ended::of(&collected)),
                Err(error) if passes(error.kind()) => {
                    tracing::debug!(%error, "a look failed; the next one may not");
                    come.has_failed = true;
                }
                Err(error) => failure = Some(error),
            }
        }
        come.results += ended.len() + answers.len();
        self.keep_answers(answers).await?;
        if !ended.is_empty() {
            self.store.keep(&ended).await?;
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Whether its result is posted to an address.
fn is_hooked(entry: &Entry) -> bool {
    entry.request.summary().posted.is_some()
}
