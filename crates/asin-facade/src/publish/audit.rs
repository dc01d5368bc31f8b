//! The audit log: every write with its old and new values, on disk before it leaves, and how it ended.
//!
//! Unlike the state it is never compacted: it is what the way back is planned from, and what tells whose messages stand in
//! the folder of a feed.

use super::{
    Change, FromTo, Outcome, Plan,
    row::Slot,
    sent::{Part, Target},
};
use crate::{
    Asin, Marketplace, Price,
    journal::{self, Journal, StateError},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sp_listings::{SellerId, Sku};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::{Path, PathBuf},
};

const NAME: &str = "audit";

/// Names a run: the moment of its beginning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    fn new(now: Timestamp) -> Self {
        Self(now.strftime("%Y%m%dT%H%M%S.%3fZ").to_string())
    }
}

impl From<&str> for RunId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A stock, as far as a listing or a row names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stock {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quantity: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) handling_days: Option<u32>,
}

/// What one write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Edit {
    Price { from: Option<Price>, to: Price },
    Stock { from: Stock, to: Stock },
}

impl Edit {
    /// Whether it writes what was there before another one.
    fn takes_back(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Price { to, .. }, Self::Price { from, .. }) => Some(*to) == *from,
            (Self::Stock { to, .. }, Self::Stock { from, .. }) => {
                to.quantity.is_none_or(|to| Some(to) == from.quantity)
                    && to.handling_days.is_none_or(|to| Some(to) == from.handling_days)
            }
            _ => false,
        }
    }

    pub(super) fn part(&self) -> Part {
        match self {
            Self::Price { .. } => Part::Price,
            Self::Stock { .. } => Part::Stock,
        }
    }
}

/// One write, as it was before it left.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sending {
    run: RunId,
    /// Counted from 1 in each run.
    write: u64,
    at: Timestamp,
    account: String,
    seller_id: SellerId,
    sku: Sku,
    asin: Asin,
    marketplace: Marketplace,
    change: Edit,
    /// The folder of the feed that it is a message of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feed: Option<String>,
}

/// How one write ended. Where this line is missing, the program ended first: the write may have been applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ended {
    run: RunId,
    write: u64,
    at: Timestamp,
    /// `submitted`, `refused`, `unknown` or `failed`, as in the report.
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Of a message: the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    submission_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
enum Line {
    Sending(Sending),
    Ended(Ended),
}

/// The log of this run.
#[derive(Debug)]
pub(super) struct Audit {
    journal: Journal,
    run: RunId,
    writes: u64,
    /// What stands in feeds that earlier runs did not see the end of, by the feed's folder.
    open: BTreeMap<String, Vec<OpenWrite>>,
}

/// A write that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Write {
    run: RunId,
    write: u64,
}

/// A message of a feed whose end is not known yet.
#[derive(Debug, Clone)]
pub(super) struct OpenWrite {
    pub(super) write: Write,
    /// When it left.
    pub(super) at: Timestamp,
    pub(super) account: String,
    pub(super) sku: Sku,
    pub(super) target: Target,
}

/// How a write ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) write: Write,
    pub(super) outcome: Outcome,
    /// Amazon's id of the submission, or of the feed.
    pub(super) submission: Option<String>,
    pub(super) request: Option<String>,
}

impl Audit {
    /// The file of a world's log in this folder.
    pub(super) fn file(folder: &Path, world: &str) -> PathBuf {
        journal::file(folder, NAME, world)
    }

    /// Opens the log of a world in this folder.
    pub(super) fn open(folder: &Path, world: &str, now: Timestamp) -> Result<Self, StateError> {
        let mut open: BTreeMap<String, Vec<OpenWrite>> = BTreeMap::new();
        let mut ended = HashSet::new();
        let journal = Journal::open(folder, NAME, world, |line| match line {
            Line::Sending(mut sending) => {
                if let Some(feed) = sending.feed.take() {
                    open.entry(feed).or_default().push(OpenWrite::from(sending));
                }
            }
            Line::Ended(Ended { run, write, .. }) => drop(ended.insert(Write { run, write })),
        })?;
        open.values_mut().for_each(|writes| writes.retain(|open| !ended.contains(&open.write)));
        open.retain(|_, writes| !writes.is_empty());
        Ok(Self { journal, run: RunId::new(now), writes: 0, open })
    }

