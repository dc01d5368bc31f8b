//! What stands around the listings: product types, restrictions and feeds, with their usage plans.

use http::Method;

use super::{Operation, feeds, lwa, product_types, restrictions};
use crate::call::{Call, Reply};
use crate::world::World;

const SEARCH: Operation = Operation { name: "searchDefinitionsProductTypes", rate: 5.0, burst: 10.0 };
const DEFINITION: Operation = Operation { name: "getDefinitionsProductType", rate: 5.0, burst: 10.0 };
const RESTRICTIONS: Operation = Operation { name: "getListingsRestrictions", rate: 5.0, burst: 10.0 };
const GET_FEEDS: Operation = Operation { name: "getFeeds", rate: 0.0222, burst: 10.0 };
const CREATE_FEED: Operation = Operation { name: "createFeed", rate: 0.0083, burst: 15.0 };
const GET_FEED: Operation = Operation { name: "getFeed", rate: 2.0, burst: 15.0 };
const CANCEL_FEED: Operation = Operation { name: "cancelFeed", rate: 2.0, burst: 15.0 };
const CREATE_DOCUMENT: Operation = Operation { name: "createFeedDocument", rate: 0.5, burst: 15.0 };
const GET_DOCUMENT: Operation = Operation { name: "getFeedDocument", rate: 0.0222, burst: 10.0 };

/// Answers what belongs here; `None` for all other paths.
pub(super) fn route(world: &mut World, call: &Call, path: &[&str]) -> Option<Reply> {
    let (get, post) = (call.method == Method::GET, call.method == Method::POST);
    let operation = match path {
        ["definitions", "2020-09-01", "productTypes"] if get => SEARCH,
        ["definitions", "2020-09-01", "productTypes", _] if get => DEFINITION,
        ["listings", "2021-08-01", "restrictions"] if get => RESTRICTIONS,
        ["feeds", "2021-06-30", "feeds"] if get => GET_FEEDS,
        ["feeds", "2021-06-30", "feeds"] if post => CREATE_FEED,
        ["feeds", "2021-06-30", "feeds", _] if get => GET_FEED,
        ["feeds", "2021-06-30", "feeds", _] if call.method == Method::DELETE => CANCEL_FEED,
        ["feeds", "2021-06-30", "documents"] if post => CREATE_DOCUMENT,
        ["feeds", "2021-06-30", "documents", _] if get => GET_DOCUMENT,
        _ => return None,
    };
    let reply = admitted(world, call, &operation, path.last().copied().unwrap_or_default());
    Some(reply.unwrap_or_else(|refusal| refusal).operation(operation.name))
}

fn admitted(world: &mut World, call: &Call, operation: &Operation, last: &str) -> Result<Reply, Reply> {
    let seller = lwa::caller(world, call)?;
    let now = world.clock.now();
    world.usage_plans.admit(&seller, operation, call, now)?;
    let reply = match operation.name {
        "searchDefinitionsProductTypes" => product_types::search(world, call, &seller),
        "getDefinitionsProductType" => product_types::definition(world, call, &seller, last),
        "getListingsRestrictions" => restrictions::get(world, call, &seller),
        "getFeeds" => feeds::list(world, call, &seller),
        "createFeed" => feeds::create(world, call, &seller),
        "getFeed" => feeds::get(world, &seller, last),
        "cancelFeed" => feeds::cancel(world, &seller, last),
        "createFeedDocument" => feeds::create_document(world, call, &seller),
        _ => feeds::document(world, call, &seller, last),
    };
    // The rate that this sandbox keeps: a faster clock refills faster.
    let rate = operation.rate * world.clock.speed();
    Ok(reply.unwrap_or_else(|refusal| refusal).header("x-amzn-RateLimit-Limit", format!("{rate:?}")))
}
