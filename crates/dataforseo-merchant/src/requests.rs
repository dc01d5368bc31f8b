//! What is asked for: requests that cannot say what the vendor would refuse.
//!
//! Exactly one location and one language, a data type with every postback, a tag that fits (seed 000).

use crate::Tag;
use core_http::Asin;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A request that the vendor would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {rule}")]
pub struct InvalidRequest {
    field: &'static str,
    rule: &'static str,
}

const fn invalid(field: &'static str, rule: &'static str) -> InvalidRequest {
    InvalidRequest { field, rule }
}

/// The place from which a page is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location(Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Name(String),
    Code(i64),
    Coordinate(String),
}

impl Location {
    /// By the vendor's code of it, such as 2840 for the United States.
    pub fn code(code: u32) -> Self {
        Self(Place::Code(code.into()))
    }

    /// By its full name, such as `HA1,England,United Kingdom`.
    pub fn name(name: impl Into<String>) -> Self {
        Self(Place::Name(name.into()))
    }

    /// By degrees of latitude and longitude, at most 7 decimals each, and a radius of at least 199.9.
    ///
    /// # Errors
    /// When one of the three is outside its range.
    pub fn coordinate(latitude: Decimal, longitude: Decimal, radius: Decimal) -> Result<Self, InvalidRequest> {
        let degrees =
            |degrees: Decimal, most: i64| degrees.abs() <= Decimal::from(most) && degrees.normalize().scale() <= 7;
        if !degrees(latitude, 90) || !degrees(longitude, 180) {
            return Err(invalid("location_coordinate", "has degrees of at most 7 decimals, up to 90 and 180"));
        }
        if radius < Decimal::new(1999, 1) {
            return Err(invalid("location_coordinate", "has a radius of at least 199.9"));
        }
        let [latitude, longitude, radius] = [latitude, longitude, radius].map(|number| number.normalize());
        Ok(Self(Place::Coordinate(format!("{latitude},{longitude},{radius}"))))
    }
}

/// The language in which a page is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(Word);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Word {
    Name(String),
    Code(String),
}

impl Language {
    /// By the vendor's code of it, such as `en_US`.
    pub fn code(code: impl Into<String>) -> Self {
        Self(Word::Code(code.into()))
    }

    /// By its full name, such as `English (United Kingdom)`.
    pub fn name(name: impl Into<String>) -> Self {
        Self(Word::Name(name.into()))
    }
}

/// How soon a task is done, and at which price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Within up to 45 minutes.
    #[default]
    Normal,
    /// Within minutes, for twice the price.
    High,
}

/// What the vendor posts to a postback address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostbackData {
    /// The result as `task_get/advanced` gives it.
    Advanced,
    /// The page itself.
    Html,
}

/// An address that the vendor calls; `$id` and `$tag` in it are replaced by the task's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// An `http` or `https` address, sent as it stands.
    ///
    /// # Errors
    /// When it is no such address, or holds a login.
    pub fn new(url: impl Into<String>) -> Result<Self, InvalidRequest> {
        let text = url.into();
        let url: url::Url = text.parse().map_err(|_| invalid("postback_url, pingback_url", "must be a whole URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("postback_url, pingback_url", "must be http or https, without a login"));
        }
        Ok(Self(text))
    }
}

/// What both requests consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields {
    asin: Asin,
    location: Location,
    language: Language,
    priority: Option<Priority>,
    domain: Option<String>,
    tag: Option<Tag>,
    postback: Option<(WebhookUrl, PostbackData)>,
    pingback: Option<WebhookUrl>,
}

/// The fields as the vendor names them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wire {
    asin: Option<Asin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_code: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_coordinate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    se_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postback_data: Option<PostbackData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pingback_url: Option<String>,
}

impl From<Fields> for Wire {
    fn from(fields: Fields) -> Self {
        let mut wire = Self {
            asin: Some(fields.asin),
            priority: fields.priority.map(|priority| if priority == Priority::High { 2 } else { 1 }),
            se_domain: fields.domain,
            tag: fields.tag,
            pingback_url: fields.pingback.map(|url| url.0),
            ..Self::default()
        };
        match fields.location.0 {
            Place::Name(name) => wire.location_name = Some(name),
            Place::Code(code) => wire.location_code = Some(code),
            Place::Coordinate(coordinate) => wire.location_coordinate = Some(coordinate),
        }
        match fields.language.0 {
            Word::Name(name) => wire.language_name = Some(name),
            Word::Code(code) => wire.language_code = Some(code),
        }
        (wire.postback_url, wire.postback_data) = fields.postback.map(|(url, data)| (url.0, data)).unzip();
        wire
    }
}

