//! Pieces for sale: which fulfilment channels a listing has, what is in stock, and the patch that changes it.
//!
//! `DEFAULT` is the seller's own channel. Every other one is Amazon's (FBA): its stock cannot be set.

use crate::{Item, Marketplace, PatchOperation, patch::STOCK, price::decimal};
use core_http::Asin;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The seller's own fulfilment channel.
pub const DEFAULT_CHANNEL: &str = "DEFAULT";

/// What the seller has for sale through its own channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stock {
    /// Pieces.
    pub quantity: u64,
    /// The most days until a piece is handed to the carrier, if the listing says so.
    pub lead_time: Option<u32>,
}

impl Item {
    /// The ASIN that the listing is on in this store, if the summaries were read and Amazon has assigned one.
    pub fn asin(&self, marketplace: &Marketplace) -> Option<Asin> {
        self.summaries.iter().find(|summary| &summary.marketplace_id == marketplace)?.asin
    }

    /// Every fulfilment channel that the listing names, in its attributes or its availability.
    pub fn channels(&self) -> BTreeSet<&str> {
        let stated = self.stated_stock().filter_map(|entry| entry.get("fulfillment_channel_code")?.as_str());
        let available = self.fulfillment_availability.iter().map(|entry| entry.fulfillment_channel_code.as_str());
        stated.chain(available).collect()
    }

    /// The stock of the seller's own channel: as Amazon reports it, which counts what has been sold since, else as the
    /// attributes state it. `None` if neither was read or says a quantity.
    pub fn stock(&self) -> Option<Stock> {
        let mut available = self.fulfillment_availability.iter();
        let reported = available.find(|entry| entry.fulfillment_channel_code == DEFAULT_CHANNEL);
        let reported = reported.and_then(|entry| u64::try_from(entry.quantity?).ok());
        let stated = || self.own_stock().find_map(|entry| decimal(&entry["quantity"])?.to_u64());
        Some(Stock { quantity: reported.or_else(stated)?, lead_time: self.lead_time() })
    }

    /// The most days until a piece of the seller's own channel is handed to the carrier, if the attributes say so, with
    /// or without a quantity.
    pub fn lead_time(&self) -> Option<u32> {
        self.own_stock().find_map(lead_time)
    }

    fn own_stock(&self) -> impl Iterator<Item = &Value> {
        self.stated_stock().filter(|entry| entry["fulfillment_channel_code"] == DEFAULT_CHANNEL)
    }

    fn stated_stock(&self) -> impl Iterator<Item = &Value> {
        let attributes = self.attributes.as_ref();
        attributes.and_then(|all| all.get(STOCK)).and_then(Value::as_array).into_iter().flatten()
    }
}

fn lead_time(entry: &Value) -> Option<u32> {
    decimal(&entry["lead_time_to_ship_max_days"])?.to_u32()
}

/// The patch that sets the stock of the seller's own channel, and with `lead_time` the days until a piece is handed to
/// the carrier. Everything else that the listing says of its stock stays as it is.
pub fn quantity_patch(quantity: u32, lead_time: Option<u32>) -> PatchOperation {
    own_channel(Some(quantity), lead_time)
}

/// The patch that sets the days until a piece is handed to the carrier, and leaves the quantity as it is.
pub fn handling_patch(lead_time: u32) -> PatchOperation {
    own_channel(None, Some(lead_time))
}

/// The patch that sets what is named of the seller's own channel and leaves the rest; `None` if nothing is.
pub fn stock_patch(quantity: Option<u32>, lead_time: Option<u32>) -> Option<PatchOperation> {
    (quantity.is_some() || lead_time.is_some()).then(|| own_channel(quantity, lead_time))
}

fn own_channel(quantity: Option<u32>, lead_time: Option<u32>) -> PatchOperation {
    let mut stock = json!({ "fulfillment_channel_code": DEFAULT_CHANNEL });
    if let Some(pieces) = quantity {
        stock["quantity"] = pieces.into();
    }
    if let Some(days) = lead_time {
        stock["lead_time_to_ship_max_days"] = days.into();
    }
    PatchOperation::merge(STOCK, [stock])
}

/// A patch that sets the stock of one channel where nothing is to be kept: lead time and restock date of this channel
/// are dropped. The quantity is a number; Amazon also takes a text. To change a quantity, see [`quantity_patch`].
pub fn new_stock(channel: &str, quantity: impl Into<Value>) -> PatchOperation {
    PatchOperation::replace(STOCK, [json!({ "fulfillment_channel_code": channel, "quantity": quantity.into() })])
}
