//! Reading a listing: the data sets of `includedData`.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::issues::{Language, issue};
use super::listings::{OFFER, Row, STOCK, is_for_all, our_price};
use super::{included, marketplaces, not_found};
use crate::call::{Call, Reply};
use crate::marketplace::Marketplace;
use crate::world::World;

/// The data sets of get and search.
pub(super) const DATA_SETS: [&str; 8] = [
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
];

pub(super) fn get(world: &World, call: &Call, seller: &str, sku: &str) -> Result<Reply, Reply> {
    let stores = marketplaces(world, call, seller, usize::MAX)?;
    let data = included(call, &DATA_SETS, "summaries")?;
    let rows: Vec<&Row> = stores.iter().filter_map(|store| world.listings.row(seller, sku, store.id)).collect();
    if rows.is_empty() {
        return Err(not_found(sku, &stores));
    }
    let language = Language::of(call, &stores);
    Ok(Reply::json(StatusCode::OK, &item(world, sku, &rows, &data, language)))
}

/// One listing in some stores, its issues in this language.
pub(super) fn item(world: &World, sku: &str, rows: &[&Row], data: &[String], language: Language) -> Value {
    let mut item = Map::new();
    item.insert("sku".to_owned(), json!(sku));
    let existing: Vec<&Row> = rows.iter().copied().filter(|row| row.exists).collect();
    for name in data {
        let value = match name.as_str() {
            "summaries" => existing.iter().map(|row| summary(row)).collect(),
            "attributes" => attributes(rows),
            "issues" => rows.iter().flat_map(|row| issues(row)).map(|issue| language.say(&issue)).collect(),
            "offers" => existing.iter().flat_map(|row| offers(row)).collect(),
            "fulfillmentAvailability" => existing.first().map_or_else(|| json!([]), |row| availability(row)),
            "productTypes" => existing.iter().map(|row| product_type(row)).collect(),
            "relationships" => existing.iter().map(|row| relationships(world, row)).collect(),
            // Procurement is for vendors, and all accounts here are sellers.
            _ => continue,
        };
        item.insert(name.clone(), value);
    }
    Value::Object(item)
}

fn summary(row: &Row) -> Value {
    let mut summary = json!({
        "marketplaceId": row.listing.marketplace,
        "asin": row.listing.asin,
        "productType": row.listing.product_type,
        "conditionType": first(row, "condition_type").unwrap_or_else(|| json!("new_new")),
        "status": row.statuses(),
        "itemName": first(row, "item_name"),
        "createdDate": row.created.to_string(),
        "lastUpdatedDate": row.updated.to_string(),
        "mainImage": {
            "link": format!("https://m.media-amazon.com/images/I/{}.jpg", row.listing.asin),
            "height": 500,
            "width": 500,
        },
    });
    if row.listing.channel != "DEFAULT" {
        summary["fnSku"] = json!(format!("X00{}", row.listing.asin.chars().skip(3).collect::<String>()));
    }
    if row.listing.asin.is_empty()
        && let Some(summary) = summary.as_object_mut()
    {
        summary.shift_remove("asin");
    }
    summary
}

fn first(row: &Row, attribute: &str) -> Option<Value> {
    row.attributes.get(attribute).and_then(|instances| instances[0].get("value")).cloned()
}

/// The instances of all stores side by side: each one names its own.
fn attributes(rows: &[&Row]) -> Value {
    let mut joined: BTreeMap<&String, Vec<Value>> = BTreeMap::new();
    for (name, instances) in rows.iter().flat_map(|row| &row.attributes) {
        let known = joined.entry(name).or_default();
        match instances {
            Value::Array(instances) => known.extend(instances.iter().cloned()),
            other => known.push(other.clone()),
        }
    }
    joined.into_iter().map(|(name, instances)| (name.clone(), Value::Array(instances))).collect::<Map<_, _>>().into()
}

fn issues(row: &Row) -> Vec<Value> {
    if row.exists { row.listing.issues.clone() } else { vec![issue("13013", "", "INVALID_ATTRIBUTE")] }
}

fn offers(row: &Row) -> Vec<Value> {
    let instances = row.attributes.get(OFFER).and_then(Value::as_array).cloned().unwrap_or_default();
    let default = Marketplace::of(&row.listing.marketplace).map_or("", |marketplace| marketplace.currency);
    let digits = if default == "JPY" { 0 } else { 2 };
    let offer = |instance: &Value| {
        let (offer_type, audience, name) =
            if is_for_all(instance) { ("B2C", "ALL", "Sell on Amazon") } else { ("B2B", "B2B", "Amazon Business") };
        Some(json!({
            "marketplaceId": row.listing.marketplace,
            "offerType": offer_type,
            "price": {
                "currencyCode": instance["currency"].as_str().unwrap_or(default),
                "amount": format!("{:.digits$}", our_price(instance)?),
            },
            "audience": {"value": audience, "displayName": name},
        }))
    };
    instances.iter().filter_map(offer).collect()
}

fn availability(row: &Row) -> Value {
    let instances = row.attributes.get(STOCK).and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |instance: &Value| {
        let mut one = json!({"fulfillmentChannelCode": instance["fulfillment_channel_code"]});
        if let Some(quantity) = instance.get("quantity") {
            one["quantity"] = quantity.clone();
        }
        one
    };
    instances.iter().map(one).collect()
}

fn product_type(row: &Row) -> Value {
    json!({"marketplaceId": row.listing.marketplace, "productType": row.listing.product_type})
}

/// The seller's own SKUs in the same variation family.
fn relationships(world: &World, row: &Row) -> Value {
    let asin = &row.listing.asin;
    let parent = |asin: &str| world.product(asin).and_then(|product| product.parent.clone());
    let mine = world.listings.rows.values().filter(|other| {
        other.listing.seller_id == row.listing.seller_id && other.listing.marketplace == row.listing.marketplace
    });
    let mut relationships = Vec::new();
    let theme = json!({"attributes": ["color"], "theme": "COLOR"});
    let ours = parent(asin);
    let parents: Vec<&str> = mine
        .clone()
        .filter(|other| Some(&other.listing.asin) == ours.as_ref())
        .map(|other| other.listing.sku.as_str())
        .collect();
    if !parents.is_empty() {
        relationships.push(json!({"type": "VARIATION", "parentSkus": parents, "variationTheme": theme}));
    }
    let children: Vec<&str> = mine
        .filter(|other| other.listing.asin != *asin && parent(&other.listing.asin).as_ref() == Some(asin))
        .map(|other| other.listing.sku.as_str())
        .collect();
    if !children.is_empty() {
        relationships.push(json!({"type": "VARIATION", "childSkus": children, "variationTheme": theme}));
    }
    json!({"marketplaceId": row.listing.marketplace, "relationships": relationships})
}
