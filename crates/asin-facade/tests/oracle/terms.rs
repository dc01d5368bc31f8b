//! What the offer of a listing says, and what it allows.

use crate::oracle::entries;
use crate::world::Row;
use asin_sandbox::Listing;
use rust_decimal::Decimal;
use serde_json::Value;

/// The one price for everybody in the store's currency, or why there is none.
pub fn offer(listing: &Listing, row: &Row) -> Result<Decimal, &'static str> {
    Ok(amount(entry(listing, row)?, "our_price").expect("the world's prices are numbers"))
}

/// Whether the offer's own least price and its sale, which the world has years from now, leave room for a price.
pub fn allows(listing: &Listing, row: &Row, price: Decimal) -> bool {
    entry(listing, row).is_ok_and(|entry| {
        amount(entry, "minimum_seller_allowed_price").is_none_or(|least| price >= least)
            && amount(entry, "discounted_price").is_none_or(|sale| price > sale)
    })
}

fn amount(entry: &Value, kind: &str) -> Option<Decimal> {
    entry[kind][0]["schedule"][0]["value_with_tax"].to_string().parse().ok()
}

fn entry<'a>(listing: &'a Listing, row: &Row) -> Result<&'a Value, &'static str> {
    let everybody = |entry: &&Value| matches!(entry["audience"].as_str(), None | Some("ALL"));
    let meant: Vec<&Value> = entries(listing, "purchasable_offer")
        .filter(everybody)
        .filter(|entry| entry["currency"] == row.store.currency)
        .collect();
    match meant.as_slice() {
        [] => Err("skipped(no_offer)"),
        [entry] => Ok(entry),
        _ => Err("skipped(ambiguous_offer)"),
    }
}
