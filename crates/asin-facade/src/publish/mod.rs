//! Writes a plan to listings: previewed first, noted on disk before it leaves, sent once, never guessed.
//!
//! It needs Amazon alone. Each listing is read again; a row that is not what the plan was made from is left alone. Many
//! changes of one account in one store leave in feeds. Every write is in an audit log before it leaves, from which the way
//! back is planned.

mod age;
mod audit;
mod bulk;
mod change;
mod decide;
mod feed;
mod group;
mod read;
mod report;
mod row;
mod sellers;
mod sent;
mod supervisor;
mod work;
mod write;

pub use crate::event::Progress;
pub use crate::journal::StateError;
pub use audit::{RunId, RunSummary, Undo};
pub use change::{Change, FromTo, Plan, PlanError};
pub use decide::PriceDecision;
pub use report::{Outcome, Reason, Report, RowReport, Totals};
pub use row::Row;
pub use sellers::{Account, Accounts, Sellers, Selling};
pub use supervisor::{Agreed, Supervisor};

pub(crate) use work::Work;
#[cfg(feature = "sync")]
pub(crate) use {
    decide::Decide,
    report::codes,
    row::Slot,
    sellers::{Counted, is_here},
};

use crate::event::Workflow;
use audit::{Audit, Log};
use decide::AsPlanned;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

/// A plan that says nothing of it lets no price follow an older observation.
const OBSERVED: Duration = Duration::from_secs(2 * 3600);

/// What writing may do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// With more rows to change than this, nothing is sent at all; a plan may hold more.
    pub max_rows_changed: usize,
    /// With more changes than this for one account in one store, a sample of them is previewed and they leave in a feed.
    pub feed_above: usize,
    /// How many rows of a feed are previewed.
    pub feed_sample: usize,
    /// A stock that was counted longer ago, or nobody says when, is not sent; `None`: it is, however old.
    pub max_stock_age: Option<Duration>,
    /// A price does not follow an observation that is older; `None`: as its plan says. What a plan says is only tightened,
    /// here and for the stocks.
    pub max_observation_age: Option<Duration>,
    /// Only reads and previews.
    pub dry_run: bool,
    /// How long a feed is waited for; the next run asks for one that takes longer. 50 minutes by default, since DataForSEO's
    /// standard queue takes up to 45.
    pub patience: Duration,
    /// The pause between two looks at a feed.
    pub cadence: Duration,
    /// The folder that keeps what the next run must know.
    pub state: PathBuf,
}

impl Options {
    /// The defaults, with this folder for the state.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            max_rows_changed: 100,
            feed_above: 500,
            feed_sample: 20,
            max_stock_age: None,
            max_observation_age: None,
            dry_run: false,
            patience: Duration::from_secs(50 * 60),
            cadence: Duration::from_secs(30),
            state: state.into(),
        }
    }

    /// The greatest age of an observation that a price may follow.
    pub(crate) fn observed(&self) -> Duration {
        self.max_observation_age.unwrap_or(OBSERVED)
    }

    /// What holds where changes are decided on, and not only written: an observation always has a greatest age.
    #[cfg(feature = "sync")]
    pub(crate) fn deciding(&self) -> Self {
        Self { max_observation_age: Some(self.observed()), ..self.clone() }
    }

    /// A plan of changes that were decided on just now.
    fn plan(&self, world: &str, changes: Vec<Change>) -> Plan {
        Plan {
            version: Plan::VERSION,
            made: Timestamp::now(),
            max_observation_age: self.observed().as_secs(),
            max_stock_age: self.max_stock_age.map(|age| age.as_secs()),
            world: world.to_owned(),
            changes,
        }
    }

    /// With what a plan allows, where that is less.
    fn within(&self, plan: &Plan) -> Self {
        let less = |here: Option<Duration>, planned: Option<u64>| {
            here.into_iter().chain(planned.map(Duration::from_secs)).min()
        };
        Self {
            max_observation_age: less(self.max_observation_age, Some(plan.max_observation_age)),
            max_stock_age: less(self.max_stock_age, plan.max_stock_age),
            ..self.clone()
        }
    }
}

