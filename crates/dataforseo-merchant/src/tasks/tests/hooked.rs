//! A ledger in memory to which something happens before each write.

use crate::{Counts, Entry, Ledger, LedgerError, MemoryLedger, Page, State, Tag};
use async_trait::async_trait;
use std::fmt;

type Hook<T> = Box<dyn Fn(&MemoryLedger, &[T]) -> Result<(), LedgerError> + Send + Sync>;

/// Where a hook fails, nothing is written.
pub struct Hooked {
    pub memory: MemoryLedger,
    intending: Hook<Entry>,
    recording: Hook<(Tag, State)>,
}

impl Hooked {
    pub fn new() -> Self {
        Self { memory: MemoryLedger::new(), intending: Box::new(|_, _| Ok(())), recording: Box::new(|_, _| Ok(())) }
    }

    pub fn intending(
        mut self,
        hook: impl Fn(&MemoryLedger, &[Entry]) -> Result<(), LedgerError> + Send + Sync + 'static,
    ) -> Self {
        self.intending = Box::new(hook);
        self
    }

    pub fn recording(
        mut self,
        hook: impl Fn(&MemoryLedger, &[(Tag, State)]) -> Result<(), LedgerError> + Send + Sync + 'static,
    ) -> Self {
        self.recording = Box::new(hook);
        self
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

#[async_trait]
impl Ledger for Hooked {
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        (self.intending)(&self.memory, entries)?;
        self.memory.intend(entries).await
    }

    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError> {
        (self.recording)(&self.memory, changes)?;
        self.memory.record(changes).await
    }

    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
        self.memory.entry(tag).await
    }

    async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError> {
        self.memory.page(page).await
    }

    async fn counts(&self) -> Result<Counts, LedgerError> {
        self.memory.counts().await
    }
}
