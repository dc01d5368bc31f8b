//! A ledger in this process's memory, and what the one in a file remembers.

use crate::{
    Tag,
    ledger::{self, Counts, Entry, Ledger, LedgerError, Order, Page, State},
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, HashSet},
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long the vendor can tell what a task was: what ended before that is of no use any more, and is forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(31 * 24);
/// So many entries are kept as they are.
const FEW: usize = 1000;

/// The entries of a ledger in this process's memory.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    all: BTreeMap<Tag, Entry>,
    /// How many there may be before those of no use are forgotten.
    many: usize,
}

impl Entries {
    /// Whether all of them are new.
    pub fn admit(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        let mut tags = HashSet::new();
        match entries.iter().find(|entry| self.all.contains_key(&entry.tag) || !tags.insert(&entry.tag)) {
            Some(entry) => Err(LedgerError::new(format!("tag `{}` is there already", entry.tag))),
            None => Ok(()),
        }
    }

    pub fn intend(&mut self, entries: Vec<Entry>) {
        self.all.extend(entries.into_iter().map(|entry| (entry.tag.clone(), entry)));
    }

    /// The changes that say something new.
    pub fn news(&self, changes: &[(Tag, State)]) -> Vec<(Tag, State)> {
        ledger::news(changes, |tag| Some(&self.all.get(tag)?.state))
    }

    pub fn record(&mut self, changes: &[(Tag, State)]) {
        for (tag, state) in changes {
            if let Some(entry) = self.all.get_mut(tag).filter(|entry| entry.state.may_become(state)) {
                entry.state = state.clone();
            }
        }
    }

    pub fn get(&self, tag: &Tag) -> Option<Entry> {
        self.all.get(tag).cloned()
    }

    pub fn page(&self, page: Page<'_>) -> Vec<Entry> {
        let behind = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let range: Box<dyn Iterator<Item = &Entry>> = match page.order {
            Order::OldestFirst => {
                Box::new(self.all.range::<Tag, _>((behind, Bound::Unbounded)).map(|(_, entry)| entry))
            }
            Order::NewestFirst => {
                Box::new(self.all.range::<Tag, _>((Bound::Unbounded, behind)).rev().map(|(_, entry)| entry))
            }
        };
        range.filter(|entry| page.stages.contains(&entry.state.stage())).take(page.limit).cloned().collect()
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        self.all.values().for_each(|entry| *counts.entry(entry.state.stage()).or_default() += 1);
        counts
    }

    /// Forgets what is of no use any more, where there is much. Only when all that is known of the entries has been taken
    /// in: what seems to be ended may turn out to be made.
    pub fn forget_if_many(&mut self) {
        if self.all.len() > self.many {
            self.forget();
        }
    }

    /// Forgets what is of no use any more.
    pub fn forget(&mut self) {
        let before = Timestamp::now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        self.all.retain(|_, entry| !entry.state.is_final() || entry.sent >= before);
        self.many = FEW.max(2 * self.all.len());
    }

    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.all.values()
    }
}

/// A ledger that ends with the process: for tests, and for those who can lose what they paid for.
///
/// It holds what is not ended, and what ended in the last 31 days.
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
        let mut known = self.lock();
        known.admit(entries)?;
        known.intend(entries.to_vec());
        known.forget_if_many();
        Ok(())
    }

    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError> {
        let mut known = self.lock();
        let news = known.news(changes);
        known.record(&news);
        Ok(news)
    }

    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
        Ok(self.lock().get(tag))
    }

    async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.lock().page(page))
    }

    async fn counts(&self) -> Result<Counts, LedgerError> {
        Ok(self.lock().counts())
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::entry;

    #[tokio::test]
    async fn what_ended_long_ago_is_forgotten() {
        let (ledger, now) = (MemoryLedger::new(), Timestamp::now());
        for _ in 0..200 {
            let mut batch: Vec<Entry> = (0..100).map(|number| entry(&number.to_string())).collect();
            batch.iter_mut().for_each(|old| old.sent = now - KEPT - SignedDuration::from_hours(1));
            ledger.intend(&batch).await.unwrap();
            let ended: Vec<_> = batch[1..].iter().map(|old| (old.tag.clone(), State::Absent)).collect();
            ledger.record(&ended).await.unwrap();
        }
        let counts = ledger.counts().await.unwrap();
        assert_eq!(counts[&crate::Stage::Intended], 200, "what is open is kept however old it is");
        assert!(counts[&crate::Stage::Absent] <= 1100, "of 19,800: {counts:?}");
    }
}
