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
mod lines;
mod observe;
mod planning;
mod pricing;
mod run;
mod state;
mod watch;

pub use accounts::{Connection, Services};
#[doc(hidden)] // For prices that the command is given.
pub use catalogue::read_price;
pub use catalogue::{COLUMNS, Catalogue, CatalogueErrors, LineError};
pub use decide::Brakes;
pub use layout::{Layout, UnknownColumn};
#[doc(hidden)] // For CSV files of the command.
pub use lines::Lines;
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
use std::{path::PathBuf, sync::Arc};

/// What a run may do.
#[derive(Debug, Clone)]
#[non_exhaustive]
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
    /// Also follow offers of which the vendor left something open (never what it said against them).
    pub accept_unconfirmed: bool,
    /// What a price follows, within the row's bounds and the brakes.
    pub pricing: Arc<dyn Pricing>,
    /// The most that a price may move, in percent of the old one.
    pub max_change: Decimal,
    /// How it writes. Some of it holds before that too: with `dry_run` nothing is paid for, an observation
    /// older than `max_observation_age`, 2 hours by default, does not count, and paid results are waited for and looked for as
    /// feeds are (`patience`, `cadence`).
    pub publish: publish::Options,
}

impl Options {
    /// The defaults, with this folder for the state.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            discover: false,
            watch: false,
            collection: None,
            budget: Decimal::ONE,
            accept_unconfirmed: false,
            pricing: Arc::new(MatchLowest),
            max_change: Decimal::from(20),
            publish: publish::Options::new(state).deciding(),
        }
    }

    /// The folder of the [register](crate::watch::Register) that knows which collection is for which store and postcode.
    pub fn register(&self) -> PathBuf {
        self.publish.state.join("watch")
    }
}
