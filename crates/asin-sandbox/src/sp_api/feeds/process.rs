//! What becomes of a feed: each message is checked, applied to the listings, and stands in the report.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::super::issues::{Language, issue};
use super::super::listings::{Change, Key, Row};
use super::super::patch::PatchOperation;
use super::super::view::{DATA_SETS, item};
use super::super::write;
use super::{Document, State};
use crate::clock::today;
use crate::market::Verdict;
use crate::marketplace::Marketplace;
use crate::world::World;

/// The most messages of a feed.
const MOST: usize = 25_000;

/// What a report counts and lists.
#[derive(Default)]
struct Report {
    issues: Vec<Value>,
    processed: usize,
    accepted: usize,
    /// The SKUs of accepted messages, each once.
    skus: BTreeSet<String>,
}

/// Whose feed it is, and where it goes.
struct Context {
    seller: String,
    stores: Vec<&'static Marketplace>,
    request: u64,
    feed: String,
}

/// Applies a feed and writes its report.
pub(super) fn run(world: &mut World, at: usize, now: Duration) {
    let row = &world.feeds.feeds[at];
    let context =
        Context { seller: row.owner.clone(), stores: row.stores.clone(), request: row.request, feed: row.id.clone() };
    let content = world.feeds.documents.get(&row.document).and_then(|document| document.content.clone());
    let feed: Value = content.and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default();
    let mut report = Report::default();
    match whole(&feed, &context.seller) {
        Err(text) => report.issues.push(json!({"code": "4000000", "severity": "ERROR", "message": text})),
        Ok(messages) => {
            let mut seen = HashSet::new();
            for message in messages {
                one(world, &context, message, &mut seen, &mut report);
            }
        }
    }
    let text = written(world, &context, &feed["header"], &report);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(text.to_string().as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    let result = format!("amzn1.tortuga.4.sandbox.{}", world.hex(24));
    let document = Document {
        owner: context.seller,
        content_type: "application/json".to_owned(),
        content: Some(Bytes::from(compressed)),
        compressed: true,
        expires: now,
        report: true,
    };
    world.feeds.documents.insert(result.clone(), document);
    let row = &mut world.feeds.feeds[at];
    (row.state, row.ended, row.result) = (State::Done, Some(today()), Some(result));
}

/// The messages of a feed, if it is one as a whole.
fn whole<'a>(feed: &'a Value, seller: &str) -> Result<&'a Vec<Value>, String> {
    if feed["header"]["version"] != "2.0" {
        return Err("The feed has no header of version 2.0.".to_owned());
    }
    if feed["header"]["sellerId"] != seller {
        return Err("The feed is another seller's.".to_owned());
    }
    match feed["messages"].as_array() {
        Some(messages) if (1..=MOST).contains(&messages.len()) => Ok(messages),
        _ => Err(format!("A feed holds 1 to {MOST} messages.")),
    }
}

fn one(world: &mut World, context: &Context, message: &Value, seen: &mut HashSet<i64>, report: &mut Report) {
    report.processed += 1;
    let (id, sku) = (message["messageId"].as_i64(), message["sku"].as_str().unwrap_or_default());
    let fresh = id.is_some_and(|id| (1..=i64::from(i32::MAX)).contains(&id) && seen.insert(id));
    let read = if fresh && !sku.is_empty() {
        change(message)
    } else {
        Err("'messageId' must be unique and 1 to 2147483647, and 'sku' must not be empty.".to_owned())
    };
    let found = match &read {
        Err(text) => vec![json!({"code": "4000001", "message": text})],
        Ok(change) => problems(world, context, sku, change),
    };
    for problem in &found {
        let mut entry =
            json!({"severity": "ERROR", "sku": sku, "code": problem["code"], "message": problem["message"]});
        if let Some(id) = id {
            entry["messageId"] = json!(id);
        }
        if let Some(name) = problem["attributeNames"][0].as_str() {
            entry["attributeName"] = json!(name);
        }
        report.issues.push(entry);
    }
    let (Ok(change), true) = (read, found.is_empty()) else { return };
    report.accepted += 1;
    report.skus.insert(sku.to_owned());
    for store in &context.stores {
        let key = Key { seller: context.seller.clone(), sku: sku.to_owned(), marketplace: store.id };
        write::accept(world, context.request, &context.feed, key, &change);
    }
}

