//! The listings: one row for a seller's SKU in a store, and the submissions that are still on their way.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::patch::{self, PatchOperation};
use crate::clock::{minutes_ago, today};
use crate::ledger::Terms;
use crate::market::{Listing, Market, Product};
use crate::marketplace::Marketplace;

/// Whose SKU in which store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) seller: String,
    pub(super) sku: String,
    pub(super) marketplace: &'static str,
}

/// A listing as it stands now.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// What the market file says of it. Price and quantity here are those of the start: `attributes` hold the present.
    pub(super) listing: Listing,
    pub(super) attributes: Map<String, Value>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// False for a SKU that a patch named but nobody ever listed: Amazon accepts such patches and shows issue 13013.
    pub(super) exists: bool,
}

/// What a submission changes.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Put { product_type: String, attributes: Map<String, Value> },
    Patch(Vec<PatchOperation>),
    Delete,
}

/// All listings of all sellers.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    pub(super) rows: BTreeMap<Key, Row>,
    /// The changes to come, by when they are due and their number in the ledger.
    pending: BTreeMap<(Duration, usize), (Key, Change)>,
}

impl Listings {
    pub(crate) fn new(market: &Market) -> Self {
        let mut listings = Self::default();
        for listing in &market.listings {
            let Some(marketplace) = Marketplace::of(&listing.marketplace) else { continue };
            let product = market.products.iter().find(|product| product.asin == listing.asin);
            let key = Key { seller: listing.seller_id.clone(), sku: listing.sku.clone(), marketplace: marketplace.id };
            let attributes = generated(listing, marketplace, product);
            let created = minutes_ago(listing.age_minutes);
            let row = Row { listing: listing.clone(), attributes, created, updated: created, exists: true };
            listings.rows.insert(key, row);
        }
        listings
    }

    /// The listings as a market file would hold them.
    pub(crate) fn current(&self) -> Vec<Listing> {
        let present = |row: &Row| {
            let terms = row.terms();
            let attributes = row.attributes.clone();
            Listing { price: terms.price, quantity: terms.quantity, attributes, ..row.listing.clone() }
        };
        self.rows.values().filter(|row| row.exists).map(present).collect()
    }

    pub(super) fn row(&self, seller: &str, sku: &str, marketplace: &'static str) -> Option<&Row> {
        self.rows.get(&Key { seller: seller.to_owned(), sku: sku.to_owned(), marketplace })
    }

    /// Notes a change that will be made later.
    pub(super) fn postpone(&mut self, due: Duration, key: Key, change: Change, write: usize) {
        self.pending.insert((due, write), (key, change));
    }

    /// Makes the changes that are due; gives the numbers of their writes in the ledger.
    pub(crate) fn settle(&mut self, now: Duration) -> Vec<usize> {
        let mut writes = Vec::new();
        while let Some(next) = self.pending.first_entry()
            && next.key().0 <= now
        {
            let ((_, write), (key, change)) = next.remove_entry();
            self.apply(&key, &change);
            writes.push(write);
        }
        writes
    }

    /// Makes a change. Stock is one for all stores of the region, so the seller's other rows of this SKU follow.
    pub(super) fn apply(&mut self, key: &Key, change: &Change) {
        let before = self.rows.get(key).and_then(|row| row.attributes.get(STOCK).cloned());
        match change {
            Change::Delete => {
                self.rows.remove(key);
                return;
            }
            Change::Put { product_type, attributes } => {
                let now = today();
                let sent = PatchOperation::replacing(attributes);
                let row = self.rows.entry(key.clone()).or_insert_with(|| Row::empty(key, now));
                row.listing.product_type.clone_from(product_type);
                row.attributes.retain(|name, _| attributes.contains_key(name));
                row.exists = true;
                if let Some(asin) =
                    attributes.get("merchant_suggested_asin").and_then(|value| value[0]["value"].as_str())
                {
                    asin.clone_into(&mut row.listing.asin);
                }
                if let Some(channel) =
                    attributes.get(STOCK).and_then(|value| value[0]["fulfillment_channel_code"].as_str())
                {
                    channel.clone_into(&mut row.listing.channel);
                }
                row.patch(key, &sent);
            }
            Change::Patch(operations) => {
                let row = self.rows.entry(key.clone()).or_insert_with(|| Row::empty(key, today()));
                row.patch(key, operations);
            }
        }
        let after = self.rows.get(key).and_then(|row| row.attributes.get(STOCK).cloned());
        if before != after {
            self.share_stock(key, after.as_ref());
        }
    }

    fn share_stock(&mut self, key: &Key, stock: Option<&Value>) {
        let region = |id: &str| Marketplace::of(id).map(|marketplace| marketplace.region);
        let ours = region(key.marketplace);
        let first = Key { marketplace: "", ..key.clone() };
        let of_sku = |(other, _): &(&Key, &mut Row)| other.seller == key.seller && other.sku == key.sku;
        for (other, row) in self.rows.range_mut(first..).take_while(of_sku) {
            if region(other.marketplace) != ours || other == key || !row.exists {
                continue;
            }
            match stock {
                None => row.attributes.shift_remove(STOCK),
                Some(stock) => {
                    let mut stock = stock.clone();
                    for entry in stock.as_array_mut().into_iter().flatten() {
                        entry["marketplace_id"] = json!(other.marketplace);
                    }
                    row.attributes.insert(STOCK.to_owned(), stock)
                }
            };
            row.updated = today();
        }
    }
}

/// The attribute that holds the pieces for sale.
pub(super) const STOCK: &str = "fulfillment_availability";
/// The attribute that holds the prices.
pub(super) const OFFER: &str = "purchasable_offer";

