//! Runs, each started once.

use super::{Shelf, WatchError, Watched, Watching};
use crate::event::{About, Event, Hears, Starting, Step};
use core_http::Error;
use jiff::Timestamp;
use multicart::{
    CollectionId, Fields, GetCredits, ListRuns,
    runs::{self, RunnerId, Started},
};
use std::{collections::BTreeSet, sync::Arc};

/// Why a run was not started.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotStarted {
    /// Nobody allowed it.
    #[error("nobody allowed it")]
    NotAllowed,
    /// What was to be started together with it is not all started, and its own run was, then: it is not paid for again before
    /// the others are, or [`start_again`](super::Watch::start_again) says so.
    #[error("an earlier command, which has not started all of its runs, has started this one at {0:.0}")]
    Before(Timestamp),
    /// An earlier start had no answer, and there are runs that were not there before: it seems to have started. The next time one
    /// can be started again.
    #[error("an earlier start had no answer, and a run is there that was not there before")]
    Suggested(BTreeSet<RunnerId>),
    /// An earlier start had no answer, and nothing says whether it has started: see
    /// [`Register::give_up`](super::Register::give_up).
    #[error("an earlier start had no answer, and no run shows whether it has started: it may have cost its credits")]
    Unknown,
    /// It was not sent, or the service refused it.
    #[error("{0}")]
    Failed(Arc<Error>),
}

impl Watching<'_> {
    /// Starts a run of every collection that holds anything, unless an earlier start is open, or the same batch has started it.
    pub(super) async fn start(&mut self, shelves: &[Shelf]) -> Result<(), WatchError> {
        let all = shelves.iter().flat_map(Shelf::collections).filter(|(_, rows)| *rows > 0);
        let (mut priced, mut found): (Vec<(CollectionId, u64)>, Vec<CollectionId>) = (Vec::new(), Vec::new());
        for (collection, rows) in all {
            let before = self.register.ran_at(collection).filter(|_| !self.watch.start_again);
            if let Some(at) = before {
                self.told(collection, Err(NotStarted::Before(at)));
            } else if let Some(earlier) = self.earlier(collection).await? {
                if matches!(earlier, NotStarted::Suggested(_)) {
                    found.push(collection);
                }
                self.told(collection, Err(earlier));
            } else {
                priced.push((collection, rows as u64));
            }
        }
        if priced.is_empty() {
            return self.found(found);
        }
        self.events.began(Step::Run, priced.len());
        let spendable = self.client.call(GetCredits::new()).await?.spendable();
        let (collections, credits) =
            (priced.iter().map(|(id, _)| *id).collect(), priced.iter().map(|(_, credits)| credits).sum());
        let starting = Starting { collections, credits, spendable };
        let allowed = self.events.asks(About::Start(starting)).await;
        if allowed {
            self.found(found)?;
            self.register.batch(priced.iter().map(|(id, _)| *id).collect(), self.watch.start_again)?;
        }
        for (done, (collection, credits)) in (1..).zip(priced) {
            let outcome =
                if allowed { self.start_once(collection, credits).await? } else { Err(NotStarted::NotAllowed) };
            self.told(collection, outcome);
            self.events.advanced(Step::Run, done);
        }
        self.events.ended(Step::Run);
        Ok(())
    }

    /// What is known of an earlier start without an answer.
    async fn earlier(&self, collection: CollectionId) -> Result<Option<NotStarted>, WatchError> {
        let Some(before) = self.register.before(collection) else { return Ok(None) };
        let now = runs::runner_ids(&self.client, history(collection)).await?;
        let new: BTreeSet<RunnerId> = now.difference(before).cloned().collect();
        if new.is_empty() {
            return Ok(Some(NotStarted::Unknown));
        }
        Ok(Some(NotStarted::Suggested(new)))
    }

    /// Notes starts that were found: what was decided before they were noted stands, for with the last of its batch the others
    /// can be started again.
    fn found(&mut self, found: Vec<CollectionId>) -> Result<(), WatchError> {
        found.into_iter().try_for_each(|collection| self.register.ran(collection)).map_err(WatchError::from)
    }

    /// The start is in the register before it is sent, and stays there until it is known what became of it. It costs no more
    /// than was allowed.
    async fn start_once(
        &mut self,
        collection: CollectionId,
        credits: u64,
    ) -> Result<Result<Started, NotStarted>, WatchError> {
        let before = match runs::runner_ids(&self.client, history(collection)).await {
            Ok(before) => before,
            Err(error) => return Ok(Err(NotStarted::Failed(Arc::new(error)))),
        };
        self.register.starting(collection, before)?;
        let started = runs::start_within(&self.client, collection, history(collection), credits).await;
        match &started {
            Ok(Started::Accepted { .. } | Started::Suggested { .. }) => self.register.ran(collection)?,
            Ok(Started::Unknown { .. }) => {}
            _ => self.register.started(collection)?,
        }
        Ok(started.map_err(|error| NotStarted::Failed(Arc::new(error))))
    }

    fn told(&self, collection: CollectionId, outcome: Result<Started, NotStarted>) {
        self.events.tell(Event::Item(Watched::Run { collection, outcome }));
    }
}

/// Which field names the collection is not documented; its neighbours use this one.
fn history(collection: CollectionId) -> ListRuns {
    ListRuns::new(Fields::naming("collection_id", collection))
}
