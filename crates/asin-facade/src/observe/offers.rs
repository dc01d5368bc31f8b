//! What a page of sellers says.

use super::Observed;
use crate::{Currency, Marketplace, Observation, Product, Source, Why};
use dataforseo_merchant::{SellersResult, TaskResult};

/// What a `sellers` task has brought.
pub(crate) fn read(product: Product, result: TaskResult) -> Result<Observed, Why> {
    match result {
        TaskResult::Sellers(result) => Ok(Observed { product, observations: offers(&result) }),
        TaskResult::Failed(fault) => Err(Why::Failed(fault)),
        TaskResult::Unreadable { error, .. } => Err(Why::Unreadable(error)),
        _ => Ok(Observed { product, observations: Vec::new() }),
    }
}

/// The offers on a page of sellers, each with what the page says of it.
fn offers(result: &SellersResult) -> Vec<Observation> {
    let marketplace = store(result.se_domain.as_deref(), result.location_code);
    let at = result.datetime.as_ref().and_then(dataforseo_merchant::VendorTime::timestamp);
    let offers = result.offers().map(|offer| Observation {
        in_stock: offer.in_stock(),
        source: Source::DataforseoSellers,
        asin: result.asin,
        marketplace,
        postcode: None,
        amount: offer.price,
        currency: offer.currency.as_deref().and_then(Currency::from_code),
        condition: offer.condition,
        seller_id: offer.seller_id,
        seller: offer.seller_name,
        at,
    });
    offers.collect()
}

fn store(domain: Option<&str>, location: Option<i64>) -> Option<Marketplace> {
    match (domain, location) {
        (Some(domain), _) => Marketplace::of_domain(domain),
        (None, Some(location)) => Marketplace::all().find(|store| i64::from(store.location_code()) == location),
        (None, None) => None,
    }
}
