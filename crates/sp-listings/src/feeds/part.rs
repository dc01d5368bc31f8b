//! One document on its way: a handle that can be stored before each step, and goes on from there in another process.

use super::{
    AwaitFeed, CreateFeed, CreateFeedDocument, CreateFeedDocumentSpecification, CreateFeedSpecification, Feed,
    FeedDocumentId, FeedId, GetFeeds, JSON_LISTINGS_FEED, ListingsFeed, ProcessingStatus,
};
use crate::{Marketplace, SellerId, SpClient};
use core_http::{Content, Error, ErrorKind, Job, Result};
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The media type of documents: the one that is announced, and the one that the upload names.
const MEDIA_TYPE: &str = "application/json; charset=UTF-8";
/// How long `createFeed` may take, its turn under our limits included. A turn that comes later is not waited for while
/// the handle says that the feed is being made: whoever stops then could not tell whether it was.
const SOON: Duration = Duration::from_secs(30);
/// How far the clocks of this machine and of Amazon may differ, …
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// … and how long after we began to send, a feed that is ours may have been made.
const LATEST: SignedDuration = SignedDuration::from_mins(15);

/// One document and its feed. Store it (it is serde) whenever [`advance`](FeedPart::advance) says that it has moved;
/// [`FeedFolder`](super::FeedFolder) does.
///
/// It cannot be cloned: of two handles of one document, each would make a feed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FeedPart {
    /// Its number in the submission, from 1.
    pub number: u32,
    /// How many parts the submission has.
    pub of: u32,
    /// The document's file.
    pub path: PathBuf,
    /// How many messages it holds.
    pub messages: u32,
    /// How many bytes it has.
    pub bytes: u64,
    /// The seller whose listings it changes.
    pub seller_id: SellerId,
    /// The stores that it is for.
    pub marketplace_ids: Vec<Marketplace>,
    /// The endpoint that it is submitted to, as [`FeedFolder::submit`](super::FeedFolder::submit) notes it; without one it may be
    /// gone on with anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How far it has got.
    pub stage: FeedStage,
    /// Where its numbers begin, at random; none in handles of before, whose numbers began at 1.
    #[serde(default)]
    pub(super) first_id: Option<u32>,
    /// Feeds that were found and are not its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    excluded: Vec<FeedId>,
    /// True from the decision to make the feed until the request leaves, and never after a restart.
    #[serde(skip)]
    armed: bool,
}

/// How far a document has got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeedStage {
    /// It is on disk; nothing was sent that counts.
    Written,
    /// Amazon has it, and does nothing with it yet.
    Uploaded {
        /// Amazon's id of it.
        document: FeedDocumentId,
    },
    /// Its feed is being made, or was made and the answer is lost. It is never made a second time.
    Creating {
        /// Amazon's id of the document.
        document: FeedDocumentId,
        /// When that began.
        since: Timestamp,
    },
    /// It has a feed.
    Created {
        /// Amazon's id of the document.
        document: FeedDocumentId,
        /// When its making began.
        since: Timestamp,
        /// The feed.
        feed: FeedId,
        /// Whether Amazon said so; else the feed was found, and is ours only if its report fits.
        certain: bool,
    },
    /// Its feed has ended.
    Ended {
        /// The feed.
        feed: FeedId,
        /// As in [`Created`](FeedStage::Created).
        certain: bool,
        /// How it ended.
        status: ProcessingStatus,
        /// The document with the report.
        report: Option<FeedDocumentId>,
    },
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a part that has moved is stored before its next step"]
#[non_exhaustive]
pub enum Progress {
    /// It is a step further: store it.
    Moved,
    /// Amazon is not done yet, or has no feeds to give for now (it is back at its uploaded document then: store it): ask
    /// again later.
    Waiting,
    /// Whether there is a feed cannot be told now: look again later.
    Unsure,
    /// Its feed has ended; there is no further step.
    Ended,
}

impl FeedPart {
    pub(super) fn written(
        number: u32,
        path: PathBuf,
        messages: u32,
        bytes: u64,
        first_id: u32,
        feed: &ListingsFeed,
    ) -> Self {
        Self {
            number,
            of: number,
            path,
            messages,
            bytes,
            seller_id: feed.seller_id.clone(),
            marketplace_ids: feed.marketplace_ids.clone(),
            endpoint: None,
            stage: FeedStage::Written,
            first_id: Some(first_id),
            excluded: Vec::new(),
            armed: false,
        }
    }

    /// The feed, once there is one.
    pub fn feed(&self) -> Option<&FeedId> {
        match &self.stage {
            FeedStage::Created { feed, .. } | FeedStage::Ended { feed, .. } => Some(feed),
            _ => None,
        }
    }

    /// Where the report is kept.
    pub(super) fn report_path(&self) -> PathBuf {
        self.path.with_extension("report")
    }

