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
        // What a buyer pays: an offer is not cheap whose delivery is dear.
        amount: offer.price.map(|price| price + offer.delivery_price.unwrap_or_default()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_offer_counts_with_its_delivery() {
        let offer = |delivery: Option<f64>| {
            let price = |amount: f64| json!({"type": "price", "current": amount, "currency": "EUR"});
            let info = delivery.map(|amount| json!({"delivery_price": price(amount)}));
            json!({"type": "amazon_seller_item", "price": price(80.0), "delivery_info": info})
        };
        let page = json!({"items": [offer(None), offer(Some(0.0)), offer(Some(19.9))]});
        let page: SellersResult = serde_json::from_value(page).unwrap();
        let amounts: Vec<_> =
            offers(&page).into_iter().map(|offer| offer.amount.unwrap().normalize().to_string()).collect();
        assert_eq!(amounts, ["80", "80", "99.9"]);
    }
}
