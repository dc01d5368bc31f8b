//! One request as a vendor sees it, and one answer.

use std::cell::OnceCell;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;
use rust_decimal::Decimal;
use serde_json::Value;

/// A request that has arrived whole.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its number in the ledger.
    pub(crate) number: u64,
    pub(crate) method: Method,
    /// What is asked for, from the vendor's own root on.
    pub(crate) uri: Uri,
    /// The same as it stood on the wire, perhaps with a base path in front.
    pub(crate) asked: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) form: Form,
    /// The body as JSON, once somebody has asked for it.
    json: OnceCell<Option<Value>>,
}

/// The parts of a multipart form: names and contents.
pub(crate) type Form = Vec<(String, Bytes)>;

impl Call {
    /// A request with this number, whose path begins at the vendor's root.
    pub(crate) fn new(number: u64, parts: http::request::Parts, asked: String, body: Bytes, form: Form) -> Self {
        let http::request::Parts { method, uri, headers, .. } = parts;
        Self { number, method, uri, asked, headers, body, form, json: OnceCell::new() }
    }

    /// The decoded segments of the path. A slash inside a segment was encoded, an empty last one is a trailing slash.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.uri.path().trim_start_matches('/').split('/').map(|segment| decoded(segment, false)).collect()
    }

    /// The value of a query parameter, decoded once; the first one wins.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.uri.query().unwrap_or_default().split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key, true) == name).then(|| decoded(value, true))
        })
    }

    /// The parts of a comma-joined query parameter; empty when it is absent or holds nothing.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let joined = self.query(name).unwrap_or_default();
        joined.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }
}

/// Decodes percent signs; `plus` also reads `+` as a space, as in a query and never in a path.
fn decoded(text: &str, plus: bool) -> String {
    let text = if plus { text.replace('+', " ") } else { text.to_owned() };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Reads `application/x-www-form-urlencoded`.
pub(crate) fn form_fields(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// An answer, with what the ledger notes about it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) operation: &'static str,
    pub(crate) code: Option<i64>,
    pub(crate) did: String,
    pub(crate) charged: Decimal,
    /// So many generated rows in place of `body`.
    rows: u64,
}

/// The bytes of a generated row, with the comma or bracket before it.
const ROW: usize = 1024;

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type,
            body: body.into(),
            operation: "",
            code: None,
            did: String::new(),
            charged: Decimal::ZERO,
            rows: 0,
        }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A page as gateways in front of a vendor send it.
    pub(crate) fn html(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        let title = format!("{} {reason}", status.as_u16());
        let page =
            format!("<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n");
        Self::new(status, "text/html", page)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn operation(mut self, name: &'static str) -> Self {
        self.operation = name;
        self
    }

    pub(crate) fn did(mut self, what: impl Into<String>) -> Self {
        self.did = what.into();
        self
    }

    /// With a list of generated rows for its body.
    pub(crate) fn rows(mut self, rows: u64) -> Self {
        self.rows = rows;
        self
    }

    /// The whole answer on the wire.
    pub(crate) fn complete(mut self) -> axum::response::Response {
        if self.rows == 0 {
            let body = std::mem::take(&mut self.body);
            return self.into_response(body.into());
        }
        let rows = self.rows;
        let pieces = futures_util::stream::iter((0..rows).step_by(ROWS_AT_ONCE).map(move |first| {
            let last = rows.min(first + ROWS_AT_ONCE as u64);
            let mut piece: Vec<u8> = (first..last).flat_map(|number| row(number).into_bytes()).collect();
            if last == rows {
                piece.push(b']');
            }
            Ok::<Bytes, std::io::Error>(piece.into())
        }));
        let length = rows * ROW as u64 + 1;
        let mut response = self.into_response(axum::body::Body::from_stream(pieces));
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        response
    }

    /// The answer on the wire.
    pub(crate) fn into_response(self, body: axum::body::Body) -> axum::response::Response {
        let mut response = axum::response::Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(self.content_type));
        for (name, value) in self.headers {
            if let Ok(value) = http::HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// How many generated rows leave in one piece.
const ROWS_AT_ONCE: usize = 64;

/// A row of exactly [`ROW`] bytes.
fn row(number: u64) -> String {
    let begin = if number == 0 { '[' } else { ',' };
    let head = format!("{begin}{{\"asin\":\"B{number:09}\",\"title\":\"");
    format!("{head}{:x<width$}\"}}", "", width = ROW - head.len() - 2)
}
