//! The memory of paid tasks: each is written down before its request leaves, and its outcome before it is reported.
//!
//! A [`Ledger`] works in batches, each of which is stored whole or not at all, so that a database can make each one a
//! transaction. Here are a ledger in [memory](MemoryLedger) and one in an append-only [file](crate::FileLedger).

use crate::{AsinTask, Priority, SellersTask, Summary, Tag, TaskId};
use async_trait::async_trait;
use core_http::Asin;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Which result a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The product and its variants.
    Asin,
    /// The offers of all sellers.
    Sellers,
}

/// What a task asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskRequest {
    /// The product and its variants.
    Asin(AsinTask),
    /// The offers of all sellers.
    Sellers(SellersTask),
}

impl TaskRequest {
    /// Which result it asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Asin(_) => Kind::Asin,
            Self::Sellers(_) => Kind::Sellers,
        }
    }

    /// The product.
    pub fn asin(&self) -> Option<Asin> {
        self.summary().asin
    }

    /// How soon it is done.
    pub fn priority(&self) -> Priority {
        self.summary().priority
    }

    /// The caller's own tag.
    pub fn tag(&self) -> Option<&Tag> {
        self.summary().tag
    }

    fn summary(&self) -> Summary<'_> {
        match self {
            Self::Asin(task) => task.summary(),
            Self::Sellers(task) => task.summary(),
        }
    }
}

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
    /// What became of it.
    pub state: State,
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
        /// The last moment at which it can have been sent, by the vendor's clock where that was known.
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
    /// Made, billed, and its result stored by the caller.
    Collected {
        /// The vendor's id.
        id: TaskId,
        /// What it cost, USD.
        cost: Decimal,
    },
}

impl State {
    /// Whether nothing is left to be found out or collected.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Rejected { .. } | Self::Absent | Self::Collected { .. })
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
            (Self::Absent | Self::Rejected { .. }, Self::Created { .. }) => true,
            _ => false,
        }
    }
}

/// A ledger that could not do its work. Nothing is sent whose intent could not be recorded.
#[derive(Debug, thiserror::Error)]
#[error("ledger of paid tasks: {0}")]
pub struct LedgerError(String);

impl LedgerError {
    /// An error with this explanation.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Stores what was posted. Batches are of up to 100 tasks.
#[async_trait]
pub trait Ledger: Debug + Send + Sync + 'static {
    /// Stores new entries, all or none; they must survive a crash once this returns.
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError>;

    /// Stores what became of entries, all or none; it must survive a crash once this returns. A change that says nothing
    /// new (see [`State::may_become`]) or whose entry is not known is left out.
    async fn record(&self, changes: &[(Tag, State)]) -> Result<(), LedgerError>;

    /// One entry.
    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError>;

    /// The entries that are not [final](State::is_final), in the order of their tags.
    async fn unfinished(&self) -> Result<Vec<Entry>, LedgerError>;

    /// The entries that are known to exist at the vendor and were sent no earlier than this, by this machine's clock.
    async fn known_since(&self, sent: Timestamp) -> Result<Vec<Entry>, LedgerError>;
}

/// The entries of a ledger in this process's memory.
#[derive(Debug, Default)]
pub(crate) struct Entries(BTreeMap<Tag, Entry>);

impl Entries {
    pub fn intend(&mut self, entries: Vec<Entry>) {
        self.0.extend(entries.into_iter().map(|entry| (entry.tag.clone(), entry)));
    }

    /// The changes that say something new.
    pub fn news(&self, changes: &[(Tag, State)]) -> Vec<(Tag, State)> {
        let is_new = |(tag, state): &&(Tag, State)| self.0.get(tag).is_some_and(|entry| entry.state.may_become(state));
        changes.iter().filter(is_new).cloned().collect()
    }

    pub fn record(&mut self, changes: Vec<(Tag, State)>) {
        for (tag, state) in changes {
            if let Some(entry) = self.0.get_mut(&tag).filter(|entry| entry.state.may_become(&state)) {
                entry.state = state;
            }
        }
    }

    pub fn get(&self, tag: &Tag) -> Option<Entry> {
        self.0.get(tag).cloned()
    }

    pub fn unfinished(&self) -> Vec<Entry> {
        self.0.values().filter(|entry| !entry.state.is_final()).cloned().collect()
    }

    pub fn known_since(&self, sent: Timestamp) -> Vec<Entry> {
        self.0.values().filter(|entry| entry.sent >= sent && entry.state.id().is_some()).cloned().collect()
    }
}

/// A ledger that ends with the process: for tests, and for those who can lose what they paid for.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Entries>);

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        self.lock().intend(entries.to_vec());
        Ok(())
    }

    async fn record(&self, changes: &[(Tag, State)]) -> Result<(), LedgerError> {
        self.lock().record(changes.to_vec());
        Ok(())
    }

    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
        Ok(self.lock().get(tag))
    }

    async fn unfinished(&self) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.lock().unfinished())
    }

    async fn known_since(&self, sent: Timestamp) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.lock().known_since(sent))
    }
}
