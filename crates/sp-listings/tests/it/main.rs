//! Tests of the crate, from the outside.

#[cfg(feature = "feeds")]
mod amazon;
mod auth;
#[cfg(feature = "feeds")]
mod big_feed;
mod checks;
mod errors;
mod faults;
#[cfg(feature = "feeds")]
mod feed_documents;
#[cfg(feature = "feeds")]
mod feeds;
#[cfg(feature = "feeds")]
mod found_feeds;
mod limits;
mod offers;
#[cfg(feature = "schemas")]
mod product_types;
mod requests;
mod restrictions;
#[cfg(all(feature = "feeds", feature = "rustls"))]
mod sandbox;
mod search;
mod seeds;
#[cfg(feature = "rustls")]
mod shop;
mod stock;
mod stores;
mod terms;
mod tokens;
#[cfg(all(feature = "feeds", feature = "rustls", feature = "validate"))]
mod validate;
mod waits;
mod wire;
mod writes;

use core_http::{
    Caller, Late, Lesson, Limit, Permit, RateLimit, Request, Response, RetryPolicy, TransportError, testing::Script,
};
use sp_listings::{Builder, Credentials, Region, SellerId, Sku, SpClient};
use std::sync::Arc;

pub(crate) const TOKEN: &str =
    r#"{"access_token":"Atza|first","token_type":"bearer","expires_in":3600,"refresh_token":"Atzr|r"}"#;

/// The seller and SKU of the seeds.
pub(crate) fn seller() -> SellerId {
    SellerId::new("AO0WPKWDI17JQ").unwrap()
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

pub(crate) fn is_token_call(request: &Request) -> bool {
    request.uri().path() == "/auth/o2/token"
}

pub(crate) fn builder(script: &Arc<Script>) -> Builder {
    let credentials = Credentials::new("client", "client-secret", "Atzr|r");
    Builder::new(Region::Europe, credentials).seller(seller()).transport(script.clone())
}

/// Holds nobody back: these tests are not about limits.
#[derive(Debug)]
pub(crate) struct Unlimited;

#[async_trait::async_trait]
impl RateLimit for Unlimited {
    async fn acquire(&self, _: &Caller, _: &[Limit], _: tokio::time::Instant) -> Result<Permit, Late> {
        Ok(Permit::free())
    }
    fn learn(&self, _: &Caller, _: &Lesson) {}
}

pub(crate) fn unlimited(script: &Arc<Script>) -> SpClient {
    builder(script).limits(Arc::new(Unlimited)).build().unwrap()
}

/// A client whose token calls succeed and whose other calls are answered by `answer`; nothing is sent again.
pub(crate) fn client(
    mut answer: impl FnMut(&Request) -> Result<Response, TransportError> + Send + 'static,
) -> (SpClient, Arc<Script>) {
    let script = Arc::new(Script::new());
    script.always(
        move |request| {
            if is_token_call(request) { Ok(core_http::testing::response(200, TOKEN)) } else { answer(request) }
        },
    );
    let client = builder(&script).build().unwrap().with(|options| options.retry = RetryPolicy::never());
    (client, script)
}

pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}
