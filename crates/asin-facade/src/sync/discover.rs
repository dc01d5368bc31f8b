//! Discover: the variant family of each product, learnt through paid `asin` tasks and kept for 30 days.

use super::{
    Outcome, Reason, Step,
    run::{Run, SyncError},
    state::Family,
};
use crate::event::Hears;
use crate::{Product, paid, publish::Slot};
use dataforseo_merchant::{Kind, TaskResult};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashSet};

impl Run<'_> {
    /// What has been paid for, or may have been, and is not here yet: it is not posted again.
    pub(super) async fn busy(&self) -> Result<HashSet<(Kind, Product)>, SyncError> {
        let mut entries = paid::unknown(&self.tasks).await?;
        for place in entries
            .iter()
            .filter(|entry| entry.request.kind() == Kind::Sellers)
            .filter_map(|entry| Product::of(&entry.request))
        {
            let message = "its observation may have been paid for, but no answer came; the next run looks it up";
            self.excuse(place, Outcome::Unknown(Reason::new("observation_unknown", message)));
        }
        entries.extend(self.tasks.pending().try_collect::<Vec<_>>().await?);
        Ok(entries.iter().filter_map(|entry| Some((entry.request.kind(), Product::of(&entry.request)?))).collect())
    }

    /// The products and stores whose family is not known.
    pub(super) fn unknown_families(&self, slots: &[Slot], busy: &HashSet<(Kind, Product)>) -> Vec<Product> {
        let (state, now) = (self.state(), Timestamp::now());
        let places: BTreeSet<Product> = slots.iter().map(Slot::place).collect();
        let unknown = places.into_iter().filter(|place| state.family(*place, now).is_none());
        unknown.filter(|place| !busy.contains(&(Kind::Asin, *place))).collect()
    }

    /// Collects the families that have been paid for, in this run or an earlier one.
    pub(super) async fn collect_families(&self) -> Result<(), SyncError> {
        let entries = self.paid(Kind::Asin).await?;
        let keep = |place: Product, result| {
            if let TaskResult::Failed(fault) = &result {
                self.note(format!("the family of {place}: {fault}"));
            }
            let Some(family) = learnt(result) else { return Ok(false) };
            self.state().keep_family(place, family)?;
            Ok(true)
        };
        self.collect(Step::Discover, entries, keep).await
    }

    /// Puts the families' sizes into the reports.
    pub(super) fn name_families(&self, slots: &mut [Slot]) {
        let (state, now) = (self.state(), Timestamp::now());
        for slot in slots {
            slot.report.variants = state.family(slot.place(), now).map(|family| family.variants.len());
        }
    }
}

/// What a task has taught; nothing, if its result may still be read.
fn learnt(result: TaskResult) -> Option<Family> {
    let family = match result {
        TaskResult::Asin(result) => result.family(),
        // A product without an answer is asked about once a month like any other: a new task is paid for again.
        TaskResult::Empty | TaskResult::Failed(_) => Default::default(),
        _ => return None,
    };
    Some(Family { parent: family.parent, variants: family.variants, at: Timestamp::now() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_http::{Error, ErrorKind, Fault};

    #[test]
    fn a_task_that_failed_is_not_paid_for_again_in_the_next_run() {
        let failed = learnt(TaskResult::Failed(Fault::new(ErrorKind::NotFound, "40403", "Results Expired.")));
        assert!(failed.is_some_and(|family| family.variants.is_empty()));
        assert!(learnt(TaskResult::Empty).is_some());
        let unreadable = Error::new(ErrorKind::Decode, "at `items`");
        assert_eq!(
            learnt(TaskResult::Unreadable { error: unreadable.into(), raw: None }),
            None,
            "it stays to be collected"
        );
    }
}
