//! DataForSEO Merchant: HTTP 200 for nearly everything, and the verdict in `status_code`, at the top and in each task.

pub(crate) mod codes;
mod collect;
mod form;
mod function;
mod google;
mod id_list;
mod limits;
mod live;
mod post;
mod reference;
mod results;
mod search;
mod tasks;
pub(crate) mod webhooks;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

pub(crate) use tasks::Tasks;

use codes::message;
use function::{Function, Step};

use crate::call::{Call, Reply};
use crate::world::{LOGIN, PASSWORD, World};

/// The most requests that one user may have under way.
const SIMULTANEOUS: usize = 30;

/// Answers one request.
pub(crate) fn answer(world: &mut World, call: &Call, in_flight: usize) -> Reply {
    let expected = format!("Basic {}", STANDARD.encode(format!("{LOGIN}:{PASSWORD}")));
    if call.header("authorization") != Some(expected.as_str()) {
        return unauthorized();
    }
    if in_flight > SIMULTANEOUS && !world.tasks.limits.lifted {
        return refusal(StatusCode::OK, 40209);
    }
    let now = world.clock.now();
    if !world.tasks.limits.general.take(now) {
        return throttled();
    }
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (&call.method, path.as_slice()) {
        (&Method::GET, ["v3", "merchant", "tasks_ready"]) => collect::ready(world, call, None),
        (&Method::POST, ["v3", "merchant", "id_list"]) => id_list::list(world, call),
        (&Method::GET, ["v3", "merchant", "google", "sellers", "ad_url", aclk]) => google::ad_url(world, call, aclk),
        (&Method::GET, ["v3", "merchant", engine @ ("amazon" | "google"), "locations"]) => {
            reference::locations(world, call, engine, None)
        }
        (&Method::GET, ["v3", "merchant", engine @ ("amazon" | "google"), "locations", country]) => {
            reference::locations(world, call, engine, Some(country))
        }
        (&Method::GET, ["v3", "merchant", engine @ ("amazon" | "google"), "languages"]) => {
            reference::languages(world, call, engine)
        }
        (_, ["v3", "merchant", engine, function, rest @ ..]) => match Function::of(engine, function) {
            Some(function) => of_tasks(world, call, function, rest),
            None => refusal(StatusCode::NOT_FOUND, 40400),
        },
        (&Method::GET, ["v3", "appendix", "user_data"]) => reference::user_data(world, call),
        (&Method::GET, ["v3", "appendix", "errors"]) => reference::errors(world, call),
        (&Method::GET, ["v3", "appendix", "status"]) => reference::status(world, call),
        (&Method::POST, ["v3", "appendix", "webhook_resend"]) => webhooks::resend(world, call),
        (&Method::POST, ["v3", "merchant", "errors"]) => webhooks::errors(world, call),
        _ => refusal(StatusCode::NOT_FOUND, 40400),
    }
}

/// A call about tasks of one function.
fn of_tasks(world: &mut World, call: &Call, function: Function, rest: &[&str]) -> Reply {
    let (step, id) = match (&call.method, rest) {
        (&Method::POST, ["task_post"]) => (Step::Post, ""),
        (&Method::GET, ["tasks_ready"]) => (Step::Ready, ""),
        (&Method::GET, ["task_get", "advanced", id]) => (Step::Advanced, *id),
        (&Method::GET, ["task_get", "html", id]) => (Step::Html, *id),
        (&Method::POST, ["live", "advanced"]) => (Step::LiveAdvanced, ""),
        (&Method::POST, ["live", "html"]) => (Step::LiveHtml, ""),
        _ => return refusal(StatusCode::NOT_FOUND, 40402),
    };
    let Some(operation) = function.operation(step) else { return refusal(StatusCode::NOT_FOUND, 40402) };
    match step {
        Step::Post => post::post(world, call, function),
        Step::Ready => collect::ready(world, call, Some(function)),
        Step::Advanced | Step::Html => collect::get(world, call, function, operation, step == Step::Html, id),
        Step::LiveAdvanced | Step::LiveHtml => post::live(world, call, function, operation, step == Step::LiveHtml),
    }
}

/// A task of an answer.
struct TaskAnswer {
    id: String,
    code: i64,
    message: String,
    cost: Decimal,
    data: Map<String, Value>,
    result: Option<Vec<Value>>,
}

impl TaskAnswer {
    fn new(id: String, code: i64, data: Map<String, Value>) -> Self {
        Self { id, code, message: message(code).to_owned(), cost: Decimal::ZERO, data, result: None }
    }

    /// A field of the request is wrong: the message names it.
    fn invalid_field(id: String, field: &str, data: Map<String, Value>) -> Self {
        Self { message: format!("Invalid Field: '{field}'."), ..Self::new(id, 40501, data) }
    }

    fn is_error(&self) -> bool {
        self.code >= 40000
    }

    /// The answer to a call that has one task, which asks for rows.
    fn rows(id: String, data: Map<String, Value>, rows: Vec<Value>) -> Self {
        Self { result: (!rows.is_empty()).then_some(rows), ..Self::new(id, 20000, data) }
    }
}

