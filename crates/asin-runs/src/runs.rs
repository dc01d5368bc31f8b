//! Runs in a store: which tasks they have, who holds which, what they cost, what came of them.

use crate::{
    StoreError,
    run::{Ended, NewRun, RunId, RunResult, RunStatus},
};
use async_trait::async_trait;
use dataforseo_merchant::{Entry, Ledger, Tag, TaskRequest};
use rust_decimal::Decimal;
use std::{sync::Arc, time::Duration};

/// Runs over the ledger of one account. A task of a run is posted by the one who holds it: in one transaction its intent is
/// written down, it is bound to that intent, and its cost is taken from the run's budget. Whoever holds it no longer, or
/// finds the run cancelled, out of time or out of budget, is refused there, and sends nothing.
///
/// Results are stored here by the workers, and by the receivers that the feature `webhook` connects with a store. Any other
/// receiver of webhooks on the same ledger would store them elsewhere, and their tasks would stay pending here.
#[async_trait]
pub trait Runs: Ledger {
    /// Begins a run, or finds the account's run of this name, which keeps its budget and deadline.
    ///
    /// # Errors
    /// When the store cannot do it, or the budget is more than can be counted.
    async fn begin(&self, run: &NewRun) -> Result<RunId, StoreError>;

    /// Puts tasks into a run of this account, the first of them at this place; each has to say what it must. What is at a
    /// place already stays, so that a run that was only half filled can be filled again. None is posted before it is
    /// [agreed to](Self::agree).
    ///
    /// # Errors
    /// When the store cannot do it, the account has no such run, or another task is at one of the places already: then none
    /// is put in.
    async fn add(&self, run: RunId, first: i64, tasks: &[TaskRequest]) -> Result<(), StoreError>;

    /// So many of its tasks, from the first, may be posted and paid for. What was agreed to before stays so; what is put in
    /// behind them is not.
    ///
    /// # Errors
    /// When the store cannot do it, the account has no such run, or so many are not in it.
    async fn agree(&self, run: RunId, tasks: u64) -> Result<(), StoreError>;

    /// How far it has come.
    ///
    /// # Errors
    /// When the store cannot say, or has no such run.
    async fn status(&self, run: RunId) -> Result<RunStatus, StoreError>;

    /// Posts nothing more of it; what was posted is still collected.
    ///
    /// # Errors
    /// When the store cannot do it, or the account has no such run.
    async fn cancel(&self, run: RunId) -> Result<(), StoreError>;

    /// Gives a run another budget, another time in which its tasks can be posted, from now on, or both.
    ///
    /// # Errors
    /// When the store cannot do it, the account has no such run, or the budget is more than can be counted.
    async fn amend(&self, run: RunId, budget: Option<Decimal>, lifetime: Option<Duration>) -> Result<(), StoreError>;

    /// How many of its tasks ask for just what another one asks for: each is posted and paid for.
    ///
    /// # Errors
    /// When the store cannot say.
    async fn repeated(&self, run: RunId) -> Result<u64, StoreError>;

    /// Its tasks that may have been paid for without anybody knowing, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn unknown(&self, run: RunId) -> Result<Vec<Entry>, StoreError>;

    /// What came of the tasks behind this place, in their order, at most so many; none at the end. What comes later may stand
    /// before what is there.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn results(&self, run: RunId, after: Option<i64>, limit: u32) -> Result<Vec<RunResult>, StoreError>;

    /// The account's runs, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn runs(&self) -> Result<Vec<(RunId, String)>, StoreError>;

    /// A name for a worker that no other has.
    fn holder(&self) -> String;

    /// The same ledger for a worker of this name: what it intends is a task of the run.
    fn working(&self, run: RunId, holder: &str) -> Arc<dyn Ledger>;

    /// Holds the next tasks that nobody holds, at most so many, for so long.
    ///
    /// # Errors
    /// When the store cannot do it.
    async fn claim(
        &self,
        run: RunId,
        holder: &str,
        most: u32,
        lease: Duration,
    ) -> Result<Vec<(i64, TaskRequest)>, StoreError>;

    /// Holds tasks that wait for their result and that nobody holds, the oldest behind this tag first, at most so many, for
    /// so long.
    ///
    /// # Errors
    /// When the store cannot do it.
    async fn claim_pending(
        &self,
        run: RunId,
        holder: &str,
        after: Option<&Tag>,
        most: u32,
        lease: Duration,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Whether a task waits for its result, held or not.
    ///
    /// # Errors
    /// When the store cannot say.
    async fn pends(&self, run: RunId) -> Result<bool, StoreError>;

    /// Whether a task is still to be posted, held or not.
    ///
    /// # Errors
    /// When the store cannot say.
    async fn waits(&self, run: RunId) -> Result<bool, StoreError>;

    /// Holds what this worker holds for longer, or with no time at all gives it back.
    ///
    /// # Errors
    /// When the store cannot do it.
    async fn hold(&self, run: RunId, holder: &str, lease: Duration) -> Result<(), StoreError>;

    /// Gives back what workers hold that cannot live any more: those of earlier openings of a store that one process has.
    ///
    /// # Errors
    /// When the store cannot do it.
    async fn inherit(&self, run: RunId) -> Result<(), StoreError>;

    /// Ends a task that the vendor refuses for good.
    ///
    /// # Errors
    /// When the store cannot do it.
    async fn refuse(&self, run: RunId, holder: &str, number: i64, why: &str) -> Result<(), StoreError>;

    /// Stores results and ends their tasks, all or none; they survive a crash once this returns. Of each it says in their
    /// order whether it was stored now: one that is there already stays as it is.
    ///
    /// # Errors
    /// When the store cannot do it.
    async fn keep(&self, ended: &[Ended]) -> Result<Vec<bool>, StoreError>;

    /// The ledger's entries of these tags, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn entries(&self, tags: &[Tag]) -> Result<Vec<Option<Entry>>, StoreError>;
}
