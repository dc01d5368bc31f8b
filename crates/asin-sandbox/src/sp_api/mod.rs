//! Amazon SP-API: the gateway's own rules, the five operations of Listings Items 2021-08-01, and what stands `around` them.

mod around;
mod documents;
mod feeds;
mod issues;
mod listings;
mod live;
pub(crate) mod lwa;
mod patch;
mod plans;
mod product_types;
mod restrictions;
mod schema;
mod search;
mod view;
mod write;

use http::{Method, StatusCode, header};
use serde_json::json;

pub(crate) use feeds::Feeds;
pub(crate) use listings::Listings;
use plans::Operation;
pub(crate) use plans::UsagePlans;

use crate::call::{Call, Reply};
use crate::marketplace::Marketplace;
use crate::world::World;

const GET: Operation = Operation { name: "getListingsItem", rate: 5.0, burst: 10.0 };
const PUT: Operation = Operation { name: "putListingsItem", rate: 5.0, burst: 10.0 };
const PATCH: Operation = Operation { name: "patchListingsItem", rate: 5.0, burst: 5.0 };
const DELETE: Operation = Operation { name: "deleteListingsItem", rate: 5.0, burst: 5.0 };
const SEARCH: Operation = Operation { name: "searchListingsItems", rate: 5.0, burst: 5.0 };

/// Answers one request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    if call.uri.path().starts_with(documents::PREFIX) {
        return documents::answer(world, call);
    }
    identified(call, route(world, call))
}

/// Gives an answer the request's identifiers, which every answer bears.
pub(crate) fn identified(call: &Call, reply: Reply) -> Reply {
    let id = format!("5a4dbc0e-0000-4000-8000-{:012x}", call.number);
    reply.header("x-amzn-RequestId", id).header("x-amz-apigw-id", format!("sandbox{:09}=", call.number))
}

fn route(world: &mut World, call: &Call) -> Reply {
    // A GET bears neither body nor length: the gateway answers in HTML (docs changelog, enforced since 2023-06-05).
    let has_body =
        call.headers.contains_key(header::CONTENT_LENGTH) || call.headers.contains_key(header::TRANSFER_ENCODING);
    if call.method == Method::GET && has_body {
        return Reply::html(StatusCode::BAD_REQUEST);
    }
    if call.header("user-agent").is_some_and(|agent| agent.len() > 500) {
        return invalid("The user-agent is longer than 500 characters.");
    }
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if let Some(reply) = around::route(world, call, &path) {
        return reply;
    }
    let (operation, seller, sku) = match (&call.method, path.as_slice()) {
        (_, ["listings", "2021-08-01", "items", _, ""]) => return denied(""),
        (&Method::GET, ["listings", "2021-08-01", "items", seller]) => (&SEARCH, *seller, ""),
        (&Method::GET, ["listings", "2021-08-01", "items", seller, sku]) => (&GET, *seller, *sku),
        (&Method::PUT, ["listings", "2021-08-01", "items", seller, sku]) => (&PUT, *seller, *sku),
        (&Method::PATCH, ["listings", "2021-08-01", "items", seller, sku]) => (&PATCH, *seller, *sku),
        (&Method::DELETE, ["listings", "2021-08-01", "items", seller, sku]) => (&DELETE, *seller, *sku),
        // A SKU whose slash was not encoded ends here too.
        _ => return denied(""),
    };
    if let Err(refusal) = lwa::authorise(world, call, seller) {
        return refusal.operation(operation.name);
    }
    let now = world.clock.now();
    if let Err(refusal) = world.usage_plans.admit(seller, operation, call, now) {
        return refusal.operation(operation.name);
    }
    let reply = match operation.name {
        "searchListingsItems" => search::search(world, call, seller),
        "getListingsItem" => view::get(world, call, seller, sku),
        "putListingsItem" => write::put(world, call, seller, sku),
        "patchListingsItem" => write::patch(world, call, seller, sku),
        _ => write::delete(world, call, seller, sku),
    };
    // The rate that this sandbox keeps: a faster clock refills faster.
    let rate = operation.rate * world.clock.speed();
    reply
        .unwrap_or_else(|refusal| refusal)
        .header("x-amzn-RateLimit-Limit", format!("{rate:?}"))
        .operation(operation.name)
}

