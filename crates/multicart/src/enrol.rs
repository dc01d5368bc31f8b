//! Any number of ASINs into a collection, and what became of each.
//!
//! [`plan`] only reads: it says what is missing and whether there is room. [`Plan::send`] writes, and asks the list
//! afterwards: what the collection shows is what counts, whatever was answered or lost on the way. So a plan can be made
//! and sent again at any time, and nothing is enrolled twice.
//!
//! ```
//! use futures_util::stream;
//! use multicart::{CollectionId, enrol::{self, Outcome, Place, Way}};
//! # use std::sync::Arc;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let script = Arc::new(core_http::testing::Script::new());
//! # let row = r#"{"id":5,"asin":"B0DJQQ38TG","domain":{"id":1,"domain":"amazon.com.au"},"customer_postcode":{"id":15,"zipcode":"4500"}}"#;
//! # let list = format!(r#"{{"code":200,"data":[{row}],"status":1}}"#);
//! # let empty = r#"{"code":200,"data":[],"status":1}"#;
//! # script.answer(200, empty).answer(200, r#"{"code":200,"data":{"success_count":1,"error_rows":[]},"status":1}"#);
//! # script.then(move |_| Ok(core_http::testing::response(200, &list))).answer(200, empty);
//! # let client = multicart::Builder::new("prefix.secret").transport(script).build()?;
//! let place = Place::new("amazon.com.au", "4500");
//! let wanted = stream::iter(["B0DJQQ38TG".parse()?].map(|asin| place.watch(asin)));
//! let plan = enrol::plan(&client, CollectionId(101), wanted).await?;
//! plan.room()?; // 5,000 ASINs are the most that a collection takes
//! for (item, outcome) in plan.send(&client, Way::Csv).await? {
//!     assert!(matches!(outcome, Outcome::Added), "{}: {outcome:?}", item.asin);
//! }
//! # Ok(())
//! # }
//! ```

use crate::{AsinRow, AwaitIngested, CollectionId, CreateAsins, Enrolled, ImportAsins, ListAsins, McClient};
use core_http::{Asin, Error, Result};
use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, pin_mut};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

/// The most ASINs of a collection.
pub const COLLECTION_LIMIT: usize = 5_000;

/// The most rows of a CSV file.
pub const CSV_ROWS: usize = 5_000;

/// Where a product is watched: shop and postcode by their names, which the service looks up. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(Arc<(String, String)>);

impl Place {
    /// A shop by its exact name, such as `amazon.com.au`, and a postcode of it.
    pub fn new(domain: impl Into<String>, postcode: impl Into<String>) -> Self {
        Self(Arc::new((domain.into(), postcode.into())))
    }

    /// The shop.
    pub fn domain(&self) -> &str {
        &self.0.0
    }

    /// The postcode.
    pub fn postcode(&self) -> &str {
        &self.0.1
    }

    /// A product to be watched here.
    pub fn watch(&self, asin: Asin) -> Item {
        Item { place: self.clone(), asin, include_raw_html: false }
    }
}

/// A product to be watched at a place. Two of the same product and place are one: the service allows no more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// Where.
    pub place: Place,
    /// What.
    pub asin: Asin,
    /// Whether outputs hold the page itself too.
    pub include_raw_html: bool,
}

impl Item {
    /// With the page itself in its outputs.
    pub fn with_raw_html(mut self) -> Self {
        self.include_raw_html = true;
        self
    }

    fn key(&self) -> Key {
        (self.asin, self.place.clone())
    }
}

type Key = (Asin, Place);

/// How the missing ASINs are sent. Neither can set a `custom_id` or the form of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// CSV files of at most 5,000 rows.
    Csv,
    /// So many ASINs in one comma-joined text, place by place.
    Batches(usize),
}

/// What became of one ASIN.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub enum Outcome {
    /// The collection showed it before, or the service refused it and the collection shows it.
    AlreadyThere,
    /// The collection shows it now.
    Added,
    /// The service refused it, in these words, and the collection does not show it.
    Refused(String),
    /// The service did not refuse it, but the collection does not show it yet.
    NotShownYet,
    /// The answer was lost and the collection does not show it (yet).
    Unknown(Arc<Error>),
    /// Its part was not taken at all.
    Failed(Arc<Error>),
}

