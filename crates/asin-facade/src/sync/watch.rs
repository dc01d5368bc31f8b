//! Watch: enrols the products in a MultiCart collection. Never starts a run.

use super::{
    Outcome, Reason, Step,
    run::{Run, Slot},
};
use crate::Asin;
use futures_util::TryStreamExt;
use multicart::{AsinRow, CollectionId, CreateAsins, ListAsins, ListDomains, ListPostcodes, Postcode};
use std::collections::{BTreeMap, BTreeSet};

/// MultiCart's limit of a collection.
const COLLECTION_LIMIT: usize = 5_000;
/// How many products one call enrols.
const BATCH: usize = 500;

type Enrolled = BTreeSet<(Asin, String, String)>;

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
        let domains = client.call(ListDomains::new()).await?;
        let postcodes = client.call(ListPostcodes::new()).await?;
        let mut enrolled = self.enrolled(collection).await?;
        let mut wanted: BTreeMap<(String, String), BTreeSet<Asin>> = BTreeMap::new();
        for slot in slots.iter_mut() {
            let (domain, postcode) = (slot.row.marketplace.domain(), slot.row.postcode.as_str());
            if !domains.iter().any(|known| known.domain == domain) {
                let message = format!("MultiCart does not know the domain {domain}");
                slot.report.watch = Some(Outcome::Refused(Reason::new("domain_unknown", message)));
                continue;
            }
            let here = |known: &&Postcode| {
                known.zipcode == postcode && known.domain.as_ref().is_some_and(|of| of.domain == domain)
            };
            let known = postcodes.iter().find(here);
            match known.map(|known| known.status.as_ref()) {
                None => {
                    let message = format!("postcode {postcode} is not registered for {domain}");
                    slot.report.watch = Some(Outcome::Refused(Reason::new("postcode_unknown", message)));
                }
                Some(Some(status)) if status.as_str() != "active" => {
                    let message = format!("postcode {postcode} of {domain} is {status}, not active");
                    slot.report.watch = Some(Outcome::Refused(Reason::new("postcode_not_active", message)));
                }
                Some(_) => {
                    let place = (domain.to_owned(), postcode.to_owned());
                    wanted.entry(place).or_default().insert(slot.row.asin);
                }
            }
        }
        for ((domain, postcode), asins) in &mut wanted {
            asins.retain(|asin| !enrolled.contains(&(*asin, domain.clone(), postcode.clone())));
        }
        let missing: usize = wanted.values().map(BTreeSet::len).sum();
        let mut trouble: BTreeMap<(String, String), Outcome> = BTreeMap::new();
        if missing > 0 {
            if enrolled.len() + missing > COLLECTION_LIMIT {
                let full = format!(
                    "the collection holds {}, {missing} more would pass MultiCart's limit of {COLLECTION_LIMIT}; nothing was enrolled",
                    enrolled.len()
                );
                let outcome = Outcome::Refused(Reason::new("collection_full", full));
                trouble.extend(wanted.keys().map(|place| (place.clone(), outcome.clone())));
            } else if self.options.dry_run || !self.supervisor.may_enrol(missing).await {
                let outcome = Outcome::Skipped(Reason::new("not_enrolled", "enrolling was not allowed in this run"));
                trouble.extend(wanted.keys().map(|place| (place.clone(), outcome.clone())));
            } else {
                trouble = self.create(collection, &wanted).await;
                // A refusal as a duplicate is success only if the list shows it; so is a lost answer.
                enrolled = self.enrolled(collection).await?;
            }
        }
        for (done, slot) in slots.iter_mut().enumerate() {
            if slot.report.watch.is_none() {
                let (domain, postcode) = (slot.row.marketplace.domain().to_owned(), slot.row.postcode.clone());
                let present = enrolled.contains(&(slot.row.asin, domain.clone(), postcode.clone()));
                let refused = || {
                    Outcome::Refused(Reason::new(
                        "not_enrolled",
                        "MultiCart refused it, and the collection does not show it",
                    ))
                };
                let outcome = if present {
                    Outcome::Unchanged
                } else {
                    trouble.get(&(domain, postcode)).cloned().unwrap_or_else(refused)
                };
                slot.report.watch = Some(outcome);
            }
            self.advanced(Step::Watch, done + 1);
        }
        Ok(())
    }

    /// Sends what is missing, place by place; returns what went wrong for a place as a whole.
    async fn create(
        &self,
        collection: CollectionId,
        wanted: &BTreeMap<(String, String), BTreeSet<Asin>>,
    ) -> BTreeMap<(String, String), Outcome> {
        let mut trouble = BTreeMap::new();
        for (place, asins) in wanted {
            let asins: Vec<Asin> = asins.iter().copied().collect();
            for batch in asins.chunks(BATCH) {
                let create = CreateAsins::new(collection, place.0.clone(), place.1.clone(), batch.iter().copied());
                if let Err(error) = self.services.multicart.call(create).await {
                    let reason = Reason::new("multicart", error.to_string());
                    let outcome =
                        if error.may_have_been_applied() { Outcome::Unknown(reason) } else { Outcome::Failed(reason) };
                    trouble.insert(place.clone(), outcome);
                }
            }
        }
        trouble
    }

    /// What the collection shows: product, domain, postcode.
    async fn enrolled(&self, collection: CollectionId) -> core_http::Result<Enrolled> {
        let rows: Vec<AsinRow> =
            self.services.multicart.pages(ListAsins::new(collection)).items().try_collect().await?;
        let triple = |row: AsinRow| Some((row.asin?, row.domain?.domain, row.postcode?.zipcode));
        Ok(rows.into_iter().filter_map(triple).collect())
    }
}
