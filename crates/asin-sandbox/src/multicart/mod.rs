//! MultiCartAPI: HTTP 200 for everything, and the verdict in `{code, data, status}`.

mod account;
mod bulk;
mod categories;
mod collections;
mod files;
mod items;
mod live;
mod outputs;
mod places;
mod runs;
mod zip;

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};
use crate::clock::minutes_ago;
use crate::market::{Collection, Domain, Item, Market, Output, Postcode};
use crate::world::{API_KEY, World};

/// The user to whom the key belongs, as outputs name it.
const USER: u64 = 42;

/// Domains, postcodes, collections, items, outputs and credits.
#[derive(Debug)]
pub(crate) struct Carts {
    domains: Vec<Domain>,
    places: Vec<Place>,
    collections: Vec<CollectionRow>,
    items: Vec<ItemRow>,
    outputs: Vec<OutputRow>,
    runs: Vec<runs::RunRow>,
    categories: Vec<categories::CategoryRow>,
    credits: account::Balance,
    next_item: u64,
    next_output: u64,
}

/// A postcode, and when it becomes active.
#[derive(Debug)]
struct Place {
    row: Postcode,
    active_at: Option<Duration>,
    created: Timestamp,
}

#[derive(Debug, Clone, Default)]
struct CollectionRow {
    id: u64,
    name: String,
    /// What it was made with; empty for a collection of the market.
    made: Map<String, Value>,
}

#[derive(Debug, Clone)]
struct ItemRow {
    id: u64,
    collection: u64,
    domain: u64,
    postcode: u64,
    asin: String,
    custom_id: Option<String>,
    include_raw_html: bool,
    output: String,
    created: Timestamp,
}

#[derive(Debug)]
struct OutputRow {
    id: u64,
    collection: u64,
    /// The run that has made it; none for an output of the market.
    run: Option<u64>,
    output: Output,
    title: Option<String>,
    scraped: Timestamp,
}

impl Carts {
    pub(crate) fn new(market: &Market) -> Self {
        let place = |row: &Postcode| {
            let waits = matches!(row.status.as_str(), "pending" | "in-progress");
            Place { row: row.clone(), active_at: waits.then_some(places::COOKIE_TIME), created: minutes_ago(60) }
        };
        let mut carts = Self {
            domains: market.domains.clone(),
            places: market.postcodes.iter().map(place).collect(),
            collections: Vec::new(),
            items: Vec::new(),
            outputs: Vec::new(),
            runs: Vec::new(),
            categories: Vec::new(),
            credits: account::Balance::new(market.balances.multicart_credits),
            next_item: 5,
            next_output: 88,
        };
        for collection in &market.collections {
            let row = CollectionRow { id: collection.id, name: collection.name.clone(), ..CollectionRow::default() };
            carts.collections.push(row);
            for item in &collection.items {
                carts.enrol(collection.id, item.domain, item.postcode, &item.asin);
            }
            for output in &collection.outputs {
                let product = market.products.iter().find(|product| product.asin == output.asin);
                carts.outputs.push(OutputRow {
                    id: carts.next_output,
                    collection: collection.id,
                    run: None,
                    output: output.clone(),
                    title: output.title.clone().or_else(|| product.map(|product| product.title.clone())),
                    scraped: minutes_ago(output.age_minutes),
                });
                carts.next_output += 1;
            }
        }
        carts
    }

    fn enrol(&mut self, collection: u64, domain: u64, postcode: u64, asin: &str) -> &mut ItemRow {
        let id = self.next_item;
        self.next_item += 1;
        self.items.push(ItemRow {
            id,
            collection,
            domain,
            postcode,
            asin: asin.to_owned(),
            custom_id: None,
            include_raw_html: false,
            output: "JSON".to_owned(),
            created: crate::clock::today(),
        });
        self.items.last_mut().expect("a row was just added")
    }

    /// Finishes the postcodes and runs whose time has come.
    pub(crate) fn settle(&mut self, now: Duration) {
        for place in &mut self.places {
            if place.active_at.is_some_and(|at| at <= now) {
                place.active_at = None;
                "active".clone_into(&mut place.row.status);
            }
        }
        self.finish_runs(now);
    }

    pub(crate) fn domains(&self) -> Vec<Domain> {
        self.domains.clone()
    }

    pub(crate) fn postcodes(&self) -> Vec<Postcode> {
        self.places.iter().map(|place| place.row.clone()).collect()
    }

    pub(crate) fn collections(&self) -> Vec<Collection> {
        let collection = |row: &CollectionRow| Collection {
            id: row.id,
            name: row.name.clone(),
            items: self
                .items
                .iter()
                .filter(|item| item.collection == row.id)
                .map(|item| Item { asin: item.asin.clone(), domain: item.domain, postcode: item.postcode })
                .collect(),
            outputs: self
                .outputs
                .iter()
                .filter(|output| output.collection == row.id)
                .map(|output| output.output.clone())
                .collect(),
        };
        self.collections.iter().map(collection).collect()
    }

    pub(crate) fn credits(&self) -> u64 {
        self.credits.spendable()
    }

    fn domain(&self, id: u64) -> Option<&Domain> {
        self.domains.iter().find(|domain| domain.id == id)
    }

    fn has_collection(&self, id: u64) -> bool {
        self.collections.iter().any(|collection| collection.id == id)
    }
}

