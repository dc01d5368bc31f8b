//! Writes down what went over the wire, without secrets, and answers from it.

use crate::{Request, Response, Transport, TransportError, TransportErrorKind};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Stands in a recording for what was secret.
const REMOVED: &str = "REMOVED";

/// Headers that hold secrets, beside those that are marked as such.
const SECRET_HEADERS: &[&str] =
    &["authorization", "cookie", "proxy-authorization", "set-cookie", "x-amz-access-token", "x-api-key"];

/// Fields of bodies, forms and queries that hold secrets. The address of a webhook is one as a whole: where webhooks are not
/// signed, a token in its path is all that tells the vendor from anybody else.
const SECRET_FIELDS: &[&str] = &[
    "access_token",
    "api_key",
    "client_secret",
    "http_url",
    "password",
    "pingback_url",
    "postback_url",
    "refresh_token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
];

/// A session's; as a part of other words it is no secret.
const TOKEN: &str = "token";

fn is_secret_field(name: &str) -> bool {
    SECRET_FIELDS.iter().chain([&TOKEN]).any(|secret| name.eq_ignore_ascii_case(secret))
}

/// One line of a recording.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    request: Sent,
    #[serde(flatten)]
    answer: Came,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sent {
    method: String,
    /// Path and query: what was recorded from one host can be replayed for another.
    target: String,
    headers: BTreeMap<String, String>,
    body: Content,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Came {
    Response { status: u16, headers: BTreeMap<String, String>, body: Content },
    Error(String),
}

/// A body: text where it is text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Bytes { base64: String },
}

impl Content {
    fn of(body: &[u8]) -> Self {
        match std::str::from_utf8(body) {
            Ok(text) => Self::Text(without_secrets(text)),
            Err(_) => Self::Bytes { base64: STANDARD.encode(body) },
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, base64::DecodeError> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Bytes { base64 } => STANDARD.decode(base64),
        }
    }
}

/// A text without the values of secret fields. A text that names one but is neither JSON nor a form, such as a token's
/// answer cut short, is left out as a whole.
fn without_secrets(text: &str) -> String {
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        return if clean(&mut value) { value.to_string() } else { text.to_owned() };
    }
    let pairs: Vec<&str> = text.split('&').collect();
    let secret =
        |pair: &str| pair.split_once('=').filter(|(name, _)| is_secret_field(name)).map(|(name, _)| name.len());
    if pairs.iter().any(|pair| secret(pair).is_some()) {
        let clean = pairs.iter().map(|pair| match secret(pair) {
            Some(name) => format!("{}={REMOVED}", &pair[..name]),
            None => (*pair).to_owned(),
        });
        return clean.collect::<Vec<_>>().join("&");
    }
    let lower = text.to_ascii_lowercase();
    let cut_short = lower.contains(&format!("\"{TOKEN}\""));
    if cut_short || SECRET_FIELDS.iter().any(|secret| lower.contains(secret)) {
        REMOVED.to_owned()
    } else {
        text.to_owned()
    }
}

/// Removes the values of secret fields; true if there were any.
fn clean(value: &mut Value) -> bool {
    let mut found = false;
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret_field(name) {
                    (*value, found) = (REMOVED.into(), true);
                } else {
                    found |= clean(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| found |= clean(value)),
        // Signed addresses of documents open them to whoever has them.
        Value::String(text) if text.starts_with("http") => {
            if let Some((address, query)) = text.split_once('?') {
                let query_without = without_secrets(query);
                if query_without != query {
                    (*text, found) = (format!("{address}?{query_without}"), true);
                }
            }
        }
        _ => {}
    }
    found
}

fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let secret = value.is_sensitive() || SECRET_HEADERS.contains(&name.as_str());
        let shown = if secret { REMOVED.to_owned() } else { String::from_utf8_lossy(value.as_bytes()).into_owned() };
        (name.as_str().to_owned(), shown)
    };
    headers.iter().map(text).collect()
}