    /// The run, if it has written anything.
    pub(super) fn run(&self) -> Option<RunId> {
        (self.writes > 0).then(|| self.run.clone())
    }

    /// What stands in feeds whose end is not known, by the feed's folder.
    pub(super) fn open_feeds(&self) -> BTreeMap<String, Vec<OpenWrite>> {
        self.open.clone()
    }

    /// A name for the folder of a feed of this run.
    pub(super) fn feed(&self) -> String {
        format!("{}-{}", self.run, self.writes + 1)
    }

    /// Notes what is about to be sent, alone or in a feed; if that cannot be written down, it must not be sent.
    pub(super) fn sending<'a>(
        &mut self,
        feed: Option<&str>,
        changes: impl IntoIterator<Item = (&'a Slot, Edit)>,
    ) -> Result<Vec<Write>, StateError> {
        let (mut lines, mut writes) = (Vec::new(), Vec::new());
        for (slot, change) in changes {
            self.writes += 1;
            let (account, sku) = (slot.row.account.clone(), slot.row.sku.clone());
            writes.push(Write { run: self.run.clone(), write: self.writes });
            lines.push(Line::Sending(Sending {
                run: self.run.clone(),
                write: self.writes,
                at: Timestamp::now(),
                account,
                seller_id: slot.seller.clone(),
                sku,
                asin: slot.row.asin,
                marketplace: slot.row.marketplace,
                change,
                feed: feed.map(str::to_owned),
            }));
        }
        self.journal.append(&lines)?;
        Ok(writes)
    }

    /// Notes how writes ended.
    pub(super) fn ended(&mut self, ends: impl IntoIterator<Item = End>) -> Result<(), StateError> {
        let at = Timestamp::now();
        let line = |End { write: Write { run, write }, outcome, submission, request }| {
            let reason = outcome.reason().map(|reason| reason.message.clone());
            let (outcome, submission_id, request_id) = (outcome.name().to_owned(), submission, request);
            Line::Ended(Ended { run, write, at, outcome, reason, submission_id, request_id })
        };
        self.journal.append(&ends.into_iter().map(line).collect::<Vec<_>>())
    }
}

impl From<Sending> for OpenWrite {
    fn from(sending: Sending) -> Self {
        let Sending { run, write, at, account, seller_id, sku, marketplace, change, .. } = sending;
        let target = Target::new(&seller_id, &sku, marketplace, change.part());
        Self { write: Write { run, write }, at, account, sku, target }
    }
}

/// One run of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// When its first write left.
    pub at: Timestamp,
    /// How many writes it made.
    pub writes: usize,
}

/// The way back from a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Undo {
    /// The changes that lead back; each is made only where the listing still shows what the run wrote.
    pub plan: Plan,
    /// What cannot be undone, in words.
    pub left: Vec<String>,
}

/// The writes of a world, by run.
#[derive(Debug, Default)]
pub(super) struct Log {
    sent: Vec<Sending>,
    /// What Amazon refused, or never got: it changed nothing.
    void: HashSet<Write>,
}

impl Log {
    /// Reads the log of a world in this folder.
    pub(super) fn read(folder: &Path, world: &str) -> Result<Self, StateError> {
        let mut log = Self::default();
        Journal::open(folder, NAME, world, |line| match line {
            Line::Sending(sending) => log.sent.push(sending),
            Line::Ended(ended) if matches!(ended.outcome.as_str(), "refused" | "failed") => {
                log.void.insert(Write { run: ended.run, write: ended.write });
            }
            Line::Ended(_) => {}
        })?;
        Ok(log)
    }

    /// Every run, the last one first.
    pub(super) fn runs(&self) -> Vec<RunSummary> {
        let mut runs: BTreeMap<&RunId, RunSummary> = BTreeMap::new();
        for Sending { run, at, .. } in &self.sent {
            runs.entry(run).or_insert_with(|| RunSummary { run: run.clone(), at: *at, writes: 0 }).writes += 1;
        }
        runs.into_values().rev().collect()
    }

