//! MultiCartAPI: ASINs watched in collections on a schedule, per postcode, and what was scraped of them.

mod builder;
mod generated;
mod ids;
mod items;
mod vendor;

pub use builder::{BASE_URL, Builder, McClient};
pub use generated::{
    AsinRow, CreateAsin, CreateAsins, CreatedAsin, DeleteAsin, Domain, Enrolled, GetAsin, GetOutput, ImportAsins,
    ListAsins, ListDomains, ListOutputs, ListPostcodes, OPERATIONS, Output, OutputFormat, Postcode, PostcodeStatus,
    RefusedRow, UpdateAsin, UpdatedAsin, inspect,
};
pub use ids::{AsinRowId, CollectionId, DomainId, OutputId, PostcodeId};
pub use items::AsinRows;
pub use vendor::{CALLS, Envelope, MultiCart};

use items::joined;
