//! Runs of a collection: listed, started with care for what they cost.

use crate::{CollectionId, GetCredits, ListAsins, ListRuns, McClient, StartRun};
use core_http::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use std::{collections::BTreeSet, fmt};

/// A run, as its number or name stands in the path of its files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RunnerId(String);

impl RunnerId {
    /// The run of this number or name.
    pub fn new(id: impl fmt::Display) -> Self {
        Self(id.to_string())
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) if !text.is_empty() => Some(Self(text.clone())),
            Value::Number(number) => Some(Self(number.to_string())),
            _ => None,
        }
    }
}

impl fmt::Display for RunnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number or a text: which of them the wire has is not documented.
impl<'de> Deserialize<'de> for RunnerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value).ok_or_else(|| de::Error::custom("a run is named by a number or a text"))
    }
}

/// The history of runs: kept as it came, since only two fields of a run are documented.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Runs(pub Value);

impl Runs {
    /// The runs in it, in the order in which they came: the newest first, by the documentation.
    ///
    /// Whether they come as a list or in an object is not documented, so both are read: an object is a run if it says
    /// `is_download_generated`.
    pub fn iter(&self) -> impl Iterator<Item = Run> {
        let mut found = Vec::new();
        collect(&self.0, &mut found);
        found.into_iter()
    }
}

fn collect(value: &Value, found: &mut Vec<Run>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(object) => match object.get("is_download_generated") {
            Some(generated) => found.push(Run {
                id: object.get("runner_id").or_else(|| object.get("id")).and_then(RunnerId::read),
                is_download_generated: generated.as_bool(),
                download_links: object.get("download_links").cloned(),
                raw: value.clone(),
            }),
            None => object.values().for_each(|value| collect(value, found)),
        },
        _ => {}
    }
}

/// A run of a collection.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// Which run: `runner_id` or else `id`. That one of these names it is read, not documented.
    pub id: Option<RunnerId>,
    /// Whether all its files are there. "Completed" alone does not mean that.
    pub is_download_generated: Option<bool>,
    /// Its files, in a form that is not documented.
    pub download_links: Option<Value>,
    /// Everything that the answer says of it.
    pub raw: Value,
}

impl Run {
    /// The texts in `download_links`, whatever its form: addresses or paths, not documented which.
    pub fn links(&self) -> Vec<&str> {
        fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::String(text) => found.push(text),
                Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
                Value::Object(object) => object.values().for_each(|value| texts(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        if let Some(links) = &self.download_links {
            texts(links, &mut found);
        }
        found
    }

    /// The names of its files: the last part of each link, decoded. For [`GetFile`](crate::GetFile), never for a path of
    /// this machine.
    pub fn file_names(&self) -> Vec<String> {
        let name = |link: &str| {
            let path = link.split(['?', '#']).next().unwrap_or_default();
            let last = path.rsplit('/').next().unwrap_or_default();
            percent_decode_str(last).decode_utf8_lossy().into_owned()
        };
        self.links().into_iter().map(name).filter(|name| !name.is_empty()).collect()
    }
}

/// What came of starting a run.
#[derive(Debug)]
#[must_use = "an unknown start may have been charged"]
#[non_exhaustive]
pub enum Started {
    /// The service has taken it. What it answered is not documented; the new runs are those that `runs.results` shows
    /// beyond what it showed before, and may take a moment to appear.
    Accepted {
        /// The content of the answer.
        answer: Value,
        /// The runs that were there before.
        before: BTreeSet<RunnerId>,
    },
    /// Nothing was sent: the credits do not suffice.
    TooFewCredits {
        /// What the run would cost: one for each ASIN.
        needed: u64,
        /// What the account can spend.
        spendable: i64,
    },
    /// Nothing was sent: the run would cost more than was allowed.
    TooDear {
        /// What the run would cost: one for each ASIN.
        needed: u64,
        /// What it may cost.
        most: u64,
    },
    /// The answer was lost, and there are runs that were not there before: it seems to have started.
    Suggested {
        /// The runs that are new.
        new: BTreeSet<RunnerId>,
        /// How the answer was lost.
        error: Error,
    },
    /// The answer was lost, and nothing says whether it has started. Do not start it again before that is clear.
    Unknown {
        /// The runs that were there before.
        before: BTreeSet<RunnerId>,
        /// How the answer was lost.
        error: Error,
    },
}

/// Starts a run of a collection, once: it costs a credit for each ASIN.
///
/// First it counts the ASINs, reads the credits and the runs so far; `runs` is the question that lists the runs of this
/// collection. The run is never started a second time, however the first ended. Someone else on the account can start
/// one at the same moment, which is why a new run after a lost answer is a hint and no proof.
///
/// # Errors
/// When something before the start cannot be read (nothing was sent then), and when the service refuses the start.
pub async fn start(client: &McClient, collection: CollectionId, runs: ListRuns) -> Result<Started> {
    start_within(client, collection, runs, u64::MAX).await
}

/// [`start`], if it costs no more credits than these: a collection can have grown since somebody agreed to its cost.
///
/// # Errors
/// As those of [`start`].
pub async fn start_within(client: &McClient, collection: CollectionId, runs: ListRuns, most: u64) -> Result<Started> {
    let unread = |what: &str| Error::new(ErrorKind::Request, format!("{what} is not said; no run was started"));
    let counted = client.call(ListAsins::new(collection).with_count(1).limit(1)).await?;
    let needed = counted.total.ok_or_else(|| unread("how many ASINs the collection holds"))?;
    if needed > most {
        return Ok(Started::TooDear { needed, most });
    }
    let spendable = client.call(GetCredits::new()).await?.spendable().ok_or_else(|| unread("what can be spent"))?;
    if i64::try_from(needed).is_ok_and(|needed| needed > spendable) {
        return Ok(Started::TooFewCredits { needed, spendable });
    }
    let before = runner_ids(client, runs.clone()).await?;
    let error = match client.call(StartRun::new(collection)).await {
        Ok(answer) => return Ok(Started::Accepted { answer, before }),
        Err(error) if !error.may_have_been_applied() => return Err(error),
        Err(error) => error,
    };
    // What cannot be read now says nothing, and the start stays unknown.
    let after = runner_ids(client, runs).await.unwrap_or_default();
    let new: BTreeSet<RunnerId> = after.difference(&before).cloned().collect();
    Ok(if new.is_empty() { Started::Unknown { before, error } } else { Started::Suggested { new, error } })
}

/// The runs that a question shows.
///
/// # Errors
/// Those of the call.
pub async fn runner_ids(client: &McClient, runs: ListRuns) -> Result<BTreeSet<RunnerId>> {
    Ok(client.call(runs).await?.iter().filter_map(|run| run.id).collect())
}

impl crate::Credits {
    /// What can be spent: available less used and frozen. None if one of them is not said; available alone is not it.
    pub fn spendable(&self) -> Option<i64> {
        self.available?.checked_sub(self.used?)?.checked_sub(self.frozen?)
    }
}
