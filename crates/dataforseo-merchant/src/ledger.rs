//! The memory of paid tasks: each is written down before its request leaves, and its outcome before it is reported.
//!
//! A [`Ledger`] works in batches, each of which is stored whole or not at all, so that a database can make each one a
//! transaction, and is read page by page, so that it can be of any size. Here are a ledger in [memory](crate::MemoryLedger) and
//! one in an append-only [file](crate::FileLedger); another one shows that it keeps the rules by the conformance suite of
//! the feature `testing`.

use crate::{Tag, TaskId, TaskRequest};
use async_trait::async_trait;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

/// One task that was, or may have been, posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Our own tag, unique for ever; it is sent in front of the caller's.
    pub tag: Tag,
    /// What the caller asked for, with the caller's own tag.
    pub request: TaskRequest,
    /// The caller's note, given back with the result.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What was reserved for it, USD.
    pub reserved: Decimal,
    /// When it was about to be sent, by this machine's clock.
    pub sent: Timestamp,
    /// The same moment by the vendor's clock, if that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_sent: Option<Timestamp>,
    /// Whoever wrote the intent down may begin to send it until this moment of this machine's clock and never after it;
    /// until then nobody else may judge what became of it.
    #[serde(default = "never")]
    pub not_after: Timestamp,
    /// Whether it was answered at once, or was to be: the vendor keeps no result of such a task, and does not list it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    /// What became of it.
    pub state: State,
}

/// For how long sending an intent could begin that does not say so.
const LIFE: SignedDuration = SignedDuration::from_secs(60);

impl Entry {
    /// When it was about to be sent, by the vendor's clock where that was known.
    pub(crate) fn sent_from(&self) -> Timestamp {
        self.vendor_sent.unwrap_or(self.sent)
    }

    /// For how long sending it could begin.
    pub(crate) fn lease(&self) -> SignedDuration {
        match self.not_after.duration_since(self.sent) {
            lease if lease.is_positive() => lease,
            _ => LIFE,
        }
    }
}

/// Entries of the first files do not say how long they could be sent: a minute, as is judged wherever they are read.
fn never() -> Timestamp {
    Timestamp::MIN
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// About to be sent. Found so after a crash: it may have been sent.
    Intended,
    /// Sent without a readable answer: it may have been made and billed.
    Unknown {
        /// What happened.
        reason: String,
        /// The last moment at which it can have been sent, by the vendor's clock where that was known: when its outcome
        /// was learnt. It can lie after [`not_after`](Entry::not_after), if the machine slept meanwhile.
        at: Timestamp,
    },
    /// Made and billed; its result is still to be collected.
    Created {
        /// The vendor's id.
        id: TaskId,
        /// What it cost, USD.
        cost: Decimal,
    },
    /// Clearly refused: neither made nor billed.
    Rejected {
        /// The vendor's code; empty when the request never reached the vendor.
        code: String,
        /// The vendor's words, or ours.
        message: String,
    },
    /// Proved to be neither made nor billed.
    Absent,
    /// Given up without proof, on a person's word.
    WrittenOff {
        /// Why, in that person's words.
        reason: String,
        /// What it was taken to have cost, USD: nothing, if it was taken for not made.
        cost: Decimal,
    },
    /// Made, billed, and its result stored by the caller.
    Collected {
        /// The vendor's id.
        id: TaskId,
        /// What it cost, USD.
        cost: Decimal,
    },
}

/// The name of a [`State`], by which a ledger is read and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// [`State::Intended`].
    Intended,
    /// [`State::Unknown`].
    Unknown,
    /// [`State::Created`].
    Created,
    /// [`State::Rejected`].
    Rejected,
    /// [`State::Absent`].
    Absent,
    /// [`State::WrittenOff`].
    WrittenOff,
    /// [`State::Collected`].
    Collected,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 7] =
        [Self::Intended, Self::Unknown, Self::Created, Self::Rejected, Self::Absent, Self::WrittenOff, Self::Collected];
    /// Perhaps billed without anybody knowing.
    pub const OPEN: [Self; 2] = [Self::Intended, Self::Unknown];
    /// Billed, with a result to be collected.
    pub const PENDING: [Self; 1] = [Self::Created];
    /// Known to exist at the vendor.
    pub const KNOWN: [Self; 2] = [Self::Created, Self::Collected];

    /// The name in files and databases, such as `created`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Unknown => "unknown",
            Self::Created => "created",
            Self::Rejected => "rejected",
            Self::Absent => "absent",
            Self::WrittenOff => "written_off",
            Self::Collected => "collected",
        }
    }
}

