//! MultiCart: what is watched where, what a run costs, and what was scraped.

mod places;
mod runs;
mod split;
mod watch;

pub use places::{Collections, Postcodes, collections, postcodes};
pub use runs::{Credits, Outputs, credits, outputs};
pub use split::enrolling;
pub use watch::{Watch, watch};

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Connect;
use asin_facade::Marketplace;
use asin_facade::multicart::{DomainId, ListDomains, McClient};

/// How rows are printed, and who asks.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Common {
    async fn client(&self) -> Result<McClient, Failure> {
        self.connect.open().await?.multicart()
    }
}

/// MultiCart's number of a shop.
async fn domain(client: &McClient, store: Marketplace) -> Result<DomainId, Failure> {
    let domains = client.call(ListDomains::new()).await?;
    let found = domains.iter().find(|row| row.domain == store.domain()).map(|row| row.id);
    found.ok_or_else(|| {
        let known: Vec<&str> = domains.iter().map(|row| row.domain.as_str()).collect();
        Failure::usage(format!("MultiCart does not have {}, it has: {}", store.domain(), known.join(", ")))
    })
}
