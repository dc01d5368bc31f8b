//! `task_post`: each task of the array is judged, billed and queued by itself.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::tasks::{Function, Order, echo, task_id};
use super::{TaskAnswer, envelope, posted, refusal};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::marketplace::Marketplace;
use crate::world::World;

/// The most tasks of one POST; each one past them is refused by itself.
const TASKS: usize = 100;

const FIELDS: [&str; 12] = [
    "asin",
    "priority",
    "location_name",
    "location_code",
    "location_coordinate",
    "language_name",
    "language_code",
    "se_domain",
    "tag",
    "postback_url",
    "postback_data",
    "pingback_url",
];

pub(super) fn post(world: &mut World, call: &Call, function: Function) -> Reply {
    let operation = if function == Function::Asin { "AmazonAsinTaskPost" } else { "AmazonSellersTaskPost" };
    if world.ledger.balance_usd <= Decimal::ZERO {
        return refusal(http::StatusCode::PAYMENT_REQUIRED, 40200).operation(operation);
    }
    let entries = match posted(call) {
        Ok(entries) => entries,
        Err(refusal) => return refusal.operation(operation),
    };
    let mut answers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        answers.push(one(world, function, index, entry));
    }
    let created: Vec<&str> = answers
        .iter()
        .filter(|answer| answer.code == 20100)
        .map(|answer| answer.data.get("tag").and_then(Value::as_str).unwrap_or(""))
        .collect();
    let did = format!("{} tasks created, tags {created:?}", created.len());
    if !created.is_empty() {
        world.tasks.neighbour(&world.products, &world.clock, &mut world.rng);
    }
    envelope(call, operation, &answers).did(did)
}

fn one(world: &mut World, function: Function, index: usize, entry: &Map<String, Value>) -> TaskAnswer {
    let data = echo(function, entry);
    let refused_id = task_id(today(), &mut world.rng);
    if index >= TASKS {
        return TaskAnswer::new(refused_id, 40006, data);
    }
    if entry.keys().any(|key| !FIELDS.contains(&key.as_str())) {
        return TaskAnswer::new(refused_id, 40506, data);
    }
    let (asin, marketplace) = match understood(entry) {
        Ok(understood) => understood,
        Err(field) => return TaskAnswer::invalid_field(refused_id, field, data),
    };
    let urgent = entry.get("priority").and_then(Value::as_u64) == Some(2);
    let cost = function.price() * Decimal::from(if urgent { 2 } else { 1 });
    if world.ledger.balance_usd < cost {
        return TaskAnswer::new(refused_id, 40210, data);
    }
    let now = world.clock.now();
    if let Err(code) = world.tasks.count_equal(&data, now) {
        return TaskAnswer::new(refused_id, code, data);
    }
    let tag = entry.get("tag").and_then(Value::as_str).unwrap_or_default();
    world.ledger.bill(tag, cost);
    let order = Order { function, asin, marketplace, data: data.clone(), cost, urgent, foreign: false };
    let id = world.tasks.add(order, &world.clock, &mut world.rng);
    TaskAnswer { cost, ..TaskAnswer::new(id, 20100, data) }
}

/// The article and the store that a task means, or the field that is wrong.
fn understood(entry: &Map<String, Value>) -> Result<(String, &'static Marketplace), &'static str> {
    let text = |name: &'static str| match entry.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
        Some(_) => Err(name),
    };
    let asin = text("asin")?.ok_or("asin")?;
    if entry.get("priority").is_some_and(|priority| !matches!(priority.as_u64(), Some(1 | 2))) {
        return Err("priority");
    }
    if text("tag")?.is_some_and(|tag| tag.chars().count() > 255) {
        return Err("tag");
    }
    match (text("postback_url")?, text("postback_data")?) {
        (Some(_), Some("advanced" | "html")) | (None, None) => {}
        _ => return Err("postback_data"),
    }
    text("pingback_url")?;
    match (text("language_code")?, text("language_name")?) {
        (Some(code), None) if Marketplace::speaks_code(code) => {}
        (None, Some(name)) if Marketplace::speaks_name(name) => {}
        (None, Some(_)) => return Err("language_name"),
        _ => return Err("language_code"),
    }
    let domain = match text("se_domain")? {
        None => None,
        Some(domain) => Some(Marketplace::on_domain(domain).ok_or("se_domain")?),
    };
    let place = match (entry.get("location_code"), text("location_name")?, text("location_coordinate")?) {
        (Some(code), None, None) => code.as_u64().and_then(Marketplace::at_location).ok_or("location_code")?,
        (None, Some(name), None) => Marketplace::in_location(name).ok_or("location_name")?,
        // No gazetteer here: a coordinate takes its store from the domain, or else is in the United States.
        (None, None, Some(coordinate)) if is_coordinate(coordinate) => {
            domain.or_else(|| Marketplace::of("ATVPDKIKX0DER")).ok_or("location_coordinate")?
        }
        (None, None, Some(_)) => return Err("location_coordinate"),
        _ => return Err("location_code"),
    };
    Ok((asin.to_owned(), domain.unwrap_or(place)))
}

/// `latitude,longitude,radius` with at most seven decimals and a radius of at least 199.9.
fn is_coordinate(text: &str) -> bool {
    let parts: Vec<&str> = text.split(',').collect();
    let [latitude, longitude, radius] = parts.as_slice() else { return false };
    let decimals = |part: &str| part.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let within =
        |part: &str, most: f64| part.parse::<f64>().is_ok_and(|value| value.abs() <= most) && decimals(part) <= 7;
    within(latitude, 90.0) && within(longitude, 180.0) && radius.parse::<f64>().is_ok_and(|radius| radius >= 199.9)
}
