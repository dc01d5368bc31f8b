//! Waiting for a write: `ACCEPTED` only says that Amazon has taken it in.
//!
//! What becomes of it is read from the listing: it shows what was sent, or it shows errors that it did not show before.
//! A price or stock counts as settled only where the listing shows it, never because the listing was changed somehow.

use crate::{
    EVERYBODY, GetListingsItem, IncludedData, Issue, Item, Marketplace, PatchOp, PatchOperation, SellerId, Severity,
    Sku, SpClient, Submission, SubmissionId,
    patch::{OFFERS, STOCK},
    price::decimal,
    submit::{Target, Write},
    vendor::is_not_listed,
};
use core_http::{Error, ErrorKind, Once, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What is written, and how the listing stood before: enough for any process to say what became of it.
///
/// Stored before the write is made, it is not lost with the process that makes it.
///
/// ```
/// # use core_http::testing::{Script, response};
/// use sp_listings::{Fate, Receipt, Settled};
/// use std::time::Duration;
/// # use sp_listings::{Builder, Credentials, ListingsItemPatchRequest, Marketplace, PatchListingsItem, Region, new_price};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let script = std::sync::Arc::new(Script::new());
/// # let mut written = false;
/// # script.always(move |request| Ok(response(200, &match (request.method().as_str(), written) {
/// #     ("POST", _) => r#"{"access_token": "Atza|1", "token_type": "bearer", "expires_in": 3600}"#.to_owned(),
/// #     ("PATCH", _) => { written = true; r#"{"sku": "S", "status": "ACCEPTED", "submissionId": "1"}"#.to_owned() }
/// #     (_, written) => serde_json::json!({"sku": "S", "attributes": {"purchasable_offer": [{"currency": "TRY",
/// #         "our_price": [{"schedule": [{"value_with_tax": if written { 75.5 } else { 80.0 }}]}]}]}}).to_string(),
/// # })));
/// # let credentials = Credentials::new("amzn1.application-oa2-client.1", "secret", "Atzr|token");
/// # let client = Builder::new(Region::Europe, credentials).transport(script).build()?;
/// # let body = ListingsItemPatchRequest::offer([new_price("TRY", "75.50".parse()?)]);
/// # let patch = PatchListingsItem::new("A1SELLER".try_into()?, "S".try_into()?, [Marketplace::TR], body);
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("receipt.json");
/// let (every, patience) = (Duration::from_secs(10), Duration::from_secs(600));
/// let receipt = Receipt::before(&client, &patch).await?;
/// std::fs::write(&path, serde_json::to_vec(&receipt)?)?;
/// let fate = receipt.submit_and_wait(&client, patch, every, patience).await?;
/// assert!(matches!(fate, Fate::Settled(Settled::Shown(_))));
///
/// // In another process, should this one have stopped somewhere on the way:
/// let receipt: Receipt = serde_json::from_slice(&std::fs::read(&path)?)?;
/// match receipt.wait(&client, every, patience).await? {
///     Some(settled) => assert!(matches!(settled, Settled::Shown(_))),
///     None => println!("it does not show: it is still on its way, or was never sent"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    seller: SellerId,
    sku: Sku,
    marketplaces: Vec<Marketplace>,
    submission: Option<SubmissionId>,
    change: Change,
    before: Before,
}

/// What a write changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Put(Map<String, Value>),
    Patch(Vec<PatchOperation>),
    Delete,
}

/// How a listing stood before a write.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Before {
    /// When it was last changed, by store.
    updated: Vec<(Marketplace, String)>,
    /// The codes and attributes of its errors.
    errors: Vec<(String, Vec<String>)>,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Settled {
    /// The listing shows all that was sent.
    Shown(Box<Item>),
    /// The listing was changed since, shows the prices and stocks that were sent, and no new error. The rest cannot be
    /// compared: Amazon shows pictures and texts in a form of its own.
    Changed(Box<Item>),
    /// The listing shows errors that it did not show before.
    Errors(Box<Item>, Vec<Issue>),
    /// The listing is gone, as it should be.
    Gone,
}

