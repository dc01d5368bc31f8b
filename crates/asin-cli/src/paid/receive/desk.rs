//! Who takes deliveries in, and knows what is still to come.

use super::{open, sink::Sink};
use crate::failure::{Failure, say};
use crate::table::visible;
use asin_facade::dataforseo_merchant::webhook::{
    Delivery, Expectation, Expects, Intake, Pingback, Postback, Store, StoreError,
};
use asin_facade::dataforseo_merchant::{Budget, DfsClient, Entry, TaskId, Tasks};
use async_trait::async_trait;
use futures_util::{TryStreamExt, pin_mut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Looks at tasks.
pub type See<'a> = dyn for<'e> FnMut(&'e Entry) + Send + 'a;

/// Where deliveries come to.
#[async_trait]
pub trait Desk: Expects + Store {
    /// Shows each task that was paid for and not collected.
    async fn pending<'a>(&self, see: &mut See<'a>) -> Result<(), Failure>;
}

async fn each(tasks: &Tasks, see: &mut See<'_>) -> Result<(), Failure> {
    let pending = tasks.pending();
    pin_mut!(pending);
    while let Some(entry) = pending.try_next().await? {
        see(&entry);
    }
    Ok(())
}

/// How long a delivery waits for a ledger that another process has open. The vendor is told sooner that it was not stored.
const PATIENCE: Duration = Duration::from_secs(60);

/// A ledger in a folder says which are expected, the sink has them. A ledger is one process's at a time: it is opened for each
/// delivery and given free again, so that tasks can be posted while results come in.
pub struct Folder {
    pub state: PathBuf,
    pub client: DfsClient,
    pub login: String,
    pub sink: Sink,
    /// One delivery at a time has the ledger.
    pub turn: Mutex<()>,
}

impl Folder {
    /// The account's tasks, as long as nobody else has them.
    async fn tasks(&self) -> Result<Tasks, Failure> {
        let ledger = open(&self.state, &self.client, &self.login, PATIENCE).await?;
        Ok(Tasks::new(self.client.clone(), Arc::new(ledger), Budget::unlimited()))
    }

    async fn intake(&self) -> Result<Intake<Sink>, StoreError> {
        let tasks = self.tasks().await.map_err(|failure| failure.message())?;
        Ok(Intake::new(tasks, self.sink.clone()))
    }
}

#[async_trait]
impl Desk for Folder {
    async fn pending<'a>(&self, see: &mut See<'a>) -> Result<(), Failure> {
        let _turn = self.turn.lock().await;
        each(&self.tasks().await?, see).await
    }
}

#[async_trait]
impl Expects for Folder {
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError> {
        let _turn = self.turn.lock().await;
        self.intake().await?.expects(delivery).await
    }
}

#[async_trait]
impl Store for Folder {
    async fn postback(&self, postback: Postback) -> Result<(), StoreError> {
        let id = postback.id().clone();
        let _turn = self.turn.lock().await;
        told(&id, async { self.intake().await?.postback(postback).await }.await)
    }

    async fn pingback(&self, pingback: Pingback) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.intake().await?.pingback(pingback).await
    }
}

/// Says why something was not taken in.
fn told(id: &TaskId, taken: Result<(), StoreError>) -> Result<(), StoreError> {
    taken.inspect_err(|error| say(&visible(&format!("asin: {id} is not taken in, the vendor keeps it: {error}"))))
}

/// The runs of a database: many deliveries share a transaction, and many receivers a database.
#[cfg(feature = "runs")]
pub struct Runs {
    postbacks: asin_facade::runs::Postbacks,
    tasks: Tasks,
}

#[cfg(feature = "runs")]
impl Runs {
    /// Those of this account.
    pub fn new(client: DfsClient, store: Arc<dyn asin_facade::runs::Runs>) -> Self {
        let postbacks = asin_facade::runs::Postbacks::new(client.clone(), store.clone());
        Self { postbacks, tasks: Tasks::new(client, store, Budget::unlimited()) }
    }
}

#[cfg(feature = "runs")]
#[async_trait]
impl Desk for Runs {
    async fn pending<'a>(&self, see: &mut See<'a>) -> Result<(), Failure> {
        each(&self.tasks, see).await
    }
}

#[cfg(feature = "runs")]
#[async_trait]
impl Expects for Runs {
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError> {
        self.postbacks.expects(delivery).await
    }
}

#[cfg(feature = "runs")]
#[async_trait]
impl Store for Runs {
    async fn postback(&self, postback: Postback) -> Result<(), StoreError> {
        let id = postback.id().clone();
        told(&id, self.postbacks.postback(postback).await)
    }

    async fn pingback(&self, pingback: Pingback) -> Result<(), StoreError> {
        self.postbacks.pingback(pingback).await
    }
}
