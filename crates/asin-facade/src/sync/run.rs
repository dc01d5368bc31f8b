//! The run as a whole: the steps in their order, and what they share.

use super::{
    Catalogue, Change, Event, Options, Outcome, PlanError, Reason, Report, Row, RowReport, Services, Spending,
    StateError, Step, Supervisor, audit::Audit, observe::Outputs, state::State,
};
use crate::{Product, paid};
use dataforseo_merchant::{Budget, Cadence, FileLedger, Kind, LedgerError, Posted, Stage, Tasks};
use futures_util::future::join;
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Why a run could not begin or go on; what had been done by then is on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The state of the catalogue cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The ledger of paid tasks cannot be used; without it nothing is paid for.
    #[error("the ledger of paid tasks: {0}")]
    Ledger(#[from] LedgerError),
    /// The ledger failed while the run went on.
    #[error("paid tasks: {0}")]
    Tasks(#[from] core_http::Error),
    /// The plan does not belong here.
    #[error("the plan: {0}")]
    Plan(#[from] PlanError),
    /// Enrolling needs a collection.
    #[error("to watch products, name the MultiCart collection that they go into")]
    NoCollection,
}

/// Keeps the listings of a catalogue priced and stocked.
#[derive(Debug)]
pub struct Sync {
    services: Services,
    options: Options,
}

/// A row with its report.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) row: Row,
    pub(super) report: RowReport,
    /// The row's seller, as Amazon names it.
    pub(super) seller: sp_listings::SellerId,
    /// What was planned for it, where there is a plan: then nothing is decided anew.
    pub(super) planned: Option<Change>,
}

impl Slot {
    pub(super) fn place(&self) -> Product {
        Product { asin: self.row.asin, marketplace: self.row.marketplace }
    }
}

/// What the steps share.
pub(super) struct Run<'a> {
    pub(super) services: &'a Services,
    pub(super) options: &'a Options,
    pub(super) supervisor: &'a dyn Supervisor,
    pub(super) tasks: Tasks,
    pub(super) own: BTreeSet<String>,
    /// Whether changes are only previewed, and kept for a plan.
    pub(super) plans: bool,
    /// An observation that is older does not count.
    pub(super) max_age: Duration,
    budget: Budget,
    state: Mutex<State>,
    audit: Mutex<Audit>,
    planned: Mutex<Vec<Change>>,
    /// Why nothing was observed of a product, where that is known.
    excuses: Mutex<HashMap<Product, Outcome>>,
    /// Sellers and SKUs that a feed of an earlier run may still change.
    unended: Mutex<HashSet<(String, String)>>,
}

impl Run<'_> {
    /// Notes why nothing is observed of a product; of several reasons the worst stays.
    pub(super) fn excuse(&self, place: Product, outcome: Outcome) {
        let mut excuses = self.excuses.lock().unwrap_or_else(PoisonError::into_inner);
        let worse = excuses.remove(&place).unwrap_or(Outcome::Unchanged).or_worse(outcome);
        excuses.insert(place, worse);
    }

    /// It has been observed after all.
    pub(super) fn observed(&self, place: Product) {
        self.excuses.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
    }

    pub(super) fn excused(&self, place: Product) -> Option<Outcome> {
        self.excuses.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn audit(&self) -> MutexGuard<'_, Audit> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is sent.
    pub(super) fn previews(&self) -> bool {
        self.options.dry_run || self.plans
    }

    pub(super) fn unended(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.unended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whose preview was valid; handed out once.
    pub(super) fn planned(&self) -> MutexGuard<'_, Vec<Change>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, text: impl Into<String>) {
        self.supervisor.event(Event::Note(text.into()));
    }

    pub(super) fn began(&self, step: Step, total: usize) {
        self.supervisor.event(Event::Began { step, total: total as u64 });
    }

    pub(super) fn advanced(&self, step: Step, done: usize) {
        self.supervisor.event(Event::Advanced { step, done: done as u64 });
    }

    pub(super) fn ended(&self, step: Step) {
        self.supervisor.event(Event::Ended { step });
    }
}

