//! `/_sandbox`: what a tester reads and sets over HTTP.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Reply;
use crate::demo::Demo;
use crate::faults::Fault;
use crate::server::Shared;

/// Where one fault is taken back by its number.
const ONE_FAULT: &str = "/_sandbox/faults/";

/// Faults arrive one at a time or in an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Fault),
    Many(Vec<Fault>),
}

pub(crate) async fn serve(shared: &Shared, request: Request) -> Response {
    // Reached under another name, as from a container, the demo names that one.
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let host = if host.is_empty() { "127.0.0.1".to_owned() } else { host.to_owned() };
    let (parts, body) = request.into_parts();
    let answer = match (&parts.method, parts.uri.path().trim_end_matches('/')) {
        (&Method::GET, "/_sandbox") => {
            let page = Reply::new(StatusCode::OK, "text/html; charset=utf-8", crate::live::PAGE);
            return page.complete();
        }
        (&Method::GET, "/_sandbox/live") => {
            let since = parts.uri.query().unwrap_or_default().strip_prefix("since=");
            let since = since.and_then(|number| number.parse().ok()).unwrap_or_default();
            let mut world = shared.world();
            world.settle();
            Ok(Ok(crate::live::now(&world, since)))
        }
        (&Method::GET, "/_sandbox/demo") => {
            Ok(serde_json::to_value(Demo::new(&shared.ports.roots(&host), &shared.world())))
        }
        (&Method::GET, "/_sandbox/ledger") => {
            shared.world().settle();
            Ok(serde_json::to_value(&shared.world().ledger))
        }
        (&Method::GET, "/_sandbox/market") => {
            shared.world().settle();
            Ok(serde_json::to_value(shared.world().market()))
        }
        (&Method::GET, "/_sandbox/faults") => Ok(serde_json::to_value(shared.world().faults.list())),
        (&Method::DELETE, "/_sandbox/faults") => {
            shared.world().faults.clear();
            Ok(Ok(json!([])))
        }
        (&Method::POST, "/_sandbox/faults") => {
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            match serde_json::from_slice(&body) {
                Ok(faults) => {
                    let faults = match faults {
                        OneOrMany::One(fault) => vec![fault],
                        OneOrMany::Many(faults) => faults,
                    };
                    let mut world = shared.world();
                    faults.into_iter().for_each(|fault| world.faults.add(fault));
                    Ok(serde_json::to_value(world.faults.list()))
                }
                Err(error) => Err((StatusCode::BAD_REQUEST, error.to_string())),
            }
        }
        (&Method::DELETE, path) if path.starts_with(ONE_FAULT) => {
            let mut world = shared.world();
            match path[ONE_FAULT.len()..].parse().is_ok_and(|id| world.faults.remove(id)) {
                true => Ok(serde_json::to_value(world.faults.list())),
                false => Err((StatusCode::NOT_FOUND, "no fault of this number is set".to_owned())),
            }
        }
        _ => Err((StatusCode::NOT_FOUND, "there are demo, ledger, market, faults and live".to_owned())),
    };
    let (status, body) = match answer {
        Ok(Ok(body)) => (StatusCode::OK, body),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, Value::String(error.to_string())),
        Err((status, text)) => (status, json!({"error": text})),
    };
    let reply = Reply::json(status, &body);
    let body = Body::from(reply.body.clone());
    reply.into_response(body)
}