/// More ASINs than the collection takes; nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the collection holds {holds}, {missing} more would pass MultiCart's limit of {COLLECTION_LIMIT}; nothing was enrolled"
)]
#[non_exhaustive]
pub struct CollectionFull {
    /// How many ASINs it holds.
    pub holds: usize,
    /// How many more were wanted.
    pub missing: usize,
}

impl From<CollectionFull> for Error {
    fn from(full: CollectionFull) -> Self {
        Self::new(core_http::ErrorKind::Request, full)
    }
}

/// What is to be enrolled in a collection.
#[derive(Debug, Clone)]
#[must_use = "nothing is enrolled before `send`"]
pub struct Plan {
    collection: CollectionId,
    holds: usize,
    present: Vec<Item>,
    missing: Vec<Item>,
    patience: Duration,
}

/// Compares what is wanted with what the collection shows. Reads only.
///
/// # Errors
/// Those of the list.
pub async fn plan(client: &McClient, collection: CollectionId, wanted: impl Stream<Item = Item>) -> Result<Plan> {
    let shown = shown(client, collection).await?;
    let (mut present, mut missing, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    pin_mut!(wanted);
    while let Some(item) = wanted.next().await {
        let key = item.key();
        if seen.contains(&key) {
            continue;
        }
        if shown.items.contains(&key) {
            present.push(item)
        } else {
            missing.push(item)
        }
        seen.insert(key);
    }
    Ok(Plan { collection, holds: shown.rows, present, missing, patience: Duration::ZERO })
}

/// What a collection shows: how many rows, and which products at which places.
struct Shown {
    rows: usize,
    items: BTreeSet<Key>,
}

async fn shown(client: &McClient, collection: CollectionId) -> Result<Shown> {
    let rows: Vec<AsinRow> = client.pages(ListAsins::new(collection)).items().try_collect().await?;
    let key = |row: &AsinRow| {
        let (domain, postcode) = (row.domain.as_ref()?, row.postcode.as_ref()?);
        Some((row.asin?, Place::new(&*domain.domain, &*postcode.zipcode)))
    };
    Ok(Shown { rows: rows.len(), items: rows.iter().filter_map(key).collect() })
}

impl Plan {
    /// How many ASINs the collection holds.
    pub fn holds(&self) -> usize {
        self.holds
    }

    /// What it shows already of what is wanted.
    pub fn present(&self) -> &[Item] {
        &self.present
    }

    /// What it does not show.
    pub fn missing(&self) -> &[Item] {
        &self.missing
    }

    /// How long to wait, after sending, until the collection has taken everything in; by default not at all.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether the collection takes what is missing.
    ///
    /// # Errors
    /// The numbers, if it does not.
    pub fn room(&self) -> Result<(), CollectionFull> {
        let (holds, missing) = (self.holds, self.missing.len());
        if missing > 0 && holds + missing > COLLECTION_LIMIT {
            return Err(CollectionFull { holds, missing });
        }
        Ok(())
    }

    /// Sends what is missing and says what became of everything that was wanted.
    ///
    /// A part that fails does not stop the others; its error stands at each of its ASINs, unless the list shows them.
    ///
    /// # Errors
    /// [`CollectionFull`] with its numbers before anything is sent; and when the list cannot be read afterwards. Plan
    /// again then: the new plan knows what has arrived.
    pub async fn send(self, client: &McClient, way: Way) -> Result<Vec<(Item, Outcome)>> {
        self.room()?;
        let Self { collection, holds, present, missing, patience } = self;
        let mut outcomes: Vec<_> = present.into_iter().map(|item| (item, Outcome::AlreadyThere)).collect();
        if missing.is_empty() {
            return Ok(outcomes);
        }
        let (mut parts, mut expected) = (Vec::new(), holds as u64);
        for part in parts_of(missing, way) {
            let answer = send_part(client, collection, &part, way).await;
            if let Ok(answer) = &answer {
                expected += added(answer, part.len());
            }
            parts.push((part, answer.map_err(Arc::new)));
        }
        if !patience.is_zero() {
            let pace = Duration::from_secs(2).min(patience);
            let _shown_or_out_of_patience =
                client.wait(AwaitIngested::new(collection, expected), pace, patience).await?;
        }
        let shown = shown(client, collection).await?;
        for (part, answer) in parts {
            let refused = refusals(answer.as_ref().ok());
            for item in part {
                let outcome = outcome(shown.items.contains(&item.key()), refused.get(item.asin.as_str()), &answer);
                outcomes.push((item, outcome));
            }
        }
        Ok(outcomes)
    }
}

fn outcome(shown: bool, refused: Option<&String>, answer: &Result<Enrolled, Arc<Error>>) -> Outcome {
    match (shown, refused, answer) {
        (true, Some(_), _) => Outcome::AlreadyThere,
        (true, None, _) => Outcome::Added,
        (false, Some(reason), _) => Outcome::Refused(reason.clone()),
        (false, None, Ok(_)) => Outcome::NotShownYet,
        (false, None, Err(error)) if error.may_have_been_applied() => Outcome::Unknown(error.clone()),
        (false, None, Err(error)) => Outcome::Failed(error.clone()),
    }
}

/// The words of each refused row, by its ASIN. A refused row without an ASIN is of no use here.
fn refusals(answer: Option<&Enrolled>) -> BTreeMap<String, String> {
    let row = |row: &crate::RefusedRow| {
        Some((row.asin.as_ref()?.trim().to_owned(), row.error.clone().unwrap_or_else(|| "no reason given".to_owned())))
    };
    answer.map(|answer| answer.error_rows.iter().filter_map(row).collect()).unwrap_or_default()
}

/// How many rows of a part were taken.
fn added(answer: &Enrolled, sent: usize) -> u64 {
    let taken = answer.success_count.and_then(|count| u64::try_from(count).ok());
    taken.unwrap_or_else(|| sent.saturating_sub(answer.error_rows.len()) as u64)
}

/// Parts that one call can take. A text of joined ASINs has one place, and its raw HTML is asked for as a whole.
fn parts_of(items: Vec<Item>, way: Way) -> Vec<Vec<Item>> {
    let size = match way {
        Way::Csv => CSV_ROWS,
        Way::Batches(size) => size.clamp(1, COLLECTION_LIMIT),
    };
    let mut groups: BTreeMap<Option<(Place, bool)>, Vec<Item>> = BTreeMap::new();
    for item in items {
        let group = (way != Way::Csv).then(|| (item.place.clone(), item.include_raw_html));
        groups.entry(group).or_default().push(item);
    }
    groups.into_values().flat_map(|group| group.chunks(size).map(<[Item]>::to_vec).collect::<Vec<_>>()).collect()
}

async fn send_part(client: &McClient, collection: CollectionId, part: &[Item], way: Way) -> Result<Enrolled> {
    if way == Way::Csv {
        return client.call(ImportAsins::new(collection, csv(part)?)).await;
    }
    let Some(first) = part.first() else { return Ok(Enrolled::default()) };
    let asins = part.iter().map(|item| item.asin);
    let create = CreateAsins::new(collection, first.place.domain(), first.place.postcode(), asins);
    client.call(create.include_raw_html(first.include_raw_html)).await
}

/// The rows under the header that the service demands, in its order and spelling.
fn csv(part: &[Item]) -> Result<String> {
    let written = |error: &dyn fmt::Display| Error::new(core_http::ErrorKind::Request, error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["domain", "customer_postcode", "asin", "include_raw_html"])
        .map_err(|error| written(&error))?;
    for Item { place, asin, include_raw_html } in part {
        let raw = if *include_raw_html { "true" } else { "false" };
        writer.write_record([place.domain(), place.postcode(), asin.as_str(), raw]).map_err(|error| written(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| written(&error))?;
    String::from_utf8(bytes).map_err(|error| written(&error))
}
