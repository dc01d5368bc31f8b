//! What became of each message: the report, joined with the document that the messages stand in.

use super::{
    FeedDocumentId, FeedIssue, FeedPart, FeedStage, GetFeedDocument, ProcessingStatus,
    document::unwritable,
    fit::Fit,
    report::{Report, is_refusal},
};
use crate::{Sku, SpClient};
use core_http::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{BufRead, BufReader, Lines},
    path::Path,
};

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageOutcome {
    /// The part of the submission that it stands in, from 1.
    pub part: u32,
    /// Its number in that part.
    pub message_id: u32,
    /// The listing that it changes.
    pub sku: Sku,
    /// What became of it.
    pub status: MessageStatus,
    /// What the report says about it.
    pub issues: Vec<FeedIssue>,
    /// Why it is neither accepted nor refused.
    pub reason: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageStatus {
    /// Taken in, and applied later or never: read the listing again.
    Accepted,
    /// Refused; nothing was changed. The issues say why.
    Invalid,
    /// The report does not say what became of it.
    Unreported,
    /// Its feed is not processed yet; resume later.
    Pending,
    /// It was not processed, and nothing was changed.
    NotDone,
    /// It may have been applied, and nothing says whether.
    Unknown,
}

/// What holds for all messages of a part.
enum Verdict {
    All(MessageStatus, String),
    Each { report: Box<Report>, fit: Fit },
}

impl FeedPart {
    /// What became of each of its messages, in their order, read from the document one by one. Before its feed has ended,
    /// that is [`MessageStatus::Pending`] or [`MessageStatus::NotDone`].
    ///
    /// The report is downloaded once, beside the document.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] if the document's file is not what was written. A report that cannot be had leaves its
    /// messages [`MessageStatus::Unknown`].
    pub async fn outcomes(
        &self,
        client: &SpClient,
    ) -> Result<impl Stream<Item = Result<MessageOutcome>> + Send + use<>> {
        let verdict = self.verdict(client).await;
        self.told(verdict)
    }

    /// The same outcome for every message.
    pub(super) fn all(
        &self,
        status: MessageStatus,
        reason: String,
    ) -> Result<impl Stream<Item = Result<MessageOutcome>> + Send + use<>> {
        self.told(Verdict::All(status, reason))
    }

    fn told(&self, verdict: Verdict) -> Result<impl Stream<Item = Result<MessageOutcome>> + Send + use<>> {
        let (messages, part) = (Messages::open(&self.path)?, self.number);
        Ok(stream::iter(messages.map(move |message| Ok(outcome(part, message?, &verdict)))))
    }

    async fn verdict(&self, client: &SpClient) -> Verdict {
        let all = |status, reason: &str| Verdict::All(status, reason.to_owned());
        let (feed, certain, status, document) = match &self.stage {
            FeedStage::Written | FeedStage::Uploaded { .. } => {
                return all(MessageStatus::NotDone, "no feed was made of its document");
            }
            FeedStage::Creating { .. } => {
                return all(MessageStatus::Unknown, "the answer to createFeed is lost, and no feed is known to be it");
            }
            FeedStage::Created { .. } => return all(MessageStatus::Pending, "its feed is not processed yet"),
            FeedStage::Ended { feed, certain, status, report } => (feed, *certain, status, report),
        };
        match (status, document) {
            // A feed that was found may be somebody else's.
            (ProcessingStatus::Cancelled, _) if certain => all(MessageStatus::NotDone, "its feed was cancelled"),
            (_, None) => {
                let ended = if certain { "ended" } else { "seems to be one that ended" };
                Verdict::All(MessageStatus::Unknown, format!("its feed {feed} {ended} as {status}, without a report"))
            }
            (_, Some(document)) => match self.report(client, document).await {
                Ok(report) => self.judged(report, certain),
                Err(error) => Verdict::All(MessageStatus::Unknown, format!("no report: {error}")),
            },
        }
    }

    /// The report, downloaded unless it is there already.
    async fn report(&self, client: &SpClient, document: &FeedDocumentId) -> Result<Report> {
        let path = self.report_path();
        if !path.exists() {
            let place = client.call(GetFeedDocument::new(document.clone())).await?;
            client.download_url(&place.url.url()?, &path).await?;
        }
        let read = tokio::task::spawn_blocking(move || Report::read(&path)).await;
        read.map_err(|error| Error::new(ErrorKind::Decode, error))?
    }

    /// Whether a feed that was found, and has ended with this report, may be its own. The report of one that cannot be is
    /// removed, to make place for that of the next.
    pub(super) async fn may_be_its_own(&self, client: &SpClient, document: &FeedDocumentId) -> Result<bool> {
        let report = match self.report(client, document).await {
            Ok(report) => report,
            // What it says will not be known later either.
            Err(error) if matches!(error.kind(), ErrorKind::Decode | ErrorKind::NotFound | ErrorKind::Rejected) => {
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let may = self.fit(&report, false)?.against.is_none();
        if !may {
            let path = self.report_path();
            std::fs::remove_file(&path).map_err(|error| unwritable(&path, &error))?;
        }
        Ok(may)
    }

    fn judged(&self, report: Report, certain: bool) -> Verdict {
        match self.fit(&report, certain) {
            Ok(Fit { against: Some(why), .. }) => {
                Verdict::All(MessageStatus::Unknown, format!("the report is not about this document: {why}"))
            }
            Ok(fit) => Verdict::Each { report: Box::new(report), fit },
            Err(error) => Verdict::All(MessageStatus::Unknown, error.to_string()),
        }
    }
}

fn outcome(part: u32, message: Message, verdict: &Verdict) -> MessageOutcome {
    let Message { message_id, sku } = message;
    let (status, issues, reason) = match verdict {
        Verdict::All(status, reason) => (*status, Vec::new(), Some(reason.clone())),
        Verdict::Each { report, fit } => {
            let issues = report.issues.get(&Some(i64::from(message_id))).cloned().unwrap_or_default();
            let listed = report.skus.contains(sku.as_str());
            if let Some(doubt) = fit.doubt(message_id, listed) {
                (MessageStatus::Unknown, issues, Some(doubt.to_owned()))
            } else if is_refusal(&issues) {
                (MessageStatus::Invalid, issues, None)
            } else if fit.complete || listed {
                (MessageStatus::Accepted, issues, None)
            } else {
                let reason = report.general().unwrap_or_else(|| "it is missing from the report".to_owned());
                (MessageStatus::Unreported, issues, Some(reason))
            }
        }
    };
    MessageOutcome { part, message_id, sku, status, issues, reason }
}

/// What is needed of a message to name it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) message_id: u32,
    pub(super) sku: Sku,
}

/// The messages of a document, which has one on each line between its first and its last.
pub(super) struct Messages {
    lines: Lines<BufReader<File>>,
    path: std::path::PathBuf,
}

impl Messages {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unwritable(path, &error))?;
        let mut lines = BufReader::new(file).lines();
        drop(lines.next());
        Ok(Self { lines, path: path.to_owned() })
    }
}

impl Iterator for Messages {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next()? {
            Ok(line) if line == "]}" => return None,
            Ok(line) => line,
            Err(error) => return Some(Err(unwritable(&self.path, &error))),
        };
        let message = serde_json::from_str(line.trim_end_matches(','));
        let name = |error| Error::new(ErrorKind::Request, format!("{}: {error}", self.path.display()));
        Some(message.map_err(name))
    }
}
