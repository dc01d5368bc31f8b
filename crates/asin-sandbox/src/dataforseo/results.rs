//! What the pages show: the results of `asin` and `sellers` tasks, in the vendor's shapes, and what all results share.
//!
//! Keys that recorded answers leave out or fill with null, and types that vary between them, vary here from ASIN to ASIN.

use jiff::SignedDuration;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::function::Function;
use super::tasks::Task;
use super::{google, search};
use crate::clock::spaced;
use crate::market::{Offer, Product};
use crate::world::World;

/// A number that is the same for an ASIN in every run.
pub(super) fn variety(asin: &str) -> u32 {
    asin.bytes().fold(17, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

fn offers<'a>(task: &Task, product: Option<&'a Product>) -> Vec<&'a Offer> {
    // A child that only its family's page names has no offers of its own.
    let own = product.filter(|product| product.asin == task.subject);
    let here = |offer: &&Offer| offer.marketplace == task.marketplace.id;
    own.map(|product| product.offers.iter().filter(here).collect()).unwrap_or_default()
}

/// What a result says about itself.
pub(super) struct Page<'a> {
    /// The field with what was asked for.
    pub(super) subject: &'a str,
    pub(super) kind: &'a str,
    pub(super) domain: &'a str,
    pub(super) url: String,
}

