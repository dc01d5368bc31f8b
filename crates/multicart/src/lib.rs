//! MultiCartAPI: ASINs watched in collections on a schedule, per postcode, and what was scraped of them.

mod builder;
mod ids;
mod vendor;

pub use builder::{BASE_URL, Builder, MultiCartClient};
pub use ids::{AsinRowId, CollectionId, DomainId, OutputId, PostcodeId};
pub use vendor::{CALLS, Envelope, MultiCart};
