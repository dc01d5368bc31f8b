//! What a receiver needs from its owner: which tasks are expected, and a place for what arrives.

use super::{Pingback, Postback};
use crate::{Collected, Entry, Ledger, State, Tag, TaskId, TaskResult, Tasks};
use async_trait::async_trait;
use std::{fmt, sync::Arc};

/// Why something could not be stored or looked up.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// What is known about a task that a webhook names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// It was posted, and nothing of it is stored.
    Expected,
    /// Its result is stored.
    Stored,
    /// Nobody here has posted it, or not with this address: it is another program's, or forged.
    Unknown,
}

/// Which task a webhook says it is about, and how far its address can be believed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Delivery<'a> {
    /// The vendor's id.
    pub id: &'a TaskId,
    /// The tag that the task was posted with.
    pub tag: Option<&'a str>,
    /// The part whose [token](super::Token::for_part) the address holds; `None` where it holds the whole one.
    pub part: Option<u64>,
}

impl<'a> Delivery<'a> {
    /// One from an address that holds the whole token.
    pub fn new(id: &'a TaskId, tag: Option<&'a str>) -> Self {
        Self { id, tag, part: None }
    }

    /// The same from an address that holds the token of this part alone, or of none: the whole one.
    pub fn within(self, part: impl Into<Option<u64>>) -> Self {
        Self { part: part.into(), ..self }
    }

    /// The tag under which a ledger of [`Tasks`] has the task; `None` if it was not posted by one.
    pub fn ours(&self) -> Option<Tag> {
        self.tag.and_then(Tag::ours)
    }
}

/// Says which tasks were posted from here, so that nothing else is stored.
#[async_trait]
pub trait Expects: Send + Sync + 'static {
    /// What is known about the task with this id, posted with this tag. It may be asked before the answer to the POST has
    /// told the id. A task of another part than the address is [unknown](Expectation::Unknown).
    ///
    /// # Errors
    /// When it cannot be found out; the vendor is then told to try later.
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError>;
}

/// Where what arrives is stored.
///
/// The receiver answers the vendor only after the call has returned, and takes what it returns for true: what is stored
/// must survive a crash by then. A call that takes longer than the receiver waits goes on, but the vendor is told to try
/// later; so storing the same task twice must come to the same as storing it once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores a result.
    ///
    /// # Errors
    /// When it cannot; the vendor keeps it and lists it in `tasks_ready`.
    async fn postback(&self, postback: Postback) -> Result<(), StoreError>;

    /// Takes note that a task is done, so that it is collected.
    ///
    /// # Errors
    /// When it cannot; the vendor lists the task in `tasks_ready` in any case.
    async fn pingback(&self, pingback: Pingback) -> Result<(), StoreError>;
}

impl Expectation {
    /// What a ledger's entry says about the task with this id.
    pub fn of(entry: Option<&Entry>, id: &TaskId) -> Self {
        match entry.map(|entry| &entry.state) {
            None => Self::Unknown,
            Some(State::Collected { id: known, .. }) if known == id => Self::Stored,
            Some(state) if state.id().is_some_and(|known| known != id) => Self::Unknown,
            // A webhook may come before the answer to the POST, and in spite of one that was lost.
            Some(_) => Self::Expected,
        }
    }
}

/// A ledger by itself has no parts: the token of one is good for nothing there.
#[async_trait]
impl Expects for Arc<dyn Ledger> {
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError> {
        let tag = delivery.ours().filter(|_| delivery.part.is_none());
        let Some(tag) = tag else { return Ok(Expectation::Unknown) };
        Ok(Expectation::of(self.entry(&tag).await?.as_ref(), delivery.id))
    }
}

/// Where results go, whichever way they come.
#[async_trait]
pub trait Keep: Send + Sync + 'static {
    /// Stores what came of a task. It must survive a crash when this returns, and the same task may come again: it is
    /// known by `collected.entry.tag`.
    ///
    /// # Errors
    /// When it cannot; the task stays pending, and its result with the vendor.
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError>;
}

/// Expects the tasks of a [`Tasks`] and stores what comes of them: a postback's result as it is, a pingback's by asking
/// for it. What is stored is [acknowledged](Tasks::acknowledge). What cannot be read, such as a result that was asked for as
/// a page, is neither: the vendor is told to keep it, and its task stays pending.
pub struct Intake<K> {
    tasks: Tasks,
    keep: K,
}

impl<K> fmt::Debug for Intake<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

impl<K: Keep> Intake<K> {
    /// Results of these tasks, kept there.
    pub fn new(tasks: Tasks, keep: K) -> Self {
        Self { tasks, keep }
    }

    async fn stored(&self, collected: Option<Collected>) -> Result<(), StoreError> {
        if let Some(collected) = collected {
            if let TaskResult::Unreadable { error, .. } = collected.result {
                return Err(format!("{}: {error}", collected.entry.tag).into());
            }
            self.keep.keep(&collected).await?;
            self.tasks.acknowledge(&collected.entry.tag).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<K: Keep> Expects for Intake<K> {
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError> {
        self.tasks.ledger().expects(delivery).await
    }
}

#[async_trait]
impl<K: Keep> Store for Intake<K> {
    async fn postback(&self, postback: Postback) -> Result<(), StoreError> {
        self.stored(self.tasks.receive(&postback).await?).await
    }

    async fn pingback(&self, pingback: Pingback) -> Result<(), StoreError> {
        self.stored(self.tasks.fetch(&pingback).await?).await
    }
}
