//! Prices: the one offer of a listing that everybody may take, and the patch that changes its price alone.
//!
//! `purchasable_offer` is a list: one entry for each store, currency and audience, with sale prices and bounds beside the
//! price. A `replace` drops what the sent entry leaves out, so the entry that was read is sent again whole.

use crate::{Item, Marketplace, PatchOperation, patch::OFFERS};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Number, Value, json};

/// The offer to every customer of a store, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// All entries of the store, other audiences included.
    entries: Vec<Value>,
    /// Which of them is meant.
    at: usize,
    price: Decimal,
}

/// Why a listing has no single offer whose price could be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoOffer {
    /// There is none.
    #[error("no offer: {0}")]
    Missing(String),
    /// There is more than one that could be meant.
    #[error("ambiguous offer: {0}")]
    Ambiguous(String),
}

impl Offer {
    /// Finds the offer to everybody (audience `ALL` or none) in this store and currency.
    ///
    /// # Errors
    /// [`NoOffer`] if the attributes were not read, if there is no such offer, if more than one fits, or if it has not
    /// exactly one price.
    pub fn find(item: &Item, marketplace: &Marketplace, currency: &str) -> Result<Self, NoOffer> {
        let missing = |why: String| Err(NoOffer::Missing(why));
        let Some(attributes) = &item.attributes else {
            return missing("the listing was read without its attributes".to_owned());
        };
        let Some(all) = attributes.get(OFFERS).and_then(Value::as_array).filter(|all| !all.is_empty()) else {
            return missing(format!("the listing has no `{OFFERS}`"));
        };
        let here = |entry: &&Value| text(entry, "marketplace_id").is_none_or(|id| id == marketplace.as_str());
        let entries: Vec<Value> = all.iter().filter(here).cloned().collect();
        let wanted: Vec<usize> = (0..entries.len()).filter(|&at| is_meant(&entries[at], currency)).collect();
        let at = match wanted.as_slice() {
            [] => {
                let found: Vec<String> = all.iter().map(describe).collect();
                return missing(format!(
                    "none for {marketplace}, {currency}, everybody; there is {}",
                    found.join("; ")
                ));
            }
            [at] => *at,
            several => {
                let count = several.len();
                return Err(NoOffer::Ambiguous(format!("{count} entries for {marketplace}, {currency}, everybody")));
            }
        };
        let price = price(&entries[at])?;
        Ok(Self { entries, at, price })
    }

    /// The price that it has now, tax included.
    pub fn price(&self) -> Decimal {
        self.price
    }

    /// The entry of `purchasable_offer` as it was read.
    pub fn entry(&self) -> &Value {
        &self.entries[self.at]
    }

    /// The same entry with another price, and everything else as it was.
    pub fn with_price(&self, price: Decimal) -> Value {
        let mut entry = self.entry().clone();
        entry["our_price"][0]["schedule"][0]["value_with_tax"] = number(price);
        entry
    }

    /// The patch that changes this price alone: every entry of the store is sent again, only this one changed.
    pub fn price_patch(&self, price: Decimal) -> PatchOperation {
        let mut entries = self.entries.clone();
        entries[self.at] = self.with_price(price);
        PatchOperation::replace(OFFERS, entries)
    }
}

/// A patch that sets a price where none is to be kept: sale prices, bounds and discounts of this store, currency and
/// audience are dropped. To change a price, see [`Offer::price_patch`].
pub fn new_price(currency: &str, price: Decimal) -> PatchOperation {
    let schedule = json!([{ "value_with_tax": number(price) }]);
    PatchOperation::replace(OFFERS, [json!({ "currency": currency, "our_price": [{ "schedule": schedule }] })])
}

fn is_meant(entry: &Value, currency: &str) -> bool {
    // An audience in another form than a text may be anybody's.
    let everybody = entry.get("audience").is_none_or(|audience| audience.is_null() || audience == "ALL");
    everybody && text(entry, "currency") == Some(currency)
}

fn text<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key)?.as_str()
}

/// An entry's selectors, for a message.
fn describe(entry: &Value) -> String {
    let said = |key| text(entry, key).unwrap_or("unnamed");
    format!("{} {} {}", said("marketplace_id"), said("currency"), text(entry, "audience").unwrap_or("ALL"))
}

/// The one price of an entry.
fn price(entry: &Value) -> Result<Decimal, NoOffer> {
    let only = |parent: &Value, key: &str| -> Result<Value, NoOffer> {
        match parent.get(key).and_then(Value::as_array).map(Vec::as_slice) {
            Some([one]) => Ok(one.clone()),
            Some([]) | None => Err(NoOffer::Missing(format!("the entry has no `{key}`"))),
            Some(several) => Err(NoOffer::Ambiguous(format!("the entry has {} values in `{key}`", several.len()))),
        }
    };
    let schedule = only(&only(entry, "our_price")?, "schedule")?;
    decimal(&schedule["value_with_tax"])
        .ok_or_else(|| NoOffer::Missing("the entry's price `value_with_tax` is not a number".to_owned()))
}

/// A number, or a text that is one.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// A JSON number, as attributes hold their amounts; a text in the rare case that a double could not say it exactly.
fn number(amount: Decimal) -> Value {
    let amount = amount.normalize();
    let whole = amount.is_integer().then(|| amount.to_i64().map(Number::from)).flatten();
    let number = whole.or_else(|| amount.to_f64().and_then(Number::from_f64)).map(Value::Number);
    number.filter(|number| decimal(number) == Some(amount)).unwrap_or_else(|| Value::String(amount.to_string()))
}
