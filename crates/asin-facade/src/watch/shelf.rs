//! The collections of one place, and what goes where.

use super::{NotWatched, register::Place};
use crate::Asin;
use futures_util::TryStreamExt;
use multicart::{AsinRow, AsinRowId, CollectionId, ListAsins, McClient, enrol::Outcome};
use std::{collections::BTreeSet, sync::Arc};

/// What is wanted at a place, and what its collections hold.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) place: Place,
    pub(super) wanted: BTreeSet<Asin>,
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    collection: CollectionId,
    rows: Vec<(AsinRowId, Asin)>,
    /// How many were added since it was read.
    added: usize,
}

/// Where missing products go.
#[derive(Debug, PartialEq)]
pub(super) struct Split {
    pub(super) old: Vec<(CollectionId, BTreeSet<Asin>)>,
    /// A new collection each.
    pub(super) new: Vec<BTreeSet<Asin>>,
}

impl Split {
    pub(super) fn products(&self) -> usize {
        self.old.iter().map(|(_, asins)| asins.len()).chain(self.new.iter().map(BTreeSet::len)).sum()
    }
}

impl Shelf {
    /// Reads the collections of a place; not if one of them holds anything else.
    pub(super) async fn read(
        client: &McClient,
        place: &Place,
        wanted: &BTreeSet<Asin>,
        collections: &[CollectionId],
    ) -> Result<Self, NotWatched> {
        let mut held = Vec::new();
        for collection in collections {
            match rows(client, place, *collection).await {
                Ok(Some(rows)) => held.push(Held { collection: *collection, rows, added: 0 }),
                Ok(None) => return Err(NotWatched::Mixed(*collection)),
                Err(error) => return Err(NotWatched::Unread(*collection, Arc::new(error))),
            }
        }
        Ok(Self { place: place.clone(), wanted: wanted.clone(), held })
    }

    /// Reads them again; what cannot be told apart any more keeps what was read before.
    pub(super) async fn read_again(&mut self, client: &McClient) -> core_http::Result<()> {
        for held in &mut self.held {
            if let Some(rows) = rows(client, &self.place, held.collection).await? {
                held.rows = rows;
            }
        }
        Ok(())
    }

    /// How many products the collections hold.
    pub(super) fn rows(&self) -> usize {
        self.collections().map(|(_, rows)| rows).sum()
    }

    /// The collections, with how many products each holds.
    pub(super) fn collections(&self) -> impl Iterator<Item = (CollectionId, usize)> {
        self.held.iter().map(|held| (held.collection, held.rows.len() + held.added))
    }

    pub(super) fn holds(&self, row: AsinRowId) -> bool {
        self.held.iter().flat_map(|held| &held.rows).any(|(held, _)| *held == row)
    }

    /// What is wanted and there, with the collection that has it first.
    pub(super) fn present(&self) -> Vec<(Asin, CollectionId)> {
        let mut seen = BTreeSet::new();
        let all = self.held.iter().flat_map(|held| held.rows.iter().map(|(_, asin)| (*asin, held.collection)));
        all.filter(|(asin, _)| self.wanted.contains(asin) && seen.insert(*asin)).collect()
    }

    /// What is wanted and not there.
    pub(super) fn missing(&self) -> BTreeSet<Asin> {
        let present: BTreeSet<Asin> = self.present().into_iter().map(|(asin, _)| asin).collect();
        self.wanted.difference(&present).copied().collect()
    }

    /// What is there and not wanted, or there a second time.
    pub(super) fn surplus(&self) -> Vec<(CollectionId, AsinRowId, Asin)> {
        let mut seen = BTreeSet::new();
        let all = self.held.iter().flat_map(|held| held.rows.iter().map(|(row, asin)| (held.collection, *row, *asin)));
        all.filter(|(_, _, asin)| !(self.wanted.contains(asin) && seen.insert(*asin))).collect()
    }

    /// Where what is missing goes: into the collections that have room, in their order, the rest into new ones.
    pub(super) fn split(&self, limit: usize) -> Split {
        let mut missing: Vec<Asin> = self.missing().into_iter().collect();
        let mut old = Vec::new();
        for (collection, rows) in self.collections() {
            let part: BTreeSet<Asin> = missing.drain(..limit.saturating_sub(rows).min(missing.len())).collect();
            if !part.is_empty() {
                old.push((collection, part));
            }
        }
        let new = missing.chunks(limit).map(|part| part.iter().copied().collect()).collect();
        Split { old, new }
    }

    /// A collection that was made for this place.
    pub(super) fn add(&mut self, collection: CollectionId) {
        self.held.push(Held { collection, rows: Vec::new(), added: 0 });
    }

    /// What became of a product that was sent to a collection; what is not clearly refused counts as being there.
    pub(super) fn took(&mut self, collection: CollectionId, asin: Asin, outcome: &Outcome) {
        let refused = matches!(outcome, Outcome::Refused(_) | Outcome::Failed(_));
        let is_known = |held: &Held| held.rows.iter().any(|(_, known)| *known == asin);
        if let Some(held) = self.held.iter_mut().find(|held| held.collection == collection)
            && !refused
            && !is_known(held)
        {
            held.added += 1;
        }
    }
}

/// What a collection holds; nothing is said if not all of it is of this place.
async fn rows(
    client: &McClient,
    place: &Place,
    collection: CollectionId,
) -> core_http::Result<Option<Vec<(AsinRowId, Asin)>>> {
    let rows: Vec<AsinRow> = client.pages(ListAsins::new(collection)).items().try_collect().await?;
    let of_place = |row: &AsinRow| {
        let (domain, postcode) = (row.domain.as_ref()?, row.postcode.as_ref()?);
        (domain.domain == place.0.domain() && postcode.zipcode == place.1).then_some((row.id, row.asin?))
    };
    Ok(rows.iter().map(of_place).collect())
}
