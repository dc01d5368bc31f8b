//! What is to be changed, as data: for the supervisor who is asked, and for the file that a person reads before it is
//! applied.

use super::{Row, row::Slot};
use crate::{Asin, Marketplace, Observation, Price};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sp_listings::{SellerId, Sku};

/// A value as it was read, and as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FromTo<T> {
    /// What the listing showed; `None`: nothing.
    pub from: Option<T>,
    /// What it should be.
    pub to: T,
}

/// A change that a run wants to send: each value from what the listing was read as to what it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The line of the catalogue.
    pub line: u64,
    /// The account.
    pub account: String,
    /// Amazon's identifier of the account's seller.
    pub seller_id: SellerId,
    /// The SKU.
    pub sku: Sku,
    /// The product that the listing is on.
    pub asin: Asin,
    /// The store.
    pub marketplace: Marketplace,
    /// The price from and to, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<FromTo<Price>>,
    /// The stock from and to, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<FromTo<u32>>,
    /// The most days of handling from and to, if they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<FromTo<u32>>,
    /// When the stock was counted, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock_at: Option<Timestamp>,
    /// The lowest price that the catalogue allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<Decimal>,
    /// The highest price that the catalogue allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Decimal>,
    /// The observation that the price follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observation>,
}

impl Change {
    /// Nothing yet of a listing; `line` names it in the report.
    pub fn new(
        line: u64,
        account: impl Into<String>,
        seller_id: SellerId,
        sku: Sku,
        asin: Asin,
        marketplace: Marketplace,
    ) -> Self {
        let account = account.into();
        let (price, quantity, handling, stock_at, min_price, max_price, observed) = Default::default();
        Self {
            line,
            account,
            seller_id,
            sku,
            asin,
            marketplace,
            price,
            quantity,
            handling,
            stock_at,
            min_price,
            max_price,
            observed,
        }
    }

    /// Nothing yet, of a row.
    pub(super) fn of(slot: &Slot) -> Self {
        let Row { line, account, sku, asin, marketplace, min_price, max_price, stock_at, .. } = slot.row.clone();
        let bare = Self::new(line, account, slot.seller.clone(), sku, asin, marketplace);
        Self { min_price, max_price, stock_at, ..bare }
    }

    /// The row that asks for just this.
    pub(super) fn row(&self) -> Row {
        Row {
            line: self.line,
            account: self.account.clone(),
            sku: self.sku.clone(),
            asin: self.asin,
            marketplace: self.marketplace,
            postcode: String::new(),
            min_price: self.min_price,
            max_price: self.max_price,
            quantity: self.quantity.map(|quantity| quantity.to),
            max_handling_days: self.handling.map(|days| days.to),
            cost: None,
            stock_at: self.stock_at,
        }
    }
}

/// Changes that were decided on and previewed, and not sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this form: 1.
    pub version: u32,
    /// When it was made.
    pub made: Timestamp,
    /// No observation that it follows may be older than so many seconds when it is applied.
    pub max_observation_age: u64,
    /// No stock that it sends may have been counted more than so many seconds before it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stock_age: Option<u64>,
    /// The hosts that it was made at: a plan from a sandbox is not applied to real listings.
    pub world: String,
    /// The changes, in the order of the catalogue.
    pub changes: Vec<Change>,
}

/// Why a plan is not applied; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It is no plan of this version.
    #[error("not a plan: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is of another version.
    #[error("version {0} of the plan is not known; this program reads version {version}", version = Plan::VERSION)]
    Version(u32),
    /// It was made elsewhere.
    #[error("the plan was made at `{planned}`, and this is `{here}`")]
    World {
        /// Where it was made.
        planned: String,
        /// Where it should be applied.
        here: String,
    },
    /// The catalogue's account means somebody else now.
    #[error("line {line}: account `{account}` is not seller {seller}")]
    Account {
        /// The line of the catalogue.
        line: u64,
        /// The account.
        account: String,
        /// The seller that the plan was made for.
        seller: SellerId,
    },
    /// It wants two stocks of one listing, which has one in all stores of its account.
    #[error("line {line}: `{sku}` has one stock in all stores of its account, and another one stands in the plan")]
    Stock {
        /// The line of the catalogue.
        line: u64,
        /// The seller's own name for the listing.
        sku: Sku,
    },
    /// One listing stands in it twice.
    #[error("line {line}: `{sku}` in {marketplace} stands in the plan twice")]
    Twice {
        /// The line of the catalogue.
        line: u64,
        /// The SKU.
        sku: Sku,
        /// The store.
        marketplace: Marketplace,
    },
}

impl Plan {
    /// The version that this crate writes and reads.
    pub const VERSION: u32 = 1;

    /// Reads a plan from JSON.
    ///
    /// # Errors
    /// If it is none, or of another version.
    pub fn read(json: &[u8]) -> Result<Self, PlanError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        match serde_json::from_slice(json)? {
            Head { version: Self::VERSION } => Ok(serde_json::from_slice(json)?),
            Head { version } => Err(PlanError::Version(version)),
        }
    }
}
