//! What a run leaves for the next one, in a [`Journal`] beside the catalogue.
//!
//! What was sent is on disk, synced, before it leaves; so is every result that was paid for, before it is marked as
//! collected.

use super::{
    Observation,
    journal::{Journal, StateError},
};
use crate::{Asin, Marketplace, Product};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sp_listings::{SellerId, Sku};
use std::{collections::HashMap, path::Path, time::Duration};

/// A family is asked for again after 30 days.
const FAMILY_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// An observation older than this is of no use to any run.
const OBSERVATION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Clocks may differ by so much.
const CLOCKS: Duration = Duration::from_secs(60);

/// A product's family as DataForSEO showed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The family's parent, where it was shown.
    pub parent: Option<Asin>,
    /// Every variant that was shown.
    pub variants: Vec<Asin>,
    /// When it was read.
    pub at: Timestamp,
}

/// What was seen of one product in one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The offers.
    pub observations: Vec<Observation>,
    /// When the result was fetched.
    pub at: Timestamp,
}

/// One thing that was sent to a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The price.
    Price,
    /// The stock.
    Stock,
}

/// Which listing, and which part of it. Stock is one for all stores of an account, so it has no store here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The seller.
    pub seller: String,
    /// The SKU.
    pub sku: String,
    /// The store, for a price.
    pub marketplace: Option<Marketplace>,
    /// The part.
    pub part: Part,
}

impl Target {
    /// This part of a listing of a seller in a store.
    pub fn new(seller: &SellerId, sku: &Sku, marketplace: Marketplace, part: Part) -> Self {
        let marketplace = (part == Part::Price).then_some(marketplace);
        Self { seller: seller.to_string(), sku: sku.to_string(), marketplace, part }
    }
}

/// What was sent last to a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// The value, in one form for each value: `75.5`, or pieces and days of handling as `100/2`.
    pub value: String,
    /// When it was sent.
    pub at: Timestamp,
    /// Whether Amazon's answer was read; until then it may or may not have been accepted.
    pub answered: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Line {
    Family { place: Product, family: Family },
    Seen { place: Product, seen: Seen },
    Sent { target: Target, sent: Sent },
    Settled { target: Target },
}

/// The state of a catalogue.
#[derive(Debug)]
pub struct State {
    journal: Journal,
    kept: Kept,
}

/// What the lines of the journal come to.
#[derive(Debug, Default)]
struct Kept {
    families: HashMap<Product, Family>,
    seen: HashMap<Product, Seen>,
    sent: HashMap<Target, Sent>,
}

impl Kept {
    fn take_in(&mut self, line: Line) {
        match line {
            Line::Family { place, family } => drop(self.families.insert(place, family)),
            Line::Seen { place, seen } => drop(self.seen.insert(place, seen)),
            Line::Sent { target, sent } => drop(self.sent.insert(target, sent)),
            Line::Settled { target } => drop(self.sent.remove(&target)),
        }
    }
}

impl State {
    /// Opens the state of a world in this folder.
    ///
    /// # Errors
    /// If it cannot be read, written or locked.
    pub fn open(folder: &Path, world: &str) -> Result<Self, StateError> {
        let mut kept = Kept::default();
        let journal = Journal::open(folder, "sync", world, |line| kept.take_in(line))?;
        Ok(Self { journal, kept })
    }

    fn append(&mut self, lines: Vec<Line>) -> Result<(), StateError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.journal.append(&lines)?;
        lines.into_iter().for_each(|line| self.kept.take_in(line));
        Ok(())
    }

    /// A family that is known and younger than 30 days.
    pub fn family(&self, place: Product, now: Timestamp) -> Option<&Family> {
        self.kept.families.get(&place).filter(|family| younger(family.at, now, FAMILY_LIFE))
    }

    /// What was seen of a product within the last `max_age`. What a clock that was wrong then puts into the future does
    /// not count, or nothing would be seen of the product again until that time.
    pub fn seen(&self, place: Product, now: Timestamp, max_age: Duration) -> Option<&Seen> {
        let seen = self.kept.seen.get(&place).filter(|seen| younger(seen.at, now, max_age))?;
        younger(now, seen.at, CLOCKS).then_some(seen)
    }

    /// What was sent last to a target, until it has been settled.
    pub fn sent(&self, target: &Target) -> Option<&Sent> {
        self.kept.sent.get(target)
    }

    /// Keeps a family.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn keep_family(&mut self, place: Product, family: Family) -> Result<(), StateError> {
        self.append(vec![Line::Family { place, family }])
    }

    /// Keeps what was seen.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn keep_seen(&mut self, place: Product, seen: Seen) -> Result<(), StateError> {
        self.append(vec![Line::Seen { place, seen }])
    }

    /// Notes that these are about to be sent (`answered: false`) or that Amazon accepted them.
    ///
    /// # Errors
    /// If it could not be written to the disk: then they must not be sent.
    pub fn note_sent(&mut self, sent: impl IntoIterator<Item = (Target, Sent)>) -> Result<(), StateError> {
        self.append(sent.into_iter().map(|(target, sent)| Line::Sent { target, sent }).collect())
    }

    /// Notes that Amazon accepted these.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn accepted(&mut self, targets: Vec<Target>, at: Timestamp) -> Result<(), StateError> {
        let accepted = |target: Target| {
            let sent = Sent { at, answered: true, ..self.kept.sent.get(&target)?.clone() };
            Some((target, sent))
        };
        let accepted: Vec<_> = targets.into_iter().filter_map(accepted).collect();
        self.note_sent(accepted)
    }

    /// Forgets what was sent: it shows in the listing, or Amazon refused it.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn settle(&mut self, targets: impl IntoIterator<Item = Target>) -> Result<(), StateError> {
        let known = targets.into_iter().filter(|target| self.kept.sent.contains_key(target));
        let lines = known.map(|target| Line::Settled { target }).collect();
        self.append(lines)
    }

    /// Writes the file anew without what no run will ask for again.
    ///
    /// # Errors
    /// If the new file could not be written; the old one then stays.
    pub fn compact(&mut self, now: Timestamp) -> Result<(), StateError> {
        let old = |at, life| !younger(at, now, life);
        let Kept { families, seen, sent } = &mut self.kept;
        let before = families.len() + seen.len();
        families.retain(|_, family| !old(family.at, FAMILY_LIFE));
        seen.retain(|_, seen| !old(seen.at, OBSERVATION_LIFE));
        if families.len() + seen.len() == before {
            return Ok(());
        }
        let families = families.iter().map(|(&place, family)| Line::Family { place, family: family.clone() });
        let seen = seen.iter().map(|(&place, seen)| Line::Seen { place, seen: seen.clone() });
        let sent = sent.iter().map(|(target, sent)| Line::Sent { target: target.clone(), sent: sent.clone() });
        self.journal.replace(&families.chain(seen).chain(sent).collect::<Vec<_>>())
    }
}

fn younger(at: Timestamp, now: Timestamp, life: Duration) -> bool {
    now.duration_since(at).as_secs_f64() <= life.as_secs_f64()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
