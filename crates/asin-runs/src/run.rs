//! A run: tasks of any number, a budget and a deadline, worked off by any number of processes, each task once.

use crate::{StoreError, columns};
use dataforseo_merchant::{Collected, LedgerError, State, Tag, TaskId, TaskRequest};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A run in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl RunId {
    /// By which a receiver's token becomes that of this run alone: `Token::for_part` of `dataforseo_merchant::webhook`.
    pub fn part(self) -> u64 {
        self.0.cast_unsigned()
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a run is begun with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its name, one of the account's: who begins a run of this name again goes on with the one that is there.
    pub name: String,
    /// The most that its tasks may cost together, US dollars; what may have been spent without anybody knowing counts.
    pub budget: Decimal,
    /// So long after its beginning nothing more is posted.
    pub lifetime: Option<Duration>,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunStatus {
    /// Tasks altogether.
    pub tasks: u64,
    /// Not posted yet.
    pub waiting: u64,
    /// Held by a worker that is about to post them.
    pub held: u64,
    /// Posted, or perhaps posted; without a result yet.
    pub pending: u64,
    /// Of those, perhaps paid for without anybody knowing.
    pub unknown: u64,
    /// With a result.
    pub done: u64,
    /// Refused for good, or written off.
    pub refused: u64,
    /// What they have cost, and may have, in billionths of a US dollar.
    committed: i64,
    /// The budget, in billionths of a US dollar.
    budget: i64,
    /// Whether nothing more is posted, on somebody's word.
    pub cancelled: bool,
    /// Whether nothing more is posted, for its deadline has passed.
    pub late: bool,
    /// So many of its tasks, from the first, may be posted; the others have still to be agreed to.
    pub agreed: u64,
}

impl RunStatus {
    pub(crate) fn of(counts: [i64; 8], committed: i64, budget: i64, [cancelled, late]: [bool; 2]) -> Self {
        let [tasks, waiting, held, pending, unknown, done, refused, agreed] = counts.map(i64::unsigned_abs);
        Self { tasks, waiting, held, pending, unknown, done, refused, committed, budget, cancelled, late, agreed }
    }

    /// What the tasks have cost, and may have, US dollars.
    pub fn committed(&self) -> Decimal {
        Decimal::from_i128_with_scale(self.committed.into(), 9).normalize()
    }

    /// The budget, US dollars.
    pub fn budget(&self) -> Decimal {
        Decimal::from_i128_with_scale(self.budget.into(), 9).normalize()
    }

    /// What they will have cost in the end, US dollars, if those to be posted cost what the others did on average; `None`
    /// before the first. The budget holds all the same.
    pub fn expected(&self) -> Option<Decimal> {
        let posted = Decimal::from(self.pending + self.done);
        match self.to_post() {
            0 => Some(self.committed()),
            open => Some(self.committed() + (self.committed().checked_div(posted)? * Decimal::from(open)).normalize()),
        }
    }

    /// How many tasks are still to be posted: none once it is cancelled or its deadline has passed.
    pub fn to_post(&self) -> u64 {
        if self.cancelled || self.late { 0 } else { (self.waiting + self.held).saturating_sub(self.not_agreed()) }
    }

    /// How many tasks nobody has agreed to yet.
    pub fn not_agreed(&self) -> u64 {
        self.tasks.saturating_sub(self.agreed)
    }

    /// How many have come to an end.
    pub fn ended(&self) -> u64 {
        self.done + self.refused
    }

    /// Whether every one of its tasks has come to an end, and there are some.
    pub fn is_done(&self) -> bool {
        self.tasks > 0 && self.ended() == self.tasks
    }
}

/// A task of a run and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The task's place in the run, from 0.
    pub number: i64,
    /// What was asked for.
    pub request: TaskRequest,
    /// `done`, `empty`, `failed`, `unreadable`, or `refused`: it was never made, or is written off.
    pub outcome: String,
    /// The vendor's id of the task, by which its result can be fetched again for 30 days.
    #[serde(default)]
    pub id: Option<TaskId>,
    /// The vendor's result, of the kind that was asked for.
    pub result: Value,
    /// What failed, or could not be read.
    pub error: Option<String>,
}

/// A task of a run that has come to an end, under the tag by which the ledger knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Which run.
    pub run: RunId,
    /// Its tag.
    pub tag: Tag,
    /// The vendor's id.
    pub id: TaskId,
    /// What it cost, US dollars.
    pub cost: Decimal,
    /// What came of it.
    pub result: RunResult,
}

impl Ended {
    /// `None` where it is no task of a run.
    pub fn of(collected: &Collected) -> Option<Self> {
        let Collected { entry, .. } = collected;
        let (run, number) = columns::place(&entry.label)?;
        let (State::Created { id, cost } | State::Collected { id, cost }) = &entry.state else { return None };
        let result = RunResult::of(number, collected);
        Some(Self { run, tag: entry.tag.clone(), id: id.clone(), cost: *cost, result })
    }
}

/// Why a store lets a worker post nothing: the source of the [`LedgerError`] that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The account has no such run.
    #[error("the account has no such run")]
    NoRun,
    /// Somebody has cancelled it.
    #[error("the run was cancelled")]
    Cancelled,
    /// Its deadline has passed.
    #[error("the run's deadline has passed")]
    Late,
    /// Its budget does not allow more.
    #[error("the run's budget does not allow more")]
    Budget,
    /// A task of this batch was given to another worker.
    #[error("a task of this batch was given to another worker")]
    Lost,
}

/// Who works, at what.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub run: RunId,
    /// The worker's own name, given to nobody else.
    pub holder: String,
}

/// Billionths of a US dollar.
pub(crate) fn nanos(usd: Decimal) -> Result<i64, LedgerError> {
    let nanos = usd.checked_mul(Decimal::from(1_000_000_000)).and_then(|nanos| nanos.ceil().to_i64());
    nanos.ok_or_else(|| LedgerError::new(format!("{usd} USD is more than can be counted")))
}

/// What a task is known to have cost, once that is known.
pub(crate) fn cost(state: &State) -> Option<Decimal> {
    match state {
        State::Created { cost, .. } | State::Collected { cost, .. } | State::WrittenOff { cost, .. } => Some(*cost),
        State::Rejected { .. } | State::Absent => Some(Decimal::ZERO),
        _ => None,
    }
}

impl RunResult {
    /// What came of a task.
    pub(crate) fn of(number: i64, collected: &Collected) -> Self {
        let (request, result) = (collected.entry.request.clone(), &collected.result);
        let (outcome, error) = (result.outcome().to_owned(), result.trouble());
        Self { number, request, outcome, id: collected.entry.state.id().cloned(), result: result.json(), error }
    }

    /// One of which nothing will come, and why.
    pub(crate) fn refused(number: i64, request: TaskRequest, why: Option<String>) -> Self {
        Self { number, request, outcome: "refused".to_owned(), id: None, result: Value::Null, error: why }
    }
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self::because(error)
    }
}