impl TryFrom<Wire> for Fields {
    type Error = InvalidRequest;

    fn try_from(wire: Wire) -> Result<Self, InvalidRequest> {
        let location = match (wire.location_name, wire.location_code, wire.location_coordinate) {
            (Some(name), None, None) => Place::Name(name),
            (None, Some(code), None) => Place::Code(code),
            (None, None, Some(coordinate)) => Place::Coordinate(coordinate),
            _ => return Err(invalid("location_name, location_code, location_coordinate", "must be exactly one")),
        };
        let language = match (wire.language_name, wire.language_code) {
            (Some(name), None) => Word::Name(name),
            (None, Some(code)) => Word::Code(code),
            _ => return Err(invalid("language_name, language_code", "must be exactly one")),
        };
        let priority = match wire.priority {
            None => None,
            Some(1) => Some(Priority::Normal),
            Some(2) => Some(Priority::High),
            Some(_) => return Err(invalid("priority", "must be 1 or 2")),
        };
        let postback = match (wire.postback_url, wire.postback_data) {
            (None, None) => None,
            (Some(url), Some(data)) => Some((WebhookUrl::new(url)?, data)),
            _ => return Err(invalid("postback_url, postback_data", "go together")),
        };
        Ok(Self {
            asin: wire.asin.ok_or(invalid("asin", "is missing"))?,
            location: Location(location),
            language: Language(language),
            priority,
            domain: wire.se_domain,
            tag: wire.tag,
            postback,
            pingback: wire.pingback_url.map(WebhookUrl::new).transpose()?,
        })
    }
}

macro_rules! request {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(into = "Wire", try_from = "Wire")]
        pub struct $name(Fields);

        impl From<$name> for Wire {
            fn from(request: $name) -> Self {
                request.0.into()
            }
        }

        impl TryFrom<Wire> for $name {
            type Error = InvalidRequest;
            fn try_from(wire: Wire) -> Result<Self, InvalidRequest> {
                wire.try_into().map(Self)
            }
        }

        impl $name {
            /// With what it cannot do without.
            pub fn new(asin: Asin, location: Location, language: Language) -> Self {
                let (priority, domain, tag, postback, pingback) = Default::default();
                Self(Fields { asin, location, language, priority, domain, tag, postback, pingback })
            }

            /// How soon it is done; [`Priority::Normal`] where nothing is said.
            pub fn priority(mut self, priority: Priority) -> Self {
                self.0.priority = Some(priority);
                self
            }

            /// The shop, such as `amazon.co.uk`; by default the vendor takes it from location and language.
            pub fn domain(mut self, domain: impl Into<String>) -> Self {
                self.0.domain = Some(domain.into());
                self
            }

            /// The caller's own name for it.
            pub fn tag(mut self, tag: Tag) -> Self {
                self.0.tag = Some(tag);
                self
            }

            /// Has the result posted to an address.
            pub fn postback(mut self, url: WebhookUrl, data: PostbackData) -> Self {
                self.0.postback = Some((url, data));
                self
            }

            /// Has an address called when the task is done.
            pub fn pingback(mut self, url: WebhookUrl) -> Self {
                self.0.pingback = Some(url);
                self
            }

            pub(crate) fn parts(&self) -> (Asin, Priority, Option<&Tag>) {
                (self.0.asin, self.0.priority.unwrap_or_default(), self.0.tag.as_ref())
            }
        }
    };
}

request! {
    /// Asks for a product by its ASIN: the page, and the ASINs of its variants.
    ///
    /// ```
    /// use dataforseo_merchant::{AsinTask, Language, Location};
    /// let task = AsinTask::new("B0EXAMPLE1".parse()?, Location::code(2840), Language::code("en_US"));
    /// let json = serde_json::to_value(task).expect("a request is JSON");
    /// assert_eq!(json, serde_json::json!({"asin": "B0EXAMPLE1", "location_code": 2840, "language_code": "en_US"}));
    /// # Ok::<(), core_http::InvalidAsin>(())
    /// ```
    AsinTask
}

request! {
    /// Asks for the offers of all sellers of an ASIN.
    SellersTask
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
