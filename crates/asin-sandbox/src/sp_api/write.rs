//! Submissions: put, patch and delete, for real and as a preview.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::issues::{Language, issue};
use super::listings::{Change, Key, Row};
use super::patch::PatchOperation;
use super::product_types;
use super::{included, invalid, marketplaces};
use crate::call::{Call, Reply};
use crate::ledger::Write;
use crate::market::{Applies, Verdict};
use crate::marketplace::Marketplace;
use crate::world::World;

/// How long a listing that applies later takes, in sandbox time.
const LATER: Duration = Duration::from_secs(5 * 60);

/// A validated call: which stores, and whether it is only a preview.
struct Submission {
    stores: Vec<&'static Marketplace>,
    preview: bool,
    identifiers: bool,
}

impl Submission {
    fn read(world: &World, call: &Call, seller: &str, most: usize) -> Result<Self, Reply> {
        let stores = marketplaces(world, call, seller, most)?;
        let preview = match call.query("mode").as_deref() {
            None => false,
            Some("VALIDATION_PREVIEW") => true,
            Some(other) => return Err(invalid(&format!("Invalid 'mode' provided: {other}."))),
        };
        let data = included(call, &["issues", "identifiers"], "issues")?;
        let identifiers = data.iter().any(|name| name == "identifiers");
        if identifiers && !preview {
            return Err(invalid("'identifiers' can be included with mode VALIDATION_PREVIEW only."));
        }
        Ok(Self { stores, preview, identifiers })
    }
}

/// The JSON object of a body.
fn body(call: &Call) -> Result<&Value, Reply> {
    let json = call.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !json {
        return Err(super::unsupported());
    }
    call.json().filter(|body| body.is_object()).ok_or_else(|| invalid("The body is not a JSON object."))
}

fn product_type(body: &Value) -> Result<String, Reply> {
    body["productType"].as_str().map(str::to_owned).ok_or_else(|| invalid("'productType' is required."))
}

pub(super) fn patch(world: &mut World, call: &Call, seller: &str, sku: &str) -> Result<Reply, Reply> {
    let submission = Submission::read(world, call, seller, usize::MAX)?;
    let body = body(call)?;
    product_type(body)?;
    let operations = PatchOperation::read_all(body)
        .map_err(|text| super::error(StatusCode::BAD_REQUEST, "InvalidInput", &text, ""))?;
    let mut issues: Vec<Value> = operations.iter().flat_map(|operation| operation.issues(&submission.stores)).collect();
    for store in &submission.stores {
        let row = world.listings.row(seller, sku, store.id);
        issues.extend(product_types::patched(row, store, &operations));
        match row {
            Some(row) if row.listing.preview == Verdict::Invalid => {
                issues.push(issue("90220", "item_name", "MISSING_ATTRIBUTE"));
            }
            // A preview looks the SKU up; a real patch is accepted and shows the same issue on the next read.
            row if submission.preview && row.is_none_or(|row| !row.exists) => {
                issues.push(issue("13013", "", "INVALID_ATTRIBUTE"));
            }
            _ => {}
        }
    }
    Ok(submit(world, call, seller, sku, &submission, &Change::Patch(operations), issues))
}

pub(super) fn put(world: &mut World, call: &Call, seller: &str, sku: &str) -> Result<Reply, Reply> {
    let submission = Submission::read(world, call, seller, 1)?;
    let body = body(call)?;
    let product_type = product_type(body)?;
    let attributes = body["attributes"].as_object().ok_or_else(|| invalid("'attributes' is required."))?.clone();
    let required: &[&str] = match body["requirements"].as_str() {
        None | Some("LISTING") => &["item_name", "condition_type", "purchasable_offer"],
        Some("LISTING_PRODUCT_ONLY") => &["item_name"],
        Some("LISTING_OFFER_ONLY") => &["condition_type", "merchant_suggested_asin", "purchasable_offer"],
        Some(other) => return Err(invalid(&format!("Invalid 'requirements' provided: {other}."))),
    };
    let missing = required.iter().filter(|name| !attributes.contains_key(**name));
    let mut issues: Vec<Value> = missing.map(|name| issue("90220", name, "MISSING_ATTRIBUTE")).collect();
    let no_array = attributes.iter().filter(|(_, value)| !value.is_array());
    issues.extend(no_array.map(|(name, _)| issue("4000001", name, "INVALID_ATTRIBUTE")));
    let operations = PatchOperation::replacing(&attributes);
    issues.extend(operations.iter().flat_map(|operation| operation.issues(&submission.stores)));
    for store in &submission.stores {
        let row = world.listings.row(seller, sku, store.id);
        let requirements = body["requirements"].as_str().unwrap_or("LISTING");
        issues.extend(product_types::put(&product_type, store, requirements, &attributes));
        if row.is_some_and(|row| row.listing.preview == Verdict::Invalid) {
            issues.push(issue("90220", "item_name", "MISSING_ATTRIBUTE"));
        }
    }
    Ok(submit(world, call, seller, sku, &submission, &Change::Put { product_type, attributes }, issues))
}