/// What a message changes; the error says which field is missing or does not belong.
fn change(message: &Value) -> Result<Change, String> {
    let kind = message["operationType"].as_str().unwrap_or_default();
    let (needed, forbidden): (&[&str], &[&str]) = match kind {
        "UPDATE" => (&["productType", "attributes"], &["patches"]),
        "PARTIAL_UPDATE" => (&["productType", "attributes"], &["requirements", "patches"]),
        "PATCH" => (&["productType", "patches"], &["requirements", "attributes"]),
        "DELETE" => (&[], &["requirements", "attributes", "productType", "patches"]),
        other => return Err(format!("Invalid 'operationType' provided: {other}.")),
    };
    if let Some(name) = needed.iter().find(|name| message.get(name).is_none()) {
        return Err(format!("'{name}' is required for {kind}."));
    }
    if let Some(name) = forbidden.iter().find(|name| message.get(name).is_some()) {
        return Err(format!("'{name}' is not applicable to {kind}."));
    }
    let attributes = message["attributes"].as_object().cloned().unwrap_or_default();
    let product_type = message["productType"].as_str().unwrap_or_default().to_owned();
    match kind {
        "DELETE" => Ok(Change::Delete),
        "PATCH" => PatchOperation::read_all(message).map(Change::Patch),
        _ if attributes.is_empty() => Err("'attributes' must not be empty.".to_owned()),
        "UPDATE" => Ok(Change::Put { product_type, attributes }),
        _ => Ok(Change::Patch(PatchOperation::replacing(&attributes))),
    }
}

/// What keeps a change from being accepted, as issues of the Listings API.
fn problems(world: &World, context: &Context, sku: &str, change: &Change) -> Vec<Value> {
    let replacing;
    let operations: &[PatchOperation] = match change {
        Change::Put { attributes, .. } => {
            replacing = PatchOperation::replacing(attributes);
            &replacing
        }
        Change::Patch(operations) => operations,
        Change::Delete => &[],
    };
    let mut found: Vec<Value> = operations.iter().flat_map(|operation| operation.issues(&context.stores)).collect();
    for store in &context.stores {
        let row = world.listings.row(&context.seller, sku, store.id);
        let known = row.is_some_and(|row| row.exists);
        if row.is_some_and(|row| row.listing.preview == Verdict::Invalid) && !matches!(change, Change::Delete) {
            found.push(issue("90220", "item_name", "MISSING_ATTRIBUTE"));
        } else if !known && !matches!(change, Change::Put { .. }) {
            found.push(issue("13013", "", "INVALID_ATTRIBUTE"));
        }
    }
    found
}

/// The report, with the items that the header asked for.
fn written(world: &World, context: &Context, header: &Value, report: &Report) -> Value {
    let invalid = report.processed - report.accepted;
    let mut text = json!({
        "header": {"sellerId": context.seller, "version": "2.0", "feedId": context.feed},
        "issues": report.issues,
        "summary": {
            "errors": report.issues.len(),
            "warnings": 0,
            "messagesProcessed": report.processed,
            "messagesAccepted": report.accepted,
            "messagesInvalid": invalid,
        },
    });
    let asked = header["report"]["includedData"].as_array().into_iter().flatten();
    let asked: Vec<String> =
        asked.filter_map(Value::as_str).filter(|name| DATA_SETS.contains(name)).map(str::to_owned).collect();
    if asked.is_empty() {
        return text;
    }
    text["header"]["report"] = header["report"].clone();
    let language = Language::named(header["issueLocale"].as_str().unwrap_or_default());
    let rows = |sku: &String| -> Vec<&Row> {
        context.stores.iter().filter_map(|store| world.listings.row(&context.seller, sku, store.id)).collect()
    };
    let items: Vec<Value> = report.skus.iter().map(|sku| item(world, sku, &rows(sku), &asked, language)).collect();
    text["summary"]["itemSummary"] = json!({"items": items.len(), "errors": 0, "warnings": 0});
    text["items"] = json!(items);
    text
}
