//! A run in two halves with a person between them, the way back, and a run as a stream.

use super::{Catalogue, Plan, Report, RowReport, RunId, RunSummary, StateError, Supervisor, Sync, SyncError, Undo};
use crate::{event::Workflow, publish::Publish};

impl Sync {
    /// Does everything of [`run`](Self::run) but write: observes, decides and previews.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn plan(&self, catalogue: &Catalogue, supervisor: &dyn Supervisor) -> Result<(Report, Plan), SyncError> {
        let run = self.begin(catalogue, supervisor, true)?;
        let report = run.whole(catalogue).await?;
        Ok((report, run.work.into_plan()))
    }

    /// [`run`](Self::run) as a stream: what happens, what it asks leave for, and last how each row ended.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn stream<'a>(&'a self, catalogue: &'a Catalogue) -> Workflow<'a, RowReport, SyncError> {
        Workflow::new(move |events| async move {
            for row in self.run(catalogue, &events).await?.rows {
                events.item(row).await;
            }
            Ok(())
        })
    }

    /// Writing alone, with what this says of it.
    pub fn publish(&self) -> Publish {
        Publish::new(self.services().sellers.clone(), self.options().publish.deciding())
    }

    /// Writes a plan; see [`Publish::run`].
    ///
    /// # Errors
    /// As [`Publish::run`].
    pub async fn apply(&self, plan: &Plan, supervisor: &dyn Supervisor) -> Result<Report, SyncError> {
        Ok(self.publish().run(plan, supervisor).await?)
    }

    /// The runs that wrote anything; see [`Publish::runs`].
    ///
    /// # Errors
    /// As [`Publish::runs`].
    pub fn runs(&self) -> Result<Vec<RunSummary>, StateError> {
        self.publish().runs()
    }

    /// Plans the way back from a run; see [`Publish::undo`].
    ///
    /// # Errors
    /// As [`Publish::undo`].
    pub fn undo(&self, run: &RunId) -> Result<Option<Undo>, StateError> {
        self.publish().undo(run)
    }
}
