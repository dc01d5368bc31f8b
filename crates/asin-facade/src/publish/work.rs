//! What the steps of writing share.

use super::{
    Change, Options, Outcome, Reason, Report, Row, RowReport, Sellers, StateError, Supervisor, audit::Audit,
    decide::Decide, row::Slot, sent::SentLog,
};
use jiff::Timestamp;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Writing that is under way; what it keeps on disk is locked.
pub(crate) struct Work<'a> {
    pub(super) sellers: &'a Sellers,
    pub(super) options: Options,
    pub(super) supervisor: &'a dyn Supervisor,
    /// Whether changes are only previewed, and kept for a plan.
    pub(super) plans: bool,
    /// When the changes were decided on: the making of a plan, or the beginning of the run.
    pub(super) made: Timestamp,
    sent: Mutex<SentLog>,
    audit: Mutex<Audit>,
    planned: Mutex<Vec<Change>>,
    /// Sellers and SKUs that a feed of an earlier run may still change.
    unended: Mutex<HashSet<(String, String)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Work<'a> {
    /// Opens everything that is kept on disk.
    pub(crate) fn open(
        sellers: &'a Sellers,
        options: Options,
        supervisor: &'a dyn Supervisor,
        plans: bool,
    ) -> Result<Self, StateError> {
        let sent = Mutex::new(SentLog::open(&options.state, sellers.world())?);
        let made = Timestamp::now();
        let audit = Mutex::new(Audit::open(&options.state, sellers.world(), made)?);
        let (planned, unended) = Default::default();
        Ok(Self { sellers, options, supervisor, plans, made, sent, audit, planned, unended })
    }

    pub(super) fn sent(&self) -> MutexGuard<'_, SentLog> {
        lock(&self.sent)
    }

    pub(super) fn audit(&self) -> MutexGuard<'_, Audit> {
        lock(&self.audit)
    }

    pub(super) fn unended(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        lock(&self.unended)
    }

    /// Changes whose preview was valid.
    pub(super) fn planned(&self) -> MutexGuard<'_, Vec<Change>> {
        lock(&self.planned)
    }

    /// Whether nothing is sent.
    pub(crate) fn previews(&self) -> bool {
        self.options.dry_run || self.plans
    }

    /// The plan that has come of it.
    #[cfg(feature = "sync")]
    pub(crate) fn into_plan(self) -> super::Plan {
        let mut changes = self.planned.into_inner().unwrap_or_else(PoisonError::into_inner);
        changes.sort_by_key(|change| change.line);
        self.options.plan(self.sellers.world(), changes)
    }

    /// Refuses what must not even be asked: rows of a store outside their account's region.
    pub(crate) fn admit(&self, rows: impl Iterator<Item = (Row, Option<Change>)>) -> (Vec<Slot>, Vec<RowReport>) {
        let (mut slots, mut refused) = (Vec::new(), Vec::new());
        for (row, planned) in rows {
            let mut report = RowReport::new(&row);
            let account = self.sellers.accounts().get(&row.account);
            match account.filter(|account| account.region == row.marketplace.region()) {
                Some(account) => slots.push(Slot { row, report, seller: account.seller_id.clone(), planned }),
                None => {
                    let (store, account) = (row.marketplace, &row.account);
                    let message = format!("{store} is not in the region of account `{account}`; no vendor was called");
                    report.price = Outcome::Refused(Reason::new("outside_region", message));
                    report.stock = report.price.clone();
                    refused.push(report);
                }
            }
        }
        (slots, refused)
    }

    /// From what the listings show to what Amazon was told.
    pub(crate) async fn decide_and_publish(
        &self,
        slots: Vec<Slot>,
        decide: &dyn Decide,
    ) -> Result<Vec<Slot>, StateError> {
        self.settle_feeds(&slots).await?;
        let groups = self.plan(slots, decide).await?;
        self.publish(groups).await
    }

    /// How each row ended, in the order of the catalogue.
    pub(crate) fn report(&self, slots: Vec<Slot>, refused: Vec<RowReport>) -> Report {
        let mut report = Report::default();
        report.rows = slots.into_iter().map(|slot| slot.report).chain(refused).collect();
        report.rows.sort_by_key(|row| row.line);
        report.rows.iter_mut().for_each(RowReport::conclude);
        report.count();
        report.totals.run = self.audit().run();
        report.totals.calls.insert("sp-api", self.sellers.calls());
        report
    }
}
