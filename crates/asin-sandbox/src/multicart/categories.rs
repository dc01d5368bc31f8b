//! Scrapes of a category: they begin at once, in a collection of their own.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Carts, body, collections, failure, success, text};
use crate::call::{Call, Reply};

/// A scrape, which is done as soon as it is asked for.
#[derive(Debug)]
pub(super) struct CategoryRow {
    collection: u64,
    asins: Vec<Value>,
}

/// What it answers is not documented; here it names the collection. It finds every product that the collections know.
pub(super) fn create(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    text(&body, "category_url")?;
    let node = text(&body, "amazon_node_id")?;
    if carts.place_by_value(text(&body, "domain")?, text(&body, "postcode")?).is_err() {
        return Err(failure(400, "No cookie file found"));
    }
    let mut asins: Vec<&str> = carts.items.iter().map(|item| item.asin.as_str()).collect();
    asins.sort_unstable();
    asins.dedup();
    let asins: Vec<Value> = asins.into_iter().map(|asin| json!({"asin": asin, "is_variant": false})).collect();
    let credits = asins.len() as u64;
    if !carts.credits.freeze(credits) {
        return Err(failure(402, "Insufficient credits"));
    }
    carts.credits.spend(credits);
    let name =
        body.get("name").and_then(Value::as_str).map_or_else(|| format!("amazon_category_{node}"), str::to_owned);
    let collection = carts.add_collection(&name, &body);
    carts.categories.push(CategoryRow { collection, asins });
    Ok(success(&json!({"collection_id": collection})).did(format!("category {node} scraped, {credits} credits")))
}

pub(super) fn result(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let collection = collections::named(&body).ok_or_else(|| failure(400, "collection_id is required"))?;
    let found = carts.categories.iter().find(|category| category.collection == collection);
    let category = found.ok_or_else(|| failure(404, "Collection not found"))?;
    Ok(success(&json!({"asins": category.asins})))
}
