//! Observe: what the market shows, from paid `sellers` tasks and from MultiCart's outputs.

use super::{
    Outcome, Reason, Step,
    run::{Run, SyncError},
    state::Seen,
};
use crate::event::Hears;
pub(super) use crate::observe::outputs::Outputs;
use crate::{
    Product, Why,
    observe::{offers, outputs},
    publish::Slot,
};
use dataforseo_merchant::Kind;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashSet};

impl Run<'_> {
    /// The products and stores whose price may move and of which nothing fresh is known.
    pub(super) fn unobserved(
        &self,
        slots: &[Slot],
        busy: &HashSet<(Kind, Product)>,
        outputs: &Outputs,
    ) -> Vec<Product> {
        let (state, now) = (self.state(), Timestamp::now());
        let confirmed = |slot: &Slot| {
            let mut seen = outputs.get(&slot.row.asin).into_iter().flatten();
            seen.any(|observation| observation.doubts(&self.question(slot, now)).is_empty())
        };
        let priced = slots.iter().filter(|slot| slot.row.min_price.is_some() && !confirmed(slot));
        let places: BTreeSet<Product> = priced.map(Slot::place).collect();
        let unseen =
            places.into_iter().filter(|place| state.seen(*place, now, self.options.publish.observed()).is_none());
        unseen.filter(|place| !busy.contains(&(Kind::Sellers, *place))).collect()
    }

    /// Collects the observations that have been paid for, in this run or an earlier one.
    pub(super) async fn collect_sellers(&self) -> Result<(), SyncError> {
        let entries = self.paid(Kind::Sellers).await?;
        let pending = Reason::new("observation_pending", "paid for, but not ready yet; the next run collects it");
        for place in entries.iter().filter_map(|entry| Product::of(&entry.request)) {
            self.excuse(place, Outcome::Skipped(pending.clone()));
        }
        let keep = |place: Product, result| {
            let observations = match offers::read(place, result) {
                Ok(observed) => {
                    self.observed(place);
                    observed.observations
                }
                Err(Why::Unreadable(error)) => {
                    self.excuse(place, Outcome::Failed(Reason::new("unreadable_answer", error.to_string())));
                    return Ok(false);
                }
                Err(Why::Failed(fault)) => {
                    self.excuse(place, Outcome::Failed(Reason::new("task_failed", fault.to_string())));
                    Vec::new()
                }
                Err(_) => return Ok(false),
            };
            self.state().keep_seen(place, Seen { observations, at: Timestamp::now() })?;
            Ok(true)
        };
        self.collect(Step::Observe, entries, keep).await
    }

    /// Reads the newest outputs of the MultiCart collections; free. Trouble with it is said and costs nothing else.
    pub(super) async fn read_outputs(&self) -> Outputs {
        let mut all = Outputs::new();
        for collection in &self.collections {
            if let Err(error) = outputs::read(&self.services.multicart, *collection, &mut all).await {
                self.note(format!("MultiCart's outputs could not be read: {error}"));
            }
        }
        all
    }
}
