//! A vendor for tests: everything is HTTP 200 and the envelope decides, `{"code": 200, "data": …}`.
#![allow(dead_code, reason = "every test file uses a part of it")]

use core_http::{
    Caller, Client, ErrorKind, Fault, Head, Limit, Limits, Operation, Quota, Request, RequestBuilder, Response, Result,
    Safety, Transport, Vendor, records::Scalars, testing::Script,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

pub const OK: &str = r#"{"code":200,"data":7}"#;

#[derive(Debug)]
pub struct Shop;

#[derive(Deserialize)]
#[serde(bound = "W: DeserializeOwned")]
pub struct Envelope<W> {
    code: u64,
    message: Option<String>,
    data: Option<W>,
}

#[derive(Deserialize)]
struct Refusal {
    code: u64,
    message: Option<String>,
}

fn fault(code: u64, message: Option<String>) -> Fault {
    let kind = match code {
        401 => ErrorKind::Auth,
        402 => ErrorKind::Funds,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Busy,
        429 => ErrorKind::Throttled,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    };
    Fault::new(kind, code.to_string(), message.unwrap_or_default())
}

impl Vendor for Shop {
    const NAME: &'static str = "shop";
    type Envelope<W: DeserializeOwned> = Envelope<W>;

    fn unwrap<W: DeserializeOwned>(envelope: Envelope<W>) -> Result<W, Fault> {
        match envelope {
            Envelope { code: 200, data: Some(data), .. } => Ok(data),
            Envelope { code, message, .. } => Err(fault(code, message)),
        }
    }

    fn refusal(response: &Response) -> Option<Fault> {
        let Refusal { code, message } = serde_json::from_slice(response.body()).ok()?;
        (code != 200).then(|| fault(code, message))
    }

    fn verdict(seen: &Scalars, end: bool) -> Result<(), Fault> {
        match seen.get("code").and_then(Value::as_u64) {
            Some(200) => Ok(()),
            Some(code) => Err(fault(code, seen.get("message").and_then(Value::as_str).map(str::to_owned))),
            None if end => Err(Fault::new(ErrorKind::Decode, "", "no code beside the records")),
            None => Ok(()),
        }
    }

    fn request_id(head: &Head<'_>) -> Option<String> {
        head.header("x-request-id").map(str::to_owned)
    }
}

/// An operation with everything that a test may want to set.
#[derive(Debug, Clone)]
pub struct Ask {
    pub safety: Safety,
    pub limits: Limits,
    pub time_out: Duration,
    pub body: Option<Value>,
}

pub fn ask(safety: Safety) -> Ask {
    Ask { safety, limits: Vec::new(), time_out: Duration::from_secs(30), body: None }
}

pub fn read() -> Ask {
    ask(Safety::ReadOnly)
}

impl Ask {
    pub fn limits(mut self, limits: impl Into<Limits>) -> Self {
        self.limits = limits.into();
        self
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn time_out(mut self, time_out: Duration) -> Self {
        self.time_out = time_out;
        self
    }
}

impl Operation for Ask {
    type Vendor = Shop;
    type Wire = Value;
    type Output = Value;
    const NAME: &'static str = "ask";

    fn safety(&self) -> Safety {
        self.safety
    }
    fn limits(&self) -> Limits {
        self.limits.clone()
    }
    fn time_out(&self) -> Duration {
        self.time_out
    }
    fn request(&self) -> Result<Request> {
        match &self.body {
            Some(body) => RequestBuilder::post("/ask").json(body).build(),
            None => RequestBuilder::get("/ask").query("q", "1").build(),
        }
    }
    fn output(&self, wire: Value) -> Result<Value> {
        Ok(wire)
    }
}

pub fn base() -> url::Url {
    "https://shop.test/v1/".parse().expect("a base URL")
}

pub fn builder(transport: Arc<dyn Transport>) -> core_http::ClientBuilder<Shop> {
    Client::builder(base(), transport)
}

pub fn client(transport: Arc<dyn Transport>) -> Client<Shop> {
    builder(transport).build().expect("a client")
}

pub fn script() -> Arc<Script> {
    Arc::new(Script::new())
}

/// A client of a server on this machine.
pub fn local(transport: impl Transport, address: impl std::fmt::Display) -> Client<Shop> {
    let base = format!("http://{address}").parse().expect("a base URL");
    Client::builder(base, Arc::new(transport)).build().expect("a client")
}

/// A bucket of an account.
pub const fn limit(per_second: f64, burst: u32) -> Limit {
    Limit::account("calls", Quota { per_second, burst })
}

pub fn seller(account: &str) -> Caller {
    Caller::new("application", account)
}

pub fn far() -> Instant {
    Instant::now() + Duration::from_secs(1_000_000)
}

pub fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
