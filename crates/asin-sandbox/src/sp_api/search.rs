//! searchListingsItems: filters, order and pages.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, json};

use super::issues::Language;
use super::listings::Row;
use super::view::{DATA_SETS, item};
use super::{included, invalid, marketplaces};
use crate::call::{Call, Reply};
use crate::world::World;

/// The most items that can be paged through.
const REACH: usize = 1000;

/// How long a page token is taken, in seconds of sandbox time. That it ends is known, when is not documented.
const TOKEN_LIFE: u64 = 3600;

/// The parameters whose change makes a page token worthless.
const SEARCH_PARAMETERS: [&str; 16] = [
    "marketplaceIds",
    "identifiers",
    "identifiersType",
    "variationParentSku",
    "packageHierarchySku",
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "withIssueSeverity",
    "withStatus",
    "withoutStatus",
    "sortBy",
    "sortOrder",
    "includedData",
    "issueLocale",
];

pub(super) fn search(world: &World, call: &Call, seller: &str) -> Result<Reply, Reply> {
    let stores = marketplaces(world, call, seller, usize::MAX)?;
    let data = included(call, &DATA_SETS, "summaries")?;
    let size = match call.query("pageSize").map(|size| size.parse::<usize>()) {
        None => 10,
        Some(Ok(size @ 1..=20)) => size,
        Some(_) => return Err(invalid("'pageSize' must be between 1 and 20.")),
    };
    let mut found: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for (key, row) in &world.listings.rows {
        if key.seller == seller && row.exists && stores.iter().any(|store| store.id == key.marketplace) {
            found.entry(&key.sku).or_default().push(row);
        }
    }
    let mut found: Vec<(&str, Vec<&Row>)> = found.into_iter().collect();
    for filter in filters(world, call)? {
        found.retain(|(_, rows)| rows.iter().any(|row| filter(row)));
    }
    sort(call, &mut found)?;

    let language = Language::of(call, &stores);
    let now = world.clock.now().as_secs();
    let offset = offset(call, now)?;
    let total = found.len();
    let reachable = total.min(REACH);
    let page = found.iter().take(reachable).skip(offset).take(size);
    let items: Vec<_> = page.map(|(sku, rows)| item(world, sku, rows, &data, language)).collect();
    let mut pagination = Map::new();
    if offset + size < reachable {
        pagination.insert("nextToken".to_owned(), json!(token(call, offset + size, now)));
    }
    if offset > 0 {
        pagination.insert("previousToken".to_owned(), json!(token(call, offset.saturating_sub(size), now)));
    }
    Ok(Reply::json(StatusCode::OK, &json!({"numberOfResults": total, "pagination": pagination, "items": items})))
}

type Filter<'a> = Box<dyn Fn(&Row) -> bool + 'a>;

