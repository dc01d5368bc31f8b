//! Google Shopping, out of the same market: the products, shops and prices of the store of the place that is asked from.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::results::{self, Page, money, ranked};
use super::tasks::Task;
use super::{TaskAnswer, envelope, search};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::market::{Offer, Product};
use crate::world::World;

/// What sets the three kinds of ids of one product apart.
const KIND: u64 = 10_u64.pow(16);

/// Google's ids of a product hold its ASIN, read as a number of base 36.
fn id(asin: &str, kind: u64) -> String {
    (u64::from_str_radix(asin, 36).unwrap_or_default() + kind * KIND).to_string()
}

/// The ASIN in an id of any kind; `None` when it is not one of ours.
pub(super) fn asin(id: &str) -> Option<String> {
    let mut number = id.parse::<u64>().ok()? % KIND;
    let mut text = Vec::new();
    for _ in 0..10 {
        text.push(char::from_digit(u32::try_from(number % 36).ok()?, 36)?.to_ascii_uppercase());
        number /= 36;
    }
    (number == 0).then(|| text.into_iter().rev().collect())
}

/// The ids under which results name a product.
fn ids(asin: &str) -> [(&'static str, String); 3] {
    [("product_id", id(asin, 1)), ("data_docid", id(asin, 2)), ("gid", id(asin, 3))]
}

/// Where a click on an advertisement leads.
fn click(asin: &str) -> String {
    format!("DChcSE{asin}&sig")
}

fn with_ids(mut item: Value, asin: &str) -> Value {
    ids(asin).into_iter().for_each(|(name, id)| item[name] = json!(id));
    item
}

fn page<'a>(task: &Task, subject: &'a str, kind: &'a str) -> Map<String, Value> {
    let url = format!("https://www.google.com/search?q={}&udm=28", task.subject.replace(' ', "+"));
    results::page(task, Page { subject, kind, domain: "google.com", url }, 0)
}

/// The result of a `products` task; without results its items are null.
pub(super) fn products(task: &Task, products: &[Product]) -> Value {
    let found = search::found(products, &task.subject, task.marketplace, &task.data());
    let mut result = page(task, "keyword", "products");
    result.insert("spell".to_owned(), Value::Null);
    let mut items: Vec<Value> = found.iter().map(|found| entry(task, found)).collect();
    if let Some(first) = found.first().filter(|_| found.len() > 1) {
        let asin = &first.product.asin;
        let title = &first.product.title;
        items.insert(
            0,
            json!({"type": "google_shopping_paid", "position": "left", "domain": "shop.example", "title": title, "description": null, "url": "https://shop.example/", "shop_ad_aclk": click(asin)}),
        );
        let offered = || {
            json!({
                "xpath": null, "title": title, "tags": null, "seller": first.lowest.map(|offer| &offer.seller),
                "price": first.price().map(money), "currency": task.marketplace.currency,
                "product_rating": results::rating(asin), "product_images": [results::image(asin)],
                "delivery_info": null, "special_offer_info": null,
            })
        };
        let mut sponsored = offered();
        sponsored["type"] = json!("google_shopping_sponsored_carousel_element");
        sponsored["shop_ad_aclk"] = json!(click(asin));
        let mut other = with_ids(offered(), asin);
        other["type"] = json!("google_shopping_carousel_element");
        other["shopping_url"] = Value::Null;
        other["snippet"] = Value::Null;
        items.push(json!({"type": "google_shopping_sponsored_carousel", "position": "left", "title": "Sponsored", "items": [sponsored]}));
        items.push(
            json!({"type": "google_shopping_carousel", "position": "left", "title": "More like this", "items": [other]}),
        );
        items.push(
            json!({"type": "related_searches", "position": "left", "items": [format!("{} large", task.subject)]}),
        );
    }
    ranked(&mut items);
    let types = [
        "google_shopping_paid",
        "google_shopping_serp",
        "google_shopping_sponsored_carousel",
        "google_shopping_carousel",
        "related_searches",
    ];
    results::finish(result, items, &types)
}

