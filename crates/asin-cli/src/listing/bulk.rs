//! `asin listing feed`: many changes at once, with an outcome for each.

use super::Where;
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::{duration, json_lines};
use crate::output::{Row, counted};
use crate::progress::counting;
use crate::session::{Seller, state_folder};
use crate::stop::stoppable;
use crate::table::{Column, Content, visible};
use asin_facade::Marketplace;
use asin_facade::core_http::{Error, ErrorKind};
use asin_facade::sp_listings::feeds::{FeedFolder, FeedMessage, FeedPart, ListingsFeed, MessageOutcome, MessageStatus};
use asin_facade::sp_listings::{
    ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace as Store, PatchOperation, Requirements, SellerId, Sku,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sends many changes in feeds, and says of every message what became of it
///
/// The file has a message a line, as Amazon's JSON_LISTINGS_FEED names their fields: sku, operationType (UPDATE,
/// PARTIAL_UPDATE, PATCH, DELETE), productType, attributes, patches. A line that is not right stops the whole before
/// anything is sent. Everything that is needed to go on is on disk before each step.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing feed changes.jsonl --marketplace DE --dry-run
  asin listing feed changes.jsonl -m DE --yes > outcomes.jsonl
  asin listing feed changes.jsonl -m DE --resume")]
pub struct Feed {
    /// The messages, one JSON object a line
    file: PathBuf,
    /// Go on with what was sent, instead of sending
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    resume: bool,
    /// The folder of this submission [default: .asin/feeds/ and the name of the file]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How long feeds are waited for once they are made
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    patience: Duration,
    /// How often Amazon is asked whether they are processed
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    every: Duration,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    at: Where,
}

/// One line of the file. Its `messageId` may stand there; documents are numbered anew.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "operationType",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Line {
    Update {
        #[serde(default, rename = "messageId")]
        _id: IgnoredAny,
        sku: Sku,
        product_type: String,
        requirements: Option<Requirements>,
        attributes: Map<String, Value>,
    },
    PartialUpdate {
        #[serde(default, rename = "messageId")]
        _id: IgnoredAny,
        sku: Sku,
        product_type: String,
        attributes: Map<String, Value>,
    },
    Patch {
        #[serde(default, rename = "messageId")]
        _id: IgnoredAny,
        sku: Sku,
        product_type: String,
        #[serde(deserialize_with = "super::body::patches")]
        patches: Vec<PatchOperation>,
    },
    Delete {
        #[serde(default, rename = "messageId")]
        _id: IgnoredAny,
        #[serde(default, rename = "productType")]
        _type: IgnoredAny,
        sku: Sku,
    },
}

impl Line {
    /// What is done to which SKU.
    fn what(&self) -> (&'static str, &Sku) {
        match self {
            Self::Update { sku, .. } => ("UPDATE", sku),
            Self::PartialUpdate { sku, .. } => ("PARTIAL_UPDATE", sku),
            Self::Patch { sku, .. } => ("PATCH", sku),
            Self::Delete { sku, .. } => ("DELETE", sku),
        }
    }

    fn message(self) -> FeedMessage {
        match self {
            Self::Update { sku, product_type, requirements, attributes, .. } => {
                let listing = ListingsItemPutRequest::new(product_type, attributes);
                let listing = match requirements {
                    Some(requirements) => listing.requirements(requirements),
                    None => listing,
                };
                FeedMessage::update(sku, listing)
            }
            Self::PartialUpdate { sku, product_type, attributes, .. } => {
                FeedMessage::partial_update(sku, product_type, attributes)
            }
            Self::Patch { sku, product_type, patches, .. } => {
                FeedMessage::patch(sku, ListingsItemPatchRequest::new(product_type, patches))
            }
            Self::Delete { sku, .. } => FeedMessage::delete(sku),
        }
    }
}

impl Row for MessageOutcome {
    const COLUMNS: &'static [Column] = &[
        Column("part", Content::Number),
        Column("message", Content::Number),
        Column("sku", Content::Word),
        Column("status", Content::Word),
        Column("said", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let status = serde_json::json!(self.status).as_str().unwrap_or_default().to_owned();
        let code = |code: Option<&String>| code.map_or_else(String::new, |code| format!("{code}: "));
        let issues = self.issues.iter().map(|issue| format!("{}{}", code(issue.code.as_ref()), issue.message));
        let said: Vec<String> = issues.chain(self.reason.clone()).collect();
        vec![self.part.to_string(), self.message_id.to_string(), self.sku.to_string(), status, said.join("; ")]
    }
}

/// Refuses to go on with what was sent for somebody else, to another store, or elsewhere.
fn own(parts: &[FeedPart], seller: &Seller, store: Marketplace, state: &Path) -> Result<(), Failure> {
    let (stores, endpoint) = ([store.listings()], seller.client.base());
    // A handle that does not say where it was sent is taken as sent here.
    let is_own = |part: &&FeedPart| {
        part.seller_id == seller.id
            && part.marketplace_ids == stores
            && part.endpoint.as_ref().is_none_or(|at| *at == endpoint)
    };
    let Some(part) = parts.iter().find(|part| !is_own(part)) else { return Ok(()) };
    let held = whose(&part.seller_id, &part.marketplace_ids, part.endpoint.as_ref().unwrap_or(&endpoint));
    let asked = whose(&seller.id, &stores, &endpoint);
    let why = format!("{} holds a submission of {held}; this is {asked}: nothing was sent", state.display());
    let next = "name the account and the store that it was sent for; `--state DIR` begins another submission";
    Err(Failure::usage(why).next(next))
}

