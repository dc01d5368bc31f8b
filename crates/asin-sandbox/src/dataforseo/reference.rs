//! Places, languages, and the account's money.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tasks::{Function, task_id};
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

pub(super) fn locations(world: &mut World, call: &Call, country: Option<&str>) -> Reply {
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
    let operation = if country.is_some() { "AmazonLocationsCountry" } else { "AmazonLocations" };
    rows(world, call, operation, places.collect())
}

pub(super) fn languages(world: &mut World, call: &Call) -> Reply {
    let names: BTreeMap<&str, String> =
        MARKETPLACES.iter().map(|marketplace| (marketplace.language, marketplace.language_name())).collect();
    let languages = names.into_iter().map(|(code, name)| json!({"language_name": name, "language_code": code}));
    rows(world, call, "AmazonLanguages", languages.collect())
}

pub(super) fn user_data(world: &mut World, call: &Call) -> Reply {
    let price = |function: Function| {
        let cost = |times: i64| json!([{"cost_type": "per_request", "cost": dollars(function.price() * rust_decimal::Decimal::from(times))}]);
        json!({"task_post": {"priority_low": null, "priority_normal": cost(1), "priority_high": cost(2)}})
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
        "price": {"merchant": {"amazon": {"asin": price(Function::Asin), "sellers": price(Function::Sellers)}}},
    });
    rows(world, call, "UserData", vec![user])
}
