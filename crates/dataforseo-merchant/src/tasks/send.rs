//! One paid call: reserve, write the intent down, send once, write the outcome down.

use super::{Collected, Line, Mode, NewTask, TaskResult, Tasks, kinds, ledger_failed, post::Posted};
use crate::{Entry, Kind, State, Tag, Task, TaskOutcome, vendor};
use core_http::{Error, ErrorKind, Fault, Gate, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

/// A day, in seconds.
const DAY: i64 = 86_400;
/// How long to wait for our own limits before the next try.
const OUR_PAUSE: Duration = Duration::from_secs(5);

/// How much longer than a POST a call may take that is answered at once: the vendor takes up to two minutes.
const LIVE: Duration = Duration::from_secs(130);

/// Tasks that can go in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    kind: Kind,
    live: bool,
}

impl Lane {
    pub fn of(task: &NewTask) -> Self {
        Self { kind: task.request.kind(), live: task.mode == Some(Mode::Live) }
    }

    /// How many go in one call, where the vendor takes so many for later.
    pub fn most(self, most: usize) -> usize {
        if self.live { 1 } else { most }
    }
}

/// What a call meant for one of its tasks.
pub(super) enum Fate {
    Posted(Posted),
    /// A limit refused it, the vendor's or our own; nothing was made: to be sent again, with a new intent.
    Again {
        error: Arc<Error>,
        by_us: bool,
    },
}

/// What came of one call.
pub(super) struct Sent {
    pub fates: Vec<Fate>,
    /// Why no further call must be made.
    pub stop: Option<Arc<Error>>,
    /// How long to wait before the next call.
    pub pause: Duration,
    /// Whether its outcome could not be read.
    pub unclear: bool,
}

impl Tasks {
    /// What comes before the first paid call.
    pub(super) async fn begin(&self) -> Result<()> {
        self.adopt().await?;
        self.hear_clock().await
    }

