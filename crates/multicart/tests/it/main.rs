//! Tests of the crate, from the outside.

mod client;
mod enrol;
mod envelope;
mod files;
mod open;
mod runs;
mod sandbox;
mod traps;
mod wire;

use core_http::{Asin, Request, Response, RetryPolicy, TransportError, testing::Script};
use multicart::{Builder, McClient};
use serde_json::Value;
use std::sync::Arc;

pub(crate) fn client(
    answer: impl FnMut(&Request) -> Result<Response, TransportError> + Send + 'static,
) -> (McClient, Arc<Script>) {
    let script = Arc::new(Script::new());
    script.always(answer);
    let client = Builder::new("prefix.secret").transport(script.clone()).build().unwrap();
    (client.with(|options| options.retry = RetryPolicy::never()), script)
}

pub(crate) fn asin(text: &str) -> Asin {
    text.parse().unwrap()
}

pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}
