//! Watch: enrols the products in MultiCart collections. Never makes one, and never starts a run.

use super::{Outcome, Reason, Step, run::Run};
use crate::{
    Asin,
    event::{About, Enrolment, Event, Hears, Progress},
    publish::Slot,
    watch::{NoPlace, NotWatched, Places, Register, Wanted, Watch, WatchError, Watched},
};
use futures_util::{TryStreamExt, stream};
use multicart::{
    CollectionId, GetCredits,
    enrol::{self, Item, Place, Way},
};
use std::collections::{BTreeMap, HashMap};

/// How many products one call enrols.
const BATCH: usize = 500;

type Enrolled = BTreeMap<(Asin, Place), Outcome>;

impl Run<'_> {
    /// Enrols every row's product for its store and postcode; how it went stands in the row's report.
    pub(super) async fn watch(&self, slots: &mut [Slot]) {
        self.began(Step::Watch, slots.len());
        let enrolled = match self.options.collection {
            Some(collection) => self.enrol(collection, slots).await.map_err(WatchError::Vendor),
            None => self.enrol_by_place(slots).await,
        };
        if let Err(error) = enrolled {
            let failed = match error {
                WatchError::Vendor(error) => Reason::new("multicart", error.to_string()),
                WatchError::Register(error) => Reason::new("register", error.to_string()),
            };
            // Rows that are settled already keep their outcome.
            for slot in slots.iter_mut().filter(|slot| slot.report.watch.is_none()) {
                slot.report.watch = Some(Outcome::Failed(failed.clone()));
            }
        }
        self.ended(Step::Watch);
    }

    /// Enrols every row's product in the collections that the register has for its store and postcode.
    async fn enrol_by_place(&self, slots: &mut [Slot]) -> Result<(), WatchError> {
        let client = &self.services.multicart;
        let mut register = Register::open(self.options.register(), client)?;
        let mut all = Vec::new();
        for slot in slots.iter_mut() {
            let (store, postcode) = (slot.row.marketplace, &slot.row.postcode);
            if register.collections(store, postcode).is_empty() {
                let reason = Reason::new("no_collection", format!("no collection is known for {store}:{postcode}"));
                slot.report.watch = Some(Outcome::Refused(reason));
            } else {
                all.push(wanted(slot));
            }
        }
        let mut events = Watch::new(all).run(client, &mut register);
        let mut outcomes = HashMap::new();
        while let Some(event) = events.try_next().await? {
            match event {
                Event::Asks(ask) => {
                    let may = match ask.about() {
                        About::Enrol(enrolment) if !self.work.previews() => self.supervisor.may_enrol(enrolment).await,
                        _ => false,
                    };
                    ask.answer(may);
                }
                Event::Item(Watched::Product { wanted, outcome }) => drop(outcomes.insert(wanted, placed(outcome))),
                Event::Progress(Progress::Note(text)) => self.note(text),
                _ => {}
            }
        }
        for (done, slot) in (1..).zip(slots.iter_mut()) {
            if slot.report.watch.is_none() {
                slot.report.watch = outcomes.get(&wanted(slot)).cloned();
            }
            self.advanced(Step::Watch, done);
        }
        Ok(())
    }

    /// What is told of a plan before it is agreed to.
    async fn enrolment(&self, plan: &enrol::Plan) -> Enrolment {
        let products = plan.missing().len();
        let spendable = self.services.multicart.call(GetCredits::new()).await.ok();
        Enrolment {
            products,
            credits_per_run: Some((plan.holds() + products) as u64),
            spendable: spendable.and_then(|credits| credits.spendable()),
            ..Enrolment::default()
        }
    }

    async fn enrol(&self, collection: CollectionId, slots: &mut [Slot]) -> core_http::Result<()> {
        let client = &self.services.multicart;
        let places = Places::read(client).await?;
        let mut wanted = Vec::new();
        for slot in slots.iter_mut() {
            let (domain, postcode) = (slot.row.marketplace.domain(), slot.row.postcode.as_str());
            match places.check(domain, postcode) {
                Ok(()) => wanted.push(Place::new(domain, postcode).watch(slot.row.asin)),
                Err(why) => slot.report.watch = Some(nowhere(&why)),
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
            } else if self.work.previews() || !self.supervisor.may_enrol(&self.enrolment(&plan).await).await {
                outcomes.extend(all(plan.missing(), not_allowed()));
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

fn wanted(slot: &Slot) -> Wanted {
    Wanted::new(slot.place(), slot.row.postcode.as_str())
}

/// Nothing can be watched there.
fn nowhere(why: &NoPlace) -> Outcome {
    let code = match why {
        NoPlace::Domain(_) => "domain_unknown",
        NoPlace::Postcode { .. } => "postcode_unknown",
        NoPlace::NotActive { .. } => "postcode_not_active",
    };
    Outcome::Refused(Reason::new(code, why.to_string()))
}

fn not_allowed() -> Outcome {
    Outcome::Skipped(Reason::new("not_enrolled", "enrolling was not allowed in this run"))
}

/// What became of one product in the collections of its place.
fn placed(went: Result<(CollectionId, enrol::Outcome), NotWatched>) -> Outcome {
    let refused = |code, why: &NotWatched| Outcome::Refused(Reason::new(code, why.to_string()));
    match went {
        Ok((_, went)) => outcome(&went),
        Err(NotWatched::NoPlace(why)) => nowhere(&why),
        Err(NotWatched::NotAllowed) => not_allowed(),
        Err(why @ NotWatched::NoEmail) => refused("collection_full", &why),
        Err(why @ NotWatched::Mixed(_)) => refused("collection_mixed", &why),
        Err(why) => Outcome::Failed(Reason::new("multicart", why.to_string())),
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