    /// Does one step; `others` are the feeds of other parts, which are never taken for this one's.
    ///
    /// # Errors
    /// Those of the calls; the part is where it was, or one step back at its uploaded document, and the step can be tried
    /// again. An answer of `createFeed` that is lost is no error: the part stays at [`FeedStage::Creating`], and its next
    /// step is to look for the feed.
    pub async fn advance(&mut self, client: &SpClient, others: &[FeedId]) -> Result<Progress> {
        match self.stage.clone() {
            FeedStage::Written => {
                let document = self.upload(client).await?;
                self.stage = FeedStage::Uploaded { document };
                Ok(Progress::Moved)
            }
            FeedStage::Uploaded { document } => {
                self.stage = FeedStage::Creating { document, since: Timestamp::now() };
                self.armed = true;
                Ok(Progress::Moved)
            }
            FeedStage::Creating { document, since } if std::mem::take(&mut self.armed) => {
                self.create(client, document, since).await
            }
            FeedStage::Creating { document, since } => match self.look(client, since, others).await? {
                Some(feed) => {
                    self.stage = FeedStage::Created { document, since, feed, certain: false };
                    Ok(Progress::Moved)
                }
                None => Ok(Progress::Unsure),
            },
            FeedStage::Created { document, since, feed, certain } => {
                let job = AwaitFeed::new(feed.clone());
                let Some(ended) = job.done(client.call(job.clone()).await?) else { return Ok(Progress::Waiting) };
                let (status, report) = (ended.processing_status, ended.result_feed_document_id);
                if !certain
                    && let Some(report) = &report
                    && !self.may_be_its_own(client, report).await?
                {
                    // Somebody else's: its own is looked for among the others.
                    self.excluded.push(feed);
                    self.stage = FeedStage::Creating { document, since };
                    return Ok(Progress::Moved);
                }
                self.stage = FeedStage::Ended { feed, certain, status, report };
                Ok(Progress::Moved)
            }
            FeedStage::Ended { .. } => Ok(Progress::Ended),
        }
    }

    async fn upload(&self, client: &SpClient) -> Result<FeedDocumentId> {
        let made = client.call(CreateFeedDocument::new(CreateFeedDocumentSpecification::new(MEDIA_TYPE))).await?;
        client.upload_url(&made.url.url()?, MEDIA_TYPE, Content::File(self.path.clone())).await?;
        Ok(made.feed_document_id)
    }

    async fn create(&mut self, client: &SpClient, document: FeedDocumentId, since: Timestamp) -> Result<Progress> {
        let of = CreateFeedSpecification::new(JSON_LISTINGS_FEED, self.marketplace_ids.clone(), document.clone());
        let soon = client.with(|options| options.deadline = options.deadline.min(SOON));
        match soon.call(CreateFeed::new(of)).await {
            Ok(made) => self.stage = FeedStage::Created { document, since, feed: made.feed_id, certain: true },
            Err(error) if error.may_have_been_applied() => {
                tracing::warn!(part = self.number, %error, "the answer to createFeed is lost; it is not sent again");
            }
            // Held back by our own limits, or refused for its pace: nothing was made.
            Err(error) if error.kind() == ErrorKind::Throttled => {
                self.stage = FeedStage::Uploaded { document };
                return Ok(Progress::Waiting);
            }
            Err(error) => {
                self.stage = FeedStage::Uploaded { document };
                return Err(error);
            }
        }
        Ok(Progress::Moved)
    }

    /// The one feed in Amazon's list that was made at that moment, for these stores, and is none of the others and none excluded.
    async fn look(&self, client: &SpClient, since: Timestamp, others: &[FeedId]) -> Result<Option<FeedId>> {
        let out_of_range = |error| Error::new(ErrorKind::Request, error);
        // Whole seconds, as Amazon writes them.
        let from = Timestamp::from_second(since.checked_sub(SKEW).map_err(out_of_range)?.as_second());
        let (from, to) = (from.map_err(out_of_range)?, since.checked_add(LATEST).map_err(out_of_range)?);
        let ask = GetFeeds::new().feed_types([JSON_LISTINGS_FEED]).created_since(from.to_string()).page_size(100);
        let ours = |feed: &Feed| {
            // What cannot be read may be ours.
            let made: Option<Timestamp> = feed.created_time.parse().ok();
            let in_time = made.is_none_or(|made| (from..=to).contains(&made));
            let stores = &feed.marketplace_ids;
            let for_us = stores.is_empty() || stores.iter().any(|store| self.marketplace_ids.contains(store));
            in_time && for_us && !others.contains(&feed.feed_id) && !self.excluded.contains(&feed.feed_id)
        };
        let listed: Vec<Feed> = client.pages(ask).items().try_collect().await?;
        let mut found = listed.into_iter().filter(ours);
        match (found.next(), found.next()) {
            (Some(feed), None) => Ok(Some(feed.feed_id)),
            _ => Ok(None),
        }
    }

    /// Reads a stored handle, whose document is beside it.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let unread = |error: String| Error::new(ErrorKind::Request, format!("{}: {error}", path.display()));
        let text = std::fs::read(path).map_err(|error| unread(error.to_string()))?;
        let mut part: Self = serde_json::from_slice(&text).map_err(|error| unread(error.to_string()))?;
        if let (Some(name), Some(folder)) = (part.path.file_name(), path.parent()) {
            part.path = folder.join(name);
        }
        Ok(part)
    }
}
