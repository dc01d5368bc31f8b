//! What was sent to listings and does not show in them yet, in a [`Journal`] of its own: on disk, synced, before it leaves.

use crate::{
    Marketplace,
    journal::{Journal, StateError},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sp_listings::{SellerId, Sku};
use std::{collections::HashMap, path::Path};

/// So many lines more than are still of use, and the file is written anew.
const SLACK: usize = 1000;

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
    Sent { target: Target, sent: Sent },
    Settled { target: Target },
}

/// What was sent from a folder.
#[derive(Debug)]
pub struct SentLog {
    journal: Journal,
    kept: HashMap<Target, Sent>,
}

fn take_in(kept: &mut HashMap<Target, Sent>, line: Line) {
    match line {
        Line::Sent { target, sent } => drop(kept.insert(target, sent)),
        Line::Settled { target } => drop(kept.remove(&target)),
    }
}

impl SentLog {
    /// Opens the log of a world in this folder.
    ///
    /// # Errors
    /// If it cannot be read, written or locked.
    pub fn open(folder: &Path, world: &str) -> Result<Self, StateError> {
        let (mut kept, mut lines) = (HashMap::new(), 0);
        let mut journal = Journal::open(folder, "sent", world, |line| {
            lines += 1;
            take_in(&mut kept, line);
        })?;
        if lines > kept.len() + SLACK {
            let line = |(target, sent): (&Target, &Sent)| Line::Sent { target: target.clone(), sent: sent.clone() };
            journal.replace(&kept.iter().map(line).collect::<Vec<_>>())?;
        }
        Ok(Self { journal, kept })
    }

    fn append(&mut self, lines: Vec<Line>) -> Result<(), StateError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.journal.append(&lines)?;
        lines.into_iter().for_each(|line| take_in(&mut self.kept, line));
        Ok(())
    }

    /// What was sent last to a target, until it has been settled.
    pub fn sent(&self, target: &Target) -> Option<&Sent> {
        self.kept.get(target)
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
            let sent = Sent { at, answered: true, ..self.kept.get(&target)?.clone() };
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
        let known = targets.into_iter().filter(|target| self.kept.contains_key(target));
        let lines = known.map(|target| Line::Settled { target }).collect();
        self.append(lines)
    }
}

#[cfg(test)]
#[path = "sent_tests.rs"]
mod tests;