fn filters<'a>(world: &'a World, call: &Call) -> Result<Vec<Filter<'a>>, Reply> {
    let mut filters: Vec<Filter<'a>> = Vec::new();
    let identifiers = call.list("identifiers");
    let exclusive = ["identifiers", "variationParentSku", "packageHierarchySku"];
    if exclusive.iter().filter(|name| call.query(name).is_some()).count() > 1 {
        return Err(invalid("'identifiers', 'variationParentSku' and 'packageHierarchySku' exclude each other."));
    }
    match (identifiers.len(), call.query("identifiersType").as_deref()) {
        (0, None) => {}
        (1..=20, Some("SKU")) => filters.push(Box::new(move |row| identifiers.contains(&row.listing.sku))),
        (1..=20, Some("ASIN")) => filters.push(Box::new(move |row| identifiers.contains(&row.listing.asin))),
        (1..=20, Some("EAN" | "FNSKU" | "GTIN" | "ISBN" | "JAN" | "MINSAN" | "UPC")) => {
            filters.push(Box::new(|_| false))
        }
        (1..=20, Some(other)) => return Err(invalid(&format!("Invalid 'identifiersType' provided: {other}."))),
        (21.., _) => return Err(invalid("'identifiers' holds more than 20 items.")),
        _ => return Err(invalid("'identifiers' and 'identifiersType' need each other.")),
    }
    if let Some(parent) = call.query("variationParentSku") {
        filters.push(Box::new(move |row| {
            let family = world.product(&row.listing.asin).and_then(|product| product.parent.clone());
            world.listings.rows.values().any(|other| {
                other.listing.sku == parent
                    && other.listing.seller_id == row.listing.seller_id
                    && Some(&other.listing.asin) == family.as_ref()
            })
        }));
    }
    if call.query("packageHierarchySku").is_some() {
        filters.push(Box::new(|_| false));
    }
    for (name, wanted) in [("withStatus", true), ("withoutStatus", false)] {
        let asked = call.list(name);
        if asked.iter().any(|status| !matches!(status.as_str(), "BUYABLE" | "DISCOVERABLE")) {
            return Err(invalid(&format!("Invalid '{name}' provided.")));
        }
        if !asked.is_empty() {
            filters.push(Box::new(move |row| {
                let statuses = row.statuses();
                asked.iter().any(|status| statuses.contains(&status.as_str())) == wanted
            }));
        }
    }
    let severities = call.list("withIssueSeverity");
    if !severities.is_empty() {
        filters.push(Box::new(move |row| {
            row.listing
                .issues
                .iter()
                .any(|issue| severities.iter().any(|severity| issue["severity"] == severity.as_str()))
        }));
    }
    for (name, updated, after) in [
        ("createdAfter", false, true),
        ("createdBefore", false, false),
        ("lastUpdatedAfter", true, true),
        ("lastUpdatedBefore", true, false),
    ] {
        let Some(bound) = call.query(name) else { continue };
        let bound: Timestamp = bound.parse().map_err(|_| invalid(&format!("'{name}' is not a date and time.")))?;
        filters.push(Box::new(move |row| {
            let at = if updated { row.updated } else { row.created };
            if after { at >= bound } else { at <= bound }
        }));
    }
    Ok(filters)
}

fn sort(call: &Call, found: &mut [(&str, Vec<&Row>)]) -> Result<(), Reply> {
    let newest =
        |rows: &[&Row], updated: bool| rows.iter().map(|row| if updated { row.updated } else { row.created }).max();
    match call.query("sortBy").as_deref() {
        Some("sku") => found.sort_by_key(|(sku, _)| Reverse(*sku)),
        Some("createdDate") => found.sort_by_key(|(_, rows)| Reverse(newest(rows, false))),
        None | Some("lastUpdatedDate") => found.sort_by_key(|(_, rows)| Reverse(newest(rows, true))),
        Some(other) => return Err(invalid(&format!("Invalid 'sortBy' provided: {other}."))),
    }
    match call.query("sortOrder").as_deref() {
        None | Some("DESC") => {}
        Some("ASC") => found.reverse(),
        Some(other) => return Err(invalid(&format!("Invalid 'sortOrder' provided: {other}."))),
    }
    Ok(())
}

/// What a page token is bound to.
fn fingerprint(call: &Call) -> u64 {
    let mut hasher = DefaultHasher::new();
    call.uri.path().hash(&mut hasher);
    for name in SEARCH_PARAMETERS {
        call.query(name).hash(&mut hasher);
    }
    hasher.finish()
}

/// A page token: where the page begins, what it is bound to, and when it was given out.
fn token(call: &Call, offset: usize, now: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{offset}:{:x}:{now}", fingerprint(call)))
}

fn offset(call: &Call, now: u64) -> Result<usize, Reply> {
    let Some(token) = call.query("pageToken") else { return Ok(0) };
    let text = URL_SAFE_NO_PAD.decode(&token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let mut parts = text.split(':');
    let mut read = || {
        let offset: usize = parts.next()?.parse().ok()?;
        let print = u64::from_str_radix(parts.next()?, 16).ok()?;
        let born: i64 = parts.next()?.parse().ok()?;
        Some((offset, print, born))
    };
    let old = |born: i64| now.saturating_add_signed(born.saturating_neg()) > TOKEN_LIFE;
    match read() {
        Some((_, _, born)) if old(born) => Err(invalid("Invalid 'pageToken' provided.")),
        Some((offset, print, _)) if print == fingerprint(call) => Ok(offset),
        Some(_) => Err(super::error(
            StatusCode::BAD_REQUEST,
            "InvalidInput",
            "Search parameters do not match the provided 'pageToken'.",
            "",
        )),
        None => Err(invalid("Invalid 'pageToken' provided.")),
    }
}