impl Row {
    fn empty(key: &Key, now: Timestamp) -> Self {
        let listing = Listing {
            seller_id: key.seller.clone(),
            sku: key.sku.clone(),
            marketplace: key.marketplace.to_owned(),
            ..Listing::default()
        };
        Self { listing, attributes: Map::new(), created: now, updated: now, exists: false }
    }

    fn patch(&mut self, key: &Key, operations: &[PatchOperation]) {
        for operation in operations {
            patch::apply(&mut self.attributes, operation, key.marketplace);
        }
        self.updated = today();
    }

    /// The row as a change would leave it.
    pub(super) fn after(row: Option<&Self>, key: &Key, change: &Change) -> Terms {
        let mut listings = Listings::default();
        if let Some(row) = row {
            listings.rows.insert(key.clone(), row.clone());
        }
        listings.apply(key, change);
        listings.rows.get(key).map(Self::terms).unwrap_or_default()
    }

    /// The price for everybody and the stock of the listing's own channel.
    pub(super) fn terms(&self) -> Terms {
        let entries = |name: &str| self.attributes.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let price = entries(OFFER).iter().find(|offer| is_for_all(offer)).and_then(our_price);
        let channel = |entry: &&Value| entry["fulfillment_channel_code"] == json!(self.listing.channel);
        let quantity = entries(STOCK).iter().find(channel).and_then(|entry| entry["quantity"].as_u64());
        Terms { price, quantity }
    }

    fn is_closed(&self) -> bool {
        let entries = self.attributes.get(OFFER).and_then(Value::as_array);
        let offer = entries.and_then(|entries| entries.iter().find(|offer| is_for_all(offer)));
        let end = offer.and_then(|offer| offer["end_at"]["value"].as_str()?.parse::<Timestamp>().ok());
        end.is_some_and(|end| end <= Timestamp::now())
    }

    pub(super) fn has_error(&self) -> bool {
        self.listing.issues.iter().any(|issue| issue["severity"] == "ERROR")
    }

    /// Whether an issue enforces something: its action is among these, and it is not exempted for now.
    fn enforced(&self, actions: &[&str]) -> bool {
        let strikes = |issue: &Value| {
            let exempt = issue["enforcements"]["exemption"]["status"]
                .as_str()
                .is_some_and(|status| status.starts_with("EXEMPT"));
            let mut named = issue["enforcements"]["actions"].as_array().into_iter().flatten();
            !exempt && named.any(|one| one["action"].as_str().is_some_and(|action| actions.contains(&action)))
        };
        self.listing.issues.iter().any(strikes)
    }

    /// `BUYABLE` takes a price, a piece in stock, no error and no suppression; an offer whose end has passed is closed
    /// (amzn/selling-partner-api-models #4780). `DISCOVERABLE` takes that search shows it.
    pub(super) fn statuses(&self) -> Vec<&'static str> {
        let terms = self.terms();
        let fulfilled_by_amazon = self.listing.channel != "DEFAULT";
        let stocked = terms.quantity.is_some_and(|quantity| quantity > 0) || fulfilled_by_amazon;
        let suppressed = self.enforced(&["LISTING_SUPPRESSED", "CATALOG_ITEM_REMOVED"]);
        let buyable = terms.price.is_some() && !self.is_closed() && stocked && !self.has_error() && !suppressed;
        let hidden = self.enforced(&["SEARCH_SUPPRESSED", "CATALOG_ITEM_REMOVED"]);
        [(buyable, "BUYABLE"), (!hidden, "DISCOVERABLE")]
            .into_iter()
            .filter_map(|(is, name)| is.then_some(name))
            .collect()
    }
}

/// Whether an entry of `purchasable_offer` is the price for every customer.
pub(super) fn is_for_all(offer: &Value) -> bool {
    matches!(offer.get("audience").and_then(Value::as_str), None | Some("ALL"))
}

/// The price of an entry of `purchasable_offer`.
pub(super) fn our_price(offer: &Value) -> Option<Decimal> {
    decimal(&offer["our_price"][0]["schedule"][0]["value_with_tax"])
}

/// A decimal, written as a number or as a string.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => {
            let text = number.to_string();
            text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
        }
        _ => None,
    }
}

/// A decimal as the JSON number that Amazon's attributes hold.
pub(super) fn number(value: Decimal) -> Value {
    if value.fract().is_zero()
        && let Some(whole) = value.to_i64()
    {
        return json!(whole);
    }
    json!(value.to_f64())
}

/// The attributes that a listing of the market file has when it states none.
fn generated(listing: &Listing, marketplace: &Marketplace, product: Option<&Product>) -> Map<String, Value> {
    let store = marketplace.id;
    let title = product.map_or_else(|| format!("Product {}", listing.asin), |product| product.title.clone());
    let currency = listing.currency.as_deref().unwrap_or(marketplace.currency);
    let mut attributes = json!({
        "item_name": [{"value": title, "language_tag": marketplace.language, "marketplace_id": store}],
        "brand": [{"value": "Generic", "language_tag": marketplace.language, "marketplace_id": store}],
        "condition_type": [{"value": "new_new", "marketplace_id": store}],
        "merchant_suggested_asin": [{"value": listing.asin, "marketplace_id": store}],
    });
    if let Some(price) = listing.price {
        attributes[OFFER] = json!([{
            "currency": currency,
            "audience": "ALL",
            "our_price": [{"schedule": [{"value_with_tax": number(price)}]}],
            "marketplace_id": store,
        }]);
    }
    let mut stock = json!({"fulfillment_channel_code": listing.channel, "marketplace_id": store});
    if let Some(quantity) = listing.quantity {
        stock["quantity"] = json!(quantity);
    }
    attributes[STOCK] = json!([stock]);
    let Value::Object(mut attributes) = attributes else { return Map::new() };
    attributes.extend(listing.attributes.clone());
    attributes
}
