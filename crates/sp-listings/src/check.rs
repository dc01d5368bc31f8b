//! What Amazon would refuse, refused before anything is sent, with the reason.
//!
//! Every operation that can be wrong asks here before it makes its request, so no caller can forget to. Whoever knows
//! better than these rules sends [`Unchecked`].

use crate::{
    DeleteListingsItem, EVERYBODY, Marketplace, PatchListingsItem, PatchOp, PatchOperation, PutListingsItem,
    SearchListingsItems, SubmissionIncludedData,
    patch::{OFFERS, STOCK},
    price::terms,
};
use core_http::{Error, ErrorKind, Limits, Operation, Request, Result, Safety};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// The most identifiers that one search takes, and the most listings on a page (model 2021-08-01).
pub(crate) const MOST: usize = 20;

pub(crate) fn put(put: &PutListingsItem) -> Result<()> {
    stores(&put.marketplace_ids, 1)?;
    included(&put.included_data, put.mode.is_some())?;
    put_body(&put.body.product_type, &put.body.attributes, &put.marketplace_ids).map_err(refuse)
}

/// The rules of what a PUT holds, and so does a message of a feed.
pub(crate) fn put_body(
    product_type: &str,
    attributes: &Map<String, Value>,
    stores: &[Marketplace],
) -> Result<(), String> {
    typed(product_type)?;
    for (name, value) in attributes {
        let said = attribute(name).and_then(|()| match value {
            Value::Array(_) => Ok(()),
            _ => Err("is a list of instances".to_owned()),
        });
        said.map_err(|rule| format!("the attribute `{name}` {rule}"))?;
        instances(name, value.as_array().map_or(&[], Vec::as_slice), stores)?;
    }
    Ok(())
}

pub(crate) fn patch(patch: &PatchListingsItem) -> Result<()> {
    stores(&patch.marketplace_ids, usize::MAX)?;
    included(&patch.included_data, patch.mode.is_some())?;
    patch_body(&patch.body.product_type, &patch.body.patches, &patch.marketplace_ids).map_err(refuse)
}

/// The rules of what a PATCH holds, and so does a message of a feed.
pub(crate) fn patch_body(product_type: &str, patches: &[PatchOperation], stores: &[Marketplace]) -> Result<(), String> {
    typed(product_type)?;
    if patches.is_empty() {
        return Err("`patches` must hold at least one change".to_owned());
    }
    for (at, change) in patches.iter().enumerate() {
        let instances = || instances(change.attribute(), &change.value, stores);
        let said = path(&change.path).and_then(|()| operation(change)).and_then(|()| instances());
        said.map_err(|rule| format!("patches[{at}]: {rule}"))?;
    }
    Ok(())
}

pub(crate) fn delete(delete: &DeleteListingsItem) -> Result<()> {
    stores(&delete.marketplace_ids, 1)
}

pub(crate) fn search(search: &SearchListingsItems) -> Result<()> {
    stores(&search.marketplace_ids, usize::MAX)?;
    let SearchListingsItems { identifiers, identifiers_type, page_size, .. } = search;
    if identifiers.is_empty() == identifiers_type.is_some() {
        return Err(refuse("`identifiers` and `identifiersType` need each other"));
    }
    if identifiers.len() > MOST {
        return Err(refuse(format!("`identifiers` holds at most {MOST}, not {}", identifiers.len())));
    }
    let filters =
        [!identifiers.is_empty(), search.variation_parent_sku.is_some(), search.package_hierarchy_sku.is_some()];
    if filters.into_iter().filter(|set| *set).count() > 1 {
        return Err(refuse("`identifiers`, `variationParentSku` and `packageHierarchySku` exclude each other"));
    }
    match *page_size {
        Some(size) if !(1..=20).contains(&size) => Err(refuse(format!("`pageSize` is 1 to {MOST}, not {size}"))),
        _ => Ok(()),
    }
}

fn refuse(rule: impl Into<String>) -> Error {
    Error::new(ErrorKind::Request, rule.into())
}

/// PUT and DELETE take one store, PATCH and GET any number (model of 2026-07-30).
fn stores(ids: &[Marketplace], most: usize) -> Result<()> {
    match ids.len() {
        0 => Err(refuse("`marketplaceIds` must name a store")),
        count if count > most => Err(refuse(format!("`marketplaceIds` must name one store only, not {count}"))),
        _ => Ok(()),
    }
}

/// An instance names a store of the call or none: what is sent for another one is a mistake somewhere. The prices of an
/// offer do not contradict each other; which of several offers was changed cannot be told from here, so all are held to it.
fn instances(name: &str, instances: &[Value], stores: &[Marketplace]) -> Result<(), String> {
    let mut named = instances.iter().filter_map(|instance| instance.get("marketplace_id")?.as_str());
    if let Some(id) = named.find(|id| !stores.iter().any(|store| store.as_str() == *id)) {
        return Err(format!("`{name}` names the store {id}, which is not in `marketplaceIds`"));
    }
    let (now, mut offers) = (Timestamp::now(), instances.iter().filter(|_| name == OFFERS));
    offers.try_for_each(|offer| {
        let audience = offer.get("audience").and_then(Value::as_str).filter(|audience| *audience != EVERYBODY);
        let to = audience.map_or_else(String::new, |audience| format!(" to {audience}"));
        terms(offer, now).map_err(|terms| format!("`{name}`{to}: {terms}"))
    })
}

fn included(data: &[SubmissionIncludedData], preview: bool) -> Result<()> {
    if !preview && data.contains(&SubmissionIncludedData::Identifiers) {
        return Err(refuse("`includedData` may hold `identifiers` in a preview only"));
    }
    Ok(())
}

