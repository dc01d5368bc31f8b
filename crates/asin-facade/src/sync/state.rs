//! What a run has seen and the next one may use, in a [`Journal`] beside the catalogue. Every result that was paid for is on
//! disk, synced, before it is marked as collected.

use super::{
    Observation,
    journal::{Journal, StateError},
};
use crate::{Asin, Product};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Line {
    Family {
        place: Product,
        family: Family,
    },
    Seen {
        place: Product,
        seen: Seen,
    },
    /// What was sent, in files of before it had a log of its own.
    #[serde(alias = "settled")]
    Sent,
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
}

impl Kept {
    fn take_in(&mut self, line: Line) {
        match line {
            Line::Family { place, family } => drop(self.families.insert(place, family)),
            Line::Seen { place, seen } => drop(self.seen.insert(place, seen)),
            Line::Sent => {}
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

    fn append(&mut self, line: Line) -> Result<(), StateError> {
        self.journal.append(std::slice::from_ref(&line))?;
        self.kept.take_in(line);
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

    /// Keeps a family.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn keep_family(&mut self, place: Product, family: Family) -> Result<(), StateError> {
        self.append(Line::Family { place, family })
    }

    /// Keeps what was seen.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn keep_seen(&mut self, place: Product, seen: Seen) -> Result<(), StateError> {
        self.append(Line::Seen { place, seen })
    }

    /// Writes the file anew without what no run will ask for again.
    ///
    /// # Errors
    /// If the new file could not be written; the old one then stays.
    pub fn compact(&mut self, now: Timestamp) -> Result<(), StateError> {
        let old = |at, life| !younger(at, now, life);
        let Kept { families, seen } = &mut self.kept;
        let before = families.len() + seen.len();
        families.retain(|_, family| !old(family.at, FAMILY_LIFE));
        seen.retain(|_, seen| !old(seen.at, OBSERVATION_LIFE));
        if families.len() + seen.len() == before {
            return Ok(());
        }
        let families = families.iter().map(|(&place, family)| Line::Family { place, family: family.clone() });
        let seen = seen.iter().map(|(&place, seen)| Line::Seen { place, seen: seen.clone() });
        self.journal.replace(&families.chain(seen).collect::<Vec<_>>())
    }
}

fn younger(at: Timestamp, now: Timestamp, life: Duration) -> bool {
    now.duration_since(at).as_secs_f64() <= life.as_secs_f64()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