impl Sent {
    fn of(request: &Request) -> Self {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let target = match target.split_once('?') {
            Some((path, query)) => format!("{path}?{}", without_secrets(query)),
            None => target.to_owned(),
        };
        let (method, headers) = (request.method().to_string(), headers(request.headers()));
        Self { method, target, headers, body: Content::of(request.body()) }
    }

    /// Whether it asks the same; headers, such as the user agent, may differ.
    fn asks(&self, other: &Self) -> bool {
        (&self.method, &self.target, &self.body) == (&other.method, &other.target, &other.body)
    }
}

/// Passes requests on and writes each with its answer as a line of JSON. Secrets are left out: what is in headers that
/// carry credentials, what token endpoints are told and answer, signed addresses, and addresses of webhooks.
pub struct Recorder<T> {
    inner: T,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl<T: fmt::Debug> fmt::Debug for Recorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<T: Transport> Recorder<T> {
    /// Writes to anything that can be written to.
    pub fn new(inner: T, sink: impl Write + Send + 'static) -> Self {
        Self { inner, sink: Mutex::new(Box::new(sink)) }
    }

    /// Appends to a file; one that it makes is its owner's alone, where the system knows owners.
    ///
    /// # Errors
    /// Those of opening the file.
    pub fn to_file(inner: T, path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self::new(inner, options.create(true).append(true).open(path)?))
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(&line)?;
        sink.flush()
    }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let sent = Sent::of(&request);
        let result = self.inner.send(request).await;
        let answer = match &result {
            Ok(response) => Came::Response {
                status: response.status().as_u16(),
                headers: headers(response.headers()),
                body: Content::of(response.body()),
            },
            Err(error) => Came::Error(name(error.kind()).to_owned()),
        };
        // The answer has come: a recording that cannot be written must not make it look lost.
        if let Err(error) = self.write(&Entry { request: sent, answer }) {
            tracing::warn!(%error, "an exchange could not be recorded");
        }
        result
    }
}

const KINDS: &[(TransportErrorKind, &str)] = &[
    (TransportErrorKind::Connect, "connect"),
    (TransportErrorKind::Tls, "tls"),
    (TransportErrorKind::Timeout, "timeout"),
    (TransportErrorKind::Interrupted, "interrupted"),
    (TransportErrorKind::TooLarge, "too_large"),
    (TransportErrorKind::Damaged, "damaged"),
];

fn name(kind: TransportErrorKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("other", |(_, name)| name)
}

/// Answers from a recording: the first unused answer to the same method, path, query and body.
#[derive(Debug)]
pub struct Replayer {
    entries: Mutex<Vec<Entry>>,
}

impl Replayer {
    /// Reads a recording.
    ///
    /// # Errors
    /// The number of the line that is no recorded exchange, and why.
    pub fn new(recording: &str) -> io::Result<Self> {
        let lines = recording.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let entries = lines.map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", number + 1)))
        });
        Ok(Self { entries: Mutex::new(entries.collect::<io::Result<_>>()?) })
    }

    /// Reads a recording from a file.
    ///
    /// # Errors
    /// As [`Replayer::new`], and those of reading the file.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::new(&std::fs::read_to_string(path)?)
    }

    /// How many recorded answers have not been asked for.
    pub fn left(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn other(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError::new(TransportErrorKind::Other, source)
}

#[async_trait]
impl Transport for Replayer {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let asked = Sent::of(&request);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = entries.iter().position(|entry| entry.request.asks(&asked)) else {
            let path = request.uri().path();
            return Err(other(format!("the recording has no answer left for {} {path}", request.method())));
        };
        match entries.remove(place).answer {
            Came::Error(name) => {
                let kind = KINDS.iter().find(|(_, known)| *known == name);
                Err(TransportError::new(kind.map_or(TransportErrorKind::Other, |(kind, _)| *kind), "recorded"))
            }
            Came::Response { status, headers, body } => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let body = body.bytes().map_err(|error| other(error.to_string()))?;
                response.body(body.into()).map_err(other)
            }
        }
    }
}
