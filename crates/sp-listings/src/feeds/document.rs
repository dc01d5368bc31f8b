//! Messages become documents: one message a line, split where Amazon's limits are, never more in memory than one message.

use super::{FeedMessage, FeedPart};
use crate::{IncludedData, Marketplace, SellerId};
use core_http::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::{TryStreamExt, pin_mut};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    io,
    path::{Path, PathBuf},
};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
};

/// The most messages of a document (schema of the feed, `maxItems`).
const MOST_MESSAGES: u32 = 25_000;
/// The most bytes of a document, header included (docs "Feed size limits").
const MOST_BYTES: u64 = 10 << 20;
/// The largest `messageId` (schema of the feed, `maximum`).
pub(super) const LARGEST_ID: u32 = 2_147_483_647;
/// The most marketplaces of a feed (model, `maxItems`).
const MOST_MARKETPLACES: usize = 25;
const END: &[u8] = b"\n]}\n";

/// A feed of listings: whose, in which stores, and what its report shall hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[must_use = "a feed is written or submitted with messages"]
pub struct ListingsFeed {
    pub(super) seller_id: SellerId,
    pub(super) marketplace_ids: Vec<Marketplace>,
    issue_locale: Option<String>,
    included_data: Vec<IncludedData>,
    most_messages: u32,
    most_bytes: u64,
}

impl ListingsFeed {
    /// A feed for these stores. Its report will hold the issues of the listings: without asking for anything, Amazon says of
    /// a message no more than that it was accepted.
    pub fn new(seller: SellerId, marketplaces: impl IntoIterator<Item = Marketplace>) -> Self {
        Self {
            seller_id: seller,
            marketplace_ids: marketplaces.into_iter().collect(),
            issue_locale: None,
            included_data: vec![IncludedData::Issues],
            most_messages: MOST_MESSAGES,
            most_bytes: MOST_BYTES,
        }
    }

    /// The language of the issues, such as `en_US`; that of the first marketplace by default.
    pub fn issue_locale(mut self, locale: impl Into<String>) -> Self {
        self.issue_locale = Some(locale.into());
        self
    }

    /// What the report holds of each listing; the issues by default, and where nothing is named: an accepted message is known
    /// by its listing there.
    pub fn included_data(mut self, data: impl IntoIterator<Item = IncludedData>) -> Self {
        self.included_data = data.into_iter().collect();
        if self.included_data.is_empty() {
            self.included_data.push(IncludedData::Issues);
        }
        self
    }

    /// The most messages of a document; Amazon's 25,000 by default, and at most.
    pub fn most_messages(mut self, messages: u32) -> Self {
        self.most_messages = messages.clamp(1, MOST_MESSAGES);
        self
    }