impl Sync {
    /// A run over these services.
    pub fn new(services: Services, options: Options) -> Self {
        Self { services, options }
    }

    /// The services.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// What it may do.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Goes through all steps. One row's failure never stops the others.
    ///
    /// # Errors
    /// Only what keeps the run as a whole from being safe: its state or its ledger cannot be written.
    pub async fn run(&self, catalogue: &Catalogue, supervisor: &dyn Supervisor) -> Result<Report, SyncError> {
        self.begin(supervisor, false)?.whole(catalogue).await
    }

    /// Opens everything that a run keeps on disk.
    pub(super) fn begin<'a>(&'a self, supervisor: &'a dyn Supervisor, plans: bool) -> Result<Run<'a>, SyncError> {
        let Self { services, options } = self;
        if options.watch && options.collection.is_none() {
            return Err(SyncError::NoCollection);
        }
        let now = Timestamp::now();
        let mut state = State::open(&options.state, services.world())?;
        state.compact(now)?;
        let audit = Audit::open(&options.state, services.world(), now)?;
        let ledger = FileLedger::open(&options.state, &services.dataforseo.base(), &services.dataforseo_login)?;
        let budget = Budget::new(options.budget);
        let cadence = Cadence { first: options.cadence.min(Duration::from_secs(1)), longest: options.cadence };
        let tasks = Tasks::new(services.dataforseo.clone(), Arc::new(ledger), budget.clone())
            .with(|settings| settings.cadence = Some(cadence));
        Ok(Run {
            services,
            options,
            supervisor,
            tasks,
            own: services.accounts.sellers(),
            plans,
            max_age: options.max_observation_age,
            budget,
            state: Mutex::new(state),
            audit: Mutex::new(audit),
            planned: Mutex::default(),
            excuses: Mutex::default(),
            unended: Mutex::default(),
        })
    }
}

