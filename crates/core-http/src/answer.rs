//! An answer with everything around its value.

use crate::{Error, ErrorKind, Fault, Operation, Response, Result, Vendor, open_enum};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fmt, time::Duration};

/// What [`Client::exchange`](crate::Client::exchange) returns: the value and its circumstances.
#[non_exhaustive]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The HTTP status.
    pub status: http::StatusCode,
    /// The vendor's identifier of the answer, for its support.
    pub request_id: Option<String>,
    /// The HTTP headers.
    pub headers: http::HeaderMap,
    /// How often the request was sent or tried.
    pub attempts: u32,
    /// The time from the call to its answer, waits included.
    pub elapsed: Duration,
    /// The body as it came. It may lie in the connection's read buffer: copy it, if many are kept.
    pub body: Bytes,
    pub(crate) compare: fn(&[u8]) -> Result<Vec<Drift>>,
}

impl<T: fmt::Debug> fmt::Debug for Answer<T> {
    /// Without headers and body: in the answer of a token endpoint they hold the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("value", &self.value)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("attempts", &self.attempts)
            .field("elapsed", &self.elapsed)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl<T> Answer<T> {
    /// What in this answer our model does not know. Decodes the body again, so it costs only those who ask.
    ///
    /// # Errors
    /// None that the call itself would not have met: the same body has been decoded before.
    pub fn drift(&self) -> Result<Vec<Drift>> {
        (self.compare)(&self.body)
    }
}

/// One thing in an answer that our model does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// Where it stands, as `items[3].status`.
    pub path: String,
    /// What it is.
    pub kind: DriftKind,
    /// The value as the vendor sent it, shortened.
    pub value: String,
}

/// What our model does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftKind {
    /// A field without a place in the model, or whose value does not fit its place.
    Field,
    /// A value of an enum, or a type of item, without a name in the model.
    Value,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DriftKind::Field => "unknown field",
            DriftKind::Value => "unknown value",
        };
        write!(f, "{}: {what} {}", self.path, self.value)
    }
}

/// A saved body, read with our model.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The content as our model writes it.
    pub value: Value,
    /// What the model does not know.
    pub drift: Vec<Drift>,
}

/// The content of an answer that says nothing: whatever its body holds is passed over, and it may be empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nothing;

impl<'de> serde::Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Serialize for Nothing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// Reads a saved body as `W`, the content of an answer of `V`.
///
/// # Errors
/// The vendor's refusal, or [`ErrorKind::Decode`] with the JSON path.
pub fn inspect<V: Vendor, W: DeserializeOwned + Serialize>(body: &[u8]) -> Result<Inspection> {
    let response = http::Response::new(Bytes::copy_from_slice(body));
    // A saved body has lost its status, and an error list can pass for an answer of which every field is optional.
    if let Some(fault) = V::refusal(&response) {
        return Err(fault.into());
    }
    let value = serde_json::to_value(read::<V, W>(&response)?).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    Ok(Inspection { value, drift: drift::<V, W>(body)? })
}

/// Reads an answer in one pass; only on the way to an error is the body looked at again.
pub(crate) fn read<V: Vendor, W: DeserializeOwned>(response: &Response) -> Result<W> {
    if response.status().is_success() {
        return match json::<V::Envelope<W>>(response.body()) {
            Ok(envelope) => V::unwrap(envelope).map_err(Error::from),
            Err(error) => Err(V::refusal(response).map_or(error, Error::from)),
        };
    }
    Err(refused::<V>(response))
}

/// What an answer without a 2xx status means.
pub(crate) fn refused<V: Vendor>(response: &Response) -> Error {
    V::refusal(response).unwrap_or_else(|| gateway(response)).into()
}

/// What an answer outside the vendor's own form means: something in front of the vendor spoke.
pub(crate) fn gateway(response: &Response) -> Fault {
    let status = response.status();
    let kind = match status.as_u16() {
        401 | 403 | 407 => ErrorKind::Auth,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::Throttled,
        408 | 500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    };
    let message = if status.is_redirection() {
        "a redirect, which is never followed".to_owned()
    } else {
        format!("a gateway's answer, not the vendor's own: {}", excerpt(response.body()))
    };
    Fault::new(kind, "", message).with_status(status)
}

