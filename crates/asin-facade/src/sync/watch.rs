//! Watch: enrols the products in a MultiCart collection. Never starts a run.

use super::{Outcome, Reason, Step, run::Run};
use crate::event::Hears;
use crate::{
    Asin,
    publish::Slot,
    watch::{NoPlace, Places},
};
use futures_util::stream;
use multicart::{
    CollectionId,
    enrol::{self, Item, Place, Way},
};
use std::collections::BTreeMap;

/// How many products one call enrols.
const BATCH: usize = 500;

type Enrolled = BTreeMap<(Asin, Place), Outcome>;

impl Run<'_> {
    /// Enrols every row's product for its store and postcode; how it went stands in the row's report.
    pub(super) async fn watch(&self, slots: &mut [Slot]) {
        let Some(collection) = self.options.collection else { return };
        self.began(Step::Watch, slots.len());
        if let Err(error) = self.enrol(collection, slots).await {
            // Rows that are settled already keep their outcome.
            for slot in slots.iter_mut().filter(|slot| slot.report.watch.is_none()) {
                slot.report.watch = Some(Outcome::Failed(Reason::new("multicart", error.to_string())));
            }
        }
        self.ended(Step::Watch);
    }

    async fn enrol(&self, collection: CollectionId, slots: &mut [Slot]) -> core_http::Result<()> {
        let client = &self.services.multicart;
        let places = Places::read(client).await?;
        let mut wanted = Vec::new();
        for slot in slots.iter_mut() {
            let (domain, postcode) = (slot.row.marketplace.domain(), slot.row.postcode.as_str());
            match places.check(domain, postcode) {
                Ok(()) => wanted.push(Place::new(domain, postcode).watch(slot.row.asin)),
                Err(why) => {
                    let code = match why {
                        NoPlace::Domain(_) => "domain_unknown",
                        NoPlace::Postcode { .. } => "postcode_unknown",
                        NoPlace::NotActive { .. } => "postcode_not_active",
                    };
                    slot.report.watch = Some(Outcome::Refused(Reason::new(code, why.to_string())));
                }
            }
        }
        let plan = enrol::plan(client, collection, stream::iter(wanted)).await?;
        let all = |items: &[Item], outcome: Outcome| -> Enrolled {
            items.iter().map(|item| ((item.asin, item.place.clone()), outcome.clone())).collect()
        };
        let mut outcomes = all(plan.present(), Outcome::Unchanged);
        if !plan.missing().is_empty() {
            if let Err(full) = plan.room() {
                let reason = Reason::new("collection_full", full.to_string());
                outcomes.extend(all(plan.missing(), Outcome::Refused(reason)));
            } else if self.work.previews() || !self.supervisor.may_enrol(plan.missing().len()).await {
                let reason = Reason::new("not_enrolled", "enrolling was not allowed in this run");
                outcomes.extend(all(plan.missing(), Outcome::Skipped(reason)));
            } else {
                let sent = plan.send(client, Way::Batches(BATCH)).await?;
                outcomes = sent.into_iter().map(|(item, went)| ((item.asin, item.place), outcome(&went))).collect();
            }
        }
        for (done, slot) in slots.iter_mut().enumerate() {
            if slot.report.watch.is_none() {
                let place = Place::new(slot.row.marketplace.domain(), slot.row.postcode.as_str());
                slot.report.watch = outcomes.get(&(slot.row.asin, place)).cloned();
            }
            self.advanced(Step::Watch, done + 1);
        }
        Ok(())
    }
}

/// What became of one product at one place.
fn outcome(went: &enrol::Outcome) -> Outcome {
    let vendor = |error: &core_http::Error| Reason::new("multicart", error.to_string());
    match went {
        enrol::Outcome::AlreadyThere | enrol::Outcome::Added => Outcome::Unchanged,
        enrol::Outcome::Unknown(error) => Outcome::Unknown(vendor(error)),
        enrol::Outcome::Failed(error) => Outcome::Failed(vendor(error)),
        _ => {
            let message = "MultiCart refused it, and the collection does not show it";
            Outcome::Refused(Reason::new("not_enrolled", message))
        }
    }
}