impl Run<'_> {
    /// All steps of a catalogue.
    pub(super) async fn whole(&self, catalogue: &Catalogue) -> Result<Report, SyncError> {
        let (mut slots, refused) = self.admit(catalogue.rows.iter().map(|row| (row.clone(), None)));
        self.settle().await;
        if self.options.watch {
            self.watch(&mut slots).await;
        }
        let outputs = self.read_outputs().await;
        let unpaid = self.post(&slots, &outputs).await?;
        // Pricing does not wait for the families.
        let (families, priced) = join(self.collect_families(), self.price_and_stock(slots, outputs)).await;
        families?;
        let mut slots = priced?;
        self.name_families(&mut slots);
        self.report(slots, refused, unpaid).await
    }

    pub(super) async fn report(
        &self,
        slots: Vec<Slot>,
        refused: Vec<RowReport>,
        unpaid: Decimal,
    ) -> Result<Report, SyncError> {
        let mut report = Report::default();
        report.rows = slots.into_iter().map(|slot| slot.report).chain(refused).collect();
        report.rows.sort_by_key(|row| row.line);
        report.rows.iter_mut().for_each(RowReport::conclude);
        report.count();
        report.totals.run = self.audit().run();
        report.totals.calls = self.services.calls();
        report.totals.usd = self.budget.spent();
        report.totals.usd_unknown = self.budget.reserved();
        report.totals.usd_not_spent = unpaid;
        report.totals.tasks_pending =
            self.tasks.counts().await?.get(&Stage::Created).map_or(0, |pending| *pending as usize);
        Ok(report)
    }

    /// Refuses what must not even be asked: rows of a store outside their account's region.
    pub(super) fn admit(&self, rows: impl Iterator<Item = (Row, Option<Change>)>) -> (Vec<Slot>, Vec<RowReport>) {
        let (mut slots, mut refused) = (Vec::new(), Vec::new());
        for (row, planned) in rows {
            let mut report = RowReport::new(&row);
            let account = self.services.accounts.get(&row.account);
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

    /// Looks up what earlier runs sent without learning its outcome.
    async fn settle(&self) {
        let Options { cadence, patience, .. } = *self.options;
        self.began(Step::Settle, 1);
        paid::settle(&self.tasks, cadence, patience).await.notes().for_each(|note| self.note(note));
        self.ended(Step::Settle);
    }

    /// The tasks at the account's own prices, by which the budget is reserved. A dry run reserves nothing, and asks nobody.
    async fn priced(&self) -> Tasks {
        let mut tasks = self.tasks.clone();
        if !self.options.dry_run
            && let Err(error) = tasks.learn_prices().await
        {
            self.note(format!("the account's prices are not known, so those of the price page count: {error}"));
        }
        tasks
    }

    /// Posts the paid tasks that this run needs; returns what was not spent for want of consent.
    async fn post(&self, slots: &[Slot], outputs: &Outputs) -> Result<Decimal, SyncError> {
        let busy = self.busy().await?;
        let observe = self
            .unobserved(slots, &busy, outputs)
            .into_iter()
            .map(|place| (Kind::Sellers, place, place.sellers_task()));
        let unknown = if self.options.discover { self.unknown_families(slots, &busy) } else { Vec::new() };
        let discover = unknown.into_iter().map(|place| (Kind::Asin, place, place.family_task()));
        // Prices first: the budget may not reach for all.
        let new: Vec<_> = observe.chain(discover).collect();
        if new.is_empty() {
            return Ok(Decimal::ZERO);
        }
        let tasks = self.priced().await;
        let usd = new.iter().map(|(_, _, task)| tasks.price(task)).sum();
        let sellers_tasks = new.iter().filter(|(kind, ..)| *kind == Kind::Sellers).count();
        let spending = Spending { asin_tasks: new.len() - sellers_tasks, sellers_tasks, usd };
        if self.options.dry_run || !self.supervisor.may_pay(&spending).await {
            self.note(format!("{} task(s) for up to {usd} USD were not posted", new.len()));
            let message = "observing it costs money, which was not allowed in this run";
            for (_, place, _) in new.iter().filter(|(kind, ..)| *kind == Kind::Sellers) {
                self.excuse(*place, Outcome::Skipped(Reason::new("not_paid", message)));
            }
            return Ok(usd);
        }
        let (asked, new): (Vec<_>, Vec<_>) = new.into_iter().map(|(kind, place, task)| ((kind, place), task)).unzip();
        for ((kind, place), posted) in asked.into_iter().zip(tasks.post(new).await) {
            let Some(outcome) = trouble(&posted) else { continue };
            match (kind, outcome.reason()) {
                (Kind::Sellers, _) => self.excuse(place, outcome),
                (_, Some(reason)) => self.note(format!("the family of {place}: {}", reason.message)),
                _ => {}
            }
        }
        Ok(Decimal::ZERO)
    }

    /// From what the market shows to what Amazon was told.
    async fn price_and_stock(&self, slots: Vec<Slot>, outputs: Outputs) -> Result<Vec<Slot>, SyncError> {
        self.collect_sellers().await?;
        self.settle_feeds(&slots).await?;
        let groups = self.plan(slots, &outputs).await?;
        self.publish(groups).await
    }
}

/// What a task that was not created means for its row.
fn trouble(posted: &Posted) -> Option<Outcome> {
    match posted {
        Posted::Created { .. } => None,
        Posted::Rejected { fault, .. } => Some(Outcome::Failed(Reason::new("task_rejected", fault.to_string()))),
        Posted::Unknown { error, .. } => Some(Outcome::Unknown(Reason::new("observation_unknown", error.to_string()))),
        Posted::OverBudget(over) => Some(Outcome::Skipped(Reason::new("over_budget", over.to_string()))),
        Posted::NotSent { error } => Some(Outcome::Failed(Reason::new("task_not_sent", error.to_string()))),
        _ => Some(Outcome::Failed(Reason::new("task_not_sent", "the task was not created"))),
    }
}
