//! Amazon SP-API Listings Items 2021-08-01: a seller's own listings, read, searched, created, patched and deleted.
//!
//! An operation is a value, and [`SpClient`] calls it. This one changes a price and nothing beside it: the offer is read,
//! sent again whole as a preview, and for real only if Amazon would take it.
//!
//! ```
//! use core_http::{Once, testing::Script};
//! use sp_listings::{
//!     Builder, Credentials, GetListingsItem, IncludedData, ListingsItemPatchRequest, Marketplace, Offer,
//!     PatchListingsItem, Region, SellerId, Sku, Submission,
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Without a transport of your own, requests go to Amazon; here they are answered from a list.
//! let script = Arc::new(Script::new());
//! script
//!     .answer(200, r#"{"access_token":"Atza|token","expires_in":3600}"#)
//!     .answer(200, r#"{"sku":"YNG-WTR-3","attributes":{"purchasable_offer":[{"currency":"TRY",
//!         "our_price":[{"schedule":[{"value_with_tax":80.0}]}],
//!         "minimum_seller_allowed_price":[{"schedule":[{"value_with_tax":70.0}]}]}]}}"#)
//!     .answer(200, r#"{"sku":"YNG-WTR-3","status":"VALID","submissionId":"a"}"#)
//!     .answer(200, r#"{"sku":"YNG-WTR-3","status":"ACCEPTED","submissionId":"b"}"#);
//!
//! let seller = SellerId::new("AO0WPKWDI17JQ")?;
//! let credentials = Credentials::new("amzn1.application-oa2-client.1", "client secret", "Atzr|refresh token");
//! let client = Builder::new(Region::Europe, credentials).seller(seller.clone()).transport(script.clone()).build()?;
//!
//! let (sku, store) = (Sku::new("YNG-WTR-3")?, [Marketplace::TR]);
//! let read = GetListingsItem::new(seller.clone(), sku.clone(), store.clone());
//! let item = client.call(read.included_data([IncludedData::Summaries, IncludedData::Attributes])).await?;
//! let offer = Offer::find(&item, &Marketplace::TR, "TRY")?;
//!
//! let changes = ListingsItemPatchRequest::offer([offer.price_patch("75.50".parse()?)]);
//! let patch = PatchListingsItem::new(seller, sku, store, changes);
//! if let Submission::Valid(_) = client.call(patch.preview()).await? {
//!     match client.call(Once(patch)).await? {
//!         Submission::Accepted(answer) => println!("{}: taken in, applied soon", answer.submission_id),
//!         other => println!("{:?}", other.issues()),
//!     }
//! }
//! let sent = String::from_utf8(script.seen()[3].body().to_vec())?;
//! assert!(sent.contains("75.5") && sent.contains("minimum_seller_allowed_price"));
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//!
//! | to | look at |
//! | --- | --- |
//! | call | [`GetListingsItem`], [`PutListingsItem`], [`PatchListingsItem`], [`DeleteListingsItem`], [`SearchListingsItems`] |
//! | change a price, a sale, the end of an offer | [`Offer`]; from scratch: [`new_price`], [`NewOffer`] |
//! | change a stock | [`quantity_patch`], [`handling_patch`], [`stock_patch`]; from scratch: [`new_stock`] |
//! | change a picture | [`Image`] |
//! | change or delete anything else | [`PatchOperation`], [`Selectors`] |
//! | send what our rules refuse | [`Unchecked`] |
//! | ask before writing | [`preview_then_submit`], [`preview`] |
//! | know what became of it | [`Submission`]: HTTP 200 alone is no success; [`submit_and_wait`], [`Receipt`] |
//! | find listings, any number | [`Search`] |
//! | know what a listing must hold, and check one before it is sent | [`product_types`] |
//! | know whether a product may be listed | [`restrictions`] |
//! | change thousands of listings | [`feeds`] |
//! | say where | [`Region`], [`Marketplace`] |
//! | make a client | [`Builder`], [`Credentials`], [`UserAgent`] |
//! | share tokens between clients or processes | [`Tokens`], [`TokenStore`] |
//! | understand a refusal | the table at [`SpApi`] |
//! | read a saved answer | [`inspect`], [`OPERATIONS`] |
//!
//! # Features
//!
//! `rustls` (default): the built-in transport with TLS. `rustls-no-provider`: the same, the application installs the crypto
//! provider. Without either, bring a [`Transport`](core_http::Transport). `feeds` (default): whole submissions of feeds.
//! `schemas` (default): product types' schemas on disk. `validate`: attributes are checked against them. `sigv4`: requests
//! are signed with AWS keys, too, for gateways in front of SP-API that want it; Amazon does not.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod builder;
mod check;
pub mod feeds;
mod generated;
mod ids;
mod image;
mod lwa;
mod offer;
mod patch;
mod price;
pub mod product_types;
mod receipt;
mod region;
pub mod restrictions;
mod search;
mod signed_url;
#[cfg(feature = "sigv4")]
mod signing;
mod stock;
mod submission;
mod submit;
mod sweep;
mod tokens;
mod user_agent;
mod vendor;

pub use auth::LwaAuthorize;
pub use builder::{Builder, SpClient};
pub use check::Unchecked;
pub use generated::{
    Audience, ConditionType, DeleteListingsItem, ExemptionStatus, FulfillmentAvailability, GetListingsItem,
    IdentifiersType, IncludedData, Issue, IssueEnforcementAction, IssueEnforcements, IssueExemption, Item,
    ItemIdentifiersByMarketplace, ItemImage, ItemOfferByMarketplace, ItemProcurement, ItemProductTypeByMarketplace,
    ItemRelationship, ItemRelationshipsByMarketplace, ItemSearchResults, ItemStatus, ItemSummaryByMarketplace,
    ItemVariationTheme, ListingsItemPatchRequest, ListingsItemPutRequest, ListingsItemSubmissionResponse, Mode, Money,
    OPERATIONS, OfferType, Pagination, PatchListingsItem, PatchOp, PatchOperation, Points, PutListingsItem,
    RelationshipType, Requirements, SearchListingsItems, Severity, SortBy, SortOrder, SubmissionIncludedData,
    SubmissionStatus, call, inspect, named,
};
pub use ids::{InvalidName, SellerId, Sku, SubmissionId};
pub use image::Image;
pub use lwa::{Credentials, GetToken, GrantlessScope, Lwa, Token};
pub use offer::{EVERYBODY, NoOffer, Offer};
pub use patch::Selectors;
pub use price::{InvalidTerms, NewOffer, Sale, new_price};
pub use receipt::{Fate, Receipt, Settled, submit_and_wait};
pub use region::{Marketplace, Region};
pub use search::{Identifiers, PageSize, Search};
pub use signed_url::SignedUrl;
#[cfg(feature = "sigv4")]
pub use signing::SigV4;
pub use stock::{DEFAULT_CHANNEL, Stock, handling_patch, new_stock, quantity_patch, stock_patch};
pub use submission::Submission;
pub use submit::{Preview, Previewed, Submitted, Validated, Write, preview, preview_then_submit};
pub use tokens::{StoreError, StoredToken, TokenKey, TokenStore, Tokens};
pub use user_agent::UserAgent;
pub use vendor::{SpApi, is_not_listed};

/// The Rust of README.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
