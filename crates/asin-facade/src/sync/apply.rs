//! A run in two halves with a person between them, and the way back.

use super::{
    Catalogue, Change, Plan, PlanError, Report, RunId, RunSummary, StateError, Supervisor, Sync, SyncError, Undo,
    audit::Log, observe::Outputs,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::{collections::BTreeSet, time::Duration};

impl Sync {
    /// Does everything of [`run`](Self::run) but write: observes, decides and previews.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn plan(&self, catalogue: &Catalogue, supervisor: &dyn Supervisor) -> Result<(Report, Plan), SyncError> {
        let run = self.begin(supervisor, true)?;
        let report = run.whole(catalogue).await?;
        let mut changes = std::mem::take(&mut *run.planned());
        changes.sort_by_key(|change| change.line);
        let world = self.services().world().to_owned();
        let (made, max_observation_age) = (Timestamp::now(), self.options().max_observation_age.as_secs());
        Ok((report, Plan { version: Plan::VERSION, made, max_observation_age, world, changes }))
    }

    /// Writes a plan: reads each listing, leaves it alone if it is not what the plan was made from, previews, sends.
    ///
    /// # Errors
    /// A plan that was made for other hosts or accounts, then nothing is sent; else as [`run`](Self::run).
    pub async fn apply(&self, plan: &Plan, supervisor: &dyn Supervisor) -> Result<Report, SyncError> {
        self.check(plan)?;
        let mut run = self.begin(supervisor, false)?;
        run.max_age = run.max_age.min(Duration::from_secs(plan.max_observation_age));
        let rows = plan.changes.iter().map(|change| (change.row(), Some(change.clone())));
        let (slots, refused) = run.admit(rows);
        run.settle_feeds(&slots).await?;
        let groups = run.plan(slots, &Outputs::new()).await?;
        let slots = run.publish(groups).await?;
        run.report(slots, refused, Decimal::ZERO).await
    }

    /// The runs that wrote anything from this state, the last one first.
    ///
    /// # Errors
    /// If the audit log cannot be read, or another run is using it.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StateError> {
        Ok(Log::read(&self.options().state, self.services().world())?.runs())
    }

    /// Plans the way back from a run; `None`: there is no such run. To be given to [`apply`](Self::apply).
    ///
    /// # Errors
    /// If the audit log cannot be read, or another run is using it.
    pub fn undo(&self, run: &RunId) -> Result<Option<Undo>, StateError> {
        let world = self.services().world();
        Ok(Log::read(&self.options().state, world)?.undo(run, world, Timestamp::now()))
    }

    fn check(&self, plan: &Plan) -> Result<(), PlanError> {
        if plan.version != Plan::VERSION {
            return Err(PlanError::Version(plan.version));
        }
        let here = self.services().world();
        if plan.world != here {
            return Err(PlanError::World { planned: plan.world.clone(), here: here.to_owned() });
        }
        let mut seen = BTreeSet::new();
        for Change { line, account, seller_id, sku, marketplace, .. } in &plan.changes {
            let known = self.services().accounts.get(account);
            if known.is_none_or(|known| known.seller_id != *seller_id) {
                return Err(PlanError::Account { line: *line, account: account.clone(), seller: seller_id.clone() });
            }
            if !seen.insert((account, sku.as_str(), marketplace.id())) {
                return Err(PlanError::Twice { line: *line, sku: sku.clone(), marketplace: *marketplace });
            }
        }
        Ok(())
    }
}
