//! Amazon SP-API Listings Items 2021-08-01: a seller's own listings.

mod auth;
mod builder;
mod generated;
mod ids;
mod offer;
mod patch;
mod region;
mod stock;
mod submission;
mod vendor;

pub use auth::{Credentials, GetToken, Lwa, LwaAuthorize, Token};
pub use builder::{Builder, SpClient};
pub use generated::{
    Audience, ConditionType, DeleteListingsItem, ExemptionStatus, FulfillmentAvailability, GetListingsItem,
    IdentifiersType, IncludedData, Issue, IssueEnforcementAction, IssueEnforcements, IssueExemption, Item,
    ItemIdentifiersByMarketplace, ItemImage, ItemOfferByMarketplace, ItemProcurement, ItemProductTypeByMarketplace,
    ItemRelationship, ItemRelationshipsByMarketplace, ItemSearchResults, ItemStatus, ItemSummaryByMarketplace,
    ItemVariationTheme, ListingsItemPatchRequest, ListingsItemPutRequest, ListingsItemSubmissionResponse, Mode, Money,
    OPERATIONS, OfferType, Pagination, PatchListingsItem, PatchOp, PatchOperation, Points, PutListingsItem,
    RelationshipType, Requirements, SearchListingsItems, Severity, SortBy, SortOrder, SubmissionIncludedData,
    SubmissionStatus, inspect,
};
pub use ids::{InvalidName, SellerId, Sku, SubmissionId};
pub use offer::{NoOffer, Offer, new_price};
pub use region::{Marketplace, Region};
pub use stock::{DEFAULT_CHANNEL, Stock, new_stock, quantity_patch};
pub use submission::Submission;
pub use vendor::SpApi;
