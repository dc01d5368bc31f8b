//! What the pages show: the results of `asin` and `sellers` tasks, in the vendor's shapes.
//!
//! Keys that recorded answers leave out or fill with null, and types that vary between them, vary here from ASIN to ASIN.

use jiff::SignedDuration;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::tasks::Task;
use crate::clock::spaced;
use crate::market::{Offer, Product};

/// A number that is the same for an ASIN in every run.
fn variety(asin: &str) -> u32 {
    asin.bytes().fold(17, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

fn offers<'a>(task: &Task, product: Option<&'a Product>) -> Vec<&'a Offer> {
    // A child that only its family's page names has no offers of its own.
    let own = product.filter(|product| product.asin == task.asin);
    let here = |offer: &&Offer| offer.marketplace == task.marketplace.id;
    own.map(|product| product.offers.iter().filter(here).collect()).unwrap_or_default()
}

/// The part that both results share.
fn page(task: &Task, kind: &str, url: String, oldest_minutes: u32) -> Map<String, Value> {
    let read = task.done.saturating_sub(SignedDuration::from_mins(i64::from(oldest_minutes)));
    let echoed = |name: &str| task.data.get(name).cloned();
    let entries = [
        ("asin", json!(task.asin)),
        ("type", json!(kind)),
        ("se_domain", json!(task.marketplace.domain)),
        ("location_code", echoed("location_code").unwrap_or_else(|| json!(task.marketplace.location_code))),
        ("language_code", echoed("language_code").unwrap_or_else(|| json!(task.marketplace.language))),
        ("check_url", json!(url)),
        ("datetime", json!(spaced(read.expect("a duration never fails to be subtracted")))),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The result of a `sellers` task; without offers its items are null.
pub(super) fn sellers(task: &Task, product: Option<&Product>) -> Value {
    let mut offers = offers(task, product);
    offers.sort_by_key(|offer| !offer.buy_box);
    let oldest = offers.iter().map(|offer| offer.age_minutes).max().unwrap_or_default();
    let url = format!("https://www.{}/gp/offer-listing/{}", task.marketplace.domain, task.asin);
    let mut result = page(task, "sellers", url, oldest);
    result.insert("title".to_owned(), json!(product.map(|product| &product.title)));
    result.insert("image".to_owned(), json!(product.map(|product| image(&product.asin))));
    let items: Vec<Value> = (1..).zip(&offers).map(|(rank, offer)| seller(task, rank, offer)).collect();
    finish(result, items, &["amazon_seller_main_item", "amazon_seller_item"])
}

fn finish(mut result: Map<String, Value>, items: Vec<Value>, types: &[&str]) -> Value {
    let present: Vec<&&str> = types.iter().filter(|kind| items.iter().any(|item| item["type"] == ***kind)).collect();
    result.insert("item_types".to_owned(), json!(present));
    result.insert("items_count".to_owned(), json!(items.len()));
    result.insert("items".to_owned(), if items.is_empty() { Value::Null } else { Value::Array(items) });
    Value::Object(result)
}

fn seller(task: &Task, rank: usize, offer: &Offer) -> Value {
    let domain = task.marketplace.domain;
    let kind = if offer.buy_box { "amazon_seller_main_item" } else { "amazon_seller_item" };
    let shown = offer.price.filter(|_| offer.in_stock);
    let currency = offer.currency.as_deref().unwrap_or(task.marketplace.currency);
    let price = shown.map(|price| {
        json!({
            "current": money(price),
            "regular": null,
            "max_value": null,
            "currency": currency,
            "is_price_range": false,
            "displayed_price": task.marketplace.displayed(price, currency),
        })
    });
    let delivery = offer.in_stock.then(|| {
        json!({
            "delivery_message": "FREE delivery",
            "delivery_price": null,
            "delivery_date_from": spaced(task.done.saturating_add(SignedDuration::from_hours(48)).expect("a duration never fails to be added")),
            "delivery_date_to": spaced(task.done.saturating_add(SignedDuration::from_hours(96)).expect("a duration never fails to be added")),
            "fastest_delivery_date_from": null,
            "fastest_delivery_date_to": null,
        })
    });
    let rated = !variety(&offer.seller_id).is_multiple_of(3);
    let rating = rated.then(|| {
        let value = 3.5 + f64::from(variety(&offer.seller_id) % 15) / 10.0;
        json!({"type": "rating_element", "rating_type": "Max5", "value": value, "votes_count": 120, "rating_max": 5})
    });
    json!({
        "type": kind,
        "rank_group": if offer.buy_box { 1 } else { rank },
        "rank_absolute": rank,
        "position": "left",
        "xpath": format!("/html[1]/body[1]/div[1]/div[{rank}]"),
        "seller_name": offer.seller,
        "seller_url": format!("https://www.{domain}/gp/aag/main?ie=UTF8&seller={}&isAmazonFulfilled=0&asin={}", offer.seller_id, task.asin),
        "ships_from": offer.seller,
        "price": price,
        "percentage_discount": null,
        "applicable_vouchers": null,
        "rating": rating,
        "condition": offer.condition,
        "condition_description": null,
        "delivery_info": delivery,
    })
}

/// The result of an `asin` task; an unknown article's items are null.
pub(super) fn asin(task: &Task, product: Option<&Product>, products: &[Product]) -> Value {
    let offers = offers(task, product);
    let oldest = offers.iter().map(|offer| offer.age_minutes).max().unwrap_or_default();
    let url = format!("https://www.{}/dp/{}", task.marketplace.domain, task.asin);
    let result = page(task, "asin", url, oldest);
    let items = product.map(|product| info(task, product, &offers, products)).into_iter().collect();
    finish(result, items, &["amazon_product_info"])
}

fn info(task: &Task, product: &Product, offers: &[&Offer], products: &[Product]) -> Value {
    let number = variety(&task.asin);
    let parent = product.parent.as_ref().and_then(|parent| products.iter().find(|other| &other.asin == parent));
    let family = [Some(product), parent]
        .into_iter()
        .flatten()
        .map(|product| &product.variants)
        .find(|family| !family.is_empty());
    let open: Vec<&&Offer> = offers.iter().filter(|offer| offer.in_stock && offer.price.is_some()).collect();
    // The lowest offer of any condition: not the price of a new piece.
    let lowest = open.iter().min_by_key(|offer| offer.price);
    let price_from = lowest.and_then(|offer| offer.price);
    let currency = lowest.map(|offer| offer.currency.as_deref().unwrap_or(task.marketplace.currency));
    let discount = match number % 3 {
        0 => json!("10"),
        1 => json!("25"),
        _ => Value::Null,
    };
    let rating = (!number.is_multiple_of(4)).then(|| {
        json!({"type": "rating_element", "position": "left", "rating_type": "Max5", "value": 4.4, "votes_count": 301, "rating_max": 5})
    });
    let mut info = json!({
        "type": "amazon_product_info",
        "rank_group": 1,
        "rank_absolute": 1,
        "position": "right",
        "xpath": "/html[1]/body[1]/div[1]/div[1]",
        "title": product.title,
        "details": null,
        "image_url": image(&task.asin),
        "author": "Generic",
        "data_asin": task.asin,
        "parent_asin": product.parent,
        "product_asins": family,
        "price_from": price_from.map(money),
        "price_to": null,
        "percentage_discount": discount,
        "currency": currency,
        "is_amazon_choice": false,
        "rating": rating,
        "is_newer_model_available": false,
        "is_prime_video": false,
        "applicable_vouchers": null,
        "newer_model": null,
        "categories": [{"category": "Home", "url": format!("https://www.{}/home", task.marketplace.domain)}],
        "product_information": [
            {"type": "product_information_details_item", "body": {"Best Sellers Rank": format!("{} in Home", 1000 + number % 9000)}},
            {"type": "product_information_text_item", "text": "Made to last."},
        ],
        "description": null,
        "is_available": !open.is_empty(),
    });
    if number.is_multiple_of(2) {
        info["product_images_list"] = json!([image(&task.asin)]);
        info["product_videos_list"] = Value::Null;
        info["top_local_reviews"] = Value::Null;
        info["top_global_reviews"] = Value::Null;
    }
    info
}

fn image(asin: &str) -> String {
    format!("https://m.media-amazon.com/images/I/{asin}.jpg")
}

/// Whole prices come as integers, as vendors' encoders write them.
fn money(price: Decimal) -> Value {
    match price.to_i64().filter(|_| price.fract().is_zero()) {
        Some(whole) => json!(whole),
        None => json!(price.to_f64()),
    }
}