/// The first 200 bytes of a body as visible text, for a message. What looks like JSON is not shown: a damaged answer of
/// a token endpoint holds the token.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match visible.trim() {
        "" => "an empty body".to_owned(),
        json if json.starts_with(['{', '[', '"']) => format!("{} bytes that begin like JSON", body.len()),
        text => format!("`{text}`"),
    }
}

/// The words of a parser, which quote what they found however long it is.
fn brief(error: &serde_json::Error) -> String {
    const MOST: usize = 300;
    let text = error.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    // What was expected, and where, stands at the end.
    let end: Vec<char> = text.chars().rev().take(MOST / 2).collect();
    text.chars().take(MOST / 2).chain(['…']).chain(end.into_iter().rev()).collect()
}

/// Some servers put it before JSON; it means nothing there.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Decodes JSON; the error names the path of the field that does not fit.
///
/// # Errors
/// [`ErrorKind::Decode`].
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    // `Nothing` is read from any answer, and an answer without content is no JSON.
    let body = if body.is_empty() && size_of::<T>() == 0 { b"null" } else { body };
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    // The path costs a third of the speed, so it is looked for only when it is needed.
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) if error.path().iter().next().is_some() => {
            Err(Error::new(ErrorKind::Decode, format!("at `{}`: {}", error.path(), brief(error.inner()))))
        }
        Err(error) if matches!(error.inner().classify(), serde_json::error::Category::Data) => {
            Err(Error::new(ErrorKind::Decode, brief(error.inner())))
        }
        Err(error) => {
            let message = format!("not JSON ({}): {}", error.into_inner(), excerpt(body));
            Err(Error::new(ErrorKind::Decode, message))
        }
        Ok(_) => Err(Error::new(ErrorKind::Decode, "more text after the JSON value")),
    }
}

pub(crate) fn drift_of<O: Operation>(body: &[u8]) -> Result<Vec<Drift>> {
    drift::<O::Vendor, O::Wire>(body)
}

fn drift<V: Vendor, W: DeserializeOwned + Serialize>(body: &[u8]) -> Result<Vec<Drift>> {
    let raw: Value = V::unwrap(json::<V::Envelope<Value>>(body)?)?;
    let wire: W = V::unwrap(json::<V::Envelope<W>>(body)?)?;
    let known =
        open_enum::marking(|| serde_json::to_value(wire)).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    let mut found = Vec::new();
    compare(&raw, Some(&known), &mut String::new(), &mut found);
    Ok(found)
}

fn compare(raw: &Value, known: Option<&Value>, path: &mut String, found: &mut Vec<Drift>) {
    let at = path.len();
    match (raw, known) {
        (_, Some(Value::String(text))) if text.starts_with(open_enum::MARK) => {
            let value = Value::from(&text[open_enum::MARK.len()..]).to_string();
            found.push(Drift { path: path.clone(), kind: DriftKind::Value, value });
        }
        (Value::Object(raw), Some(Value::Object(known))) => {
            for (key, value) in raw {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(key);
                compare(value, known.get(key), path, found);
                path.truncate(at);
            }
        }
        (Value::Array(raw), Some(Value::Array(known))) => {
            // Lenient lists leave out `null` elements.
            let raw = raw.iter().enumerate().filter(|(_, value)| raw.len() == known.len() || !value.is_null());
            for (i, (place, value)) in raw.enumerate() {
                path.push_str(&format!("[{place}]"));
                compare(value, known.get(i), path, found);
                path.truncate(at);
            }
        }
        (raw, None) if !says_nothing(raw) => {
            found.push(Drift { path: path.clone(), kind: DriftKind::Field, value: short(raw) })
        }
        (Value::Object(_) | Value::Array(_), Some(_)) if !says_nothing(raw) => {
            found.push(Drift { path: path.clone(), kind: DriftKind::Field, value: short(raw) });
        }
        _ => {}
    }
}

/// `null` and an empty list are what vendors send for "nothing"; a model may leave them out.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(79).chain(['…']).collect() }
}
