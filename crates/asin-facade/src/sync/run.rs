//! The run as a whole: the steps in their order, and what they share.

use super::{
    Catalogue, Options, Outcome, PlanError, PriceDecision, Question, Reason, Report, Row, Services, Spending,
    StateError, Step, Supervisor,
    decide::{self, Brakes},
    lowest,
    observe::Outputs,
    state::State,
};
use crate::{
    Market, Price, Product,
    event::{Hears, Progress},
    paid,
    publish::{self, Decide, PublishError, Slot, Work, codes},
    watch::Register,
};
use core_http::ErrorKind;
use dataforseo_merchant::{Budget, Cadence, FileLedger, Kind, LedgerError, Posted, Stage, Tasks};
use futures_util::future::join;
use jiff::Timestamp;
use multicart::CollectionId;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeSet, HashMap},
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
    /// Enrolling needs a collection, and none is known for any of these stores and postcodes.
    #[error("to watch products, name the MultiCart collection that they go into, or have one made for {}", .0.join(", "))]
    NoCollection(Vec<String>),
    /// The register of collections cannot be used.
    #[error("the register of collections: {0}")]
    Register(StateError),
}

impl From<PublishError> for SyncError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::State(error) => Self::State(error),
            PublishError::Plan(error) => Self::Plan(error),
        }
    }
}

/// Keeps the listings of a catalogue priced and stocked.
#[derive(Debug)]
pub struct Sync {
    services: Services,
    options: Options,
}

impl Slot {
    pub(crate) fn place(&self) -> Product {
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
    pub(super) work: Work<'a>,
    /// The MultiCart collections whose outputs are read.
    pub(super) collections: BTreeSet<CollectionId>,
    budget: Budget,
    state: Mutex<State>,
    /// Why nothing was observed of a product, where that is known.
    excuses: Mutex<HashMap<Product, Outcome>>,
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

    pub(super) fn question<'a>(&'a self, slot: &'a Slot, now: Timestamp) -> Question<'a> {
        let Row { asin, marketplace, postcode, .. } = &slot.row;
        let (own, max_age) = (&self.own, self.options.publish.observed());
        Question { asin: *asin, marketplace: *marketplace, postcode: Some(postcode), own, now, max_age }
    }
}

impl Hears for Run<'_> {
    fn hears(&self, progress: Progress) {
        self.supervisor.event(progress);
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
        self.begin(catalogue, supervisor, false)?.whole(catalogue).await
    }

    /// The collection that is named, else those that the register has for the places of these rows.
    fn collections(&self, rows: &[Row]) -> Result<BTreeSet<CollectionId>, SyncError> {
        let Options { watch, collection, .. } = self.options;
        if collection.is_some() || !watch || rows.is_empty() {
            return Ok(collection.into_iter().collect());
        }
        let register =
            Register::open(self.options.register(), &self.services.multicart).map_err(SyncError::Register)?;
        let of = |row: &Row| register.collections(row.marketplace, &row.postcode).to_vec();
        let known: BTreeSet<CollectionId> = rows.iter().flat_map(of).collect();
        let places = || rows.iter().map(|row| format!("{}:{}", row.marketplace, row.postcode)).collect::<BTreeSet<_>>();
        if known.is_empty() { Err(SyncError::NoCollection(places().into_iter().collect())) } else { Ok(known) }
    }

    /// Opens everything that a run keeps on disk.
    pub(super) fn begin<'a>(
        &'a self,
        catalogue: &Catalogue,
        supervisor: &'a dyn Supervisor,
        plans: bool,
    ) -> Result<Run<'a>, SyncError> {
        let Self { services, options } = self;
        let collections = self.collections(&catalogue.rows)?;
        let now = Timestamp::now();
        let mut state = State::open(&options.publish.state, services.world())?;
        state.compact(now)?;
        let work = Work::open(&services.sellers, options.publish.deciding(), supervisor, plans)?;
        let ledger = FileLedger::open(&options.publish.state, &services.dataforseo.base(), &services.dataforseo_login)?;
        let budget = Budget::new(options.budget);
        let cadence =
            Cadence { first: options.publish.cadence.min(Duration::from_secs(1)), longest: options.publish.cadence };
        let tasks = Tasks::new(services.dataforseo.clone(), Arc::new(ledger), budget.clone())
            .with(|settings| settings.cadence = Some(cadence));
        let (own, excuses, state) = (services.accounts().sellers(), Mutex::default(), Mutex::new(state));
        Ok(Run { services, options, supervisor, tasks, own, work, collections, budget, state, excuses })
    }
}