    /// Makes one call in a task of its own: it ends in the ledger even when nobody waits for it any more.
    pub(super) async fn send(&self, lane: Lane, tasks: Vec<NewTask>) -> Sent {
        let tags: Vec<Tag> = tasks.iter().map(|_| Tag::unique()).collect();
        let (this, tagged) = (self.clone(), tags.clone().into_iter().zip(tasks).collect());
        // Whoever waits for the calls under way waits for this one too, though its task has not begun; but nobody waits here,
        // where a turn that nobody polls for would hold others up.
        let (calls, under_way) = (self.shared.calls.clone(), self.shared.calls.clone().try_read_owned().ok());
        let call = async move {
            // Before the intents are made: a settlement that is waited for must not use up their time.
            let _under_way = match under_way {
                Some(under_way) => under_way,
                None => calls.read_owned().await,
            };
            this.send_what_is_allowed(lane, tagged).await
        };
        match tokio::spawn(call.in_current_span()).await {
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

    /// Makes one call, for those tasks that say what they must and that the budget allows.
    async fn send_what_is_allowed(&self, lane: Lane, tasks: Vec<(Tag, NewTask)>) -> Sent {
        let (sent, vendor_sent) = (self.shared.clock.wall(), self.shared.clock.vendors());
        let life = SignedDuration::try_from(self.life(lane)).unwrap_or(SignedDuration::MAX);
        let not_after = sent.saturating_add(life).unwrap_or(Timestamp::MAX);
        let intent = |(tag, task): (Tag, NewTask)| {
            let refused = |rule| Posted::NotSent { error: Arc::new(Error::new(ErrorKind::Request, rule)) };
            task.request.check().map_err(|rule| Box::new(refused(rule)))?;
            let reserved = self.price(&task);
            self.purse.reserve(&tag, reserved).map_err(|over| Box::new(Posted::OverBudget(over)))?;
            let NewTask { request, label, .. } = task;
            let (live, state) = (lane.live, State::Intended);
            Ok(Entry { tag, request, label, reserved, sent, vendor_sent, not_after, live, state })
        };
        let intents: Vec<Result<Entry, Box<Posted>>> = tasks.into_iter().map(intent).collect();
        let entries: Vec<Entry> = intents.iter().filter_map(|intent| intent.as_ref().ok().cloned()).collect();
        let mut sent = if entries.is_empty() { Sent::nothing() } else { self.send_entries(lane, entries).await };
        let mut fates = std::mem::take(&mut sent.fates).into_iter();
        let fate = |intent: Result<Entry, Box<Posted>>| match intent {
            Ok(_) => fates.next(),
            Err(not_sent) => Some(Fate::Posted(*not_sent)),
        };
        sent.fates = intents.into_iter().filter_map(fate).collect();
        sent
    }

    /// How long one call may take.
    fn life(&self, lane: Lane) -> Duration {
        self.settings.life + if lane.live { LIVE } else { Duration::ZERO }
    }

    async fn send_entries(&self, lane: Lane, entries: Vec<Entry>) -> Sent {
        let begun = Instant::now();
        if let Err(error) = self.ledger.intend(&entries).await {
            entries.iter().for_each(|entry| self.purse.release(&entry.tag));
            return Sent::refused(Arc::new(ledger_failed(error)), entries.len(), true);
        }
        let line = self.lease(&entries);
        let (answer, result) = match entries.first().filter(|_| lane.live) {
            None => (kinds::post(&line, &entries).await, None),
            Some(entry) => match kinds::live(&line, entry).await {
                Ok((task, result)) => (Ok(vec![task]), result),
                Err(error) => (Err(error), None),
            },
        };
        let last = self.last_sent(&entries, begun);
        let (outcomes, mut sent) = match answer {
            Ok(tasks) => read_tasks(&entries, tasks, last, lane.live),
            Err(error) => read_failure(&entries, Arc::new(error), last, lane.live),
        };
        let changes: Vec<(Tag, State)> =
            entries.iter().zip(&outcomes).map(|(entry, state)| (entry.tag.clone(), state.clone())).collect();
        // The vendor does not keep it: it is given whatever the ledger says, and also where the task has no id. That one
        // failed says nothing that its outcome does not.
        if let (Some(result), [entry], [state]) = (result, &entries[..], &outcomes[..])
            && (state.id().is_some() || !matches!(result, TaskResult::Failed(_)))
        {
            self.shared.answers.keep(Collected { entry: Entry { state: state.clone(), ..entry.clone() }, result });
        }
        if let Err(error) = self.record(&changes).await {
            // What was made is found again by `settle`, for the intents stand in the ledger; until then it is unknown.
            let why = format!("what came of it could not be written down: {error}");
            let lost = Arc::new(Error::new(ErrorKind::Interrupted, why));
            let unknown = |entry: &Entry| Posted::Unknown { tag: entry.tag.clone(), error: lost.clone() };
            sent.fates = entries.iter().map(|entry| Fate::Posted(unknown(entry))).collect();
            sent.stop = Some(Arc::new(error));
            return sent;
        }
        sent.stop = sent.stop.map(|error| self.until_when(error));
        sent
    }

    /// The client for as long as sending the intents may begin, by both of this machine's clocks: the monotonic one does
    /// not count the time for which the machine is suspended, and the wall clock can be set back.
    fn lease(&self, entries: &[Entry]) -> Line {
        let not_after = entries.iter().map(|entry| entry.not_after).min().unwrap_or(Timestamp::MIN);
        let left = not_after.duration_since(self.shared.clock.wall());
        let line = self.line(Duration::try_from(left).unwrap_or_default());
        let shared = self.shared.clone();
        let gate = Gate::new(move || shared.clock.wall() < not_after);
        Line { client: line.client.with(|options| options.gate = Some(gate)), ..line }
    }

    /// The last moment at which tasks can have been sent, by the clock by which their intents say when that began: now,
    /// even after their lease. What began to be sent within it leaves when a suspended machine wakes.
    fn last_sent(&self, entries: &[Entry], begun: Instant) -> Timestamp {
        let Some(entry) = entries.first() else { return self.now() };
        let by_the_wall = self.shared.clock.wall().duration_since(entry.sent);
        let passed = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX).max(by_the_wall);
        entry.sent_from().saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Says when the account can go on, where the vendor's documentation does.
    fn until_when(&self, error: Arc<Error>) -> Arc<Error> {
        match error.fault().and_then(|fault| self.clears_at(fault)) {
            Some(at) => Arc::new(Error::new(ErrorKind::Funds, format!("{error}; this limit clears at {at}"))),
            None => error,
        }
    }

    /// When a limit of the account that has been reached is lifted, if that is documented: the daily limit of cost
    /// (40203) at 00:00 UTC.
    pub fn clears_at(&self, fault: &Fault) -> Option<Timestamp> {
        let midnight = Timestamp::from_second((self.now().as_second().div_euclid(DAY) + 1) * DAY).ok()?;
        (fault.code == vendor::DAILY_COST.to_string()).then_some(midnight)
    }
}

/// What a readable answer says about each task: matched by our tag, never by position, unless there can only be one.
fn read_tasks(entries: &[Entry], tasks: Vec<Task<Value>>, last: Timestamp, live: bool) -> (Vec<State>, Sent) {
    let only = entries.first().filter(|_| live).map(|entry| &entry.tag);
    let tag = |task: &Task<Value>| only.cloned().or_else(|| task.our_tag());
    let mut answered: HashMap<Tag, Task<Value>> =
        tasks.into_iter().filter_map(|task| Some((tag(&task)?, task))).collect();
    let mut sent = Sent::nothing();
    let mut states = Vec::with_capacity(entries.len());
    for entry in entries {
        let tag = entry.tag.clone();
        let (state, fate) = match answered.remove(&tag) {
            Some(task) => read_task(entry, task, last, &mut sent),
            None => unknown(tag, Arc::new(Error::new(ErrorKind::Decode, "the answer does not name this task")), last),
        };
        states.push(state);
        sent.fates.push(fate);
    }
    (states, sent)
}

fn read_task(entry: &Entry, task: Task<Value>, last: Timestamp, sent: &mut Sent) -> (State, Fate) {
    let tag = entry.tag.clone();
    let fault = match task.outcome() {
        TaskOutcome::Refused(fault) if !task.is_billed() => fault,
        // Made, or at least billed: what came of it is learnt by collecting it.
        outcome => {
            let Some(id) = task.id else {
                let message = format!("a task without an id: {outcome:?}");
                return unknown(tag, Arc::new(Error::new(ErrorKind::Decode, message)), last);
            };
            let cost = task.cost.unwrap_or(entry.reserved);
            let state = State::Created { id: id.clone(), cost };
            return (state, Fate::Posted(Posted::Created { tag, id, cost }));
        }
    };
    if vendor::may_have_acted(&fault) {
        return unknown(tag, Arc::new(fault.into()), last);
    }
    let state = State::Rejected { code: fault.code.clone(), message: fault.message.clone() };
    if fault.kind == ErrorKind::Throttled || fault.code == vendor::OVER_A_HUNDRED.to_string() {
        sent.pause = sent.pause.max(fault.retry_after.unwrap_or_default());
        return (state, Fate::Again { error: Arc::new(fault.into()), by_us: false });
    }
    if stops_everything(fault.kind) {
        sent.stop = Some(Arc::new(fault.clone().into()));
    }
    (state, Fate::Posted(Posted::Rejected { tag, fault }))
}

/// What a failed call means for its tasks: nothing was done, or nobody knows.
fn read_failure(entries: &[Entry], error: Arc<Error>, last: Timestamp, live: bool) -> (Vec<State>, Sent) {
    if error.may_have_been_applied() || error.fault().is_some_and(vendor::may_have_acted) {
        let (states, fates) = entries.iter().map(|entry| unknown(entry.tag.clone(), error.clone(), last)).unzip();
        return (states, Sent { fates, unclear: true, ..Sent::nothing() });
    }
    let code = error.fault().map(|fault| fault.code.clone()).unwrap_or_default();
    let state = State::Rejected { code, message: error.to_string() };
    let states = entries.iter().map(|_| state.clone()).collect();
    if error.kind() == ErrorKind::Throttled {
        let by_us = error.fault().is_none();
        let pause = error.retry_after().unwrap_or(OUR_PAUSE);
        let fates = entries.iter().map(|_| Fate::Again { error: error.clone(), by_us }).collect();
        return (states, Sent { fates, pause, ..Sent::nothing() });
    }
    let stops = stops_everything(error.kind());
    let mut sent = Sent::refused(error.clone(), entries.len(), stops);
    // What refuses the only task of a call was said of the task.
    if let (Some(fault), [entry], true) = (error.fault(), entries, live) {
        sent.fates = vec![Fate::Posted(Posted::Rejected { tag: entry.tag.clone(), fault: fault.clone() })];
    }
    (states, sent)
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
