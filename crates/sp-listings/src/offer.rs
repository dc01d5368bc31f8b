//! An offer that is there, and the patches that change one thing of it: its price, its sale, its end.
//!
//! `purchasable_offer` is a list: one entry for each store, currency and audience, with sale prices and bounds beside the
//! price. A `replace` drops what the sent entry leaves out, so the entry that was read is sent again whole.

use crate::{
    Item, Marketplace, PatchOperation, Selectors,
    patch::OFFERS,
    price::{self, GREATEST, InvalidTerms, LEAST, SALE, Sale, decimal, number},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

/// The audience of an offer to every customer.
pub const EVERYBODY: &str = "ALL";

/// One offer of a listing as it was read, by default that to every customer of a store.
///
/// Each change gives the offer back with this one thing changed; [`patch`](Offer::patch) sends it with everything else.
///
/// ```
/// use jiff::{Timestamp, civil::date};
/// use sp_listings::{Item, Marketplace, Offer, Sale};
///
/// let item: Item = serde_json::from_value(serde_json::json!({"sku": "S", "attributes": {"purchasable_offer": [{
///     "currency": "EUR", "marketplace_id": "A1PA6795UKMFR9",
///     "our_price": [{"schedule": [{"value_with_tax": 64.9}]}],
///     "maximum_seller_allowed_price": [{"schedule": [{"value_with_tax": 80}]}],
/// }]}}))?;
/// let offer = Offer::find(&item, &Marketplace::DE, "EUR")?;
/// let sale = Sale::new("49.90".parse()?, date(2026, 11, 27), date(2026, 11, 30))?;
/// let patch = offer.clone().with_price("59.90".parse()?).with_sale(sale)?.patch();
/// let stop_selling = offer.closed(Timestamp::now()).patch(); // the listing and all its data stay
/// # let sent = serde_json::to_string(&[patch, stop_selling])?;
/// # assert_eq!(sent.matches("maximum_seller_allowed_price").count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is changed before its patch is sent"]
pub struct Offer {
    marketplace: Marketplace,
    /// All entries of the store, other audiences included.
    entries: Vec<Value>,
    /// Which of them is meant.
    at: usize,
    price: Decimal,
    /// Whether it is being closed: then it goes out alone.
    stop: bool,
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
        Self::find_for(EVERYBODY, item, marketplace, currency)
    }

    /// Finds the offer to another audience, such as `B2B`, in this store and currency.
    ///
    /// # Errors
    /// As [`find`](Offer::find).
    pub fn find_for(audience: &str, item: &Item, marketplace: &Marketplace, currency: &str) -> Result<Self, NoOffer> {
        let missing = |why: String| Err(NoOffer::Missing(why));
        let Some(attributes) = &item.attributes else {
            return missing("the listing was read without its attributes".to_owned());
        };
        let Some(all) = attributes.get(OFFERS).and_then(Value::as_array).filter(|all| !all.is_empty()) else {
            return missing(format!("the listing has no `{OFFERS}`"));
        };
        let here = |entry: &&Value| text(entry, "marketplace_id").is_none_or(|id| id == marketplace.as_str());
        let entries: Vec<Value> = all.iter().filter(here).cloned().collect();
        let wanted: Vec<usize> = (0..entries.len()).filter(|&at| is_meant(&entries[at], audience, currency)).collect();
        let whom = if audience == EVERYBODY { "everybody" } else { audience };
        let at = match wanted.as_slice() {
            [] => {
                let found: Vec<String> = all.iter().map(describe).collect();
                return missing(format!("none for {marketplace}, {currency}, {whom}; there is {}", found.join("; ")));
            }
            [at] => *at,
            several => {
                let count = several.len();
                return Err(NoOffer::Ambiguous(format!("{count} entries for {marketplace}, {currency}, {whom}")));
            }
        };
        let price = price(&entries[at])?;
        Ok(Self { marketplace: marketplace.clone(), entries, at, price, stop: false })
    }

    /// The price that it has now, tax included.
    pub fn price(&self) -> Decimal {
        self.price
    }

    /// The entry of `purchasable_offer` as it was read.
    pub fn entry(&self) -> &Value {
        &self.entries[self.at]
    }

    /// The sales that it names, past and future ones too.
    pub fn sales(&self) -> Vec<Sale> {
        price::sales(self.entry())
    }

    /// The least and the greatest price that Amazon may let it have, where they are set.
    pub fn bounds(&self) -> (Option<Decimal>, Option<Decimal>) {
        let bound = |key| decimal(self.entry().get(key)?.pointer("/0/schedule/0/value_with_tax")?);
        (bound(LEAST), bound(GREATEST))
    }

    /// When it ends, if that is set: an offer whose end has passed is closed.
    pub fn end(&self) -> Option<Timestamp> {
        price::end(self.entry())
    }

    /// With another price. Out of the bounds that it has when it is sent, or not above a sale that has not ended, it is
    /// refused then, before anything leaves.
    pub fn with_price(mut self, price: Decimal) -> Self {
        self.changed()["our_price"][0]["schedule"][0]["value_with_tax"] = number(price);
        self.price = price;
        self
    }

    /// With this sale in the place of those that it names.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the sale price is not below the price.
    pub fn with_sale(mut self, sale: Sale) -> Result<Self, InvalidTerms> {
        let sale = sale.below(self.price)?;
        price::set_sale(self.changed(), sale);
        Ok(self)
    }

    /// Without any sale.
    pub fn without_sale(self) -> Self {
        self.without(SALE)
    }

    /// With these bounds of automated pricing.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the price is not between them.
    pub fn with_bounds(mut self, least: Decimal, greatest: Decimal) -> Result<Self, InvalidTerms> {
        let price = self.price;
        price::set_bounds(self.changed(), price, least, greatest)?;
        Ok(self)
    }

    /// Closed from this moment on: it can no longer be bought in this store, and the listing stays with all its data.
    ///
    /// The end of the offer is set, which is Amazon's advice for this (selling-partner-api-models #4780): unlike a stock
    /// of zero it holds in one store alone and whoever ships it, and unlike a deletion it can be taken back by
    /// [`reopened`](Offer::reopened). It is sent without the offers to other audiences, so that nothing about those can keep
    /// a stop from being sent.
    pub fn closed(mut self, moment: Timestamp) -> Self {
        self.stop = true;
        self.changed()["end_at"] = price::date_time(moment);
        self
    }

    /// Without an end.
    pub fn reopened(mut self) -> Self {
        self.stop = false;
        self.without("end_at")
    }

    /// The patch that sends it as it is here: every entry of the store goes out again, only this one changed. Each of them
    /// must hold what [`Operation::request`](core_http::Operation::request) asks of prices: a refusal names the audience
    /// whose offer contradicts itself. Only a [`closed`](Offer::closed) one goes out alone: `replace` leaves instances with
    /// other selectors as they are.
    pub fn patch(mut self) -> PatchOperation {
        match self.stop {
            true => PatchOperation::replace(OFFERS, [self.entries.swap_remove(self.at)]),
            false => PatchOperation::replace(OFFERS, self.entries),
        }
    }

    /// The patch that changes this price alone; see [`with_price`](Offer::with_price).
    pub fn price_patch(&self, price: Decimal) -> PatchOperation {
        self.clone().with_price(price).patch()
    }

    /// The patch that takes this offer away and leaves those to other audiences. Amazon demands an offer of a complete
    /// listing; to stop selling for a while, see [`closed`](Offer::closed).
    pub fn delete_patch(&self) -> PatchOperation {
        let (currency, audience) = (text(self.entry(), "currency"), text(self.entry(), "audience"));
        let meant = Selectors::of(&self.marketplace)
            .and("currency", currency.unwrap_or_default())
            .and("audience", audience.unwrap_or(EVERYBODY));
        PatchOperation::delete(OFFERS, [meant])
    }

    fn changed(&mut self) -> &mut Value {
        &mut self.entries[self.at]
    }

    fn without(mut self, key: &str) -> Self {
        if let Some(entry) = self.changed().as_object_mut() {
            // What stands after it keeps its place.
            entry.shift_remove(key);
        }
        self
    }
}

fn is_meant(entry: &Value, audience: &str, currency: &str) -> bool {
    // An audience in another form than a text may be anybody's.
    let meant = match entry.get("audience") {
        None | Some(Value::Null) => audience == EVERYBODY,
        Some(stated) => stated == audience,
    };
    meant && text(entry, "currency") == Some(currency)
}

fn text<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key)?.as_str()
}

/// An entry's selectors, for a message.
fn describe(entry: &Value) -> String {
    let said = |key| text(entry, key).unwrap_or("unnamed");
    format!("{} {} {}", said("marketplace_id"), said("currency"), text(entry, "audience").unwrap_or(EVERYBODY))
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
