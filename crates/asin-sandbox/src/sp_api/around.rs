//! What stands around the listings: product types, restrictions and feeds, with their usage plans.

use http::Method;

use super::{Operation, UsagePlans, error, feeds, lwa, product_types, restrictions, throttled};
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

/// What an application may do in each of the first three over all its sellers, in a second. None is documented for feeds.
const APPLICATION: f64 = 100.0;

impl UsagePlans {
    /// Takes from the seller's plan and from the application's; the refusal names the tier that has none left.
    fn admit(&mut self, seller: &str, operation: &Operation, now: std::time::Duration) -> Result<(), Reply> {
        if !self.take(seller, operation, now) {
            return Err(throttled());
        }
        let whole = Operation { rate: APPLICATION, burst: APPLICATION, ..*operation };
        // No seller has an empty name.
        if !operation.name.contains("Feed") && !self.take("", &whole, now) {
            let message = "You exceeded your quota for the requested resource: the rate is greater than what is allowed for the application.";
            let refusal = error(http::StatusCode::TOO_MANY_REQUESTS, "QuotaExceeded", message, "");
            return Err(refusal.header("x-amzn-ErrorType", "TooManyRequestsException"));
        }
        Ok(())
    }
}

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
    world.usage_plans.admit(&seller, operation, now)?;
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