impl Run<'_> {
    /// All steps of a catalogue.
    pub(super) async fn whole(&self, catalogue: &Catalogue) -> Result<Report, SyncError> {
        self.hears(Progress::Pays(self.budget.clone()));
        let (mut slots, refused) = self.work.admit(catalogue.rows.iter().map(|row| (row.clone(), None)));
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
        self.bill(self.work.report(slots, refused), unpaid).await
    }

    /// Adds what it has cost.
    async fn bill(&self, mut report: Report, unpaid: Decimal) -> Result<Report, SyncError> {
        report.totals.calls = self.services.calls();
        report.totals.usd = self.budget.spent();
        report.totals.usd_unknown = self.budget.reserved();
        report.totals.usd_not_spent = unpaid;
        report.totals.tasks_pending =
            self.tasks.counts().await?.get(&Stage::Created).map_or(0, |pending| *pending as usize);
        Ok(report)
    }

    /// Looks up what earlier runs sent without learning its outcome.
    async fn settle(&self) {
        let publish::Options { cadence, patience, .. } = self.options.publish;
        self.began(Step::Settle, 1);
        paid::settle(&self.tasks, cadence, patience).await.notes().for_each(|note| self.note(note));
        self.ended(Step::Settle);
    }

    /// The tasks at the account's own prices, by which the budget is reserved. A dry run reserves nothing, and asks nobody.
    async fn priced(&self) -> Tasks {
        let mut tasks = self.tasks.clone();
        if !self.options.publish.dry_run
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
        if self.options.publish.dry_run || !self.supervisor.may_pay(&spending).await {
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
        Ok(self.work.decide_and_publish(slots, &ByMarket { run: self, outputs: &outputs }).await?)
    }

    fn market(&self, slot: &Slot, outputs: &Outputs) -> Market {
        let now = Timestamp::now();
        let mut observations = outputs.get(&slot.row.asin).cloned().unwrap_or_default();
        let state = self.state();
        let seen = state.seen(slot.place(), now, self.options.publish.observed());
        observations.extend(seen.into_iter().flat_map(|seen| seen.observations.clone()));
        lowest(&observations, &self.question(slot, now), self.options.accept_unconfirmed)
    }
}

/// Prices are decided by what the market shows.
struct ByMarket<'a> {
    run: &'a Run<'a>,
    outputs: &'a Outputs,
}

impl Decide for ByMarket<'_> {
    fn asks(&self, slot: &mut Slot) -> bool {
        slot.report.observed = self.run.market(slot, self.outputs).shown().cloned();
        slot.row.min_price.is_some()
    }

    fn price(&self, slot: &Slot, old: Option<Price>, _quiet: bool) -> PriceDecision {
        let Options { max_change, pricing, .. } = self.run.options;
        let market = self.run.market(slot, self.outputs);
        decide::price(&slot.row, old, &market, &**pricing, Brakes { max_change: *max_change })
    }

    /// Nothing was observed: says why, where that is known.
    fn explain(&self, slot: &Slot, outcome: Outcome) -> Outcome {
        match &outcome {
            Outcome::Skipped(reason) if matches!(reason.code, codes::NO_OBSERVATION | codes::UNCONFIRMED) => {
                self.run.excused(slot.place()).unwrap_or(outcome)
            }
            _ => outcome,
        }
    }
}

/// What a task that was not created means for its row.
fn trouble(posted: &Posted) -> Option<Outcome> {
    match posted {
        Posted::Created { .. } => None,
        Posted::Rejected { fault, .. } => {
            Some(Outcome::Failed(Reason::new(code(fault.kind, "task_rejected"), fault.to_string())))
        }
        Posted::Unknown { error, .. } => Some(Outcome::Unknown(Reason::new("observation_unknown", error.to_string()))),
        Posted::OverBudget(over) => Some(Outcome::Skipped(Reason::new("over_budget", over.to_string()))),
        Posted::NotSent { error } => {
            Some(Outcome::Failed(Reason::new(code(error.kind(), "task_not_sent"), error.to_string())))
        }
        _ => Some(Outcome::Failed(Reason::new("task_not_sent", "the task was not created"))),
    }
}

/// What keeps every task from being made has a code of its own.
fn code(kind: ErrorKind, other: &'static str) -> &'static str {
    match kind {
        ErrorKind::Auth => "task_refused",
        ErrorKind::Throttled | ErrorKind::Busy => "task_throttled",
        ErrorKind::Funds => "no_funds",
        _ => other,
    }
}
