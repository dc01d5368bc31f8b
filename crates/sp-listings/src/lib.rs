//! Amazon SP-API Listings Items 2021-08-01: a seller's own listings.

mod auth;
mod builder;
mod ids;
mod region;
mod vendor;

pub use auth::{Credentials, GetToken, Lwa, LwaAuthorize, Token};
pub use builder::{Builder, SpClient};
pub use ids::{InvalidName, SellerId, Sku, SubmissionId};
pub use region::{Marketplace, Region};
pub use vendor::SpApi;