impl State {
    /// Its name.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Intended => Stage::Intended,
            Self::Unknown { .. } => Stage::Unknown,
            Self::Created { .. } => Stage::Created,
            Self::Rejected { .. } => Stage::Rejected,
            Self::Absent => Stage::Absent,
            Self::WrittenOff { .. } => Stage::WrittenOff,
            Self::Collected { .. } => Stage::Collected,
        }
    }

    /// Whether nothing is left to be found out or collected.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Rejected { .. } | Self::Absent | Self::WrittenOff { .. } | Self::Collected { .. })
    }

    /// Whether it may have been billed without anybody knowing.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Intended | Self::Unknown { .. })
    }

    /// The vendor's id, once the task is known to exist.
    pub fn id(&self) -> Option<&TaskId> {
        match self {
            Self::Created { id, .. } | Self::Collected { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether `next` says more. Outcomes can be learnt twice and in any order (a late answer, a look at the vendor's
    /// list); what is known for certain is never replaced by what is not.
    pub fn may_become(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Intended | Self::Unknown { .. }, next) => *next != Self::Intended,
            (Self::Created { .. }, Self::Collected { .. }) => true,
            (Self::Absent | Self::WrittenOff { .. } | Self::Rejected { .. }, Self::Created { .. }) => true,
            _ => false,
        }
    }
}

/// A ledger that could not do its work. Nothing is sent whose intent could not be recorded.
#[derive(Debug, thiserror::Error)]
#[error("ledger of paid tasks: {message}")]
pub struct LedgerError {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl LedgerError {
    /// An error with this explanation.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// An error for this reason, which can be found as its source.
    pub fn because(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self { message: source.to_string(), source: Some(source) }
    }
}

/// The order in which a ledger is read: by tag, which is about the order in which the entries were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the least tag on.
    OldestFirst,
    /// From the greatest tag on.
    NewestFirst,
}

/// The next entries of a ledger.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Those in these stages.
    pub stages: &'a [Stage],
    /// Which come first.
    pub order: Order,
    /// Those behind this tag in that order.
    pub after: Option<&'a Tag>,
    /// At most so many.
    pub limit: usize,
}

/// How many entries are in which stage.
pub type Counts = BTreeMap<Stage, u64>;

/// Stores what was posted.
///
/// Batches are of up to 100 tasks, and each call is one transaction. What a call has stored survives a crash and is seen
/// by every later call, of other processes too where they share the ledger; a ledger that is for one process refuses a
/// second one when it is opened.
///
/// Where several processes share it, two rules keep a task from being paid twice. An intent is a lease: [`intend`]
/// refuses what somebody else has, and nobody else judges or repeats it before its [`not_after`](Entry::not_after), after
/// which nobody begins to send it. And a change that says nothing new is left out, so that whoever comes late harms nothing.
///
/// [`intend`]: Ledger::intend
#[async_trait]
pub trait Ledger: Debug + Send + Sync + 'static {
    /// Stores new entries, all or none; they must survive a crash once this returns.
    ///
    /// # Errors
    /// When it cannot store all of them, or a tag is there already, or the ledger has given the work to somebody else:
    /// then none is stored, and none is sent.
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError>;

    /// Stores what became of entries, all or none; it must survive a crash once this returns. A change that says nothing
    /// new (see [`State::may_become`]) or whose entry is not known is left out. Returns those that were stored, in their
    /// order: what somebody else has found out meanwhile is not among them.
    ///
    /// # Errors
    /// When it cannot; then nothing has changed.
    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError>;

    /// One entry.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError>;

    /// The entries of a page; none at the end.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError>;

    /// How many entries are in which stage; a stage without any may be left out.
    ///
    /// # Errors
    /// When they cannot be counted.
    async fn counts(&self) -> Result<Counts, LedgerError>;
}

/// The changes that say something new (see [`State::may_become`]), each to what the one before has left; of entries that are
/// not `known` there is none. For those who write a [`Ledger`].
pub fn news<'a>(changes: &'a [(Tag, State)], known: impl Fn(&Tag) -> Option<&'a State>) -> Vec<(Tag, State)> {
    let mut latest: BTreeMap<&Tag, &State> = BTreeMap::new();
    let mut news = Vec::new();
    for (tag, state) in changes {
        if latest.get(tag).copied().or_else(|| known(tag)).is_some_and(|now| now.may_become(state)) {
            latest.insert(tag, state);
            news.push((tag.clone(), state.clone()));
        }
    }
    news
}

/// How many entries are read at once.
const PAGE: usize = 500;

/// Streams the entries in these stages, a page at a time: those that are there all the while, each once.
pub(crate) fn entries(
    ledger: Arc<dyn Ledger>,
    stages: &'static [Stage],
    order: Order,
) -> impl Stream<Item = Result<Entry, LedgerError>> + Send {
    let pages = stream::try_unfold((ledger, None::<Tag>), move |(ledger, after)| async move {
        let page = ledger.page(Page { stages, order, after: after.as_ref(), limit: PAGE }).await?;
        let last = page.last().map(|entry| entry.tag.clone());
        Ok(last.map(|last| (stream::iter(page).map(Ok), (ledger, Some(last)))))
    });
    pages.try_flatten()
}
