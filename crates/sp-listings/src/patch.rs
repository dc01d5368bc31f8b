//! Patches: how they are made, what sending one twice would do, and which limits it counts against.

use crate::{
    ListingsItemPatchRequest, Marketplace, Mode, PatchListingsItem, PatchOp, PatchOperation, PutListingsItem,
    generated::operations::{
        PATCH_LISTINGS_ITEM, PATCH_LISTINGS_ITEM_APPLICATION, PATCH_LISTINGS_ITEM_PRODUCT_DATA,
        PATCH_LISTINGS_ITEM_RELATIONSHIPS, PATCH_LISTINGS_ITEM_VALIDATION_PREVIEW, PUT_LISTINGS_ITEM,
        PUT_LISTINGS_ITEM_APPLICATION, PUT_LISTINGS_ITEM_RELATIONSHIPS, VALIDATION_PREVIEW,
    },
};
use core_http::{Limits, Safety};
use serde_json::{Map, Value};

/// The attribute that holds the prices.
pub(crate) const OFFERS: &str = "purchasable_offer";
/// The attribute that holds the pieces for sale.
pub(crate) const STOCK: &str = "fulfillment_availability";
/// The attributes whose change Amazon limits as one of relationships (docs "Listings Items API Rate Limits").
const RELATIONSHIPS: [&str; 2] = ["child_parent_sku_relationship", "package_contains_sku"];

impl PatchOperation {
    /// Puts these instances of an attribute in the place of those with the same selectors; what they leave out is gone.
    pub fn replace(attribute: &str, value: impl IntoIterator<Item = Value>) -> Self {
        Self::on(PatchOp::Replace, attribute, value)
    }

    /// Changes what these instances name and keeps what they leave out. Amazon takes it for
    /// `fulfillment_availability`, and for the quantity discounts of business offers.
    pub fn merge(attribute: &str, value: impl IntoIterator<Item = Value>) -> Self {
        Self::on(PatchOp::Merge, attribute, value)
    }

    /// Adds these instances to an attribute.
    pub fn add(attribute: &str, value: impl IntoIterator<Item = Value>) -> Self {
        Self::on(PatchOp::Add, attribute, value)
    }

    /// Removes the instances of an attribute that these selectors name; each is a [`Selectors`], or raw JSON. Amazon
    /// refuses a deletion without selectors.
    ///
    /// ```
    /// use sp_listings::{Marketplace, PatchOperation, Selectors};
    /// let meant = Selectors::of(&Marketplace::TR).and("language_tag", "tr_TR");
    /// let patch = PatchOperation::delete("bullet_point", [meant]);
    /// # let sent = serde_json::to_string(&patch)?;
    /// # assert!(sent.ends_with(r#""value":[{"marketplace_id":"A33AVAJ2PDY3EV","language_tag":"tr_TR"}]}"#));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn delete(attribute: &str, selectors: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self::on(PatchOp::Delete, attribute, selectors.into_iter().map(Into::into))
    }

    fn on(op: PatchOp, attribute: &str, value: impl IntoIterator<Item = Value>) -> Self {
        Self::new(op, format!("/attributes/{attribute}")).value(value)
    }

    /// The attribute that it changes.
    pub fn attribute(&self) -> &str {
        // Amazon takes a path without its prefix too (selling-partner-api-docs #910).
        let path = self.path.trim_start_matches('/');
        let attribute = path.strip_prefix("attributes/").unwrap_or(path);
        attribute.split_once('/').map_or(attribute, |(attribute, _)| attribute)
    }
}

/// Which instances of an attribute are meant: those of a store, in a language, for an audience.
///
/// The schema of a product type says by which names an attribute's instances are told apart (its keyword `selectors`).
#[derive(Debug, Clone, PartialEq)]
#[must_use = "selectors are what a patch deletes"]
pub struct Selectors(Map<String, Value>);

impl Selectors {
    /// The instances of this store.
    pub fn of(marketplace: &Marketplace) -> Self {
        Self(Map::new()).and("marketplace_id", marketplace.as_str())
    }

    /// Only those of them that have this value.
    pub fn and(mut self, selector: &str, value: impl Into<Value>) -> Self {
        self.0.insert(selector.to_owned(), value.into());
        self
    }
}

impl From<Selectors> for Value {
    fn from(selectors: Selectors) -> Self {
        Self::Object(selectors.0)
    }
}

impl ListingsItemPatchRequest {
    /// Changes of sales terms: they fit every product type.
    pub fn offer(patches: impl IntoIterator<Item = PatchOperation>) -> Self {
        Self::new("PRODUCT", patches)
    }
}

impl PatchListingsItem {
    /// The same patch as a preview: Amazon says what it would answer, and changes nothing.
    pub fn preview(&self) -> Self {
        self.clone().mode(Mode::ValidationPreview)
    }
}

impl PutListingsItem {
    /// The same listing as a preview: Amazon says what it would answer, and changes nothing.
    pub fn preview(&self) -> Self {
        self.clone().mode(Mode::ValidationPreview)
    }
}

pub(crate) fn safety_of_patch(patch: &PatchListingsItem) -> Safety {
    let adds = |change: &PatchOperation| !matches!(change.op, PatchOp::Replace | PatchOp::Delete);
    match &patch.mode {
        Some(Mode::ValidationPreview) => Safety::ReadOnly,
        // What is added depends on what was there before: applied late and twice, it need not end in the same state.
        _ if patch.body.patches.iter().any(adds) => Safety::Once,
        _ => Safety::Idempotent,
    }
}

pub(crate) fn safety_of_put(put: &PutListingsItem) -> Safety {
    match &put.mode {
        Some(Mode::ValidationPreview) => Safety::ReadOnly,
        _ => Safety::Idempotent,
    }
}

pub(crate) fn limits_of_patch(patch: &PatchListingsItem) -> Limits {
    let mut limits = vec![PATCH_LISTINGS_ITEM, PATCH_LISTINGS_ITEM_APPLICATION];
    if patch.mode == Some(Mode::ValidationPreview) {
        limits.extend([VALIDATION_PREVIEW, PATCH_LISTINGS_ITEM_VALIDATION_PREVIEW]);
    }
    let touches = |of: &dyn Fn(&str) -> bool| patch.body.patches.iter().any(|change| of(change.attribute()));
    if touches(&|attribute| RELATIONSHIPS.contains(&attribute)) {
        limits.push(PATCH_LISTINGS_ITEM_RELATIONSHIPS);
    }
    // Which attributes are product data is not listed: everything that is neither price nor stock.
    if touches(&|attribute| ![OFFERS, STOCK].contains(&attribute) && !RELATIONSHIPS.contains(&attribute)) {
        limits.push(PATCH_LISTINGS_ITEM_PRODUCT_DATA);
    }
    limits
}

pub(crate) fn limits_of_put(put: &PutListingsItem) -> Limits {
    let mut limits = vec![PUT_LISTINGS_ITEM, PUT_LISTINGS_ITEM_APPLICATION];
    if put.mode == Some(Mode::ValidationPreview) {
        limits.push(VALIDATION_PREVIEW);
    }
    if RELATIONSHIPS.iter().any(|attribute| put.body.attributes.contains_key(*attribute)) {
        limits.push(PUT_LISTINGS_ITEM_RELATIONSHIPS);
    }
    limits
}
