//! What a run leaves for the next one: an append-only file of JSON lines beside the catalogue.
//!
//! What was sent is on disk, synced, before it leaves; so is every result that was paid for, before it is marked as
//! collected. One process at a time owns the file.

use super::Observation;
use crate::{Asin, Marketplace};
use fs4::{FileExt, TryLockError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// A family is asked for again after 30 days.
const FAMILY_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// An observation older than this is of no use to any run.
const OBSERVATION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Clocks may differ by so much.
const CLOCKS: Duration = Duration::from_secs(60);

/// One product in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The product.
    pub asin: Asin,
    /// The store.
    pub marketplace: Marketplace,
}

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
    Family { place: Place, family: Family },
    Seen { place: Place, seen: Seen },
    Sent { target: Target, sent: Sent },
    Settled { target: Target },
}

/// Why the state cannot be used; nothing is sent without it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another run is at work on the same catalogue.
    #[error("{0}: another `asin sync` is using it; wait until that has ended")]
    Locked(PathBuf),
    /// A line that this version cannot read: it may be the record of something that was sent.
    #[error("{path}, line {line}: {message}; move the file away only if nothing sent from here matters any more")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// The state of a catalogue.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    file: File,
    /// Whether a write has failed: what stands behind a half line could not be read again.
    broken: bool,
    families: HashMap<Place, Family>,
    seen: HashMap<Place, Seen>,
    sent: HashMap<Target, Sent>,
}

impl State {
    /// Opens the state in this folder, and keeps every other process out of it. What was seen and sent at other hosts
    /// (a sandbox) is another `world`, and another file.
    ///
    /// # Errors
    /// If it cannot be read, written or locked; a last line that was cut short by a crash is left out.
    pub fn open(folder: &Path, world: &str) -> Result<Self, StateError> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let path = folder.join(format!("sync-{}.jsonl", world.chars().map(plain).collect::<String>()));
        let io = |source| StateError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(io)?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked(path)),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let (families, seen, sent) = Default::default();
        let mut state =
            Self { path: path.clone(), file: file.try_clone().map_err(io)?, broken: false, families, seen, sent };
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        // The file's name, too, has to survive a crash.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        let mut reader = BufReader::new(file);
        let (mut text, mut length, mut number) = (Vec::new(), 0_u64, 0);
        loop {
            text.clear();
            let read = reader.read_until(b'\n', &mut text).map_err(io)?;
            if read == 0 {
                break;
            }
            number += 1;
            if text.last() != Some(&b'\n') {
                // The crash came in the middle of this line, so what it announces was never sent.
                state.file.set_len(length).map_err(io)?;
                break;
            }
            length += read as u64;
            match serde_json::from_slice(&text) {
                Ok(line) => state.take_in(line),
                Err(error) => return Err(StateError::Damaged { path, line: number, message: error.to_string() }),
            }
        }
        Ok(state)
    }

    fn take_in(&mut self, line: Line) {
        match line {
            Line::Family { place, family } => drop(self.families.insert(place, family)),
            Line::Seen { place, seen } => drop(self.seen.insert(place, seen)),
            Line::Sent { target, sent } => drop(self.sent.insert(target, sent)),
            Line::Settled { target } => drop(self.sent.remove(&target)),
        }
    }

    /// Appends lines and returns once they are on the disk.
    fn append(&mut self, lines: Vec<Line>) -> Result<(), StateError> {
        let mut text = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut text, line).expect("the state is made of plain data");
            text.push(b'\n');
        }
        let io = |source| StateError::Io { path: self.path.clone(), source };
        if self.broken {
            return Err(io(io::Error::other("closed after an earlier failure")));
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        self.broken = written.is_err();
        written.map_err(io)?;
        lines.into_iter().for_each(|line| self.take_in(line));
        Ok(())
    }

    /// A family that is known and younger than 30 days.
    pub fn family(&self, place: Place, now: Timestamp) -> Option<&Family> {
        self.families.get(&place).filter(|family| younger(family.at, now, FAMILY_LIFE))
    }

    /// What was seen of a product within the last `max_age`. What a clock that was wrong then puts into the future does
    /// not count, or nothing would be seen of the product again until that time.
    pub fn seen(&self, place: Place, now: Timestamp, max_age: Duration) -> Option<&Seen> {
        let seen = self.seen.get(&place).filter(|seen| younger(seen.at, now, max_age))?;
        younger(now, seen.at, CLOCKS).then_some(seen)
    }

    /// What was sent last to a target, until it has been settled.
    pub fn sent(&self, target: &Target) -> Option<&Sent> {
        self.sent.get(target)
    }

    /// Keeps a family.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn keep_family(&mut self, place: Place, family: Family) -> Result<(), StateError> {
        self.append(vec![Line::Family { place, family }])
    }

    /// Keeps what was seen.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn keep_seen(&mut self, place: Place, seen: Seen) -> Result<(), StateError> {
        self.append(vec![Line::Seen { place, seen }])
    }

    /// Notes that this is about to be sent (`answered: false`) or that Amazon accepted it.
    ///
    /// # Errors
    /// If it could not be written to the disk: then it must not be sent.
    pub fn note_sent(&mut self, target: Target, sent: Sent) -> Result<(), StateError> {
        self.append(vec![Line::Sent { target, sent }])
    }

    /// Forgets what was sent: it shows in the listing, or Amazon refused it.
    ///
    /// # Errors
    /// If it could not be written to the disk.
    pub fn settle(&mut self, target: Target) -> Result<(), StateError> {
        if self.sent.contains_key(&target) { self.append(vec![Line::Settled { target }]) } else { Ok(()) }
    }

    /// Writes the file anew without what no run will ask for again.
    ///
    /// # Errors
    /// If the new file could not be written; the old one then stays.
    pub fn compact(&mut self, now: Timestamp) -> Result<(), StateError> {
        let old = |at, life| !younger(at, now, life);
        let before = self.families.len() + self.seen.len();
        self.families.retain(|_, family| !old(family.at, FAMILY_LIFE));
        self.seen.retain(|_, seen| !old(seen.at, OBSERVATION_LIFE));
        if self.families.len() + self.seen.len() == before {
            return Ok(());
        }
        let families = self.families.iter().map(|(&place, family)| Line::Family { place, family: family.clone() });
        let seen = self.seen.iter().map(|(&place, seen)| Line::Seen { place, seen: seen.clone() });
        let sent = self.sent.iter().map(|(target, sent)| Line::Sent { target: target.clone(), sent: sent.clone() });
        let lines: Vec<Line> = families.chain(seen).chain(sent).collect();
        let mut text = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut text, line).expect("the state is made of plain data");
            text.push(b'\n');
        }
        let io = |source| StateError::Io { path: self.path.clone(), source };
        let fresh = self.path.with_extension("jsonl.new");
        let _left_by_a_crash = fs::remove_file(&fresh);
        let mut file = OpenOptions::new().append(true).create_new(true).open(&fresh).map_err(io)?;
        FileExt::lock(&file).map_err(io)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&fresh, &self.path).map_err(io)?;
        self.file = file;
        Ok(())
    }
}

fn younger(at: Timestamp, now: Timestamp, life: Duration) -> bool {
    now.duration_since(at).as_secs_f64() <= life.as_secs_f64()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