/// The part that all results share.
pub(super) fn page(task: &Task, page: Page, oldest_minutes: u32) -> Map<String, Value> {
    let read = task.done.saturating_sub(SignedDuration::from_mins(i64::from(oldest_minutes)));
    let data = task.data();
    let echoed = |name: &str| data.get(name).cloned();
    let entries = [
        (page.subject, json!(task.subject)),
        ("type", json!(page.kind)),
        ("se_domain", json!(page.domain)),
        ("location_code", echoed("location_code").unwrap_or_else(|| json!(task.marketplace.location_code))),
        ("language_code", echoed("language_code").unwrap_or_else(|| json!(task.marketplace.language))),
        ("check_url", json!(page.url)),
        ("datetime", json!(spaced(read.expect("a duration never fails to be subtracted")))),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The result of a finished task.
pub(super) fn result(world: &World, task: &Task) -> Value {
    let products = &world.products;
    let product = world
        .product(&task.subject)
        .or_else(|| products.iter().find(|product| product.variants.contains(&task.subject)));
    match task.function {
        Function::Asin => asin(task, product, products),
        Function::Sellers => sellers(task, product),
        Function::Products => search::products(task, products),
        Function::GoogleProducts => google::products(task, products),
        Function::GoogleSellers => google::sellers(task, product),
        Function::GoogleProductInfo => google::info(task, product, products),
    }
}

/// The pages of a finished task as they came; without anything to show its items are null.
pub(super) fn pages(world: &World, task: &Task) -> Value {
    let Value::Object(result) = result(world, task) else { return Value::Null };
    let title =
        result["items"][0]["title"].as_str().or(result.get("title").and_then(Value::as_str)).unwrap_or(&task.subject);
    let html = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
    let page = json!([{"page": 1, "date": result["datetime"], "html": html}]);
    let items = if result["items"].is_null() { Value::Null } else { page };
    let kept = ["asin", "keyword", "type", "se_domain", "location_code", "language_code", "datetime"];
    let mut pages: Map<String, Value> = result.into_iter().filter(|(key, _)| kept.contains(&key.as_str())).collect();
    pages.insert("items_count".to_owned(), json!(items.as_array().map_or(0, Vec::len)));
    pages.insert("items".to_owned(), items);
    Value::Object(pages)
}

/// Gives items their places: among those of their type, and among all.
pub(super) fn ranked(items: &mut [Value]) {
    let mut of_type = std::collections::BTreeMap::<String, usize>::new();
    for (place, item) in (1..).zip(items) {
        let group = of_type.entry(item["type"].as_str().unwrap_or_default().to_owned()).or_default();
        *group += 1;
        item["rank_group"] = json!(*group);
        item["rank_absolute"] = json!(place);
    }
}

/// A rating; some have none.
pub(super) fn rating(of: &str) -> Option<Value> {
    (!variety(of).is_multiple_of(4)).then(|| {
        json!({"type": "rating_element", "position": "left", "rating_type": "Max5", "value": 4.4, "votes_count": 301, "rating_max": 5})
    })
}

/// All variants of a product's family, as its page or its parent's lists them.
pub(super) fn family<'a>(product: &'a Product, products: &'a [Product]) -> Option<&'a Vec<String>> {
    let parent = product.parent.as_ref().and_then(|parent| products.iter().find(|other| &other.asin == parent));
    [Some(product), parent].into_iter().flatten().map(|product| &product.variants).find(|family| !family.is_empty())
}

/// The result of a `sellers` task; without offers its items are null.
fn sellers(task: &Task, product: Option<&Product>) -> Value {
    let mut offers = offers(task, product);
    offers.sort_by_key(|offer| !offer.buy_box);
    let oldest = offers.iter().map(|offer| offer.age_minutes).max().unwrap_or_default();
    let domain = task.marketplace.domain;
    let url = format!("https://www.{domain}/gp/offer-listing/{}", task.subject);
    let mut result = page(task, Page { subject: "asin", kind: "sellers", domain, url }, oldest);
    result.insert("title".to_owned(), json!(product.map(|product| &product.title)));
    result.insert("image".to_owned(), json!(product.map(|product| image(&product.asin))));
    let items: Vec<Value> = (1..).zip(&offers).map(|(rank, offer)| seller(task, rank, offer)).collect();
    finish(result, items, &["amazon_seller_main_item", "amazon_seller_item"])
}

pub(super) fn finish(mut result: Map<String, Value>, items: Vec<Value>, types: &[&str]) -> Value {
    let present: Vec<&&str> = types.iter().filter(|kind| items.iter().any(|item| item["type"] == ***kind)).collect();
    result.insert("item_types".to_owned(), json!(present));
    result.insert("items_count".to_owned(), json!(items.len()));
    result.insert("items".to_owned(), if items.is_empty() { Value::Null } else { Value::Array(items) });
    Value::Object(result)
}

/// A price as pages show it.
pub(super) fn price(task: &Task, price: Decimal, currency: &str) -> Value {
    json!({
        "current": money(price),
        "regular": null,
        "max_value": null,
        "currency": currency,
        "is_price_range": false,
        "displayed_price": task.marketplace.displayed(price, currency),
    })
}

/// When something is delivered; `None` when it cannot be had.
pub(super) fn delivery(task: &Task, in_stock: bool) -> Option<Value> {
    let after = |hours: i64| {
        spaced(task.done.saturating_add(SignedDuration::from_hours(hours)).expect("a duration never fails to be added"))
    };
    in_stock.then(|| {
        json!({
            "delivery_message": "FREE delivery",
            "delivery_price": null,
            "delivery_date_from": after(48),
            "delivery_date_to": after(96),
            "fastest_delivery_date_from": null,
            "fastest_delivery_date_to": null,
        })
    })
}

fn seller(task: &Task, rank: usize, offer: &Offer) -> Value {
    let domain = task.marketplace.domain;
    let kind = if offer.buy_box { "amazon_seller_main_item" } else { "amazon_seller_item" };
    let shown = offer.price.filter(|_| offer.in_stock);
    let currency = offer.currency.as_deref().unwrap_or(task.marketplace.currency);
    let price = shown.map(|price| self::price(task, price, currency));
    let delivery = delivery(task, offer.in_stock);
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
        "seller_url": format!("https://www.{domain}/gp/aag/main?ie=UTF8&seller={}&isAmazonFulfilled=0&asin={}", offer.seller_id, task.subject),
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
fn asin(task: &Task, product: Option<&Product>, products: &[Product]) -> Value {
    let offers = offers(task, product);
    let oldest = offers.iter().map(|offer| offer.age_minutes).max().unwrap_or_default();
    let domain = task.marketplace.domain;
    let url = format!("https://www.{domain}/dp/{}", task.subject);
    let result = page(task, Page { subject: "asin", kind: "asin", domain, url }, oldest);
    let items = product.map(|product| info(task, product, &offers, products)).into_iter().collect();
    finish(result, items, &["amazon_product_info"])
}

fn info(task: &Task, product: &Product, offers: &[&Offer], products: &[Product]) -> Value {
    let number = variety(&task.subject);
    let family = family(product, products);
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
    let mut info = json!({
        "type": "amazon_product_info",
        "rank_group": 1,
        "rank_absolute": 1,
        "position": "right",
        "xpath": "/html[1]/body[1]/div[1]/div[1]",
        "title": product.title,
        "details": null,
        "image_url": image(&task.subject),
        "author": "Generic",
        "data_asin": task.subject,
        "parent_asin": product.parent,
        "product_asins": family,
        "price_from": price_from.map(money),
        "price_to": null,
        "percentage_discount": discount,
        "currency": currency,
        "is_amazon_choice": false,
        "rating": rating(&task.subject),
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
        info["product_images_list"] = json!([image(&task.subject)]);
        info["product_videos_list"] = Value::Null;
        info["top_local_reviews"] = Value::Null;
        info["top_global_reviews"] = Value::Null;
    }
    info
}

pub(super) fn image(asin: &str) -> String {
    format!("https://m.media-amazon.com/images/I/{asin}.jpg")
}

/// Whole prices come as integers, as vendors' encoders write them.
pub(super) fn money(price: Decimal) -> Value {
    match price.to_i64().filter(|_| price.fract().is_zero()) {
        Some(whole) => json!(whole),
        None => json!(price.to_f64()),
    }
}
