//! What Amazon shows for a keyword: the products of the market whose titles hold its words.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::results::{self, Page};
use super::tasks::Task;
use crate::market::{Offer, Product};
use crate::marketplace::Marketplace;

/// A product that was found, and its lowest price in the store.
pub(super) struct Found<'a> {
    pub(super) product: &'a Product,
    pub(super) lowest: Option<&'a Offer>,
}

impl Found<'_> {
    pub(super) fn price(&self) -> Option<Decimal> {
        self.lowest.and_then(|offer| offer.price)
    }
}

/// What a search finds, in its order.
pub(super) fn found<'a>(
    products: &'a [Product],
    keyword: &str,
    marketplace: &Marketplace,
    data: &Map<String, Value>,
) -> Vec<Found<'a>> {
    let words: Vec<String> = keyword.split_whitespace().map(str::to_lowercase).collect();
    let holds = |product: &&Product| {
        let title = format!("{} {}", product.title, product.asin).to_lowercase();
        words.iter().all(|word| title.contains(word.as_str()))
    };
    let here = |offer: &&Offer| offer.marketplace == marketplace.id;
    let bound = |name: &str| data.get(name).and_then(Value::as_u64).map(Decimal::from);
    let (least, most) = (bound("price_min"), bound("price_max"));
    let mut found: Vec<Found> = products
        .iter()
        .filter(holds)
        .filter(|product| product.offers.iter().any(|offer| here(&offer)))
        .map(|product| {
            let open = product.offers.iter().filter(here).filter(|offer| offer.in_stock && offer.price.is_some());
            Found { product, lowest: open.min_by_key(|offer| offer.price) }
        })
        .filter(|found| least.is_none_or(|least| found.price().is_some_and(|price| price >= least)))
        .filter(|found| most.is_none_or(|most| found.price().is_some_and(|price| price <= most)))
        .collect();
    match data.get("sort_by").and_then(Value::as_str) {
        Some("price_low_to_high") => found.sort_by_key(|found| (found.price().is_none(), found.price())),
        Some("price_high_to_low") => found.sort_by_key(|found| std::cmp::Reverse(found.price())),
        _ => {}
    }
    let depth = data.get("depth").and_then(Value::as_u64).unwrap_or(100);
    found.truncate(usize::try_from(depth).unwrap_or(usize::MAX));
    found
}

/// The result of a `products` task; without results its items are null.
pub(super) fn products(task: &Task, products: &[Product]) -> Value {
    let found = found(products, &task.subject, task.marketplace, &task.data());
    let url = format!("https://www.{}/s/?field-keywords={}", task.marketplace.domain, task.subject.replace(' ', "+"));
    let page = Page { subject: "keyword", kind: "products", domain: task.marketplace.domain, url };
    let mut result = results::page(task, page, 0);
    result.insert("spell".to_owned(), Value::Null);
    result.insert("se_results_count".to_owned(), json!(found.len()));
    result.insert("categories".to_owned(), if found.is_empty() { Value::Null } else { json!(["Home"]) });
    let mut items: Vec<Value> = found.iter().map(|found| entry(task, found, "amazon_serp")).collect();
    if let Some(first) = found.first().filter(|_| found.len() > 1) {
        items.insert(0, entry(task, first, "amazon_paid"));
        items.push(json!({"type": "editorial_recommendations", "position": "left", "items": [entry(task, first, "amazon_serp_element")]}));
        let related = json!({"type": "related_searches_element", "title": format!("{} large", task.subject), "url": null, "image_alt": null, "image_url": null});
        items.push(json!({"type": "related_searches", "position": "left", "items": [related]}));
    }
    results::ranked(&mut items);
    let types = ["amazon_paid", "amazon_serp", "editorial_recommendations", "related_searches"];
    results::finish(result, items, &types)
}

fn entry(task: &Task, found: &Found, kind: &str) -> Value {
    let (asin, store) = (&found.product.asin, task.marketplace);
    let number = results::variety(asin);
    let currency = found.lowest.map(|offer| offer.currency.as_deref().unwrap_or(store.currency));
    json!({
        "type": kind,
        "xpath": format!("/html[1]/body[1]/div[1]/div[{}]", 1 + number % 60),
        "domain": store.domain,
        "title": found.product.title,
        "url": format!("https://www.{}/dp/{asin}", store.domain),
        "image_url": results::image(asin),
        "bought_past_month": number.is_multiple_of(2).then_some(50 * (1 + number % 9)),
        "price_from": found.price().map(results::money),
        "price_to": null,
        "currency": currency,
        "special_offers": null,
        "data_asin": asin,
        "rating": results::rating(asin),
        "is_amazon_choice": number.is_multiple_of(5),
        "is_best_seller": number.is_multiple_of(7),
        "delivery_info": results::delivery(task, found.lowest.is_some()),
        "labels": null,
    })
}
