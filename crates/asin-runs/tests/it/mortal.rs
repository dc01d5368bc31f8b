//! A store whose process ends just before or just after one of its commits: at once (SIGABRT), with nothing dropped or flushed.

use asin_runs::{Ended, NewRun, RunId, RunResult, RunStatus, Runs, StoreError};
use async_trait::async_trait;
use dataforseo_merchant::{Counts, Entry, Ledger, LedgerError, Page, State, Tag, TaskRequest};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// When it ends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Death {
    /// At which commit, from 0.
    pub commit: u32,
    pub after: bool,
}

#[derive(Debug, Clone)]
pub struct Mortal {
    runs: Arc<dyn Runs>,
    ledger: Arc<dyn Ledger>,
    commits: Arc<AtomicU32>,
    death: Death,
}

impl Mortal {
    pub fn new(runs: Arc<dyn Runs>, death: Death) -> Self {
        Self { ledger: runs.clone(), runs, commits: Arc::default(), death }
    }

    async fn around<T>(&self, commit: impl Future<Output = T>) -> T {
        let is_it = self.commits.fetch_add(1, Ordering::Relaxed) == self.death.commit;
        if is_it && !self.death.after {
            std::process::abort();
        }
        let done = commit.await;
        if is_it {
            std::process::abort();
        }
        done
    }
}

#[async_trait]
impl Ledger for Mortal {
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        self.around(self.ledger.intend(entries)).await
    }

    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError> {
        self.around(self.ledger.record(changes)).await
    }

    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
        self.ledger.entry(tag).await
    }

    async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError> {
        self.ledger.page(page).await
    }

    async fn counts(&self) -> Result<Counts, LedgerError> {
        self.ledger.counts().await
    }
}

/// What only reads is passed on; what commits, around the commit.
#[async_trait]
impl Runs for Mortal {
    async fn begin(&self, run: &NewRun) -> Result<RunId, StoreError> {
        self.around(self.runs.begin(run)).await
    }

    async fn agree(&self, run: RunId, tasks: u64) -> Result<(), StoreError> {
        self.around(self.runs.agree(run, tasks)).await
    }

    async fn add(&self, run: RunId, first: i64, tasks: &[TaskRequest]) -> Result<(), StoreError> {
        self.around(self.runs.add(run, first, tasks)).await
    }

    async fn status(&self, run: RunId) -> Result<RunStatus, StoreError> {
        self.runs.status(run).await
    }

    async fn cancel(&self, run: RunId) -> Result<(), StoreError> {
        self.around(self.runs.cancel(run)).await
    }

    async fn amend(&self, run: RunId, budget: Option<Decimal>, lifetime: Option<Duration>) -> Result<(), StoreError> {
        self.around(self.runs.amend(run, budget, lifetime)).await
    }

    async fn repeated(&self, run: RunId) -> Result<u64, StoreError> {
        self.runs.repeated(run).await
    }

    async fn unknown(&self, run: RunId) -> Result<Vec<Entry>, StoreError> {
        self.runs.unknown(run).await
    }

    async fn results(&self, run: RunId, after: Option<i64>, limit: u32) -> Result<Vec<RunResult>, StoreError> {
        self.runs.results(run, after, limit).await
    }

    async fn runs(&self) -> Result<Vec<(RunId, String)>, StoreError> {
        self.runs.runs().await
    }

    fn holder(&self) -> String {
        self.runs.holder()
    }

    fn working(&self, run: RunId, holder: &str) -> Arc<dyn Ledger> {
        Arc::new(Self { ledger: self.runs.working(run, holder), ..self.clone() })
    }

    async fn claim(
        &self,
        run: RunId,
        holder: &str,
        most: u32,
        lease: Duration,
    ) -> Result<Vec<(i64, TaskRequest)>, StoreError> {
        self.around(self.runs.claim(run, holder, most, lease)).await
    }

    async fn claim_pending(
        &self,
        run: RunId,
        holder: &str,
        after: Option<&Tag>,
        most: u32,
        lease: Duration,
    ) -> Result<Vec<Entry>, StoreError> {
        self.around(self.runs.claim_pending(run, holder, after, most, lease)).await
    }

    async fn pends(&self, run: RunId) -> Result<bool, StoreError> {
        self.runs.pends(run).await
    }

    async fn waits(&self, run: RunId) -> Result<bool, StoreError> {
        self.runs.waits(run).await
    }

    async fn hold(&self, run: RunId, holder: &str, lease: Duration) -> Result<(), StoreError> {
        self.around(self.runs.hold(run, holder, lease)).await
    }

    async fn inherit(&self, run: RunId) -> Result<(), StoreError> {
        self.around(self.runs.inherit(run)).await
    }

    async fn refuse(&self, run: RunId, holder: &str, number: i64, why: &str) -> Result<(), StoreError> {
        self.around(self.runs.refuse(run, holder, number, why)).await
    }

    async fn keep(&self, ended: &[Ended]) -> Result<Vec<bool>, StoreError> {
        self.around(self.runs.keep(ended)).await
    }

    async fn entries(&self, tags: &[Tag]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.runs.entries(tags).await
    }
}
