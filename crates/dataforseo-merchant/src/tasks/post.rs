//! Posting: reserve, write the intent down, send once, write the outcome down, report.

use super::{NewTask, Tasks, ledger_failed};
use crate::{
    AsinTaskPost, Entry, Kind, OverBudget, SellersTaskPost, State, Tag, Task, TaskId, TaskOutcome, TaskRequest, vendor,
};
use core_http::{Answer, Error, ErrorKind, Fault, Result};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tracing::Instrument;

/// The most tasks of one call.
const CHUNK: usize = 100;
/// How long one call may take, its wait for our limits and its resends included. After that it can no longer be sent.
pub(super) const LIFE: Duration = Duration::from_secs(60);
/// How often a task is sent that limits keep refusing.
const ROUNDS: u32 = 5;

/// What became of a task that was to be posted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Posted {
    /// Made and billed. Its result can be collected.
    Created {
        /// Our tag of it.
        tag: Tag,
        /// The vendor's id of it.
        id: TaskId,
        /// What it cost, USD.
        cost: Decimal,
    },
    /// Clearly refused by the vendor: neither made nor billed.
    Rejected {
        /// Our tag of it.
        tag: Tag,
        /// The vendor's words.
        fault: Fault,
    },
    /// Sent without a readable answer: perhaps made and billed. [`Tasks::settle`] finds out; do not post it again.
    Unknown {
        /// Our tag of it.
        tag: Tag,
        /// What happened.
        error: Arc<Error>,
    },
    /// Not sent: the budget does not allow it.
    OverBudget(OverBudget),
    /// Not made and not billed: it was not sent, or the call that it was part of was clearly refused as a whole.
    NotSent {
        /// Why.
        error: Arc<Error>,
    },
}

/// A task in the queue.
struct Waiting {
    place: usize,
    task: NewTask,
    round: u32,
}

/// What a call meant for one of its tasks.
enum Fate {
    Posted(Posted),
    /// A limit refused it, nothing was made: to be sent again, with a new intent.
    Again(Arc<Error>),
}

/// What came of one call.
struct Sent {
    fates: Vec<Fate>,
    /// Why no further call must be made.
    stop: Option<Arc<Error>>,
    /// How long to wait before the next call.
    pause: Duration,
    /// Whether its outcome could not be read.
    unclear: bool,
}

impl Tasks {
    /// Posts tasks and says what became of each, in their order. Calls hold up to 100 tasks each and are made one after
    /// the other; what one of them brought is never lost by the failure of a later one.
    ///
    /// Dropping the future stops after the call under way, whose outcome still reaches the ledger.
    pub async fn post(&self, tasks: Vec<NewTask>) -> Vec<Posted> {
        let mut outcomes: Vec<Option<Posted>> = tasks.iter().map(|_| None).collect();
        let mut queue: VecDeque<Waiting> =
            tasks.into_iter().enumerate().map(|(place, task)| Waiting { place, task, round: 1 }).collect();
        let ready = match self.adopt().await {
            Ok(()) if !queue.is_empty() => self.hear_clock().await,
            adopted => adopted,
        };
        let mut stop = ready.err().map(Arc::new);
        let mut unclear = 0;
        while stop.is_none() && !queue.is_empty() {
            let chunk = next_chunk(&mut queue);
            let sent = self.send(chunk.iter().map(|waiting| waiting.task.clone()).collect()).await;
            for (fate, waiting) in sent.fates.into_iter().zip(chunk) {
                let outcome = &mut outcomes[waiting.place];
                match fate {
                    Fate::Posted(posted) => *outcome = Some(posted),
                    Fate::Again(error) if waiting.round >= ROUNDS => *outcome = Some(Posted::NotSent { error }),
                    Fate::Again(_) => queue.push_back(Waiting { round: waiting.round + 1, ..waiting }),
                }
            }
            unclear = if sent.unclear { unclear + 1 } else { 0 };
            stop = sent.stop;
            if unclear >= 2 && stop.is_none() {
                let message = "not sent: the two calls before had no readable answer";
                stop = Some(Arc::new(Error::new(ErrorKind::Connect, message)));
            }
            if !sent.pause.is_zero() && stop.is_none() && !queue.is_empty() {
                tokio::time::sleep(sent.pause).await;
            }
        }
        if let Some(error) = stop {
            queue.iter().for_each(|waiting| outcomes[waiting.place] = Some(Posted::NotSent { error: error.clone() }));
        }
        outcomes.into_iter().map(|outcome| outcome.expect("every task was in a chunk or still in the queue")).collect()
    }

