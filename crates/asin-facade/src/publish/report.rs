//! What a run did: one report for each row, and the totals.

use super::{Row, RunId};
use crate::{Observation, Price};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::{collections::BTreeMap, fmt};

/// How it ended for a row, or for one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is already as it should be.
    Unchanged,
    /// Left alone, with the reason.
    Skipped(Reason),
    /// What an earlier run submitted now shows in the listing.
    Applied,
    /// Amazon accepted the change; it is not applied yet.
    Submitted,
    /// What an earlier run submitted does not show in the listing; it was not sent again.
    NotApplied,
    /// A rule of ours or the vendor says no, with the reason.
    Refused(Reason),
    /// It was sent and no readable answer came: it may have been applied. The next run reads before it sends.
    Unknown(Reason),
    /// It could not be done, with the error.
    Failed(Reason),
}

/// Why: a code for programs and words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// For programs; a code keeps its meaning.
    pub code: &'static str,
    /// The circumstances.
    pub message: String,
}

/// Codes that something is decided by, and not only told. The others stand where they are told; a price rule may have its
/// own.
pub(crate) mod codes {
    pub(crate) const DRY_RUN: &str = "dry_run";
    pub(crate) const FBA: &str = "fba";
    pub(crate) const FEED_PENDING: &str = "feed_pending";
    pub(crate) const LISTING_CHANGED: &str = "listing_changed";
    pub(crate) const NOT_LISTED: &str = "not_listed";
    pub(crate) const OBSERVATION_TOO_OLD: &str = "observation_too_old";
    pub(crate) const SAMPLE_REFUSED: &str = "sample_refused";
    #[cfg(feature = "sync")]
    pub(crate) const NO_OBSERVATION: &str = "no_observation";
    #[cfg(feature = "sync")]
    pub(crate) const UNCONFIRMED: &str = "unconfirmed";
}

impl Reason {
    /// A reason.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Outcome {
    /// The word for it, as in the documentation; a listing fulfilled by Amazon is `skipped_fba`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Skipped(reason) if reason.code == codes::FBA => "skipped_fba",
            Self::Skipped(_) => "skipped",
            Self::Applied => "applied",
            Self::Submitted => "submitted",
            Self::NotApplied => "not_applied",
            Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
            Self::Failed(_) => "failed",
        }
    }

    /// The reason, where there is one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Skipped(reason) | Self::Refused(reason) | Self::Unknown(reason) | Self::Failed(reason) => {
                Some(reason)
            }
            _ => None,
        }
    }

    /// What matters most to a person comes last; a row's outcome is the greatest of its parts'.
    fn weight(&self) -> u8 {
        match self {
            Self::Unchanged => 0,
            Self::Skipped(_) => 1,
            Self::Applied => 2,
            Self::Submitted => 3,
            Self::NotApplied => 4,
            Self::Refused(_) => 5,
            Self::Unknown(_) => 6,
            Self::Failed(_) => 7,
        }
    }

    /// The one of two that matters more; the first where they weigh the same.
    pub fn or_worse(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.reason()) {
            (Self::Skipped(_), Some(reason)) if reason.code == codes::FBA => f.pad("skipped_fba"),
            (_, Some(reason)) => f.pad(&format!("{}({})", self.name(), reason.code)),
            (_, None) => f.pad(self.name()),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("outcome", self.name())?;
        if let Some(reason) = self.reason() {
            map.serialize_entry("reason", reason.code)?;
            map.serialize_entry("message", &reason.message)?;
        }
        map.end()
    }
}

/// What happened to one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RowReport {
    /// The line of the catalogue, counted from 1.
    pub line: u64,
    /// The account.
    pub account: String,
    /// The SKU.
    pub sku: String,
    /// The ASIN.
    pub asin: String,
    /// The store's country code.
    pub marketplace: &'static str,
    /// How many variants the product's family has, where it is known.
    pub variants: Option<usize>,
    /// The observation that the price follows; or, if none is confirmed, the lowest that was seen.
    pub observed: Option<Observation>,
    /// The price found in the listing.
    pub old_price: Option<Price>,
    /// The price that the listing should have.
    pub new_price: Option<Price>,
    /// The stock found in the listing.
    pub old_quantity: Option<u32>,
    /// The stock that the listing should have.
    pub new_quantity: Option<u32>,
    /// The most days of handling found in the listing.
    pub old_handling_days: Option<u32>,
    /// The most days of handling that the listing should have.
    pub new_handling_days: Option<u32>,
    /// How it ended for the row as a whole: the worst of its parts.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How it ended for the price.
    pub price: Outcome,
    /// How it ended for the stock.
    pub stock: Outcome,
    /// How it ended for the enrolment with MultiCart, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Outcome>,
    /// Amazon's identifiers of what was submitted in this run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub submissions: Vec<String>,
}

impl RowReport {
    pub(crate) fn new(row: &Row) -> Self {
        Self {
            line: row.line,
            account: row.account.clone(),
            sku: row.sku.to_string(),
            asin: row.asin.to_string(),
            marketplace: row.marketplace.country(),
            variants: None,
            observed: None,
            old_price: None,
            new_price: None,
            old_quantity: None,
            new_quantity: None,
            old_handling_days: None,
            new_handling_days: None,
            outcome: Outcome::Unchanged,
            price: Outcome::Unchanged,
            stock: Outcome::Unchanged,
            watch: None,
            submissions: Vec::new(),
        }
    }

    /// Sets the row's outcome from its parts.
    pub(crate) fn conclude(&mut self) {
        let parts = self.price.clone().or_worse(self.stock.clone());
        self.outcome = match &self.watch {
            Some(watch) => parts.or_worse(watch.clone()),
            None => parts,
        };
    }
}

/// What a run did in all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// The run, if it wrote anything: under this name it can be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Rows in the catalogue.
    pub rows: usize,
    /// How many rows ended each way, by the outcome's name.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Requests sent, by vendor; resends and token calls included.
    pub calls: BTreeMap<&'static str, u64>,
    /// US dollars that DataForSEO said it charged in this run.
    pub usd: Decimal,
    /// US dollars that may have been charged: the answer never came, so they stay reserved.
    pub usd_unknown: Decimal,
    /// US dollars that the run would have spent, had it been allowed to pay.
    pub usd_not_spent: Decimal,
    /// MultiCart credits used. Enrolling costs none, and a run is never started.
    pub credits: u64,
    /// Paid tasks whose result had not come when the run ended; the next run collects them.
    pub tasks_pending: usize,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// One report for each row, in the order of the catalogue.
    pub rows: Vec<RowReport>,
    /// The totals.
    pub totals: Totals,
}

impl Report {
    /// Whether a row failed or is unknown.
    pub fn has_failures(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_) | Outcome::Unknown(_)))
    }

    pub(crate) fn count(&mut self) {
        self.totals.rows = self.rows.len();
        for name in [
            "unchanged",
            "skipped",
            "skipped_fba",
            "applied",
            "submitted",
            "not_applied",
            "refused",
            "unknown",
            "failed",
        ] {
            let rows = self.rows.iter().filter(|row| row.outcome.name() == name).count();
            self.totals.outcomes.insert(name, rows);
        }
    }
}