pub(super) fn delete(world: &mut World, call: &Call, seller: &str, sku: &str) -> Result<Reply, Reply> {
    let submission = Submission { stores: marketplaces(world, call, seller, 1)?, preview: false, identifiers: false };
    let known = submission.stores.iter().all(|store| world.listings.row(seller, sku, store.id).is_some());
    let issues = if known { Vec::new() } else { vec![issue("13013", "", "INVALID_ATTRIBUTE")] };
    Ok(submit(world, call, seller, sku, &submission, &Change::Delete, issues))
}

fn submit(
    world: &mut World,
    call: &Call,
    seller: &str,
    sku: &str,
    submission: &Submission,
    change: &Change,
    issues: Vec<Value>,
) -> Reply {
    let submission_id = world.hex(32);
    let refused = issues.iter().any(|issue| issue["severity"] == "ERROR");
    let status = match (refused, submission.preview) {
        (true, _) => "INVALID",
        (false, true) => "VALID",
        (false, false) => "ACCEPTED",
    };
    let language = Language::of(call, &submission.stores);
    let mut said: Vec<Value> = Vec::new();
    for issue in &issues {
        // What several checks find stands there once.
        let known = |one: &Value| one["code"] == issue["code"] && one["attributeNames"] == issue["attributeNames"];
        if !said.iter().any(known) {
            said.push(language.say(issue));
        }
    }
    let mut answer = json!({"sku": sku, "status": status, "submissionId": submission_id, "issues": said});
    if submission.identifiers {
        let asin = |store: &&'static Marketplace| {
            let row = world.listings.row(seller, sku, store.id)?;
            Some(json!({"marketplaceId": store.id, "asin": row.listing.asin}))
        };
        answer["identifiers"] = submission.stores.iter().filter_map(asin).collect();
    }
    let mut did = String::new();
    if status == "ACCEPTED" {
        for store in &submission.stores {
            let key = Key { seller: seller.to_owned(), sku: sku.to_owned(), marketplace: store.id };
            did.push_str(&accept(world, call.number, &submission_id, key, change));
        }
    }
    Reply::json(StatusCode::OK, &answer).did(did)
}

/// Notes an accepted change in the ledger and makes it when it is due.
pub(super) fn accept(world: &mut World, request: u64, submission_id: &str, key: Key, change: &Change) -> String {
    let row = world.listings.rows.get(&key);
    let applies = row.map(|row| row.listing.applies).unwrap_or_default();
    let (operation, attributes): (&str, Vec<String>) = match change {
        Change::Put { attributes, .. } => ("putListingsItem", attributes.keys().cloned().collect()),
        Change::Patch(operations) => {
            ("patchListingsItem", operations.iter().map(|operation| operation.attribute.clone()).collect())
        }
        Change::Delete => ("deleteListingsItem", Vec::new()),
    };
    let old = row.map(Row::terms).unwrap_or_default();
    let new = Row::after(row, &key, change);
    let when = match applies {
        Applies::AtOnce => "",
        Applies::Later => ", later",
        Applies::Never => ", never",
    };
    let did = format!("{} in {}: {old} to {new}{when}. ", key.sku, key.marketplace);
    let write = world.ledger.next_write();
    world.ledger.writes.push(Write {
        request,
        operation: operation.to_owned(),
        submission_id: submission_id.to_owned(),
        seller_id: key.seller.clone(),
        sku: key.sku.clone(),
        marketplace: key.marketplace.to_owned(),
        attributes,
        old,
        new,
        applied: applies == Applies::AtOnce,
    });
    match applies {
        Applies::AtOnce => world.listings.apply(&key, change),
        Applies::Later => world.listings.postpone(world.clock.now() + LATER, key, change.clone(), write),
        Applies::Never => {}
    }
    did
}
