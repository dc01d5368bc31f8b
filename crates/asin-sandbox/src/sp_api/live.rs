//! The listings and usage plans, for the page.

use std::time::Duration;

use serde_json::{Value, json};

use super::listings::Row;
use super::{Listings, UsagePlans};
use crate::live::level;
use crate::marketplace::Marketplace;

/// How many listings the page shows.
const ROWS: usize = 200;

impl Listings {
    pub(crate) fn live(&self) -> Value {
        let existing = || self.rows.values().filter(|row| row.exists);
        let row = |row: &Row| {
            let terms = row.terms();
            let store = Marketplace::of(&row.listing.marketplace);
            json!({
                "seller": row.listing.seller_id,
                "sku": row.listing.sku,
                "store": store.map(|store| store.country_code),
                "asin": row.listing.asin,
                "price": terms.price,
                "currency": row.listing.currency.as_deref().or(store.map(|store| store.currency)),
                "quantity": terms.quantity,
                "channel": row.listing.channel,
                "status": row.statuses(),
                "issues": row.listing.issues.len(),
                "updated": row.updated,
            })
        };
        json!({"total": existing().count(), "rows": existing().take(ROWS).map(row).collect::<Vec<_>>()})
    }
}

impl UsagePlans {
    /// What is left of each usage plan that was used.
    pub(crate) fn levels(&self, now: Duration) -> Vec<Value> {
        let mut levels: Vec<_> = self.buckets.iter().collect();
        levels.sort_by_key(|(key, _)| *key);
        levels.into_iter().map(|((who, name), bucket)| level("sp-api", who, name, bucket.left(now))).collect()
    }
}