fn entry(task: &Task, found: &search::Found) -> Value {
    let asin = &found.product.asin;
    let shops = found.product.offers.iter().filter(|offer| offer.marketplace == task.marketplace.id).count();
    let item = json!({
        "type": "google_shopping_serp",
        "position": "left",
        "xpath": "/html[1]/body[1]/div[1]",
        "domain": null,
        "title": found.product.title,
        "description": null,
        "url": null,
        "shopping_url": format!("https://www.google.com/shopping/product/{}", id(asin, 1)),
        "tags": null,
        "price": found.price().map(money),
        "price_multiplier": 1,
        "old_price": null,
        "currency": found.price().map(|_| task.marketplace.currency),
        "seller": found.lowest.map(|offer| &offer.seller),
        "additional_specifications": {"eto": format!("{}_0", id(asin, 3))},
        "reviews_count": 301,
        "is_best_match": false,
        "product_rating": results::rating(asin),
        "shop_rating": null,
        "product_images": [results::image(asin)],
        "shop_ad_aclk": null,
        "delivery_info": results::delivery(task, found.lowest.is_some()),
        "stores_count_info": {"count": shops, "displayed_text": format!("{shops}+"), "count_from_text": true},
        "snippet": null,
    });
    with_ids(item, asin)
}

fn offers<'a>(task: &Task, product: Option<&'a Product>) -> Vec<&'a Offer> {
    let here = |offer: &&Offer| offer.marketplace == task.marketplace.id && offer.in_stock && offer.price.is_some();
    product.map(|product| product.offers.iter().filter(here).collect()).unwrap_or_default()
}

/// The result of a `sellers` task; without shops its items are null.
pub(super) fn sellers(task: &Task, product: Option<&Product>) -> Value {
    let mut result = page(task, "product_id", "sellers");
    result.insert("product_id".to_owned(), json!(id(&task.subject, 1)));
    result.insert("title".to_owned(), json!(product.map(|product| &product.title)));
    result.insert("url".to_owned(), Value::Null);
    result.insert("image_url".to_owned(), json!(product.map(|product| results::image(&product.asin))));
    result.insert("rating".to_owned(), score(&task.subject));
    let data = task.data();
    let depth = data.get("depth").and_then(Value::as_u64).unwrap_or(10);
    let depth = usize::try_from(depth).unwrap_or(usize::MAX);
    let mut items: Vec<Value> = offers(task, product).into_iter().take(depth).map(|offer| shop(task, offer)).collect();
    let at_google = data.get("get_shops_on_google").and_then(Value::as_bool) == Some(true);
    if let Some(mut first) = items.first().cloned().filter(|_| at_google) {
        if let Some(fields) = first.as_object_mut() {
            let of_shops = [
                "price_multiplier",
                "displayed_payment_breakdown",
                "product_condition",
                "product_annotation",
                "product_availability",
            ];
            fields.retain(|name, _| !of_shops.contains(&name.as_str()));
        }
        first["type"] = json!("buy_on_google");
        first["rating"] = score(&task.subject);
        items.push(first);
    }
    ranked(&mut items);
    results::finish(result, items, &["shops_list", "buy_on_google"])
}

fn score(asin: &str) -> Value {
    results::rating(asin)
        .map_or(Value::Null, |_| json!({"rating_type": "Max5", "value": 4.4, "votes_count": 301, "rating_max": 5}))
}

fn shop(task: &Task, offer: &Offer) -> Value {
    let price = offer.price.unwrap_or_default();
    json!({
        "type": "shops_list",
        "position": "left",
        "xpath": "/html[1]/body[1]/div[2]",
        "domain": format!("{}.example", offer.seller_id.to_lowercase()),
        "title": offer.seller,
        "url": format!("https://{}.example/{}", offer.seller_id.to_lowercase(), task.subject),
        "details": null,
        "base_price": money(price),
        "tax": 0,
        "shipping_price": 0,
        "total_price": money(price),
        "currency": offer.currency.as_deref().unwrap_or(task.marketplace.currency),
        "seller_name": offer.seller,
        "shop_ad_aclk": click(&task.subject),
        "price_multiplier": 1,
        "displayed_payment_breakdown": null,
        "rating": results::rating(&offer.seller_id),
        "product_condition": offer.condition,
        "product_annotation": null,
        "product_availability": "In stock",
    })
}

