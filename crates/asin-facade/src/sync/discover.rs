//! Discover: the variant family of each product, learnt through paid `asin` tasks and kept for 30 days.

use super::{
    Outcome, Reason, Step,
    run::{Run, Slot, SyncError},
    state::{Family, Place},
};
use dataforseo_merchant::{AsinTask, Collected, Kind, Language, Location, NewTask, SellersTask, TaskResult};
use futures_util::{StreamExt, pin_mut};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashSet};

impl Place {
    /// How a paid task remembers what it is for.
    pub(super) fn label(self) -> String {
        format!("{}@{}", self.asin, self.marketplace)
    }

    pub(super) fn from_label(label: &str) -> Option<Self> {
        let (asin, marketplace) = label.split_once('@')?;
        Some(Self { asin: asin.parse().ok()?, marketplace: marketplace.parse().ok()? })
    }

    /// A paid task that learns the product's family.
    pub(super) fn family_task(self) -> NewTask {
        NewTask::asin(AsinTask::new(self.asin, self.location(), self.language())).label(self.label())
    }

    /// A paid task that observes the product's offers.
    pub(super) fn sellers_task(self) -> NewTask {
        NewTask::sellers(SellersTask::new(self.asin, self.location(), self.language())).label(self.label())
    }

    fn location(self) -> Location {
        Location::code(self.marketplace.location_code())
    }

    fn language(self) -> Language {
        Language::code(self.marketplace.language_code())
    }
}

impl Run<'_> {
    /// What has been paid for, or may have been, and is not here yet: it is not posted again.
    pub(super) async fn busy(&self) -> Result<HashSet<(Kind, Place)>, SyncError> {
        let mut entries = self.tasks.unsettled().await?;
        for place in entries
            .iter()
            .filter(|entry| entry.request.kind() == Kind::Sellers)
            .filter_map(|entry| Place::from_label(&entry.label))
        {
            let message = "its observation may have been paid for, but no answer came; the next run looks it up";
            self.excuse(place, Outcome::Unknown(Reason::new("observation_unknown", message)));
        }
        entries.extend(self.tasks.pending().await?);
        Ok(entries.iter().filter_map(|entry| Some((entry.request.kind(), Place::from_label(&entry.label)?))).collect())
    }

    /// The products and stores whose family is not known.
    pub(super) fn unknown_families(&self, slots: &[Slot], busy: &HashSet<(Kind, Place)>) -> Vec<Place> {
        let (state, now) = (self.state(), Timestamp::now());
        let places: BTreeSet<Place> = slots.iter().map(Slot::place).collect();
        let unknown = places.into_iter().filter(|place| state.family(*place, now).is_none());
        unknown.filter(|place| !busy.contains(&(Kind::Asin, *place))).collect()
    }

    /// Collects the families that have been paid for, in this run or an earlier one.
    pub(super) async fn collect_families(&self) -> Result<(), SyncError> {
        let entries = self.paid(Kind::Asin).await?;
        if entries.is_empty() {
            return Ok(());
        }
        self.began(Step::Discover, entries.len());
        let results = self.tasks.collect(entries, self.options.patience);
        pin_mut!(results);
        let mut done = 0;
        while let Some(collected) = results.next().await {
            let Collected { entry, result, .. } = match collected {
                Ok(collected) => collected,
                Err(error) => {
                    self.note(format!("families could not be collected: {error}"));
                    continue;
                }
            };
            let Some(place) = Place::from_label(&entry.label) else { continue };
            match result {
                TaskResult::Asin(result) => {
                    let family = result.family();
                    let family = Family { parent: family.parent, variants: family.variants, at: Timestamp::now() };
                    self.state().keep_family(place, family)?;
                }
                TaskResult::Empty => {
                    let family = Family { parent: None, variants: Vec::new(), at: Timestamp::now() };
                    self.state().keep_family(place, family)?;
                }
                // A dead task is asked about once a month like a living one: a new one would be paid for again.
                TaskResult::Failed(fault) => self.note(format!("the family of {}: {fault}", place.label())),
                _ => continue,
            }
            // Only what is on the disk counts as collected.
            self.tasks.acknowledge(&entry.tag).await?;
            done += 1;
            self.advanced(Step::Discover, done);
        }
        self.ended(Step::Discover);
        Ok(())
    }

    /// Puts the families' sizes into the reports.
    pub(super) fn name_families(&self, slots: &mut [Slot]) {
        let (state, now) = (self.state(), Timestamp::now());
        for slot in slots {
            slot.report.variants = state.family(slot.place(), now).map(|family| family.variants.len());
        }
    }
}