/// A seller, its stores, and at which endpoint.
fn whose(seller: &SellerId, stores: &[Store], endpoint: &str) -> String {
    let stores: Vec<&str> = stores.iter().map(Store::as_str).collect();
    format!("{seller} for {} at {endpoint}", stores.join(", "))
}

/// A failure of a feed, with how to go on; `own` is whether one can with what the folder holds, if it holds anything.
fn told(error: Error, own: Option<Result<(), Failure>>) -> Failure {
    let held = own.filter(|_| error.kind() == ErrorKind::Request);
    let failure = Failure::from(error).look("`--resume` goes on, and finds out whether the feed was made");
    match held {
        Some(Ok(())) => failure.next("`--resume` goes on with it, `--state DIR` begins another"),
        Some(Err(stranger)) => stranger,
        None => failure,
    }
}

/// What a submission's documents say, but for their random numbers.
fn said(parts: &[FeedPart]) -> Result<Vec<Value>, Failure> {
    let mut said = Vec::new();
    for part in parts {
        let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", part.path.display()));
        let text = std::fs::read(&part.path).map_err(|error| named(&error))?;
        let mut document: Value = serde_json::from_slice(&text).map_err(|error| named(&error))?;
        for message in document["messages"].as_array_mut().into_iter().flatten() {
            let mut message = message.take();
            drop(message.as_object_mut().and_then(|fields| fields.shift_remove("messageId")));
            said.push(message);
        }
    }
    Ok(said)
}

/// Refuses to tell of a file what was sent of another, or before it was changed.
async fn compare(held: &[FeedPart], feed: &ListingsFeed, file: &Path, state: &Path) -> Result<(), Failure> {
    if held.is_empty() {
        return Ok(());
    }
    if !file.exists() {
        say(&format!("asin: {} is not there; {} holds what was sent", file.display(), state.display()));
        return Ok(());
    }
    let next = "`--resume` needs the file as it was sent, or none; `--state DIR` begins another submission";
    let lines: Vec<Line> = json_lines(file, "messages").map_err(|wrong| wrong.next(next))?;
    let again = tempfile::tempdir().map_err(Failure::work)?;
    let now = feed.write(stream::iter(lines).map(|line| Ok(line.message())), again.path()).await?;
    if said(&now)? == said(held)? {
        return Ok(());
    }
    let why = format!("{} is not what was sent from {}", file.display(), state.display());
    Err(Failure::usage(why).next(next))
}

/// How many messages of each kind, and by name what does not come back.
fn subject(lines: &[Line], store: Marketplace) -> String {
    let mut kinds: BTreeMap<&str, Vec<&Sku>> = BTreeMap::new();
    lines.iter().map(Line::what).for_each(|(kind, sku)| kinds.entry(kind).or_default().push(sku));
    let counts: Vec<String> = kinds.iter().map(|(kind, skus)| format!("{} {kind}", skus.len())).collect();
    let mut text = format!("A feed for {store} with {}: {}.", counted(lines.len(), "message"), counts.join(", "));
    for (kind, what) in [("DELETE", "deleted for good"), ("UPDATE", "replaced as a whole")] {
        for sku in kinds.get(kind).into_iter().flatten() {
            let _ = write!(text, "\n{what}: {}", visible(sku.as_str()));
        }
    }
    text
}

pub async fn feed(arguments: Feed) -> Ended {
    let Where { marketplace: store, output, selling } = arguments.at;
    let name = arguments.file.file_stem().unwrap_or(arguments.file.as_os_str());
    let state = arguments.state.unwrap_or_else(|| state_folder("feeds").join(name));
    let folder = FeedFolder::new(&state).every(arguments.every).patience(arguments.patience);
    let lines: Vec<Line> = if arguments.resume { Vec::new() } else { json_lines(&arguments.file, "messages")? };
    let total = lines.len();
    let seller = selling.seller().await?;
    if !arguments.resume {
        let subject = subject(&lines, store);
        if let Some(ended) = arguments.leave.refused(subject, "Send it to Amazon?").await? {
            return Ok(ended);
        }
    }
    let feed = ListingsFeed::new(seller.id.clone(), [store.listings()]);
    if arguments.resume {
        let held = folder.parts()?;
        own(&held, &seller, store, &state)?;
        compare(&held, &feed, &arguments.file, &state).await?;
    }
    let bar = counting("messages", total, output.format());
    let outcomes = match arguments.resume {
        true => folder.resume(&seller.client).boxed(),
        false => {
            let messages = stream::iter(lines).map(|line| Ok(line.message()));
            folder.submit(&seller.client, &feed, messages).boxed()
        }
    };
    let work = async {
        let (mut rows, mut tally, mut outcomes) = (output.rows(), Tally::default(), outcomes);
        while let Some(outcome) = outcomes.try_next().await.map_err(|error| {
            let held = folder.parts().ok().filter(|held| !held.is_empty());
            told(error, held.map(|held| own(&held, &seller, store, &state)))
        })? {
            bar.inc(1);
            tally.mark(outcome.status == MessageStatus::Accepted);
            rows.push(&outcome)?;
        }
        bar.finish_and_clear();
        rows.end()?;
        Ok(tally.end())
    };
    stoppable(work, async { format!("`--resume` goes on from {}", state.display()) }).await
}
