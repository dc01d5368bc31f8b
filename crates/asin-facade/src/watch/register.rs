//! Which collections watch which place. MultiCart lists no collections, so that what was made is kept here.

use crate::{
    Marketplace,
    journal::{Journal, StateError},
};
use jiff::Timestamp;
use multicart::{CollectionId, McClient, runs::RunnerId};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// A store with a postcode of it.
pub(crate) type Place = (Marketplace, String);

/// Which MultiCart collections watch which store and postcode, in a file: only these are ever added to, pruned or started by
/// [`Watch`](super::Watch). Also which runs were started without an answer, and what of a batch of runs is still to be started.
///
/// One folder is for one account; one process at a time has it open. What was made at another host (a sandbox) is in another
/// file.
#[derive(Debug)]
pub struct Register {
    journal: Journal,
    kept: Kept,
    looks: bool,
}

#[derive(Debug, Default)]
struct Kept {
    collections: BTreeMap<Place, Vec<CollectionId>>,
    /// The names that were used for a place, made or not.
    names: BTreeMap<Place, usize>,
    /// Those of which it is not known whether they were made.
    unknown: BTreeSet<String>,
    /// Starts without an answer, with the runs that were there before.
    starts: BTreeMap<CollectionId, BTreeSet<RunnerId>>,
    /// Of what is started together, when each run was; a batch of which all were is gone.
    batches: Vec<BTreeMap<CollectionId, Option<Timestamp>>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Line {
    /// It is about to be made.
    Making { place: Place, name: String },
    /// It was made.
    Made { place: Place, name: String, collection: CollectionId },
    /// It was clearly not made.
    NotMade { name: String },
    /// A person said so.
    Adopted { place: Place, collection: CollectionId },
    /// A person said that it is not for a place any more.
    Forgotten { collection: CollectionId },
    /// A run is about to be started.
    Starting { collection: CollectionId, before: BTreeSet<RunnerId> },
    /// It is known what became of that.
    Started { collection: CollectionId },
    /// A run of each of these is about to be started; `anew`: also of those that an earlier batch has started.
    Batch { collections: BTreeSet<CollectionId>, anew: bool },
    /// A run was started.
    Ran { collection: CollectionId, at: Timestamp },
}

impl Kept {
    fn take_in(&mut self, line: Line) {
        match line {
            Line::Making { place, name } => {
                *self.names.entry(place).or_default() += 1;
                self.unknown.insert(name);
            }
            Line::Made { place, name, collection } => {
                self.unknown.remove(&name);
                self.collections.entry(place).or_default().push(collection);
            }
            Line::NotMade { name } => drop(self.unknown.remove(&name)),
            Line::Adopted { place, collection } => self.collections.entry(place).or_default().push(collection),
            Line::Forgotten { collection } => {
                self.collections.values_mut().for_each(|kept| kept.retain(|known| *known != collection));
                self.leave(collection);
            }
            Line::Starting { collection, before } => drop(self.starts.insert(collection, before)),
            Line::Started { collection } => drop(self.starts.remove(&collection)),
            Line::Batch { collections, anew } => {
                if anew {
                    collections.iter().for_each(|collection| self.leave(*collection));
                }
                // With what is open of the same collections it is one; what shares none is none of its business.
                let shares = |batch: &BTreeMap<_, _>| collections.iter().any(|known| batch.contains_key(known));
                let (same, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.batches).into_iter().partition(shares);
                self.batches = others;
                let mut batch: BTreeMap<_, _> = same.into_iter().flatten().collect();
                for collection in collections {
                    batch.entry(collection).or_default();
                }
                self.batches.push(batch);
            }
            Line::Ran { collection, at } => {
                self.starts.remove(&collection);
                for batch in &mut self.batches {
                    batch.entry(collection).and_modify(|ran| *ran = Some(at));
                }
                self.close();
            }
        }
    }

    /// It is no part of any batch any more.
    fn leave(&mut self, collection: CollectionId) {
        for batch in &mut self.batches {
            batch.remove(&collection);
        }
        self.close();
    }

    /// Of a batch that was started as a whole nothing is left.
    fn close(&mut self) {
        self.batches.retain(|batch| batch.values().any(Option::is_none));
    }
}

impl Register {
    /// Opens the register in this folder, or makes it.
    ///
    /// # Errors
    /// If it cannot be read, written or locked.
    pub fn open(folder: impl AsRef<Path>, client: &McClient) -> Result<Self, StateError> {
        let mut kept = Kept::default();
        let journal = Journal::open(folder.as_ref(), "collections", &client.base(), |line| kept.take_in(line))?;
        Ok(Self { journal, kept, looks: false })
    }