/// What is known of a write when the wait for it ends.
#[derive(Debug)]
#[must_use = "a write may have been refused"]
pub enum Fate {
    /// Amazon's answer was the end of it: it was refused, or it was a preview.
    Answered(Submission),
    /// It has settled.
    Settled(Settled),
    /// It has not settled yet, or it is not even known whether Amazon has taken it in: then `error` says why. Nothing
    /// must be sent again before [`Receipt::wait`] has told.
    Pending {
        /// What to wait with, now or in another process.
        receipt: Box<Receipt>,
        /// The failure of the write, or of the looks after it.
        error: Option<Error>,
    },
}

/// Makes a write, and looks at the listing every so often until it has settled or the patience has run out.
///
/// It is sent once, whatever it is ([`Once`]): a write without a readable answer is waited for like one that was accepted,
/// and the listing tells whether it was made.
///
/// # Errors
/// Those of the look before the write, and those of a write that cannot have been applied.
///
/// ```
/// use sp_listings::{Fate, PatchListingsItem, SpClient, submit_and_wait};
/// use std::time::Duration;
///
/// # async fn submit(client: &SpClient, patch: PatchListingsItem) -> Result<(), Box<dyn std::error::Error>> {
/// match submit_and_wait(client, patch, Duration::from_secs(5), Duration::from_secs(300)).await? {
///     Fate::Answered(refused) => println!("refused: {refused}"),
///     Fate::Settled(settled) => println!("{settled:?}"),
///     Fate::Pending { receipt, .. } => std::fs::write("receipt.json", serde_json::to_string(&receipt)?)?,
/// }
/// # Ok(())
/// # }
/// ```
pub async fn submit_and_wait<W: Write>(
    client: &SpClient,
    write: W,
    every: Duration,
    patience: Duration,
) -> Result<Fate> {
    Receipt::before(client, &write).await?.submit_and_wait(client, write, every, patience).await
}

impl Receipt {
    /// Reads how the listing stands before this write. Nothing is written yet: store the receipt, then
    /// [`submit_and_wait`](Receipt::submit_and_wait).
    ///
    /// # Errors
    /// As [`Client::call`](core_http::Client::call); a listing that is not there yet is none.
    pub async fn before<W: Write>(client: &SpClient, write: &W) -> Result<Self> {
        let Target { seller, sku, marketplaces, change } = write.target();
        let mut receipt = Self { seller, sku, marketplaces, submission: None, change, before: Before::default() };
        receipt.before = match client.call(receipt.read()).await {
            Ok(item) => Before::of(&item),
            Err(error) if is_not_listed(&error) => Before::default(),
            Err(error) => return Err(error),
        };
        Ok(receipt)
    }

    /// Makes the write that it was made for, and waits as [`submit_and_wait`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] for another write; those of a write that cannot have been applied.
    pub async fn submit_and_wait<W: Write>(
        mut self,
        client: &SpClient,
        write: W,
        every: Duration,
        patience: Duration,
    ) -> Result<Fate> {
        let Target { seller, sku, marketplaces, change } = write.target();
        if (&seller, &sku, &marketplaces, &change) != (&self.seller, &self.sku, &self.marketplaces, &self.change) {
            return Err(Error::new(ErrorKind::Request, "the receipt is that of another write; nothing was sent"));
        }
        let failure = match client.call(Once(write)).await {
            Ok(answer @ (Submission::Invalid(_) | Submission::Valid(_))) => return Ok(Fate::Answered(answer)),
            Ok(taken) => {
                self.submission = Some(taken.id().clone());
                None
            }
            Err(error) if error.may_have_been_applied() => Some(error),
            Err(error) => return Err(error),
        };
        let receipt = Box::new(self);
        Ok(match receipt.wait(client, every, patience).await {
            Ok(Some(settled)) => Fate::Settled(settled),
            Ok(None) => Fate::Pending { receipt, error: failure },
            Err(error) => Fate::Pending { receipt, error: failure.or(Some(error)) },
        })
    }

