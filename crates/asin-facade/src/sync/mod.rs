//! Keeps listings priced and stocked by what the market shows.
//!
//! [`Sync::run`] goes through five steps: **discover** the family of each product, **watch** the products with
//! MultiCart, **observe** what the market shows, **decide** within the bounds of each row, **publish** to Amazon. Each
//! step is one file of this module. Nothing is paid for and nothing is written unless the [`Supervisor`] agrees.
//!
//! The same can be had in two halves: [`Sync::plan`] does everything but write and gives a [`Plan`], which a person can
//! read; [`Sync::apply`] writes it, row by row, where the listing still is what the plan was made from. Every write is in
//! an audit log before it leaves, so that [`Sync::undo`] can plan the way back.

mod accounts;
mod catalogue;
mod collect;
mod decide;
mod discover;
mod layout;
mod observe;
mod planning;
mod pricing;
mod run;
mod state;
mod watch;

pub use accounts::{Connection, Services};
pub use catalogue::{COLUMNS, Catalogue, CatalogueErrors, LineError};
pub use decide::Brakes;
pub use layout::{Layout, UnknownColumn};
pub use pricing::{KeepMargin, MatchLowest, Offered, Pricing, Undercut};
pub use run::{Sync, SyncError};

pub use crate::event::{Spending, Step};
use crate::journal;
pub use crate::journal::StateError;
pub use crate::publish::{
    Account, Accounts, Agreed, Change, FromTo, Outcome, Plan, PlanError, PriceDecision, Progress, Reason, Report, Row,
    RowReport, RunId, RunSummary, Supervisor, Totals, Undo,
};
pub use crate::{Doubt, Market, Observation, Question, Source, lowest};

use crate::publish;
use multicart::CollectionId;
use rust_decimal::Decimal;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What a run may do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Learn the variant families through paid `asin` tasks.
    pub discover: bool,
    /// Enrol the products with MultiCart: in `collection`, else in those that the [register](Self::register) has for their
    /// stores and postcodes. None is made.
    pub watch: bool,
    /// The MultiCart collection to enrol in and to read outputs of.
    pub collection: Option<CollectionId>,
    /// The most that this run may spend with DataForSEO, in US dollars.
    pub budget: Decimal,
    /// An observation that is older does not count.
    pub max_observation_age: Duration,
    /// A stock that was counted longer ago, or nobody says when, is not sent; `None`: it is, however old.
    pub max_stock_age: Option<Duration>,
    /// Also follow offers of which the vendor left something open (never what it said against them).
    pub accept_unconfirmed: bool,
    /// What a price follows, within the row's bounds and the brakes.
    pub pricing: Arc<dyn Pricing>,
    /// The most that a price may move, in percent of the old one.
    pub max_change: Decimal,
    /// With more rows to change than this, nothing is sent at all; a plan may hold more.
    pub max_rows_changed: usize,
    /// With more changes than this for one account in one store, a sample of them is previewed and they leave in a feed.
    pub feed_above: usize,
    /// How many rows of a feed are previewed.
    pub feed_sample: usize,
    /// Only free reads and previews.
    pub dry_run: bool,
    /// How long to wait for paid results, and for a feed; what comes later is collected by the next run.
    pub patience: Duration,
    /// The pause between two looks for paid results, or at a feed.
    pub cadence: Duration,
    /// The folder that keeps what the next run must know.
    pub state: PathBuf,
}

impl Options {
    /// The defaults, with this folder for the state.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            discover: false,
            watch: false,
            collection: None,
            budget: Decimal::ONE,
            max_observation_age: Duration::from_secs(2 * 3600),
            max_stock_age: None,
            accept_unconfirmed: false,
            pricing: Arc::new(MatchLowest),
            max_change: Decimal::from(20),
            max_rows_changed: 100,
            feed_above: 500,
            feed_sample: 20,
            dry_run: false,
            // DataForSEO's standard queue takes up to 45 minutes.
            patience: Duration::from_secs(50 * 60),
            cadence: Duration::from_secs(30),
            state: state.into(),
        }
    }

    /// The folder of the [register](crate::watch::Register) that knows which collection is for which store and postcode.
    pub fn register(&self) -> PathBuf {
        self.state.join("watch")
    }

    /// What of this is about writing.
    fn publish(&self) -> publish::Options {
        publish::Options {
            max_rows_changed: self.max_rows_changed,
            feed_above: self.feed_above,
            feed_sample: self.feed_sample,
            max_stock_age: self.max_stock_age,
            max_observation_age: Some(self.max_observation_age),
            dry_run: self.dry_run,
            patience: self.patience,
            cadence: self.cadence,
            state: self.state.clone(),
        }
    }
}