/// Answers one request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    // The framework in front sends a path without its slash elsewhere; the body of a POST does not follow.
    let path = call.uri.path();
    let slashed = format!("{path}/");
    if !path.ends_with('/') && handler(&slashed).is_some() {
        return Reply::html(StatusCode::MOVED_PERMANENTLY).header("location", slashed);
    }
    let file = path.starts_with(files::PREFIX).then_some(("results.file", false, files::get as Handler));
    let Some((operation, public, handle)) = handler(path).or(file) else { return failure(404, "Not found.") };
    let method = if file.is_some() { Method::GET } else { Method::POST };
    if call.method != method {
        let text = format!("Method \"{}\" not allowed.", call.method);
        return failure(405, &text).operation(operation);
    }
    let key = call.header("x-api-key") == Some(API_KEY);
    let token = call.header("authorization").and_then(|value| value.strip_prefix("Token ")) == Some(API_KEY);
    if !public && !key && !token {
        return unauthorized().operation(operation);
    }
    let result = handle(&mut world.carts, call, world.clock.now());
    result.unwrap_or_else(|refusal| refusal).operation(operation)
}

type Handler = fn(&mut Carts, &Call, Duration) -> Result<Reply, Reply>;

/// The operation of a path: its name, whether it needs no key, and who answers.
fn handler(path: &str) -> Option<(&'static str, bool, Handler)> {
    Some(match path {
        "/api/v1/settings/domains/" => ("settings.domains", true, places::domains),
        "/api/v1/zipcodes/get-zipcodes/" => ("zipcodes.list", false, places::list),
        "/api/v1/zipcodes/create-zipcode/" => ("zipcodes.create", false, places::create),
        "/api/v1/users/login" => ("users.login", true, account::login),
        "/api/v1/users/credits/" => ("users.credits", false, account::credits),
        "/api/v1/schedules/add_schedule/" => ("collections.create", false, collections::create),
        "/api/v1/schedules/update_schedule/" => ("collections.update", false, collections::update),
        "/api/v1/schedules/run/result/" => ("runs.start", false, runs::start),
        "/api/v1/schedules/collections/results/download/" => ("runs.results", false, runs::list),
        "/api/v1/schedules/amazon/category/add_schedule/" => ("amazon.category.create", false, categories::create),
        "/api/v1/schedules/amazon/category/result/" => ("amazon.category.result", false, categories::result),
        "/api/v1/schedules/amazon/asin/create/" => ("amazon.asin.create", false, items::create),
        "/api/v1/schedules/amazon/asin/create/multiple/" => ("amazon.asin.create_multiple", false, bulk::multiple),
        "/api/v1/schedules/amazon/asin/create/bulk/" => ("amazon.asin.create_bulk", false, bulk::csv),
        "/api/v1/schedules/amazon/asin/list/" => ("amazon.asin.list", false, items::list),
        "/api/v1/schedules/amazon/asin/get/" => ("amazon.asin.get", false, items::get),
        "/api/v1/schedules/amazon/asin/update/" => ("amazon.asin.update", false, items::update),
        "/api/v1/schedules/amazon/asin/delete/" => ("amazon.asin.delete", false, items::delete),
        "/api/v1/schedules/amazon/asin/output/list/" => ("amazon.asin.output_list", false, outputs::list),
        "/api/v1/schedules/amazon/asin/output/" => ("amazon.asin.output_get", false, outputs::get),
        _ => return None,
    })
}

fn success(data: &Value) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, &json!({"code": 200, "data": data, "status": 1}));
    reply.code = Some(200);
    reply
}

fn failure(code: i64, message: &str) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, &json!({"code": code, "data": message, "status": 0}));
    reply.code = Some(code);
    reply
}

/// The refusal of a key. The vendor documents neither code nor words.
pub(crate) fn unauthorized() -> Reply {
    failure(401, "Invalid or missing credentials")
}

/// A refusal with this code; the words are the sandbox's own.
pub(crate) fn coded(code: i64) -> Reply {
    failure(code, "Refused by a fault")
}

/// The vendor's own failure, in HTTP 200 like everything.
pub(crate) fn server_error() -> Reply {
    failure(500, "Something went wrong")
}

/// The JSON object of a body; no body is an empty one.
fn body(call: &Call) -> Result<Map<String, Value>, Reply> {
    if call.body.is_empty() {
        return Ok(Map::new());
    }
    match call.json() {
        Some(Value::Object(body)) => Ok(body.clone()),
        _ => Err(failure(400, "The body is not a JSON object")),
    }
}

/// A whole number that must be there.
fn number(body: &Map<String, Value>, name: &str) -> Result<u64, Reply> {
    let text = format!("{name} is required and must be an integer");
    body.get(name).and_then(Value::as_u64).ok_or_else(|| failure(400, &text))
}

/// A text that must be there.
fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Reply> {
    let message = format!("{name} is required and must be a string");
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(|| failure(400, &message))
}

/// `skip` and `limit` of a list.
fn page(body: &Map<String, Value>) -> Result<(usize, usize), Reply> {
    let read = |name: &str, default: u64| match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(_) => number(body, name),
    };
    let index = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Ok((index(read("skip", 0)?), index(read("limit", 100)?)))
}