    /// Amazon's id of the submission, if its answer was read.
    pub fn submission(&self) -> Option<&SubmissionId> {
        self.submission.as_ref()
    }

    /// Looks at the listing every so often until the write has settled; `None` if the patience has run out before.
    ///
    /// # Errors
    /// As [`Client::call`](core_http::Client::call), except that failures that pass are waited out.
    pub async fn wait(&self, client: &SpClient, every: Duration, patience: Duration) -> Result<Option<Settled>> {
        let start = Instant::now();
        loop {
            match self.look(client).await {
                Ok(None) => {}
                Err(error) if passes(error.kind()) => tracing::debug!(%error, "a look at the listing failed"),
                settled => return settled,
            }
            if start.elapsed() + every > patience {
                return Ok(None);
            }
            sleep(every).await;
        }
    }

    /// Looks at the listing once; `None` if the write has not settled.
    ///
    /// # Errors
    /// As [`Client::call`](core_http::Client::call).
    pub async fn look(&self, client: &SpClient) -> Result<Option<Settled>> {
        match client.call(self.read()).await {
            Ok(item) => Ok(self.settled(item)),
            Err(error) if is_not_listed(&error) => Ok((self.change == Change::Delete).then_some(Settled::Gone)),
            Err(error) => Err(error),
        }
    }

    fn read(&self) -> GetListingsItem {
        GetListingsItem::new(self.seller.clone(), self.sku.clone(), self.marketplaces.clone()).included_data([
            IncludedData::Summaries,
            IncludedData::Issues,
            IncludedData::Attributes,
        ])
    }

    fn settled(&self, item: Item) -> Option<Settled> {
        if self.change == Change::Delete {
            return None;
        }
        let new = |issue: &&Issue| !self.before.errors.contains(&key(issue));
        let errors: Vec<Issue> = errors(&item).filter(new).cloned().collect();
        if !errors.is_empty() {
            return Some(Settled::Errors(Box::new(item), errors));
        }
        let changes = self.change.operations();
        let hidden: Vec<&PatchOperation> =
            changes.iter().filter(|change| !shows(&item, change, &self.marketplaces)).collect();
        if hidden.is_empty() {
            return Some(Settled::Shown(Box::new(item)));
        }
        let sells = |change: &&PatchOperation| [OFFERS, STOCK].contains(&change.attribute());
        let compared = !hidden.iter().any(sells);
        (compared && self.is_changed(&item)).then(|| Settled::Changed(Box::new(item)))
    }

    /// Whether every store's summary has another date of the last change than before.
    fn is_changed(&self, item: &Item) -> bool {
        let now = updated(item);
        self.marketplaces.iter().all(|store| {
            let mut of = now.iter().filter(|(marketplace, _)| marketplace == store).peekable();
            of.peek().is_some() && of.all(|date| !self.before.updated.contains(date))
        })
    }
}

impl Before {
    fn of(item: &Item) -> Self {
        Self { updated: updated(item), errors: errors(item).map(key).collect() }
    }
}

impl Change {
    /// A PUT as what it does to each of its attributes.
    fn operations(&self) -> Vec<PatchOperation> {
        match self {
            Self::Delete => Vec::new(),
            Self::Patch(changes) => changes.clone(),
            Self::Put(attributes) => {
                let instances = |value: &Value| value.as_array().cloned().unwrap_or_default();
                attributes.iter().map(|(name, value)| PatchOperation::replace(name, instances(value))).collect()
            }
        }
    }
}

fn updated(item: &Item) -> Vec<(Marketplace, String)> {
    let summaries = item.summaries.iter();
    summaries.map(|summary| (summary.marketplace_id.clone(), summary.last_updated_date.clone())).collect()
}

