//! The processing report of a feed, read as a stream: its items may be as large as the listings.

use crate::Severity;
use core_http::{Error, ErrorKind, Result, lenient};
use flate2::read::MultiGzDecoder;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    marker::PhantomData,
    path::Path,
};

/// The largest report that is read, after decompression.
const LARGEST: u64 = 4 << 30;

/// What is wrong with a message, in the words of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FeedIssue {
    /// The message that is meant; none if it is the feed.
    #[serde(default, deserialize_with = "lenient::option_i64", skip_serializing_if = "Option::is_none")]
    pub message_id: Option<i64>,
    /// The SKU that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Amazon's code for it.
    #[serde(default, deserialize_with = "lenient::option_string", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in the language that was asked for.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message: String,
    /// The attribute that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute_name: Option<String>,
}

/// What a report says, without the listings that it holds.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) header: Header,
    pub(super) summary: Summary,
    /// By message; those of the feed as a whole stand under `None`.
    pub(super) issues: HashMap<Option<i64>, Vec<FeedIssue>>,
    /// The SKUs of the listings in it.
    pub(super) skus: HashSet<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) seller_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::option_string")]
    pub(super) feed_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    #[serde(default, deserialize_with = "lenient::option_i64")]
    pub(super) messages_processed: Option<i64>,
    #[serde(default, deserialize_with = "lenient::option_i64")]
    pub(super) messages_invalid: Option<i64>,
}

impl Report {
    /// Reads a report, compressed or not: that is told by its first bytes, since a transport may have inflated it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let unread = |error: &dyn fmt::Display| Error::new(ErrorKind::Decode, format!("the report: {error}"));
        let mut file = BufReader::new(File::open(path).map_err(|error| unread(&error))?);
        let compressed = file.fill_buf().map_err(|error| unread(&error))?.starts_with(&[0x1f, 0x8b]);
        let content: Box<dyn Read> = if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(content.take(LARGEST)));
        let report = deserializer.deserialize_map(Parts).map_err(|error| unread(&error))?;
        deserializer.end().map_err(|error| unread(&error))?;
        Ok(report)
    }

    /// What is wrong with the feed as a whole.
    pub(super) fn general(&self) -> Option<String> {
        let said: Vec<&str> = self.issues.get(&None)?.iter().map(|issue| issue.message.as_str()).collect();
        Some(said.join("; "))
    }
}

pub(super) fn is_refusal(issues: &[FeedIssue]) -> bool {
    issues.iter().any(|issue| issue.severity == Severity::Error)
}

/// The report as a whole, part by part in whatever order.
struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Report;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a processing report")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Report, M::Error> {
        let (mut report, mut summed) = (Report::default(), false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "header" => report.header = map.next_value()?,
                "summary" => (report.summary, summed) = (map.next_value()?, true),
                "issues" => map.next_value_seed(each(|issue: FeedIssue| {
                    report.issues.entry(issue.message_id).or_default().push(issue);
                }))?,
                "items" => map.next_value_seed(each(|item: Item| report.skus.extend(item.sku)))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if summed { Ok(report) } else { Err(serde::de::Error::missing_field("summary")) }
    }
}

/// A listing, of which only the name is of interest.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    sku: Option<String>,
}

/// Hands over the elements of a list one by one.
struct Each<T, F>(F, PhantomData<fn(T)>);

fn each<T, F: FnMut(T)>(then: F) -> Each<T, F> {
    Each(then, PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut elements: S) -> Result<(), S::Error> {
        while let Some(element) = elements.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}
