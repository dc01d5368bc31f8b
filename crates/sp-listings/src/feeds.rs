//! Feeds 2021-06-30: thousands of changes in one document, processed by Amazon later, with a report on each message.
//!
//! The operations are here as Amazon has them. With the feature `feeds` (on by default) a `FeedFolder` does a whole
//! submission: it splits messages into documents, uploads each, makes a feed of it once, waits, reads the report, and says
//! of every message what became of it. Its folder holds all that is needed to go on after a crash.
#![cfg_attr(feature = "feeds", doc = include_str!("feeds/workflow.md"))]

#[cfg(feature = "feeds")]
mod document;
#[cfg(feature = "feeds")]
mod fit;
#[cfg(feature = "feeds")]
mod folder;
#[cfg(feature = "feeds")]
mod message;
#[cfg(feature = "feeds")]
mod outcome;
#[cfg(feature = "feeds")]
mod part;
#[cfg(feature = "feeds")]
mod report;

pub use crate::generated::feeds::{
    CancelFeed, CompressionAlgorithm, CreateFeed, CreateFeedDocument, CreateFeedDocumentResponse,
    CreateFeedDocumentSpecification, CreateFeedResponse, CreateFeedSpecification, Feed, FeedDocument, Feeds, GetFeed,
    GetFeedDocument, GetFeeds, ProcessingStatus,
};
pub use crate::ids::{FeedDocumentId, FeedId};
#[cfg(feature = "feeds")]
pub use document::ListingsFeed;
#[cfg(feature = "feeds")]
pub use folder::FeedFolder;
#[cfg(feature = "feeds")]
pub use message::FeedMessage;
#[cfg(feature = "feeds")]
pub use outcome::{MessageOutcome, MessageStatus};
#[cfg(feature = "feeds")]
pub use part::{FeedPart, FeedStage, Progress};
#[cfg(feature = "feeds")]
pub use report::FeedIssue;

use core_http::{Job, Limits, Operation, Paged, Request, Result, Safety};
use serde::{Deserialize, Serialize};

/// The type of feeds that change listings; the older types are off since 2025-07-31.
pub const JSON_LISTINGS_FEED: &str = "JSON_LISTINGS_FEED";

/// Amazon takes the token of a page alone, and knows by it what was asked for.
impl Paged for GetFeeds {
    type Item = Feed;

    fn position(&self) -> Option<String> {
        self.next_token.clone()
    }

    fn next(&self, output: &Feeds) -> Option<Self> {
        let token = output.next_token.clone().filter(|token| !token.is_empty())?;
        Some(Self::new().next_token(token))
    }

    fn items(output: Feeds) -> Vec<Feed> {
        output.feeds
    }
}

/// Until a feed has been processed, cancelled or broken off: wait with [`Client::wait`](core_http::Client::wait), store it
/// when the patience runs out, and go on with it in another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AwaitFeed(GetFeed);

impl AwaitFeed {
    /// Waits for this feed.
    pub fn new(feed: FeedId) -> Self {
        Self(GetFeed::new(feed))
    }
}

impl Operation for AwaitFeed {
    type Vendor = crate::SpApi;
    type Wire = Feed;
    type Output = Feed;
    const NAME: &'static str = GetFeed::NAME;

    fn safety(&self) -> Safety {
        self.0.safety()
    }
    fn limits(&self) -> Limits {
        self.0.limits()
    }
    fn request(&self) -> Result<Request> {
        self.0.request()
    }
    fn output(&self, wire: Feed) -> Result<Feed> {
        self.0.output(wire)
    }
}

impl Job for AwaitFeed {
    type Done = Feed;

    fn done(&self, feed: Feed) -> Option<Feed> {
        use ProcessingStatus::{Cancelled, Done, Fatal};
        matches!(feed.processing_status, Done | Cancelled | Fatal).then_some(feed)
    }
}