/// The marketplaces of a call, which must be the account's.
fn marketplaces(world: &World, call: &Call, seller: &str, most: usize) -> Result<Vec<&'static Marketplace>, Reply> {
    marketplaces_of(world, &call.list("marketplaceIds"), seller, most)
}

/// The marketplaces of these names, which must be the account's.
fn marketplaces_of(
    world: &World,
    asked: &[String],
    seller: &str,
    most: usize,
) -> Result<Vec<&'static Marketplace>, Reply> {
    if asked.is_empty() {
        return Err(invalid("'marketplaceIds' is required."));
    }
    if asked.len() > most {
        return Err(invalid(&format!("'marketplaceIds' holds more than {most} items.")));
    }
    let region = world.account(seller).map(|account| account.region);
    let known = |id: &String| Marketplace::of(id).filter(|marketplace| Some(marketplace.region) == region);
    asked
        .iter()
        .map(|id| known(id).ok_or_else(|| invalid(&format!("Invalid 'marketplaceIds' provided: {id}."))))
        .collect()
}

/// The data sets asked for, each of which must exist.
fn included(call: &Call, known: &[&str], default: &str) -> Result<Vec<String>, Reply> {
    let asked = call.list("includedData");
    if let Some(unknown) = asked.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(invalid(&format!("Invalid 'includedData' provided: {unknown}.")));
    }
    Ok(if asked.is_empty() { vec![default.to_owned()] } else { asked })
}

fn error(status: StatusCode, code: &str, message: &str, details: &str) -> Reply {
    Reply::json(status, &json!({"errors": [{"code": code, "message": message, "details": details}]}))
}

fn invalid(details: &str) -> Reply {
    error(
        StatusCode::BAD_REQUEST,
        "InvalidInput",
        "Request has missing or invalid parameters and cannot be parsed.",
        details,
    )
}

fn not_found(sku: &str, marketplaces: &[&Marketplace]) -> Reply {
    let stores: Vec<&str> = marketplaces.iter().map(|marketplace| marketplace.id).collect();
    let message = format!("SKU '{sku}' not found in marketplace(s) {}.", stores.join(", "));
    error(StatusCode::NOT_FOUND, "NOT_FOUND", &message, "")
}

fn denied(details: &str) -> Reply {
    error(StatusCode::FORBIDDEN, "Unauthorized", "Access to requested resource is denied.", details)
        .header("x-amzn-ErrorType", "AccessDeniedException")
}

/// The refusal of an access token that has lived its hour.
pub(crate) fn expired() -> Reply {
    denied("The access token you provided has expired.")
}

/// The usage plan is used up. This answer bears no rate header: a known complaint of the API's users.
pub(crate) fn throttled() -> Reply {
    error(StatusCode::TOO_MANY_REQUESTS, "QuotaExceeded", "You exceeded your quota for the requested resource.", "")
        .header("x-amzn-ErrorType", "TooManyRequestsException")
}

/// A refusal with this HTTP status, in the words that belong to it.
pub(crate) fn coded(status: u16) -> Reply {
    match status {
        403 => denied(""),
        404 => error(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource is not found.", ""),
        413 => error(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", "The request size exceeds the maximum.", ""),
        415 => unsupported(),
        429 => throttled(),
        500.. => server_error(status),
        _ => invalid("Refused by a fault."),
    }
}

/// The body is of a kind that is not taken.
fn unsupported() -> Reply {
    let message = "The request payload is in an unsupported format.";
    error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message, "")
}

/// The vendor's own failure.
pub(crate) fn server_error(status: u16) -> Reply {
    if status == 503 {
        let message = "Service is temporarily unavailable. Please try again later.";
        error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message, "")
    } else {
        let message = "We encountered an internal error. Please try again.";
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        error(status, "InternalFailure", message, "")
    }
}
