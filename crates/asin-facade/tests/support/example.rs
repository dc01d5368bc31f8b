//! The shop of `examples/`, served by a sandbox whose minutes are seconds.

use crate::demo;
use asin_facade::sync::{Catalogue, Services};
use asin_sandbox::{Market, Sandbox};
use std::{fs::File, path::Path};

/// The sandbox, its services, and the catalogue.
pub async fn open() -> (Sandbox, Services, Catalogue) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let market = Market::read(examples.join("market.json")).unwrap();
    let sandbox = Sandbox::builder().market(market).speed(60.0).start().await.unwrap();
    let services = Services::connect(demo::connection(&sandbox)).unwrap();
    let catalogue = File::open(examples.join("catalogue.csv")).unwrap();
    let catalogue = Catalogue::read(catalogue, services.accounts()).unwrap();
    (sandbox, services, catalogue)
}