    /// The most bytes of a document; Amazon's 10 MiB by default, and at most.
    pub fn most_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = bytes.min(MOST_BYTES);
        self
    }

    /// Writes messages into as many documents as they need, and sends nothing.
    ///
    /// A SKU may come once: which of two changes of one listing wins would not be known. That is remembered as eight bytes
    /// for each message; of the messages themselves, one is in memory at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] with the message, the field and the rule; for no message at all; and when the folder cannot be
    /// written. The first error of the messages themselves.
    pub async fn write(
        &self,
        messages: impl Stream<Item = Result<FeedMessage>> + Send,
        folder: impl AsRef<Path>,
    ) -> Result<Vec<FeedPart>> {
        if !(1..=MOST_MARKETPLACES).contains(&self.marketplace_ids.len()) {
            return refused(format!("a feed has 1 to {MOST_MARKETPLACES} marketplaces"));
        }
        let (folder, header) = (folder.as_ref(), self.header()?);
        tokio::fs::create_dir_all(folder).await.map_err(|error| unwritable(folder, &error))?;
        let (hasher, mut skus) = (RandomState::new(), HashSet::new());
        let (mut parts, mut open) = (Vec::<FeedPart>::new(), None::<Open>);
        pin_mut!(messages);
        while let Some(message) = messages.try_next().await? {
            if !skus.insert(hasher.hash_one(&message.sku)) {
                return refused(format!("`sku` must come once in a submission; `{}` comes again", message.sku));
            }
            let mut document = match open.take() {
                Some(document) => document,
                None => Open::create(folder, parts.len(), &header).await?,
            };
            if !document.take(&message, self).await? {
                parts.push(document.finish(self).await?);
                document = Open::create(folder, parts.len(), &header).await?;
                if !document.take(&message, self).await? {
                    let most = self.most_bytes;
                    return refused(format!("the message for `{}` alone is more than {most} bytes", message.sku));
                }
            }
            open = Some(document);
        }
        if let Some(document) = open {
            parts.push(document.finish(self).await?);
        }
        let Some(last) = parts.last() else { return refused("a feed without messages") };
        let of = last.number;
        parts.iter_mut().for_each(|part| part.of = of);
        Ok(parts)
    }

    /// The beginning of every document.
    fn header(&self) -> Result<Vec<u8>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Header<'a> {
            seller_id: &'a SellerId,
            version: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            issue_locale: Option<&'a str>,
            report: ReportHeader<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ReportHeader<'a> {
            included_data: &'a [IncludedData],
            api_version: &'static str,
        }
        let header = Header {
            seller_id: &self.seller_id,
            version: "2.0",
            issue_locale: self.issue_locale.as_deref(),
            report: ReportHeader { included_data: &self.included_data, api_version: "2021-08-01" },
        };
        let header = serde_json::to_string(&header).map_err(|error| Error::new(ErrorKind::Request, error))?;
        Ok(format!("{{\"header\":{header},\"messages\":[").into_bytes())
    }
}

/// A document that is being written.
struct Open {
    number: u32,
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    messages: u32,
    /// Where its numbers begin.
    first: u32,
    /// The `messageId`s in it, and the last one.
    ids: HashSet<u32>,
    last: u32,
}

impl Open {
    async fn create(folder: &Path, before: usize, header: &[u8]) -> Result<Self> {
        let number = u32::try_from(before + 1).map_err(|error| Error::new(ErrorKind::Request, error))?;
        let path = folder.join(format!("part-{number:04}.json"));
        let file = File::create(&path).await.map_err(|error| unwritable(&path, &error))?;
        let (first, file) = (first_id(), BufWriter::new(file));
        let mut open = Self { number, path, file, bytes: 0, messages: 0, first, ids: HashSet::new(), last: first - 1 };
        open.append(header).await?;
        Ok(open)
    }

    /// Takes a message if there is room for it and for the end of the document.
    async fn take(&mut self, message: &FeedMessage, feed: &ListingsFeed) -> Result<bool> {
        if self.messages >= feed.most_messages {
            return Ok(false);
        }
        let id = message.id.unwrap_or(self.last.saturating_add(1));
        let text = message.write(id, &feed.marketplace_ids)?;
        let before: &[u8] = if self.messages == 0 { b"\n" } else { b",\n" };
        let length = (before.len() + text.len() + END.len()) as u64;
        if self.bytes + length > feed.most_bytes {
            return Ok(false);
        }
        if !self.ids.insert(id) {
            let sku = &message.sku;
            return refused(format!("the message for `{sku}`: `messageId` {id} is in the document already"));
        }
        self.append(before).await?;
        self.append(&text).await?;
        (self.last, self.messages) = (id, self.messages + 1);
        Ok(true)
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.map_err(|error| unwritable(&self.path, &error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    async fn finish(mut self, feed: &ListingsFeed) -> Result<FeedPart> {
        self.append(END).await?;
        let synced = async {
            self.file.flush().await?;
            self.file.get_ref().sync_all().await
        };
        synced.await.map_err(|error| unwritable(&self.path, &error))?;
        Ok(FeedPart::written(self.number, self.path, self.messages, self.bytes, self.first, feed))
    }
}

/// Where the numbers of a document begin: at random, so that a number in a report tells whose document it is about.
/// There is room for all its messages. The random bits are those of the standard library's hash maps.
fn first_id() -> u32 {
    let starts = u64::from(LARGEST_ID - MOST_MESSAGES);
    u32::try_from(RandomState::new().hash_one(std::process::id()) % starts).map_or(1, |start| start + 1)
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Request, format!("{}: {error}", path.display()))
}

fn refused<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorKind::Request, message.into()))
}