    /// Makes one call, for those tasks that the budget allows.
    async fn send(&self, tasks: Vec<NewTask>) -> Sent {
        let (sent, vendor_sent) = (Timestamp::now(), self.shared.clock.now());
        let intent = |task: NewTask| {
            let reserved = self.price(&task);
            self.budget.reserve(reserved)?;
            let NewTask { request, label } = task;
            Ok(Entry { tag: Tag::unique(), request, label, reserved, sent, vendor_sent, state: State::Intended })
        };
        let intents: Vec<Result<Entry, OverBudget>> = tasks.into_iter().map(intent).collect();
        let entries: Vec<Entry> = intents.iter().filter_map(|intent| intent.as_ref().ok().cloned()).collect();
        let mut sent = if entries.is_empty() { Sent::nothing() } else { self.send_to_the_end(entries).await };
        let mut fates = std::mem::take(&mut sent.fates).into_iter();
        let fate = |intent: Result<Entry, OverBudget>| match intent {
            Ok(_) => fates.next(),
            Err(over) => Some(Fate::Posted(Posted::OverBudget(over))),
        };
        sent.fates = intents.into_iter().filter_map(fate).collect();
        sent
    }

    /// Makes the call in a task of its own: it ends in the ledger even when nobody waits for it any more.
    async fn send_to_the_end(&self, entries: Vec<Entry>) -> Sent {
        let tags: Vec<Tag> = entries.iter().map(|entry| entry.tag.clone()).collect();
        let this = self.clone();
        match tokio::spawn(async move { this.send_entries(entries).await }.in_current_span()).await {
            Ok(sent) => sent,
            // Only by a bug, or while the runtime shuts down; the intents stand in the ledger.
            Err(error) => {
                let error = Arc::new(Error::new(ErrorKind::Interrupted, error));
                let unknown = |tag| Fate::Posted(Posted::Unknown { tag, error: error.clone() });
                let fates = tags.into_iter().map(unknown).collect();
                Sent { fates, stop: Some(error.clone()), unclear: true, ..Sent::nothing() }
            }
        }
    }

    async fn send_entries(&self, entries: Vec<Entry>) -> Sent {
        let _under_way = self.shared.calls.read().await;
        if let Err(error) = self.ledger.intend(&entries).await {
            entries.iter().for_each(|entry| self.budget.release(entry.reserved));
            return Sent::refused(Arc::new(ledger_failed(error)), entries.len(), true);
        }
        let answer = self.exchange(&entries).await;
        let (outcomes, mut sent) = match answer {
            Ok(answer) => {
                self.shared.clock.learn(&answer);
                read_tasks(&entries, answer.value, self.now())
            }
            Err(error) => read_failure(&entries, Arc::new(error), self.now()),
        };
        let changes: Vec<(Tag, State)> =
            entries.iter().zip(&outcomes).map(|(entry, state)| (entry.tag.clone(), state.clone())).collect();
        if let Err(error) = self.ledger.record(&changes).await {
            // What was made is found again by `settle`, for the intents stand in the ledger; until then it is unknown.
            let error = Arc::new(ledger_failed(error));
            let unknown = |entry: &Entry| Posted::Unknown { tag: entry.tag.clone(), error: error.clone() };
            sent.fates = entries.iter().map(|entry| Fate::Posted(unknown(entry))).collect();
            sent.stop = Some(error);
            return sent;
        }
        for (entry, state) in entries.iter().zip(outcomes) {
            match state {
                State::Created { cost, .. } => self.budget.settle(entry.reserved, cost),
                State::Rejected { .. } => self.budget.release(entry.reserved),
                _ => {}
            }
        }
        sent
    }

    async fn exchange(&self, entries: &[Entry]) -> Result<Answer<Vec<Task<Value>>>> {
        let client = self.client.with(|options| options.deadline = LIFE);
        let tag = |entry: &Entry| entry.tag.with(entry.request.tag());
        let kind = entries.first().map(|entry| entry.request.kind());
        if kind == Some(Kind::Sellers) {
            let task = |entry: &Entry| match &entry.request {
                TaskRequest::Sellers(task) => Some(task.clone().tag(tag(entry))),
                TaskRequest::Asin(_) => None,
            };
            return client.exchange(SellersTaskPost::new(entries.iter().filter_map(task))).await;
        }
        let task = |entry: &Entry| match &entry.request {
            TaskRequest::Asin(task) => Some(task.clone().tag(tag(entry))),
            TaskRequest::Sellers(_) => None,
        };
        client.exchange(AsinTaskPost::new(entries.iter().filter_map(task))).await
    }
}

