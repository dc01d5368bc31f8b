//! One change of one listing inside a feed.

use super::document::LARGEST_ID;
use crate::{ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace, PatchOperation, Requirements, Sku, check};
use core_http::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// One change of one listing. Which fields go with which kind of change is said by the schema of the feed; no other
/// combination can be made.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is changed before it is submitted"]
pub struct FeedMessage {
    pub(super) id: Option<u32>,
    unchecked: bool,
    pub(super) sku: Sku,
    change: Change,
}

#[derive(Debug, Clone, PartialEq)]
enum Change {
    Update(ListingsItemPutRequest),
    PartialUpdate { product_type: String, attributes: Map<String, Value> },
    Patch(ListingsItemPatchRequest),
    Delete,
}

/// A message as it stands in the document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    message_id: u32,
    sku: &'a Sku,
    operation_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requirements: Option<&'a Requirements>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patches: Option<&'a [PatchOperation]>,
}

impl FeedMessage {
    /// Creates a listing or replaces the whole of it (`UPDATE`).
    pub fn update(sku: Sku, listing: ListingsItemPutRequest) -> Self {
        Self { id: None, unchecked: false, sku, change: Change::Update(listing) }
    }

    /// Replaces these attributes and leaves the others (`PARTIAL_UPDATE`).
    pub fn partial_update(sku: Sku, product_type: impl Into<String>, attributes: Map<String, Value>) -> Self {
        Self {
            id: None,
            unchecked: false,
            sku,
            change: Change::PartialUpdate { product_type: product_type.into(), attributes },
        }
    }

    /// Makes these changes (`PATCH`).
    pub fn patch(sku: Sku, changes: ListingsItemPatchRequest) -> Self {
        Self { id: None, unchecked: false, sku, change: Change::Patch(changes) }
    }

    /// Deletes the listing in the feed's marketplaces (`DELETE`).
    pub fn delete(sku: Sku) -> Self {
        Self { id: None, unchecked: false, sku, change: Change::Delete }
    }

    /// With a `messageId` of one's own, 1 to 2147483647 and unique in its document; the number after that of the message
    /// before it by default, from a random one in each document. A number of one's own does not tell documents apart: should
    /// the answer to `createFeed` be lost, it is no evidence.
    pub fn id(mut self, id: u32) -> Self {
        self.id = Some(id);
        self
    }

    /// With a change that goes out as it is: the way past this crate's rules for attributes and patches, which are those of
    /// single calls, for those who know better (as [`Unchecked`](crate::Unchecked) is for a single call).
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    /// The message as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] with the field and the rule.
    pub(super) fn write(&self, id: u32, stores: &[Marketplace]) -> Result<Vec<u8>> {
        let broken = |field: &str, rule: &str| {
            Err(Error::new(ErrorKind::Request, format!("the message for `{}`: `{field}` {rule}", self.sku)))
        };
        if !(1..=LARGEST_ID).contains(&id) {
            return broken("messageId", &format!("is {id}, and must be 1 to {LARGEST_ID}"));
        }
        let bare = Wire {
            message_id: id,
            sku: &self.sku,
            operation_type: "DELETE",
            product_type: None,
            requirements: None,
            attributes: None,
            patches: None,
        };
        let wire = match &self.change {
            Change::Update(ListingsItemPutRequest { product_type, requirements, attributes }) => Wire {
                operation_type: "UPDATE",
                product_type: Some(product_type),
                requirements: requirements.as_ref(),
                attributes: Some(attributes),
                ..bare
            },
            Change::PartialUpdate { product_type, attributes } => Wire {
                operation_type: "PARTIAL_UPDATE",
                product_type: Some(product_type),
                attributes: Some(attributes),
                ..bare
            },
            Change::Patch(ListingsItemPatchRequest { product_type, patches }) => {
                Wire { operation_type: "PATCH", product_type: Some(product_type), patches: Some(patches), ..bare }
            }
            Change::Delete => bare,
        };
        if !self.unchecked {
            let (attributes, patches) = (wire.attributes, wire.patches);
            let put = || wire.product_type.zip(attributes).map(|(of, held)| check::put_body(of, held, stores));
            let patch = || wire.product_type.zip(patches).map(|(of, held)| check::patch_body(of, held, stores));
            let said = put().or_else(patch).unwrap_or(Ok(()));
            said.map_err(|rule| Error::new(ErrorKind::Request, format!("the message for `{}`: {rule}", self.sku)))?;
        }
        // The schema of the feed wants these whatever they hold.
        if wire.product_type.is_some_and(str::is_empty) {
            return broken("productType", "must not be empty");
        }
        if wire.attributes.is_some_and(Map::is_empty) {
            return broken("attributes", "must hold at least one attribute");
        }
        if wire.patches.is_some_and(<[_]>::is_empty) {
            return broken("patches", "must hold at least one patch");
        }
        serde_json::to_vec(&wire).map_err(|error| Error::new(ErrorKind::Request, error))
    }
}
