//! Paid tasks that are never lost and never paid twice.
//!
//! 1. [`post`](Tasks::post) reserves the cost, writes the intent down, sends, and writes the outcome down before it
//!    returns it. A call whose outcome cannot be read is never sent again.
//! 2. [`settle`](Tasks::settle) finds out what became of such calls, and of those that a crash cut off.
//! 3. [`collect`](Tasks::collect) streams the results of what was paid for.
//! 4. [`acknowledge`](Tasks::acknowledge) ends a task once its result is stored.

mod collect;
mod look;
mod post;
mod settle;

pub use collect::{Collected, TaskResult};
pub use post::Posted;
pub use settle::Settlement;

use crate::{
    AsinTask, Budget, DfsClient, Entry, Ledger, LedgerError, Prices, SellersTask, State, Tag, TaskRequest, TasksReady,
    clock::VendorClock,
};
use core_http::{Error, ErrorKind, Result};
use jiff::{SignedDuration, Timestamp};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{Mutex, OnceCell, RwLock};

/// A task to be posted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    request: TaskRequest,
    label: String,
}

impl NewTask {
    /// Asks for a product and its variants.
    pub fn asin(task: AsinTask) -> Self {
        Self { request: TaskRequest::Asin(task), label: String::new() }
    }

    /// Asks for the offers of all sellers of a product.
    pub fn sellers(task: SellersTask) -> Self {
        Self { request: TaskRequest::Sellers(task), label: String::new() }
    }

    /// With a note that is kept with the task and given back with its result.
    pub fn label(mut self, note: impl Into<String>) -> Self {
        self.label = note.into();
        self
    }
}

/// When results are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// How long after posting the first look is taken; each later wait is half as long again, …
    pub first: Duration,
    /// … up to this.
    pub longest: Duration,
}

/// How tasks are priced, looked up and collected.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What tasks are expected to cost.
    pub prices: Prices,
    /// When results are asked for. By default after a second, then up to every 15 s while a task of high priority is
    /// pending, up to every minute otherwise.
    pub cadence: Option<Cadence>,
    /// How long after its sending a task may still appear in the vendor's list; 10 minutes by default. Before that, a task
    /// that is not in the list is not taken for absent.
    pub absence: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { prices: Prices::default(), cadence: None, absence: Duration::from_secs(600) }
    }
}

/// Posts, finds and collects the paid tasks of one account. Cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    client: DfsClient,
    ledger: Arc<dyn Ledger>,
    budget: Budget,
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    clock: VendorClock,
    /// Held by every call that makes tasks until its outcome is written down; who asks which outcomes are not known
    /// waits for those calls.
    calls: RwLock<()>,
    /// Set once the budget holds what earlier processes left unknown.
    adopted: OnceCell<()>,
    /// One settlement at a time.
    settling: Mutex<()>,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("client", &self.client).field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Tasks {
    /// Tasks sent by this client, remembered in this ledger, paid from this budget.
    ///
    /// The ledger must be that of the client's account and base URL.
    pub fn new(client: DfsClient, ledger: Arc<dyn Ledger>, budget: Budget) -> Self {
        Self { client, ledger, budget, settings: Settings::default(), shared: Arc::default() }
    }

    /// With other settings.
    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What a task is expected to cost, USD: what will be reserved for it.
    pub fn price(&self, task: &NewTask) -> rust_decimal::Decimal {
        self.settings.prices.of(task.request.kind(), task.request.priority())
    }

    /// The tasks that were paid for and whose results nobody has acknowledged yet, of earlier processes too.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn pending(&self) -> Result<Vec<Entry>> {
        let unfinished = self.ledger.unfinished().await.map_err(ledger_failed)?;
        Ok(unfinished.into_iter().filter(|entry| entry.state.id().is_some()).collect())
    }

    /// The tasks that may have been paid for without anybody knowing, of earlier processes too; see
    /// [`settle`](Tasks::settle). Waits for the outcome of a call that is under way.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn unsettled(&self) -> Result<Vec<Entry>> {
        let _no_call_under_way = self.shared.calls.write().await;
        let unfinished = self.ledger.unfinished().await.map_err(ledger_failed)?;
        Ok(unfinished.into_iter().filter(|entry| entry.state.is_open()).collect())
    }

    /// Ends a task: its result is stored, and will not be collected again.
    ///
    /// # Errors
    /// When the ledger cannot be written; the task is still pending then.
    pub async fn acknowledge(&self, tag: &Tag) -> Result<()> {
        let entry = self.ledger.entry(tag).await.map_err(ledger_failed)?;
        if let Some(State::Created { id, cost }) = entry.map(|entry| entry.state) {
            let collected = State::Collected { id, cost };
            self.ledger.record(&[(tag.clone(), collected)]).await.map_err(ledger_failed)?;
        }
        Ok(())
    }

    /// Takes an unknown task for absent without proof, on a person's word: its reservation is given back, and if it was
    /// made after all, it was paid for in vain.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn write_off(&self, tag: &Tag) -> Result<()> {
        let _no_settlement = self.shared.settling.lock().await;
        self.adopt().await?;
        let entry = self.unsettled().await?.into_iter().find(|entry| entry.tag == *tag);
        if let Some(entry) = entry {
            self.ledger.record(&[(tag.clone(), State::Absent)]).await.map_err(ledger_failed)?;
            self.budget.release(entry.reserved);
        }
        Ok(())
    }

    /// Lets the budget hold what earlier processes left unknown.
    async fn adopt(&self) -> Result<()> {
        let adopt = || async {
            let unfinished = self.ledger.unfinished().await.map_err(ledger_failed)?;
            unfinished.iter().filter(|entry| entry.state.is_open()).for_each(|entry| self.budget.hold(entry.reserved));
            Ok(())
        };
        self.shared.adopted.get_or_try_init(adopt).await.copied()
    }

    /// Hears the vendor's clock by a free call, unless an answer has told it before.
    ///
    /// # Errors
    /// Failures that do not pass, such as refused credentials or a wrong address: nothing that is paid for must be tried
    /// then.
    async fn hear_clock(&self) -> Result<()> {
        if self.shared.clock.now().is_some() {
            return Ok(());
        }
        match self.client.exchange(TasksReady::new()).await {
            Ok(answer) => self.shared.clock.learn(&answer),
            Err(error) if !passes(error.kind()) => return Err(error),
            Err(error) => tracing::debug!(%error, "the vendor's clock is not known yet"),
        }
        Ok(())
    }

    /// The vendor's time, or ours while that is not known.
    fn now(&self) -> Timestamp {
        self.shared.clock.now().unwrap_or_else(Timestamp::now)
    }

    /// How long ago an entry was about to be sent, at least.
    fn age(&self, entry: &Entry) -> SignedDuration {
        match (entry.vendor_sent, self.shared.clock.now()) {
            (Some(sent), Some(now)) => now.duration_since(sent),
            _ => Timestamp::now().duration_since(entry.sent),
        }
    }
}

fn ledger_failed(error: LedgerError) -> Error {
    Error::new(ErrorKind::Request, error)
}

/// Whether the same call may succeed a little later.
fn passes(kind: ErrorKind) -> bool {
    use ErrorKind::{Busy, Connect, Interrupted, Throttled, Timeout, Unavailable};
    matches!(kind, Connect | Throttled | Busy | Unavailable | Timeout | Interrupted)
}

#[cfg(test)]
mod tests;