fn typed(product_type: &str) -> Result<(), String> {
    if product_type.is_empty() { Err("`productType` must not be empty".to_owned()) } else { Ok(()) }
}

/// Only top-level attributes can be patched (model of patchListingsItem). Amazon takes the name with `/attributes/`
/// before it or bare (selling-partner-api-docs #910), and says "Invalid path" of anything else.
fn path(path: &str) -> Result<(), String> {
    let name = path.strip_prefix("/attributes/").unwrap_or(path);
    if let Some((top, _)) = name.split_once('/').filter(|(top, _)| !top.is_empty()) {
        return Err(format!(
            "`{path}` is nested, and only a whole attribute can be patched: send all of `/attributes/{top}`"
        ));
    }
    attribute(name).map_err(|rule| format!("the attribute of `{path}` {rule}"))
}

/// Names of attributes are snake_case, unlike those of an answer: what is `fulfillmentAvailability` there is
/// `fulfillment_availability` here (abuzuhri/Amazon-SP-API-CSharp #647).
fn attribute(name: &str) -> Result<(), String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match name {
        "" => Err("must be named".to_owned()),
        _ if name.bytes().all(known) => Ok(()),
        _ if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Err(format!("must be in snake_case: did you mean `{}`?", snake(name)))
        }
        _ => Err("may hold lower-case letters, digits and `_` only".to_owned()),
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn operation(change: &PatchOperation) -> Result<(), String> {
    let (op, name) = (&change.op, change.attribute());
    if matches!(op, PatchOp::Unknown(_)) {
        return Err(format!("`op` is add, replace, merge or delete, not `{op}`"));
    }
    // Null and [] are "Invalid empty value" to Amazon, also for a deletion (selling-partner-api-models #4941).
    if change.value.is_empty() {
        return Err(match op {
            PatchOp::Delete => {
                format!("to delete from `{name}`, `value` must hold the selectors of what is meant, such as its store")
            }
            _ => format!("`value` of `{name}` must not be empty"),
        });
    }
    if *op == PatchOp::Merge && ![OFFERS, STOCK].contains(&name) {
        return Err(format!(
            "`merge` exists for `{STOCK}` and `{OFFERS}`, not for `{name}` (docs \"Merge a listing\")"
        ));
    }
    for instance in &change.value {
        let Some(fields) = instance.as_object().filter(|fields| !fields.is_empty()) else {
            return Err(format!("`value` of `{name}` is a list of objects with content, not `{instance}`"));
        };
        fields_of(op, name, fields)?;
    }
    Ok(())
}

fn fields_of(op: &PatchOp, name: &str, fields: &Map<String, Value>) -> Result<(), String> {
    if ![OFFERS, STOCK].contains(&name) {
        return Ok(());
    }
    for field in fields.keys() {
        attribute(field).map_err(|rule| format!("`{field}` in `{name}` {rule}"))?;
    }
    let said = |selector: &&str| fields.get(*selector).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let selectors: &[&str] =
        if name == STOCK { &["fulfillment_channel_code"] } else { &["marketplace_id", "currency", "audience"] };
    if *op == PatchOp::Merge && !selectors.iter().any(said) {
        return Err(format!("`merge` into `{name}` must name what it means by {}", selectors.join(", ")));
    }
    Ok(())
}

/// An operation that asks this file before it makes its request.
pub trait Checked: Operation {
    #[doc(hidden)]
    fn unchecked_request(&self) -> Result<Request>;
}

macro_rules! checked {
    ($($operation:ident)*) => {
        $(impl Checked for $operation {
            fn unchecked_request(&self) -> Result<Request> {
                self.unchecked()
            }
        })*
    };
}
checked!(PutListingsItem PatchListingsItem DeleteListingsItem SearchListingsItems);

/// An operation whose arguments go out as they are: the way past this crate's rules, for those who know better.
///
/// Everything else of it stays: limits, what sending it twice would do, and how the answer is read. What is no URL or
/// no JSON is refused even so.
///
/// ```
/// use core_http::Operation;
/// use sp_listings::{ListingsItemPatchRequest, Marketplace, PatchListingsItem, PatchOp, PatchOperation, Unchecked};
///
/// let odd = PatchOperation::new(PatchOp::Replace, "/attributes/newFashion").value([serde_json::json!(true)]);
/// let body = ListingsItemPatchRequest::new("SHOES", [odd]);
/// let patch = PatchListingsItem::new("A1SELLER".try_into()?, "SKU-1".try_into()?, [Marketplace::DE], body);
/// assert_eq!(
///     patch.request().unwrap_err().to_string(),
///     "could not be sent: patches[0]: the attribute of `/attributes/newFashion` must be in snake_case: \
///      did you mean `new_fashion`?",
/// );
/// assert!(Unchecked(patch).request().is_ok());
/// # Ok::<(), sp_listings::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an operation does nothing until a client calls it"]
pub struct Unchecked<O>(pub O);

impl<O: Checked> Operation for Unchecked<O> {
    type Vendor = O::Vendor;
    type Wire = O::Wire;
    type Output = O::Output;
    const NAME: &'static str = O::NAME;

    fn safety(&self) -> Safety {
        self.0.safety()
    }
    fn limits(&self) -> Limits {
        self.0.limits()
    }
    fn time_out(&self) -> Duration {
        self.0.time_out()
    }
    fn request(&self) -> Result<Request> {
        self.0.unchecked_request()
    }
    fn output(&self, wire: Self::Wire) -> Result<Self::Output> {
        self.0.output(wire)
    }
}