    /// For a look: what is found out is known as long as it lives, and not written.
    pub fn look(mut self) -> Self {
        self.looks = true;
        self
    }

    /// The collections that watch a place, in the order in which they are filled.
    pub fn collections(&self, marketplace: Marketplace, postcode: &str) -> &[CollectionId] {
        self.kept.collections.get(&(marketplace, postcode.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Takes in a collection that a person has made for a place. It is checked when it is used: one that holds anything of
    /// another place is left alone. Does nothing if it is known.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn adopt(
        &mut self,
        marketplace: Marketplace,
        postcode: &str,
        collection: CollectionId,
    ) -> Result<(), StateError> {
        if self.collections(marketplace, postcode).contains(&collection) {
            return Ok(());
        }
        self.append(Line::Adopted { place: (marketplace, postcode.to_owned()), collection })
    }

    /// Forgets a collection, on a person's word: it is not touched any more. What it holds is watched as before, if it is still
    /// there, and enrolled a second time where it is wanted.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn forget(&mut self, collection: CollectionId) -> Result<(), StateError> {
        let is_known = self.kept.collections.values().flatten().any(|known| *known == collection);
        if is_known { self.append(Line::Forgotten { collection }) } else { Ok(()) }
    }

    /// The collections of which a run was started without an answer. None of them is started again until a run that was not
    /// there before shows that it was started, or a person [gives it up](Self::give_up).
    pub fn unknown_starts(&self) -> impl Iterator<Item = CollectionId> {
        self.kept.starts.keys().copied()
    }

    /// Gives up a start without an answer, on a person's word: the next one may cost the credits a second time.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn give_up(&mut self, collection: CollectionId) -> Result<(), StateError> {
        if self.kept.starts.contains_key(&collection) { self.started(collection) } else { Ok(()) }
    }

    /// The name of the next collection of a place: `asin amazon.com.au 4500`, then with a number.
    pub(super) fn next_name(&self, place: &Place) -> String {
        let base = format!("asin {} {}", place.0.domain(), place.1);
        match self.kept.names.get(place) {
            None => base,
            Some(used) => format!("{base} {}", used + 1),
        }
    }

    /// Collections that may have been made, by their names.
    pub(super) fn unknown_names(&self) -> impl Iterator<Item = &String> {
        self.kept.unknown.iter()
    }

    pub(super) fn making(&mut self, place: &Place, name: &str) -> Result<(), StateError> {
        self.append(Line::Making { place: place.clone(), name: name.to_owned() })
    }

    pub(super) fn made(&mut self, place: &Place, name: &str, collection: CollectionId) -> Result<(), StateError> {
        self.append(Line::Made { place: place.clone(), name: name.to_owned(), collection })
    }

    pub(super) fn not_made(&mut self, name: &str) -> Result<(), StateError> {
        self.append(Line::NotMade { name: name.to_owned() })
    }

    /// The runs that were there before a start without an answer.
    pub(super) fn before(&self, collection: CollectionId) -> Option<&BTreeSet<RunnerId>> {
        self.kept.starts.get(&collection)
    }

    pub(super) fn starting(&mut self, collection: CollectionId, before: BTreeSet<RunnerId>) -> Result<(), StateError> {
        self.append(Line::Starting { collection, before })
    }

    pub(super) fn started(&mut self, collection: CollectionId) -> Result<(), StateError> {
        self.append(Line::Started { collection })
    }

    /// When an open batch has started a run of it.
    pub(super) fn ran_at(&self, collection: CollectionId) -> Option<Timestamp> {
        self.kept.batches.iter().find_map(|batch| batch.get(&collection).copied().flatten())
    }

    /// Opens a batch, or adds to one that is open; `anew` takes its collections out of what is open.
    pub(super) fn batch(&mut self, collections: BTreeSet<CollectionId>, anew: bool) -> Result<(), StateError> {
        self.append(Line::Batch { collections, anew })
    }

    pub(super) fn ran(&mut self, collection: CollectionId) -> Result<(), StateError> {
        self.append(Line::Ran { collection, at: Timestamp::now() })
    }

    fn append(&mut self, line: Line) -> Result<(), StateError> {
        if !self.looks {
            self.journal.append(std::slice::from_ref(&line))?;
        }
        self.kept.take_in(line);
        Ok(())
    }
}