    /// Whether a later run has written the same, and has not been taken back since: that what is there now is what this write
    /// left does not say that it is this write's. One that wrote what was there before was the way back.
    fn is_overtaken(&self, sent: &Sending) -> bool {
        let same = |other: &&Sending| other.run != sent.run && other.is_of_the_same(sent);
        let counts = |other: &&Sending| !self.void.contains(&Write { run: other.run.clone(), write: other.write });
        let behind = self.sent.iter().skip_while(|other| (&other.run, other.write) != (&sent.run, sent.write));
        let mut later: Vec<&Edit> = Vec::new();
        for other in behind.filter(same).filter(counts) {
            match later.last() {
                Some(last) if other.change.takes_back(last) => drop(later.pop()),
                _ => later.push(&other.change),
            }
        }
        later.last().is_some_and(|last| !last.takes_back(&sent.change))
    }

    /// The way back from a run; `None`: there is no such run.
    pub(super) fn undo(&self, run: &RunId, world: &str, now: Timestamp) -> Option<Undo> {
        let mut changes: BTreeMap<(String, Sku, Marketplace), Change> = BTreeMap::new();
        let mut left = Vec::new();
        let mut known = false;
        for sent in self.sent.iter().filter(|sent| sent.run == *run) {
            known = true;
            if self.void.contains(&Write { run: run.clone(), write: sent.write }) {
                continue;
            }
            let (account, sku, marketplace) = (sent.account.clone(), sent.sku.clone(), sent.marketplace);
            let line = changes.len() as u64 + 1;
            let change = changes.entry((account, sku, marketplace)).or_insert_with(|| sent.back(line, now));
            if self.is_overtaken(sent) {
                left.push(format!("{} in {}: a later run has written it, too", sent.sku, sent.marketplace));
                continue;
            }
            let mut keep = |what: &str| left.push(format!("{} in {}: {what} before", sent.sku, sent.marketplace));
            match sent.change {
                Edit::Price { from: Some(from), to } => change.price = Some(FromTo { from: Some(to), to: from }),
                Edit::Price { from: None, .. } => keep("it had no price"),
                Edit::Stock { from, to } => {
                    change.quantity = back(from.quantity, to.quantity);
                    change.handling = back(from.handling_days, to.handling_days);
                    if to.quantity.is_some() && from.quantity.is_none() {
                        keep("it had no stock");
                    }
                    if to.handling_days.is_some() && from.handling_days.is_none() {
                        keep("it had no days of handling");
                    }
                }
            }
        }
        let changes = changes.into_values();
        let changes =
            changes.filter(|change| change.price.is_some() || change.quantity.is_some() || change.handling.is_some());
        let plan = Plan {
            version: Plan::VERSION,
            made: now,
            max_observation_age: 0, // it follows none
            max_stock_age: None,
            world: world.to_owned(),
            changes: changes.collect(),
        };
        known.then_some(Undo { plan, left })
    }
}

/// From what was written to what was there.
fn back(from: Option<u32>, to: Option<u32>) -> Option<FromTo<u32>> {
    let (from, to) = (from?, to?);
    (from != to).then_some(FromTo { from: Some(to), to: from })
}

impl Sending {
    /// Whether it writes the same part of the same listing; a stock is one for all stores of the account.
    fn is_of_the_same(&self, other: &Self) -> bool {
        let store = |sending: &Self| match sending.change.part() {
            Part::Price => Some(sending.marketplace),
            Part::Stock => None,
        };
        (&self.account, &self.sku, self.change.part()) == (&other.account, &other.sku, other.change.part())
            && store(self) == store(other)
    }

    /// The change that leads back, still empty; whoever asks for it wants that stock now.
    fn back(&self, line: u64, now: Timestamp) -> Change {
        let Self { account, seller_id, sku, asin, marketplace, .. } = self.clone();
        Change { stock_at: Some(now), ..Change::new(line, account, seller_id, sku, asin, marketplace) }
    }
}