/// The answer to a call that was understood.
fn envelope(call: &Call, operation: &'static str, tasks: &[TaskAnswer]) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, &body(&call.segments(), tasks)).operation(operation);
    reply.code = Some(20000);
    reply.charged = tasks.iter().map(|task| task.cost).sum();
    reply
}

/// What the vendor wraps around tasks.
fn body(path: &[String], tasks: &[TaskAnswer]) -> Value {
    let cost: Decimal = tasks.iter().map(|task| task.cost).sum();
    let task = |task: &TaskAnswer| {
        // A finished task without results holds one object and still counts none (a recorded answer).
        let count = if task.code == 40102 { 0 } else { task.result.as_ref().map_or(0, Vec::len) };
        json!({
            "id": task.id,
            "status_code": task.code,
            "status_message": task.message,
            "time": "0.0121 sec.",
            "cost": dollars(task.cost),
            "result_count": count,
            "path": path,
            "data": task.data,
            "result": task.result,
        })
    };
    json!({
        "version": VERSION,
        "status_code": 20000,
        "status_message": message(20000),
        "time": "0.0563 sec.",
        "cost": dollars(cost),
        "tasks_count": tasks.len(),
        "tasks_error": tasks.iter().filter(|task| task.is_error()).count(),
        "tasks": tasks.iter().map(task).collect::<Vec<_>>(),
    })
}

const VERSION: &str = "0.1.20261015";

fn dollars(value: Decimal) -> Value {
    if value.is_zero() { json!(0) } else { json!(value.to_f64()) }
}

/// The answer to a call that was refused as a whole.
fn refusal(status: StatusCode, code: i64) -> Reply {
    let body = json!({
        "version": VERSION,
        "status_code": code,
        "status_message": message(code),
        "time": "0 sec.",
        "cost": 0,
        "tasks_count": 0,
        "tasks_error": 0,
        "tasks": null,
    });
    let mut reply = Reply::json(status, &body);
    reply.code = Some(code);
    reply
}

/// The refusal of the credentials.
pub(crate) fn unauthorized() -> Reply {
    refusal(StatusCode::UNAUTHORIZED, 40100).header("www-authenticate", "Basic realm=\"DataForSEO REST API\"")
}

/// Too many calls this minute: HTTP 200, and no header says so.
pub(crate) fn throttled() -> Reply {
    refusal(StatusCode::OK, 40202)
}

/// The vendor's own failure: 500 is HTTP 500, anything else comes in HTTP 200.
pub(crate) fn server_error(status: u16) -> Reply {
    if status == 500 { refusal(StatusCode::INTERNAL_SERVER_ERROR, 50000) } else { refusal(StatusCode::OK, 50301) }
}

/// The tasks of a POST: an array of objects, or an object with numbered ones, as the vendor's Python sample sends it.
fn posted(call: &Call) -> Result<Vec<Map<String, Value>>, Reply> {
    if call.body.is_empty() {
        return Err(refusal(StatusCode::OK, 40502));
    }
    let invalid = || refusal(StatusCode::OK, 40503);
    let entries: Vec<&Value> = match call.json().ok_or_else(invalid)? {
        Value::Array(entries) => entries.iter().collect(),
        Value::Object(numbered) if numbered.keys().all(|key| key.parse::<u32>().is_ok()) => numbered.values().collect(),
        _ => return Err(invalid()),
    };
    if entries.is_empty() {
        return Err(refusal(StatusCode::OK, 40502));
    }
    // A field that is null counts as not sent: the vendor's own Python client sends them all.
    let object = |entry: &Value| match entry {
        Value::Object(object) => {
            let said = object.iter().filter(|(_, value)| !value.is_null());
            Ok(said.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        _ => Err(invalid()),
    };
    entries.into_iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Market;

    #[test]
    fn thirty_requests_at_once_are_enough() {
        let market = Market::default().checked().expect("an empty market is possible");
        let mut world = World::new(market, 1, 1.0);
        let request = http::Request::get("/v3/appendix/user_data")
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{LOGIN}:{PASSWORD}"))))
            .body(())
            .expect("a request");
        let call = world.call(request.into_parts().0, String::new(), bytes::Bytes::new(), Vec::new());
        assert_eq!(answer(&mut world, &call, 30).code, Some(20000));
        assert_eq!(answer(&mut world, &call, 31).code, Some(40209));
    }

    #[test]
    fn two_thousand_calls_a_minute_are_enough() {
        let market = Market::default().checked().expect("an empty market is possible");
        let mut world = World::new(market, 1, 1e-6);
        let request = http::Request::get("/v3/merchant/amazon/languages")
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{LOGIN}:{PASSWORD}"))))
            .body(())
            .expect("a request");
        let call = world.call(request.into_parts().0, String::new(), bytes::Bytes::new(), Vec::new());
        let refused = (0..2003).filter(|_| answer(&mut world, &call, 1).code == Some(40202)).count();
        assert_eq!(refused, 3);
    }
}
