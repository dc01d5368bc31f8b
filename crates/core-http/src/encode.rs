//! Builds a request whose arguments cannot break out of their place.
//!
//! Path arguments are encoded by RFC 3986, every byte outside the unreserved set, so that one argument is one segment
//! (a SKU may hold `/`, `#`, spaces and letters of any script). A list goes into one comma-separated parameter; a value
//! with a comma cannot be told apart there, so it is refused.

use crate::{Error, ErrorKind, Request, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::fmt::{self, Display, Write};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One path segment or query value, percent-encoded.
pub fn encode(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

/// Encodes what is written to it, without a text of its own.
struct Encoder<'a>(&'a mut String);

impl Write for Encoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(utf8_percent_encode(text, RESERVED));
        Ok(())
    }
}

fn push_encoded(text: &mut String, value: impl Display) {
    write!(Encoder(text), "{value}").expect("a text takes whatever is written to it");
}

/// The path before its arguments were put in: the low-cardinality name of a request in traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

/// Collects the parts of a request; what is wrong with them is said by [`build`](RequestBuilder::build).
#[derive(Debug)]
#[must_use = "a request is made by `build`"]
pub struct RequestBuilder {
    method: Method,
    template: &'static str,
    path: String,
    query: String,
    headers: http::HeaderMap,
    body: Bytes,
    error: Option<String>,
}

impl RequestBuilder {
    /// A request to a path template such as `/listings/2021-08-01/items/{sellerId}/{sku}`.
    pub fn new(method: Method, template: &'static str) -> Self {
        let (query, headers) = Default::default();
        Self { method, template, path: template.to_owned(), query, headers, body: Bytes::new(), error: None }
    }

    /// A GET request.
    pub fn get(template: &'static str) -> Self {
        Self::new(Method::GET, template)
    }

    /// A POST request.
    pub fn post(template: &'static str) -> Self {
        Self::new(Method::POST, template)
    }

    /// A PUT request.
    pub fn put(template: &'static str) -> Self {
        Self::new(Method::PUT, template)
    }

    /// A PATCH request.
    pub fn patch(template: &'static str) -> Self {
        Self::new(Method::PATCH, template)
    }

    /// A DELETE request.
    pub fn delete(template: &'static str) -> Self {
        Self::new(Method::DELETE, template)
    }

    /// Puts an argument into the template as one segment; empty, `.` and `..` would change the path and are refused.
    pub fn path(mut self, name: &str, value: impl Display) -> Self {
        // Arguments are encoded, so none of them can hold a brace that a later one would replace.
        let named =
            |(at, _): &(usize, &str)| self.path[at + 1..].strip_prefix(name).is_some_and(|rest| rest.starts_with('}'));
        let Some((at, _)) = self.path.match_indices('{').find(named) else { return self };
        let mut path = String::with_capacity(self.path.len() + 40);
        path.push_str(&self.path[..at]);
        push_encoded(&mut path, value);
        if matches!(&path[at..], "" | "." | "..") {
            return self.refuse(format!("`{name}` must not be empty, `.` or `..`"));
        }
        path.push_str(&self.path[at + name.len() + 2..]);
        self.path = path;
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.query_name(name);
        push_encoded(&mut self.query, value);
        self
    }

    fn query_name(&mut self, name: &str) {
        self.query.reserve(64);
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        push_encoded(&mut self.query, name);
        self.query.push('=');
    }

    /// Adds a query parameter if there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a list as one comma-separated parameter; an empty list adds nothing.
    pub fn csv<T: Display>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            if index == 0 {
                self.query_name(name);
            } else {
                self.query.push(',');
            }
            let start = self.query.len();
            push_encoded(&mut self.query, &value);
            if self.query.len() == start || self.query[start..].contains("%2C") {
                let message = format!("`{name}` is a comma-separated list, it cannot hold the value `{value}`");
                return self.refuse(message);
            }
        }
        self
    }

    /// Adds a header that is no secret.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(name, value);
                self
            }
            Err(_) => self.refuse(format!("header `{name}` holds a character that is not allowed there")),
        }
    }

    /// Sends a value as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.content("application/json", bytes.into()),
            Err(error) => {
                self.error.get_or_insert(format!("the body is not JSON: {error}"));
                self
            }
        }
    }

    /// Sends pairs as `application/x-www-form-urlencoded`.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.content("application/x-www-form-urlencoded;charset=UTF-8", body.into())
    }

    /// Sends fields and one file as `multipart/form-data`.
    pub fn multipart(self, fields: &[(&str, &str)], file: File<'_>) -> Self {
        let File { field, name, content_type, content } = file;
        if HeaderValue::from_str(content_type).is_err() {
            return self.refuse("the file's media type holds a character that is not allowed there".to_owned());
        }
        let boundary = format!("asin-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let mut body = Vec::with_capacity(content.len() + 512);
        for (name, value) in fields {
            let name = quotable(name);
            let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let (field, name) = (quotable(field), quotable(name));
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        self.content(&format!("multipart/form-data; boundary={boundary}"), body.into())
    }

    fn content(mut self, content_type: &str, body: Bytes) -> Self {
        self.body = body;
        let value = HeaderValue::from_str(content_type).expect("content types are made of visible ASCII");
        self.headers.insert(header::CONTENT_TYPE, value);
        self
    }

    fn refuse(mut self, message: String) -> Self {
        self.error.get_or_insert(message);
        self
    }

    /// The request.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] names the argument that cannot be sent, and why.
    pub fn build(self) -> Result<Request> {
        if let Some(message) = self.error {
            return Err(Error::new(ErrorKind::Request, message));
        }
        let mut target = self.path;
        target.push_str(&self.query);
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(target)
            .extension(UrlTemplate(self.template))
            .body(self.body)
            .map_err(|error| Error::new(ErrorKind::Request, error))?;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

/// A name between quotes in a part's head: what would end it is escaped as browsers do (WHATWG HTML, 4.10.22.8).
fn quotable(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A file in a `multipart/form-data` body.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// The name of the form field.
    pub field: &'a str,
    /// The file's name as told to the server.
    pub name: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// Its content.
    pub content: &'a [u8],
}