/// The next tasks of one kind, in their order.
fn next_chunk(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let Some(kind) = queue.front().map(|waiting| waiting.task.request.kind()) else { return Vec::new() };
    let (mut chunk, mut rest) = (Vec::new(), VecDeque::new());
    for waiting in queue.drain(..) {
        if chunk.len() < CHUNK && waiting.task.request.kind() == kind {
            chunk.push(waiting);
        } else {
            rest.push_back(waiting);
        }
    }
    *queue = rest;
    chunk
}

/// What a readable answer says about each task: matched by our tag, never by position.
fn read_tasks(entries: &[Entry], tasks: Vec<Task<Value>>, now: Timestamp) -> (Vec<State>, Sent) {
    let mut answered: HashMap<Tag, Task<Value>> =
        tasks.into_iter().filter_map(|task| Some((task.our_tag()?, task))).collect();
    let mut sent = Sent::nothing();
    let mut states = Vec::with_capacity(entries.len());
    for entry in entries {
        let tag = entry.tag.clone();
        let (state, fate) = match answered.remove(&tag) {
            Some(task) => read_task(entry, task, now, &mut sent),
            None => unknown(tag, Arc::new(Error::new(ErrorKind::Decode, "the answer does not name this task")), now),
        };
        states.push(state);
        sent.fates.push(fate);
    }
    (states, sent)
}

fn read_task(entry: &Entry, task: Task<Value>, now: Timestamp, sent: &mut Sent) -> (State, Fate) {
    let tag = entry.tag.clone();
    let fault = match task.outcome() {
        TaskOutcome::Refused(fault) if !task.is_billed() => fault,
        // Made, or at least billed: what came of it is learnt by collecting it.
        outcome => {
            let Some(id) = task.id else {
                let message = format!("a task without an id: {outcome:?}");
                return unknown(tag, Arc::new(Error::new(ErrorKind::Decode, message)), now);
            };
            let cost = task.cost.unwrap_or(entry.reserved);
            let state = State::Created { id: id.clone(), cost };
            return (state, Fate::Posted(Posted::Created { tag, id, cost }));
        }
    };
    if vendor::may_have_acted(&fault) {
        return unknown(tag, Arc::new(fault.into()), now);
    }
    let state = State::Rejected { code: fault.code.clone(), message: fault.message.clone() };
    if fault.kind == ErrorKind::Throttled || fault.code == vendor::OVER_A_HUNDRED.to_string() {
        sent.pause = sent.pause.max(fault.retry_after.unwrap_or_default());
        return (state, Fate::Again(Arc::new(fault.into())));
    }
    if stops_everything(fault.kind) {
        sent.stop = Some(Arc::new(fault.clone().into()));
    }
    (state, Fate::Posted(Posted::Rejected { tag, fault }))
}

/// What a failed call means for its tasks: nothing was done, or nobody knows.
fn read_failure(entries: &[Entry], error: Arc<Error>, now: Timestamp) -> (Vec<State>, Sent) {
    if error.may_have_been_applied() || error.fault().is_some_and(vendor::may_have_acted) {
        let (states, fates) = entries.iter().map(|entry| unknown(entry.tag.clone(), error.clone(), now)).unzip();
        return (states, Sent { fates, unclear: true, ..Sent::nothing() });
    }
    let code = error.fault().map(|fault| fault.code.clone()).unwrap_or_default();
    let state = State::Rejected { code, message: error.to_string() };
    let states = entries.iter().map(|_| state.clone()).collect();
    if error.kind() == ErrorKind::Throttled {
        let pause = error.retry_after().unwrap_or(Duration::from_secs(5));
        let fates = entries.iter().map(|_| Fate::Again(error.clone())).collect();
        return (states, Sent { fates, pause, ..Sent::nothing() });
    }
    let stops = stops_everything(error.kind());
    (states, Sent::refused(error, entries.len(), stops))
}

fn unknown(tag: Tag, error: Arc<Error>, at: Timestamp) -> (State, Fate) {
    let state = State::Unknown { reason: error.to_string(), at };
    (state, Fate::Posted(Posted::Unknown { tag, error }))
}

/// Whether the next call would end the same way.
fn stops_everything(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Auth | ErrorKind::Connect | ErrorKind::Funds | ErrorKind::NotFound)
}

impl Sent {
    fn nothing() -> Self {
        Self { fates: Vec::new(), stop: None, pause: Duration::ZERO, unclear: false }
    }

    fn refused(error: Arc<Error>, count: usize, stops: bool) -> Self {
        let fates = (0..count).map(|_| Fate::Posted(Posted::NotSent { error: error.clone() })).collect();
        Self { fates, stop: stops.then_some(error), ..Self::nothing() }
    }
}
