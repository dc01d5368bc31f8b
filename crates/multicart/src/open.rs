//! Requests and answers of which the documentation does not say everything: the caller's fields, the vendor's JSON.

use crate::{CollectionId, MultiCart};
use bytes::Bytes;
use core_http::{Error, ErrorKind, Limits, Operation, Request, Result, Safety};
use http::{HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The fields of a request that the caller names, because the documentation does not.
///
/// ```
/// use multicart::{CollectionId, Fields, ListRuns};
/// let newest = ListRuns::new(Fields::naming("collection_id", CollectionId(101)).set("limit", 10));
/// # drop(newest);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// No field at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// One field that names a collection.
    pub fn naming(field: impl Into<String>, collection: CollectionId) -> Self {
        Self::new().set(field, collection.0)
    }

    /// With another field.
    pub fn set(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(field.into(), value.into());
        self
    }
}

/// What a category scrape has found: kept as it came, only `asins` is documented.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Category(pub Value);

impl Category {
    /// The products found, in a form that is not documented; none if the answer holds no such list.
    pub fn asins(&self) -> Option<&Vec<Value>> {
        self.0.get("asins")?.as_array()
    }
}

/// A call by its path, for what this crate has no type for.
///
/// The vendor's envelope is read as always and the content is kept as it came. It is never sent again after it may
/// have been applied, unless the caller says that it only reads.
///
/// ```
/// use multicart::Raw;
/// let profile = Raw::post("/users/profile", serde_json::json!({})).read_only();
/// # drop(profile);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an operation does nothing until a client calls it"]
pub struct Raw {
    method: Method,
    path: String,
    body: Option<Value>,
    safety: Safety,
}

impl Raw {
    /// A POST to a path below the base URL, written exactly as the vendor does: some end with a slash, some must not.
    pub fn post(path: impl Into<String>, body: impl Into<Value>) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body.into()), safety: Safety::Once }
    }

    /// A GET of a path below the base URL.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, safety: Safety::ReadOnly }
    }

    /// It changes nothing, so it may be sent again.
    pub fn read_only(mut self) -> Self {
        self.safety = Safety::ReadOnly;
        self
    }
}

impl Operation for Raw {
    type Vendor = MultiCart;
    type Wire = Value;
    type Output = Content;
    const NAME: &'static str = "raw";

    fn safety(&self) -> Safety {
        self.safety
    }

    fn limits(&self) -> Limits {
        vec![crate::CALLS]
    }

    fn request(&self) -> Result<Request> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().map_err(|error| Error::new(ErrorKind::Request, error))?;
        if let Some(body) = &self.body {
            *request.body_mut() = body.to_string().into();
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    fn output(&self, wire: Value) -> Result<Content> {
        Ok(match wire.pointer("/output/error").filter(|error| !error.is_null()) {
            Some(_) => Content::HiddenFailure(wire),
            None => Content::Plain(wire),
        })
    }
}

/// The content of an answer whose envelope says that it is a success.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Content {
    /// A success.
    Plain(Value),
    /// A failure inside the success: `output.error` is set, as the playground does when the credits have run out.
    HiddenFailure(Value),
}

impl Content {
    /// The content, if it is none that hides a failure.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] with the words of the hidden failure. Words are all that it has, so whether credits are
    /// missing is not told apart.
    pub fn plain(self) -> Result<Value> {
        match self {
            Self::Plain(content) => Ok(content),
            Self::HiddenFailure(content) => {
                let error = &content["output"]["error"];
                let message = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
                Err(core_http::Fault::new(ErrorKind::Rejected, "", message).into())
            }
        }
    }
}