/// The result of a `product_info` task; an unknown product's items are null.
pub(super) fn info(task: &Task, product: Option<&Product>, products: &[Product]) -> Value {
    let mut result = page(task, "product_id", "product_info");
    result.insert("product_id".to_owned(), json!(id(&task.subject, 1)));
    let mut items: Vec<Value> = product.map(|product| about(task, product, products)).into_iter().collect();
    ranked(&mut items);
    results::finish(result, items, &["product_info_element"])
}

fn about(task: &Task, product: &Product, products: &[Product]) -> Value {
    let offers = offers(task, Some(product));
    let sellers = offers.iter().map(|offer| {
        let currency = offer.currency.as_deref().unwrap_or(task.marketplace.currency);
        let price = results::price(task, offer.price.unwrap_or_default(), currency);
        json!({
            "type": "product_seller", "title": offer.seller, "url": null, "seller_rating": results::rating(&offer.seller_id),
            "seller_review_count": 120, "price": price, "delivery_info": results::delivery(task, true), "product_availability": null,
        })
    });
    let variations = results::family(product, products).into_iter().flatten().map(|asin| {
        let title = products.iter().find(|other| other.asin == *asin).map(|other| &other.title);
        let item = json!({"type": "product_variation", "title": title, "url": null, "pvf": null, "variation_category": "Size"});
        with_ids(item, asin)
    });
    let item = json!({
        "type": "product_info_element",
        "position": "left",
        "title": product.title,
        "description": null,
        "url": null,
        "images": [results::image(&product.asin)],
        "features": ["Made to last."],
        "rating": results::rating(&product.asin),
        "seller_reviews_count": 120,
        "specifications": [{"type": "shopping_specification", "block_name": "Details", "specification_name": "Brand", "specification_value": "Generic"}],
        "sellers": sellers.collect::<Vec<Value>>(),
        "variations": variations.collect::<Vec<Value>>(),
    });
    with_ids(item, &product.asin)
}

/// Turns a click parameter into an address.
pub(super) fn ad_url(world: &mut World, call: &Call, aclk: &str) -> Reply {
    let id = super::tasks::task_id(today(), &mut world.rng);
    let mut data = Map::new();
    for (key, value) in [("api", "merchant"), ("function", "ad_url"), ("se", "google"), ("shop_ad_aclk", aclk)] {
        data.insert(key.to_owned(), json!(value));
    }
    let asin = aclk.strip_prefix("DChcSE").and_then(|rest| rest.strip_suffix("&sig"));
    let row = asin.map(|asin| {
        let url = format!("https://shop.example/{asin}?utm_source=google");
        json!({"ad_aclk": aclk, "ad_url": url, "ad_url_redirects": [format!("https://www.google.com/aclk?sa=L&ai={aclk}"), url]})
    });
    let answer = match row {
        Some(row) => TaskAnswer { cost: Decimal::ZERO, ..TaskAnswer::rows(id, data, vec![row]) },
        None => TaskAnswer::new(id, 40102, data),
    };
    envelope(call, "GoogleSellersAdUrl", &[answer])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_any_kind_leads_back_to_its_product() {
        for (_, id) in ids("B0756FCPPN").into_iter().chain(ids("0000000001")).chain(ids("ZZZZZZZZZZ")) {
            let asin = asin(&id).unwrap();
            assert!(["B0756FCPPN", "0000000001", "ZZZZZZZZZZ"].contains(&asin.as_str()), "{id}");
        }
        assert_eq!(asin("9999999999999999"), None);
        assert_eq!(asin("words"), None);
    }
}