fn errors(item: &Item) -> impl Iterator<Item = &Issue> {
    item.issues.iter().filter(|issue| issue.severity == Severity::Error)
}

/// What makes two issues the same: their texts depend on the language.
fn key(issue: &Issue) -> (String, Vec<String>) {
    (issue.code.clone(), issue.attribute_names.clone())
}

fn passes(kind: ErrorKind) -> bool {
    use ErrorKind::{Busy, Connect, Interrupted, Throttled, Timeout, Unavailable};
    matches!(kind, Connect | Throttled | Busy | Unavailable | Timeout | Interrupted)
}

/// Whether the listing's attributes show what a change leaves behind, in every store of the call.
fn shows(item: &Item, change: &PatchOperation, stores: &[Marketplace]) -> bool {
    let Some(attributes) = &item.attributes else { return false };
    let stated = attributes.get(change.attribute()).and_then(Value::as_array);
    let stated: Vec<&Map<String, Value>> = stated.into_iter().flatten().filter_map(Value::as_object).collect();
    let mut sent = change.value.iter().filter_map(Value::as_object);
    if change.op == PatchOp::Delete {
        // What an instance does not say may be meant.
        let meant = |instance: &Map<String, Value>, selectors: &Map<String, Value>| {
            selectors.iter().all(|(key, value)| instance.get(key).is_none_or(|stated| says(stated, value)))
        };
        return !sent.any(|selectors| stated.iter().any(|instance| meant(instance, selectors)));
    }
    let whole = change.op != PatchOp::Merge;
    sent.all(|sent| {
        let text =
            |instance: &Map<String, Value>, key: &str| instance.get(key).and_then(Value::as_str).map(str::to_owned);
        let named = text(sent, "marketplace_id");
        let wanted = stores.iter().filter(|store| named.as_deref().is_none_or(|named| named == store.as_str()));
        let mut wanted = wanted.peekable();
        // What was sent for a store outside the call is shown by none of its stores.
        wanted.peek().is_some()
            && wanted.all(|store| {
                let here = |instance: &&&Map<String, Value>| {
                    text(instance, "marketplace_id").is_none_or(|id| id == store.as_str())
                        && (sent.contains_key("audience")
                            || text(instance, "audience").is_none_or(|whom| whom == EVERYBODY))
                };
                let mut stated = stated.iter().filter(here);
                stated.any(|instance| holds(instance, sent) && (!whole || adds_nothing(instance, sent)))
            })
    })
}

/// What Amazon adds to an instance that leaves it out.
const ADDED: [&str; 4] = ["marketplace_id", "language_tag", "audience", "currency"];

/// Whether an instance holds nothing beyond what was sent: a `replace` drops what it leaves out.
fn adds_nothing(stated: &Map<String, Value>, sent: &Map<String, Value>) -> bool {
    stated.iter().all(|(key, value)| sent.contains_key(key) || value.is_null() || ADDED.contains(&key.as_str()))
}

/// Whether an object holds all that another one says; null says that there is nothing.
fn holds(stated: &Map<String, Value>, sent: &Map<String, Value>) -> bool {
    sent.iter().all(|(key, sent)| match stated.get(key) {
        None => sent.is_null(),
        Some(stated) => says(stated, sent),
    })
}

fn says(stated: &Value, sent: &Value) -> bool {
    match (stated, sent) {
        (Value::Object(stated), Value::Object(sent)) => holds(stated, sent),
        (Value::Array(stated), Value::Array(sent)) => {
            stated.len() == sent.len() && stated.iter().zip(sent).all(|(stated, sent)| says(stated, sent))
        }
        _ if stated == sent => true,
        _ => match (decimal(stated), decimal(sent)) {
            (Some(stated), Some(sent)) => stated == sent,
            _ => moment(stated).is_some_and(|stated| moment(sent) == Some(stated)),
        },
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
