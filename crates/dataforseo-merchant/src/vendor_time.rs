//! Points in time as the vendor writes them.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A point in time as the vendor wrote it, such as `2026-07-20 09:37:13 +00:00`; the text is kept, whether it can be read or not.
///
/// ```
/// use dataforseo_merchant::VendorTime;
/// let time = VendorTime::new("2026-07-20 09:37:13 +00:00");
/// assert_eq!(time.timestamp(), Some("2026-07-20T09:37:13Z".parse()?));
/// assert_eq!(VendorTime::new("yesterday").timestamp(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct VendorTime(Box<str>);

impl VendorTime {
    /// The point in time in this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text as the vendor sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The point in time; `None` when the text is none that we know how to read.
    pub fn timestamp(&self) -> Option<Timestamp> {
        core_http::lenient::timestamp(&self.0)
    }
}

impl fmt::Display for VendorTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Written as the vendor writes it.
impl From<Timestamp> for VendorTime {
    fn from(time: Timestamp) -> Self {
        Self(time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string().into())
    }
}

impl<'de> Deserialize<'de> for VendorTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A number is no point in time, but what it was is kept.
        let text = core_http::lenient::option_string(deserializer)?;
        text.map(Self::new).ok_or_else(|| serde::de::Error::custom("a point in time is a text"))
    }
}
