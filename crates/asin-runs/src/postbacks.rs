//! Results that the vendor posts, into the store of their run, however many come at once in one transaction.

use crate::{columns, group::Group, run::Ended, runs::Runs};
use async_trait::async_trait;
use dataforseo_merchant::{
    Budget, Counts, DfsClient, Entry, Ledger, LedgerError, Page, State, Tag, TaskResult, Tasks,
    webhook::{Delivery, Expectation, Expects, Pingback, Postback, Store, StoreError},
};
use std::{fmt, sync::Arc};

/// How many deliveries share a transaction at the most.
const MOST: usize = 256;

/// Stores the results of runs that the vendor posts, for a `Receiver` of `dataforseo_merchant::webhook`; any number of them,
/// in any number of processes, may work on one store.
///
/// A result is in the store, durably, and its task ended, before the vendor is told that it was taken. Those that come at
/// about the same time share a transaction: while one is being committed, the next gathers. What is of no task of a run
/// is not taken, nor what comes to an address with the token of another run ([`RunId::part`](crate::RunId::part)).
///
/// ```
/// # async fn example(client: dataforseo_merchant::DfsClient, store: std::sync::Arc<dyn asin_runs::Runs>)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use asin_runs::Postbacks;
/// use dataforseo_merchant::webhook::{Receiver, Token};
///
/// let receiver = Receiver::of(Token::random(), Postbacks::new(client, store)).with(|settings| settings.at_once = 256);
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?; // behind a proxy that speaks TLS
/// receiver.serve(listener, std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
pub struct Postbacks {
    tasks: Tasks,
    ledger: Arc<dyn Ledger>,
    keep: Group<Ended, bool>,
}

impl fmt::Debug for Postbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postbacks").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

impl Postbacks {
    /// Results of the runs in this store, which must be the ledger of the client's account and base URL. Must be called
    /// inside a tokio runtime.
    pub fn new(client: DfsClient, store: Arc<dyn Runs>) -> Self {
        let (found, kept) = (store.clone(), store.clone());
        let entries = Group::new(MOST, move |tags: Vec<Tag>| {
            let store = found.clone();
            async move { store.entries(&tags).await }
        });
        let keep = Group::new(MOST, move |ended: Vec<Ended>| {
            let store = kept.clone();
            async move { store.keep(&ended).await }
        });
        let ledger: Arc<dyn Ledger> = Arc::new(Grouped { store, entries });
        Self { tasks: Tasks::new(client, ledger.clone(), Budget::unlimited()), ledger, keep }
    }

    async fn stored(&self, collected: Option<dataforseo_merchant::Collected>) -> Result<(), StoreError> {
        let Some(collected) = collected else { return Ok(()) };
        if let TaskResult::Unreadable { error, .. } = &collected.result {
            return Err(format!("{}: {error}", collected.entry.tag).into());
        }
        let ended = Ended::of(&collected);
        let ended = ended.ok_or_else(|| format!("{} is no task of a run", collected.entry.tag))?;
        self.keep.ask(ended).await?;
        Ok(())
    }
}

#[async_trait]
impl Expects for Postbacks {
    /// The part of an address is the run whose tasks it was posted with.
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError> {
        let Some(tag) = delivery.ours() else { return Ok(Expectation::Unknown) };
        let entry = self.ledger.entry(&tag).await?;
        let run = entry.as_ref().and_then(|entry| columns::place(&entry.label)).map(|(run, _)| run);
        if delivery.part.is_some_and(|part| run.is_none_or(|run| run.part() != part)) {
            return Ok(Expectation::Unknown);
        }
        Ok(Expectation::of(entry.as_ref(), delivery.id))
    }
}

#[async_trait]
impl Store for Postbacks {
    async fn postback(&self, postback: Postback) -> Result<(), StoreError> {
        self.stored(self.tasks.receive(&postback).await?).await
    }

    async fn pingback(&self, pingback: Pingback) -> Result<(), StoreError> {
        self.stored(self.tasks.fetch(&pingback).await?).await
    }
}

/// A ledger of which entries are asked for by many at once.
struct Grouped {
    store: Arc<dyn Runs>,
    entries: Group<Tag, Option<Entry>>,
}

impl fmt::Debug for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl Ledger for Grouped {
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        self.store.intend(entries).await
    }

    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError> {
        self.store.record(changes).await
    }

    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
        self.entries.ask(tag.clone()).await
    }

    async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError> {
        self.store.page(page).await
    }

    async fn counts(&self) -> Result<Counts, LedgerError> {
        self.store.counts().await
    }
}
