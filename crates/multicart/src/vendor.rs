//! How MultiCartAPI's answers are read, and how often it may be called.
//!
//! Every answer is `{code, data, status}`, by its docs always with HTTP 200: `status` decides (1 or 0), then `code`
//! says why not, and `data` is then a text for people, whose wording changes. What arrives in no such envelope
//! comes from something in front of the service, and the kernel reports it as such.

use core_http::{ErrorKind, Fault, Limit, Quota, Response, Vendor, records::Scalars};
use http::StatusCode;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer},
};
use serde_json::Value;

/// MultiCartAPI.
#[derive(Debug)]
pub enum MultiCart {}

/// What every answer is wrapped in. One that refuses does not decode: [`MultiCart::refusal`] reads it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Wrapped<W>", bound(deserialize = "W: DeserializeOwned"))]
pub struct Envelope<W> {
    data: W,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "W: DeserializeOwned"))]
struct Wrapped<W> {
    code: Option<Value>,
    status: Option<Value>,
    data: Option<W>,
}

impl<W: DeserializeOwned> TryFrom<Wrapped<W>> for Envelope<W> {
    type Error = &'static str;

    fn try_from(Wrapped { code, status, data }: Wrapped<W>) -> Result<Self, Self::Error> {
        match succeeded(status.as_ref(), code.as_ref()) {
            // An answer that is nothing may come as `null` or not at all.
            Some(true) => match data.map_or_else(|| W::deserialize(().into_deserializer()), Ok) {
                Ok(data) => Ok(Self { data }),
                Err::<_, serde::de::value::Error>(_) => Err("the answer holds no `data`"),
            },
            Some(false) => Err("the answer is a refusal"),
            None => Err("the answer holds neither `status` nor `code`"),
        }
    }
}

/// What the envelope says; without a `status` its code speaks.
fn succeeded(status: Option<&Value>, code: Option<&Value>) -> Option<bool> {
    match status {
        Some(Value::Bool(status)) => Some(*status),
        Some(status) => Some(number(status)? == 1),
        None => Some(number(code?)? == 200),
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    }
}

/// The refusal in the words of the envelope, or none where it is a success or no envelope.
fn refused(status: Option<&Value>, code: Option<&Value>, data: Option<&Value>, http: StatusCode) -> Option<Fault> {
    if succeeded(status, code)? {
        return None;
    }
    let code = code.and_then(number);
    let message = match data {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "no reason given".to_owned(),
        Some(other) => other.to_string(),
    };
    let class = code.filter(|code| *code != 200).unwrap_or_else(|| http.as_u16().into());
    Some(Fault::new(kind(class), code.map_or_else(String::new, |code| code.to_string()), message))
}

/// What a code means. 400, 402, 404, 409 and 500 are documented; the others are read as HTTP's of the same number.
fn kind(code: i64) -> ErrorKind {
    match code {
        401 | 403 => ErrorKind::Auth,
        402 => ErrorKind::Funds,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::Throttled,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    }
}

impl Vendor for MultiCart {
    const NAME: &'static str = "multicart";

    type Envelope<W: DeserializeOwned> = Envelope<W>;

    fn unwrap<W: DeserializeOwned>(envelope: Envelope<W>) -> Result<W, Fault> {
        Ok(envelope.data)
    }

    fn refusal(response: &Response) -> Option<Fault> {
        let Wrapped { code, status, data } = serde_json::from_slice::<Wrapped<Value>>(response.body()).ok()?;
        refused(status.as_ref(), code.as_ref(), data.as_ref(), response.status())
    }

    /// `status` follows `data`, so that only the end of an answer can say that it was a success.
    fn verdict(seen: &Scalars, end: bool) -> Result<(), Fault> {
        let (status, code) = (seen.get("status"), seen.get("code"));
        if status.is_none() && !end {
            return Ok(());
        }
        match (refused(status, code, seen.get("data"), StatusCode::OK), succeeded(status, code)) {
            (Some(fault), _) => Err(fault),
            (None, Some(_)) => Ok(()),
            (None, None) => Err(Fault::new(ErrorKind::Decode, "", "the answer ended without a `status`")),
        }
    }
}

/// No rate is documented: this is our own caution. `TokenBuckets::set` changes it.
pub const CALLS: Limit = Limit::account("calls", Quota { per_second: 2.0, burst: 2 }).in_flight(4);
