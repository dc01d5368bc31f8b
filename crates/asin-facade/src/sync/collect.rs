//! Collecting what has been paid for: the same for families and for observations.

use super::{
    Step,
    run::{Run, SyncError},
};
use crate::Product;
use crate::event::Hears;
use dataforseo_merchant::{Collected, Entry, Kind, TaskResult};
use futures_util::{StreamExt, TryStreamExt, future};

impl Run<'_> {
    /// What has been paid for and not been collected.
    pub(super) async fn paid(&self, kind: Kind) -> Result<Vec<Entry>, SyncError> {
        let of_kind = |entry: &Entry| future::ready(entry.request.kind() == kind);
        Ok(self.tasks.pending().try_filter(of_kind).try_collect().await?)
    }

    /// Collects tasks as they become ready, as long as patience allows. `keep` stores what a task has brought, and says
    /// whether that is the end of it; only what is on the disk counts as collected.
    pub(super) async fn collect(
        &self,
        step: Step,
        entries: Vec<Entry>,
        keep: impl Fn(Product, TaskResult) -> Result<bool, SyncError>,
    ) -> Result<(), SyncError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.began(step, entries.len());
        let mut results = self.tasks.collect(entries, self.options.publish.patience);
        let mut done = 0;
        while let Some(collected) = results.next().await {
            match collected {
                Ok(Collected { entry, result, .. }) => {
                    let Some(place) = Product::of(&entry.request) else { continue };
                    if keep(place, result)? {
                        self.tasks.acknowledge(&entry.tag).await?;
                        done += 1;
                        self.advanced(step, done);
                    }
                }
                Err(error) => self.note(format!("results could not be collected: {error}")),
            }
        }
        self.ended(step);
        Ok(())
    }
}
