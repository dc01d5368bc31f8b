//! What any HTTP answer makes of a call: a value or an error, for every vendor; and whether it may have been applied.

use asin_facade::core_http::{Client, ErrorKind, Operation, Request, Response, RetryPolicy, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use dataforseo_merchant::{AsinTask, AsinTaskPost, Language, Location, TasksReady};
use multicart::{CollectionId, GetCredits, StartRun};
use proptest::prelude::*;
use sp_listings::{Credentials, GetListingsItem, Marketplace, Region, SellerId, Sku};
use std::sync::Arc;

/// Answers everything with the same.
#[derive(Debug)]
struct Always(u16, Vec<(&'static str, String)>, Bytes);

#[async_trait]
impl Transport for Always {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.uri().path().ends_with("/auth/o2/token") {
            return Ok(Response::new(Bytes::from_static(br#"{"access_token":"Atza|t","expires_in":3600}"#)));
        }
        let mut response = Response::new(self.2.clone());
        *response.status_mut() = http::StatusCode::from_u16(self.0).expect("a status");
        for (name, value) in &self.1 {
            if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                response.headers_mut().append(*name, value);
            }
        }
        Ok(response)
    }
}

/// Calls once, without resends, in time that stands still.
fn call<O: Operation>(client: &Client<O::Vendor>, operation: O) -> Option<(ErrorKind, bool)> {
    let client = client.with(|options| options.retry = RetryPolicy::never());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let done = runtime.expect("a runtime").block_on(client.call(operation));
    done.err().map(|error| (error.kind(), error.may_have_been_applied()))
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(vec![
        "retry-after",
        "x-amzn-ratelimit-limit",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-amzn-requestid",
        "content-type",
        "date",
    ]);
    let value = prop_oneof![
        any::<f64>().prop_map(|number| number.to_string()),
        "[ -~]{0,20}",
        Just("0".to_owned()),
        Just("NaN".to_owned())
    ];
    prop::collection::vec((name, value), 0..4)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let envelope =
        (prop::sample::select(vec![20000, 20100, 40100, 40202, 40209, 40501, 50000, 50301, 0, -1]), any::<u8>());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        envelope.prop_map(|(code, n)| format!(r#"{{"status_code":{code},"status_message":"m","cost":{n},"tasks":[{{"id":"1","status_code":{code},"result":null}}]}}"#).into_bytes()),
        (any::<i32>(), any::<i8>()).prop_map(|(code, status)| format!(r#"{{"code":{code},"status":{status},"data":"words"}}"#).into_bytes()),
        "[A-Za-z]{0,12}".prop_map(|code| format!(r#"{{"errors":[{{"code":"{code}","message":"m"}}]}}"#).into_bytes()),
        Just(b"<html>502</html>".to_vec()),
        Just(Vec::new()),
    ]
}

/// The kinds after which nothing can have been done, whatever the answer was.
fn undone(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Throttled
            | ErrorKind::Busy
            | ErrorKind::Auth
            | ErrorKind::Connect
            | ErrorKind::Rejected
            | ErrorKind::NotFound
            | ErrorKind::Funds
            | ErrorKind::Request
    )
}

proptest! {
    #[test]
    fn every_answer_is_a_value_or_an_error(status in 200u16..600, headers in headers(), body in body()) {
        let transport = Arc::new(Always(status, headers, body.into()));
        let seller = SellerId::new("AO0WPKWDI17JQ").expect("a seller");
        let sp = sp_listings::Builder::new(Region::Europe, Credentials::new("c", "s", "r")).transport(transport.clone()).build().expect("a client");
        let dfs = dataforseo_merchant::Builder::new("l", "p").transport(transport.clone()).build().expect("a client");
        let mc = multicart::Builder::new("k.s").transport(transport).build().expect("a client");
        let sku = Sku::new("A/B").expect("a SKU");
        let task = AsinTask::new("B0EXAMPLE1".parse().expect("an ASIN"), Location::code(2840), Language::code("en_US"));
        let done = [
            ("get", call(&sp, GetListingsItem::new(seller, sku, [Marketplace::TR]))),
            ("ready", call(&dfs, TasksReady::new())),
            ("credits", call(&mc, GetCredits::new())),
            ("post", call(&dfs, AsinTaskPost::new([task]))),
            ("run", call(&mc, StartRun::new(CollectionId(1)))),
        ];
        for (what, failure) in done {
            let Some((kind, applied)) = failure else {
                prop_assert!((200..300).contains(&status), "{what}: HTTP {status} taken for an answer");
                continue;
            };
            if applied {
                prop_assert!(!undone(kind), "{what}: {kind:?} may have been applied");
            }
            if ["post", "run"].contains(&what) && matches!(kind, ErrorKind::Unavailable | ErrorKind::Decode) {
                prop_assert!(applied, "{what}: {kind:?} of a paid call is called undone");
            }
        }
    }
}