/// Why nothing more is written; what had been done by then is on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// What is kept on disk cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The plan does not belong here.
    #[error("the plan: {0}")]
    Plan(#[from] PlanError),
}

/// Writes plans.
#[derive(Debug, Clone)]
pub struct Publish {
    sellers: Sellers,
    options: Options,
}

impl Publish {
    /// For these sellers.
    pub fn new(sellers: Sellers, options: Options) -> Self {
        Self { sellers, options }
    }

    /// The sellers.
    pub fn sellers(&self) -> &Sellers {
        &self.sellers
    }

    /// A plan of changes that somebody else has decided on, just now.
    pub fn plan(&self, changes: Vec<Change>) -> Plan {
        self.options.plan(self.sellers.world(), changes)
    }

    /// Writes a plan: reads each listing, leaves it alone if it is not what the plan was made from, previews, sends.
    ///
    /// # Errors
    /// A plan that was made for other hosts or accounts, then nothing is sent; what keeps the whole from being safe: the
    /// state cannot be written, or another run is using it.
    pub async fn run(&self, plan: &Plan, supervisor: &dyn Supervisor) -> Result<Report, PublishError> {
        self.check(plan)?;
        let mut work = Work::open(&self.sellers, self.options.within(plan), supervisor, false)?;
        work.made = plan.made;
        let (slots, refused) = work.admit(plan.changes.iter().map(|change| (change.row(), Some(change.clone()))));
        let slots = work.decide_and_publish(slots, &AsPlanned).await?;
        Ok(work.report(slots, refused))
    }

    /// [`run`](Self::run) as a stream: what happens, what it asks leave for, and last how each row ended. The run's own name
    /// is the first of [`runs`](Self::runs) then, if it wrote anything.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn stream<'a>(&'a self, plan: &'a Plan) -> Workflow<'a, RowReport, PublishError> {
        Workflow::new(move |events| async move {
            for row in self.run(plan, &events).await?.rows {
                events.item(row).await;
            }
            Ok(())
        })
    }

    /// The runs that wrote anything from this state, the last one first.
    ///
    /// # Errors
    /// If the audit log cannot be read, or another run is using it.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StateError> {
        Ok(Log::read(&self.options.state, self.sellers.world())?.runs())
    }

    /// The file of the audit log: JSON lines, each write before it left and how it ended.
    pub fn audit_log(&self) -> PathBuf {
        Audit::file(&self.options.state, self.sellers.world())
    }

    /// Plans the way back from a run; `None`: there is no such run. To be written like any plan.
    ///
    /// # Errors
    /// If the audit log cannot be read, or another run is using it.
    pub fn undo(&self, run: &RunId) -> Result<Option<Undo>, StateError> {
        let world = self.sellers.world();
        Ok(Log::read(&self.options.state, world)?.undo(run, world, Timestamp::now()))
    }

    fn check(&self, plan: &Plan) -> Result<(), PlanError> {
        if plan.version != Plan::VERSION {
            return Err(PlanError::Version(plan.version));
        }
        let here = self.sellers.world();
        if plan.world != here {
            return Err(PlanError::World { planned: plan.world.clone(), here: here.to_owned() });
        }
        let (mut seen, mut stocks) = (BTreeSet::new(), BTreeMap::new());
        for Change { line, account, seller_id, sku, marketplace, quantity, handling, .. } in &plan.changes {
            let known = self.sellers.accounts().get(account);
            if known.is_none_or(|known| known.seller_id != *seller_id) {
                return Err(PlanError::Account { line: *line, account: account.clone(), seller: seller_id.clone() });
            }
            if !seen.insert((account, sku.as_str(), marketplace.id())) {
                return Err(PlanError::Twice { line: *line, sku: sku.clone(), marketplace: *marketplace });
            }
            for (what, wanted) in [("quantity", quantity), ("handling", handling)] {
                let Some(wanted) = wanted else { continue };
                if *stocks.entry((account, sku.as_str(), what)).or_insert(wanted.to) != wanted.to {
                    return Err(PlanError::Stock { line: *line, sku: sku.clone() });
                }
            }
        }
        Ok(())
    }
}
