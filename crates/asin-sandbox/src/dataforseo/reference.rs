//! Places, languages, and the account's money.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::function::{Function, Step};
use super::tasks::task_id;
use super::{TaskAnswer, dollars, envelope};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::marketplace::MARKETPLACES;
use crate::world::{LOGIN, World};

fn rows(world: &mut World, call: &Call, operation: &'static str, rows: Vec<Value>) -> Reply {
    let id = task_id(today(), &mut world.rng);
    let data: Map<String, Value> =
        [("api", "merchant")].map(|(key, value)| (key.to_owned(), json!(value))).into_iter().collect();
    envelope(call, operation, &[TaskAnswer::rows(id, data, rows)])
}

pub(super) fn locations(world: &mut World, call: &Call, engine: &str, country: Option<&str>) -> Reply {
    let asked = MARKETPLACES
        .iter()
        .filter(|marketplace| country.is_none_or(|country| marketplace.country_code.eq_ignore_ascii_case(country)));
    let places = asked.map(|marketplace| {
        json!({
            "location_code": marketplace.location_code,
            "location_name": marketplace.country,
            "location_name_parent": null,
            "country_iso_code": marketplace.country_code,
            "location_type": "Country",
        })
    });
    let operation = match (engine, country) {
        ("amazon", None) => "AmazonLocations",
        ("amazon", Some(_)) => "AmazonLocationsCountry",
        (_, None) => "MerchantGoogleLocations",
        (_, Some(_)) => "MerchantGoogleLocationsCountry",
    };
    rows(world, call, operation, places.collect())
}

/// Amazon's languages belong to a country, Google's do not.
pub(super) fn languages(world: &mut World, call: &Call, engine: &str) -> Reply {
    let bare = |text: &str, by: &str| text.split(by).next().unwrap_or_default().to_owned();
    let names: BTreeMap<String, String> = MARKETPLACES
        .iter()
        .map(|marketplace| {
            let (code, name) = (marketplace.language, marketplace.language_name());
            if engine == "amazon" { (code.to_owned(), name) } else { (bare(code, "_"), bare(&name, " (")) }
        })
        .collect();
    let languages = names.into_iter().map(|(code, name)| json!({"language_name": name, "language_code": code}));
    let operation = if engine == "amazon" { "AmazonLanguages" } else { "MerchantGoogleLanguages" };
    rows(world, call, operation, languages.collect())
}

/// Every code that an answer can hold, with the words to it.
pub(super) fn errors(world: &mut World, call: &Call) -> Reply {
    let codes = super::codes::all().map(|(code, message)| json!({"code": code, "message": message}));
    rows(world, call, "Errors", codes.collect())
}

pub(super) fn status(world: &mut World, call: &Call) -> Reply {
    let endpoints = Function::ALL.map(|function| json!({"endpoint": function.path(), "status": "ok"}));
    rows(world, call, "AppendixStatus", vec![json!({"api": "merchant", "status": "ok", "endpoints": endpoints})])
}

pub(super) fn user_data(world: &mut World, call: &Call) -> Reply {
    let price = |function: Function| {
        let cost = |times: i64| json!([{"cost_type": "per_request", "cost": dollars(function.price() * rust_decimal::Decimal::from(times))}]);
        let free = || json!({"priority_low": null, "priority_normal": [{"cost_type": "per_request", "cost": 0}], "priority_high": null});
        let mut price = json!({
            "task_post": {"priority_low": null, "priority_normal": cost(1), "priority_high": cost(2)},
            "tasks_ready": free(),
            "task_get": {"advanced": free()},
        });
        if function.operation(Step::Html).is_some() {
            price["task_get"]["html"] = free();
        }
        price
    };
    let ledger = &world.ledger;
    let user = json!({
        "login": LOGIN,
        "timezone": "UTC",
        "rates": {"limits": {"minute": {"total": 2000}}},
        "money": {
            "total": dollars(ledger.balance_usd + ledger.charged_usd),
            "balance": dollars(ledger.balance_usd),
            "limits": {"day": {"total": 0}},
            "statistics": {"day": {"value": today().strftime("%Y-%m-%d").to_string(), "total": dollars(ledger.charged_usd)}},
        },
        "price": {"merchant": {
            "amazon": {
                "asin": price(Function::Asin),
                "products": price(Function::Products),
                "sellers": price(Function::Sellers),
            },
            "google": {
                "products": price(Function::GoogleProducts),
                "product_info": price(Function::GoogleProductInfo),
                "sellers": price(Function::GoogleSellers),
            },
        }},
        "backlinks_subscription_expiry_date": null,
        "llm_mentions_subscription_expiry_date": null,
    });
    rows(world, call, "UserData", vec![user])
}
