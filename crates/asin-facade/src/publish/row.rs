//! What the seller wants, one row for each listing in one store.

use super::{
    Change, Outcome, RowReport,
    sent::{Part, Target},
};
use crate::{Asin, Marketplace};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use sp_listings::{SellerId, Sku};

/// What the seller wants of one listing in one store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// The name of the account that sells it.
    pub account: String,
    /// The seller's own identifier of the listing.
    pub sku: Sku,
    /// The product that it offers.
    pub asin: Asin,
    /// The store.
    pub marketplace: Marketplace,
    /// The place whose prices count.
    pub postcode: String,
    /// The lowest price, tax included, in the store's currency; without it the price is not touched.
    pub min_price: Option<Decimal>,
    /// The highest price, tax included, in the store's currency.
    pub max_price: Option<Decimal>,
    /// Pieces in stock; without it the stock is not touched.
    pub quantity: Option<u32>,
    /// The most days until it is handed to the carrier.
    pub max_handling_days: Option<u32>,
    /// What a piece costs the seller, tax included, in the store's currency; only a rule that keeps a margin asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Decimal>,
    /// When the stock was counted, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock_at: Option<Timestamp>,
}

impl Row {
    /// Whether it says anything about the stock.
    pub(crate) fn names_stock(&self) -> bool {
        self.quantity.is_some() || self.max_handling_days.is_some()
    }
}

/// A row with its report.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) row: Row,
    pub(crate) report: RowReport,
    /// The row's seller, as Amazon names it.
    pub(crate) seller: SellerId,
    /// What was planned for it, where there is a plan: then nothing is decided anew.
    pub(crate) planned: Option<Change>,
}

impl Slot {
    pub(crate) fn target(&self, part: Part) -> Target {
        Target::new(&self.seller, &self.row.sku, self.row.marketplace, part)
    }

    /// It ends this way as a whole.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        (self.report.price, self.report.stock) = (outcome.clone(), outcome);
    }
}
